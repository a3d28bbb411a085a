/* SPDX-License-Identifier: Apache-2.0 */
/* liveness.c - one look at a peer: is it there, is its session too old, when to look again.
 *
 * Lanes only count. Here the counters are compared with those of the last look: what was sent and
 * not answered for three round trips is asked after with an echo; two lost echoes begin a new
 * handshake; NF_SILENT_END_NS without an answer and the peer is down. A peer without traffic is
 * looked at seldom, and the lane that sends to it again says so. A session that neither end keeps
 * ends when nobody used it for NF_IDLE_END_NS. */
#include "machine/core.h"

#include <string.h>

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t patience(const nf_peer *peer)
{
    uint64_t trips = 3 * peer->rtt_ns;
    return trips > NF_UNANSWERED_MIN_NS ? trips : NF_UNANSWERED_MIN_NS;
}

void nf_liveness_doubt(nf_core *core, nf_peer *peer, uint64_t end_ns)
{
    bool doubted = peer->unanswered_ns != 0;
    end_ns += core->now_ns;
    peer->silent_end_ns = doubted ? earlier(peer->silent_end_ns, end_ns) : end_ns;
    peer->unanswered_ns = doubted ? peer->unanswered_ns : core->now_ns;
    peer->probe_ns = core->now_ns;
}

/* Who has another way to the peer asks faster once it began to. */
static uint64_t next_probe_at(const nf_peer *peer)
{
    bool hurries = peer->probes_lost > 0 && peer->circuits_to > 0;
    return peer->probe_ns + (hurries ? patience(peer) / 2 : patience(peer));
}

/* @return true if the lanes sent since the last look: packets that the path's size matters to */
static bool compare_data(nf_peer *peer, nf_session *session)
{
    uint64_t data = 0;
    for (unsigned lane = 0; lane < NF_LANE_CONTROL; lane++) {
        data += atomic_load_explicit(&session->tx_sequence[lane], memory_order_relaxed);
    }
    bool sent = data != peer->seen_data;
    peer->seen_data = data;
    return sent;
}

/* When an inner packet or a control message went either way. What lanes sent is known to the look,
 * which comes soon after; what came, and what control sealed, to the moment. */
static void note_use(nf_core *core, nf_peer *peer, bool lanes_sent)
{
    const uint32_t indices[] = {peer->current, peer->previous};
    for (unsigned i = 0; i < 2; i++) {
        const nf_session *session = nf_table_find(&core->table, indices[i]);
        if (session != NULL) {
            uint64_t came_ns = atomic_load_explicit(&session->used_ns, memory_order_relaxed);
            peer->used_ns = later(peer->used_ns, came_ns);
        }
    }
    peer->used_ns = lanes_sent ? core->now_ns : peer->used_ns;
    peer->sent_ns = lanes_sent ? core->now_ns : peer->sent_ns;
    peer->keepalive_patient &= !lanes_sent;
}

static bool is_kept(const nf_peer *peer)
{
    return peer->kept || peer->wanted;
}

/* When the session ends if nobody uses it: never while one of the ends keeps it. Who does asks for
 * an echo three times in NF_IDLE_ASKED_NS. */
static uint64_t idle_end_at(const nf_peer *peer)
{
    return is_kept(peer) ? UINT64_MAX
                         : later(peer->used_ns + NF_IDLE_END_NS, peer->asked_ns + NF_IDLE_ASKED_NS);
}

/* Of silence, until one of the two ends asks. */
static uint64_t interval_of(const nf_peer *peer)
{
    return peer->keepalive_ms == 0 ? NF_KEEPALIVE_NS : peer->keepalive_ms * NF_MILLISECOND_NS;
}

/* When a peer that says nothing is asked. Two that ask at the same time would say twice as much. */
static uint64_t keepalive_at(const nf_peer *peer, const nf_session *session)
{
    if (!is_kept(peer)) {
        return UINT64_MAX;
    }
    uint32_t turn = peer->keepalive_turn;
    bool first = turn == NETRON_TURN_INITIATOR ? session->initiator != 0 : turn == NETRON_TURN_OURS;
    return peer->heard_ns + interval_of(peer) + (first ? 0 : NF_KEEPALIVE_LAG_NS);
}

/* What is lost of this the next silence brings again, so that it leaves half of the queue alone. */
static void tell_keepalive(nf_core *core, const nf_peer *peer, int32_t code, uint32_t silence_ms)
{
    uint64_t silence_ns = silence_ms * NF_MILLISECOND_NS;
    bool is_due = silence_ns + NF_UNANSWERED_MIN_NS >= interval_of(peer);
    bool has_room = core->event_ring.count < NF_EVENTS_MAX / 2;
    if (!peer->keepalive_reported || !is_due || !has_room) {
        return;
    }
    netron_event *event = nf_event_add(core, NETRON_EVENT_KEEPALIVE);
    if (event != NULL) {
        memcpy(event->id, peer->id, sizeof(event->id));
        event->endpoint = peer->path.remote;
        event->code = code;
        event->token = silence_ms;
    }
}

/* How long neither said anything. Of what both said meanwhile the looks may not have heard yet. */
static uint32_t silence_of(const nf_core *core, const nf_peer *peer)
{
    uint64_t last_ns = later(peer->heard_ns, peer->sent_ns);
    uint64_t silence_ms = core->now_ns > last_ns ? (core->now_ns - last_ns) / NF_MILLISECOND_NS : 0;
    return silence_ms < UINT32_MAX ? (uint32_t)silence_ms : UINT32_MAX;
}

void nf_liveness_asked(nf_core *core, const nf_session *session)
{
    nf_peer *peer = &core->peers[session->peer];
    peer->asked_ns = core->now_ns;
    uint64_t rx = atomic_load_explicit(&session->rx_packets, memory_order_relaxed);
    bool is_current = nf_peers_session(core, session->peer) == session;
    if (is_current && rx == peer->seen_rx + 1 && peer->unanswered_ns == 0) {
        tell_keepalive(core, peer, NETRON_KEEPALIVE_CAME, silence_of(core, peer));
    }
}

/* @return true if packets went either way since the last look */
static bool compare_counters(nf_core *core, nf_peer *peer, nf_session *session, bool lanes_sent)
{
    uint64_t bytes;
    uint64_t tx = nf_session_sent(session, &bytes);
    uint64_t rx = atomic_load_explicit(&session->rx_packets, memory_order_relaxed);
    bool heard = rx != peer->seen_rx;
    bool sent = tx != peer->seen_tx;
    if (heard) {
        if (peer->silence_ms != 0) {
            tell_keepalive(core, peer, NETRON_KEEPALIVE_ASKED, peer->silence_ms);
        }
        peer->silence_ms = 0;
        peer->keepalive_patient = false;
        peer->heard_ns = atomic_load_explicit(&session->heard_ns, memory_order_relaxed);
        peer->unanswered_ns = 0;
        peer->probes_lost = 0;
        peer->redial_ns = 0;
    } else if ((core->idle_ends ? lanes_sent : sent) && peer->unanswered_ns == 0) {
        /* Where sessions are made on demand, messages are many, and few want an answer. */
        nf_liveness_doubt(core, peer, NF_SILENT_END_NS);
    }
    peer->seen_rx = rx;
    peer->seen_tx = tx;
    return heard || sent;
}

static void tell_silent(nf_core *core, const nf_peer *peer)
{
    netron_event *event = nf_event_add(core, NETRON_EVENT_SILENT);
    if (event != NULL) {
        memcpy(event->id, peer->id, sizeof(event->id));
        event->endpoint = peer->path.remote;
    }
}

/* What is silent may be the relay. What goes through it asks it for nothing, so that it would be
 * missed only when the next keepalive is due. */
static void doubt_relay(nf_core *core, const nf_peer *peer)
{
    const netron_endpoint *remote = &peer->path.remote;
    const nf_circuit *circuit =
        nf_endpoint_is_circuit(remote) ? nf_table_circuit(&core->table, remote->scope) : NULL;
    nf_session *session = circuit == NULL ? NULL : nf_peers_session(core, circuit->peer);
    if (session != NULL) {
        nf_path_echo(core, session, 0);
        nf_liveness_doubt(core, &core->peers[circuit->peer], NF_SILENT_END_NS);
        nf_core_set_deadline_peer(core, circuit->peer, core->now_ns);
    }
}

static void ask_if_silent(nf_core *core, nf_peer *peer, nf_session *session)
{
    uint64_t now_ns = core->now_ns;
    if (peer->unanswered_ns == 0) {
        if (now_ns >= keepalive_at(peer, session)) {
            /* The peer may have heard what we sent since, and wait longer than we do. */
            bool sent = peer->sent_ns > peer->heard_ns + NF_UNANSWERED_MIN_NS;
            peer->silence_ms = sent ? 0 : silence_of(core, peer);
            /* If its gate had closed, it opens it in a moment, as it hears nothing either. */
            peer->keepalive_patient = peer->keepalive_turn == NETRON_TURN_OURS;
            nf_path_echo(core, session, 0);
            nf_liveness_doubt(core, peer, NF_SILENT_END_NS);
        }
        return;
    }
    if (now_ns >= next_probe_at(peer)) {
        nf_path_echo(core, session, 0);
        peer->probe_ns = now_ns;
        peer->silence_ms = 0; /* it did not answer at once */
        if (peer->keepalive_patient && now_ns < peer->unanswered_ns + NF_KEEPALIVE_LAG_NS) {
            return;
        }
        if (peer->probes_lost < UINT8_MAX) {
            peer->probes_lost++;
        }
        if (peer->probes_lost == NF_PROBES_LOST) {
            tell_silent(core, peer);
            doubt_relay(core, peer);
        }
        if (peer->probes_lost > NF_PROBES_LOST) {
            nf_ways_fall_back(core, (uint32_t)(peer - core->peers));
        }
    }
    if (peer->probes_lost > NF_PROBES_LOST && now_ns >= peer->redial_ns) {
        peer->redial_ns = now_ns + NF_REDIAL_NS;
        nf_dial_again(core, (uint32_t)(peer - core->peers));
    }
}

static void renew_if_old(nf_core *core, nf_peer *peer, nf_session *session)
{
    uint64_t most = 0;
    for (unsigned lane = 0; lane < NF_LANE_COUNT; lane++) {
        uint64_t sent = atomic_load_explicit(&session->tx_sequence[lane], memory_order_relaxed);
        most = sent > most ? sent : most;
    }
    if (core->now_ns >= peer->rekey_ns ||
        (most >= NF_REKEY_PACKETS && core->now_ns >= peer->made_ns + NF_REDIAL_NS)) {
        peer->rekey_ns = core->now_ns + NF_REDIAL_NS;
        nf_dial_again(core, (uint32_t)(peer - core->peers));
    }
}

/* A peer leaves one session for the other. Who goes on sending on both is two nodes with one key,
 * and what is sent to it gets to one of them alone. */
static bool are_twins(nf_core *core, const nf_peer *peer, const nf_session *before)
{
    const nf_session *current = nf_table_find(&core->table, peer->current);
    if (current == NULL) {
        return false;
    }
    uint64_t since_ns = later(current->made_ns, before->made_ns) + NF_TWINS_NS;
    return atomic_load_explicit(&before->heard_ns, memory_order_relaxed) >= since_ns &&
           atomic_load_explicit(&current->heard_ns, memory_order_relaxed) >= since_ns;
}

/* The session before stays while the peer still sends on it: where messages of two handshakes were
 * lost, the ends may not agree which one came last. Its keys end like all keys. Of
 * twins the one that gets nothing is let go: it comes anew, and can be told of the other. */
static void end_previous_if_unused(nf_core *core, uint32_t number)
{
    nf_peer *peer = &core->peers[number];
    if (peer->previous == 0) {
        return;
    }
    nf_session *session = nf_table_slot(&core->table, peer->previous);
    uint64_t heard_ns = atomic_load_explicit(&session->heard_ns, memory_order_relaxed);
    if (heard_ns + NF_PREVIOUS_END_NS > peer->previous_end_ns) {
        peer->previous_end_ns = heard_ns + NF_PREVIOUS_END_NS;
    }
    peer->previous_end_ns = earlier(peer->previous_end_ns, session->made_ns + NF_SESSION_END_NS);
    if (core->now_ns >= peer->previous_end_ns || are_twins(core, peer, session)) {
        nf_peers_end_session(core, number, peer->previous);
    }
}

void nf_liveness_check(nf_core *core, uint32_t number)
{
    nf_peer *peer = &core->peers[number];
    if (!peer->used) {
        return;
    }
    uint64_t now_ns = core->now_ns;
    end_previous_if_unused(core, number);
    nf_session *session = nf_peers_session(core, number);
    if (session != NULL && now_ns >= session->made_ns + NF_SESSION_END_NS) {
        nf_peers_end_session(core, number, peer->current);
        session = NULL;
    }
    if (session == NULL) {
        if (peer->announced) {
            nf_peers_remove(core, number, NETRON_DOWN_SILENT);
        }
        return; /* else a handshake with it is being confirmed: that ends on its own */
    }
    bool lanes_sent = compare_data(peer, session);
    bool active = compare_counters(core, peer, session, lanes_sent);
    note_use(core, peer, lanes_sent);
    if (peer->unanswered_ns != 0 && now_ns >= peer->silent_end_ns) {
        nf_peers_remove(core, number, NETRON_DOWN_SILENT);
        return;
    }
    if (now_ns >= idle_end_at(peer)) {
        nf_core_say_goodbye(core, number, NF_GOODBYE_IDLE);
        nf_peers_remove(core, number, NETRON_DOWN_IDLE);
        return;
    }
    ask_if_silent(core, peer, session);
    renew_if_old(core, peer, session);
    uint64_t next = nf_path_search_due(core, number, lanes_sent);
    bool watch = active || peer->unanswered_ns != 0;
    atomic_store_explicit(&session->watched, watch ? 1 : 0, memory_order_relaxed);
    next = earlier(next, watch ? now_ns + NF_CHECK_ACTIVE_NS : keepalive_at(peer, session));
    next = peer->unanswered_ns == 0 ? next : earlier(next, next_probe_at(peer));
    next = earlier(next, earlier(peer->rekey_ns, session->made_ns + NF_SESSION_END_NS));
    next = earlier(next, idle_end_at(peer));
    if (peer->previous != 0) {
        next = earlier(next, peer->previous_end_ns);
    }
    nf_core_set_deadline_peer(core, number, next > now_ns ? next : now_ns + NF_MILLISECOND_NS);
}
