/* SPDX-License-Identifier: Apache-2.0 */
/* direct.c - when a lane has a socket for one peer alone, and when no longer. */
#include "loop/worker.h"

#include "machine/limits.h"

#include <string.h>
#include <unistd.h>

enum { LEAD_MIN = 500 /* lone datagrams of one peer ahead of all others', in a window */ };
#define WINDOW_NS (50 * NF_MILLISECOND_NS)
#define UNUSED_NS (10 * NF_SECOND_NS) /* then it is closed */

void nf_direct_count(nf_direct *direct, const nf_arrival *arrival)
{
    if (arrival->segment < arrival->length) {
        return; /* a train */
    }
    if (nf_endpoint_equal(&arrival->from, &direct->leader)) {
        direct->lead++;
    } else if (direct->lead > 0) {
        direct->lead--;
    } else {
        direct->leader = arrival->from;
        direct->leader_local = arrival->local;
        direct->lead = 1;
    }
}

static void on_closed(uv_handle_t *handle)
{
    nf_worker *worker = handle->data;
    worker->direct.closing = false;
}

static void shut(nf_direct *direct)
{
    direct->open = false;
    direct->closing = true;
    uv_close((uv_handle_t *)&direct->poll, on_closed);
    close(direct->udp.fd); /* allowed as soon as uv_close() returned */
    direct->udp.fd = -1;
}

static void open_to_leader(nf_worker *worker, uv_poll_cb on_readable)
{
    nf_direct *direct = &worker->direct;
    nf_udp udp;
    if (nf_udp_open_direct(&udp, worker->udp, &direct->leader, &direct->leader_local) != 0) {
        return; /* the open socket goes on to hear everybody */
    }
    if (uv_poll_init(&worker->loop, &direct->poll, udp.fd) != 0) {
        close(udp.fd);
        return;
    }
    direct->poll.data = worker;
    direct->udp = udp;
    direct->open = true;
    direct->remote = direct->leader;
    direct->heard_ns = worker->lane.now_ns;
    if (uv_poll_start(&direct->poll, UV_READABLE, on_readable) != 0) {
        shut(direct);
    }
}

void nf_direct_review(nf_worker *worker, uv_poll_cb on_readable)
{
    nf_direct *direct = &worker->direct;
    uint64_t now_ns = worker->lane.now_ns;
    /* With several lanes it would take the datagrams of all of them: a peer's next session may have
     * another owner. */
    if (worker->links.count > 1 || now_ns - direct->window_ns < WINDOW_NS) {
        return;
    }
    bool leads = direct->lead >= LEAD_MIN && now_ns - direct->window_ns < 4 * WINDOW_NS;
    /* What its own peer sent before it was there is still read from the open one. */
    bool by_another = leads && !nf_endpoint_equal(&direct->leader, &direct->remote);
    if (direct->open && (by_another || now_ns - direct->heard_ns > UNUSED_NS)) {
        shut(direct); /* what is in it is lost */
    } else if (leads && !direct->open && !direct->closing) {
        open_to_leader(worker, on_readable);
    }
    direct->window_ns = now_ns;
    direct->lead = 0;
}

void nf_direct_free(nf_direct *direct)
{
    if (direct->open) {
        close(direct->udp.fd);
        direct->open = false;
    }
}
