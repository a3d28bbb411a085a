/* SPDX-License-Identifier: Apache-2.0 */
/* routes_test.c - the longest prefix wins; against a plain list; what a lookup costs. */
#include "machine/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static nf_route route4(uint32_t address, uint8_t length, uint32_t peer)
{
    nf_route route = {.prefix = {.family = 4, .length = length}, .peer = peer};
    for (int i = 0; i < 4; i++) {
        route.prefix.address[i] = (uint8_t)(address >> (24 - 8 * i));
    }
    return route;
}

static nf_route route6(uint64_t high, uint64_t low, uint8_t length, uint32_t peer)
{
    nf_route route = {.prefix = {.family = 6, .length = length}, .peer = peer};
    for (int i = 0; i < 8; i++) {
        route.prefix.address[i] = (uint8_t)(high >> (56 - 8 * i));
        route.prefix.address[8 + i] = (uint8_t)(low >> (56 - 8 * i));
    }
    return route;
}

static uint32_t find4(const nf_routes *routes, uint32_t address)
{
    nf_route route = route4(address, 32, 0);
    return nf_routes_find4(routes, route.prefix.address);
}

static uint32_t find6(const nf_routes *routes, uint64_t high, uint64_t low)
{
    nf_route route = route6(high, low, 128, 0);
    return nf_routes_find6(routes, route.prefix.address);
}

static void from_a_network_of_nobody_no_wider_prefix_leads_out(void **state)
{
    (void)state;
    nf_route list[] = {
        route4(0x0a010000, 24, NF_NO_PEER),
        route4(0, 0, 7),
        route4(0x0a010005, 32, 8),
        route4(0x0a020000, 24, NF_NO_PEER),
        route4(0x0a020000, 24, 9),
        route6(0, 0, 0, 7),
        route6(0xfd00ULL << 48, 0, 48, NF_NO_PEER),
    };
    nf_routes *routes = nf_routes_new(list, sizeof(list) / sizeof(*list), 1);
    assert_true(find4(routes, 0x0a010004) == NF_NO_PEER);
    assert_int_equal(find4(routes, 0x0a010005), 8);
    assert_int_equal(find4(routes, 0x0a010100), 7);
    assert_int_equal(find4(routes, 0x0a020001), 9);
    assert_true(find6(routes, 0xfd00ULL << 48, 1) == NF_NO_PEER);
    assert_int_equal(find6(routes, 0xfd01ULL << 48, 1), 7);
    nf_routes_free(routes);
}

static void without_routes_nobody_is_found(void **state)
{
    (void)state;
    nf_routes *routes = nf_routes_new(NULL, 0, 1);
    assert_non_null(routes);
    assert_true(find4(routes, 0) == NF_NO_PEER);
    assert_true(find4(routes, UINT32_MAX) == NF_NO_PEER);
    assert_true(find6(routes, 0, 0) == NF_NO_PEER);
    nf_routes_free(routes);
    nf_routes_free(NULL);
}

static void the_longest_prefix_wins(void **state)
{
    (void)state;
    const nf_route list[] = {
        route4(0x0a000000, 8, 1),  route4(0, 0, 9),           route4(0x0a010203, 32, 4),
        route4(0x0a010000, 16, 2), route4(0x0a010202, 31, 5), route4(0x80000000, 1, 6),
    };
    nf_routes *routes = nf_routes_new(list, sizeof(list) / sizeof(*list), 1);
    assert_int_equal(find4(routes, 0x0a010203), 4);
    assert_int_equal(find4(routes, 0x0a010202), 5);
    assert_int_equal(find4(routes, 0x0a010201), 2);
    assert_int_equal(find4(routes, 0x0a01ffff), 2);
    assert_int_equal(find4(routes, 0x0a020000), 1);
    assert_int_equal(find4(routes, 0x09ffffff), 9);
    assert_int_equal(find4(routes, 0x7fffffff), 9);
    assert_int_equal(find4(routes, 0x80000000), 6);
    assert_int_equal(find4(routes, 0), 9); /* address 0 is an address */
    assert_true(find6(routes, 0, 0) == NF_NO_PEER);
    nf_routes_free(routes);
}

static void ipv6_prefixes_end_at_any_bit(void **state)
{
    (void)state;
    const uint64_t high = UINT64_C(0xfd12345678000000), low = UINT64_C(0x8000000000000001);
    const nf_route list[] = {
        route6(high, 0, 40, 1),    route6(high, 0, 64, 2),        route6(high, low, 65, 3),
        route6(high, low, 128, 4), route6(high, low - 1, 127, 5), route6(high, 2, 127, 6),
    };
    nf_routes *routes = nf_routes_new(list, sizeof(list) / sizeof(*list), 1);
    assert_int_equal(find6(routes, high, low), 4);
    assert_int_equal(find6(routes, high, low - 1), 5);
    assert_int_equal(find6(routes, high, low + 1), 3);
    assert_int_equal(find6(routes, high, 3), 6);
    assert_int_equal(find6(routes, high, 4), 2);
    assert_int_equal(find6(routes, high + 1, low), 1);
    assert_true(find6(routes, high - 1, low) == NF_NO_PEER);
    assert_true(find6(routes, 0, 0) == NF_NO_PEER);
    assert_true(find4(routes, 0xfd123456) == NF_NO_PEER);
    nf_routes_free(routes);
}

static void the_two_families_are_apart(void **state)
{
    (void)state;
    const nf_route list[] = {route4(0, 0, 4), route6(0, 0, 0, 6)};
    nf_routes *both = nf_routes_new(list, 2, 1);
    nf_routes *only4 = nf_routes_new(list, 1, 1);
    assert_int_equal(find4(both, 77), 4);
    assert_int_equal(find6(both, 77, 77), 6);
    assert_int_equal(find4(only4, 77), 4);
    assert_true(find6(only4, 77, 77) == NF_NO_PEER);
    nf_routes_free(both);
    nf_routes_free(only4);
}

static void of_two_equal_prefixes_the_later_wins(void **state)
{
    (void)state;
    const nf_route list[] = {
        route4(0x0a000001, 32, 1),
        route6(1, 2, 128, 3),
        route4(0x0a000001, 32, 2),
        route6(1, 2, 128, 4),
        route4(0x0a000000, 8, 5),
        route4(0x0affffff, 8, 0), /* the same range: its loose bits do not count */
    };
    nf_routes *routes = nf_routes_new(list, sizeof(list) / sizeof(*list), 1);
    assert_int_equal(find4(routes, 0x0a000001), 2);
    assert_int_equal(find6(routes, 1, 2), 4);
    assert_int_equal(find4(routes, 0x0a000002), 0); /* peer 0 is a peer */
    nf_routes_free(routes);
}

static void the_largest_peer_number_is_a_peer(void **state)
{
    (void)state;
    const nf_route list[] = {route4(1, 32, NF_NO_PEER - 3U)};
    nf_routes *routes = nf_routes_new(list, 1, 1);
    assert_true(find4(routes, 1) == NF_NO_PEER - 3U);
    nf_routes_free(routes);
}

static void every_length_has_its_table(void **state)
{
    (void)state;
    nf_route list[33 + 129];
    size_t count = 0;
    for (uint8_t length = 0; length <= 32; length++) {
        list[count++] = route4(length == 0 ? 0 : UINT32_MAX << (32 - length), length, length);
    }
    for (unsigned length = 0; length <= 128; length++) {
        uint64_t high = length >= 64 ? UINT64_MAX : length == 0 ? 0 : UINT64_MAX << (64 - length);
        uint64_t low = length <= 64 ? 0 : UINT64_MAX << (128 - length);
        list[count++] = route6(high, low, (uint8_t)length, length);
    }
    nf_routes *routes = nf_routes_new(list, count, 1);
    for (uint32_t ones = 0; ones <= 32; ones++) {
        assert_int_equal(find4(routes, ones == 0 ? 0 : UINT32_MAX << (32 - ones)), ones);
    }
    for (uint32_t ones = 0; ones <= 128; ones++) {
        uint64_t high = ones >= 64 ? UINT64_MAX : ones == 0 ? 0 : UINT64_MAX << (64 - ones);
        uint64_t low = ones <= 64 ? 0 : UINT64_MAX << (128 - ones);
        assert_int_equal(find6(routes, high, low), ones);
    }
    nf_routes_free(routes);
}

/* --- against a plain list
 * ---------------------------------------------------------------------------- */

static bool covers(const netron_prefix *prefix, uint8_t family, const uint8_t *address)
{
    if (prefix->family != family) {
        return false;
    }
    for (unsigned bit = 0; bit < prefix->length; bit++) {
        if (((prefix->address[bit / 8] ^ address[bit / 8]) & 0x80 >> bit % 8) != 0) {
            return false;
        }
    }
    return true;
}

static uint32_t
find_plain(const nf_route *list, size_t count, uint8_t family, const uint8_t *address)
{
    const nf_route *best = NULL;
    for (size_t i = 0; i < count; i++) {
        if (covers(&list[i].prefix, family, address) &&
            (best == NULL || list[i].prefix.length >= best->prefix.length)) {
            best = &list[i];
        }
    }
    return best == NULL ? NF_NO_PEER : best->peer;
}

/** Few different bytes, so that random prefixes nest and random addresses hit. */
static void draw_address(uint64_t *random, uint8_t address[16])
{
    static const uint8_t bytes[] = {0, 0, 0x0a, 0x0b, 0x80, 0xff};
    for (int i = 0; i < 16; i++) {
        address[i] = bytes[draw(random) % sizeof(bytes)];
    }
}

static nf_route draw_route(uint64_t *random)
{
    nf_route route = {.peer = (uint32_t)(draw(random) % 1000)};
    bool v4 = draw(random) % 2 == 0;
    unsigned bits = v4 ? 32 : 128;
    draw_address(random, route.prefix.address);
    route.prefix.family = v4 ? 4 : 6;
    route.prefix.length =
        (uint8_t)(draw(random) % 3 == 0 ? bits : draw(random) % (draw(random) % bits + 1));
    for (unsigned bit = route.prefix.length; bit < 128; bit++) {
        route.prefix.address[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
    }
    return route;
}

/** An address at random, or one in or just beside a prefix of the list. */
static void draw_probe(uint64_t *random, const nf_route *list, size_t count, uint8_t address[16])
{
    draw_address(random, address);
    if (count > 0 && draw(random) % 2 == 0) {
        const netron_prefix *prefix = &list[draw(random) % count].prefix;
        unsigned whole = prefix->length / 8;
        memcpy(address, prefix->address, whole);
        if (whole < 16) {
            address[whole] = prefix->address[whole];
        }
        if (draw(random) % 4 == 0) {
            unsigned bit = (unsigned)(draw(random) % 128);
            address[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        }
    }
}

static void the_tables_agree_with_a_plain_list(void **state)
{
    (void)state;
    nf_route list[300];
    for (uint64_t seed = 1; seed <= 60; seed++) {
        uint64_t random = seed;
        size_t count = draw(&random) % (sizeof(list) / sizeof(*list) + 1);
        unsigned found = 0;
        for (size_t i = 0; i < count; i++) {
            list[i] = draw_route(&random);
        }
        nf_routes *routes = nf_routes_new(list, count, seed);
        assert_non_null(routes);
        for (int i = 0; i < 500; i++) {
            uint8_t address[16];
            draw_probe(&random, list, count, address);
            uint32_t four = find_plain(list, count, 4, address);
            uint32_t six = find_plain(list, count, 6, address);
            found += (four != NF_NO_PEER) + (six != NF_NO_PEER);
            if (nf_routes_find4(routes, address) != four ||
                nf_routes_find6(routes, address) != six) {
                fail_msg("seed %u, probe %d", (unsigned)seed, i);
            }
        }
        assert_true(count < 20 || found > 100); /* the probes do hit */
        nf_routes_free(routes);
    }
}

/* --- twenty thousand hosts
 * ---------------------------------------------------------------------------- */

enum { HOSTS = 20000, LOOKUPS = 200000 };

/** A different number for each i: multiplied by an odd one. */
static uint32_t host4(uint32_t i)
{
    return 0x0a000000U | ((i * 40503U) & 0xffffffU);
}

static uint64_t host6(uint32_t i)
{
    return (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static nf_routes *make_hosts(uint32_t count)
{
    nf_route *list = calloc(2 * (size_t)count, sizeof(*list));
    assert_non_null(list);
    for (uint32_t i = 0; i < count; i++) {
        list[2 * i] = route4(host4(i), 32, i);
        list[2 * i + 1] = route6(UINT64_C(0xfd00000000000000), host6(i), 128, i);
    }
    nf_routes *routes = nf_routes_new(list, 2 * (size_t)count, 42);
    free(list);
    assert_non_null(routes);
    return routes;
}

static void each_of_many_hosts_is_found_and_no_other(void **state)
{
    (void)state;
    nf_routes *routes = make_hosts(HOSTS);
    for (uint32_t i = 0; i < 2 * HOSTS; i++) {
        uint32_t wanted = i < HOSTS ? i : NF_NO_PEER;
        assert_true(find4(routes, host4(i)) == wanted);
        assert_true(find6(routes, UINT64_C(0xfd00000000000000), host6(i)) == wanted);
        assert_true(find6(routes, UINT64_C(0xfd00000000000001), host6(i)) == NF_NO_PEER);
    }
    nf_routes_free(routes);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void report(uint32_t count, uint8_t (*probes)[16])
{
    nf_routes *routes = make_hosts(count);
    uint64_t random = count, sum = 0;
    double ns[2];
    for (int family = 0; family < 2; family++) {
        for (uint32_t i = 0; i < LOOKUPS; i++) {
            uint32_t host = (uint32_t)(draw(&random) % count);
            nf_route route = family == 0
                                 ? route4(host4(host), 32, 0)
                                 : route6(UINT64_C(0xfd00000000000000), host6(host), 128, 0);
            memcpy(probes[i], route.prefix.address, 16);
        }
        double start = now_ns();
        for (uint32_t i = 0; i < LOOKUPS; i++) {
            sum += family == 0 ? nf_routes_find4(routes, probes[i])
                               : nf_routes_find6(routes, probes[i]);
        }
        ns[family] = (now_ns() - start) / (double)LOOKUPS;
    }
    assert_true(sum < (uint64_t)2 * LOOKUPS * count); /* all were found */
    print_message("           %5u hosts: %.1f ns IPv4, %.1f ns IPv6\n", count, ns[0], ns[1]);
    nf_routes_free(routes);
}

/* A figure to read, not a rule: how fast this machine is does not decide a test. */
static void what_a_lookup_costs_is_reported(void **state)
{
    (void)state;
    uint8_t (*probes)[16] = calloc(LOOKUPS, sizeof(*probes));
    assert_non_null(probes);
    report(10, probes);
    report(1000, probes);
    report(HOSTS, probes);
    free(probes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_routes_nobody_is_found),
        cmocka_unit_test(from_a_network_of_nobody_no_wider_prefix_leads_out),
        cmocka_unit_test(the_longest_prefix_wins),
        cmocka_unit_test(ipv6_prefixes_end_at_any_bit),
        cmocka_unit_test(the_two_families_are_apart),
        cmocka_unit_test(of_two_equal_prefixes_the_later_wins),
        cmocka_unit_test(the_largest_peer_number_is_a_peer),
        cmocka_unit_test(every_length_has_its_table),
        cmocka_unit_test(the_tables_agree_with_a_plain_list),
        cmocka_unit_test(each_of_many_hosts_is_found_and_no_other),
        cmocka_unit_test(what_a_lookup_costs_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
