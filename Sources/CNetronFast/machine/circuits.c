/* SPDX-License-Identifier: Apache-2.0 */
/* circuits.c - which circuits there are: made, looked after, ended.
 *
 * Lanes carry what passes by the entries alone (relay.c). Here entries are filled and published,
 * and taken back when nothing came for NF_CIRCUIT_END_NS, when a neighbour went, or when they are
 * closed. A place is filled again only after every lane has let go of it. */
#include "machine/core.h"

#include "machine/assert.h"

#include <sodium.h>
#include <string.h>

enum { SLOTS = NETRON_CIRCUITS_MAX };

static uint32_t slot_of(const nf_core *core, const nf_circuit *circuit)
{
    return (uint32_t)(circuit - core->table.circuits);
}

static uint32_t id_of(const nf_circuit *circuit)
{
    return atomic_load_explicit(&circuit->id, memory_order_relaxed);
}

static bool is_free(nf_core *core, nf_circuit *circuit)
{
    if (id_of(circuit) != 0) {
        return false;
    }
    if (circuit->retired_stamp != 0 &&
        nf_reclaim_passed(&core->table.reclaim, circuit->retired_stamp)) {
        circuit->retired_stamp = 0;
    }
    return circuit->retired_stamp == 0;
}

uint32_t nf_core_circuit_id(nf_core *core)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        uint32_t slot = core->next_circuit;
        core->next_circuit = (slot + 1) % SLOTS;
        if (is_free(core, &core->table.circuits[slot])) {
            uint32_t lane = nf_table_next_lane(&core->table);
            /* From 1: no id is 0. */
            uint64_t chances = (UINT64_C(1) << (32 - NF_LANE_BITS - NF_CIRCUIT_SLOT_BITS)) - 1;
            uint32_t chance = (uint32_t)(1 + nf_random_below(&core->random, chances));
            return chance << (NF_LANE_BITS + NF_CIRCUIT_SLOT_BITS) | slot << NF_LANE_BITS | lane;
        }
    }
    return 0;
}

bool nf_circuits_may_reach(nf_core *core, const netron_endpoint *endpoint)
{
    if (endpoint->kind == NETRON_ENDPOINT_UDP || nf_endpoint_is_tcp(endpoint)) {
        return endpoint->port != 0;
    }
    netron_endpoint circuit = nf_endpoint_of_circuit(endpoint->scope);
    const nf_circuit *entry = nf_table_circuit(&core->table, endpoint->scope);
    return nf_endpoint_equal(endpoint, &circuit) && entry != NULL && entry->other == NF_NO_CIRCUIT;
}

/* --- made ------------------------------------------------------------------------------------- */

/* @return NETRON_OK, and the free entry and the neighbour, or why it is not to be */
static int
check_side(nf_core *core, const netron_circuit_side *side, nf_circuit **entry, uint32_t *peer)
{
    if (side->id_in == 0 || side->id_out == 0 ||
        (side->id_in & (NF_LANE_COUNT - 1)) >= core->table.lanes) {
        return NETRON_E_INVALID;
    }
    *peer = nf_peers_find(core, side->neighbour);
    if (*peer == NF_NO_PEER || nf_peers_session(core, *peer) == NULL) {
        return NETRON_E_UNKNOWN_PEER;
    }
    *entry = &core->table.circuits[nf_circuit_slot_of(side->id_in)];
    return is_free(core, *entry) ? NETRON_OK : NETRON_E_IN_USE;
}

/* All but the id: a lane may look at that at any time, for whatever a stranger sends. */
static void fill(nf_core *core,
                 nf_circuit *entry,
                 const netron_circuit_side *side,
                 uint32_t peer,
                 uint32_t other,
                 uint32_t bytes_per_second)
{
    memset(&entry->out_id, 0, sizeof(*entry) - offsetof(nf_circuit, out_id));
    entry->out_id = side->id_out;
    entry->peer = peer;
    entry->other = other;
    entry->bytes_per_second = bytes_per_second;
    entry->burst_bytes = bytes_per_second / NF_CIRCUIT_BURST_DIVISOR;
    if (entry->burst_bytes < NF_CIRCUIT_BURST_BYTES_MIN) {
        entry->burst_bytes = NF_CIRCUIT_BURST_BYTES_MIN;
    }
    entry->far = NF_NO_PEER;
    atomic_store_explicit(&entry->heard_ns, core->now_ns, memory_order_relaxed);
    uint32_t slot = slot_of(core, entry);
    core->circuit_high = slot >= core->circuit_high ? slot + 1 : core->circuit_high;
    core->circuits_used++;
    core->peers[peer].circuits_by++;
    nf_core_set_deadline_owner(core, NF_OWNER_CIRCUITS, core->now_ns + NF_CIRCUIT_CHECK_NS);
}

static void publish(nf_circuit *entry, uint32_t id)
{
    atomic_store_explicit(&entry->id, id, memory_order_release);
}

int nf_core_circuit_end(nf_core *core, const netron_circuit_side *side, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    nf_circuit *entry;
    uint32_t peer;
    int refused = check_side(core, side, &entry, &peer);
    if (refused != NETRON_OK) {
        return refused;
    }
    fill(core, entry, side, peer, NF_NO_CIRCUIT, 0);
    publish(entry, side->id_in);
    return NETRON_OK;
}

int nf_core_circuit_forward(nf_core *core,
                            const netron_circuit_side *a,
                            const netron_circuit_side *b,
                            uint32_t bytes_per_second,
                            uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    nf_circuit *entry_a, *entry_b;
    uint32_t peer_a, peer_b;
    int refused = check_side(core, a, &entry_a, &peer_a);
    if (refused == NETRON_OK) {
        refused = check_side(core, b, &entry_b, &peer_b);
    }
    if (refused != NETRON_OK) {
        return refused;
    }
    if (peer_a == peer_b) {
        return NETRON_E_INVALID;
    }
    if (entry_a == entry_b) {
        return NETRON_E_IN_USE;
    }
    fill(core, entry_a, a, peer_a, slot_of(core, entry_b), bytes_per_second);
    fill(core, entry_b, b, peer_b, slot_of(core, entry_a), bytes_per_second);
    publish(entry_a, a->id_in);
    publish(entry_b, b->id_in);
    atomic_fetch_add_explicit(&core->table.relay_sides, 2, memory_order_relaxed);
    return NETRON_OK;
}

int nf_core_circuit_info(const nf_core *core, uint32_t id_in, netron_circuit_info *out)
{
    const nf_circuit *circuits = core->table.circuits;
    const nf_circuit *entry = &circuits[nf_circuit_slot_of(id_in)];
    if (id_in == 0 || id_of(entry) != id_in) {
        return NETRON_E_INVALID;
    }
    *out = (netron_circuit_info){
        .id_in = id_in,
        .id_out = entry->out_id,
        .other_in = entry->other == NF_NO_CIRCUIT ? 0 : id_of(&circuits[entry->other]),
        .bytes_per_second = entry->bytes_per_second,
        .heard_ns = atomic_load_explicit(&entry->heard_ns, memory_order_relaxed),
        .packets = atomic_load_explicit(&entry->packets, memory_order_relaxed),
        .bytes = atomic_load_explicit(&entry->bytes, memory_order_relaxed),
    };
    memcpy(out->neighbour, core->peers[entry->peer].id, sizeof(out->neighbour));
    return NETRON_OK;
}

/* --- whom it leads to ------------------------------------------------------------------------- */

static void lead_to(nf_core *core, nf_circuit *entry, uint32_t peer)
{
    if (entry->far != NF_NO_PEER) {
        core->peers[entry->far].circuits_to--;
    }
    entry->far = peer;
    if (peer != NF_NO_PEER) {
        core->peers[peer].circuits_to++;
    }
}

void nf_circuits_met(nf_core *core, const nf_path *path, uint32_t peer)
{
    nf_circuit *entry = nf_endpoint_is_circuit(&path->remote)
                            ? nf_table_circuit(&core->table, path->remote.scope)
                            : NULL;
    if (entry != NULL && entry->far != peer) {
        lead_to(core, entry, peer);
    }
}

void nf_circuits_neighbour_moved(nf_core *core, uint32_t neighbour)
{
    bool any = core->peers[neighbour].circuits_by > 0;
    for (uint32_t slot = 0; any && slot < core->circuit_high; slot++) {
        const nf_circuit *entry = &core->table.circuits[slot];
        if (id_of(entry) == 0 || entry->peer != neighbour || entry->far == NF_NO_PEER) {
            continue;
        }
        netron_endpoint endpoint = nf_endpoint_of_circuit(id_of(entry));
        if (nf_endpoint_equal(&core->peers[entry->far].path.remote, &endpoint)) {
            nf_path_search(core, entry->far);
        }
    }
}

nf_circuit *nf_circuits_to(nf_core *core, uint32_t peer, uint32_t *after)
{
    bool any = core->peers[peer].circuits_to > 0;
    while (any && *after < core->circuit_high) {
        nf_circuit *entry = &core->table.circuits[(*after)++];
        if (id_of(entry) != 0 && entry->far == peer) {
            return entry;
        }
    }
    return NULL;
}

void nf_circuits_wrap(nf_core *core, nf_outgoing *outgoing)
{
    const nf_circuit *entry = nf_table_circuit(&core->table, outgoing->path.remote.scope);
    nf_path path;
    if (outgoing->length == 0) {
        return;
    }
    if (entry == NULL || !nf_table_way_out(&core->table, entry, &path)) {
        nf_core_drop(core, NETRON_DROP_NO_CIRCUIT);
        outgoing->length = 0;
        return;
    }
    nf_assert((size_t)outgoing->length + NF_CIRCUIT_SHIM_BYTES <= sizeof(outgoing->bytes));
    memmove(outgoing->bytes + NF_CIRCUIT_SHIM_BYTES, outgoing->bytes, outgoing->length);
    nf_shim_write(outgoing->bytes, NF_RELAY_HOPS_MAX, entry->out_id);
    outgoing->length += NF_CIRCUIT_SHIM_BYTES;
    outgoing->path = path;
}

/* --- ended ------------------------------------------------------------------------------------ */

/* Handshakes through a circuit that is gone are given up now, not when their last try is over. */
static void give_up_attempts(nf_core *core, const netron_endpoint *endpoint)
{
    for (uint32_t i = 0; i < NF_HANDSHAKES_MAX; i++) {
        nf_attempt *attempt = &core->attempts[i];
        if (attempt->state != NF_ATTEMPT_FREE &&
            nf_endpoint_equal(&attempt->path.remote, endpoint)) {
            attempt->tries = UINT8_MAX;
            nf_core_set_deadline_attempt(core, i, core->now_ns);
        }
    }
}

static void retire(nf_core *core, nf_circuit *entry)
{
    atomic_store_explicit(&entry->id, 0, memory_order_release);
    entry->retired_stamp = nf_reclaim_retire(&core->table.reclaim);
    core->circuits_used--;
    core->peers[entry->peer].circuits_by--;
    lead_to(core, entry, NF_NO_PEER);
    if (entry->other != NF_NO_CIRCUIT) {
        atomic_fetch_sub_explicit(&core->table.relay_sides, 1, memory_order_relaxed);
        core->counters.relayed_packets +=
            atomic_load_explicit(&entry->packets, memory_order_relaxed);
        core->counters.relayed_bytes += atomic_load_explicit(&entry->bytes, memory_order_relaxed);
    }
}

/* Both sides of it, if it has two; the event is of the one by which it was found. */
static void end(nf_core *core, nf_circuit *entry, int code)
{
    nf_circuit *other = entry->other == NF_NO_CIRCUIT ? NULL : &core->table.circuits[entry->other];
    netron_endpoint endpoint = nf_endpoint_of_circuit(id_of(entry));
    netron_event *event = nf_event_add(core, NETRON_EVENT_CIRCUIT_CLOSED);
    if (event != NULL) {
        event->endpoint = endpoint;
        event->code = code;
        event->token = other == NULL ? 0 : id_of(other);
        memcpy(event->id, core->peers[entry->peer].id, sizeof(event->id));
    }
    retire(core, entry);
    if (other != NULL) {
        retire(core, other);
        return;
    }
    give_up_attempts(core, &endpoint);
    nf_ways_cut(core, &endpoint, NF_CIRCUIT_ORPHAN_NS);
}

int nf_core_circuit_close(nf_core *core, uint32_t id_in, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    nf_circuit *entry = nf_table_circuit(&core->table, id_in);
    if (entry == NULL) {
        return NETRON_E_INVALID;
    }
    end(core, entry, NETRON_CIRCUIT_LOCAL);
    return NETRON_OK;
}

void nf_circuits_forget_peer(nf_core *core, uint32_t peer)
{
    const nf_peer *gone = &core->peers[peer];
    for (uint32_t slot = 0; gone->circuits_by + gone->circuits_to > 0 && slot < core->circuit_high;
         slot++) {
        nf_circuit *entry = &core->table.circuits[slot];
        if (id_of(entry) == 0) {
            continue;
        }
        if (entry->far == peer) {
            lead_to(core, entry, NF_NO_PEER);
        }
        if (entry->peer == peer) {
            end(core, entry, NETRON_CIRCUIT_NEIGHBOUR);
        }
    }
    nf_assert(gone->circuits_by + gone->circuits_to == 0);
}

static uint64_t heard_at(const nf_core *core, const nf_circuit *entry)
{
    uint64_t heard_ns = atomic_load_explicit(&entry->heard_ns, memory_order_relaxed);
    if (entry->other == NF_NO_CIRCUIT) {
        return heard_ns;
    }
    const nf_circuit *other = &core->table.circuits[entry->other];
    uint64_t other_ns = atomic_load_explicit(&other->heard_ns, memory_order_relaxed);
    return heard_ns > other_ns ? heard_ns : other_ns;
}

void nf_circuits_timeout(nf_core *core)
{
    uint64_t next_ns = UINT64_MAX;
    for (uint32_t slot = 0; core->circuits_used > 0 && slot < core->circuit_high; slot++) {
        nf_circuit *entry = &core->table.circuits[slot];
        if (id_of(entry) == 0) {
            continue;
        }
        uint64_t end_ns = heard_at(core, entry) + NF_CIRCUIT_END_NS;
        if (core->now_ns >= end_ns) {
            end(core, entry, NETRON_CIRCUIT_IDLE);
        } else {
            next_ns = end_ns < next_ns ? end_ns : next_ns;
        }
    }
    if (next_ns != UINT64_MAX && next_ns < core->now_ns + NF_CIRCUIT_CHECK_NS) {
        next_ns = core->now_ns + NF_CIRCUIT_CHECK_NS;
    }
    nf_core_set_deadline_owner(core, NF_OWNER_CIRCUITS, next_ns);
}

void nf_circuits_count(nf_core *core, netron_counters *out)
{
    for (uint32_t slot = 0; slot < core->circuit_high; slot++) {
        const nf_circuit *entry = &core->table.circuits[slot];
        if (id_of(entry) != 0 && entry->other != NF_NO_CIRCUIT) {
            out->relayed_packets += atomic_load_explicit(&entry->packets, memory_order_relaxed);
            out->relayed_bytes += atomic_load_explicit(&entry->bytes, memory_order_relaxed);
        }
    }
}
