/* SPDX-License-Identifier: Apache-2.0 */
/* accept.c - the responder's half of a handshake, and what protects it from floods.
 *
 * A message 1 costs one HKDF until it shows that its sender knows the token; then it is counted,
 * compared with those seen in this epoch, and under load answered with a cookie only. Nothing that
 * is sent to an address without a cookie is longer than what came from it. */
#include "machine/core.h"

#include <sodium.h>
#include <string.h>

_Static_assert(NF_MESSAGE2_BYTES <= NF_MESSAGE1_BYTES, "an answer is not longer than its question");
_Static_assert(NF_COOKIE_BYTES < NF_MESSAGE1_BYTES, "a cookie is shorter than its question");

static void rotate_cookie_secret(nf_core *core)
{
    if (core->cookie_secret_ns != 0 &&
        core->now_ns - core->cookie_secret_ns < NF_COOKIE_SECRET_NS) {
        return;
    }
    core->cookie_secret_ns = core->now_ns;
    memcpy(core->cookie_secret[1], core->cookie_secret[0], sizeof(core->cookie_secret[1]));
    nf_random_bytes(&core->random, core->cookie_secret[0], sizeof(core->cookie_secret[0]));
}

/* Where two circuits would be one address, the ids tell them apart. */
static void make_cookie(const uint8_t secret[32],
                        const netron_endpoint *endpoint,
                        uint8_t out[NF_COOKIE_SECRET_BYTES])
{
    uint8_t source[sizeof(endpoint->address)];
    memcpy(source, endpoint->address, sizeof(source));
    if (nf_endpoint_is_circuit(endpoint)) {
        nf_store_le32(source, endpoint->scope);
    }
    nf_cookie_make(secret, source, endpoint->port, out);
}

static bool has_valid_cookie(nf_core *core, const nf_handshake *handshake, const nf_path *path)
{
    uint8_t expected[NF_COOKIE_SECRET_BYTES];
    bool valid = false;
    for (unsigned i = 0; i < 2; i++) {
        make_cookie(core->cookie_secret[i], &path->remote, expected);
        valid |= sodium_memcmp(expected, handshake->remote_cookie, sizeof(expected)) == 0;
    }
    return valid;
}

static void send_cookie(nf_core *core,
                        const nf_handshake *handshake,
                        const uint8_t *message1,
                        const nf_path *path)
{
    const nf_epoch_key *key = nf_network_find(&core->network, handshake->flags);
    nf_outgoing *outgoing = key == NULL ? NULL : nf_outgoing_add(core, path);
    if (outgoing == NULL) {
        return;
    }
    uint8_t cookie[NF_COOKIE_SECRET_BYTES], nonce[24];
    make_cookie(core->cookie_secret[0], &path->remote, cookie);
    nf_random_bytes(&core->random, nonce, sizeof(nonce));
    nf_cookie_write(key, cookie, message1, handshake->remote_index, nonce, outgoing->bytes);
    outgoing->length = NF_COOKIE_BYTES;
    core->counters.cookies_sent++;
}

/* May this first message, which passed psk0, be answered? Sends the cookie if one is wanted. */
static bool
admit(nf_core *core, const nf_handshake *handshake, const uint8_t *message1, const nf_path *path)
{
    uint64_t now_ns = core->now_ns;
    if ((handshake->flags & NF_FLAG_CLOCKLESS) != 0 &&
        !nf_rate_take(&core->clockless_rate, NF_CLOCKLESS_PER_SECOND, NF_CLOCKLESS_BURST, now_ns)) {
        nf_core_drop(core, NETRON_DROP_LIMITED);
        return false;
    }
    rotate_cookie_secret(core);
    bool busy = core->half_open_count >= NF_HALF_OPEN_BUSY ||
                !nf_rate_take(&core->first_rate, NF_FIRST_PER_SECOND, NF_FIRST_BURST, now_ns);
    if (busy && !has_valid_cookie(core, handshake, path)) {
        send_cookie(core, handshake, message1, path);
        return false;
    }
    uint64_t network = nf_core_network_of(core, &path->remote);
    if (!nf_rates_take(&core->rates, network, NF_SOURCE_PER_SECOND, NF_SOURCE_BURST, now_ns)) {
        nf_core_drop(core, NETRON_DROP_LIMITED);
        return false;
    }
    return true;
}

static int refuse1(nf_core *core, nf_handshake_result result)
{
    bool malformed = result == NF_HANDSHAKE_MALFORMED;
    nf_core_drop(core, malformed ? NETRON_DROP_MALFORMED : NETRON_DROP_WRONG_NETWORK);
    return malformed ? NETRON_E_MALFORMED : NETRON_E_FORGED;
}

static int send_message2(nf_core *core, uint32_t number, const nf_path *path)
{
    nf_attempt *attempt = &core->attempts[number];
    nf_outgoing *outgoing = nf_outgoing_add(core, path);
    nf_hello hello = {
        .index = attempt->index,
        .suites = (uint8_t)core->suites,
        .lanes = (uint8_t)core->lanes,
        .wall_ms = nf_core_wall_ms(core),
    };
    uint8_t ephemeral[32];
    nf_random_bytes(&core->random, ephemeral, sizeof(ephemeral));
    uint8_t message[NF_MESSAGE2_BYTES];
    nf_handshake_result result =
        nf_handshake_write2(&attempt->handshake, &core->identity, &hello, ephemeral, message);
    sodium_memzero(ephemeral, sizeof(ephemeral));
    if (outgoing != NULL) {
        memcpy(outgoing->bytes, message, sizeof(message));
        outgoing->length = result == NF_HANDSHAKE_OK ? NF_MESSAGE2_BYTES : 0;
    }
    if (result != NF_HANDSHAKE_OK) {
        nf_core_drop(core, NETRON_DROP_MALFORMED);
        nf_attempts_free(core, number, false);
        return NETRON_E_REFUSED;
    }
    nf_core_set_deadline_attempt(core, number, core->now_ns + NF_HALF_OPEN_END_NS);
    return NETRON_OK;
}

int nf_accept_message1(nf_core *core, const uint8_t *bytes, size_t length, const nf_path *path)
{
    nf_handshake handshake;
    nf_handshake_result result =
        nf_handshake_read1(&handshake, &core->identity, &core->network, bytes, length);
    if (result != NF_HANDSHAKE_OK) {
        return refuse1(core, result);
    }
    int refused = NETRON_OK;
    /* First of all: who repeats what others said shall not use up their rate. */
    if (!nf_seen_add(core->seen, handshake.noise.re)) {
        nf_core_drop(core, NETRON_DROP_REPEATED);
        refused = NETRON_E_REPLAYED;
    } else if (!admit(core, &handshake, bytes, path)) {
        refused = NETRON_E_AGAIN;
    }
    uint32_t number =
        refused != NETRON_OK ? UINT32_MAX : nf_attempts_take(core, NF_ATTEMPT_HALF_OPEN, path);
    if (number == UINT32_MAX) {
        nf_handshake_wipe(&handshake);
        return refused != NETRON_OK ? refused : NETRON_E_FULL;
    }
    core->attempts[number].handshake = handshake;
    core->attempts[number].network = nf_core_network_of(core, &path->remote);
    nf_handshake_wipe(&handshake);
    return send_message2(core, number, path);
}

static void confirm(nf_core *core, uint32_t index)
{
    nf_session *session = nf_table_find(&core->table, index);
    if (session != NULL) {
        nf_core_seal(core, session, NF_TYPE_DATA, NULL, 0, NULL);
    }
}

static int establish(nf_core *core, uint32_t number)
{
    nf_attempt *attempt = &core->attempts[number];
    if (!nf_attempts_publish(core, number)) {
        nf_core_drop(core, NETRON_DROP_LIMITED);
        nf_attempts_free(core, number, false);
        return NETRON_E_FULL;
    }
    uint32_t index = attempt->index;
    uint64_t begun_ns = attempt->begun_ns;
    uint64_t rtt_ns = core->now_ns - begun_ns;
    nf_attempts_free(core, number, true);
    core->counters.handshakes_taken++;
    confirm(core, index);
    nf_peers_install(core, index, begun_ns, rtt_ns);
    return NETRON_OK;
}

int nf_accept_message3(nf_core *core, const uint8_t *bytes, size_t length)
{
    if (length != NF_MESSAGE3_BYTES) {
        nf_core_drop(core, NETRON_DROP_MALFORMED);
        return NETRON_E_MALFORMED;
    }
    uint32_t index = nf_receiver_index_of(bytes);
    uint32_t number;
    nf_attempt *attempt = nf_attempts_of(core, index, NF_ATTEMPT_HALF_OPEN, &number);
    if (attempt == NULL) {
        /* A repeat: our confirmation was lost. Said again, at most as often as it is asked for
         * with a message that is longer. */
        nf_session *session = nf_table_find(&core->table, index);
        if (session != NULL && session->initiator == 0 &&
            core->now_ns - session->made_ns < NF_HALF_OPEN_END_NS) {
            confirm(core, index);
            return NETRON_OK;
        }
        nf_core_drop(core, NETRON_DROP_UNKNOWN_INDEX);
        return NETRON_E_EXPIRED;
    }
    nf_handshake copy = attempt->handshake;
    nf_handshake_result result = nf_handshake_read3(&copy, bytes, length);
    if (result == NF_HANDSHAKE_OK) {
        attempt->handshake = copy;
    }
    nf_handshake_wipe(&copy);
    if (result != NF_HANDSHAKE_OK) {
        bool identity = result == NF_HANDSHAKE_BAD_IDENTITY;
        nf_core_drop(core, identity ? NETRON_DROP_BAD_IDENTITY : NETRON_DROP_FORGED);
        return identity ? NETRON_E_REFUSED : NETRON_E_FORGED;
    }
    if (memcmp(attempt->handshake.remote_id, core->identity.id, 32) == 0) {
        nf_core_drop(core, NETRON_DROP_BAD_IDENTITY);
        nf_attempts_free(core, number, false);
        return NETRON_E_REFUSED;
    }
    return establish(core, number);
}
