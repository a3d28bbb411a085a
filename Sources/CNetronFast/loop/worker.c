/* SPDX-License-Identifier: Apache-2.0 */
/* worker.c - the thread of a lane: sleeps in its loop, drains both directions when woken. */
#include "loop/worker.h"

#include "loop/clock.h"
#include "machine/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    READ_BUFFER_BYTES = 65536 + 256,
    ROUNDS_MAX = 32, /* of both directions, before the loop looks at its other events */
};

int nf_worker_init(nf_worker *worker,
                   nf_table *table,
                   uint32_t number,
                   nf_aead_backend backend,
                   const nf_worker_links *links)
{
    memset(worker, 0, sizeof(*worker));
    worker->tun_fd = -1;
    worker->doors_fd = -1;
    worker->links = *links;
    if (!nf_lane_init(&worker->lane, table, number, backend)) {
        return -ENOMEM;
    }
    worker->lane.control = links->control;
    worker->lane.wake_control = links->wake_control;
    worker->lane.wake_context = links->context;
    worker->receiver = nf_receiver_new();
    worker->read_buffer = aligned_alloc(64, READ_BUFFER_BYTES);
    worker->inbox = nf_mailbox_new(NF_LETTERS_MAX, NF_LETTER_BYTES_MAX);
    bool whole = worker->receiver != NULL && worker->read_buffer != NULL && worker->inbox != NULL;
    return whole ? 0 : -ENOMEM;
}

static void on_readable(uv_poll_t *poll, int status, int events);

/* Both directions in turn until neither has work. While it runs the lane is online: what it reads
 * of the table stays; it says so anew each round, so that control never waits for more than one. */
static void work(nf_worker *worker)
{
    nf_reclaim *reclaim = &worker->lane.table->reclaim;
    bool busy = true;
    for (unsigned round = 0; busy && round < ROUNDS_MAX; round++) {
        nf_reclaim_online(reclaim, worker->lane.number);
        worker->lane.now_ns = nf_clock_now();
        /* Where trains arrive a second look is worth its call: it finds the next one before the
         * thread sleeps. Where datagrams come one by one it finds nothing, time and again. */
        if (!worker->direct.open) {
            worker->tun_readable = true;
            worker->udp_readable = true;
        }
        busy = nf_worker_drain_inbox(worker);
        busy |= nf_worker_drain_tun(worker);
        busy |= nf_worker_drain_udp(worker);
    }
    nf_reclaim_offline(reclaim, worker->lane.number);
    nf_direct_review(worker, on_readable);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    nf_worker *worker = poll->data;
    if (status == 0) {
        worker->tun_readable |= poll == &worker->tun_poll;
        worker->udp_readable |= poll == &worker->udp_poll;
        worker->direct_readable |= poll == &worker->direct.poll;
        worker->doors_readable |= poll == &worker->doors_poll;
        work(worker);
    } else if (poll == &worker->tun_poll) {
        uv_poll_stop(poll); /* the interface was removed under us */
    }
}

static void on_wake(uv_async_t *wake)
{
    nf_worker *worker = wake->data;
    if (atomic_load_explicit(&worker->stopping, memory_order_acquire)) {
        uv_stop(&worker->loop);
        return;
    }
    work(worker);
}

static void *run(void *context)
{
    nf_worker *worker = context;
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* Control opens and closes doors while the loop runs, which only watches whether any is readable.
 */
static int watch_doors(nf_worker *worker)
{
    worker->doors_fd = epoll_create1(EPOLL_CLOEXEC);
    if (worker->doors_fd < 0) {
        return -errno;
    }
    worker->doors_poll.data = worker;
    int error = uv_poll_init(&worker->loop, &worker->doors_poll, worker->doors_fd);
    return error == 0 ? uv_poll_start(&worker->doors_poll, UV_READABLE, on_readable) : error;
}

static int make_loop(nf_worker *worker)
{
    int error = uv_loop_init(&worker->loop);
    if (error != 0) {
        return error;
    }
    worker->loop_made = true;
    worker->wake.data = worker;
    worker->udp_poll.data = worker;
    worker->tun_poll.data = worker;
    error = uv_async_init(&worker->loop, &worker->wake, on_wake);
    if (error == 0) {
        error = uv_poll_init(&worker->loop, &worker->udp_poll, worker->udp->fd);
    }
    if (error == 0) {
        error = uv_poll_start(&worker->udp_poll, UV_READABLE, on_readable);
    }
    if (error == 0 && worker->tun_fd >= 0) {
        error = uv_poll_init(&worker->loop, &worker->tun_poll, worker->tun_fd);
        if (error == 0) {
            error = uv_poll_start(&worker->tun_poll, UV_READABLE, on_readable);
        }
    }
    return error == 0 ? watch_doors(worker) : error;
}

int nf_worker_start(nf_worker *worker, const nf_tun *tun, nf_udp *udp)
{
    worker->udp = udp;
    if (tun != NULL) {
        worker->tun_fd = tun->fd[worker->lane.number];
        worker->vnet = (tun->offloads & NETRON_OFFLOAD_VNET) != 0;
        worker->joins = (tun->offloads & NETRON_OFFLOAD_TSO) != 0;
    }
    int error = make_loop(worker);
    if (error == 0) {
        error = -pthread_create(&worker->thread, NULL, run, worker);
    }
    worker->running = error == 0;
    return error;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void nf_worker_stop(nf_worker *worker)
{
    if (worker->running) {
        atomic_store_explicit(&worker->stopping, true, memory_order_release);
        uv_async_send(&worker->wake);
        pthread_join(worker->thread, NULL);
    }
    if (worker->loop_made) {
        uv_walk(&worker->loop, close_handle, NULL);
        uv_run(&worker->loop, UV_RUN_DEFAULT);
        int busy = uv_loop_close(&worker->loop);
        nf_assert(busy == 0);
        nf_direct_free(&worker->direct);
    }
    if (worker->doors_fd >= 0) {
        close(worker->doors_fd);
    }
    if (worker->lane.table != NULL) {
        nf_lane_free(&worker->lane);
    }
    nf_receiver_free(worker->receiver);
    nf_mailbox_free(worker->inbox);
    free(worker->read_buffer);
    memset(worker, 0, sizeof(*worker));
    worker->tun_fd = -1;
    worker->doors_fd = -1;
}

bool nf_worker_bring(const nf_worker_links *links,
                     const uint8_t *datagram,
                     size_t length,
                     const nf_path *from,
                     uint8_t tos)
{
    uint32_t owner = nf_receiver_index_of(datagram) & (NF_LANE_COUNT - 1);
    if (owner >= links->count) {
        return false;
    }
    nf_letter letter = {
        .kind = NF_LETTER_DATAGRAM, .tos = tos, .length = (uint32_t)length, .path = *from};
    if (!nf_mailbox_post(links->workers[owner].inbox, &letter, sizeof(letter), datagram, length)) {
        return false;
    }
    uv_async_send(&links->workers[owner].wake);
    return true;
}
