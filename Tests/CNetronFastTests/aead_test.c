/* SPDX-License-Identifier: Apache-2.0 */
/* aead_test.c - every suite on every library that is built in: published vectors, damage, the
 * cache. */
#include "aead/aead.h"
#include "aead/backend.h"
#include "netron/types.h"

#include "../Vectors/aead_vectors.h"

#include <sodium.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

enum { BYTES_MAX = 4096, HEADER_BYTES = 16 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const nf_aead_backend backends[] = {NF_AEAD_LIBSODIUM, NF_AEAD_LIBCRYPTO};
static const uint32_t suites[] = {NETRON_SUITE_CHACHA20_POLY1305, NETRON_SUITE_AES256_GCM};

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t length = 0;
    assert_int_equal(sodium_hex2bin(out, BYTES_MAX, hex, strlen(hex), NULL, &length, NULL), 0);
    return length;
}

/* Runs `check` for each suite of each library that is here. */
static void for_each(void (*check)(nf_aead_backend backend, uint32_t suite))
{
    unsigned runs = 0;
    for (size_t b = 0; b < COUNT(backends); b++) {
        for (size_t s = 0; s < COUNT(suites); s++) {
            if ((nf_aead_suites(backends[b]) & suites[s]) != 0) {
                check(backends[b], suites[s]);
                runs++;
            }
        }
    }
    assert_true(runs >= 1);
}

static const uint8_t key_a[NF_AEAD_KEY_BYTES] = {1, 2, 3};
static const uint8_t key_b[NF_AEAD_KEY_BYTES] = {4, 5, 6};

static void check_vectors(nf_aead_backend backend, uint32_t suite)
{
    const char *name = suite == NETRON_SUITE_AES256_GCM ? "aes-256-gcm" : "chacha20-poly1305";
    nf_aead_cache *cache = nf_aead_cache_new(backend);
    unsigned ran = 0;
    for (size_t v = 0; v < COUNT(aead_vectors); v++) {
        const aead_vector *vector = &aead_vectors[v];
        if (strcmp(vector->suite, name) != 0) {
            continue;
        }
        uint8_t key[BYTES_MAX], nonce[BYTES_MAX], associated[BYTES_MAX], text[BYTES_MAX];
        uint8_t expected[BYTES_MAX], out[BYTES_MAX];
        from_hex(vector->key, key);
        assert_int_equal(from_hex(vector->nonce, nonce), NF_AEAD_NONCE_BYTES);
        size_t associated_length = from_hex(vector->associated, associated);
        size_t length = from_hex(vector->plaintext, text);
        assert_int_equal(from_hex(vector->ciphertext, expected), length);
        assert_int_equal(from_hex(vector->tag, expected + length), NF_AEAD_TAG_BYTES);

        nf_aead *aead = nf_aead_cache_get(cache, v + 1, suite, key);
        aead->seal(aead, out, text, length, associated, associated_length, nonce);
        assert_memory_equal(out, expected, length + NF_AEAD_TAG_BYTES);
        assert_true(aead->open(aead, out, expected, length + NF_AEAD_TAG_BYTES, associated,
                               associated_length, nonce));
        assert_memory_equal(out, text, length);
        ran++;
    }
    assert_true(ran >= 2);
    nf_aead_cache_free(cache);
}

static void published_vectors_come_out_byte_for_byte(void **state)
{
    (void)state;
    for_each(check_vectors);
}

/* The nonce is 4 zero bytes and the counter: two figures whose nonces are so. */
static void check_nonce(nf_aead_backend backend, uint32_t suite)
{
    uint8_t header[HEADER_BYTES] = {9}, text[40] = {8}, by_counter[64], by_nonce[64];
    const uint8_t nonce[12] = {0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1};
    nf_aead_cache *cache = nf_aead_cache_new(backend);
    nf_aead *aead = nf_aead_cache_get(cache, 1, suite, key_a);
    nf_aead_seal(aead, by_counter, text, sizeof(text), header, sizeof(header),
                 UINT64_C(0x0102030405060708));
    aead->seal(aead, by_nonce, text, sizeof(text), header, sizeof(header), nonce);
    assert_memory_equal(by_counter, by_nonce, sizeof(text) + NF_AEAD_TAG_BYTES);
    nf_aead_cache_free(cache);
}

static void the_counter_stands_in_the_nonce_little_endian(void **state)
{
    (void)state;
    for_each(check_nonce);
}

static void check_lengths(nf_aead_backend backend, uint32_t suite)
{
    static uint8_t text[BYTES_MAX], sealed[BYTES_MAX + 16], in_place[BYTES_MAX + 16];
    uint8_t header[HEADER_BYTES] = {5};
    randombytes_buf_deterministic(text, sizeof(text), key_b);
    nf_aead_cache *cache = nf_aead_cache_new(backend);
    nf_aead *aead = nf_aead_cache_get(cache, 1, suite, key_a);
    const size_t lengths[] = {0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 255, 1400, BYTES_MAX};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        size_t length = lengths[i];
        size_t sealed_length = length + NF_AEAD_TAG_BYTES;
        nf_aead_seal(aead, sealed, text, length, header, sizeof(header), i);
        memcpy(in_place, text, length);
        nf_aead_seal(aead, in_place, in_place, length, header, sizeof(header), i);
        assert_memory_equal(in_place, sealed, sealed_length);
        assert_true(
            nf_aead_open(aead, in_place, in_place, sealed_length, header, sizeof(header), i));
        assert_memory_equal(in_place, text, length);
    }
    nf_aead_cache_free(cache);
}

static void any_length_is_sealed_and_opened_also_in_place(void **state)
{
    (void)state;
    for_each(check_lengths);
}

static bool
opens(nf_aead *aead, const uint8_t *in, size_t length, const uint8_t *header, uint64_t n)
{
    uint8_t out[128];
    bool opened = nf_aead_open(aead, out, in, length, header, HEADER_BYTES, n);
    if (!opened && length > NF_AEAD_TAG_BYTES) {
        /* Nothing of the text may be left where a careless reader would find it. */
        assert_true(sodium_is_zero(out, length - NF_AEAD_TAG_BYTES));
    }
    return opened;
}

static void check_damage(nf_aead_backend backend, uint32_t suite)
{
    uint8_t header[HEADER_BYTES] = {5}, text[50] = {7}, sealed[66];
    nf_aead_cache *cache = nf_aead_cache_new(backend);
    nf_aead *aead = nf_aead_cache_get(cache, 1, suite, key_a);
    nf_aead_seal(aead, sealed, text, sizeof(text), header, sizeof(header), 3);
    for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(opens(aead, sealed, sizeof(sealed), header, 3));
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof(header); bit++) {
        header[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(opens(aead, sealed, sizeof(sealed), header, 3));
        header[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t length = 0; length < sizeof(sealed); length++) {
        assert_false(opens(aead, sealed, length, header, 3));
    }
    assert_false(opens(aead, sealed, sizeof(sealed), header, 4));
    assert_false(opens(nf_aead_cache_get(cache, 2, suite, key_b), sealed, 66, header, 3));
    assert_true(opens(nf_aead_cache_get(cache, 1, suite, key_a), sealed, 66, header, 3));
    nf_aead_cache_free(cache);
}

static void damage_is_refused_and_leaves_no_text(void **state)
{
    (void)state;
    for_each(check_damage);
}

static void libraries_understand_each_other(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT(suites); s++) {
        if ((nf_aead_suites(NF_AEAD_LIBSODIUM) & nf_aead_suites(NF_AEAD_LIBCRYPTO) & suites[s]) ==
            0) {
            continue;
        }
        nf_aead_cache *one = nf_aead_cache_new(NF_AEAD_LIBSODIUM);
        nf_aead_cache *two = nf_aead_cache_new(NF_AEAD_LIBCRYPTO);
        uint8_t header[HEADER_BYTES] = {5}, text[50] = {7}, a[66], b[66];
        nf_aead_seal(nf_aead_cache_get(one, 1, suites[s], key_a), a, text, 50, header, 16, 3);
        nf_aead_seal(nf_aead_cache_get(two, 1, suites[s], key_a), b, text, 50, header, 16, 3);
        assert_memory_equal(a, b, sizeof(a));
        nf_aead_cache_free(one);
        nf_aead_cache_free(two);
    }
}

/* --- the cache -------------------------------------------------------------------------------- */

static void key_of(uint64_t identity, uint8_t key[NF_AEAD_KEY_BYTES])
{
    memset(key, (int)identity, NF_AEAD_KEY_BYTES);
}

static uint32_t suite_of(nf_aead_backend backend, uint64_t identity)
{
    uint32_t suite = suites[identity % 2];
    return (nf_aead_suites(backend) & suite) != 0 ? suite : NETRON_SUITE_CHACHA20_POLY1305;
}

/* Seals by a cache that is asked for many keys, and opens by a fresh one: the key is the right one
 * after any number of changes, between suites too. */
static void check_right_key(nf_aead_cache *cache, nf_aead_backend backend, uint64_t identity)
{
    uint8_t key[NF_AEAD_KEY_BYTES], header[HEADER_BYTES] = {1}, text[20] = {2}, sealed[36];
    key_of(identity, key);
    uint32_t suite = suite_of(backend, identity);
    nf_aead *aead = nf_aead_cache_get(cache, identity, suite, key);
    nf_aead_seal(aead, sealed, text, sizeof(text), header, sizeof(header), identity);

    nf_aead_cache *fresh = nf_aead_cache_new(backend);
    nf_aead *other = nf_aead_cache_get(fresh, 1, suite, key);
    assert_true(nf_aead_open(other, sealed, sealed, 36, header, sizeof(header), identity));
    assert_memory_equal(sealed, text, sizeof(text));
    nf_aead_cache_free(fresh);
}

static void more_keys_than_contexts_are_each_the_right_one(void **state)
{
    (void)state;
    for (size_t b = 0; b < COUNT(backends); b++) {
        if (nf_aead_suites(backends[b]) == 0) {
            continue;
        }
        nf_aead_cache *cache = nf_aead_cache_new(backends[b]);
        for (uint64_t round = 0; round < 2; round++) {
            for (uint64_t identity = 1; identity <= NF_AEAD_CONTEXTS + 5; identity++) {
                check_right_key(cache, backends[b], identity);
            }
        }
        nf_aead_cache_free(cache);
    }
}

static nf_aead *get(nf_aead_cache *cache, uint64_t identity)
{
    uint8_t key[NF_AEAD_KEY_BYTES];
    key_of(identity, key);
    return nf_aead_cache_get(cache, identity, NETRON_SUITE_CHACHA20_POLY1305, key);
}

static void the_context_used_longest_ago_gives_way(void **state)
{
    (void)state;
    nf_aead_cache *cache = nf_aead_cache_new(NF_AEAD_LIBSODIUM);
    nf_aead *contexts[NF_AEAD_CONTEXTS + 1];
    for (uint64_t i = 1; i <= NF_AEAD_CONTEXTS; i++) {
        contexts[i] = get(cache, i);
        for (uint64_t k = 1; k < i; k++) {
            assert_ptr_not_equal(contexts[i], contexts[k]);
        }
    }
    assert_ptr_equal(get(cache, 1), contexts[1]); /* now 2 is the oldest */
    nf_aead *late = get(cache, 100);
    assert_ptr_equal(late, contexts[2]);
    assert_ptr_equal(get(cache, 100), late);
    assert_ptr_equal(get(cache, 1), contexts[1]);
    assert_ptr_equal(get(cache, 2), contexts[3]);
    for (uint64_t i = 4; i <= NF_AEAD_CONTEXTS; i++) {
        assert_ptr_equal(get(cache, i), contexts[i]);
    }
    nf_aead_cache_free(cache);
}

/* The greater state first, so that what it leaves behind the smaller one would be seen. */
static void a_context_forgets_its_key_when_it_gets_another(void **state)
{
    (void)state;
    uint32_t suite = suite_of(NF_AEAD_LIBSODIUM, 1);
    nf_aead_cache *cache = nf_aead_cache_new(NF_AEAD_LIBSODIUM);
    nf_aead *context = nf_aead_cache_get(cache, 1000, suite, key_a);
    const uint8_t *held = (const uint8_t *)&context->sodium;
    assert_false(sodium_is_zero(held, NF_AEAD_KEY_BYTES));
    for (uint64_t i = 1; i <= NF_AEAD_CONTEXTS; i++) {
        (void)get(cache, i);
    }
    uint8_t key[NF_AEAD_KEY_BYTES];
    key_of(NF_AEAD_CONTEXTS, key);
    assert_memory_equal(held, key, sizeof(key));
    assert_true(sodium_is_zero(held + sizeof(key), sizeof(context->sodium) - sizeof(key)));
    context->library->wipe(context);
    assert_true(sodium_is_zero(held, sizeof(context->sodium)));
    nf_aead_cache_free(cache);
    nf_aead_cache_free(NULL);
}

static void the_order_of_libraries_is_fixed(void **state)
{
    (void)state;
    uint32_t all = nf_aead_suites(NF_AEAD_FIXED_ORDER);
    assert_int_equal(all, nf_aead_suites(NF_AEAD_LIBSODIUM) | nf_aead_suites(NF_AEAD_LIBCRYPTO));
    assert_true((nf_aead_suites(NF_AEAD_LIBSODIUM) & NETRON_SUITE_CHACHA20_POLY1305) != 0);
    assert_true(((nf_aead_suites(NF_AEAD_LIBSODIUM) & NETRON_SUITE_AES256_GCM) != 0) ==
                (crypto_aead_aes256gcm_is_available() != 0));
    for (size_t s = 0; s < COUNT(suites); s++) {
        bool by_libcrypto = (nf_aead_suites(NF_AEAD_LIBCRYPTO) & suites[s]) != 0;
        bool by_libsodium = (nf_aead_suites(NF_AEAD_LIBSODIUM) & suites[s]) != 0;
        const char *first = by_libcrypto ? "libcrypto" : by_libsodium ? "libsodium" : "none";
        assert_string_equal(nf_aead_backend_name(NF_AEAD_FIXED_ORDER, suites[s]), first);
        assert_string_equal(nf_aead_backend_name(NF_AEAD_LIBSODIUM, suites[s]),
                            by_libsodium ? "libsodium" : "none");
        assert_string_equal(nf_aead_backend_name(NF_AEAD_LIBCRYPTO, suites[s]),
                            by_libcrypto ? "libcrypto" : "none");
    }
#ifdef NETRON_LIBCRYPTO
    assert_true((nf_aead_suites(NF_AEAD_LIBCRYPTO) & NETRON_SUITE_CHACHA20_POLY1305) != 0);
#else
    assert_int_equal(nf_aead_suites(NF_AEAD_LIBCRYPTO), 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors_come_out_byte_for_byte),
        cmocka_unit_test(the_counter_stands_in_the_nonce_little_endian),
        cmocka_unit_test(any_length_is_sealed_and_opened_also_in_place),
        cmocka_unit_test(damage_is_refused_and_leaves_no_text),
        cmocka_unit_test(libraries_understand_each_other),
        cmocka_unit_test(more_keys_than_contexts_are_each_the_right_one),
        cmocka_unit_test(the_context_used_longest_ago_gives_way),
        cmocka_unit_test(a_context_forgets_its_key_when_it_gets_another),
        cmocka_unit_test(the_order_of_libraries_is_fixed),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
