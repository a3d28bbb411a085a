/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - the control thread: handshakes, timers, letters of the lanes. */
#include "loop/control.h"

#include "linux/interface.h"
#include "loop/clock.h"
#include "machine/assert.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    RECEIVES_MAX = 16,      /* batches of one turn */
    CLOCK_CHECK_MS = 10000, /* how often the wall clock is read: it may be set */
};

int nf_control_error(int negative_errno)
{
    switch (-negative_errno) {
    case 0:
        return NETRON_OK;
    case EPERM:
    case EACCES:
        return NETRON_E_NOT_PERMITTED;
    case EADDRINUSE:
    case EBUSY:
    case EEXIST:
        return NETRON_E_IN_USE;
    case ENOMEM:
        return NETRON_E_NO_MEMORY;
    case EINVAL:
        return NETRON_E_INVALID;
    case ENOENT:
    case ENODEV:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
        return NETRON_E_UNSUPPORTED;
    default:
        return NETRON_E_SYSTEM;
    }
}

/* --- what the machine has for others ---------------------------------------------------------- */

static bool send_by_tcp(netron_device *device, const nf_outgoing *outgoing)
{
    bool sent = device->streams != NULL &&
                nf_streams_post(nf_streams_mailbox(device->streams), &outgoing->path.remote,
                                outgoing->bytes, outgoing->length);
    if (sent) {
        uv_async_send(&device->async);
    }
    return sent;
}

static void send_outgoing(netron_device *device)
{
    nf_outgoing *outgoing;
    while ((outgoing = nf_core_outgoing(device->core)) != NULL) {
        if (outgoing->length > 0 && nf_endpoint_is_tcp(&outgoing->path.remote)) {
            if (!send_by_tcp(device, outgoing)) {
                nf_core_drop(device->core, NETRON_DROP_QUEUE_FULL);
            }
            nf_core_outgoing_drop(device->core);
            continue;
        }
        nf_departure message = {
            .bytes = outgoing->bytes,
            .length = outgoing->length,
            .segment = outgoing->length,
            .to = outgoing->path.remote,
            .local = outgoing->path.local,
            .tos = outgoing->tos,
        };
        uint32_t refused = 0;
        bool too_big = false;
        int sent = outgoing->length == 0
                       ? 1
                       : nf_udp_send(&device->udp.socket[0], &message, 1, &refused, &too_big);
        if (refused > 0 && !too_big && !nf_local_is_any(&message.local)) {
            message.local = nf_local_any(&message.local); /* ours is gone: any other may do */
            sent = nf_udp_send(&device->udp.socket[0], &message, 1, &refused, &too_big);
        }
        if (sent < 1 || (refused > 0 && !too_big)) {
            /* Handshakes and echoes are repeated by their timers: nothing waits here. */
            nf_core_drop(device->core, NETRON_DROP_UDP_SEND);
        }
        nf_core_outgoing_drop(device->core);
    }
}

static void write_host_packets(netron_device *device)
{
    nf_host_packet *packet;
    while ((packet = nf_core_host_packet(device->core)) != NULL) {
        if (device->has_tun && packet->length > 0) {
            static const uint8_t vnet[NF_VNET_BYTES];
            bool header = (device->tun.offloads & NETRON_OFFLOAD_VNET) != 0;
            struct iovec vector[2] = {
                {(void *)(uintptr_t)vnet, header ? sizeof(vnet) : 0},
                {packet->bytes, packet->length},
            };
            if (writev(device->tun.fd[0], vector, 2) < 0) {
                nf_core_drop(device->core, NETRON_DROP_TUN_WRITE);
            }
        }
        nf_core_host_packet_drop(device->core);
    }
}

void nf_control_lock(netron_device *device)
{
    int error = pthread_mutex_lock(&device->lock);
    nf_assert(error == 0);
}

uint64_t nf_control_now(netron_device *device)
{
    uint64_t now_ns = nf_clock_now();
    device->now_ns = now_ns > device->now_ns ? now_ns : device->now_ns;
    return device->now_ns;
}

void nf_control_unlock(netron_device *device)
{
    send_outgoing(device);
    write_host_packets(device);
    uint64_t deadline = nf_core_deadline(device->core);
    void (*wake)(void *context) = nf_core_has_news(device->core) ? device->wake : NULL;
    int error = pthread_mutex_unlock(&device->lock);
    nf_assert(error == 0);
    if (deadline < atomic_load_explicit(&device->armed_ns, memory_order_relaxed)) {
        uv_async_send(&device->async);
    }
    if (wake != NULL) {
        wake(device->wake_context);
    }
}

/* --- the thread ------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

void nf_control_arm(netron_device *device)
{
    nf_control_lock(device);
    uint64_t deadline = nf_core_deadline(device->core);
    uint64_t now_ns = nf_control_now(device);
    atomic_store_explicit(&device->armed_ns, deadline, memory_order_relaxed);
    nf_control_unlock(device);
    if (deadline == UINT64_MAX) {
        uv_timer_stop(&device->timer);
        return;
    }
    uint64_t wait_ns = deadline > now_ns ? deadline - now_ns : 0;
    uv_update_time(&device->loop);
    uv_timer_start(&device->timer, on_timer, (wait_ns + NF_MILLISECOND_NS - 1) / NF_MILLISECOND_NS,
                   0);
}

static void on_timer(uv_timer_t *timer)
{
    netron_device *device = timer->data;
    nf_control_lock(device);
    nf_core_tick(device->core, nf_control_now(device));
    nf_control_unlock(device);
    nf_control_arm(device);
}

static void on_clock(uv_timer_t *timer)
{
    netron_device *device = timer->data;
    uint64_t wall_ms = nf_clock_wall_ms();
    nf_control_lock(device);
    if (wall_ms != 0 && !device->time_is_told) {
        nf_core_set_time(device->core, wall_ms, nf_control_now(device));
    }
    nf_control_unlock(device);
}

static void take_letter(netron_device *device, const uint8_t *bytes, size_t length)
{
    nf_letter letter;
    memcpy(&letter, bytes, sizeof(letter));
    const uint8_t *body = bytes + sizeof(letter);
    size_t body_length = length - sizeof(letter);
    uint64_t now_ns = nf_control_now(device);
    if (letter.kind == NF_LETTER_DATAGRAM) {
        (void)nf_core_datagram(device->core, body, body_length, &letter.path, now_ns);
    } else {
        nf_core_letter(device->core, &letter, body, body_length, now_ns);
    }
}

static void on_async(uv_async_t *async)
{
    netron_device *device = async->data;
    if (atomic_load_explicit(&device->stopping, memory_order_acquire)) {
        if (device->streams != NULL) {
            nf_streams_drain(device->streams); /* the last farewells */
        }
        uv_stop(&device->loop);
        return;
    }
    nf_control_lock(device);
    size_t length;
    const uint8_t *bytes;
    while ((bytes = nf_mailbox_peek(device->letters, &length)) != NULL) {
        take_letter(device, bytes, length);
        nf_mailbox_drop(device->letters);
    }
    nf_table_collect(&device->core->table);
    nf_search_wake(device);
    nf_control_unlock(device);
    if (device->streams != NULL) {
        nf_streams_drain(device->streams);
    }
    nf_control_arm(device);
}

void nf_control_take(
    netron_device *device, const uint8_t *bytes, uint32_t length, const nf_path *path, uint8_t tos)
{
    if (length >= NF_SESSION_OVERHEAD_BYTES && bytes[0] >= NF_TYPE_DATA &&
        bytes[0] <= NF_TYPE_RELAY) {
        /* The filter is not there, or a train was merged over it. */
        nf_worker_links links = device->workers[0].links;
        if (!nf_worker_bring(&links, bytes, length, path, tos)) {
            nf_core_drop(device->core, NETRON_DROP_QUEUE_FULL);
        }
        return;
    }
    (void)nf_core_datagram(device->core, bytes, length, path, nf_control_now(device));
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    netron_device *device = poll->data;
    if (status != 0) {
        return;
    }
    nf_control_lock(device);
    for (unsigned round = 0; round < RECEIVES_MAX; round++) {
        nf_arrival *arrivals;
        int count = nf_udp_receive(&device->udp.socket[0], device->receiver, &arrivals);
        for (int i = 0; i < count; i++) {
            nf_path path = {.remote = arrivals[i].from, .local = arrivals[i].local};
            for (uint32_t at = 0; at < arrivals[i].length; at += arrivals[i].segment) {
                uint32_t left = arrivals[i].length - at;
                uint32_t n = left < arrivals[i].segment ? left : arrivals[i].segment;
                nf_control_take(device, arrivals[i].bytes + at, n, &path, arrivals[i].tos);
            }
        }
        if (count < NF_UDP_RECEIVE_BATCH) {
            break;
        }
        send_outgoing(device); /* a flood of questions must not fill the queue of answers */
    }
    nf_control_unlock(device);
    nf_control_arm(device);
}

/* The host has another address or route: each peer hears from us at once, so that it notices where
 * we are now. */
static void on_watch(uv_poll_t *poll, int status, int events)
{
    (void)events;
    netron_device *device = poll->data;
    if (status != 0 || !nf_netlink_changed(device->watch_fd)) {
        return;
    }
    nf_control_lock(device);
    nf_core_host_changed(device->core, nf_control_now(device));
    nf_control_unlock(device);
    nf_control_arm(device);
}

static void *run(void *context)
{
    netron_device *device = context;
    nf_control_arm(device);
    uv_run(&device->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* A host without rtnetlink is served too, only slower when it moves. */
static int watch_host(netron_device *device)
{
    device->watch_fd = nf_netlink_watch();
    if (device->watch_fd < 0) {
        return 0;
    }
    device->watch_poll.data = device;
    int error = uv_poll_init(&device->loop, &device->watch_poll, device->watch_fd);
    return error == 0 ? uv_poll_start(&device->watch_poll, UV_READABLE, on_watch) : error;
}

int nf_control_init(netron_device *device)
{
    int error = uv_loop_init(&device->loop);
    if (error != 0) {
        return error;
    }
    device->loop_made = true;
    device->async.data = device;
    device->timer.data = device;
    device->clock_timer.data = device;
    device->search.timer.data = device;
    device->poll.data = device;
    error = uv_async_init(&device->loop, &device->async, on_async);
    if (error == 0) {
        error = uv_timer_init(&device->loop, &device->timer);
    }
    if (error == 0) {
        error = uv_timer_init(&device->loop, &device->clock_timer);
    }
    if (error == 0) {
        error = uv_timer_init(&device->loop, &device->search.timer);
    }
    if (error == 0) {
        error = uv_timer_start(&device->clock_timer, on_clock, 0, CLOCK_CHECK_MS);
    }
    if (error == 0) {
        error = uv_poll_init(&device->loop, &device->poll, device->udp.socket[0].fd);
    }
    if (error == 0) {
        error = uv_poll_start(&device->poll, UV_READABLE, on_readable);
    }
    if (error == 0 && device->streams != NULL) {
        error = nf_streams_start(device->streams, device, device->udp.port);
    }
    return error == 0 ? watch_host(device) : error;
}

int nf_control_start(netron_device *device)
{
    int error = -pthread_create(&device->thread, NULL, run, device);
    device->running = error == 0;
    return error;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void nf_control_stop(netron_device *device)
{
    if (device->running) {
        atomic_store_explicit(&device->stopping, true, memory_order_release);
        uv_async_send(&device->async);
        pthread_join(device->thread, NULL);
        device->running = false;
    }
}

void nf_control_free(netron_device *device)
{
    if (device->loop_made) {
        if (device->streams != NULL) {
            nf_streams_stop(device->streams);
        }
        uv_walk(&device->loop, close_handle, NULL);
        uv_run(&device->loop, UV_RUN_DEFAULT);
        int busy = uv_loop_close(&device->loop);
        nf_assert(busy == 0);
    }
    if (device->watch_fd >= 0) {
        close(device->watch_fd);
    }
}
