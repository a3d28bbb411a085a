/* SPDX-License-Identifier: Apache-2.0 */
/* handshake_test.c - the three messages between two members, and all that must be refused. */
#include "machine/handshake.h"
#include "netron/types.h"

#include <sodium.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include <dlfcn.h>

enum {
    EPOCH_SECONDS = 3600,
    EPOCH = 100,
    NOISE1_AT = 4,
    NOISE23_AT = 8,
    BOTH = NETRON_SUITE_CHACHA20_POLY1305 | NETRON_SUITE_AES256_GCM,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t secret[] = "what every member knows";

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

/* --- two members ------------------------------------------------------------------------------ */

typedef struct member {
    nf_identity identity;
    nf_network network;
    nf_hello hello;
    uint8_t ephemeral[32];
    nf_handshake handshake;
} member;

/* The first seed from `seed` on that gives an id. */
static void make_identity(nf_identity *identity, uint8_t seed)
{
    uint8_t bytes[32] = {seed};
    while (!nf_identity_from_seed(identity, bytes)) {
        bytes[1]++;
    }
}

static member make_member(uint8_t number, uint64_t epoch)
{
    member m;
    memset(&m, 0, sizeof(m));
    make_identity(&m.identity, number);
    nf_network_init(&m.network, secret, sizeof(secret) - 1, EPOCH_SECONDS);
    (void)nf_network_set_time(&m.network, epoch * EPOCH_SECONDS);
    m.hello = (nf_hello){.index = 0x01020300u + number, .suites = BOTH, .lanes = 1, .wall_ms = 5};
    memset(m.ephemeral, 0x50 + number, sizeof(m.ephemeral));
    return m;
}

/* Two members, their messages so far, and how the last reading went. */
typedef struct meeting {
    member a, b; /* initiator, responder */
    uint8_t message1[NF_MESSAGE1_BYTES];
    uint8_t message2[NF_MESSAGE2_BYTES];
    uint8_t message3[NF_MESSAGE3_BYTES];
} meeting;

static meeting begin_meeting(void)
{
    meeting m = {.a = make_member(1, EPOCH), .b = make_member(2, EPOCH)};
    m.a.hello.lanes = 2;
    m.a.hello.wall_ms = 1234567890123;
    memset(m.a.hello.cookie, 0xc0, sizeof(m.a.hello.cookie));
    m.b.hello.lanes = NETRON_LANES_MAX;
    return m;
}

static void write1(meeting *m)
{
    nf_handshake_write1(&m->a.handshake, &m->a.identity, &m->a.network, &m->a.hello, m->a.ephemeral,
                        m->message1);
}

static nf_handshake_result read1(meeting *m)
{
    return nf_handshake_read1(&m->b.handshake, &m->b.identity, &m->b.network, m->message1,
                              sizeof(m->message1));
}

static nf_handshake_result write2(meeting *m)
{
    return nf_handshake_write2(&m->b.handshake, &m->b.identity, &m->b.hello, m->b.ephemeral,
                               m->message2);
}

static nf_handshake_result read2(meeting *m)
{
    return nf_handshake_read2(&m->a.handshake, m->message2, sizeof(m->message2));
}

static nf_handshake_result write3(meeting *m)
{
    return nf_handshake_write3(&m->a.handshake, &m->a.identity, m->message3);
}

static nf_handshake_result read3(meeting *m)
{
    return nf_handshake_read3(&m->b.handshake, m->message3, sizeof(m->message3));
}

/* Runs the first `steps` of the six; all must go well. */
static meeting meet(unsigned steps)
{
    nf_handshake_result (*const all[])(meeting *) = {read1, write2, read2, write3, read3};
    meeting m = begin_meeting();
    write1(&m);
    for (unsigned i = 0; i + 1 < steps; i++) {
        assert_int_equal(all[i](&m), NF_HANDSHAKE_OK);
    }
    return m;
}

static void assert_keys_agree(const meeting *m)
{
    uint8_t a_send[32], a_receive[32], b_send[32], b_receive[32];
    nf_handshake_keys(&m->a.handshake, a_send, a_receive);
    nf_handshake_keys(&m->b.handshake, b_send, b_receive);
    assert_memory_equal(a_send, b_receive, 32);
    assert_memory_equal(a_receive, b_send, 32);
    assert_memory_not_equal(a_send, a_receive, 32);
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

/* --- a member that breaks the rules: its messages are well sealed ----------------------------- */

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

/* --- damage ----------------------------------------------------------------------------------- */

/* One message of a meeting, and who reads it. */
typedef struct delivery {
    unsigned written_after; /* steps of meet() */
    nf_handshake_result (*read)(meeting *m);
    size_t length;
} delivery;

static const delivery deliveries[] = {
    {1, read1, NF_MESSAGE1_BYTES},
    {3, read2, NF_MESSAGE2_BYTES},
    {5, read3, NF_MESSAGE3_BYTES},
};

static uint8_t *bytes_of(meeting *m, size_t i)
{
    uint8_t *messages[] = {m->message1, m->message2, m->message3};
    return messages[i];
}

static void a_changed_bit_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(deliveries); i++) {
        const meeting before = meet(deliveries[i].written_after);
        for (size_t at = 0; at < deliveries[i].length; at++) {
            /* In the headers each bit; beyond, one a byte (the top one of a key is not special). */
            unsigned step = at < NOISE23_AT || at % 32 == 31 ? 1 : 8;
            for (unsigned bit = step == 1 ? 0 : at % 8; bit < 8; bit += step) {
                meeting m = before;
                bytes_of(&m, i)[at] ^= (uint8_t)(1u << bit);
                assert_int_not_equal(deliveries[i].read(&m), NF_HANDSHAKE_OK);
            }
        }
        meeting m = before;
        assert_int_equal(deliveries[i].read(&m), NF_HANDSHAKE_OK);
    }
}

static void another_length_is_malformed_and_no_byte_past_it_is_read(void **state)
{
    (void)state;
    meeting one = meet(1);
    meeting two = meet(3);
    meeting three = meet(5);
    static uint8_t longer[NF_MESSAGE1_BYTES + 1];
    for (size_t length = 0; length <= NF_MESSAGE1_BYTES; length++) {
        /* On the heap, so that reading past the end is seen by the sanitizer. */
        uint8_t *copy = test_malloc(length + (length == 0));
        if (length != NF_MESSAGE1_BYTES) {
            memcpy(copy, one.message1, length);
            assert_int_equal(
                nf_handshake_read1(&one.b.handshake, &one.b.identity, &one.b.network, copy, length),
                NF_HANDSHAKE_MALFORMED);
        }
        if (length < NF_MESSAGE2_BYTES) {
            memcpy(copy, two.message2, length);
            assert_int_equal(nf_handshake_read2(&two.a.handshake, copy, length),
                             NF_HANDSHAKE_MALFORMED);
        }
        if (length < NF_MESSAGE3_BYTES) {
            memcpy(copy, three.message3, length);
            assert_int_equal(nf_handshake_read3(&three.b.handshake, copy, length),
                             NF_HANDSHAKE_MALFORMED);
        }
        test_free(copy);
    }
    memcpy(longer, one.message1, NF_MESSAGE1_BYTES);
    assert_int_equal(nf_handshake_read1(&one.b.handshake, &one.b.identity, &one.b.network, longer,
                                        sizeof(longer)),
                     NF_HANDSHAKE_MALFORMED);
    memcpy(longer, two.message2, NF_MESSAGE2_BYTES);
    assert_int_equal(nf_handshake_read2(&two.a.handshake, longer, NF_MESSAGE2_BYTES + 1),
                     NF_HANDSHAKE_MALFORMED);
    memcpy(longer, three.message3, NF_MESSAGE3_BYTES);
    assert_int_equal(nf_handshake_read3(&three.b.handshake, longer, NF_MESSAGE3_BYTES + 1),
                     NF_HANDSHAKE_MALFORMED);
    /* Nothing of all that ended a handshake. */
    assert_int_equal(read2(&two), NF_HANDSHAKE_OK);
    assert_int_equal(read3(&three), NF_HANDSHAKE_OK);
}

static void a_forged_message_ends_a_handshake_but_not_its_copy(void **state)
{
    (void)state;
    const meeting before = meet(5);
    meeting m = before;
    m.message3[60] ^= 1;
    assert_int_equal(read3(&m), NF_HANDSHAKE_FORGED);
    m.message3[60] ^= 1;
    assert_int_equal(read3(&m), NF_HANDSHAKE_FORGED);

    m.b.handshake = before.b.handshake;
    m.message3[60] ^= 1;
    for (int i = 0; i < 3; i++) {
        nf_handshake copy = m.b.handshake;
        assert_int_equal(nf_handshake_read3(&copy, m.message3, sizeof(m.message3)),
                         NF_HANDSHAKE_FORGED);
    }
    m.message3[60] ^= 1;
    nf_handshake copy = m.b.handshake;
    assert_int_equal(nf_handshake_read3(&copy, m.message3, sizeof(m.message3)), NF_HANDSHAKE_OK);
    m.b.handshake = copy;
    assert_keys_agree(&m);

    m = meet(3);
    m.message2[100] ^= 1;
    assert_int_equal(read2(&m), NF_HANDSHAKE_FORGED);
    m.message2[100] ^= 1;
    assert_int_equal(read2(&m), NF_HANDSHAKE_FORGED);
}

static void a_message_out_of_turn_or_of_another_meeting_is_refused(void **state)
{
    (void)state;
    meeting m = meet(6);
    assert_int_equal(read2(&m), NF_HANDSHAKE_MALFORMED); /* each was read already */
    assert_int_equal(read3(&m), NF_HANDSHAKE_MALFORMED);
    assert_keys_agree(&m);
    /* To the wrong side. */
    assert_int_equal(nf_handshake_read3(&m.a.handshake, m.message3, sizeof(m.message3)),
                     NF_HANDSHAKE_MALFORMED);
    assert_int_equal(nf_handshake_read2(&m.b.handshake, m.message2, sizeof(m.message2)),
                     NF_HANDSHAKE_MALFORMED);

    /* Recorded from an earlier meeting of the same two, by the same indexes. */
    meeting later = begin_meeting();
    later.a.ephemeral[1] ^= 1;
    write1(&later);
    memcpy(later.message2, m.message2, sizeof(m.message2));
    assert_int_equal(read2(&later), NF_HANDSHAKE_FORGED);
    later = begin_meeting();
    later.b.ephemeral[1] ^= 1;
    write1(&later);
    assert_int_equal(read1(&later), NF_HANDSHAKE_OK);
    assert_int_equal(write2(&later), NF_HANDSHAKE_OK);
    memcpy(later.message3, m.message3, sizeof(m.message3));
    assert_int_equal(read3(&later), NF_HANDSHAKE_FORGED);
}

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
        cmocka_unit_test(unknown_flags_are_malformed_and_not_another_network),
        cmocka_unit_test(fields_of_message_1_out_of_range_are_refused),
        cmocka_unit_test(padding_of_message_1_must_be_zero),
        cmocka_unit_test(a_pick_that_was_not_offered_is_refused),
        cmocka_unit_test(fields_of_messages_2_and_3_out_of_range_are_refused),
        cmocka_unit_test(an_id_that_is_not_of_the_static_key_is_refused),
        cmocka_unit_test(the_negative_of_an_id_is_refused_though_its_key_is_the_same),
        cmocka_unit_test(an_ephemeral_key_that_gives_zero_is_answered_by_nothing),
        cmocka_unit_test(a_stranger_without_the_token_costs_one_hkdf_and_no_diffie_hellman),
        cmocka_unit_test(another_token_is_refused),
        cmocka_unit_test(another_long_term_secret_fails_at_message_3),
        cmocka_unit_test(neighbouring_epochs_meet_and_others_do_not),
        cmocka_unit_test(a_member_without_a_clock_gets_in),
        cmocka_unit_test(a_changed_bit_anywhere_is_refused),
        cmocka_unit_test(another_length_is_malformed_and_no_byte_past_it_is_read),
        cmocka_unit_test(a_forged_message_ends_a_handshake_but_not_its_copy),
        cmocka_unit_test(a_message_out_of_turn_or_of_another_meeting_is_refused),
        cmocka_unit_test(wiping_leaves_nothing),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
