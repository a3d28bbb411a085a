/* SPDX-License-Identifier: Apache-2.0 */
/* admission_test.c - remembered first messages, token buckets, source networks. */
#include "machine/admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t second = UINT64_C(1000000000);

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* --- first messages
 * -------------------------------------------------------------------------------- */

static bool add(nf_seen *seen, uint32_t number)
{
    uint8_t ephemeral[32] = {0};
    memcpy(ephemeral + 13, &number, sizeof(number));
    return nf_seen_add(seen, ephemeral);
}

static void a_first_message_is_new_once(void **state)
{
    (void)state;
    nf_seen *seen = nf_seen_new(1);
    assert_true(add(seen, 1));
    assert_false(add(seen, 1));
    assert_true(add(seen, 2));
    assert_false(add(seen, 1));
    assert_false(add(seen, 2));
    nf_seen_free(seen);
    nf_seen_free(NULL);
}

static void every_byte_of_the_key_counts(void **state)
{
    (void)state;
    nf_seen *seen = nf_seen_new(2);
    uint8_t ephemeral[32] = {0};
    assert_true(nf_seen_add(seen, ephemeral));
    for (size_t i = 0; i < sizeof(ephemeral); i++) {
        ephemeral[i] ^= 0x80;
        assert_true(nf_seen_add(seen, ephemeral));
        ephemeral[i] ^= 0x80;
    }
    assert_false(nf_seen_add(seen, ephemeral));
    nf_seen_free(seen);
}

static void the_oldest_gives_way_and_no_other(void **state)
{
    (void)state;
    nf_seen *seen = nf_seen_new(3);
    for (uint32_t i = 0; i < NF_SEEN_MAX; i++) {
        assert_true(add(seen, i));
    }
    for (uint32_t i = 0; i < NF_SEEN_MAX; i++) {
        assert_false(add(seen, i));
    }
    assert_true(add(seen, NF_SEEN_MAX)); /* 0 is forgotten */
    assert_false(add(seen, 1));
    assert_true(add(seen, 0)); /* 1 is forgotten */
    assert_false(add(seen, 0));
    assert_false(add(seen, 2));
    assert_false(add(seen, NF_SEEN_MAX));
    assert_true(add(seen, 1));
    nf_seen_free(seen);
}

/** A queue and a flag a number, as simple as can be. */
typedef struct model {
    uint32_t queue[NF_SEEN_MAX];
    uint32_t first, count;
    bool remembered[100000];
} model;

static bool add_model(model *m, uint32_t number)
{
    if (m->remembered[number]) {
        return false;
    }
    if (m->count == NF_SEEN_MAX) {
        m->remembered[m->queue[m->first]] = false;
        m->first = (m->first + 1) % NF_SEEN_MAX;
        m->count--;
    }
    m->queue[(m->first + m->count) % NF_SEEN_MAX] = number;
    m->count++;
    m->remembered[number] = true;
    return true;
}

static void the_memory_agrees_with_a_plain_queue(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        nf_seen *seen = nf_seen_new(seed);
        model *m = calloc(1, sizeof(*m));
        uint64_t random = seed;
        assert_non_null(m);
        for (int i = 0; i < 400000; i++) {
            uint32_t number = (uint32_t)(draw(&random) % 100000);
            if (add(seen, number) != add_model(m, number)) {
                fail_msg("seed %u, step %d", (unsigned)seed, i);
            }
        }
        free(m);
        nf_seen_free(seen);
    }
}

/* --- a token bucket
 * -------------------------------------------------------------------------------- */

static unsigned take_all(nf_rate *rate, uint32_t per_second, uint32_t burst, uint64_t now)
{
    unsigned taken = 0;
    while (taken < 100000 && nf_rate_take(rate, per_second, burst, now)) {
        taken++;
    }
    return taken;
}

static void a_new_bucket_is_full(void **state)
{
    (void)state;
    nf_rate at_zero = {0}, later = {0};
    assert_int_equal(take_all(&at_zero, 10, 5, 0), 5);
    assert_false(nf_rate_take(&at_zero, 10, 5, 0));
    assert_int_equal(take_all(&later, 10, 5, 7 * second), 5);
}

static void a_bucket_fills_at_its_rate_up_to_its_burst(void **state)
{
    (void)state;
    nf_rate rate = {0};
    uint64_t now = second;
    assert_int_equal(take_all(&rate, 10, 20, now), 20);
    assert_false(nf_rate_take(&rate, 10, 20, now + second / 10 - 1));
    assert_true(nf_rate_take(&rate, 10, 20, now + second / 10));
    assert_false(nf_rate_take(&rate, 10, 20, now + second / 10));
    now += second / 10;
    assert_int_equal(take_all(&rate, 10, 20, now + second), 10);
    now += second;
    assert_int_equal(take_all(&rate, 10, 20, now + 3 * second), 20);
    assert_int_equal(take_all(&rate, 10, 20, UINT64_MAX), 20);
}

static void a_bucket_that_is_asked_often_fills_as_one_asked_seldom(void **state)
{
    (void)state;
    static const uint32_t rates[] = {1, 3, 7, 1000, 999999};
    for (size_t r = 0; r < sizeof(rates) / sizeof(*rates); r++) {
        uint32_t per_second = rates[r], taken = 0;
        nf_rate rate = {0};
        uint64_t now = second, random = r;
        take_all(&rate, per_second, 2, now);
        while (now < 11 * second) {
            now += 1 + draw(&random) % 100000; /* 50 us on average; 10 s in all */
            taken += nf_rate_take(&rate, per_second, 2, now);
        }
        /* Above 20,000 a second the asking is the limit. Rounding may cost 1 ns a question. */
        uint32_t wanted = per_second * 10;
        if (per_second <= 1000) {
            assert_in_range(taken, wanted - wanted / 1000 - 1, wanted + 1);
        } else {
            assert_true(taken <= wanted);
        }
    }
}

static void time_that_goes_back_brings_nothing(void **state)
{
    (void)state;
    nf_rate rate = {0};
    assert_int_equal(take_all(&rate, 1, 3, 100 * second), 3);
    assert_false(nf_rate_take(&rate, 1, 3, 0));
    assert_false(nf_rate_take(&rate, 1, 3, 50 * second));
    assert_false(nf_rate_take(&rate, 1, 3, 100 * second));
    assert_true(nf_rate_take(&rate, 1, 3, 101 * second));
}

static void extreme_rates_do_not_overflow(void **state)
{
    (void)state;
    nf_rate none = {0}, never = {0}, huge = {0}, slow = {0};
    assert_false(nf_rate_take(&none, 5, 0, second));
    assert_false(nf_rate_take(&none, 5, 0, UINT64_MAX));
    assert_int_equal(take_all(&never, 0, 2, second), 2);
    assert_false(nf_rate_take(&never, 0, 2, UINT64_MAX));

    assert_true(nf_rate_take(&huge, UINT32_MAX, UINT32_MAX, second));
    huge.tokens_milli = 0;
    assert_false(nf_rate_take(&huge, UINT32_MAX, UINT32_MAX, second));
    assert_true(nf_rate_take(&huge, UINT32_MAX, UINT32_MAX, second + second / 2));
    assert_in_range(huge.tokens_milli, UINT64_C(2147483646000), UINT64_C(2147483648000));

    /* 2^63 ns at 2 a second: the product of both would be 0. */
    nf_rate long_ago = {0};
    assert_int_equal(take_all(&long_ago, 2, 5, second), 5);
    assert_int_equal(take_all(&long_ago, 2, 5, second + (UINT64_C(1) << 63)), 5);

    /* A billion seconds fill a quarter: the product of both is near its limit. */
    slow.filled_ns = second;
    assert_true(nf_rate_take(&slow, 1, UINT32_MAX, second + 1000000000 * second));
    assert_true(slow.tokens_milli == UINT64_C(999999999000));
    assert_true(nf_rate_take(&slow, 1, UINT32_MAX, UINT64_MAX));
    assert_true(slow.tokens_milli <= UINT64_C(1000) * UINT32_MAX);
}

static void a_smaller_burst_holds_at_once(void **state)
{
    (void)state;
    nf_rate rate = {0};
    assert_true(nf_rate_take(&rate, 1, 100, second));
    assert_int_equal(take_all(&rate, 1, 4, second), 4);
}

/* --- networks of sources
 * ---------------------------------------------------------------------------- */

static uint64_t network4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    const uint8_t address[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d};
    return nf_source_network(address, 9);
}

static void an_ipv4_source_is_its_24(void **state)
{
    (void)state;
    assert_true(network4(192, 0, 2, 1) == network4(192, 0, 2, 255));
    assert_true(network4(192, 0, 2, 1) != network4(192, 0, 3, 1));
    assert_true(network4(192, 0, 2, 1) != network4(193, 0, 2, 1));
}

static void an_ipv6_source_is_its_56(void **state)
{
    (void)state;
    uint8_t address[16] = {0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    uint64_t network = nf_source_network(address, 9);
    for (size_t i = 0; i < sizeof(address); i++) {
        address[i] ^= 1;
        assert_int_equal(nf_source_network(address, 9) == network, i >= 7);
        address[i] ^= 1;
    }
    assert_true(nf_source_network(address, 10) != network); /* the seed counts */
}

static void no_source_is_network_zero(void **state)
{
    (void)state;
    const uint8_t nothing[16] = {0};
    for (uint64_t seed = 0; seed < 1000; seed++) {
        assert_true(nf_source_network(nothing, seed) != 0);
    }
}

/* --- buckets of networks
 * ---------------------------------------------------------------------------- */

/* Networks n, n + 256, n + 512 ... fall into one set of four. */
enum { SETS = NF_RATE_SOURCES_MAX / 4 };

static unsigned take_all_of(nf_rates *rates, uint64_t network, uint32_t burst, uint64_t now)
{
    unsigned taken = 0;
    while (taken < 100000 && nf_rates_take(rates, network, 1, burst, now)) {
        taken++;
    }
    return taken;
}

static void each_network_has_a_bucket_of_its_own(void **state)
{
    (void)state;
    nf_rates *rates = calloc(1, sizeof(*rates));
    for (uint64_t network = 1; network <= NF_RATE_SOURCES_MAX; network++) {
        assert_int_equal(take_all_of(rates, network, 3, second), 3);
    }
    for (uint64_t network = 1; network <= NF_RATE_SOURCES_MAX; network++) {
        assert_false(nf_rates_take(rates, network, 1, 3, second));
    }
    free(rates);
}

static void a_full_set_gives_its_fullest_bucket_away(void **state)
{
    (void)state;
    nf_rates *rates = calloc(1, sizeof(*rates));
    for (uint64_t way = 1; way <= 4; way++) {
        uint64_t network = way * SETS;
        for (uint64_t i = 0; i < (way == 3 ? 1 : 5); i++) {
            assert_true(nf_rates_take(rates, network, 1, 5, second));
        }
    }
    assert_int_equal(take_all_of(rates, 5 * SETS, 5, second), 4); /* the third's, and as it was */
    assert_false(nf_rates_take(rates, 1 * SETS, 1, 5, second));
    assert_false(nf_rates_take(rates, 2 * SETS, 1, 5, second));
    assert_false(nf_rates_take(rates, 4 * SETS, 1, 5, second));
    assert_false(nf_rates_take(rates, 5 * SETS, 1, 5, second));
    free(rates);
}

static void fullness_is_judged_as_of_now(void **state)
{
    (void)state;
    nf_rates *rates = calloc(1, sizeof(*rates));
    for (uint64_t way = 1; way <= 4; way++) {
        take_all_of(rates, way * SETS, 5, second);
    }
    for (uint64_t way = 1; way <= 3; way++) {
        take_all_of(rates, way * SETS, 5, 10 * second);
    }
    /* The fourth was left empty, and is full again by the time. */
    assert_int_equal(take_all_of(rates, 5 * SETS, 5, 10 * second), 5);
    for (uint64_t way = 1; way <= 3; way++) {
        assert_false(nf_rates_take(rates, way * SETS, 1, 5, 10 * second));
    }
    free(rates);
}

static void ever_new_networks_bring_no_new_tokens(void **state)
{
    (void)state;
    nf_rates *rates = calloc(1, sizeof(*rates));
    unsigned taken = 0;
    for (uint64_t network = 1; network <= 100000; network++) {
        taken += nf_rates_take(rates, network, 1, 5, second);
    }
    assert_int_equal(taken, NF_RATE_SOURCES_MAX * 5);
    free(rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_message_is_new_once),
        cmocka_unit_test(every_byte_of_the_key_counts),
        cmocka_unit_test(the_oldest_gives_way_and_no_other),
        cmocka_unit_test(the_memory_agrees_with_a_plain_queue),
        cmocka_unit_test(a_new_bucket_is_full),
        cmocka_unit_test(a_bucket_fills_at_its_rate_up_to_its_burst),
        cmocka_unit_test(a_bucket_that_is_asked_often_fills_as_one_asked_seldom),
        cmocka_unit_test(time_that_goes_back_brings_nothing),
        cmocka_unit_test(extreme_rates_do_not_overflow),
        cmocka_unit_test(a_smaller_burst_holds_at_once),
        cmocka_unit_test(an_ipv4_source_is_its_24),
        cmocka_unit_test(an_ipv6_source_is_its_56),
        cmocka_unit_test(no_source_is_network_zero),
        cmocka_unit_test(each_network_has_a_bucket_of_its_own),
        cmocka_unit_test(a_full_set_gives_its_fullest_bucket_away),
        cmocka_unit_test(fullness_is_judged_as_of_now),
        cmocka_unit_test(ever_new_networks_bring_no_new_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
