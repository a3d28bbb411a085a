/* SPDX-License-Identifier: Apache-2.0 */
/* outbound.c - an inner packet to sealed datagrams in the outbox. */
#include "machine/lane.h"

#include "machine/assert.h"
#include "machine/ip.h"

#include <string.h>

static void tell_waiting(nf_lane *lane, uint32_t peer, const uint8_t *packet, size_t length)
{
    if (length > NF_WAITING_PACKET_BYTES_MAX) {
        nf_lane_drop(lane, NETRON_DROP_NO_SESSION);
        return;
    }
    nf_letter letter = {.kind = NF_LETTER_WAITING, .peer = peer};
    (void)nf_lane_post(lane, &letter, packet, length);
}

static uint32_t find_peer(nf_lane *lane, const nf_ip *ip)
{
    const nf_routes *routes = atomic_load_explicit(&lane->table->routes, memory_order_acquire);
    if (routes == NULL) {
        return NF_NO_PEER;
    }
    return ip->family == 4 ? nf_routes_find4(routes, ip->destination)
                           : nf_routes_find6(routes, ip->destination);
}

/* The session a peer's packets leave by, or NULL. */
static nf_session *find_session(nf_lane *lane, uint32_t peer, uint32_t *index)
{
    nf_table *table = lane->table;
    uint32_t slot = atomic_load_explicit(&table->peers[peer].send_slot, memory_order_acquire);
    if (slot == NF_NO_SLOT) {
        return NULL;
    }
    nf_session *session = &table->slots[slot];
    *index = atomic_load_explicit(&session->index, memory_order_acquire);
    /* A slot that was given back and filled again may be another peer's now. */
    return *index != 0 && session->peer == peer ? session : NULL;
}

bool nf_lane_route(nf_lane *lane, nf_flow *flow, const uint8_t *packet, size_t length)
{
    nf_ip ip;
    if (!nf_ip_parse(&ip, packet, length)) {
        nf_lane_drop(lane, NETRON_DROP_BAD_INNER);
        return false;
    }
    uint32_t peer = find_peer(lane, &ip);
    nf_session *session =
        peer == NF_NO_PEER ? NULL : find_session(lane, peer, &flow->session_index);
    if (session == NULL) {
        tell_waiting(lane, peer, packet, length);
        return false;
    }
    flow->session = session;
    flow->aead =
        nf_aead_cache_get(lane->aeads, session->key_identity, session->suite, session->send_key);
    nf_session_get_path(session, &flow->path);
    flow->path_mtu = atomic_load_explicit(&session->path_mtu, memory_order_relaxed);
    flow->tos = nf_tos_encapsulate(ip.tos);
    flow->clamp_mtu = nf_session_clamp_mtu(session, lane->table->mtu);
    if (atomic_load_explicit(&session->watched, memory_order_relaxed) == 0 &&
        atomic_exchange_explicit(&session->watched, 1, memory_order_relaxed) == 0) {
        nf_letter letter = {.kind = NF_LETTER_ACTIVE, .index = flow->session_index};
        if (!nf_lane_post(lane, &letter, NULL, 0)) {
            atomic_store_explicit(&session->watched, 0,
                                  memory_order_relaxed); /* the next one tells */
        }
    }
    return true;
}

/* The message that `length` more bytes go into: the last one, if they may follow there. */
static nf_departure *place(nf_outbox *outbox, const nf_flow *flow, size_t length)
{
    if (outbox->used + length > NF_OUTBOX_BYTES) {
        return NULL;
    }
    if (outbox->count > 0) {
        uint32_t last = outbox->count - 1;
        nf_departure *message = &outbox->messages[last];
        if (!outbox->closed && outbox->session_index[last] == flow->session_index &&
            message->tos == flow->tos && length <= message->segment &&
            outbox->datagrams_in_last < NF_OUTBOX_TRAIN_SEGMENTS_MAX &&
            message->length + length <= NF_OUTBOX_TRAIN_BYTES_MAX) {
            return message;
        }
    }
    if (outbox->count == NF_OUTBOX_MESSAGES_MAX) {
        return NULL;
    }
    nf_departure *message = &outbox->messages[outbox->count];
    outbox->session_index[outbox->count] = flow->session_index;
    outbox->count++;
    outbox->closed = false;
    outbox->datagrams_in_last = 0;
    *message = (nf_departure){
        .bytes = outbox->arena + outbox->used,
        .segment = (uint32_t)length,
        .to = flow->path.remote,
        .local = flow->path.local,
        .tos = flow->tos,
    };
    return message;
}

static bool seal_one(nf_lane *lane,
                     const nf_flow *flow,
                     uint8_t type,
                     uint8_t flags,
                     const uint8_t *bytes,
                     size_t length)
{
    nf_outbox *outbox = &lane->outbox;
    size_t sealed = length + NF_SESSION_OVERHEAD_BYTES;
    nf_departure *message = place(outbox, flow, sealed);
    if (message == NULL) {
        return false;
    }
    uint8_t *out = outbox->arena + outbox->used;
    size_t written =
        nf_session_seal(flow->session, flow->aead, lane->number, type, flags, bytes, length, out);
    if (__builtin_expect(written == 0, 0)) {
        nf_lane_drop(lane, NETRON_DROP_NO_SESSION);
        if (outbox->datagrams_in_last == 0) {
            outbox->count--;
        }
        return true;
    }
    outbox->used += sealed;
    outbox->datagrams_in_last++;
    outbox->closed = sealed < message->segment;
    message->length += (uint32_t)sealed;
    return true;
}

static bool seal_fragments(
    nf_lane *lane, const nf_flow *flow, const uint8_t *packet, size_t length, uint8_t flags)
{
    uint8_t piece[NF_FRAGMENT_PIECE_BYTES_MAX];
    size_t room = flow->path_mtu - NF_SESSION_OVERHEAD_BYTES;
    if (room > sizeof(piece)) {
        room = sizeof(piece);
    }
    unsigned count = nf_fragment_count(length, room);
    if (count == 0) {
        nf_lane_drop(lane, NETRON_DROP_TOO_BIG);
        return true;
    }
    nf_outbox *outbox = &lane->outbox;
    if (outbox->count + count > NF_OUTBOX_MESSAGES_MAX ||
        outbox->used + count * (room + NF_SESSION_OVERHEAD_BYTES) > NF_OUTBOX_BYTES) {
        return false; /* all pieces or none */
    }
    uint32_t id = lane->next_fragment_id;
    lane->next_fragment_id = nf_fragment_next_id(id);
    for (unsigned index = 0; index < count; index++) {
        size_t n = nf_fragment_cut(packet, length, id, index, count, flags, piece);
        bool sealed = seal_one(lane, flow, NF_TYPE_FRAGMENT, 0, piece, n);
        nf_assert(sealed);
    }
    return true;
}

bool nf_lane_seal(nf_lane *lane, nf_flow *flow, uint8_t *packet, size_t length, uint8_t flags)
{
    if (flow->clamp_mtu != 0) {
        nf_mss_clamp(packet, length, flow->clamp_mtu, false);
    }
    if (__builtin_expect(length + NF_SESSION_OVERHEAD_BYTES > flow->path_mtu, 0)) {
        return seal_fragments(lane, flow, packet, length, flags);
    }
    return seal_one(lane, flow, NF_TYPE_DATA, flags, packet, length);
}
