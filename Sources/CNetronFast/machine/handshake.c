/* SPDX-License-Identifier: Apache-2.0 */
/* handshake.c - the three messages: Noise inside, Netron's fields around and within. */
#include "machine/handshake.h"

#include "machine/assert.h"
#include "netron/types.h"

#include <sodium.h>

#include <string.h>

/* Where the Noise message begins, and the lengths of what it seals (wire.h). */
enum {
    NOISE1_AT = 4,
    NOISE23_AT = 8,
    PAYLOAD1_BYTES = 108,
    PAYLOAD1_USED_BYTES = 32, /* the rest is zero */
    PAYLOAD2_BYTES = 48,
    PAYLOAD3_BYTES = 40,
    ID_BYTES = 32,
    SEALED_KEY_BYTES = NF_NOISE_KEY_BYTES + NF_TAG_BYTES,
};

_Static_assert(NOISE1_AT + NF_NOISE_KEY_BYTES + PAYLOAD1_BYTES + NF_TAG_BYTES == NF_MESSAGE1_BYTES,
               "as drawn");
_Static_assert(NOISE23_AT + NF_NOISE_KEY_BYTES + SEALED_KEY_BYTES + PAYLOAD2_BYTES + NF_TAG_BYTES ==
                   NF_MESSAGE2_BYTES,
               "as drawn");
_Static_assert(NOISE23_AT + SEALED_KEY_BYTES + PAYLOAD3_BYTES + NF_TAG_BYTES == NF_MESSAGE3_BYTES,
               "as drawn");
_Static_assert(NF_MESSAGE1_BYTES >= NF_MESSAGE2_BYTES && NF_MESSAGE1_BYTES >= NF_COOKIE_BYTES,
               "nothing that answers a stranger is longer than what it answers");

static void write_header(uint8_t *out, uint8_t type, uint8_t flags)
{
    out[0] = type;
    out[1] = flags;
    out[2] = NF_VERSION;
    out[3] = 0;
}

static bool is_header(const uint8_t *message, uint8_t type)
{
    return message[0] == type && message[1] <= NF_FLAG_CLOCKLESS && message[2] == NF_VERSION &&
           message[3] == 0;
}

static bool is_lane_count(uint8_t lanes)
{
    return lanes >= 1 && lanes <= NETRON_LANES_MAX;
}

static void begin(nf_handshake *handshake,
                  const nf_identity *identity,
                  const nf_network *network,
                  const nf_epoch_key *key,
                  bool initiator)
{
    uint8_t psks[2][NF_NOISE_KEY_BYTES];
    memcpy(psks[0], key->psk0, sizeof(psks[0]));
    memcpy(psks[1], network->psk3, sizeof(psks[1]));
    memset(handshake, 0, sizeof(*handshake));
    nf_noise_begin(&handshake->noise, &nf_noise_xxpsk0psk3, &key->prepared, initiator,
                   &identity->exchange, psks);
    handshake->initiator = initiator;
    handshake->flags = key->flags;
    sodium_memzero(psks, sizeof(psks));
}

/* Ends a handshake for good. @return `why` */
static nf_handshake_result end(nf_handshake *handshake, nf_handshake_result why)
{
    handshake->noise.failed = true;
    return why;
}

/* --- message 1 -------------------------------------------------------------------------------- */

void nf_handshake_write1(nf_handshake *handshake,
                         const nf_identity *identity,
                         const nf_network *network,
                         const nf_hello *hello,
                         const uint8_t ephemeral_secret[32],
                         uint8_t out[NF_MESSAGE1_BYTES])
{
    nf_assert(hello->suites != 0);
    nf_assert(is_lane_count(hello->lanes));
    const nf_epoch_key *key = nf_network_current(network);
    begin(handshake, identity, network, key, true);
    handshake->suites = hello->suites;
    handshake->local_index = hello->index;

    uint8_t payload[PAYLOAD1_BYTES] = {0};
    nf_store_le32(payload, hello->index);
    payload[4] = hello->suites;
    payload[5] = hello->lanes;
    memcpy(payload + 8, hello->cookie, NF_COOKIE_SECRET_BYTES);
    nf_store_le64(payload + 24, hello->wall_ms);

    write_header(out, NF_TYPE_MESSAGE1, key->flags);
    size_t length = nf_noise_write(&handshake->noise, ephemeral_secret, payload, sizeof(payload),
                                   out + NOISE1_AT);
    nf_assert(length == NF_MESSAGE1_BYTES - NOISE1_AT);
}

/* Suites that are not known here may be offered: later versions have more of them. */
static bool take_payload1(nf_handshake *handshake, const uint8_t payload[PAYLOAD1_BYTES])
{
    if (payload[4] == 0 || !is_lane_count(payload[5]) || nf_load_le16(payload + 6) != 0 ||
        !sodium_is_zero(payload + PAYLOAD1_USED_BYTES, PAYLOAD1_BYTES - PAYLOAD1_USED_BYTES)) {
        return false;
    }
    handshake->remote_index = nf_load_le32(payload);
    handshake->suites = payload[4];
    handshake->remote_lanes = payload[5];
    memcpy(handshake->remote_cookie, payload + 8, NF_COOKIE_SECRET_BYTES);
    handshake->remote_wall_ms = nf_load_le64(payload + 24);
    return true;
}

nf_handshake_result nf_handshake_read1(nf_handshake *handshake,
                                       const nf_identity *identity,
                                       const nf_network *network,
                                       const uint8_t *message,
                                       size_t length)
{
    if (length != NF_MESSAGE1_BYTES || !is_header(message, NF_TYPE_MESSAGE1)) {
        return NF_HANDSHAKE_MALFORMED;
    }
    const nf_epoch_key *key = nf_network_find(network, message[1]);
    if (key == NULL) {
        return NF_HANDSHAKE_WRONG_NETWORK;
    }
    nf_handshake fresh;
    begin(&fresh, identity, network, key, false);
    uint8_t payload[NF_MESSAGE1_BYTES];
    nf_handshake_result result = NF_HANDSHAKE_OK;
    if (nf_noise_read(&fresh.noise, message + NOISE1_AT, length - NOISE1_AT, payload) !=
        PAYLOAD1_BYTES) {
        result = NF_HANDSHAKE_WRONG_NETWORK;
    } else if (!take_payload1(&fresh, payload)) {
        result = NF_HANDSHAKE_MALFORMED;
    } else {
        *handshake = fresh;
    }
    nf_handshake_wipe(&fresh);
    return result;
}

/* --- message 2 -------------------------------------------------------------------------------- */

/* The fixed order; 0 if the two have none in common. */
static uint8_t pick(uint8_t offered, uint8_t available)
{
    uint8_t common = offered & available;
    if ((common & NETRON_SUITE_AES256_GCM) != 0) {
        return NETRON_SUITE_AES256_GCM;
    }
    return common & NETRON_SUITE_CHACHA20_POLY1305;
}

/* A pick is one known suite, and one of those that we offered. */
static bool is_pick(uint8_t suite, uint8_t offered)
{
    return (suite == NETRON_SUITE_AES256_GCM || suite == NETRON_SUITE_CHACHA20_POLY1305) &&
           (suite & offered) != 0;
}

/* The other side proves in its message that it has the secret of its static key; the id must be the
 * one name of that key. */
static bool take_id(nf_handshake *handshake, const uint8_t id[ID_BYTES])
{
    uint8_t key[NF_NOISE_KEY_BYTES];
    if (!nf_identity_exchange_key(id, key) ||
        sodium_memcmp(key, handshake->noise.rs, sizeof(key)) != 0) {
        return false;
    }
    memcpy(handshake->remote_id, id, ID_BYTES);
    return true;
}

nf_handshake_result nf_handshake_write2(nf_handshake *handshake,
                                        const nf_identity *identity,
                                        const nf_hello *hello,
                                        const uint8_t ephemeral_secret[32],
                                        uint8_t out[NF_MESSAGE2_BYTES])
{
    nf_assert(!handshake->initiator);
    nf_assert(is_lane_count(hello->lanes));
    handshake->suite = pick(handshake->suites, hello->suites);
    if (handshake->suite == 0) {
        return end(handshake, NF_HANDSHAKE_NO_SUITE);
    }
    handshake->local_index = hello->index;

    uint8_t payload[PAYLOAD2_BYTES] = {0};
    nf_store_le32(payload, hello->index);
    payload[4] = handshake->suite;
    payload[5] = hello->lanes;
    nf_store_le64(payload + 8, hello->wall_ms);
    memcpy(payload + 16, identity->id, ID_BYTES);

    write_header(out, NF_TYPE_MESSAGE2, handshake->flags);
    nf_store_le32(out + 4, handshake->remote_index);
    size_t length = nf_noise_write(&handshake->noise, ephemeral_secret, payload, sizeof(payload),
                                   out + NOISE23_AT);
    if (length == 0) {
        return end(handshake, NF_HANDSHAKE_FORGED);
    }
    nf_assert(length == NF_MESSAGE2_BYTES - NOISE23_AT);
    return NF_HANDSHAKE_OK;
}

/* Whether a message 2 or 3 is one that this handshake waits for, by all that stands in the clear.
 */
static bool is_awaited(const nf_handshake *handshake,
                       uint8_t type,
                       size_t wanted_length,
                       const uint8_t *message,
                       size_t length)
{
    uint8_t wanted_turn = type == NF_TYPE_MESSAGE2 ? 1 : 2;
    return handshake->initiator == (type == NF_TYPE_MESSAGE2) &&
           handshake->noise.message == wanted_turn && length == wanted_length &&
           is_header(message, type) && message[1] == handshake->flags &&
           nf_receiver_index_of(message) == handshake->local_index;
}

static nf_handshake_result take_payload2(nf_handshake *handshake,
                                         const uint8_t payload[PAYLOAD2_BYTES])
{
    if (!is_lane_count(payload[5]) || nf_load_le16(payload + 6) != 0) {
        return NF_HANDSHAKE_MALFORMED;
    }
    if (!is_pick(payload[4], handshake->suites)) {
        return NF_HANDSHAKE_NO_SUITE;
    }
    if (!take_id(handshake, payload + 16)) {
        return NF_HANDSHAKE_BAD_IDENTITY;
    }
    handshake->remote_index = nf_load_le32(payload);
    handshake->suite = payload[4];
    handshake->remote_lanes = payload[5];
    handshake->remote_wall_ms = nf_load_le64(payload + 8);
    return NF_HANDSHAKE_OK;
}

static nf_handshake_result take_payload3(nf_handshake *handshake,
                                         const uint8_t payload[PAYLOAD3_BYTES])
{
    if (!sodium_is_zero(payload + ID_BYTES, PAYLOAD3_BYTES - ID_BYTES)) {
        return NF_HANDSHAKE_MALFORMED;
    }
    return take_id(handshake, payload) ? NF_HANDSHAKE_OK : NF_HANDSHAKE_BAD_IDENTITY;
}

/* Reads what is sealed in a message 2 or 3. The work is done on a copy that counts only if all is
 * well; else nothing of it stays, and but for MALFORMED the handshake is over. */
static nf_handshake_result settle(nf_handshake *handshake,
                                  const uint8_t *message,
                                  size_t length,
                                  long wanted_payload,
                                  nf_handshake_result (*take)(nf_handshake *handshake,
                                                              const uint8_t *payload))
{
    nf_handshake next = *handshake;
    uint8_t payload[NF_MESSAGE2_BYTES];
    nf_handshake_result result = NF_HANDSHAKE_FORGED;
    if (nf_noise_read(&next.noise, message + NOISE23_AT, length - NOISE23_AT, payload) ==
        wanted_payload) {
        result = take(&next, payload);
    }
    if (result == NF_HANDSHAKE_OK) {
        *handshake = next;
    } else if (result != NF_HANDSHAKE_MALFORMED) {
        handshake->noise.failed = true;
    }
    nf_handshake_wipe(&next);
    sodium_memzero(payload, sizeof(payload));
    return result;
}

nf_handshake_result
nf_handshake_read2(nf_handshake *handshake, const uint8_t *message, size_t length)
{
    if (!is_awaited(handshake, NF_TYPE_MESSAGE2, NF_MESSAGE2_BYTES, message, length)) {
        return NF_HANDSHAKE_MALFORMED;
    }
    return settle(handshake, message, length, PAYLOAD2_BYTES, take_payload2);
}

/* --- message 3 -------------------------------------------------------------------------------- */

nf_handshake_result nf_handshake_write3(nf_handshake *handshake,
                                        const nf_identity *identity,
                                        uint8_t out[NF_MESSAGE3_BYTES])
{
    nf_assert(handshake->initiator);
    uint8_t payload[PAYLOAD3_BYTES] = {0};
    memcpy(payload, identity->id, ID_BYTES);
    write_header(out, NF_TYPE_MESSAGE3, handshake->flags);
    nf_store_le32(out + 4, handshake->remote_index);
    size_t length =
        nf_noise_write(&handshake->noise, NULL, payload, sizeof(payload), out + NOISE23_AT);
    if (length == 0) {
        return end(handshake, NF_HANDSHAKE_FORGED);
    }
    nf_assert(length == NF_MESSAGE3_BYTES - NOISE23_AT);
    return NF_HANDSHAKE_OK;
}

nf_handshake_result
nf_handshake_read3(nf_handshake *handshake, const uint8_t *message, size_t length)
{
    if (!is_awaited(handshake, NF_TYPE_MESSAGE3, NF_MESSAGE3_BYTES, message, length)) {
        return NF_HANDSHAKE_MALFORMED;
    }
    return settle(handshake, message, length, PAYLOAD3_BYTES, take_payload3);
}

/* --- afterwards ------------------------------------------------------------------------------- */

static void data_key(const uint8_t split[32], uint8_t suite, uint8_t direction, uint8_t out[32])
{
    static const char label[] = "netron/1 data";
    uint8_t info[sizeof(label) - 1 + 2];
    memcpy(info, label, sizeof(label) - 1);
    info[sizeof(label) - 1] = suite;
    info[sizeof(label)] = direction;
    nf_hkdf(NULL, 0, split, NF_NOISE_KEY_BYTES, info, sizeof(info), out, NF_NOISE_KEY_BYTES);
}

void nf_handshake_keys(const nf_handshake *handshake, uint8_t send[32], uint8_t receive[32])
{
    uint8_t first[NF_NOISE_KEY_BYTES];
    uint8_t second[NF_NOISE_KEY_BYTES];
    nf_noise_split(&handshake->noise, first, second);
    data_key(first, handshake->suite, 0, handshake->initiator ? send : receive);
    data_key(second, handshake->suite, 1, handshake->initiator ? receive : send);
    sodium_memzero(first, sizeof(first));
    sodium_memzero(second, sizeof(second));
}

void nf_handshake_wipe(nf_handshake *handshake)
{
    sodium_memzero(handshake, sizeof(*handshake));
}
