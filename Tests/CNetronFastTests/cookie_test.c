/* SPDX-License-Identifier: Apache-2.0 */
/* cookie_test.c - the proof of an address: what it is bound to, and to which first message. */
#include "machine/handshake.h"

#include <sodium.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

enum { EPOCH_SECONDS = 3600, EPOCH = 100 };

/* Message 1 between two members of one network, and what the responder read of it. */
typedef struct meeting {
    nf_network network;
    nf_identity identity;
    nf_hello hello;
    uint8_t ephemeral[32];
    uint8_t message1[NF_MESSAGE1_BYTES];
    nf_handshake responder;
} meeting;

static void exchange1(meeting *m)
{
    nf_handshake initiator;
    nf_handshake_write1(&initiator, &m->identity, &m->network, &m->hello, m->ephemeral,
                        m->message1);
    assert_int_equal(nf_handshake_read1(&m->responder, &m->identity, &m->network, m->message1,
                                        sizeof(m->message1)),
                     NF_HANDSHAKE_OK);
}

static meeting begin(void)
{
    meeting m = {.hello = {.index = 0x01020301, .suites = 1, .lanes = 1}, .ephemeral = {1, 2}};
    nf_network_init(&m.network, (const uint8_t *)"secret", 6, EPOCH_SECONDS);
    (void)nf_network_set_time(&m.network, EPOCH * EPOCH_SECONDS);
    uint8_t seed[32] = {1};
    while (!nf_identity_from_seed(&m.identity, seed)) {
        seed[1]++;
    }
    exchange1(&m);
    return m;
}

static const uint8_t cookie_secret[32] = {3};
static const uint8_t address[16] = {0xfe, 0x80, [15] = 1};
static const uint8_t nonce[24] = {9};

static void a_cookie_goes_there_and_back(void **state)
{
    (void)state;
    meeting m = begin();
    uint8_t cookie[16], message[NF_COOKIE_BYTES], read[16] = {0};
    nf_cookie_make(cookie_secret, address, 4242, cookie);
    const nf_epoch_key *key = nf_network_find(&m.network, m.message1[1]);
    nf_cookie_write(key, cookie, m.message1, m.responder.remote_index, nonce, message);
    assert_int_equal(message[0], NF_TYPE_COOKIE);
    assert_int_equal(nf_receiver_index_of(message), m.hello.index);
    assert_null(memmem(message, sizeof(message), cookie, 8));
    assert_true(nf_cookie_read(&m.network, message, sizeof(message), m.message1, read));
    assert_memory_equal(read, cookie, 16);

    memcpy(m.hello.cookie, read, 16);
    exchange1(&m);
    assert_memory_equal(m.responder.remote_cookie, cookie, 16);
}

static void a_cookie_is_of_one_address_port_and_secret(void **state)
{
    (void)state;
    uint8_t cookie[16], other[16], changed[32];
    nf_cookie_make(cookie_secret, address, 4242, cookie);
    nf_cookie_make(cookie_secret, address, 4242, other);
    assert_memory_equal(cookie, other, 16);
    nf_cookie_make(cookie_secret, address, 4243, other);
    assert_memory_not_equal(cookie, other, 16);
    nf_cookie_make(cookie_secret, address, 4242 ^ 0x100, other);
    assert_memory_not_equal(cookie, other, 16);
    for (size_t i = 0; i < 16; i++) {
        memcpy(changed, address, 16);
        changed[i] ^= 1;
        nf_cookie_make(cookie_secret, changed, 4242, other);
        assert_memory_not_equal(cookie, other, 16);
    }
    memcpy(changed, cookie_secret, 32);
    changed[31] ^= 1;
    nf_cookie_make(changed, address, 4242, other);
    assert_memory_not_equal(cookie, other, 16);
}

static void a_cookie_answers_one_first_message_unchanged(void **state)
{
    (void)state;
    meeting m = begin();
    uint8_t cookie[16] = {7}, message[NF_COOKIE_BYTES + 1] = {0}, read[16] = {0};
    const uint8_t untouched[16] = {0};
    const nf_epoch_key *key = nf_network_find(&m.network, m.message1[1]);
    nf_cookie_write(key, cookie, m.message1, m.responder.remote_index, nonce, message);

    for (size_t bit = 0; bit < 8 * NF_COOKIE_BYTES; bit++) {
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(nf_cookie_read(&m.network, message, NF_COOKIE_BYTES, m.message1, read));
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t length = 0; length <= NF_COOKIE_BYTES + 1; length++) {
        bool sound = length == NF_COOKIE_BYTES;
        if (!sound) {
            assert_false(nf_cookie_read(&m.network, message, length, m.message1, read));
        }
    }
    meeting later = begin();
    later.ephemeral[5] ^= 1;
    exchange1(&later);
    assert_false(nf_cookie_read(&m.network, message, NF_COOKIE_BYTES, later.message1, read));
    nf_network other;
    nf_network_init(&other, (const uint8_t *)"another", 7, EPOCH_SECONDS);
    (void)nf_network_set_time(&other, EPOCH * EPOCH_SECONDS);
    assert_false(nf_cookie_read(&other, message, NF_COOKIE_BYTES, m.message1, read));
    (void)nf_network_set_time(&m.network, (EPOCH + 2) * EPOCH_SECONDS); /* its epoch is gone */
    assert_false(nf_cookie_read(&m.network, message, NF_COOKIE_BYTES, m.message1, read));
    assert_memory_equal(read, untouched, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_goes_there_and_back),
        cmocka_unit_test(a_cookie_is_of_one_address_port_and_secret),
        cmocka_unit_test(a_cookie_answers_one_first_message_unchanged),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
