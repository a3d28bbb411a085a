/* SPDX-License-Identifier: Apache-2.0 */
/* peers.c - who we have sessions with, which of them is current, and which addresses are theirs. */
#include "machine/core.h"

#include "machine/assert.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* --- the table, by id ------------------------------------------------------------------------- */

static uint32_t bucket_of(const nf_core *core, const uint8_t id[32])
{
    uint8_t hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, id, 32, core->hash_key);
    return nf_load_le32(hash) & core->peer_ids_mask;
}

uint32_t nf_peers_find(const nf_core *core, const uint8_t id[32])
{
    for (uint32_t bucket = bucket_of(core, id); core->peer_ids[bucket] != 0;
         bucket = (bucket + 1) & core->peer_ids_mask) {
        uint32_t peer = core->peer_ids[bucket] - 1;
        if (memcmp(core->peers[peer].id, id, 32) == 0) {
            return peer;
        }
    }
    return NF_NO_PEER;
}

uint32_t nf_peers_take(nf_core *core, const uint8_t id[32])
{
    uint32_t peer = nf_peers_find(core, id);
    if (peer != NF_NO_PEER || core->free_peer_count == 0) {
        return peer;
    }
    peer = core->free_peers[--core->free_peer_count];
    core->peers[peer] = (nf_peer){
        .used = true,
        .kept = !core->idle_ends,
        .used_ns = core->now_ns,
        .path_mtu = NF_PATH_MTU_BASE,
    };
    memcpy(core->peers[peer].id, id, 32);
    /* It may have been here before: its share of the queue is still what it is. */
    core->peers[peer].pending_messages = nf_events_of(core, id);
    uint32_t bucket = bucket_of(core, id);
    while (core->peer_ids[bucket] != 0) {
        bucket = (bucket + 1) & core->peer_ids_mask;
    }
    core->peer_ids[bucket] = peer + 1;
    core->peer_high = peer >= core->peer_high ? peer + 1 : core->peer_high;
    return peer;
}

/* Linear probing without tombstones: those behind the hole that may lie in it move up. */
static void forget_id(nf_core *core, uint32_t peer)
{
    uint32_t mask = core->peer_ids_mask;
    uint32_t hole = bucket_of(core, core->peers[peer].id);
    while (core->peer_ids[hole] != peer + 1) {
        nf_assert(core->peer_ids[hole] != 0);
        hole = (hole + 1) & mask;
    }
    core->peer_ids[hole] = 0;
    for (uint32_t next = (hole + 1) & mask; core->peer_ids[next] != 0; next = (next + 1) & mask) {
        uint32_t home = bucket_of(core, core->peers[core->peer_ids[next] - 1].id);
        if (((next - home) & mask) >= ((next - hole) & mask)) {
            core->peer_ids[hole] = core->peer_ids[next];
            core->peer_ids[next] = 0;
            hole = next;
        }
    }
}

/* --- sessions --------------------------------------------------------------------------------- */

nf_session *nf_peers_session(nf_core *core, uint32_t peer)
{
    uint32_t index = core->peers[peer].current;
    return index == 0 ? NULL : nf_table_find(&core->table, index);
}

static void publish_current(nf_core *core, uint32_t peer)
{
    uint32_t index = core->peers[peer].current;
    uint32_t slot = index == 0 ? NF_NO_SLOT : nf_slot_of(index);
    atomic_store_explicit(&core->table.peers[peer].send_slot, slot, memory_order_release);
}

void nf_peers_end_session(nf_core *core, uint32_t peer, uint32_t index)
{
    if (index == 0) {
        return;
    }
    nf_peer *p = &core->peers[peer];
    nf_session *session = nf_table_slot(&core->table, index);
    uint64_t bytes;
    p->past_tx_packets += nf_session_sent(session, &bytes);
    p->past_tx_bytes += bytes;
    p->past_rx_packets += atomic_load_explicit(&session->rx_packets, memory_order_relaxed);
    p->past_rx_bytes += atomic_load_explicit(&session->rx_bytes, memory_order_relaxed);
    if (p->current == index) {
        p->current = 0;
        publish_current(core, peer);
    }
    if (p->previous == index) {
        p->previous = 0;
    }
    nf_table_retire(&core->table, index);
}

/* Two handshakes that ran at the same time: both ends send on the one that the smaller id began. */
static bool loses_overlap(const nf_core *core, const nf_peer *peer, const nf_session *session)
{
    bool mine_is_smaller = memcmp(core->identity.id, peer->id, 32) < 0;
    return (session->initiator != 0) != mine_is_smaller;
}

void nf_peers_note_clock(nf_core *core, uint32_t peer, uint64_t wall_ms, uint64_t received_ns)
{
    core->peers[peer].has_wall = wall_ms != 0;
    core->peers[peer].wall_ms = wall_ms - received_ns / NF_MILLISECOND_NS;
}

void nf_peers_tell_up(nf_core *core, uint32_t peer, const netron_endpoint *at)
{
    netron_event *event = nf_event_add(core, NETRON_EVENT_PEER_UP);
    if (event != NULL) {
        memcpy(event->id, core->peers[peer].id, 32);
        event->endpoint = *at;
        event->rtt_ns = core->peers[peer].rtt_ns;
        uint64_t wall_ms = core->peers[peer].wall_ms + core->now_ns / NF_MILLISECOND_NS;
        event->wall_ms = core->peers[peer].has_wall ? wall_ms : 0;
    }
}

static void tell_moved(nf_core *core, const nf_peer *peer)
{
    netron_event *event = nf_event_add(core, NETRON_EVENT_MOVED);
    if (event != NULL) {
        memcpy(event->id, peer->id, 32);
        event->endpoint = peer->path.remote;
    }
}

void nf_peers_install(nf_core *core, uint32_t index, uint64_t begun_ns, uint64_t rtt_ns)
{
    nf_session *session = nf_table_slot(&core->table, index);
    uint32_t number = session->peer;
    nf_peer *peer = &core->peers[number];
    bool was_up = peer->current != 0;
    nf_session *before = nf_peers_session(core, number);
    uint32_t settled =
        before == NULL ? 0 : atomic_load_explicit(&before->path_settled, memory_order_relaxed);
    nf_path path;
    nf_session_get_path(session, &path);
    nf_circuits_met(core, &path, number);
    if (was_up && nf_ways_stays(core, number, &path)) {
        path = peer->path;
        nf_session_set_path(session, &path);
    }
    if (was_up && begun_ns <= peer->made_ns && loses_overlap(core, peer, session)) {
        nf_peers_end_session(core, number, peer->previous);
        peer->previous = index;
        peer->previous_end_ns = core->now_ns + NF_PREVIOUS_END_NS;
        nf_ways_proven(core, number, &path, rtt_ns);
        nf_session_set_path(session, &peer->path); /* what comes by another one is told of */
        return;
    }
    nf_peers_end_session(core, number, peer->previous);
    peer->previous = peer->current;
    peer->previous_end_ns = core->now_ns + NF_PREVIOUS_END_NS;
    peer->current = index;
    peer->made_ns = core->now_ns;
    uint64_t age = session->initiator
                       ? NF_REKEY_INITIATOR_NS + nf_random_below(&core->random, NF_REKEY_JITTER_NS)
                       : NF_REKEY_RESPONDER_NS;
    peer->rekey_ns = core->now_ns + age;
    uint64_t bytes;
    peer->seen_tx = nf_session_sent(session, &bytes); /* a confirmation is not answered */
    peer->seen_rx = 0;
    peer->seen_data = 0;
    peer->heard_ns = core->now_ns;
    peer->unanswered_ns = 0;
    peer->probes_lost = 0;
    peer->silence_ms = 0;
    peer->keepalive_patient = false;
    peer->redial_ns = 0;
    if (rtt_ns != 0 && peer->rtt_ns == 0) {
        peer->rtt_ns = rtt_ns;
    }
    bool moved = was_up && !nf_endpoint_equal(&peer->path.remote, &path.remote);
    bool same_path = was_up && !moved;
    peer->path = path;
    atomic_store_explicit(&session->path_mtu, same_path ? peer->path_mtu : nf_path_mtu_base(&path),
                          memory_order_relaxed);
    atomic_store_explicit(&session->path_settled, same_path ? settled : 0, memory_order_relaxed);
    publish_current(core, number);
    nf_all_join(core, number);
    if (!peer->announced) {
        peer->announced = true;
        nf_peers_tell_up(core, number, &peer->path.remote);
    } else if (moved) {
        tell_moved(core, peer);
    }
    if (!same_path) {
        nf_path_search(core, number);
        nf_circuits_neighbour_moved(core, number);
    }
    nf_core_set_deadline_peer(core, number, core->now_ns);
    nf_waiting_release(core);
}

void nf_peers_set_path(nf_core *core, uint32_t number, const nf_path *path)
{
    nf_peer *peer = &core->peers[number];
    nf_session *session = nf_peers_session(core, number);
    if (session == NULL) {
        return;
    }
    peer->path = *path;
    nf_session_set_path(session, path);
    tell_moved(core, peer);
    nf_path_search(core, number);
    nf_circuits_neighbour_moved(core, number);
}

/* Ends the handshakes with a peer that are ours. A dial goes on when the peer is only silent; when
 * one side hung up it would bring back what was just ended. So would our own renewal of a session
 * that ended idle; a dial of the caller's is wanted. */
static void cancel_attempts(nf_core *core, uint32_t number, int reason)
{
    const nf_peer *peer = &core->peers[number];
    bool dials = reason == NETRON_DOWN_LOCAL || reason == NETRON_DOWN_GOODBYE;
    bool renewals = dials || reason == NETRON_DOWN_IDLE;
    for (uint32_t i = 0; i < NF_HANDSHAKES_MAX; i++) {
        const nf_attempt *attempt = &core->attempts[i];
        bool confirming = attempt->state == NF_ATTEMPT_CONFIRMING && attempt->peer == number;
        bool dialing = (attempt->internal ? renewals : dials) &&
                       attempt->state == NF_ATTEMPT_DIALING && attempt->expects &&
                       memcmp(attempt->expected, peer->id, sizeof(peer->id)) == 0;
        if (confirming || dialing) {
            nf_attempts_free(core, i, false);
        }
    }
}

static void clear_prefixes(nf_core *core, uint32_t number)
{
    nf_peer *peer = &core->peers[number];
    while (peer->prefix_count > 0) {
        peer->prefix_count--;
        nf_owners_remove(core, number, &peer->prefixes[peer->prefix_count]);
    }
}

void nf_peers_remove(nf_core *core, uint32_t number, int reason)
{
    nf_peer *peer = &core->peers[number];
    cancel_attempts(core, number, reason);
    bool was_up = peer->announced;
    netron_peer_info info; /* the node's totals outlive the peer */
    if (nf_peers_info(core, number, &info)) {
        core->counters.tx_packets += info.tx_packets;
        core->counters.tx_bytes += info.tx_bytes;
        core->counters.rx_packets += info.rx_packets;
        core->counters.rx_bytes += info.rx_bytes;
    }
    nf_peers_end_session(core, number, peer->current);
    nf_peers_end_session(core, number, peer->previous);
    nf_all_leave(core, number);
    nf_circuits_forget_peer(core, number);
    if (reason != 0 && was_up) {
        netron_event *event = nf_event_add(core, NETRON_EVENT_PEER_DOWN);
        if (event != NULL) {
            memcpy(event->id, peer->id, 32);
            event->endpoint = peer->path.remote;
            event->code = reason;
        }
    }
    if (peer->prefix_count > 0) {
        clear_prefixes(core, number);
        core->routes_changed = true;
        nf_core_set_deadline_owner(core, NF_OWNER_ROUTES, core->routes_due_ns);
    }
    forget_id(core, number);
    nf_core_set_deadline_peer(core, number, UINT64_MAX);
    *peer = (nf_peer){.used = false};
    core->free_peers[core->free_peer_count++] = number;
}

/* --- addresses -------------------------------------------------------------------------------- */

static bool is_valid_prefix(const netron_prefix *prefix)
{
    unsigned bits = prefix->family == 4 ? 32 : 128;
    if ((prefix->family != 4 && prefix->family != 6) || prefix->length > bits) {
        return false;
    }
    for (unsigned bit = prefix->length; bit < bits; bit++) {
        if ((prefix->address[bit / 8] & 0x80 >> bit % 8) != 0) {
            return false;
        }
    }
    return true;
}

/* A prefix has one owner: who had it before loses it. */
static void take_prefix(nf_core *core, const netron_prefix *prefix)
{
    uint32_t owner = nf_owners_find(core, prefix);
    if (owner == NF_NO_PEER) {
        return;
    }
    nf_peer *peer = &core->peers[owner];
    uint8_t i = 0;
    while (!nf_prefix_equal(&peer->prefixes[i], prefix)) {
        i++;
    }
    nf_owners_remove(core, owner, prefix);
    peer->prefixes[i] = peer->prefixes[--peer->prefix_count];
}

int nf_core_set_prefixes(nf_core *core,
                         const uint8_t id[32],
                         const netron_prefix *prefixes,
                         size_t count,
                         uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    uint32_t number = nf_peers_find(core, id);
    if (number == NF_NO_PEER) {
        return NETRON_E_UNKNOWN_PEER;
    }
    if (count > NETRON_PREFIXES_PER_PEER_MAX) {
        return NETRON_E_FULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_valid_prefix(&prefixes[i])) {
            return NETRON_E_INVALID;
        }
    }
    nf_peer *peer = &core->peers[number];
    clear_prefixes(core, number);
    for (size_t i = 0; i < count; i++) {
        take_prefix(core, &prefixes[i]);
        nf_owners_add(core, number, &prefixes[i]);
        peer->prefixes[peer->prefix_count++] = prefixes[i];
    }
    core->routes_changed = true;
    nf_peers_rebuild_routes(core);
    return NETRON_OK;
}

/* At most every NF_ROUTES_DELAY_NS, and less often the more there are: a crowd that joins costs one
 * rebuild, not one each, and at most a tenth of the time. */
void nf_peers_rebuild_routes(nf_core *core)
{
    if (!core->routes_changed) {
        return;
    }
    if (core->now_ns < core->routes_due_ns) {
        nf_core_set_deadline_owner(core, NF_OWNER_ROUTES, core->routes_due_ns);
        return;
    }
    size_t capacity = core->network_count;
    for (uint32_t number = 0; number < core->peer_high; number++) {
        capacity += core->peers[number].used ? core->peers[number].prefix_count : 0;
    }
    nf_route *list = calloc(capacity + NF_ALL_ROUTES_MAX, sizeof(*list));
    size_t count = 0;
    /* The first: a peer that has just such a network has it. */
    for (uint32_t i = 0; list != NULL && i < core->network_count; i++) {
        list[count++] = (nf_route){core->networks[i], NF_NO_PEER};
    }
    for (uint32_t number = 0; list != NULL && number < core->peer_high; number++) {
        const nf_peer *peer = &core->peers[number];
        for (uint8_t i = 0; peer->used && i < peer->prefix_count; i++) {
            list[count++] = (nf_route){peer->prefixes[i], number};
        }
    }
    /* They go before what peers have, so that nobody gets what all are to hear. */
    count += list != NULL ? nf_all_routes(core, list + count) : 0;
    nf_routes *routes =
        list == NULL ? NULL
                     : nf_routes_new(list, count, nf_random_below(&core->random, UINT64_MAX));
    free(list);
    bool published = routes != NULL && nf_table_set_routes(&core->table, routes);
    core->routes_due_ns = core->now_ns + NF_ROUTES_DELAY_NS + count * NF_ROUTES_DELAY_EACH_NS;
    if (!published) {
        /* Short of memory, or a lane still reads the snapshot before the last: soon again. */
        nf_routes_free(routes);
        nf_core_set_deadline_owner(core, NF_OWNER_ROUTES, core->routes_due_ns);
        return;
    }
    core->routes_changed = false;
    nf_core_set_deadline_owner(core, NF_OWNER_ROUTES, UINT64_MAX);
    nf_waiting_release(core);
}

static void add_traffic(nf_core *core, uint32_t index, netron_peer_info *info)
{
    nf_session *session = nf_table_find(&core->table, index);
    if (session != NULL) {
        uint64_t bytes;
        info->tx_packets += nf_session_sent(session, &bytes);
        info->tx_bytes += bytes;
        info->rx_packets += atomic_load_explicit(&session->rx_packets, memory_order_relaxed);
        info->rx_bytes += atomic_load_explicit(&session->rx_bytes, memory_order_relaxed);
    }
}

bool nf_peers_info(nf_core *core, uint32_t number, netron_peer_info *info)
{
    const nf_peer *peer = &core->peers[number];
    if (!peer->used) {
        return false;
    }
    memset(info, 0, sizeof(*info));
    memcpy(info->id, peer->id, sizeof(info->id));
    info->endpoint = peer->path.remote;
    info->path_mtu = peer->path_mtu;
    info->rtt_ns = peer->rtt_ns;
    info->tx_packets = peer->past_tx_packets;
    info->tx_bytes = peer->past_tx_bytes;
    info->rx_packets = peer->past_rx_packets;
    info->rx_bytes = peer->past_rx_bytes;
    info->heard_ns = peer->heard_ns;
    add_traffic(core, peer->previous, info);
    add_traffic(core, peer->current, info);
    nf_session *session = nf_peers_session(core, number);
    if (session != NULL) {
        info->up = 1;
        info->suite = session->suite;
        info->lanes = session->remote_lanes;
        info->handshake_ns = session->made_ns;
        info->heard_ns = atomic_load_explicit(&session->heard_ns, memory_order_relaxed);
    }
    return true;
}

size_t nf_core_peers(nf_core *core, netron_peer_info *out, size_t capacity)
{
    size_t count = 0;
    for (uint32_t number = 0; number < core->peer_high; number++) {
        netron_peer_info info;
        if (nf_peers_info(core, number, &info)) {
            if (count < capacity) {
                out[count] = info;
            }
            count++;
        }
    }
    return count;
}
