/* SPDX-License-Identifier: Apache-2.0 */
/* ways.c - which of a peer's paths is used: moves, paths that are tried, to worse ones and back.
 *
 * A peer is sent bulk only where it proved to get mail: by its RESPONSE to a sealed CHALLENGE, 44
 * bytes, to that address. There are two kinds of them. What a peer's own packets came from is
 * challenged to move there; what the caller tries is only learned, unless the path so far is a
 * worse one: UDP is better than TCP, and that than a circuit. A challenge is kept nowhere: its
 * secret says when it was sent and why, under a keyed hash with the session and the address, so
 * that any number can be under way.
 *
 * A path is never given up for a worse one while it answers. Both ends move on their own, so for a
 * moment they send by different ways: who hears a worse path than its own asks by that, and
 * challenges the worse one only when its own is silent. */
#include "machine/core.h"

#include "machine/assert.h"

#include <sodium.h>
#include <string.h>

/* The secret: hash 40 | why 2 | time 22 bits of 2^13 ns, which is 34 s and then again from 0. */
enum {
    TIME_BITS = 22,
    TIME_UNIT_BITS = 13,
    FACT_BITS = TIME_BITS + 2,
};
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define FACT_MASK ((UINT64_C(1) << FACT_BITS) - 1)

/* What an answer is good for. */
#define TRIED   UINT64_C(0)                /* to know the path */
#define MOVES   (UINT64_C(1) << TIME_BITS) /* to use it */
#define REPLACE (UINT64_C(3) << TIME_BITS) /* ... unless the path so far was heard meanwhile */

_Static_assert((NF_CHALLENGE_END_NS >> TIME_UNIT_BITS) < TIME_MASK, "the time tells its age");

static bool is_better(const nf_path *path, const nf_path *other)
{
    static const uint8_t worth[] = {
        [NETRON_ENDPOINT_CIRCUIT] = 0,
        [NETRON_ENDPOINT_TCP] = 1,
        [NETRON_ENDPOINT_TCP_IN] = 1,
        [NETRON_ENDPOINT_UDP] = 2,
    };
    nf_assert(path->remote.kind < sizeof(worth) && other->remote.kind < sizeof(worth));
    return worth[path->remote.kind] > worth[other->remote.kind];
}

/* --- challenges ------------------------------------------------------------------------------- */

static uint64_t secret_of(const nf_core *core,
                          const nf_session *session,
                          const netron_endpoint *endpoint,
                          uint64_t facts)
{
    uint8_t input[40] = {0}, hash[crypto_shorthash_BYTES];
    nf_store_le64(input, session->key_identity);
    memcpy(input + 8, endpoint->address, sizeof(endpoint->address));
    nf_store_le32(input + 24, endpoint->scope);
    nf_store_le16(input + 28, endpoint->port);
    nf_store_le16(input + 30, endpoint->kind);
    nf_store_le64(input + 32, facts);
    crypto_shorthash(hash, input, sizeof(input), core->challenge_key);
    return (nf_load_le64(hash) & ~FACT_MASK) | facts;
}

static void challenge(nf_core *core, nf_session *session, const nf_path *path, uint64_t why)
{
    uint64_t facts = (core->now_ns >> TIME_UNIT_BITS & TIME_MASK) | why;
    uint8_t body[NF_LINK_CHALLENGE_BYTES] = {NF_LINK_CHALLENGE};
    nf_store_le64(body + 4, secret_of(core, session, &path->remote, facts));
    nf_core_seal(core, session, NF_TYPE_LINK, body, sizeof(body), path);
}

/* How long ago the secret was sent, in whole units. */
static uint64_t age_of(const nf_core *core, uint64_t secret)
{
    uint64_t units = ((core->now_ns >> TIME_UNIT_BITS) - secret) & TIME_MASK;
    return units << TIME_UNIT_BITS;
}

/* --- paths that were shown -------------------------------------------------------------------- */

static uint32_t seconds_of(uint64_t ns)
{
    return (uint32_t)(1 + ns / NF_SECOND_NS);
}

static nf_way *find_way(nf_peer *peer, const netron_endpoint *endpoint)
{
    for (unsigned i = 0; i < NF_WAYS_MAX; i++) {
        if (peer->ways[i].shown_s != 0 && nf_endpoint_equal(&peer->ways[i].path.remote, endpoint)) {
            return &peer->ways[i];
        }
    }
    return NULL;
}

static void remember(nf_core *core, uint32_t number, const nf_path *path, uint64_t shown_ns)
{
    nf_peer *peer = &core->peers[number];
    if (nf_endpoint_is_circuit(&path->remote)) {
        nf_circuits_met(core, path, number);
        return;
    }
    nf_way *way = find_way(peer, &path->remote);
    for (unsigned i = 0; way == NULL && i < NF_WAYS_MAX; i++) {
        way = peer->ways[i].shown_s == 0 ? &peer->ways[i] : NULL;
    }
    if (way == NULL) {
        way = &peer->ways[0];
        for (unsigned i = 1; i < NF_WAYS_MAX; i++) {
            way = peer->ways[i].shown_s < way->shown_s ? &peer->ways[i] : way;
        }
    }
    *way = (nf_way){.path = *path, .shown_s = seconds_of(shown_ns)};
}

/* A NAT forgets a path of UDP, and nobody can listen on one of TCP by chance. */
static bool is_fresh(const nf_core *core, const nf_way *way)
{
    uint32_t age_s = seconds_of(core->now_ns) - way->shown_s;
    return way->shown_s != 0 &&
           (way->path.remote.kind == NETRON_ENDPOINT_TCP || age_s <= NF_WAY_END_NS / NF_SECOND_NS);
}

/* When the path itself was last heard. */
static uint64_t path_heard_at(nf_core *core, uint32_t peer)
{
    const nf_session *session = nf_peers_session(core, peer);
    return session == NULL ? 0
                           : atomic_load_explicit(&session->path_heard_ns, memory_order_relaxed);
}

/* --- moves ------------------------------------------------------------------------------------ */

static void move(nf_core *core, uint32_t number, const nf_path *path)
{
    nf_peer *peer = &core->peers[number];
    uint64_t heard_ns = path_heard_at(core, number);
    if (heard_ns != 0) { /* a lane's clock may be ahead of ours */
        remember(core, number, &peer->path, heard_ns < core->now_ns ? heard_ns : core->now_ns);
    }
    peer->better_asked_ns = 0;
    peer->chosen_ns = 0;
    peer->unanswered_ns = 0; /* it answered just now */
    peer->probes_lost = 0;
    nf_peers_set_path(core, number, path);
}

/* To a path that answered within `rtt_ns`. */
static void move_by_proof(nf_core *core, uint32_t number, const nf_path *path, uint64_t rtt_ns)
{
    nf_peer *peer = &core->peers[number];
    bool is_another_kind = is_better(path, &peer->path) || is_better(&peer->path, path);
    move(core, number, path);
    nf_session *current = nf_peers_session(core, number);
    if (current != NULL && is_another_kind) {
        peer->rtt_ns = rtt_ns;
        nf_path_echo(core, current, 0); /* so that the peer sees where it is reached now */
    }
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Has the path so far yet to show that it no longer answers? It is asked first. */
static bool waits_for_answer(const nf_core *core, nf_peer *peer, uint64_t heard_ns)
{
    uint64_t patience_ns = later(NF_BETTER_ANSWER_NS, 2 * peer->rtt_ns);
    uint64_t asked_ns = peer->better_asked_ns;
    /* What was asked on another occasion long ago is no answer to this one. */
    if (heard_ns >= asked_ns || core->now_ns - asked_ns > 4 * patience_ns) {
        peer->better_asked_ns = core->now_ns;
        return true;
    }
    return core->now_ns - asked_ns < patience_ns;
}

/* The same of a better path: one that was heard lately and then no more has shown it. */
static bool waits_for_better(const nf_core *core, nf_peer *peer, uint64_t heard_ns)
{
    uint64_t silent_ns = core->now_ns > heard_ns ? core->now_ns - heard_ns : 0;
    if (silent_ns >= later(NF_UNANSWERED_MIN_NS, 3 * peer->rtt_ns) &&
        silent_ns < NF_BETTER_FRESH_NS) {
        return false;
    }
    return waits_for_answer(core, peer, heard_ns);
}

/* Two ends that chose different circuits would follow each other to and fro for ever. So the one
 * with the lesser id stays on its own, as long as that answers, and the other one follows. */
static bool leads(nf_core *core, const nf_peer *peer, const nf_path *path)
{
    return nf_endpoint_is_circuit(&path->remote) && nf_endpoint_is_circuit(&peer->path.remote) &&
           nf_table_circuit(&core->table, peer->path.remote.scope) != NULL &&
           peer->probes_lost == 0 && memcmp(core->identity.id, peer->id, NETRON_ID_BYTES) < 0;
}

/* A packet came by `path`. Is it only that the other end has not followed us yet? */
static bool stays(nf_core *core, uint32_t number, const nf_path *path)
{
    nf_peer *peer = &core->peers[number];
    if (is_better(&peer->path, path)) {
        return waits_for_better(core, peer, path_heard_at(core, number));
    }
    if (peer->chosen_ns != 0 && core->now_ns - peer->chosen_ns < NF_CHOSEN_NS) {
        return true;
    }
    return leads(core, peer, path) && waits_for_answer(core, peer, path_heard_at(core, number));
}

void nf_ways_roamed(nf_core *core, uint32_t index, const nf_path *path)
{
    nf_session *session = nf_table_find(&core->table, index);
    if (session == NULL) {
        return;
    }
    uint32_t number = session->peer;
    if (nf_endpoint_equal(&core->peers[number].path.remote, &path->remote)) {
        return;
    }
    if (!stays(core, number, path)) {
        challenge(core, session, path, MOVES);
        return;
    }
    nf_session *current = nf_peers_session(core, number);
    if (current != NULL) {
        nf_path_echo(core, current, 0); /* here we are, and are you? */
    }
}

static void tell_path(nf_core *core, const nf_peer *peer, const nf_path *path, uint64_t rtt_ns)
{
    netron_event *event = nf_event_add(core, NETRON_EVENT_PATH);
    if (event != NULL) {
        memcpy(event->id, peer->id, sizeof(event->id));
        event->endpoint = path->remote;
        event->rtt_ns = rtt_ns;
    }
}

/* May a path that answered so replace the one so far? */
static bool may_replace(nf_core *core, uint32_t number, const nf_path *path, uint64_t secret)
{
    const nf_peer *peer = &core->peers[number];
    if (nf_endpoint_equal(&peer->path.remote, &path->remote)) {
        return false;
    }
    if (is_better(path, &peer->path)) {
        return true;
    }
    bool silent = peer->probes_lost >= NF_PROBES_LOST; /* then any path that answers will do */
    bool yields = silent || (secret & REPLACE) == REPLACE || is_better(&peer->path, path);
    bool was_heard = path_heard_at(core, number) + age_of(core, secret) > core->now_ns;
    return ((secret & MOVES) != 0 || silent) && !(yields && was_heard);
}

void nf_ways_response(nf_core *core, nf_session *session, uint64_t secret, const nf_path *path)
{
    uint64_t age_ns = age_of(core, secret);
    uint64_t expected = secret_of(core, session, &path->remote, secret & FACT_MASK);
    if (sodium_memcmp(&expected, &secret, sizeof(secret)) != 0 || age_ns > NF_CHALLENGE_END_NS) {
        return;
    }
    uint32_t number = session->peer;
    nf_peer *peer = &core->peers[number];
    remember(core, number, path, core->now_ns);
    if ((secret & MOVES) == 0) {
        tell_path(core, peer, path, age_ns);
    }
    if (!may_replace(core, number, path, secret)) {
        return;
    }
    move_by_proof(core, number, path, age_ns);
}

void nf_ways_proven(nf_core *core, uint32_t number, const nf_path *path, uint64_t rtt_ns)
{
    if (is_better(path, &core->peers[number].path)) {
        move_by_proof(core, number, path, rtt_ns);
    } else {
        remember(core, number, path, core->now_ns);
    }
}

bool nf_ways_stays(nf_core *core, uint32_t number, const nf_path *made_by)
{
    const nf_peer *peer = &core->peers[number];
    return is_better(&peer->path, made_by) && peer->unanswered_ns == 0 &&
           path_heard_at(core, number) + NF_BETTER_FRESH_NS > core->now_ns;
}

void nf_ways_fall_back(nf_core *core, uint32_t number)
{
    const nf_peer *peer = &core->peers[number];
    nf_session *session = nf_peers_session(core, number);
    uint32_t after = 0;
    const nf_circuit *circuit;
    while (session != NULL && (circuit = nf_circuits_to(core, number, &after)) != NULL) {
        uint32_t id = atomic_load_explicit(&circuit->id, memory_order_relaxed);
        nf_path path = {.remote = nf_endpoint_of_circuit(id)};
        if (!nf_endpoint_equal(&path.remote, &peer->path.remote)) {
            challenge(core, session, &path, REPLACE);
        }
    }
    for (unsigned i = 0; session != NULL && i < NF_WAYS_MAX; i++) {
        const nf_way *way = &peer->ways[i];
        if (is_fresh(core, way) && !nf_endpoint_equal(&way->path.remote, &peer->path.remote)) {
            challenge(core, session, &way->path, REPLACE);
        }
    }
}

void nf_ways_cut(nf_core *core, const netron_endpoint *endpoint, uint64_t end_ns)
{
    for (uint32_t number = 0; number < core->peer_high; number++) {
        nf_peer *peer = &core->peers[number];
        if (!peer->used || !nf_endpoint_equal(&peer->path.remote, endpoint)) {
            continue;
        }
        nf_liveness_doubt(core, peer, end_ns);
        nf_session *session = nf_peers_session(core, number);
        if (session != NULL) { /* what came so far came by what is gone */
            peer->seen_rx = atomic_load_explicit(&session->rx_packets, memory_order_relaxed);
        }
        if (session != NULL && endpoint->kind == NETRON_ENDPOINT_TCP) {
            nf_path_echo(core, session, 0); /* which connects again */
        }
        nf_ways_fall_back(core, number);
        nf_core_set_deadline_peer(core, number, core->now_ns);
    }
}

void nf_core_disconnected(nf_core *core, const netron_endpoint *endpoint, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    if (nf_endpoint_is_tcp(endpoint)) {
        nf_ways_cut(core, endpoint, NF_SILENT_END_NS);
    }
}

/* --- what the caller asks for ----------------------------------------------------------------- */

/* `session` is that of the peer then. */
static int
may_try(nf_core *core, const uint8_t id[32], const netron_endpoint *endpoint, nf_session **session)
{
    if (!nf_circuits_may_reach(core, endpoint)) {
        return NETRON_E_INVALID;
    }
    uint32_t number = nf_peers_find(core, id);
    *session = number == NF_NO_PEER ? NULL : nf_peers_session(core, number);
    if (*session == NULL) {
        return NETRON_E_UNKNOWN_PEER;
    }
    /* The rest of the queue is for what has to be said. */
    return core->outgoing_ring.count >= NF_OUTGOING_MAX / 2 ? NETRON_E_AGAIN : NETRON_OK;
}

int nf_core_try_path(nf_core *core,
                     const uint8_t id[32],
                     const netron_endpoint *endpoint,
                     uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    nf_session *session;
    int result = may_try(core, id, endpoint, &session);
    if (result != NETRON_OK) {
        return result;
    }
    nf_rate *rate = &core->peers[session->peer].try_rate;
    if (!nf_rate_take(rate, NF_TRY_PER_SECOND, NF_TRY_BURST, now_ns)) {
        return NETRON_E_AGAIN;
    }
    nf_path path = {.remote = *endpoint};
    challenge(core, session, &path, TRIED);
    return NETRON_OK;
}

int nf_core_try_door(nf_core *core,
                     const uint8_t id[32],
                     const netron_endpoint *endpoint,
                     uint32_t door,
                     uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    nf_session *session;
    int result = may_try(core, id, endpoint, &session);
    if (result == NETRON_OK) {
        nf_path path = {.remote = *endpoint, .local.door = 1 + door};
        challenge(core, session, &path, TRIED);
    }
    return result;
}

int nf_core_lacks_udp(const nf_core *core, const uint8_t id[32])
{
    uint32_t number = nf_peers_find(core, id);
    if (number == NF_NO_PEER || core->peers[number].current == 0) {
        return NETRON_E_UNKNOWN_PEER;
    }
    return core->peers[number].path.remote.kind == NETRON_ENDPOINT_UDP ? NETRON_E_INVALID
                                                                       : NETRON_OK;
}

void nf_core_find_doors(const nf_core *core, bool used[NF_DOORS_MAX])
{
    memset(used, 0, NF_DOORS_MAX * sizeof(*used));
    for (uint32_t number = 0; number < core->peer_high; number++) {
        const nf_peer *peer = &core->peers[number];
        if (!peer->used) {
            continue;
        }
        if (peer->path.local.door != 0) {
            used[peer->path.local.door - 1] = true;
        }
        for (unsigned i = 0; i < NF_WAYS_MAX; i++) {
            const nf_way *way = &peer->ways[i];
            if (way->path.local.door != 0 && is_fresh(core, way)) {
                used[way->path.local.door - 1] = true;
            }
        }
    }
}

int nf_core_use_path(nf_core *core,
                     const uint8_t id[32],
                     const netron_endpoint *endpoint,
                     uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    uint32_t number = nf_peers_find(core, id);
    nf_session *session = number == NF_NO_PEER ? NULL : nf_peers_session(core, number);
    if (session == NULL) {
        return NETRON_E_UNKNOWN_PEER;
    }
    nf_peer *peer = &core->peers[number];
    if (nf_endpoint_equal(&peer->path.remote, endpoint)) {
        return NETRON_OK;
    }
    nf_path path = {.remote = *endpoint};
    if (nf_endpoint_is_circuit(endpoint)) {
        const nf_circuit *circuit = nf_table_circuit(&core->table, endpoint->scope);
        if (circuit == NULL || circuit->far != number) {
            return NETRON_E_EXPIRED;
        }
    } else {
        const nf_way *way = find_way(peer, endpoint);
        if (way == NULL || !is_fresh(core, way)) {
            return NETRON_E_EXPIRED;
        }
        path = way->path;
    }
    move(core, number, &path);
    peer->chosen_ns = core->now_ns;
    nf_path_echo(core, session, 0);
    return NETRON_OK;
}
