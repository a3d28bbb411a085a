/* SPDX-License-Identifier: Apache-2.0 */
/* attempts.c - the bounded table of handshakes under way, ours and half-open ones. */
#include "machine/core.h"

#include "machine/assert.h"

#include <sodium.h>
#include <string.h>

enum { NETWORK_BUCKETS = 2 * NF_HANDSHAKES_MAX }; /* at most half full */

/* How many half-open attempts each one's network has. */
static void count_shares(const nf_core *core, uint16_t shares[NF_HANDSHAKES_MAX])
{
    uint16_t first_of[NETWORK_BUCKETS] = {0}; /* attempt + 1: the first one seen of a network */
    uint16_t first[NF_HANDSHAKES_MAX] = {0};
    for (uint32_t i = 0; i < NF_HANDSHAKES_MAX; i++) {
        const nf_attempt *attempt = &core->attempts[i];
        shares[i] = 0;
        if (attempt->state != NF_ATTEMPT_HALF_OPEN) {
            continue;
        }
        /* The number of a network is a keyed hash already. */
        size_t bucket = attempt->network % NETWORK_BUCKETS;
        while (first_of[bucket] != 0 &&
               core->attempts[first_of[bucket] - 1].network != attempt->network) {
            bucket = (bucket + 1) % NETWORK_BUCKETS;
        }
        first_of[bucket] = first_of[bucket] == 0 ? (uint16_t)(i + 1) : first_of[bucket];
        first[i] = (uint16_t)(first_of[bucket] - 1);
        shares[first[i]]++;
    }
    for (uint32_t i = NF_HANDSHAKES_MAX; i > 0; i--) { /* a first one comes after its others */
        shares[i - 1] = shares[first[i - 1]];
    }
}

/* The half-open attempt to give up for a new one: the oldest of the source network that has the
 * most, so that a flood from one network displaces itself. */
static uint32_t pick_victim(const nf_core *core)
{
    uint16_t shares[NF_HANDSHAKES_MAX];
    uint32_t victim = UINT32_MAX, most = 0;
    count_shares(core, shares);
    for (uint32_t i = 0; i < NF_HANDSHAKES_MAX; i++) {
        const nf_attempt *attempt = &core->attempts[i];
        if (attempt->state == NF_ATTEMPT_HALF_OPEN &&
            (shares[i] > most ||
             (shares[i] == most && attempt->begun_ns < core->attempts[victim].begun_ns))) {
            victim = i;
            most = shares[i];
        }
    }
    return victim;
}

static uint32_t find_free(nf_core *core)
{
    for (uint32_t i = 0; i < NF_HANDSHAKES_MAX; i++) {
        if (core->attempts[i].state == NF_ATTEMPT_FREE) {
            return i;
        }
    }
    return UINT32_MAX;
}

uint32_t nf_attempts_take(nf_core *core, nf_attempt_state state, const nf_path *path)
{
    uint32_t number = find_free(core);
    if (number == UINT32_MAX) {
        /* A dial too: who is flooded still has to reach others, and its dials are bounded. */
        nf_core_drop(core, NETRON_DROP_LIMITED);
        number = pick_victim(core);
        if (number != UINT32_MAX) {
            nf_attempts_free(core, number, false);
        }
    }
    if (core->table.free_count == 0) {
        nf_table_collect(&core->table); /* a flood uses up slots faster than ticks come */
    }
    /* What comes by a circuit is taken by its lane: the session opens there too. */
    uint32_t lane = nf_endpoint_is_circuit(&path->remote) ? path->remote.scope & (NF_LANE_COUNT - 1)
                                                          : nf_table_next_lane(&core->table);
    uint32_t index = number == UINT32_MAX ? 0 : nf_table_reserve(&core->table, lane);
    if (index == 0) {
        return UINT32_MAX;
    }
    nf_attempt *attempt = &core->attempts[number];
    memset(attempt, 0, sizeof(*attempt));
    attempt->state = (uint8_t)state;
    attempt->index = index;
    attempt->path = *path;
    attempt->begun_ns = core->now_ns;
    attempt->peer = NF_NO_PEER;
    core->attempt_of_slot[nf_slot_of(index)] = (uint16_t)(number + 1);
    core->attempt_count++;
    core->half_open_count += state == NF_ATTEMPT_HALF_OPEN;
    return number;
}

void nf_attempts_free(nf_core *core, uint32_t number, bool keep)
{
    nf_attempt *attempt = &core->attempts[number];
    nf_assert(attempt->state != NF_ATTEMPT_FREE);
    core->attempt_of_slot[nf_slot_of(attempt->index)] = 0;
    if (!keep) {
        nf_table_retire(&core->table, attempt->index);
    }
    core->attempt_count--;
    core->half_open_count -= attempt->state == NF_ATTEMPT_HALF_OPEN;
    nf_handshake_wipe(&attempt->handshake);
    sodium_memzero(attempt, sizeof(*attempt));
    nf_core_set_deadline_attempt(core, number, UINT64_MAX);
}

nf_attempt *nf_attempts_of(nf_core *core, uint32_t index, nf_attempt_state state, uint32_t *number)
{
    uint32_t slot = nf_slot_of(index);
    if (slot >= core->table.slots_max || core->attempt_of_slot[slot] == 0) {
        return NULL;
    }
    *number = core->attempt_of_slot[slot] - 1u;
    nf_attempt *attempt = &core->attempts[*number];
    return attempt->index == index && attempt->state == state ? attempt : NULL;
}

bool nf_attempts_publish(nf_core *core, uint32_t number)
{
    nf_attempt *attempt = &core->attempts[number];
    const nf_handshake *handshake = &attempt->handshake;
    uint32_t peer = nf_peers_take(core, handshake->remote_id);
    if (peer == NF_NO_PEER) {
        return false;
    }
    uint8_t send[32], receive[32];
    nf_handshake_keys(handshake, send, receive);
    nf_session_facts facts = {
        .index = attempt->index,
        .remote_index = handshake->remote_index,
        .peer = peer,
        .suite = handshake->suite,
        .remote_lanes = handshake->remote_lanes,
        .initiator = handshake->initiator ? 1 : 0,
        .now_ns = core->now_ns,
        .send_key = send,
        .receive_key = receive,
        /* Where was dialled, or where message 2 went: who read it there wrote message 3. */
        .path = attempt->path,
    };
    nf_table_publish(&core->table, &facts);
    sodium_memzero(send, sizeof(send));
    sodium_memzero(receive, sizeof(receive));
    attempt->peer = peer;
    nf_peers_note_clock(core, peer, handshake->remote_wall_ms,
                        handshake->initiator ? core->now_ns : attempt->begun_ns);
    return true;
}
