/* SPDX-License-Identifier: Apache-2.0 */
/* handshake_test.c - the three messages between two members, and between one and a stranger. */
#include "meeting.h"

#include <sodium.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include <dlfcn.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- how much work a message makes: calls into libsodium are counted on their way ------------- */

static unsigned dh_calls, hmac_calls;

int crypto_scalarmult_curve25519(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
    static int (*real)(unsigned char *, const unsigned char *, const unsigned char *);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "crypto_scalarmult_curve25519");
    }
    dh_calls++;
    return real(q, n, p);
}

int crypto_auth_hmacsha256_final(crypto_auth_hmacsha256_state *hmac, unsigned char *out)
{
    static int (*real)(crypto_auth_hmacsha256_state *, unsigned char *);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "crypto_auth_hmacsha256_final");
    }
    hmac_calls++;
    return real(hmac, out);
}

/* --- what must work --------------------------------------------------------------------------- */

static void two_members_agree_on_keys_and_know_each_other(void **state)
{
    (void)state;
    meeting m = meet(6);
    assert_keys_agree(&m);
    const nf_handshake *a = &m.a.handshake;
    const nf_handshake *b = &m.b.handshake;
    assert_memory_equal(a->remote_id, m.b.identity.id, 32);
    assert_memory_equal(b->remote_id, m.a.identity.id, 32);
    assert_int_equal(a->remote_index, m.b.hello.index);
    assert_int_equal(b->remote_index, m.a.hello.index);
    assert_int_equal(a->remote_lanes, NETRON_LANES_MAX);
    assert_int_equal(b->remote_lanes, 2);
    assert_int_equal(a->remote_wall_ms, 5);
    assert_int_equal(b->remote_wall_ms, 1234567890123);
    assert_memory_equal(b->remote_cookie, m.a.hello.cookie, NF_COOKIE_SECRET_BYTES);
    assert_int_equal(nf_receiver_index_of(m.message2), m.a.hello.index);
    assert_int_equal(nf_receiver_index_of(m.message3), m.b.hello.index);

    meeting back = begin_meeting(); /* the other way round */
    back.a.identity = m.b.identity;
    back.b.identity = m.a.identity;
    write1(&back);
    assert_int_equal(read1(&back), NF_HANDSHAKE_OK);
    assert_int_equal(write2(&back), NF_HANDSHAKE_OK);
    assert_int_equal(read2(&back), NF_HANDSHAKE_OK);
    assert_int_equal(write3(&back), NF_HANDSHAKE_OK);
    assert_int_equal(read3(&back), NF_HANDSHAKE_OK);
    assert_keys_agree(&back);
}

static void data_keys_are_bound_to_suite_and_direction(void **state)
{
    (void)state;
    meeting m = meet(6);
    uint8_t first[32], second[32], expected[32], send[32], receive[32];
    nf_noise_split(&m.a.handshake.noise, first, second);
    nf_handshake_keys(&m.a.handshake, send, receive);
    uint8_t info[] = "netron/1 data..";
    info[13] = NETRON_SUITE_AES256_GCM;
    info[14] = 0;
    nf_hkdf(NULL, 0, first, 32, info, 15, expected, 32);
    assert_memory_equal(send, expected, 32);
    info[14] = 1;
    nf_hkdf(NULL, 0, second, 32, info, 15, expected, 32);
    assert_memory_equal(receive, expected, 32);

    uint8_t other[32];
    m.a.handshake.suite = NETRON_SUITE_CHACHA20_POLY1305;
    nf_handshake_keys(&m.a.handshake, other, receive);
    assert_memory_not_equal(other, send, 32);
}

static void the_ids_are_not_to_be_seen(void **state)
{
    (void)state;
    meeting m = meet(6);
    const nf_identity *identities[] = {&m.a.identity, &m.b.identity};
    for (size_t i = 0; i < COUNT(identities); i++) {
        const uint8_t *words[] = {identities[i]->id, identities[i]->exchange.public};
        for (size_t w = 0; w < COUNT(words); w++) {
            assert_null(memmem(m.message1, sizeof(m.message1), words[w], 8));
            assert_null(memmem(m.message2, sizeof(m.message2), words[w], 8));
            assert_null(memmem(m.message3, sizeof(m.message3), words[w], 8));
        }
    }
}

/* --- suites ----------------------------------------------------------------------------------- */

static void the_suite_is_picked_by_a_fixed_order(void **state)
{
    (void)state;
    const struct {
        uint8_t offered, available, picked; /* 0: none */
    } rows[] = {
        {BOTH, BOTH, NETRON_SUITE_AES256_GCM},
        {BOTH, 1, NETRON_SUITE_CHACHA20_POLY1305},
        {1, BOTH, NETRON_SUITE_CHACHA20_POLY1305},
        {2, BOTH, NETRON_SUITE_AES256_GCM},
        {0xff, BOTH, NETRON_SUITE_AES256_GCM}, /* later suites may be offered */
        {0xfd, BOTH, NETRON_SUITE_CHACHA20_POLY1305},
        {1, 2, 0},
        {2, 1, 0},
        {4, BOTH, 0},
        {4, 0xff, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        meeting m = begin_meeting();
        m.a.hello.suites = rows[i].offered;
        m.b.hello.suites = rows[i].available;
        write1(&m);
        assert_int_equal(read1(&m), NF_HANDSHAKE_OK);
        if (rows[i].picked == 0) {
            assert_int_equal(write2(&m), NF_HANDSHAKE_NO_SUITE);
            assert_int_not_equal(write2(&m), NF_HANDSHAKE_OK);
            continue;
        }
        assert_int_equal(write2(&m), NF_HANDSHAKE_OK);
        assert_int_equal(read2(&m), NF_HANDSHAKE_OK);
        assert_int_equal(m.a.handshake.suite, rows[i].picked);
        assert_int_equal(m.b.handshake.suite, rows[i].picked);
    }
}

/* --- who does not belong ---------------------------------------------------------------------- */

static void a_stranger_without_the_token_costs_one_hkdf_and_no_diffie_hellman(void **state)
{
    (void)state;
    meeting m = begin_meeting();
    write1(&m);
    randombytes_buf(m.message1 + NOISE1_AT, sizeof(m.message1) - NOISE1_AT);
    memset(&m.b.handshake, 0xa5, sizeof(m.b.handshake));
    nf_handshake before = m.b.handshake;
    dh_calls = 0;
    hmac_calls = 0;
    assert_int_equal(read1(&m), NF_HANDSHAKE_WRONG_NETWORK);
    assert_int_equal(dh_calls, 0);
    assert_int_equal(hmac_calls, 3); /* extract, and two blocks of expand */
    assert_memory_equal(&m.b.handshake, &before, sizeof(before));

    write1(&m); /* the counters do count */
    assert_int_equal(read1(&m), NF_HANDSHAKE_OK);
    assert_int_equal(dh_calls, 0);
    assert_int_equal(write2(&m), NF_HANDSHAKE_OK);
    assert_true(dh_calls > 0);
}

static void another_token_is_refused(void **state)
{
    (void)state;
    meeting m = begin_meeting();
    nf_network_init(&m.a.network, (const uint8_t *)"another secret", 14, EPOCH_SECONDS);
    write1(&m); /* clockless */
    assert_int_equal(read1(&m), NF_HANDSHAKE_WRONG_NETWORK);
    (void)nf_network_set_time(&m.a.network, EPOCH * EPOCH_SECONDS);
    write1(&m);
    assert_int_equal(read1(&m), NF_HANDSHAKE_WRONG_NETWORK);
}

static void another_long_term_secret_fails_at_message_3(void **state)
{
    (void)state;
    meeting m = begin_meeting();
    m.a.network.psk3[0] ^= 1;
    write1(&m);
    assert_int_equal(read1(&m), NF_HANDSHAKE_OK);
    assert_int_equal(write2(&m), NF_HANDSHAKE_OK);
    assert_int_equal(read2(&m), NF_HANDSHAKE_OK);
    assert_int_equal(write3(&m), NF_HANDSHAKE_OK);
    assert_int_equal(read3(&m), NF_HANDSHAKE_FORGED);
}

static void neighbouring_epochs_meet_and_others_do_not(void **state)
{
    (void)state;
    for (uint64_t epoch = EPOCH - 6; epoch <= EPOCH + 6; epoch++) {
        meeting m = begin_meeting();
        m.a.network = make_member(1, epoch).network;
        write1(&m);
        bool near = epoch + 1 >= EPOCH && epoch <= EPOCH + 1;
        assert_int_equal(read1(&m), near ? NF_HANDSHAKE_OK : NF_HANDSHAKE_WRONG_NETWORK);
        if (near) {
            assert_int_equal(write2(&m), NF_HANDSHAKE_OK);
            assert_int_equal(m.message2[1], epoch % 4);
            assert_int_equal(read2(&m), NF_HANDSHAKE_OK);
        }
    }
}

static void a_member_without_a_clock_gets_in(void **state)
{
    (void)state;
    meeting m = begin_meeting();
    m.a.network = make_member(1, 0).network;
    write1(&m);
    assert_int_equal(m.message1[1], NF_FLAG_CLOCKLESS);
    assert_int_equal(read1(&m), NF_HANDSHAKE_OK);
    assert_int_equal(write2(&m), NF_HANDSHAKE_OK);
    assert_int_equal(read2(&m), NF_HANDSHAKE_OK);
    assert_int_equal(m.a.handshake.remote_wall_ms, m.b.hello.wall_ms);
    assert_int_equal(write3(&m), NF_HANDSHAKE_OK);
    assert_int_equal(read3(&m), NF_HANDSHAKE_OK);
    assert_keys_agree(&m);

    m = begin_meeting();
    m.b.network = make_member(2, 0).network; /* and one with a clock does not get in there */
    write1(&m);
    assert_int_equal(read1(&m), NF_HANDSHAKE_WRONG_NETWORK);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void wiping_leaves_nothing(void **state)
{
    (void)state;
    meeting m = meet(6);
    nf_handshake_wipe(&m.a.handshake);
    assert_true(sodium_is_zero((const uint8_t *)&m.a.handshake, sizeof(m.a.handshake)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_members_agree_on_keys_and_know_each_other),
        cmocka_unit_test(data_keys_are_bound_to_suite_and_direction),
        cmocka_unit_test(the_ids_are_not_to_be_seen),
        cmocka_unit_test(the_suite_is_picked_by_a_fixed_order),
        cmocka_unit_test(a_stranger_without_the_token_costs_one_hkdf_and_no_diffie_hellman),
        cmocka_unit_test(another_token_is_refused),
        cmocka_unit_test(another_long_term_secret_fails_at_message_3),
        cmocka_unit_test(neighbouring_epochs_meet_and_others_do_not),
        cmocka_unit_test(a_member_without_a_clock_gets_in),
        cmocka_unit_test(wiping_leaves_nothing),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
