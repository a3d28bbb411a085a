/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - session slots, from reserved to published to retired. */
#include "machine/table.h"

#include "machine/assert.h"

#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>

_Static_assert(sizeof(nf_path) <= NF_PATH_WORDS * sizeof(uint64_t), "a path fits its words");
_Static_assert(NETRON_CIRCUITS_MAX == 1 << NF_CIRCUIT_SLOT_BITS, "each slot has a place");
_Static_assert(sizeof(nf_session) <= 2048, "two sessions and a peer are within 4 KiB");

bool nf_table_init(nf_table *table, uint32_t peers_max, uint32_t lanes, uint32_t mtu)
{
    nf_assert(peers_max >= 1 && peers_max <= NETRON_PEERS_MAX);
    nf_assert(lanes >= 1 && lanes <= NETRON_LANES_MAX);
    memset(table, 0, sizeof(*table));
    table->peers_max = peers_max;
    table->lanes = lanes;
    table->mtu = mtu;
    /* A current and a previous session a peer, and one a handshake. Slot 0 stays unused, so that no
     * index is 0. */
    table->slots_max = 1 + 2 * peers_max + 2048;
    nf_assert(table->slots_max <= 1u << NF_SLOT_BITS);
    table->slots = calloc(table->slots_max, sizeof(*table->slots));
    table->peers = calloc(peers_max, sizeof(*table->peers));
    table->circuits = calloc(NETRON_CIRCUITS_MAX, sizeof(*table->circuits));
    table->generations = calloc(table->slots_max, sizeof(*table->generations));
    table->free_slots = calloc(table->slots_max, sizeof(*table->free_slots));
    table->retired_slots = calloc(table->slots_max, sizeof(*table->retired_slots));
    table->retired_stamps = calloc(table->slots_max, sizeof(*table->retired_stamps));
    if (table->slots == NULL || table->peers == NULL || table->circuits == NULL ||
        table->generations == NULL || table->free_slots == NULL || table->retired_slots == NULL ||
        table->retired_stamps == NULL) {
        nf_table_free(table);
        return false;
    }
    nf_reclaim_init(&table->reclaim);
    for (uint32_t peer = 0; peer < peers_max; peer++) {
        atomic_init(&table->peers[peer].send_slot, NF_NO_SLOT);
    }
    for (uint32_t place = 0; place < NF_ALL_PEERS_MAX; place++) {
        atomic_init(&table->all.peers[place], NF_NO_PEER);
    }
    for (uint32_t slot = table->slots_max - 1; slot >= 1; slot--) {
        table->free_slots[table->free_count++] = slot;
    }
    return true;
}

void nf_table_free(nf_table *table)
{
    if (table->slots != NULL) {
        for (uint32_t slot = 1; slot < table->slots_max; slot++) {
            nf_session *session = &table->slots[slot];
            if (session->key_identity != 0) { /* others were never touched */
                sodium_memzero(session->send_key, sizeof(session->send_key));
                sodium_memzero(session->receive_key, sizeof(session->receive_key));
            }
        }
    }
    nf_routes_free(table->old_routes);
    nf_routes_free(atomic_load_explicit(&table->routes, memory_order_relaxed));
    free(table->slots);
    free(table->peers);
    free(table->circuits);
    free(table->generations);
    free(table->free_slots);
    free(table->retired_slots);
    free(table->retired_stamps);
    memset(table, 0, sizeof(*table));
}

uint32_t nf_table_next_lane(nf_table *table)
{
    uint32_t lane = table->next_lane;
    table->next_lane = (lane + 1) % table->lanes;
    return lane;
}

uint32_t nf_table_reserve(nf_table *table, uint32_t lane)
{
    nf_assert(lane < table->lanes);
    if (table->free_count == 0) {
        return 0;
    }
    uint32_t slot = table->free_slots[--table->free_count];
    uint32_t mask = (1u << NF_GENERATION_BITS) - 1;
    uint32_t generation = (table->generations[slot] + 1u) & mask;
    table->generations[slot] = (uint16_t)generation;
    return generation << (NF_SLOT_BITS + NF_LANE_BITS) | slot << NF_LANE_BITS | lane;
}

void nf_table_publish(nf_table *table, const nf_session_facts *facts)
{
    nf_session *session = nf_table_slot(table, facts->index);
    nf_assert(atomic_load_explicit(&session->index, memory_order_relaxed) == 0);
    /* All but the index: a lane may look at that at any time, for whatever a stranger sends. */
    memset(&session->remote_index, 0, sizeof(*session) - offsetof(nf_session, remote_index));
    session->remote_index = facts->remote_index;
    session->peer = facts->peer;
    session->suite = facts->suite;
    session->remote_lanes = facts->remote_lanes;
    session->initiator = facts->initiator;
    session->owner = (uint8_t)(facts->index & (NF_LANE_COUNT - 1));
    table->next_key_identity += 2;
    session->key_identity = table->next_key_identity;
    session->made_ns = facts->now_ns;
    memcpy(session->send_key, facts->send_key, sizeof(session->send_key));
    memcpy(session->receive_key, facts->receive_key, sizeof(session->receive_key));
    atomic_store_explicit(&session->heard_ns, facts->now_ns, memory_order_relaxed);
    atomic_store_explicit(&session->path_heard_ns, facts->now_ns, memory_order_relaxed);
    atomic_store_explicit(&session->watched, 1, memory_order_relaxed);
    nf_replay_divide(session->windows, session->window_bits, facts->remote_lanes);
    nf_session_set_path(session, &facts->path);
    atomic_store_explicit(&session->index, facts->index, memory_order_release);
}

/* The lanes may still be using the keys: they are wiped in nf_table_collect(). */
void nf_table_retire(nf_table *table, uint32_t index)
{
    nf_session *session = nf_table_slot(table, index);
    uint32_t slot = nf_slot_of(index);
    uint32_t published = atomic_load_explicit(&session->index, memory_order_relaxed);
    nf_assert(published == index || published == 0);
    atomic_store_explicit(&session->index, 0, memory_order_release);
    nf_assert(table->retired_count < table->slots_max);
    uint32_t place = (table->retired_first + table->retired_count) % table->slots_max;
    table->retired_slots[place] = slot;
    table->retired_stamps[place] = nf_reclaim_retire(&table->reclaim);
    table->retired_count++;
}

void nf_table_collect(nf_table *table)
{
    while (table->retired_count > 0 &&
           nf_reclaim_passed(&table->reclaim, table->retired_stamps[table->retired_first])) {
        uint32_t slot = table->retired_slots[table->retired_first];
        sodium_memzero(table->slots[slot].send_key, sizeof(table->slots[slot].send_key));
        sodium_memzero(table->slots[slot].receive_key, sizeof(table->slots[slot].receive_key));
        table->free_slots[table->free_count++] = slot;
        table->retired_first = (table->retired_first + 1) % table->slots_max;
        table->retired_count--;
    }
    if (table->old_routes != NULL && nf_reclaim_passed(&table->reclaim, table->old_routes_stamp)) {
        nf_routes_free(table->old_routes);
        table->old_routes = NULL;
    }
}

bool nf_table_set_routes(nf_table *table, nf_routes *routes)
{
    nf_table_collect(table);
    if (table->old_routes != NULL) {
        return false;
    }
    table->old_routes = atomic_exchange_explicit(&table->routes, routes, memory_order_acq_rel);
    table->old_routes_stamp = nf_reclaim_retire(&table->reclaim);
    nf_table_collect(table);
    return true;
}

/* Words, not bytes, and each atomic: a reader that comes between sees an odd or a changed version
 * and reads again, and no tool calls it a race. */
void nf_session_set_path(nf_session *session, const nf_path *path)
{
    uint64_t words[NF_PATH_WORDS] = {0};
    memcpy(words, path, sizeof(*path));
    uint32_t version = atomic_load_explicit(&session->path_version, memory_order_relaxed);
    atomic_store_explicit(&session->path_version, version + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (unsigned i = 0; i < NF_PATH_WORDS; i++) {
        atomic_store_explicit(&session->path[i], words[i], memory_order_relaxed);
    }
    atomic_store_explicit(&session->path_version, version + 2, memory_order_release);
}

void nf_session_get_path(nf_session *session, nf_path *path)
{
    uint64_t words[NF_PATH_WORDS];
    uint32_t before, after;
    do {
        before = atomic_load_explicit(&session->path_version, memory_order_acquire);
        for (unsigned i = 0; i < NF_PATH_WORDS; i++) {
            words[i] = atomic_load_explicit(&session->path[i], memory_order_relaxed);
        }
        atomic_thread_fence(memory_order_acquire);
        after = atomic_load_explicit(&session->path_version, memory_order_relaxed);
    } while (before != after || (before & 1) != 0);
    memcpy(path, words, sizeof(*path));
}

bool nf_table_way_out(nf_table *table, const nf_circuit *circuit, nf_path *path)
{
    uint32_t index;
    nf_session *session = nf_table_session_of(table, circuit->peer, &index);
    if (session == NULL) {
        return false;
    }
    nf_session_get_path(session, path);
    return !nf_endpoint_is_circuit(&path->remote);
}

uint64_t nf_session_sent(nf_session *session, uint64_t *bytes)
{
    uint64_t packets = 0;
    *bytes = 0;
    for (unsigned lane = 0; lane < NF_LANE_COUNT; lane++) {
        packets += atomic_load_explicit(&session->tx_sequence[lane], memory_order_relaxed);
        *bytes += atomic_load_explicit(&session->tx_bytes[lane], memory_order_relaxed);
    }
    return packets;
}
