/* SPDX-License-Identifier: Apache-2.0 */
/* identity_test.c - which 32 bytes are a node's id, and the key that belongs to one. */
#include "machine/handshake.h"

#include <sodium.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void an_id_has_the_key_of_its_seed(void **state)
{
    (void)state;
    unsigned refused = 0;
    for (uint8_t i = 0; i < 32; i++) {
        uint8_t seed[32] = {0x77, i}, id[32], signing[64], key[32], public[32];
        nf_identity identity;
        crypto_sign_ed25519_seed_keypair(id, signing, seed);
        bool sign = (id[31] & 0x80) != 0;
        assert_int_equal(nf_identity_from_seed(&identity, seed), !sign);
        assert_int_equal(nf_identity_exchange_key(id, key), !sign);
        refused += sign;
        if (sign) {
            assert_true(sodium_is_zero((const uint8_t *)&identity, sizeof(identity)));
            continue;
        }
        assert_memory_equal(identity.id, id, 32);
        assert_memory_equal(identity.signing_key, signing, 64);
        assert_memory_equal(identity.exchange.public, key, 32);
        crypto_scalarmult_curve25519_base(public, identity.exchange.secret);
        assert_memory_equal(public, key, 32);
    }
    assert_in_range(refused, 1, 31);
}

static bool is_id(const char *hex)
{
    uint8_t id[32], key[32];
    assert_int_equal(sodium_hex2bin(id, 32, hex, strlen(hex), NULL, NULL, NULL), 0);
    return nf_identity_exchange_key(id, key);
}

static void points_of_small_order_and_other_encodings_are_no_ids(void **state)
{
    (void)state;
    const char *refused[] = {
        /* order 1, 2, 4 and 8 */
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        /* p, p + 1, the greatest 255-bit number: not canonical */
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        /* on no point */
        "0200000000000000000000000000000000000000000000000000000000000000",
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_false(is_id(refused[i]));
    }
    /* The base point is one. */
    assert_true(is_id("5866666666666666666666666666666666666666666666666666666666666666"));
}

static void every_encoding_past_the_prime_is_refused(void **state)
{
    (void)state;
    for (unsigned low = 0xed; low <= 0xff; low++) {
        uint8_t id[32], key[32];
        memset(id, 0xff, sizeof(id));
        id[0] = (uint8_t)low;
        id[31] = 0x7f;
        assert_false(nf_identity_exchange_key(id, key));
    }
}

/* An id with a point of order 2, 4 or 8 added is off the main subgroup. Of the sums the one without
 * the sign bit is taken: that bit is not to be the reason. */
static void an_id_outside_the_main_subgroup_is_refused(void **state)
{
    (void)state;
    const char *torsion[] = {
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    };
    for (size_t i = 0; i < COUNT(torsion); i++) {
        unsigned tried = 0;
        uint8_t small[32];
        assert_int_equal(sodium_hex2bin(small, 32, torsion[i], 64, NULL, NULL, NULL), 0);
        for (uint8_t seed = 0; seed < 16; seed++) {
            uint8_t bytes[32] = {seed}, point[32], signing[64], sum[32], key[32];
            crypto_sign_ed25519_seed_keypair(point, signing, bytes);
            assert_int_equal(crypto_core_ed25519_add(sum, point, small), 0);
            if ((sum[31] & 0x80) == 0) {
                assert_false(nf_identity_exchange_key(sum, key));
                tried++;
            }
        }
        assert_in_range(tried, 1, 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_has_the_key_of_its_seed),
        cmocka_unit_test(points_of_small_order_and_other_encodings_are_no_ids),
        cmocka_unit_test(every_encoding_past_the_prime_is_refused),
        cmocka_unit_test(an_id_outside_the_main_subgroup_is_refused),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
