/* SPDX-License-Identifier: Apache-2.0 */
/* core.c - the life of the control machine: made, fed, woken, freed. */
#include "machine/core.h"

#include "machine/assert.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES_MIN = 16, SECRET_BYTES_MAX = 65536 };

/* The caller's options with defaults, or why they will not do. */
static int fill_options(netron_options *out, const netron_options *given)
{
    memset(out, 0, sizeof(*out));
    if (given->size < offsetof(netron_options, random_seed)) {
        return NETRON_E_INVALID;
    }
    memcpy(out, given, given->size < sizeof(*out) ? given->size : sizeof(*out));
    out->peers_max = out->peers_max != 0 ? out->peers_max : NETRON_PEERS_MAX;
    out->lanes = out->lanes != 0 ? out->lanes : 1;
    out->mtu = out->mtu != 0 ? out->mtu : NETRON_MTU_DEFAULT;
    out->epoch_seconds = out->epoch_seconds != 0 ? out->epoch_seconds : NETRON_EPOCH_SECONDS_MIN;
    if (out->peers_max > NETRON_PEERS_MAX || out->lanes > NETRON_LANES_MAX ||
        out->mtu < NETRON_MTU_MIN || out->mtu > NETRON_MTU_MAX ||
        out->epoch_seconds < NETRON_EPOCH_SECONDS_MIN || out->network_secret == NULL ||
        out->network_secret_length < SECRET_BYTES_MIN ||
        out->network_secret_length > SECRET_BYTES_MAX || out->backend > NF_AEAD_LIBCRYPTO) {
        return NETRON_E_INVALID;
    }
    uint32_t available = nf_aead_suites((nf_aead_backend)out->backend);
    out->suites = out->suites != 0 ? out->suites : available;
    if (available == 0 || (out->suites & ~available) != 0) {
        return NETRON_E_UNSUPPORTED;
    }
    return NETRON_OK;
}

static bool init_tables(nf_core *core, uint32_t peers_max)
{
    uint32_t buckets = 16;
    while (buckets < 2 * peers_max) {
        buckets *= 2;
    }
    core->peer_ids_mask = buckets - 1;
    core->peers = calloc(peers_max, sizeof(*core->peers));
    core->peer_ids = calloc(buckets, sizeof(*core->peer_ids));
    core->free_peers = calloc(peers_max, sizeof(*core->free_peers));
    core->attempts = calloc(NF_HANDSHAKES_MAX, sizeof(*core->attempts));
    core->attempt_of_slot = calloc(core->table.slots_max, sizeof(*core->attempt_of_slot));
    core->seen = nf_seen_new(nf_random_below(&core->random, UINT64_MAX));
    if (core->peers == NULL || core->peer_ids == NULL || core->free_peers == NULL ||
        core->attempts == NULL || core->attempt_of_slot == NULL || core->seen == NULL) {
        return false;
    }
    for (uint32_t peer = peers_max; peer > 0; peer--) {
        core->free_peers[core->free_peer_count++] = peer - 1;
    }
    return nf_deadlines_init(&core->deadlines, peers_max + NF_HANDSHAKES_MAX + NF_OWNER_COUNT) &&
           nf_queues_init(core) && nf_waiting_init(core) && nf_owners_init(core, peers_max) &&
           (!core->table.takes_datagrams || nf_datagrams_init(core));
}

int nf_core_new(nf_core **out, const netron_options *given)
{
    netron_options options;
    int refused = sodium_init() < 0 ? NETRON_E_UNSUPPORTED : fill_options(&options, given);
    if (refused != NETRON_OK) {
        return refused;
    }
    nf_core *core = calloc(1, sizeof(*core));
    if (core == NULL) {
        return NETRON_E_NO_MEMORY;
    }
    core->suites = options.suites;
    core->lanes = options.lanes;
    core->idle_ends = options.idle_ends != 0;
    core->next_fragment_id = nf_fragment_first_id(NF_LANE_CONTROL);
    core->backend = (nf_aead_backend)options.backend;
    nf_random_init(&core->random, options.random_seed);
    if (!nf_identity_from_seed(&core->identity, options.identity_seed)) {
        nf_core_free(core);
        return NETRON_E_INVALID;
    }
    nf_network_init(&core->network, options.network_secret, options.network_secret_length,
                    options.epoch_seconds);
    nf_random_bytes(&core->random, core->hash_key, sizeof(core->hash_key));
    nf_random_bytes(&core->random, core->cookie_secret, sizeof(core->cookie_secret));
    nf_random_bytes(&core->random, core->challenge_key, sizeof(core->challenge_key));
    core->aeads = nf_aead_cache_new(core->backend);
    if (core->aeads == NULL ||
        !nf_table_init(&core->table, options.peers_max, options.lanes, options.mtu)) {
        nf_core_free(core);
        return NETRON_E_NO_MEMORY;
    }
    core->table.takes_datagrams = options.datagrams != 0;
    core->table.all.off = options.multicast_off != 0;
    core->table.relay_bytes_per_second = options.relay_bytes_per_second;
    if (!init_tables(core, options.peers_max)) {
        nf_core_free(core);
        return NETRON_E_NO_MEMORY;
    }
    core->routes_changed = true; /* to all */
    nf_peers_rebuild_routes(core);
    core->routes_due_ns = 0;
    *out = core;
    return NETRON_OK;
}

void nf_core_free(nf_core *core)
{
    if (core == NULL) {
        return;
    }
    for (uint32_t i = 0; core->attempts != NULL && i < NF_HANDSHAKES_MAX; i++) {
        if (core->attempts[i].state != NF_ATTEMPT_FREE) {
            nf_handshake_wipe(&core->attempts[i].handshake);
        }
    }
    nf_queues_free(core);
    nf_waiting_free(core);
    nf_datagrams_free(core);
    nf_owners_free(core);
    nf_deadlines_free(&core->deadlines);
    nf_seen_free(core->seen);
    nf_aead_cache_free(core->aeads);
    nf_table_free(&core->table);
    free(core->peers);
    free(core->peer_ids);
    free(core->free_peers);
    free(core->attempts);
    free(core->attempt_of_slot);
    nf_network_wipe(&core->network);
    sodium_memzero(core, sizeof(*core));
    free(core);
}

uint64_t nf_core_network_of(const nf_core *core, const netron_endpoint *endpoint)
{
    uint64_t seed = nf_load_le64(core->hash_key);
    if (!nf_endpoint_is_circuit(endpoint)) {
        return nf_source_network(endpoint->address, seed);
    }
    /* Each circuit is a network of its own, which no address is in. */
    uint8_t id[16] = {0};
    nf_store_le32(id, endpoint->scope);
    return nf_source_network(id, ~seed);
}

/* --- time ------------------------------------------------------------------------------------- */

uint64_t nf_core_wall_ms(const nf_core *core)
{
    return core->wall_offset_ms == 0 ? 0 : core->wall_offset_ms + core->now_ns / NF_MILLISECOND_NS;
}

void nf_core_advance(nf_core *core, uint64_t now_ns)
{
    nf_assert(now_ns >= core->now_ns);
    core->now_ns = now_ns;
    if (core->wall_offset_ms != 0) {
        /* First messages seen stay remembered: their epoch is still taken for another one, and the
         * clockless key never ends. */
        (void)nf_network_set_time(&core->network, nf_core_wall_ms(core) / 1000);
    }
}

void nf_core_set_time(nf_core *core, uint64_t wall_ms, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    uint64_t now_ms = now_ns / NF_MILLISECOND_NS;
    core->wall_offset_ms = wall_ms > now_ms ? wall_ms - now_ms : 0;
    if (core->wall_offset_ms == 0) {
        (void)nf_network_set_time(&core->network, 0); /* no clock */
    }
    nf_core_advance(core, now_ns);
}

void nf_core_set_deadline_peer(nf_core *core, uint32_t peer, uint64_t at_ns)
{
    nf_deadlines_set(&core->deadlines, peer, at_ns);
}

void nf_core_set_deadline_attempt(nf_core *core, uint32_t attempt, uint64_t at_ns)
{
    nf_deadlines_set(&core->deadlines, core->table.peers_max + attempt, at_ns);
}

void nf_core_set_deadline_owner(nf_core *core, uint32_t owner, uint64_t at_ns)
{
    nf_deadlines_set(&core->deadlines, core->table.peers_max + NF_HANDSHAKES_MAX + owner, at_ns);
}

uint64_t nf_core_deadline(const nf_core *core)
{
    uint64_t next_ns = nf_deadlines_next(&core->deadlines);
    return next_ns < core->resume_ns ? core->resume_ns : next_ns;
}

void nf_core_tick(nf_core *core, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    nf_table_collect(&core->table);
    uint32_t peers_max = core->table.peers_max;
    core->resume_ns = 0;
    nf_peers_rebuild_routes(core); /* first: it sends nothing, so it waits for nobody */
    for (;;) {
        if (core->outgoing_ring.count >= NF_OUTGOING_MAX / 2) {
            /* What thousands of peers have to say at one moment fits no queue: the rest is said
             * when the caller has sent this. */
            core->resume_ns = now_ns + NF_MILLISECOND_NS;
            return;
        }
        uint32_t owner = nf_deadlines_pop(&core->deadlines, now_ns);
        if (owner == UINT32_MAX) {
            return;
        }
        if (owner < peers_max) {
            nf_liveness_check(core, owner);
        } else if (owner < peers_max + NF_HANDSHAKES_MAX) {
            nf_dial_timeout(core, owner - peers_max);
        } else if (owner == peers_max + NF_HANDSHAKES_MAX + NF_OWNER_ROUTES) {
            nf_peers_rebuild_routes(core);
        } else if (owner == peers_max + NF_HANDSHAKES_MAX + NF_OWNER_HOST) {
            nf_core_host_changed(core, now_ns);
        } else if (owner == peers_max + NF_HANDSHAKES_MAX + NF_OWNER_CIRCUITS) {
            nf_circuits_timeout(core);
        } else {
            nf_waiting_timeout(core);
        }
    }
}

/* --- what comes in ---------------------------------------------------------------------------- */

int nf_core_datagram(
    nf_core *core, const uint8_t *bytes, size_t length, const nf_path *path, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    if (core->closing) {
        /* On a session that is made now nobody would say goodbye. */
        nf_core_drop(core, NETRON_DROP_NO_SESSION);
        return NETRON_E_EXPIRED;
    }
    switch (length > 0 ? bytes[0] : 0) {
    case NF_TYPE_MESSAGE1:
        return nf_accept_message1(core, bytes, length, path);
    case NF_TYPE_MESSAGE2:
        return nf_dial_message2(core, bytes, length);
    case NF_TYPE_MESSAGE3:
        return nf_accept_message3(core, bytes, length);
    case NF_TYPE_COOKIE:
        return nf_dial_cookie(core, bytes, length, path);
    default:
        break;
    }
    if (core->datagrams != NULL && path->remote.kind == NETRON_ENDPOINT_UDP &&
        nf_is_foreign(bytes, length)) {
        return nf_datagrams_take(core, bytes, length, path);
    }
    nf_core_drop(core, NETRON_DROP_MALFORMED);
    return NETRON_E_MALFORMED;
}

static void
take_control_message(nf_core *core, const nf_letter *letter, const uint8_t *body, size_t length)
{
    nf_session *session = nf_table_find(&core->table, letter->index);
    if (session == NULL || length > NETRON_MESSAGE_BYTES_MAX) {
        nf_core_drop(core, session == NULL ? NETRON_DROP_NO_SESSION : NETRON_DROP_MALFORMED);
        return;
    }
    nf_peer *peer = &core->peers[session->peer];
    if (peer->pending_messages >= NF_EVENTS_PER_PEER_MAX) {
        nf_core_drop(core, NETRON_DROP_QUEUE_FULL);
        return;
    }
    netron_event *event = nf_event_add(core, NETRON_EVENT_MESSAGE);
    if (event == NULL) {
        return;
    }
    peer->pending_messages++;
    memcpy(event->id, peer->id, sizeof(event->id));
    event->endpoint = letter->path.remote;
    event->length = (uint32_t)length;
    memcpy(event->bytes, body, length);
}

void nf_core_letter(
    nf_core *core, const nf_letter *letter, const uint8_t *body, size_t length, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    uint8_t packet[NF_WAITING_PACKET_BYTES_MAX];
    switch ((nf_letter_kind)letter->kind) {
    case NF_LETTER_CONFIRMED:
        nf_dial_confirmed(core, letter->index);
        break;
    case NF_LETTER_LINK:
        nf_path_message(core, letter, body, length);
        break;
    case NF_LETTER_CONTROL:
        take_control_message(core, letter, body, length);
        break;
    case NF_LETTER_ROAMED:
        nf_ways_roamed(core, letter->index, &letter->path);
        break;
    case NF_LETTER_ACTIVE: {
        nf_session *session = nf_table_find(&core->table, letter->index);
        if (session != NULL) {
            nf_core_set_deadline_peer(core, session->peer, now_ns);
        }
        break;
    }
    case NF_LETTER_WAITING:
        if (length > 0 && length <= sizeof(packet)) {
            memcpy(packet, body, length);
            nf_waiting_add(core, letter->peer, packet, length);
        }
        break;
    case NF_LETTER_TO_ALL:
        nf_waiting_to_all(core, body, length);
        break;
    case NF_LETTER_TOO_BIG:
        nf_path_too_big(core, letter->index);
        break;
    case NF_LETTER_REFUSED:
        nf_path_refused(core, letter->index);
        break;
    case NF_LETTER_DATAGRAM:
        nf_assert(false); /* the shell knows where those go */
    }
}

int nf_core_send_message(
    nf_core *core, const uint8_t id[32], const uint8_t *bytes, size_t length, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    if (length == 0 || length > NETRON_MESSAGE_BYTES_MAX) {
        return NETRON_E_INVALID;
    }
    uint32_t peer = nf_peers_find(core, id);
    nf_session *session = peer == NF_NO_PEER ? NULL : nf_peers_session(core, peer);
    if (session == NULL) {
        return NETRON_E_UNKNOWN_PEER;
    }
    bool sent = nf_core_seal(core, session, NF_TYPE_CONTROL, bytes, length, NULL);
    nf_core_set_deadline_peer(core, peer, now_ns);
    return sent ? NETRON_OK : NETRON_E_AGAIN;
}

void nf_core_host_changed(nf_core *core, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    if (now_ns < core->host_due_ns) {
        nf_core_set_deadline_owner(core, NF_OWNER_HOST, core->host_due_ns);
        return;
    }
    /* A route often comes a moment after its address; containers come and go by the dozen. */
    bool calm = now_ns >= core->host_due_ns + NF_HOST_CHANGED_MAX_NS;
    uint64_t pause_ns = calm ? NF_HOST_CHANGED_MIN_NS : 2 * core->host_pause_ns;
    core->host_pause_ns = pause_ns < NF_HOST_CHANGED_MAX_NS ? pause_ns : NF_HOST_CHANGED_MAX_NS;
    core->host_due_ns = now_ns + core->host_pause_ns;
    (void)nf_event_add(core, NETRON_EVENT_HOST_CHANGED);
    for (uint32_t peer = 0; peer < core->peer_high; peer++) {
        nf_session *session = core->peers[peer].used ? nf_peers_session(core, peer) : NULL;
        if (session != NULL) {
            nf_path_echo(core, session, 0);
            nf_liveness_doubt(core, &core->peers[peer], NF_SILENT_END_NS);
            nf_path_confirm_soon(core, peer);
            nf_core_set_deadline_peer(core, peer, now_ns);
        }
    }
}

int nf_core_ping(nf_core *core, const uint8_t id[32], uint64_t token, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    uint32_t peer = nf_peers_find(core, id);
    nf_session *session = peer == NF_NO_PEER ? NULL : nf_peers_session(core, peer);
    if (session == NULL || token == 0) {
        return session == NULL ? NETRON_E_UNKNOWN_PEER : NETRON_E_INVALID;
    }
    nf_path_echo(core, session, token);
    return NETRON_OK;
}

int nf_core_keep(nf_core *core, const uint8_t id[32], bool kept, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    uint32_t number = nf_peers_find(core, id);
    if (number == NF_NO_PEER) {
        return NETRON_E_UNKNOWN_PEER;
    }
    nf_peer *peer = &core->peers[number];
    if (peer->kept && !kept) {
        peer->asked_ns = now_ns; /* our echoes spared it to ask: now it has the time to */
    }
    peer->kept = kept;
    nf_core_set_deadline_peer(core, number, now_ns);
    return NETRON_OK;
}

int nf_core_set_keepalive(nf_core *core,
                          const uint8_t id[32],
                          const netron_keepalive *keepalive,
                          uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    uint32_t number = nf_peers_find(core, id);
    if (number == NF_NO_PEER) {
        return NETRON_E_UNKNOWN_PEER;
    }
    if (keepalive->interval_ms < NF_KEEPALIVE_MIN_MS ||
        keepalive->interval_ms > NF_KEEPALIVE_MAX_MS || keepalive->turn > NETRON_TURN_PEERS) {
        return NETRON_E_INVALID;
    }
    nf_peer *peer = &core->peers[number];
    if (!peer->kept && peer->wanted && keepalive->wanted == 0) {
        peer->asked_ns = now_ns; /* as in nf_core_keep() */
    }
    peer->keepalive_ms = keepalive->interval_ms;
    peer->keepalive_turn = (uint8_t)keepalive->turn;
    peer->keepalive_reported = keepalive->reports != 0;
    peer->wanted = keepalive->wanted != 0;
    peer->silence_ms = 0;
    nf_core_set_deadline_peer(core, number, now_ns);
    return NETRON_OK;
}

void nf_core_say_goodbye(nf_core *core, uint32_t peer, uint8_t reason)
{
    const uint8_t goodbye[NF_LINK_GOODBYE_BYTES] = {NF_LINK_GOODBYE, reason};
    nf_session *session = nf_peers_session(core, peer);
    if (session != NULL) {
        nf_core_seal(core, session, NF_TYPE_LINK, goodbye, sizeof(goodbye), NULL);
    }
}

int nf_core_hang_up(nf_core *core, const uint8_t id[32], uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    uint32_t peer = nf_peers_find(core, id);
    if (peer == NF_NO_PEER) {
        return NETRON_E_UNKNOWN_PEER;
    }
    nf_core_say_goodbye(core, peer, NF_GOODBYE_LEAVING);
    nf_peers_remove(core, peer, NETRON_DOWN_LOCAL);
    return NETRON_OK;
}

void nf_core_say_goodbyes(nf_core *core)
{
    while (core->closing && core->goodbyes < core->peer_high &&
           core->outgoing_ring.count < NF_OUTGOING_MAX / 2) {
        uint32_t peer = core->goodbyes++;
        if (core->peers[peer].used) {
            nf_core_say_goodbye(core, peer, NF_GOODBYE_LEAVING);
        }
    }
}

void nf_core_close(nf_core *core, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    core->closing = true;
    nf_core_say_goodbyes(core);
}

void nf_core_counters(nf_core *core, netron_counters *out)
{
    *out = core->counters;
    nf_circuits_count(core, out);
    for (uint32_t number = 0; number < core->peer_high; number++) {
        netron_peer_info info;
        if (nf_peers_info(core, number, &info)) {
            out->tx_packets += info.tx_packets;
            out->tx_bytes += info.tx_bytes;
            out->rx_packets += info.rx_packets;
            out->rx_bytes += info.rx_bytes;
        }
    }
}
