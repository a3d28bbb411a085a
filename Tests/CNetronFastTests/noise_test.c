/* SPDX-License-Identifier: Apache-2.0 */
/* noise_test.c - the Noise machine and HKDF against published vectors, and against damage. */
#include "machine/hkdf.h"
#include "machine/noise.h"
#include "machine/wire.h"

#include "../Vectors/hkdf_vectors.h"
#include "../Vectors/noise_vectors.h"

#include <sodium.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

enum { BYTES_MAX = 512, HANDSHAKE_MESSAGES = 3, MESSAGES = 6 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t length = 0;
    assert_int_equal(sodium_hex2bin(out, BYTES_MAX, hex, strlen(hex), NULL, &length, NULL), 0);
    return length;
}

static const nf_noise_pattern *pattern_of(const noise_vector *vector)
{
    const nf_noise_pattern *all[] = {&nf_noise_xx, &nf_noise_xxpsk3, &nf_noise_xxpsk0psk3};
    for (size_t i = 0; i < COUNT(all); i++) {
        if (strcmp(all[i]->name, vector->protocol_name) == 0) {
            return all[i];
        }
    }
    fail_msg("no pattern %s", vector->protocol_name);
    abort();
}

/* One handshake of a vector: both sides and their ephemeral secrets. */
typedef struct sides {
    nf_noise side[2]; /* initiator, responder */
    uint8_t ephemeral[2][BYTES_MAX];
} sides;

static void begin_side(sides *pair, const noise_vector *vector, int side)
{
    const nf_noise_pattern *pattern = pattern_of(vector);
    uint8_t bytes[BYTES_MAX];
    uint8_t psks[2][NF_NOISE_KEY_BYTES] = {{0}};
    for (size_t i = 0; i < 2 && vector->psks[i] != NULL; i++) {
        from_hex(vector->psks[i], bytes);
        memcpy(psks[i], bytes, NF_NOISE_KEY_BYTES);
    }
    nf_noise_keypair s;
    from_hex(side == 0 ? vector->init_static : vector->resp_static, bytes);
    memcpy(s.secret, bytes, sizeof(s.secret));
    crypto_scalarmult_curve25519_base(s.public, s.secret);
    from_hex(side == 0 ? vector->init_ephemeral : vector->resp_ephemeral, pair->ephemeral[side]);

    nf_noise_symmetric prepared;
    size_t length = from_hex(vector->prologue, bytes);
    bool psk0 = pattern->messages[0][0] == NF_NOISE_PSK;
    nf_noise_prepare(&prepared, pattern, bytes, length, psk0 ? psks[0] : NULL);
    nf_noise_begin(&pair->side[side], pattern, &prepared, side == 0, &s,
                   pattern->psk ? psks : NULL);
}

static void begin_pair(sides *pair, const noise_vector *vector)
{
    begin_side(pair, vector, 0);
    begin_side(pair, vector, 1);
}

/* Runs message `i` of the vector through the machine and compares the bytes of both ends. */
static void exchange(sides *pair, const noise_vector *vector, int i)
{
    uint8_t payload[BYTES_MAX];
    uint8_t expected[BYTES_MAX];
    uint8_t message[BYTES_MAX];
    uint8_t read[BYTES_MAX];
    size_t payload_length = from_hex(vector->messages[i].payload, payload);
    size_t length = from_hex(vector->messages[i].ciphertext, expected);
    int writer = i % 2;
    assert_int_equal(nf_noise_write(&pair->side[writer], pair->ephemeral[writer], payload,
                                    payload_length, message),
                     length);
    assert_memory_equal(message, expected, length);
    assert_int_equal(nf_noise_read(&pair->side[1 - writer], message, length, read), payload_length);
    assert_memory_equal(read, payload, payload_length);
}

/* Transport messages prove the split keys: message 3 is the responder's first. */
static void check_transport(const sides *pair, const noise_vector *vector)
{
    uint8_t key[2][NF_NOISE_KEY_BYTES];
    uint8_t other[2][NF_NOISE_KEY_BYTES];
    nf_noise_split(&pair->side[0], key[0], key[1]);
    nf_noise_split(&pair->side[1], other[0], other[1]);
    assert_memory_equal(key, other, sizeof(key));
    uint64_t nonces[2] = {0, 0};
    for (int i = HANDSHAKE_MESSAGES; i < MESSAGES && vector->messages[i].payload != NULL; i++) {
        uint8_t payload[BYTES_MAX];
        uint8_t expected[BYTES_MAX];
        uint8_t sealed[BYTES_MAX];
        uint8_t nonce[12] = {0};
        size_t length = from_hex(vector->messages[i].payload, payload);
        size_t expected_length = from_hex(vector->messages[i].ciphertext, expected);
        nf_store_le64(nonce + 4, nonces[i % 2]++);
        crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, payload, length, NULL, 0, NULL,
                                                  nonce, key[i % 2]);
        assert_int_equal(length + NF_NOISE_TAG_BYTES, expected_length);
        assert_memory_equal(sealed, expected, expected_length);
    }
}

static void published_handshakes_come_out_byte_for_byte(void **state)
{
    (void)state;
    assert_int_equal(COUNT(noise_vectors), 3);
    for (size_t v = 0; v < COUNT(noise_vectors); v++) {
        const noise_vector *vector = &noise_vectors[v];
        sides pair;
        begin_pair(&pair, vector);
        for (int i = 0; i < HANDSHAKE_MESSAGES; i++) {
            exchange(&pair, vector, i);
        }
        if (vector->handshake_hash[0] != 0) {
            uint8_t hash[BYTES_MAX];
            assert_int_equal(from_hex(vector->handshake_hash, hash), NF_NOISE_HASH_BYTES);
            assert_memory_equal(pair.side[0].symmetric.hash, hash, NF_NOISE_HASH_BYTES);
        }
        assert_memory_equal(pair.side[0].symmetric.hash, pair.side[1].symmetric.hash,
                            NF_NOISE_HASH_BYTES);
        check_transport(&pair, vector);
    }
}

/* The reader of message `i`, and the true message. */
static nf_noise *
reader_of(sides *pair, const noise_vector *vector, int i, uint8_t *message, size_t *n)
{
    begin_pair(pair, vector);
    for (int k = 0; k < i; k++) {
        exchange(pair, vector, k);
    }
    *n = from_hex(vector->messages[i].ciphertext, message);
    return &pair->side[1 - i % 2];
}

static void a_changed_byte_is_refused_and_only_a_first_message_may_be_tried_again(void **state)
{
    (void)state;
    const noise_vector *vector = &noise_vectors[2]; /* all of whose bytes are authenticated */
    for (int i = 0; i < HANDSHAKE_MESSAGES; i++) {
        sides pair;
        uint8_t message[BYTES_MAX];
        uint8_t read[BYTES_MAX];
        size_t length;
        nf_noise *reader = reader_of(&pair, vector, i, message, &length);
        const nf_noise before = *reader;
        for (size_t at = 0; at < length; at++) {
            nf_noise copy = before;
            message[at] ^= (uint8_t)(1 << at % 8);
            /* X25519 ignores the top bit of a key, but the hash does not. */
            assert_int_equal(nf_noise_read(&copy, message, length, read), -1);
            message[at] ^= (uint8_t)(1 << at % 8);
            long again = nf_noise_read(&copy, message, length, read);
            assert_true(i == 0 ? again >= 0 : again == -1);
            assert_int_equal(copy.failed, i > 0);
        }
        assert_true(nf_noise_read(reader, message, length, read) >= 0);
    }
}

static void a_message_of_any_shorter_length_is_refused(void **state)
{
    (void)state;
    for (size_t v = 0; v < COUNT(noise_vectors); v++) {
        for (int i = 0; i < HANDSHAKE_MESSAGES; i++) {
            sides pair;
            uint8_t message[BYTES_MAX];
            uint8_t read[BYTES_MAX];
            size_t length;
            nf_noise *reader = reader_of(&pair, &noise_vectors[v], i, message, &length);
            bool sealed = i > 0 || noise_vectors[v].psks[0] != NULL;
            /* The payload of XX's first message is in the clear: only its key has a length. */
            size_t least = sealed ? length : NF_NOISE_KEY_BYTES;
            for (size_t shorter = 0; shorter < least; shorter++) {
                nf_noise copy = *reader;
                assert_int_equal(nf_noise_read(&copy, message, shorter, read), -1);
            }
        }
    }
}

static void an_ephemeral_key_that_gives_zero_ends_the_handshake(void **state)
{
    (void)state;
    sides pair;
    begin_pair(&pair, &noise_vectors[0]);
    uint8_t message[BYTES_MAX] = {0}; /* the point of order 4 whose coordinate is 0 */
    uint8_t read[BYTES_MAX];
    assert_int_equal(nf_noise_read(&pair.side[1], message, NF_NOISE_KEY_BYTES, read), 0);
    assert_int_equal(nf_noise_write(&pair.side[1], pair.ephemeral[1], NULL, 0, message), 0);
    assert_true(pair.side[1].failed);
    assert_int_equal(nf_noise_write(&pair.side[1], pair.ephemeral[1], NULL, 0, message), 0);
}

static void another_psk_or_prologue_is_refused(void **state)
{
    (void)state;
    noise_vector other = noise_vectors[2];
    sides pair;
    uint8_t message[BYTES_MAX];
    uint8_t read[BYTES_MAX];
    size_t length = from_hex(other.messages[0].ciphertext, message);

    other.psks[0] = noise_vectors[2].psks[1];
    begin_side(&pair, &other, 1);
    assert_int_equal(nf_noise_read(&pair.side[1], message, length, read), -1);
    other = noise_vectors[2];
    other.prologue = "00";
    begin_side(&pair, &other, 1);
    assert_int_equal(nf_noise_read(&pair.side[1], message, length, read), -1);

    other = noise_vectors[2];
    other.psks[1] = noise_vectors[2].psks[0];
    begin_pair(&pair, &noise_vectors[2]);
    begin_side(&pair, &other, 1);
    exchange(&pair, &noise_vectors[2], 0);
    exchange(&pair, &noise_vectors[2], 1);
    length = from_hex(other.messages[2].ciphertext, message);
    assert_int_equal(nf_noise_read(&pair.side[1], message, length, read), -1);
}

static void wiping_leaves_nothing(void **state)
{
    (void)state;
    sides pair;
    begin_pair(&pair, &noise_vectors[2]);
    nf_noise_wipe(&pair.side[0]);
    assert_true(sodium_is_zero((const uint8_t *)&pair.side[0], sizeof(pair.side[0])));
}

static void hkdf_gives_the_figures_of_its_rfc(void **state)
{
    (void)state;
    assert_int_equal(COUNT(hkdf_vectors), 3);
    for (size_t v = 0; v < COUNT(hkdf_vectors); v++) {
        const hkdf_vector *vector = &hkdf_vectors[v];
        uint8_t salt[BYTES_MAX], material[BYTES_MAX], info[BYTES_MAX];
        uint8_t prk[BYTES_MAX], expected[BYTES_MAX], out[BYTES_MAX];
        size_t salt_length = from_hex(vector->salt, salt);
        size_t material_length = from_hex(vector->material, material);
        size_t info_length = from_hex(vector->info, info);
        size_t length = from_hex(vector->out, expected);

        from_hex(vector->prk, prk);
        nf_hkdf_extract(salt, salt_length, material, material_length, out);
        assert_memory_equal(out, prk, NF_HKDF_KEY_BYTES);
        nf_hkdf(salt, salt_length, material, material_length, info, info_length, out, length);
        assert_memory_equal(out, expected, length);
    }
}

static void hkdf_fills_every_length_up_to_its_limit(void **state)
{
    (void)state;
    static uint8_t all[NF_HKDF_OUT_BYTES_MAX];
    static uint8_t some[NF_HKDF_OUT_BYTES_MAX + 1];
    const uint8_t material[1] = {7};
    nf_hkdf(NULL, 0, material, 1, NULL, 0, all, sizeof(all));
    const size_t lengths[] = {0, 1, 31, 32, 33, 64, 65, NF_HKDF_OUT_BYTES_MAX};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        memset(some, 0xa5, sizeof(some));
        nf_hkdf(NULL, 0, material, 1, NULL, 0, some, lengths[i]);
        assert_memory_equal(some, all, lengths[i]);
        assert_int_equal(some[lengths[i]], 0xa5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_handshakes_come_out_byte_for_byte),
        cmocka_unit_test(a_changed_byte_is_refused_and_only_a_first_message_may_be_tried_again),
        cmocka_unit_test(a_message_of_any_shorter_length_is_refused),
        cmocka_unit_test(an_ephemeral_key_that_gives_zero_ends_the_handshake),
        cmocka_unit_test(another_psk_or_prologue_is_refused),
        cmocka_unit_test(wiping_leaves_nothing),
        cmocka_unit_test(hkdf_gives_the_figures_of_its_rfc),
        cmocka_unit_test(hkdf_fills_every_length_up_to_its_limit),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
