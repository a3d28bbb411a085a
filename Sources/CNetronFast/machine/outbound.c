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

/* Behind a circuit's shim the datagrams go to its neighbour. */
static bool go_by_circuit(nf_lane *lane, nf_train *train)
{
    const nf_circuit *circuit = nf_table_circuit(lane->table, train->path.remote.scope);
    if (circuit == NULL || !nf_table_way_out(lane->table, circuit, &train->path)) {
        nf_lane_drop(lane, NETRON_DROP_NO_CIRCUIT);
        return false;
    }
    train->circuit = circuit->out_id;
    return true;
}

/* The flow to a peer that has a session. False if its circuit is gone. */
static bool make_flow(nf_lane *lane, nf_flow *flow, nf_session *session, uint8_t tos)
{
    nf_train *train = &flow->train;
    flow->session = session;
    flow->aead =
        nf_aead_cache_get(lane->aeads, session->key_identity, session->suite, session->send_key);
    nf_session_get_path(session, &train->path);
    train->circuit = 0;
    if (__builtin_expect(nf_endpoint_is_circuit(&train->path.remote), 0) &&
        !go_by_circuit(lane, train)) {
        return false;
    }
    train->tos = nf_tos_encapsulate(tos);
    flow->path_mtu = atomic_load_explicit(&session->path_mtu, memory_order_relaxed);
    flow->clamp_mtu = nf_session_clamp_mtu(session, lane->table->mtu);
    if (atomic_load_explicit(&session->watched, memory_order_relaxed) == 0 &&
        atomic_exchange_explicit(&session->watched, 1, memory_order_relaxed) == 0) {
        nf_letter letter = {.kind = NF_LETTER_ACTIVE, .index = train->session_index};
        if (!nf_lane_post(lane, &letter, NULL, 0)) {
            atomic_store_explicit(&session->watched, 0,
                                  memory_order_relaxed); /* the next one tells */
        }
    }
    return true;
}

/* --- to all ----------------------------------------------------------------------------------- */

/* Control is told, at most once a second, so that those without a session may get one. */
static nf_route_result
route_to_all(nf_lane *lane, const nf_ip *ip, const uint8_t *packet, size_t length)
{
    nf_all *all = &lane->table->all;
    if (nf_ip_is_of_link(ip, packet, length)) {
        return NF_ROUTE_NOBODY;
    }
    if (all->off || !nf_ip_is_in_scope(ip)) {
        nf_lane_drop(lane, NETRON_DROP_MULTICAST);
        return NF_ROUTE_NOBODY;
    }
    uint64_t told_ns = atomic_load_explicit(&all->told_ns, memory_order_relaxed);
    if (told_ns == 0 || lane->now_ns >= told_ns + NF_ALL_TOLD_NS) {
        nf_letter letter = {.kind = NF_LETTER_TO_ALL};
        atomic_store_explicit(&all->told_ns, lane->now_ns, memory_order_relaxed);
        (void)nf_lane_post(lane, &letter, ip->destination, ip->family == 4 ? 4 : 16);
    }
    return NF_ROUTE_ALL;
}

bool nf_lane_begin_copies(nf_lane *lane, nf_copies *copies, const uint8_t *packet, size_t length)
{
    nf_ip ip;
    if (!nf_ip_parse(&ip, packet, length)) {
        nf_lane_drop(lane, NETRON_DROP_BAD_INNER);
        return false;
    }
    if (!nf_rate_take(&lane->all_rate, NF_ALL_PER_SECOND, NF_ALL_BURST, lane->now_ns)) {
        nf_lane_drop(lane, NETRON_DROP_ALL_LIMITED);
        return false;
    }
    *copies = (nf_copies){.tos = ip.tos};
    return true;
}

bool nf_lane_next_copy(nf_lane *lane, nf_copies *copies, nf_flow *flow)
{
    while (copies->place < NF_ALL_PEERS_MAX) {
        _Atomic uint32_t *place = &lane->table->all.peers[copies->place++];
        uint32_t peer = atomic_load_explicit(place, memory_order_relaxed);
        nf_session *session =
            peer == NF_NO_PEER ? NULL
                               : nf_table_session_of(lane->table, peer, &flow->train.session_index);
        if (session != NULL && make_flow(lane, flow, session, copies->tos)) {
            return true;
        }
    }
    return false;
}

/* --- to one ----------------------------------------------------------------------------------- */

nf_route_result nf_lane_route(nf_lane *lane, nf_flow *flow, const uint8_t *packet, size_t length)
{
    nf_ip ip;
    if (!nf_ip_parse(&ip, packet, length)) {
        nf_lane_drop(lane, NETRON_DROP_BAD_INNER);
        return NF_ROUTE_NOBODY;
    }
    uint32_t peer = nf_table_peer_of(lane->table, ip.family, ip.destination);
    if (__builtin_expect(peer >= NF_ALL_PEERS, 0)) {
        if (peer == NF_ALL_PEERS) {
            return route_to_all(lane, &ip, packet, length);
        }
        tell_waiting(lane, peer, packet, length);
        return NF_ROUTE_NOBODY;
    }
    nf_session *session = nf_table_session_of(lane->table, peer, &flow->train.session_index);
    if (session == NULL) {
        tell_waiting(lane, peer, packet, length);
        return NF_ROUTE_NOBODY;
    }
    return make_flow(lane, flow, session, ip.tos) ? NF_ROUTE_ONE : NF_ROUTE_NOBODY;
}

/* --- sealing ---------------------------------------------------------------------------------- */

static bool seal_one(nf_lane *lane,
                     const nf_flow *flow,
                     uint8_t type,
                     uint8_t flags,
                     const uint8_t *bytes,
                     size_t length)
{
    nf_outbox *outbox = &lane->outbox;
    size_t shim = flow->train.circuit == 0 ? 0 : NF_CIRCUIT_SHIM_BYTES;
    size_t whole = shim + length + NF_SESSION_OVERHEAD_BYTES;
    nf_departure *message = nf_outbox_place(outbox, &flow->train, whole);
    if (message == NULL) {
        return false;
    }
    uint8_t *out = outbox->arena + outbox->used;
    if (__builtin_expect(shim != 0, 0)) {
        nf_shim_write(out, NF_RELAY_HOPS_MAX, flow->train.circuit);
    }
    size_t written = nf_session_seal(flow->session, flow->aead, lane->number, type, flags, bytes,
                                     length, out + shim);
    if (__builtin_expect(written == 0, 0)) {
        nf_lane_drop(lane, NETRON_DROP_NO_SESSION);
        nf_outbox_forgo(outbox);
        return true;
    }
    nf_outbox_put(outbox, message, whole);
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
        outbox->used + count * (room + NF_SESSION_OVERHEAD_BYTES + NF_CIRCUIT_SHIM_BYTES) >
            NF_OUTBOX_BYTES) {
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
