/* SPDX-License-Identifier: Apache-2.0 */
/* handshake_rules_test.c - a member that breaks the rules: its messages are well sealed. */
#include "meeting.h"

#include <sodium.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- forgeries -------------------------------------------------------------------------------- */

/* Writes message 1 with any payload. */
static void forge1(meeting *m, const uint8_t payload[108], const uint8_t *ephemeral)
{
    write1(m); /* for the header */
    const nf_epoch_key *key = nf_network_current(&m->a.network);
    uint8_t psks[2][32];
    memcpy(psks[0], key->psk0, 32);
    memcpy(psks[1], m->a.network.psk3, 32);
    nf_noise noise;
    nf_noise_begin(&noise, &nf_noise_xxpsk0psk3, &key->prepared, true, &m->a.identity.exchange,
                   psks);
    assert_int_equal(nf_noise_write(&noise, ephemeral, payload, 108, m->message1 + NOISE1_AT),
                     NF_MESSAGE1_BYTES - NOISE1_AT);
    m->a.handshake.noise = noise;
}

static void good_payload1(uint8_t payload[108])
{
    memset(payload, 0, 108);
    payload[4] = BOTH;
    payload[5] = 1;
}

/* Message 2 with any payload, as the responder of `m` would seal it. */
static void forge2(meeting *m, const uint8_t payload[48])
{
    assert_int_equal(write2(m), NF_HANDSHAKE_OK); /* for the header */
    assert_int_equal(read1(m), NF_HANDSHAKE_OK);
    assert_int_equal(nf_noise_write(&m->b.handshake.noise, m->b.ephemeral, payload, 48,
                                    m->message2 + NOISE23_AT),
                     NF_MESSAGE2_BYTES - NOISE23_AT);
}

static void good_payload2(const meeting *m, uint8_t payload[48])
{
    memset(payload, 0, 48);
    payload[4] = NETRON_SUITE_AES256_GCM;
    payload[5] = 1;
    memcpy(payload + 16, m->b.identity.id, 32);
}

static void forge3(meeting *m, const uint8_t payload[40])
{
    nf_handshake before = m->a.handshake;
    assert_int_equal(write3(m), NF_HANDSHAKE_OK); /* for the header */
    m->a.handshake = before;
    assert_int_equal(
        nf_noise_write(&m->a.handshake.noise, NULL, payload, 40, m->message3 + NOISE23_AT),
        NF_MESSAGE3_BYTES - NOISE23_AT);
}

/* --- what is refused -------------------------------------------------------------------------- */

static void unknown_flags_are_malformed_and_not_another_network(void **state)
{
    (void)state;
    for (unsigned flags = NF_FLAG_CLOCKLESS + 1; flags < 256; flags++) {
        meeting m = begin_meeting();
        write1(&m);
        m.message1[1] = (uint8_t)flags;
        assert_int_equal(read1(&m), NF_HANDSHAKE_MALFORMED);
    }
}

static void fields_of_message_1_out_of_range_are_refused(void **state)
{
    (void)state;
    const struct {
        size_t at;
        uint8_t value;
        nf_handshake_result result;
    } rows[] = {
        {4, BOTH, NF_HANDSHAKE_OK},
        {5, NETRON_LANES_MAX, NF_HANDSHAKE_OK},
        {4, 0, NF_HANDSHAKE_MALFORMED},
        {5, 0, NF_HANDSHAKE_MALFORMED},
        {5, NETRON_LANES_MAX + 1, NF_HANDSHAKE_MALFORMED},
        {6, 1, NF_HANDSHAKE_MALFORMED},
        {7, 1, NF_HANDSHAKE_MALFORMED},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        meeting m = begin_meeting();
        uint8_t payload[108];
        good_payload1(payload);
        payload[rows[i].at] = rows[i].value;
        forge1(&m, payload, m.a.ephemeral);
        assert_int_equal(read1(&m), rows[i].result);
    }
}

static void padding_of_message_1_must_be_zero(void **state)
{
    (void)state;
    for (size_t at = 32; at < 108; at++) {
        meeting m = begin_meeting();
        uint8_t payload[108];
        good_payload1(payload);
        payload[at] = 1;
        forge1(&m, payload, m.a.ephemeral);
        assert_int_equal(read1(&m), NF_HANDSHAKE_MALFORMED);
    }
}

static void a_pick_that_was_not_offered_is_refused(void **state)
{
    (void)state;
    for (unsigned offered = 1; offered < 8; offered++) {
        for (unsigned picked = 0; picked < 256; picked++) {
            if (picked > 8 && picked % 32 != 0) {
                continue;
            }
            meeting m = begin_meeting();
            uint8_t payload[48];
            m.a.hello.suites = (uint8_t)offered;
            write1(&m);
            assert_int_equal(read1(&m), NF_HANDSHAKE_OK);
            m.b.handshake.suites = BOTH; /* so that an honest header can be made */
            good_payload2(&m, payload);
            payload[4] = (uint8_t)picked;
            forge2(&m, payload);
            bool sound = (picked == 1 || picked == 2) && (picked & offered) != 0;
            assert_int_equal(read2(&m), sound ? NF_HANDSHAKE_OK : NF_HANDSHAKE_NO_SUITE);
            assert_true(sound || m.a.handshake.noise.failed);
        }
    }
}

static void fields_of_messages_2_and_3_out_of_range_are_refused(void **state)
{
    (void)state;
    const size_t at[] = {5, 5, 6, 7};
    const uint8_t values[] = {0, NETRON_LANES_MAX + 1, 1, 1};
    for (size_t i = 0; i < COUNT(at); i++) {
        meeting m = meet(2);
        uint8_t payload[48];
        good_payload2(&m, payload);
        payload[at[i]] = values[i];
        forge2(&m, payload);
        assert_int_equal(read2(&m), NF_HANDSHAKE_MALFORMED);
    }
    for (size_t i = 32; i < 40; i++) {
        meeting m = meet(4);
        uint8_t payload[40] = {0};
        memcpy(payload, m.a.identity.id, 32);
        payload[i] = 1;
        forge3(&m, payload);
        assert_int_equal(read3(&m), NF_HANDSHAKE_MALFORMED);
    }
}

static void an_id_that_is_not_of_the_static_key_is_refused(void **state)
{
    (void)state;
    nf_identity other;
    make_identity(&other, 77);
    meeting m = meet(2);
    uint8_t payload2[48];
    good_payload2(&m, payload2);
    memcpy(payload2 + 16, other.id, 32);
    forge2(&m, payload2);
    assert_int_equal(read2(&m), NF_HANDSHAKE_BAD_IDENTITY);
    assert_true(sodium_is_zero(m.a.handshake.remote_id, 32));
    assert_true(m.a.handshake.noise.failed);

    m = meet(4);
    uint8_t payload3[40] = {0};
    memcpy(payload3, other.id, 32);
    forge3(&m, payload3);
    assert_int_equal(read3(&m), NF_HANDSHAKE_BAD_IDENTITY);
    assert_true(sodium_is_zero(m.b.handshake.remote_id, 32));
    assert_true(m.b.handshake.noise.failed);
}

static void the_negative_of_an_id_is_refused_though_its_key_is_the_same(void **state)
{
    (void)state;
    meeting m = meet(4);
    uint8_t payload[40] = {0};
    memcpy(payload, m.a.identity.id, 32);
    payload[31] ^= 0x80;
    forge3(&m, payload);
    assert_int_equal(read3(&m), NF_HANDSHAKE_BAD_IDENTITY);
}

static void an_ephemeral_key_that_gives_zero_is_answered_by_nothing(void **state)
{
    (void)state;
    /* A member seals a first message under an ephemeral key of small order: everything up to the
     * Diffie-Hellman of message 2 can be computed without its secret. */
    meeting m = begin_meeting();
    write1(&m);
    const nf_epoch_key *key = nf_network_current(&m.a.network);
    nf_noise_symmetric s = key->prepared;
    uint8_t zero[32] = {0}, both[64], joined[64], payload[108], nonce[12] = {0};
    memcpy(joined, s.hash, 32);
    memcpy(joined + 32, zero, 32);
    crypto_hash_sha256(s.hash, joined, sizeof(joined));
    nf_hkdf(s.chaining_key, 32, zero, 32, NULL, 0, both, sizeof(both));
    good_payload1(payload);
    memcpy(m.message1 + NOISE1_AT, zero, 32);
    crypto_aead_chacha20poly1305_ietf_encrypt(m.message1 + 36, NULL, payload, 108, s.hash, 32, NULL,
                                              nonce, both + 32);
    assert_int_equal(read1(&m), NF_HANDSHAKE_OK);
    assert_int_equal(write2(&m), NF_HANDSHAKE_FORGED);
    assert_int_equal(write2(&m), NF_HANDSHAKE_FORGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_flags_are_malformed_and_not_another_network),
        cmocka_unit_test(fields_of_message_1_out_of_range_are_refused),
        cmocka_unit_test(padding_of_message_1_must_be_zero),
        cmocka_unit_test(a_pick_that_was_not_offered_is_refused),
        cmocka_unit_test(fields_of_messages_2_and_3_out_of_range_are_refused),
        cmocka_unit_test(an_id_that_is_not_of_the_static_key_is_refused),
        cmocka_unit_test(the_negative_of_an_id_is_refused_though_its_key_is_the_same),
        cmocka_unit_test(an_ephemeral_key_that_gives_zero_is_answered_by_nothing),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
