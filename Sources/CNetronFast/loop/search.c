/* SPDX-License-Identifier: Apache-2.0 */
/* search.c - many doors towards one endpoint, against a NAT that maps each host anew.
 *
 * Behind such a NAT nobody can be told a port. But each door that sends to the other end gets one,
 * and the other end, whose port is known, tries ports at chance: among 64,512 of which 256 lead to
 * a door, 1,024 tries find one in 98 of 100 cases (the birthday problem). The door that was found
 * stays the path's; the others are closed. */
#include "loop/control.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static nf_reclaim *reclaim_of(netron_device *device)
{
    return &device->core->table.reclaim;
}

/* --- doors ------------------------------------------------------------------------------------ */

/* The lane that hears it; whose session it is makes no difference. */
static const nf_worker *hearer_of(const netron_device *device, uint32_t number)
{
    return &device->workers[number % device->worker_count];
}

static bool open_door(netron_device *device, uint32_t number)
{
    int fd = nf_udp_open_door(&device->udp, number);
    if (fd < 0) {
        return false;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
    if (epoll_ctl(hearer_of(device, number)->doors_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        (void)nf_udp_take_door(&device->udp, number); /* no lane can have sent by it yet */
        close(fd);
        return false;
    }
    device->search.door[number] = (nf_door){.state = NF_DOOR_OPEN};
    device->search.busy++;
    return true;
}

static void close_door(netron_device *device, uint32_t number)
{
    int fd = nf_udp_take_door(&device->udp, number);
    (void)epoll_ctl(hearer_of(device, number)->doors_fd, EPOLL_CTL_DEL, fd, NULL);
    device->search.door[number] = (nf_door){
        .state = NF_DOOR_CLOSING, .fd = fd, .stamp = nf_reclaim_retire(reclaim_of(device))};
}

static void collect(netron_device *device)
{
    nf_search *search = &device->search;
    for (uint32_t i = 0; search->busy > 0 && i < NF_DOORS_MAX; i++) {
        nf_door *door = &search->door[i];
        if (door->state == NF_DOOR_CLOSING && nf_reclaim_passed(reclaim_of(device), door->stamp)) {
            close(door->fd);
            door->state = NF_DOOR_NONE;
            search->busy--;
        }
    }
}

/* Closes the doors that no path has gone by for `patience_ns`. */
static void review(netron_device *device, uint64_t now_ns, uint64_t patience_ns)
{
    bool used[NF_DOORS_MAX];
    nf_core_find_doors(device->core, used);
    for (uint32_t i = 0; i < NF_DOORS_MAX; i++) {
        nf_door *door = &device->search.door[i];
        if (door->state != NF_DOOR_OPEN || used[i]) {
            door->unused_ns = 0;
            continue;
        }
        door->unused_ns = door->unused_ns == 0 ? now_ns : door->unused_ns;
        if (now_ns - door->unused_ns >= patience_ns) {
            close_door(device, i);
        }
    }
    device->search.review_ns = now_ns + NF_DOORS_REVIEW_MS * NF_MILLISECOND_NS;
}

/* --- the search ------------------------------------------------------------------------------- */

static bool add_door(netron_device *device)
{
    nf_search *search = &device->search;
    for (uint32_t i = 0; i < NF_DOORS_MAX; i++) {
        if (search->door[i].state == NF_DOOR_NONE) {
            if (!open_door(device, i)) {
                return false;
            }
            search->doors[search->count++] = i;
            return true;
        }
    }
    return false;
}

static void send_some(netron_device *device, uint64_t now_ns)
{
    nf_search *search = &device->search;
    for (unsigned sent = 0; sent < NF_SEARCH_STEP_DOORS && search->next < NF_SEARCH_DOORS; sent++) {
        if (search->next == search->count && !add_door(device)) {
            break; /* as many as the host lets be */
        }
        uint32_t door = search->doors[search->next];
        if (nf_core_try_door(device->core, search->id, &search->endpoint, door, now_ns) !=
            NETRON_OK) {
            break; /* the queue is full: the next step goes on */
        }
        search->next++;
    }
}

static void step(netron_device *device, uint64_t now_ns)
{
    nf_search *search = &device->search;
    int relayed = nf_core_lacks_udp(device->core, search->id);
    if (relayed == NETRON_E_INVALID && !search->settled) {
        search->settled = true;
        search->end_ns = now_ns + NF_SEARCH_SETTLE_NS;
    }
    if (relayed == NETRON_E_UNKNOWN_PEER || now_ns >= search->end_ns) {
        search->active = false;
        review(device, now_ns, 0);
        return;
    }
    if (search->settled) {
        return;
    }
    if (now_ns >= search->again_ns) {
        search->next = 0;
        search->again_ns = now_ns + NF_SEARCH_AGAIN_NS;
    }
    send_some(device, now_ns);
}

int nf_search_begin(netron_device *device,
                    const uint8_t id[NETRON_ID_BYTES],
                    const netron_endpoint *endpoint)
{
    nf_search *search = &device->search;
    if (endpoint->kind != NETRON_ENDPOINT_UDP || endpoint->port == 0) {
        return NETRON_E_INVALID;
    }
    int result = nf_core_lacks_udp(device->core, id);
    if (result != NETRON_OK) {
        return result;
    }
    if (search->active || search->busy > NF_DOORS_KEPT_MAX) {
        return NETRON_E_AGAIN;
    }
    uint64_t now_ns = nf_control_now(device);
    search->active = true;
    memcpy(search->id, id, sizeof(search->id));
    search->endpoint = *endpoint;
    search->count = search->next = 0;
    search->settled = false;
    search->end_ns = now_ns + NF_SEARCH_NS;
    search->again_ns = now_ns + NF_SEARCH_AGAIN_NS;
    return NETRON_OK;
}

static void on_timer(uv_timer_t *timer)
{
    netron_device *device = timer->data;
    nf_search *search = &device->search;
    nf_control_lock(device);
    uint64_t now_ns = nf_control_now(device);
    search->armed_ms = 0;
    collect(device);
    if (search->active) {
        step(device, now_ns);
    } else if (now_ns >= search->review_ns) {
        review(device, now_ns, NF_DOOR_UNUSED_NS);
    }
    nf_search_wake(device);
    nf_control_unlock(device);
}

void nf_search_wake(netron_device *device)
{
    nf_search *search = &device->search;
    uint32_t pause_ms = search->active ? NF_SEARCH_STEP_MS : NF_DOORS_REVIEW_MS;
    bool is_idle = !search->active && search->busy == 0;
    if (is_idle || (search->armed_ms != 0 && search->armed_ms <= pause_ms)) {
        return;
    }
    search->armed_ms = pause_ms;
    uv_update_time(&device->loop);
    uv_timer_start(&search->timer, on_timer, pause_ms, 0);
}

void nf_search_stop(netron_device *device)
{
    nf_search *search = &device->search;
    for (uint32_t i = 0; i < NF_DOORS_MAX; i++) {
        if (search->door[i].state == NF_DOOR_CLOSING) {
            close(search->door[i].fd);
            search->door[i].state = NF_DOOR_NONE;
        }
    }
}
