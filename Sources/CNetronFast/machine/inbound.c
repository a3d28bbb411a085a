/* SPDX-License-Identifier: Apache-2.0 */
/* inbound.c - a datagram to an inner packet, or to a letter. */
#include "machine/lane.h"

#include "machine/ip.h"
#include "machine/link.h"

#include <string.h>

static nf_open_result drop(nf_lane *lane, unsigned why, unsigned *reason)
{
    nf_lane_drop(lane, why);
    *reason = why;
    return NF_OPEN_DROPPED;
}

/* Does the inner source belong to the peer that sent it? */
static bool is_own_source(nf_lane *lane, nf_session *session, uint32_t index, const nf_ip *ip)
{
    const nf_routes *routes = atomic_load_explicit(&lane->table->routes, memory_order_acquire);
    if (routes == NULL) {
        return false;
    }
    uint64_t number = nf_routes_number(routes);
    size_t length = ip->family == 4 ? 4 : 16;
    if (number == lane->last_source.routes && index == lane->last_source.session_index &&
        ip->family == lane->last_source.family &&
        memcmp(ip->source, lane->last_source.source, length) == 0) {
        return true;
    }
    uint32_t peer =
        ip->family == 4 ? nf_routes_find4(routes, ip->source) : nf_routes_find6(routes, ip->source);
    if (peer != session->peer) {
        return false;
    }
    lane->last_source.routes = number;
    lane->last_source.session_index = index;
    lane->last_source.family = ip->family;
    memcpy(lane->last_source.source, ip->source, length);
    return true;
}

static nf_open_result take_packet(nf_lane *lane,
                                  nf_session *session,
                                  uint32_t index,
                                  uint8_t tos,
                                  nf_inbound *inbound,
                                  unsigned *reason)
{
    nf_ip ip;
    if (!nf_ip_parse(&ip, inbound->packet, inbound->length)) {
        return drop(lane, NETRON_DROP_BAD_INNER, reason);
    }
    if (!is_own_source(lane, session, index, &ip)) {
        return drop(lane, NETRON_DROP_SPOOFED, reason);
    }
    if (__builtin_expect(lane->table->all.off, 0) &&
        nf_table_peer_of(lane->table, ip.family, ip.destination) == NF_ALL_PEERS) {
        return drop(lane, NETRON_DROP_MULTICAST, reason);
    }
    if (((ip.tos ^ tos) & 3) != 0 && !nf_tos_decapsulate(inbound->packet, tos)) {
        return drop(lane, NETRON_DROP_CONGESTED, reason);
    }
    uint16_t clamp_mtu = nf_session_clamp_mtu(session, lane->table->mtu);
    if (clamp_mtu != 0) {
        nf_mss_clamp(inbound->packet, inbound->length, clamp_mtu, false);
    }
    return NF_OPEN_PACKET;
}

static nf_open_result take_fragment(nf_lane *lane,
                                    nf_session *session,
                                    uint32_t index,
                                    uint8_t tos,
                                    nf_inbound *inbound,
                                    unsigned *reason)
{
    uint8_t flags = 0;
    switch (nf_reassembly_add(lane->reassembly, session->key_identity, inbound->packet,
                              inbound->length, lane->now_ns, &inbound->packet, &inbound->length,
                              &flags, &tos)) {
    case NF_FRAGMENT_WAIT:
        return NF_OPEN_DONE;
    case NF_FRAGMENT_WHOLE:
        inbound->checksummed = (flags & NF_FLAG_CHECKSUMMED) != 0;
        return take_packet(lane, session, index, tos, inbound, reason);
    case NF_FRAGMENT_BAD:
        break;
    }
    return drop(lane, NETRON_DROP_FRAGMENT, reason);
}

/* Who only tries another path does not say by it that it moved, nor that ours leads to it. */
static bool
tries_another(nf_session *session, const uint8_t *opened, size_t length, const nf_path *from)
{
    bool is_trial = opened[0] == NF_TYPE_LINK && length > NF_SESSION_OVERHEAD_BYTES &&
                    (opened[NF_HEADER_BYTES] == NF_LINK_CHALLENGE ||
                     opened[NF_HEADER_BYTES] == NF_LINK_RESPONSE);
    if (!is_trial) {
        return false;
    }
    nf_path known;
    nf_session_get_path(session, &known);
    return !nf_endpoint_equal(&known.remote, &from->remote);
}

/* A new highest counter: by the path, which works then, or from another place, which control
 * challenges, at most ten times a second. */
static void
note_source(nf_lane *lane, nf_session *session, const uint8_t *opened, const nf_path *from)
{
    nf_path known;
    nf_session_get_path(session, &known);
    if (nf_endpoint_equal(&known.remote, &from->remote)) {
        atomic_store_explicit(&session->path_heard_ns, lane->now_ns, memory_order_relaxed);
        return;
    }
    uint32_t now_ms = (uint32_t)(lane->now_ns / NF_MILLISECOND_NS);
    if (session->roam_told_ms != 0 &&
        now_ms - session->roam_told_ms < NF_CHECK_ACTIVE_NS / NF_MILLISECOND_NS) {
        return;
    }
    uint32_t index = nf_receiver_index_of(opened);
    session->roam_told_ms = now_ms;
    nf_letter letter = {.kind = NF_LETTER_ROAMED, .index = index, .path = *from};
    (void)nf_lane_post(lane, &letter, NULL, 0);
}

static void
note_heard(nf_lane *lane, nf_session *session, uint32_t index, uint8_t type, size_t length)
{
    uint64_t packets = atomic_load_explicit(&session->rx_packets, memory_order_relaxed);
    uint64_t bytes = atomic_load_explicit(&session->rx_bytes, memory_order_relaxed);
    atomic_store_explicit(&session->rx_packets, packets + 1, memory_order_relaxed);
    atomic_store_explicit(&session->rx_bytes, bytes + length, memory_order_relaxed);
    atomic_store_explicit(&session->heard_ns, lane->now_ns, memory_order_relaxed);
    if (type != NF_TYPE_LINK && length > 0) {
        atomic_store_explicit(&session->used_ns, lane->now_ns, memory_order_relaxed);
    }
    if (__builtin_expect(!session->confirmed, 0)) {
        nf_letter letter = {.kind = NF_LETTER_CONFIRMED, .index = index};
        session->confirmed = nf_lane_post(lane, &letter, NULL, 0); /* else the next one tells */
    }
}

static nf_open_result deliver(nf_lane *lane,
                              nf_session *session,
                              uint8_t *datagram,
                              size_t length,
                              const nf_path *from,
                              uint8_t tos,
                              nf_inbound *inbound,
                              unsigned *reason)
{
    uint32_t index = nf_receiver_index_of(datagram);
    inbound->packet = datagram + NF_HEADER_BYTES;
    inbound->length = length - NF_SESSION_OVERHEAD_BYTES;
    switch (datagram[0]) {
    case NF_TYPE_DATA:
        if (inbound->length == 0) {
            return NF_OPEN_DONE;
        }
        inbound->checksummed = (datagram[1] & NF_FLAG_CHECKSUMMED) != 0;
        return take_packet(lane, session, index, tos, inbound, reason);
    case NF_TYPE_FRAGMENT:
        return take_fragment(lane, session, index, tos, inbound, reason);
    default:
        break;
    }
    bool is_link = datagram[0] == NF_TYPE_LINK;
    if (!is_link && inbound->length > NETRON_MESSAGE_BYTES_MAX) {
        return drop(lane, NETRON_DROP_MALFORMED, reason);
    }
    nf_letter letter = {
        .kind = is_link ? NF_LETTER_LINK : NF_LETTER_CONTROL,
        .index = index,
        .length = (uint32_t)length,
        .path = *from,
    };
    /* What a probe is filled up with need not travel on. */
    bool is_long = is_link && inbound->length > NF_LINK_BODY_BYTES_MAX;
    (void)nf_lane_post(lane, &letter, inbound->packet,
                       is_long ? NF_LINK_BODY_BYTES_MAX : inbound->length);
    return NF_OPEN_DONE;
}

nf_open_result nf_lane_open(nf_lane *lane,
                            uint8_t *datagram,
                            size_t length,
                            const nf_path *from,
                            uint8_t tos,
                            nf_inbound *inbound,
                            unsigned *reason)
{
    if (length < 4 || datagram[0] < NF_TYPE_MESSAGE1 || datagram[0] > NF_TYPE_FRAGMENT) {
        if (length >= NF_RELAY_BYTES_MIN && datagram[0] == NF_TYPE_RELAY) {
            return NF_OPEN_RELAY;
        }
        if (lane->table->takes_datagrams && nf_is_foreign(datagram, length)) {
            return NF_OPEN_CONTROL;
        }
        return drop(lane, NETRON_DROP_MALFORMED, reason);
    }
    if (datagram[0] < NF_TYPE_DATA) {
        return NF_OPEN_CONTROL;
    }
    uint8_t allowed_flags = datagram[0] == NF_TYPE_DATA ? NF_FLAG_CHECKSUMMED : 0;
    if (length < NF_SESSION_OVERHEAD_BYTES || (datagram[1] & ~allowed_flags) != 0 ||
        datagram[2] != 0 || datagram[3] != 0) {
        return drop(lane, NETRON_DROP_MALFORMED, reason);
    }
    uint32_t index = nf_receiver_index_of(datagram);
    nf_session *session = nf_table_find(lane->table, index);
    if (session == NULL) {
        return drop(lane, NETRON_DROP_UNKNOWN_INDEX, reason);
    }
    if (session->owner != lane->number) {
        return NF_OPEN_STRAY;
    }
    uint64_t counter = nf_load_le64(datagram + 8);
    nf_aead *aead = nf_aead_cache_get(lane->aeads, session->key_identity + 1, session->suite,
                                      session->receive_key);
    if (!nf_aead_open(aead, datagram + NF_HEADER_BYTES, datagram + NF_HEADER_BYTES,
                      length - NF_HEADER_BYTES, datagram, NF_HEADER_BYTES, counter)) {
        return drop(lane, NETRON_DROP_FORGED, reason);
    }
    nf_replay *window = &session->windows[counter >> (64 - NF_LANE_BITS)];
    uint64_t sequence = counter & NF_SEQUENCE_MASK;
    bool newest = sequence >= window->next;
    if (!nf_replay_take(window, session->window_bits, sequence)) {
        return drop(lane, NETRON_DROP_REPLAYED, reason);
    }
    if (!tries_another(session, datagram, length, from)) {
        note_heard(lane, session, index, datagram[0], length - NF_SESSION_OVERHEAD_BYTES);
        if (newest) {
            note_source(lane, session, datagram, from);
        }
    }
    return deliver(lane, session, datagram, length, from, tos, inbound, reason);
}
