/* SPDX-License-Identifier: Apache-2.0 */
/* handshake_fuzz.c - what strangers and members may say in a handshake.
 *
 * The first byte chooses who reads. From a stranger: message 1, 2, 3 or a cookie as it is. From a
 * member: the rest is the payload of a message 1, 2 or 3 that is well sealed, since behind a seal
 * no mutation would ever be read. */
#include "machine/assert.h"
#include "machine/handshake.h"
#include "netron/types.h"

#include <sodium.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { EPOCH_SECONDS = 3600, EPOCH = 100, NOISE1_AT = 4, NOISE23_AT = 8 };
enum { PAYLOAD1_BYTES = 108, PAYLOAD2_BYTES = 48, PAYLOAD3_BYTES = 40, KINDS = 7 };

static nf_network network;
static nf_identity initiator, responder;
static uint8_t message1[NF_MESSAGE1_BYTES], message2[NF_MESSAGE2_BYTES];
static const uint8_t ephemeral[2][32] = {{0, 1}, {0, 2}};

/* Handshakes that wait for message 2 and for message 3, and one that could write message 3. */
static nf_handshake waits2, waits3, writes3;

static void make_identity(nf_identity *identity, uint8_t number)
{
    uint8_t seed[32] = {number};
    while (!nf_identity_from_seed(identity, seed)) {
        seed[1]++;
    }
}

static void prepare(void)
{
    static bool done;
    if (done) {
        return;
    }
    done = true;
    nf_assert(sodium_init() >= 0);
    nf_network_init(&network, (const uint8_t *)"secret", 6, EPOCH_SECONDS);
    (void)nf_network_set_time(&network, EPOCH * EPOCH_SECONDS);
    make_identity(&initiator, 1);
    make_identity(&responder, 2);
    const nf_hello hello = {.index = 0x11223344, .suites = 3, .lanes = 1};
    nf_handshake_write1(&waits2, &initiator, &network, &hello, ephemeral[0], message1);
    nf_assert(nf_handshake_read1(&waits3, &responder, &network, message1, sizeof(message1)) ==
              NF_HANDSHAKE_OK);
    nf_assert(nf_handshake_write2(&waits3, &responder, &hello, ephemeral[1], message2) ==
              NF_HANDSHAKE_OK);
    writes3 = waits2;
    nf_assert(nf_handshake_read2(&writes3, message2, sizeof(message2)) == NF_HANDSHAKE_OK);
}

/* What holds of a message that was taken, whoever made it. */
static void check_taken1(const nf_handshake *handshake)
{
    nf_assert(handshake->suites != 0);
    nf_assert(handshake->remote_lanes >= 1 && handshake->remote_lanes <= NETRON_LANES_MAX);
}

static void check_identity(const nf_handshake *handshake, const nf_identity *identity)
{
    nf_assert(memcmp(handshake->remote_id, identity->id, 32) == 0);
}

static void read_strangers(uint8_t kind, const uint8_t *data, size_t size)
{
    nf_handshake handshake;
    uint8_t cookie[NF_COOKIE_SECRET_BYTES];
    switch (kind) {
    case 0:
        if (nf_handshake_read1(&handshake, &responder, &network, data, size) == NF_HANDSHAKE_OK) {
            check_taken1(&handshake);
        }
        break;
    case 1:
        handshake = waits2;
        if (nf_handshake_read2(&handshake, data, size) == NF_HANDSHAKE_OK) {
            nf_assert(memcmp(data, message2, sizeof(message2)) == 0);
        }
        break;
    case 2:
        handshake = waits3;
        if (nf_handshake_read3(&handshake, data, size) == NF_HANDSHAKE_OK) {
            check_identity(&handshake, &initiator);
        }
        break;
    default:
        (void)nf_cookie_read(&network, data, size, message1, cookie);
        break;
    }
}

static void read_members1(const uint8_t *payload)
{
    uint8_t message[NF_MESSAGE1_BYTES], psks[2][32];
    const nf_epoch_key *key = nf_network_current(&network);
    memcpy(psks[0], key->psk0, 32);
    memcpy(psks[1], network.psk3, 32);
    nf_noise noise;
    nf_noise_begin(&noise, &nf_noise_xxpsk0psk3, &key->prepared, true, &initiator.exchange, psks);
    memcpy(message, message1, NOISE1_AT);
    (void)nf_noise_write(&noise, ephemeral[0], payload, PAYLOAD1_BYTES, message + NOISE1_AT);

    nf_handshake handshake;
    nf_handshake_result result =
        nf_handshake_read1(&handshake, &responder, &network, message, sizeof(message));
    nf_assert(result == NF_HANDSHAKE_OK || result == NF_HANDSHAKE_MALFORMED);
    if (result == NF_HANDSHAKE_OK) {
        check_taken1(&handshake);
    }
}

static void read_members2(const uint8_t *payload)
{
    uint8_t message[NF_MESSAGE2_BYTES];
    nf_handshake handshake;
    nf_assert(nf_handshake_read1(&handshake, &responder, &network, message1, sizeof(message1)) ==
              NF_HANDSHAKE_OK);
    memcpy(message, message2, NOISE23_AT);
    (void)nf_noise_write(&handshake.noise, ephemeral[1], payload, PAYLOAD2_BYTES,
                         message + NOISE23_AT);
    handshake = waits2;
    if (nf_handshake_read2(&handshake, message, sizeof(message)) == NF_HANDSHAKE_OK) {
        check_identity(&handshake, &responder);
        nf_assert(handshake.suite == 1 || handshake.suite == 2);
        nf_assert(handshake.remote_lanes >= 1 && handshake.remote_lanes <= NETRON_LANES_MAX);
    }
}

static void read_members3(const uint8_t *payload)
{
    uint8_t message[NF_MESSAGE3_BYTES];
    nf_handshake handshake = writes3;
    nf_assert(nf_handshake_write3(&handshake, &initiator, message) == NF_HANDSHAKE_OK);
    handshake = writes3;
    (void)nf_noise_write(&handshake.noise, NULL, payload, PAYLOAD3_BYTES, message + NOISE23_AT);
    handshake = waits3;
    if (nf_handshake_read3(&handshake, message, sizeof(message)) == NF_HANDSHAKE_OK) {
        check_identity(&handshake, &initiator);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prepare();
    if (size == 0) {
        return 0;
    }
    uint8_t kind = data[0] % KINDS;
    if (kind < 4) {
        /* On the heap and exactly as long, so that reading past the end is seen. */
        uint8_t *copy = malloc(size - 1);
        nf_assert(copy != NULL || size == 1);
        memcpy(copy, data + 1, size - 1);
        read_strangers(kind, copy, size - 1);
        free(copy);
        return 0;
    }
    uint8_t payload[PAYLOAD1_BYTES] = {0};
    memcpy(payload, data + 1, size - 1 < sizeof(payload) ? size - 1 : sizeof(payload));
    void (*const readers[])(const uint8_t *) = {read_members1, read_members2, read_members3};
    readers[kind - 4](payload);
    return 0;
}
