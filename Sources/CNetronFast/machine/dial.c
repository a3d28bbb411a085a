/* SPDX-License-Identifier: Apache-2.0 */
/* dial.c - the initiator's half of a handshake.
 *
 *   DIALING     message 1; again, always with a fresh ephemeral key, at 0.4, 0.8, 1.6 s ...
 *   CONFIRMING  message 3; again, byte for byte, until a packet of the session is authenticated */
#include "machine/core.h"

#include "machine/assert.h"

#include <sodium.h>
#include <string.h>

static void send_copy(nf_core *core, const nf_path *path, const uint8_t *message, size_t length)
{
    nf_outgoing *outgoing = nf_outgoing_add(core, path);
    if (outgoing != NULL) {
        memcpy(outgoing->bytes, message, length);
        outgoing->length = (uint16_t)length;
    }
}

static void send_message1(nf_core *core, uint32_t number)
{
    nf_attempt *attempt = &core->attempts[number];
    nf_hello hello = {
        .index = attempt->index,
        .suites = (uint8_t)core->suites,
        .lanes = (uint8_t)core->lanes,
        .wall_ms = nf_core_wall_ms(core),
    };
    if (attempt->has_cookie) {
        memcpy(hello.cookie, attempt->cookie, sizeof(hello.cookie));
    }
    uint8_t ephemeral[32];
    nf_random_bytes(&core->random, ephemeral, sizeof(ephemeral));
    nf_handshake_write1(&attempt->handshake, &core->identity, &core->network, &hello, ephemeral,
                        attempt->message);
    sodium_memzero(ephemeral, sizeof(ephemeral));
    send_copy(core, &attempt->path, attempt->message, NF_MESSAGE1_BYTES);
    attempt->sent_ns = core->now_ns;
    uint64_t wait = NF_DIAL_RETRY_NS << attempt->tries;
    attempt->tries++;
    nf_core_set_deadline_attempt(core, number, core->now_ns + wait);
}

bool nf_dial_is_dialing(const nf_core *core, const uint8_t id[32])
{
    for (uint32_t i = 0; i < NF_HANDSHAKES_MAX; i++) {
        const nf_attempt *attempt = &core->attempts[i];
        if (attempt->state == NF_ATTEMPT_DIALING && attempt->expects &&
            memcmp(attempt->expected, id, 32) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t begin(nf_core *core, const nf_path *path, const uint8_t *id)
{
    /* Half of the table stays for those who call us. */
    if (core->attempt_count - core->half_open_count >= NF_HANDSHAKES_MAX / 2) {
        return UINT32_MAX;
    }
    uint32_t number = nf_attempts_take(core, NF_ATTEMPT_DIALING, path);
    if (number == UINT32_MAX) {
        return UINT32_MAX;
    }
    nf_attempt *attempt = &core->attempts[number];
    if (id != NULL) {
        attempt->expects = true;
        memcpy(attempt->expected, id, sizeof(attempt->expected));
    }
    core->counters.handshakes_begun++;
    send_message1(core, number);
    return number;
}

int nf_core_dial(nf_core *core, const nf_path *path, const uint8_t *id, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    if (!nf_circuits_may_reach(core, &path->remote) ||
        path->remote.kind == NETRON_ENDPOINT_TCP_IN ||
        (id != NULL && memcmp(id, core->identity.id, 32) == 0)) {
        return NETRON_E_INVALID;
    }
    return begin(core, path, id) == UINT32_MAX ? NETRON_E_AGAIN : NETRON_OK;
}

void nf_dial_again(nf_core *core, uint32_t peer)
{
    const nf_peer *known = &core->peers[peer];
    if (!nf_circuits_may_reach(core, &known->path.remote) || nf_dial_is_dialing(core, known->id)) {
        return;
    }
    uint32_t number = begin(core, &known->path, known->id);
    if (number != UINT32_MAX) { /* a full table is no reason to worry: it is tried again */
        core->attempts[number].internal = true;
    }
}

static void fail(nf_core *core, uint32_t number, int code)
{
    const nf_attempt *attempt = &core->attempts[number];
    netron_event *event = attempt->internal ? NULL : nf_event_add(core, NETRON_EVENT_DIAL_FAILED);
    if (event != NULL) {
        event->endpoint = attempt->path.remote;
        event->code = code;
        if (attempt->expects) {
            memcpy(event->id, attempt->expected, sizeof(event->id));
        }
    }
    nf_attempts_free(core, number, false);
}

/* Until the first repeat: what an answer takes and half as long, so that a long way is not mistaken
 * for a loss. */
static uint64_t message3_pause(const nf_attempt *attempt)
{
    uint64_t pause = attempt->rtt_ns + attempt->rtt_ns / 2;
    pause = pause > NF_MESSAGE3_RETRY_NS ? pause : NF_MESSAGE3_RETRY_NS;
    return pause < NF_MESSAGE3_RETRY_MAX_NS ? pause : NF_MESSAGE3_RETRY_MAX_NS;
}

static void repeat_message3(nf_core *core, uint32_t number)
{
    nf_attempt *attempt = &core->attempts[number];
    send_copy(core, &attempt->path, attempt->message, NF_MESSAGE3_BYTES);
    uint64_t wait = message3_pause(attempt) << attempt->tries;
    attempt->tries++;
    nf_core_set_deadline_attempt(core, number, core->now_ns + wait);
}

/* A peer that was made for a handshake which failed goes with it. */
static void forget_unconfirmed(nf_core *core, uint32_t peer)
{
    if (core->peers[peer].current == 0 && core->peers[peer].previous == 0) {
        nf_peers_remove(core, peer, 0);
    }
}

void nf_dial_timeout(nf_core *core, uint32_t number)
{
    nf_attempt *attempt = &core->attempts[number];
    switch ((nf_attempt_state)attempt->state) {
    case NF_ATTEMPT_DIALING:
        if (attempt->tries >= NF_DIAL_TRIES_MAX) {
            fail(core, number, NETRON_E_EXPIRED);
        } else {
            send_message1(core, number);
        }
        break;
    case NF_ATTEMPT_CONFIRMING:
        if (attempt->tries >= NF_MESSAGE3_TRIES_MAX) {
            uint32_t peer = attempt->peer;
            fail(core, number, NETRON_E_EXPIRED);
            forget_unconfirmed(core, peer);
        } else {
            repeat_message3(core, number);
        }
        break;
    case NF_ATTEMPT_HALF_OPEN:
        nf_attempts_free(core, number, false);
        break;
    case NF_ATTEMPT_FREE:
        nf_assert(false);
    }
}

int nf_dial_cookie(nf_core *core, const uint8_t *bytes, size_t length, const nf_path *path)
{
    uint32_t number;
    nf_attempt *attempt =
        length != NF_COOKIE_BYTES
            ? NULL
            : nf_attempts_of(core, nf_receiver_index_of(bytes), NF_ATTEMPT_DIALING, &number);
    if (attempt == NULL || !nf_endpoint_equal(&attempt->path.remote, &path->remote)) {
        nf_core_drop(core, NETRON_DROP_UNKNOWN_INDEX);
        return NETRON_E_EXPIRED;
    }
    if (!nf_cookie_read(&core->network, bytes, length, attempt->message, attempt->cookie)) {
        nf_core_drop(core, NETRON_DROP_FORGED);
        return NETRON_E_FORGED;
    }
    /* The next try brings it, soon and once: an attacker who repeats cookies gains nothing. */
    if (!attempt->has_cookie) {
        attempt->has_cookie = true;
        attempt->tries = attempt->tries > 1 ? (uint8_t)(attempt->tries - 1) : 1;
        nf_core_set_deadline_attempt(core, number, core->now_ns);
    }
    return NETRON_OK;
}

static int refuse2(nf_core *core, nf_handshake_result result)
{
    switch (result) {
    case NF_HANDSHAKE_BAD_IDENTITY:
        nf_core_drop(core, NETRON_DROP_BAD_IDENTITY);
        return NETRON_E_REFUSED;
    case NF_HANDSHAKE_MALFORMED:
    case NF_HANDSHAKE_NO_SUITE:
        nf_core_drop(core, NETRON_DROP_MALFORMED);
        return NETRON_E_MALFORMED;
    default:
        nf_core_drop(core, NETRON_DROP_FORGED);
        return NETRON_E_FORGED;
    }
}

/* A dial that leads to a peer with a good session is done: the path is what it can bring. One whose
 * message 1 was sent before that session was made runs beside it (see nf_peers_install). */
static bool is_superfluous(nf_core *core, const nf_attempt *attempt, uint32_t peer)
{
    if (attempt->internal || peer == NF_NO_PEER || nf_peers_session(core, peer) == NULL) {
        return false;
    }
    const nf_peer *known = &core->peers[peer];
    return attempt->sent_ns > known->made_ns && known->unanswered_ns == 0;
}

int nf_dial_message2(nf_core *core, const uint8_t *bytes, size_t length)
{
    uint32_t number;
    nf_attempt *attempt =
        length != NF_MESSAGE2_BYTES
            ? NULL
            : nf_attempts_of(core, nf_receiver_index_of(bytes), NF_ATTEMPT_DIALING, &number);
    if (attempt == NULL) {
        nf_core_drop(core, NETRON_DROP_UNKNOWN_INDEX);
        return NETRON_E_EXPIRED;
    }
    /* On a copy: a forged message 2 must not end the handshake of the true one. */
    nf_handshake copy = attempt->handshake;
    nf_handshake_result result = nf_handshake_read2(&copy, bytes, length);
    if (result == NF_HANDSHAKE_OK) {
        attempt->handshake = copy;
    }
    nf_handshake_wipe(&copy);
    if (result != NF_HANDSHAKE_OK) {
        return refuse2(core, result);
    }
    const uint8_t *id = attempt->handshake.remote_id;
    bool is_other = attempt->expects && memcmp(id, attempt->expected, 32) != 0;
    bool is_self = memcmp(id, core->identity.id, 32) == 0;
    if (is_other || is_self ||
        nf_handshake_write3(&attempt->handshake, &core->identity, attempt->message) !=
            NF_HANDSHAKE_OK) {
        nf_core_drop(core, NETRON_DROP_BAD_IDENTITY);
        fail(core, number, NETRON_E_REFUSED);
        return NETRON_E_REFUSED;
    }
    uint32_t peer = nf_peers_find(core, id);
    if (is_superfluous(core, attempt, peer)) {
        nf_peers_note_clock(core, peer, attempt->handshake.remote_wall_ms, core->now_ns);
        nf_ways_proven(core, peer, &attempt->path, core->now_ns - attempt->sent_ns);
        nf_peers_tell_up(core, peer, &attempt->path.remote);
        nf_attempts_free(core, number, false);
        return NETRON_OK;
    }
    if (!nf_attempts_publish(core, number)) {
        fail(core, number, NETRON_E_FULL);
        return NETRON_E_FULL;
    }
    attempt->state = NF_ATTEMPT_CONFIRMING;
    attempt->tries = 0;
    attempt->rtt_ns = core->now_ns - attempt->sent_ns;
    repeat_message3(core, number);
    return NETRON_OK;
}

void nf_dial_confirmed(nf_core *core, uint32_t index)
{
    uint32_t number;
    nf_attempt *attempt = nf_attempts_of(core, index, NF_ATTEMPT_CONFIRMING, &number);
    if (attempt == NULL) {
        return; /* the responder's side, or given up meanwhile */
    }
    /* The message 1 that was answered: the other end took that one, and compares so too. */
    uint64_t begun_ns = attempt->sent_ns;
    uint64_t rtt_ns = attempt->rtt_ns;
    uint32_t peer = attempt->peer;
    bool tell = !attempt->internal && core->peers[peer].announced;
    netron_endpoint dialled = attempt->path.remote;
    nf_attempts_free(core, number, true);
    core->counters.handshakes_done++;
    nf_peers_install(core, index, begun_ns, rtt_ns);
    if (tell) { /* of a newcomer the installation tells */
        nf_peers_tell_up(core, peer, &dialled);
    }
}
