/* SPDX-License-Identifier: Apache-2.0 */
/* network_test.c - the keys of a network: which epochs are known when, and what follows from what.
 */
#include "machine/hkdf.h"
#include "machine/network.h"
#include "machine/random.h"
#include "machine/wire.h"

#include <sodium.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

enum { EPOCH_SECONDS = 3600 };

static const uint8_t secret[] = "what every member knows";

static nf_network network_at(uint64_t epoch)
{
    nf_network network;
    nf_network_init(&network, secret, sizeof(secret) - 1, EPOCH_SECONDS);
    (void)nf_network_set_time(&network, epoch * EPOCH_SECONDS);
    return network;
}

/* purpose(label, epoch) written out again, from RFC 5869 alone. */
static void purpose(const char *label, uint64_t epoch, uint8_t out[32])
{
    uint8_t root[32];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const uint8_t *)"netron/1", 8);
    crypto_auth_hmacsha256_update(&state, secret, sizeof(secret) - 1);
    crypto_auth_hmacsha256_final(&state, root);

    uint8_t info[128] = "netron/1 ";
    size_t length = strlen((const char *)info);
    memcpy(info + length, label, strlen(label));
    length += strlen(label);
    if (epoch > 0) {
        info[length++] = 0;
        for (int i = 0; i < 8; i++) {
            info[length++] = (uint8_t)(epoch >> (8 * i));
        }
    }
    nf_hkdf_expand(root, info, length, out, 32);
}

static void every_secret_is_what_the_protocol_states(void **state)
{
    (void)state;
    nf_network network = network_at(7);
    uint8_t expected[32];
    purpose("psk3", 0, expected);
    assert_memory_equal(network.psk3, expected, 32);
    purpose("network id", 0, expected);
    assert_memory_equal(network.id, expected, 32);
    purpose("clockless", 0, expected);
    assert_memory_equal(nf_network_find(&network, NF_FLAG_CLOCKLESS)->psk0, expected, 32);
    purpose("psk0", 7, expected);
    assert_memory_equal(nf_network_current(&network)->psk0, expected, 32);
    uint8_t cookie[32];
    nf_hkdf(NULL, 0, expected, 32, (const uint8_t *)"netron/1 cookie", 15, cookie, 32);
    assert_memory_equal(nf_network_current(&network)->cookie_key, cookie, 32);

    uint8_t derived[32];
    purpose("rendezvous", UINT64_C(0x0102030405060708), expected);
    nf_network_derive(&network, "rendezvous", UINT64_C(0x0102030405060708), derived);
    assert_memory_equal(derived, expected, 32);
}

static void a_label_and_an_epoch_cannot_be_mistaken_for_others(void **state)
{
    (void)state;
    nf_network network = network_at(7);
    const struct {
        const char *label;
        uint64_t epoch;
    } rows[] = {{"a", 0}, {"a", 1}, {"a", 256}, {"b", 0}, {"b", 1}, {"", 0}, {"", 1}, {"aa", 0}};
    uint8_t out[sizeof(rows) / sizeof(rows[0])][32];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        nf_network_derive(&network, rows[i].label, rows[i].epoch, out[i]);
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(out[i], out[k], 32);
        }
    }
}

static void a_network_without_a_clock_has_only_the_clockless_key(void **state)
{
    (void)state;
    nf_network network;
    nf_network_init(&network, secret, sizeof(secret) - 1, EPOCH_SECONDS);
    assert_int_equal(network.epoch, 0);
    assert_int_equal(nf_network_current(&network)->flags, NF_FLAG_CLOCKLESS);
    assert_int_equal(nf_network_current(&network)->epoch, 0);
    for (unsigned flags = 0; flags < 256; flags++) {
        const nf_epoch_key *key = nf_network_find(&network, (uint8_t)flags);
        assert_true((key != NULL) == (flags == NF_FLAG_CLOCKLESS));
    }
}

static void the_previous_current_and_next_epoch_are_known_and_no_other(void **state)
{
    (void)state;
    for (uint64_t epoch = 2; epoch < 12; epoch++) {
        nf_network network = network_at(epoch);
        assert_int_equal(nf_network_current(&network)->epoch, epoch);
        for (unsigned flags = 0; flags < 256; flags++) {
            const nf_epoch_key *key = nf_network_find(&network, (uint8_t)flags);
            if (flags > NF_FLAG_CLOCKLESS || flags == (epoch + 2) % 4) {
                assert_null(key);
            } else if (flags < NF_FLAG_CLOCKLESS) {
                assert_non_null(key);
                assert_int_equal(key->epoch % 4, flags);
                assert_in_range(key->epoch, epoch - 1, epoch + 1);
            }
        }
    }
}

static void epochs_change_exactly_at_their_boundaries(void **state)
{
    (void)state;
    nf_network network = network_at(0);
    assert_false(nf_network_set_time(&network, 0));
    assert_false(nf_network_set_time(&network, EPOCH_SECONDS - 1));
    assert_int_equal(nf_network_current(&network)->flags, NF_FLAG_CLOCKLESS);
    assert_true(nf_network_set_time(&network, EPOCH_SECONDS));
    assert_int_equal(nf_network_current(&network)->epoch, 1);
    assert_false(nf_network_set_time(&network, 2 * EPOCH_SECONDS - 1));
    assert_true(nf_network_set_time(&network, 2 * EPOCH_SECONDS));
    assert_true(nf_network_set_time(&network, 2 * EPOCH_SECONDS - 1)); /* a clock set back */
    assert_int_equal(nf_network_current(&network)->epoch, 1);
}

static void the_first_epoch_has_none_before_it_and_the_last_none_after(void **state)
{
    (void)state;
    nf_network first = network_at(1);
    assert_null(nf_network_find(&first, 0)); /* 0, and not 4 either */
    assert_non_null(nf_network_find(&first, 1));
    assert_non_null(nf_network_find(&first, 2));

    nf_network last;
    nf_network_init(&last, secret, sizeof(secret) - 1, 1);
    assert_true(nf_network_set_time(&last, UINT64_MAX));
    assert_non_null(nf_network_find(&last, 3));
    assert_non_null(nf_network_find(&last, 2));
    assert_null(nf_network_find(&last, 0));
}

static void a_key_is_the_same_whichever_epoch_it_is_seen_from(void **state)
{
    (void)state;
    nf_network early = network_at(9);
    nf_network late = network_at(10);
    const nf_epoch_key *next = nf_network_find(&early, 10 % 4);
    assert_memory_equal(next->psk0, nf_network_current(&late)->psk0, 32);
    assert_memory_equal(next->prepared.chaining_key,
                        nf_network_current(&late)->prepared.chaining_key, 32);
    assert_memory_not_equal(next->psk0, nf_network_current(&early)->psk0, 32);
}

static void an_address_is_of_the_network_and_of_the_id(void **state)
{
    (void)state;
    nf_network network = network_at(1);
    uint8_t ids[2][32] = {{1}, {2}};
    uint8_t address[2][16];
    for (int i = 0; i < 2; i++) {
        nf_network_address(&network, ids[i], address[i]);
        uint8_t hash[16];
        crypto_generichash(hash, 16, ids[i], 32, network.id, 32);
        assert_int_equal(address[i][0], 0xfd);
        assert_memory_equal(address[i] + 1, network.id, 5);
        assert_memory_equal(address[i] + 6, hash, 10);
    }
    assert_memory_not_equal(address[0], address[1], 16);

    nf_network other;
    uint8_t moved[16];
    nf_network_init(&other, (const uint8_t *)"x", 1, EPOCH_SECONDS);
    nf_network_address(&other, ids[0], moved);
    assert_memory_not_equal(moved + 1, address[0] + 1, 5);
}

static void wiping_leaves_nothing(void **state)
{
    (void)state;
    nf_network network = network_at(3);
    nf_network_wipe(&network);
    assert_true(sodium_is_zero((const uint8_t *)&network, sizeof(network)));
}

/* --- chance ----------------------------------------------------------------------------------- */

static void a_seed_gives_the_same_stream_and_another_seed_another(void **state)
{
    (void)state;
    nf_random a, b, c;
    nf_random_init(&a, 42);
    nf_random_init(&b, 42);
    nf_random_init(&c, 43);
    uint8_t from_a[100], from_b[100], from_c[100], again[100];
    nf_random_bytes(&a, from_a, sizeof(from_a));
    nf_random_bytes(&b, from_b, sizeof(from_b));
    nf_random_bytes(&c, from_c, sizeof(from_c));
    nf_random_bytes(&a, again, sizeof(again));
    assert_memory_equal(from_a, from_b, sizeof(from_a));
    assert_memory_not_equal(from_a, from_c, sizeof(from_a));
    assert_memory_not_equal(from_a, again, sizeof(from_a));
}

static void the_system_does_not_repeat_itself(void **state)
{
    (void)state;
    nf_random a, b;
    nf_random_init(&a, 0);
    nf_random_init(&b, 0);
    uint8_t from_a[32], from_b[32];
    nf_random_bytes(&a, from_a, sizeof(from_a));
    nf_random_bytes(&b, from_b, sizeof(from_b));
    assert_memory_not_equal(from_a, from_b, sizeof(from_a));
}

static void a_number_is_below_its_bound_and_every_one_comes(void **state)
{
    (void)state;
    nf_random random;
    nf_random_init(&random, 1);
    unsigned seen[7] = {0};
    for (int i = 0; i < 7000; i++) {
        uint64_t number = nf_random_below(&random, 7);
        assert_true(number < 7);
        seen[number]++;
    }
    for (int i = 0; i < 7; i++) {
        assert_in_range(seen[i], 800, 1200);
    }
    assert_int_equal(nf_random_below(&random, 1), 0);
    const uint64_t bound = (UINT64_C(1) << 63) + 1; /* about half of what is drawn is refused */
    for (int i = 0; i < 100; i++) {
        assert_true(nf_random_below(&random, bound) < bound);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_secret_is_what_the_protocol_states),
        cmocka_unit_test(a_label_and_an_epoch_cannot_be_mistaken_for_others),
        cmocka_unit_test(a_network_without_a_clock_has_only_the_clockless_key),
        cmocka_unit_test(the_previous_current_and_next_epoch_are_known_and_no_other),
        cmocka_unit_test(epochs_change_exactly_at_their_boundaries),
        cmocka_unit_test(the_first_epoch_has_none_before_it_and_the_last_none_after),
        cmocka_unit_test(a_key_is_the_same_whichever_epoch_it_is_seen_from),
        cmocka_unit_test(an_address_is_of_the_network_and_of_the_id),
        cmocka_unit_test(wiping_leaves_nothing),
        cmocka_unit_test(a_seed_gives_the_same_stream_and_another_seed_another),
        cmocka_unit_test(the_system_does_not_repeat_itself),
        cmocka_unit_test(a_number_is_below_its_bound_and_every_one_comes),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
