/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - the link itself: echoes, how large a datagram may be, and what else the ends say about
 * it.
 *
 * The size is found by padded probes (RFC 8899). What they tell is the UDP payload, or where the
 * path is a circuit what remains of it behind the shim. TCP cuts what it carries as it likes: there
 * the size is known. */
#include "machine/core.h"

#include <string.h>

/* --- echoes ----------------------------------------------------------------------------------- */

void nf_path_echo(nf_core *core, nf_session *session, uint64_t token)
{
    uint8_t echo[NF_LINK_ECHO_BYTES] = {NF_LINK_ECHO};
    nf_store_le64(echo + 4, core->now_ns);
    nf_store_le64(echo + 12, token);
    nf_core_seal(core, session, NF_TYPE_LINK, echo, sizeof(echo), NULL);
}

static void take_echo_reply(nf_core *core, nf_session *session, const uint8_t *body)
{
    uint64_t sent_ns = nf_load_le64(body + 4);
    uint64_t token = nf_load_le64(body + 12);
    if (sent_ns > core->now_ns || core->now_ns - sent_ns > NF_SESSION_END_NS) {
        return; /* not what we sent: the peer fools itself */
    }
    nf_peer *peer = &core->peers[session->peer];
    uint64_t rtt_ns = core->now_ns - sent_ns;
    peer->rtt_ns = peer->rtt_ns == 0 ? rtt_ns : (7 * peer->rtt_ns + rtt_ns) / 8;
    netron_event *event = token == 0 ? NULL : nf_event_add(core, NETRON_EVENT_PONG);
    if (event != NULL) {
        memcpy(event->id, peer->id, sizeof(event->id));
        event->endpoint = peer->path.remote;
        event->token = token;
        event->rtt_ns = rtt_ns;
    }
}

/* --- sizes ------------------------------------------------------------------------------------ */

/* What is tried, in UDP payload bytes: the most that the inner MTU can use, with a relay's shim;
 * below it what Ethernet, PPPoE, common tunnels and IPv6's least MTU leave. */
static const uint16_t common_sizes[] = {1440, 1412, 1372, 1332, 1292, 1252, 1232};

static uint32_t shim_of(const nf_path *path)
{
    return nf_endpoint_is_circuit(&path->remote) ? NF_CIRCUIT_SHIM_BYTES : 0;
}

uint32_t nf_path_mtu_base(const nf_path *path)
{
    return NF_PATH_MTU_BASE - shim_of(path);
}

static uint32_t top_size(const nf_core *core, const nf_peer *peer)
{
    return core->table.mtu + NF_SESSION_OVERHEAD_BYTES + NF_CIRCUIT_SHIM_BYTES -
           shim_of(&peer->path);
}

/* What one frame takes, with a relay's shim. */
static uint32_t tcp_size(const nf_core *core, const nf_peer *peer)
{
    uint32_t top = top_size(core, peer);
    return top < NF_FRAME_BYTES_MAX ? top : NF_FRAME_BYTES_MAX;
}

/* What happens to the far part of a circuit is not seen here. */
static uint64_t confirm_pause(const nf_peer *peer)
{
    return shim_of(&peer->path) == 0 ? NF_PROBE_CONFIRM_NS : NF_PROBE_CONFIRM_CIRCUIT_NS;
}

static void send_probe(nf_core *core, nf_session *session, uint32_t size)
{
    uint8_t search = core->peers[session->peer].search_number;
    uint8_t body[NETRON_MTU_MAX + NF_CIRCUIT_SHIM_BYTES] = {NF_LINK_PROBE, search};
    nf_store_le16(body + 2, (uint16_t)size);
    nf_core_seal(core, session, NF_TYPE_LINK, body, size - NF_SESSION_OVERHEAD_BYTES, NULL);
}

static void use_size(nf_core *core, uint32_t number, uint32_t size, bool settled)
{
    core->peers[number].path_mtu = size;
    nf_session *session = nf_peers_session(core, number);
    if (session != NULL) {
        atomic_store_explicit(&session->path_mtu, size, memory_order_relaxed);
        atomic_store_explicit(&session->path_settled, settled ? 1 : 0, memory_order_relaxed);
    }
}

void nf_path_search(nf_core *core, uint32_t number)
{
    nf_peer *peer = &core->peers[number];
    peer->search_number++; /* what was on its way tells of the path before */
    peer->search_tries = 0;
    peer->confirms_lost = 0;
    if (nf_endpoint_is_tcp(&peer->path.remote)) {
        peer->search_best = tcp_size(core, peer);
        peer->search_ns = UINT64_MAX;
        use_size(core, number, peer->search_best, true);
        return;
    }
    peer->search_best = nf_path_mtu_base(&peer->path);
    peer->search_ns = core->now_ns;
    use_size(core, number, peer->search_best, false);
    nf_core_set_deadline_peer(core, number, core->now_ns);
}

void nf_path_confirm_soon(nf_core *core, uint32_t number)
{
    nf_peer *peer = &core->peers[number];
    if (peer->confirms_lost == 0 && peer->confirm_ns > core->now_ns) {
        peer->confirm_ns = core->now_ns;
    }
}

static void search_step(nf_core *core, uint32_t number, nf_session *session)
{
    nf_peer *peer = &core->peers[number];
    uint32_t top = top_size(core, peer), shim = shim_of(&peer->path);
    bool found_top = peer->search_best >= top;
    if (found_top || peer->search_tries >= NF_PROBE_TRIES_MAX) {
        use_size(core, number, peer->search_best, true);
        peer->search_tries = 0;
        peer->search_ns = found_top ? UINT64_MAX : core->now_ns + NF_PROBE_RAISE_NS;
        peer->confirm_ns = core->now_ns + confirm_pause(peer);
        return;
    }
    send_probe(core, session, top);
    for (unsigned i = 0; i < sizeof(common_sizes) / sizeof(common_sizes[0]); i++) {
        uint32_t size = common_sizes[i] - shim;
        if (size > peer->search_best && size < top) {
            send_probe(core, session, size);
        }
    }
    peer->search_tries++;
    peer->search_ns = core->now_ns + NF_PROBE_RETRY_NS;
}

uint64_t nf_path_search_due(nf_core *core, uint32_t number, bool active)
{
    nf_peer *peer = &core->peers[number];
    nf_session *session = nf_peers_session(core, number);
    if (session == NULL || nf_endpoint_is_tcp(&peer->path.remote)) {
        return UINT64_MAX;
    }
    if (core->now_ns >= peer->search_ns) {
        if (core->idle_ends && !active && peer->search_tries == 0) {
            return UINT64_MAX; /* what carries no packet needs no size */
        }
        search_step(core, number, session);
    }
    if (!active || peer->path_mtu <= nf_path_mtu_base(&peer->path) ||
        core->now_ns < peer->confirm_ns) {
        return peer->search_ns;
    }
    if (peer->confirms_lost >= NF_CONFIRMS_LOST_MAX) {
        nf_path_search(core, number); /* the path became narrower: a black hole (RFC 8899 4.3) */
        return core->now_ns;
    }
    send_probe(core, session, peer->path_mtu);
    peer->confirms_lost++;
    peer->confirm_ns = core->now_ns + NF_PROBE_RETRY_NS;
    return peer->search_ns;
}

static void
take_probe(nf_core *core, nf_session *session, const nf_letter *letter, const uint8_t *body)
{
    uint16_t size = nf_load_le16(body + 2);
    if (size != letter->length) {
        nf_core_drop(core, NETRON_DROP_MALFORMED);
        return;
    }
    uint8_t reply[NF_LINK_PROBE_BYTES_MIN] = {NF_LINK_PROBE_REPLY, body[1]};
    nf_store_le16(reply + 2, size);
    nf_core_seal(core, session, NF_TYPE_LINK, reply, sizeof(reply), NULL);
}

static void take_probe_reply(nf_core *core, nf_session *session, const uint8_t *body)
{
    uint32_t number = session->peer;
    nf_peer *peer = &core->peers[number];
    uint32_t size = nf_load_le16(body + 2);
    uint32_t top = top_size(core, peer);
    if (size > top || body[1] != peer->search_number) {
        return; /* never asked for, or of a path that is left */
    }
    if (size >= peer->path_mtu) {
        peer->confirms_lost = 0;
        peer->confirm_ns = core->now_ns + confirm_pause(peer);
    }
    if (size > peer->search_best) {
        peer->search_best = size;
        use_size(core, number, size, size == top);
        if (size == top) {
            peer->search_ns = UINT64_MAX;
        }
    }
}

void nf_path_too_big(nf_core *core, uint32_t index)
{
    nf_session *session = nf_table_find(&core->table, index);
    if (session == NULL) {
        return;
    }
    const nf_peer *peer = &core->peers[session->peer];
    if (peer->path_mtu > nf_path_mtu_base(&peer->path)) {
        nf_path_search(core, session->peer);
    }
}

/* From another address packets may go another way. */
static void clear_local(nf_core *core, nf_session *session)
{
    nf_path path;
    nf_session_get_path(session, &path);
    if (nf_local_is_any(&path.local)) {
        return;
    }
    path.local = nf_local_any(&path.local);
    nf_session_set_path(session, &path);
    nf_path_search(core, session->peer);
    nf_circuits_neighbour_moved(core, session->peer);
}

void nf_path_refused(nf_core *core, uint32_t index)
{
    nf_session *session = nf_table_find(&core->table, index);
    if (session == NULL) {
        return;
    }
    nf_path path;
    nf_session_get_path(session, &path);
    if (nf_endpoint_is_circuit(&path.remote)) {
        const nf_circuit *circuit = nf_table_circuit(&core->table, path.remote.scope);
        session = circuit == NULL ? NULL : nf_peers_session(core, circuit->peer);
    }
    if (session != NULL) {
        clear_local(core, session);
    }
}

/* --- messages --------------------------------------------------------------------------------- */

void nf_path_message(nf_core *core, const nf_letter *letter, const uint8_t *body, size_t length)
{
    nf_session *session = nf_table_find(&core->table, letter->index);
    if (session == NULL) {
        nf_core_drop(core, NETRON_DROP_NO_SESSION);
        return;
    }
    uint8_t reply[NF_LINK_ECHO_BYTES];
    switch (length >= NF_LINK_GOODBYE_BYTES ? body[0] : 0) {
    case NF_LINK_ECHO:
    case NF_LINK_CHALLENGE:
        if (length == NF_LINK_ECHO_BYTES || length == NF_LINK_CHALLENGE_BYTES) {
            memcpy(reply, body, length);
            reply[0] = (uint8_t)(body[0] + 1);
            if (body[0] == NF_LINK_ECHO) {
                nf_liveness_asked(core, session);
            }
            nf_core_seal(core, session, NF_TYPE_LINK, reply, length,
                         body[0] == NF_LINK_CHALLENGE ? &letter->path : NULL);
            return;
        }
        break;
    case NF_LINK_ECHO_REPLY:
        if (length == NF_LINK_ECHO_BYTES) {
            take_echo_reply(core, session, body);
            return;
        }
        break;
    case NF_LINK_RESPONSE:
        if (length == NF_LINK_CHALLENGE_BYTES) {
            nf_ways_response(core, session, nf_load_le64(body + 4), &letter->path);
            return;
        }
        break;
    case NF_LINK_PROBE:
        take_probe(core, session, letter, body);
        return;
    case NF_LINK_PROBE_REPLY:
        take_probe_reply(core, session, body);
        return;
    case NF_LINK_GOODBYE:
        nf_peers_remove(core, session->peer,
                        body[1] == NF_GOODBYE_IDLE ? NETRON_DOWN_IDLE : NETRON_DOWN_GOODBYE);
        return;
    default:
        break;
    }
    nf_core_drop(core, NETRON_DROP_MALFORMED);
}
