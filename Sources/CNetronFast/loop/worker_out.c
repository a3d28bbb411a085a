/* SPDX-License-Identifier: Apache-2.0 */
/* worker_out.c - TUN to UDP: read until it is empty, seal into trains, send. */
#include "loop/worker.h"

#include "loop/streams.h"
#include "machine/checksum.h"
#include "machine/segment.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
    READS_MAX = 64,        /* of the TUN, before the outbox is sent */
    HEAD_ROOM_BYTES = 128, /* so that the packet behind the vnet header is aligned */
    READ_BYTES_MAX = 65536,
    SEND_WAIT_MS = 10,
    SEND_WAITS_MAX = 100,
};

static void tell_refused(nf_worker *worker, bool too_big)
{
    nf_outbox *outbox = &worker->lane.outbox;
    nf_letter letter = {.kind = too_big ? NF_LETTER_TOO_BIG : NF_LETTER_REFUSED};
    for (uint32_t i = 0; i < outbox->count; i++) {
        uint32_t index = nf_outbox_session(outbox, i);
        if (index != 0 && index != letter.index) {
            letter.index = index;
            (void)nf_lane_post(&worker->lane, &letter, NULL, 0);
        }
    }
}

/* Messages that go by TCP are brought to control, which has the connections; the others move up. */
static void bring_to_streams(nf_worker *worker)
{
    nf_outbox *outbox = &worker->lane.outbox;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < outbox->count; i++) {
        const nf_departure *message = &outbox->messages[i];
        if (!nf_endpoint_is_tcp(&message->to)) {
            outbox->whose[kept] = outbox->whose[i];
            outbox->messages[kept++] = *message;
            continue;
        }
        for (uint32_t at = 0; at < message->length; at += message->segment) {
            uint32_t left = message->length - at;
            uint32_t n = left < message->segment ? left : message->segment;
            if (!nf_streams_post(worker->links.streams, &message->to, message->bytes + at, n)) {
                nf_lane_drop(&worker->lane, NETRON_DROP_QUEUE_FULL);
            }
        }
    }
    outbox->count = kept;
    worker->links.wake_control(worker->links.context);
}

/* Sends the outbox whole. A full socket is waited for, not dropped: so the TUN's queue fills, and
 * the host's own TCP slows down. */
void nf_worker_flush(nf_worker *worker)
{
    nf_outbox *outbox = &worker->lane.outbox;
    uint32_t done = 0, waits = 0;
    if (outbox->kinds != NETRON_ENDPOINT_UDP) {
        bring_to_streams(worker);
    }
    while (done < outbox->count) {
        uint32_t refused = 0;
        bool too_big = false;
        int sent = nf_udp_send(worker->udp, outbox->messages + done, outbox->count - done, &refused,
                               &too_big);
        if (refused > 0) {
            nf_lane_drop(&worker->lane, NETRON_DROP_UDP_SEND);
            tell_refused(worker, too_big);
        }
        done += sent > 0 ? (uint32_t)sent : 0;
        if (done == outbox->count) {
            break;
        }
        struct pollfd full = {.fd = worker->udp->full, .events = POLLOUT};
        if (++waits > SEND_WAITS_MAX || (poll(&full, 1, SEND_WAIT_MS) < 0 && errno != EINTR)) {
            nf_lane_drop(&worker->lane, NETRON_DROP_UDP_SEND);
            break;
        }
    }
    nf_outbox_clear(outbox);
}

static void seal(nf_worker *worker, nf_flow *flow, uint8_t *packet, size_t length, uint8_t flags)
{
    if (!nf_lane_seal(&worker->lane, flow, packet, length, flags)) {
        nf_worker_flush(worker);
        /* An empty outbox takes any packet. */
        (void)nf_lane_seal(&worker->lane, flow, packet, length, flags);
    }
}

static void seal_for_all(nf_worker *worker, uint8_t *packet, size_t length, uint8_t flags)
{
    nf_copies copies;
    nf_flow flow;
    if (nf_lane_begin_copies(&worker->lane, &copies, packet, length)) {
        while (nf_lane_next_copy(&worker->lane, &copies, &flow)) {
            seal(worker, &flow, packet, length, flags);
        }
    }
}

static void take_super(nf_worker *worker, const nf_vnet *vnet, uint8_t *packet, size_t length)
{
    nf_flow flow;
    nf_segmenter segmenter;
    nf_route_result routed = nf_lane_route(&worker->lane, &flow, packet, length);
    if (routed == NF_ROUTE_NOBODY) {
        return;
    }
    if (!nf_segment_begin(&segmenter, vnet, packet, length)) {
        nf_lane_drop(&worker->lane, NETRON_DROP_BAD_INNER);
        return;
    }
    size_t n;
    for (uint8_t *one = nf_segment_next(&segmenter, &n); one != NULL;
         one = nf_segment_next(&segmenter, &n)) {
        if (__builtin_expect(routed == NF_ROUTE_ALL, 0)) {
            seal_for_all(worker, one, n, NF_FLAG_CHECKSUMMED);
        } else {
            seal(worker, &flow, one, n, NF_FLAG_CHECKSUMMED);
        }
    }
}

static void take_packet(nf_worker *worker, const nf_vnet *vnet, uint8_t *packet, size_t length)
{
    uint8_t flags = 0;
    if ((vnet->flags & NF_VNET_NEEDS_CSUM) != 0) {
        if (!nf_checksum_complete(packet, length, vnet->checksum_start, vnet->checksum_offset)) {
            nf_lane_drop(&worker->lane, NETRON_DROP_BAD_INNER);
            return;
        }
        flags = NF_FLAG_CHECKSUMMED;
    }
    nf_flow flow;
    switch (nf_lane_route(&worker->lane, &flow, packet, length)) {
    case NF_ROUTE_ONE:
        seal(worker, &flow, packet, length, flags);
        break;
    case NF_ROUTE_ALL:
        seal_for_all(worker, packet, length, flags);
        break;
    case NF_ROUTE_NOBODY:
        break;
    }
}

bool nf_worker_drain_tun(nf_worker *worker)
{
    if (worker->tun_fd < 0 || !worker->tun_readable) {
        return false;
    }
    uint8_t *packet = worker->read_buffer + HEAD_ROOM_BYTES;
    size_t header = worker->vnet ? NF_VNET_BYTES : 0;
    unsigned reads = 0;
    for (; reads < READS_MAX; reads++) {
        ssize_t n = read(worker->tun_fd, packet - header, READ_BYTES_MAX + header);
        if (n <= (ssize_t)header) {
            worker->tun_readable = false;
            break;
        }
        nf_vnet vnet = {0};
        if (worker->vnet) {
            memcpy(&vnet, packet - header, NF_VNET_BYTES);
        }
        size_t length = (size_t)n - header;
        if (vnet.gso_type != NF_VNET_GSO_NONE) {
            take_super(worker, &vnet, packet, length);
        } else {
            take_packet(worker, &vnet, packet, length);
        }
    }
    nf_worker_flush(worker);
    return reads > 0;
}
