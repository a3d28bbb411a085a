/* SPDX-License-Identifier: Apache-2.0 */
/* worker_in.c - UDP to TUN, or on to others: receive trains, open each datagram, join segments,
 * write. */
#include "loop/worker.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DOORS_BATCH = 16 /* doors that are read from in one round */ };

/* A packet alone leaves with its vnet header in one piece: that lies over the end of the header
 * that the packet came with, which nobody reads any more. writev() takes 0.1 us longer. */
static ssize_t write_single(const nf_worker *worker, const nf_piece *piece, const nf_vnet *vnet)
{
    _Static_assert((int)NF_VNET_BYTES <= (int)NF_HEADER_BYTES,
                   "the vnet header must fit before a packet");
    if (!worker->vnet) {
        return write(worker->tun_fd, piece->bytes, piece->length);
    }
    uint8_t *begin = piece->bytes - NF_VNET_BYTES;
    memcpy(begin, vnet, NF_VNET_BYTES);
    return write(worker->tun_fd, begin, NF_VNET_BYTES + piece->length);
}

static ssize_t
write_pieces(const nf_worker *worker, const nf_piece *pieces, uint32_t count, nf_vnet *vnet)
{
    struct iovec vector[1 + NF_JOIN_PIECES_MAX];
    uint32_t used = 0;
    if (worker->vnet) {
        vector[used++] = (struct iovec){vnet, NF_VNET_BYTES};
    }
    for (uint32_t i = 0; i < count; i++) {
        vector[used++] = (struct iovec){pieces[i].bytes, pieces[i].length};
    }
    return writev(worker->tun_fd, vector, (int)used);
}

/* `in_datagram`: what is pending lies where it was received, behind its datagrams' headers. */
static void write_pending(nf_worker *worker, bool in_datagram)
{
    const nf_piece *pieces;
    nf_vnet vnet;
    uint32_t count = nf_join_take(&worker->joiner, &pieces, &vnet);
    if (count == 0) {
        return;
    }
    ssize_t written = count == 1 && in_datagram ? write_single(worker, pieces, &vnet)
                                                : write_pieces(worker, pieces, count, &vnet);
    if (written < 0) {
        nf_lane_drop(&worker->lane, NETRON_DROP_TUN_WRITE);
    }
}

/* `stays`: the packet lies in its datagram, in the receiver's buffers, until the end of the batch.
 * What is pending always does. */
static void deliver(nf_worker *worker, const nf_inbound *inbound, bool stays)
{
    if (worker->tun_fd < 0) {
        nf_lane_drop(&worker->lane, NETRON_DROP_TUN_WRITE);
        return;
    }
    if (!nf_join_add(&worker->joiner, inbound->packet, inbound->length, inbound->checksummed)) {
        write_pending(worker, true);
        (void)nf_join_add(&worker->joiner, inbound->packet, inbound->length, inbound->checksummed);
    }
    if (!stays || !worker->joins) {
        write_pending(worker, stays);
    }
}

static void bring_to_control(
    nf_worker *worker, const uint8_t *datagram, size_t length, const nf_path *from, uint8_t tos)
{
    /* They shall not fill the mailbox that handshakes come by. */
    if (datagram[0] > NF_TYPE_FRAGMENT &&
        !nf_rate_take(&worker->datagram_rate, NF_DATAGRAM_PER_SECOND, NF_DATAGRAM_LETTERS_BURST,
                      worker->lane.now_ns)) {
        nf_lane_drop(&worker->lane, NETRON_DROP_DATAGRAM);
        return;
    }
    nf_letter letter = {
        .kind = NF_LETTER_DATAGRAM, .tos = tos, .length = (uint32_t)length, .path = *from};
    (void)nf_lane_post(&worker->lane, &letter, datagram, length);
}

static void bring_to_lane(
    nf_worker *worker, const uint8_t *datagram, size_t length, const nf_path *from, uint8_t tos)
{
    if (!nf_worker_bring(&worker->links, datagram, length, from, tos)) {
        nf_lane_drop(&worker->lane, NETRON_DROP_QUEUE_FULL);
    }
}

static void take_relayed(nf_worker *worker,
                         uint8_t *datagram,
                         size_t length,
                         const nf_path *from,
                         uint8_t tos,
                         bool in_batch);

/* `in_batch`: the datagram lies in the receiver's buffers, not in a letter. */
static void take(nf_worker *worker,
                 uint8_t *datagram,
                 size_t length,
                 const nf_path *from,
                 uint8_t tos,
                 bool in_batch)
{
    nf_inbound inbound;
    unsigned reason;
    switch (nf_lane_open(&worker->lane, datagram, length, from, tos, &inbound, &reason)) {
    case NF_OPEN_PACKET: {
        bool in_datagram = inbound.packet == datagram + NF_HEADER_BYTES;
        deliver(worker, &inbound, in_batch && in_datagram);
        break;
    }
    case NF_OPEN_CONTROL:
        bring_to_control(worker, datagram, length, from, tos);
        break;
    case NF_OPEN_STRAY:
        bring_to_lane(worker, datagram, length, from, tos);
        break;
    case NF_OPEN_RELAY:
        take_relayed(worker, datagram, length, from, tos, in_batch);
        break;
    case NF_OPEN_DONE:
    case NF_OPEN_DROPPED:
        break;
    }
}

/* What is carried is no RELAY itself: take() comes here once. */
static void take_relayed(nf_worker *worker,
                         uint8_t *datagram,
                         size_t length,
                         const nf_path *from,
                         uint8_t tos,
                         bool in_batch)
{
    nf_path through;
    unsigned reason;
    nf_relay_result result =
        nf_lane_relay(&worker->lane, datagram, length, from, tos, &through, &reason);
    if (result == NF_RELAY_FULL) {
        nf_worker_flush(worker);
        result = nf_lane_relay(&worker->lane, datagram, length, from, tos, &through, &reason);
    }
    switch (result) {
    case NF_RELAY_ARRIVED:
        take(worker, datagram + NF_CIRCUIT_SHIM_BYTES, length - NF_CIRCUIT_SHIM_BYTES, &through,
             tos, in_batch);
        break;
    case NF_RELAY_STRAY:
        bring_to_lane(worker, datagram, length, from, tos);
        break;
    case NF_RELAY_SENT:
    case NF_RELAY_DROPPED:
    case NF_RELAY_FULL: /* an empty outbox takes any datagram */
        break;
    }
}

/* What a batch brought for others leaves with it. */
static void send_relayed(nf_worker *worker)
{
    if (worker->lane.outbox.count > 0) {
        nf_worker_flush(worker);
    }
}

static int drain_socket(nf_worker *worker, nf_udp *udp, uint32_t door)
{
    nf_arrival *arrivals;
    int count = nf_udp_receive(udp, worker->receiver, &arrivals);
    for (int i = 0; i < count; i++) {
        nf_arrival *arrival = &arrivals[i];
        nf_path from = {.remote = arrival->from, .local = arrival->local};
        from.local.door = door;
        for (uint32_t at = 0; at < arrival->length; at += arrival->segment) {
            uint32_t left = arrival->length - at;
            uint32_t n = left < arrival->segment ? left : arrival->segment;
            take(worker, arrival->bytes + at, n, &from, arrival->tos, true);
        }
        if (udp == worker->udp) {
            nf_direct_count(&worker->direct, arrival);
        }
    }
    write_pending(worker, true);
    send_relayed(worker);
    return count;
}

/* A batch that is not full emptied the socket. */
static bool drain_if(nf_worker *worker, nf_udp *udp, bool *readable)
{
    if (!*readable) {
        return false;
    }
    int count = drain_socket(worker, udp, 0);
    *readable = count == NF_UDP_RECEIVE_BATCH;
    return count > 0;
}

static bool drain_doors(nf_worker *worker)
{
    if (!worker->doors_readable) {
        return false;
    }
    struct epoll_event events[DOORS_BATCH];
    int count = epoll_wait(worker->doors_fd, events, DOORS_BATCH, 0);
    for (int i = 0; i < count; i++) {
        uint32_t number = events[i].data.u32;
        int fd = atomic_load_explicit(&worker->udp->doors->fd[number], memory_order_acquire);
        if (fd >= 0) {
            nf_udp door = {.fd = fd, .dual = worker->udp->dual};
            (void)drain_socket(worker, &door, 1 + number);
        }
    }
    worker->doors_readable = count > 0;
    return count > 0;
}

bool nf_worker_drain_udp(nf_worker *worker)
{
    nf_direct *direct = &worker->direct;
    bool any = drain_if(worker, worker->udp, &worker->udp_readable);
    any |= drain_doors(worker);
    if (direct->open && drain_if(worker, &direct->udp, &worker->direct_readable)) {
        direct->heard_ns = worker->lane.now_ns;
        any = true;
    }
    return any;
}

bool nf_worker_drain_inbox(nf_worker *worker)
{
    bool any = false;
    size_t length;
    uint8_t *bytes;
    while ((bytes = nf_mailbox_peek(worker->inbox, &length)) != NULL) {
        nf_letter letter;
        memcpy(&letter, bytes, sizeof(letter));
        take(worker, bytes + sizeof(letter), length - sizeof(letter), &letter.path, letter.tos,
             false);
        nf_mailbox_drop(worker->inbox);
        any = true;
    }
    send_relayed(worker);
    return any;
}
