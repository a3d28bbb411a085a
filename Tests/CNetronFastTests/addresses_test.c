/* SPDX-License-Identifier: Apache-2.0 */
/* addresses_test.c - which inner addresses are whose, and packets to those that are nobody's. */
#include "packets.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { NOBODY = 77 }; /* no node has its inner addresses */

static int
set(pair_world *world, unsigned node, unsigned other, const netron_prefix *list, size_t n)
{
    netron_prefix none;
    int result = netron_engine_set_prefixes(world->nodes[node].engine, world->nodes[other].id,
                                            list != NULL ? list : &none, n, world->now_ns);
    pair_run(world, NF_ROUTES_DELAY_NS);
    return result;
}

static netron_prefix prefix4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint8_t length)
{
    return (netron_prefix){.address = {a, b, c, d}, .family = 4, .length = length};
}

/* An IPv4 packet from one address to another, sent by a node. */
static int
send4(pair_world *world, unsigned node, const uint8_t *from, const uint8_t *to, uint32_t serial)
{
    uint8_t packet[100];
    size_t length = pair_udp4(packet, 0, 0, sizeof(packet), serial);
    memcpy(packet + 12, from, 4);
    memcpy(packet + 16, to, 4);
    reseal(packet, length);
    int result =
        netron_engine_send_packet(world->nodes[node].engine, packet, length, world->now_ns);
    pair_run(world, 4 * PAIR_LATENCY_NS);
    return result;
}

static int send6(pair_world *world, unsigned from, unsigned to, uint32_t serial)
{
    uint8_t packet[100];
    size_t length = pair_udp6(packet, from, to, sizeof(packet), serial);
    int result = netron_engine_send_packet(world->nodes[0].engine, packet, length, world->now_ns);
    pair_run(world, 4 * PAIR_LATENCY_NS);
    return result;
}

/* Three nodes; 0 and 1, and 0 and 2, are peers. */
static pair_world *make_world(void)
{
    pair_world *world = pair_new(3);
    pair_connect(world, 0, 1);
    pair_connect(world, 0, 2);
    return world;
}

/* --- whose packets are taken ------------------------------------------------------------------ */

static void a_source_that_is_not_the_senders_is_dropped(void **state)
{
    (void)state;
    pair_world *world = make_world();
    uint8_t to[4], own[4], of_another[4], nobodys[4] = {10, 9, 9, 9};
    memcpy(to, pair_prefix4(0).address, 4);
    memcpy(own, pair_prefix4(1).address, 4);
    memcpy(of_another, pair_prefix4(2).address, 4);
    assert_int_equal(send4(world, 1, own, to, 1), NETRON_OK);
    assert_int_equal(send4(world, 1, of_another, to, 2), NETRON_OK);
    assert_int_equal(send4(world, 1, nobodys, to, 3), NETRON_OK);
    assert_int_equal(send4(world, 1, to, to, 4), NETRON_OK); /* the receiver's own */
    assert_int_equal(send4(world, 2, of_another, to, 5), NETRON_OK);
    assert_int_equal(world->nodes[0].packets, 2);
    pair_assert_all_seen(world, 0, 1, 2);
    pair_assert_all_seen(world, 0, 5, 6);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_SPOOFED), 3);

    uint8_t packet[100];
    for (unsigned from = 1; from <= 2; from++) {
        size_t length = pair_udp6(packet, from, 0, sizeof(packet), 10 + from);
        assert_int_equal(
            netron_engine_send_packet(world->nodes[1].engine, packet, length, world->now_ns),
            NETRON_OK);
        pair_run(world, 2 * PAIR_LATENCY_NS);
        assert_int_equal(pair_seen(world, 0, 10 + from), from == 1);
    }
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_SPOOFED), 4);
    pair_free(world);
}

static void what_is_no_ip_packet_is_not_sent(void **state)
{
    (void)state;
    pair_world *world = make_world();
    netron_engine *engine = world->nodes[0].engine;
    uint8_t good[200], bad[200];
    size_t length = pair_udp4(good, 0, 1, sizeof(good), 1);
    for (size_t cut = 1; cut < length; cut++) {
        assert_int_equal(netron_engine_send_packet(engine, good, cut, world->now_ns),
                         NETRON_E_MALFORMED);
    }
    for (unsigned version = 0; version < 16; version++) {
        memcpy(bad, good, length);
        bad[0] = (uint8_t)(version << 4 | 5);
        assert_int_equal(netron_engine_send_packet(engine, bad, length, world->now_ns),
                         version == 4 ? NETRON_OK : NETRON_E_MALFORMED);
    }
    assert_int_equal(netron_engine_send_packet(engine, good, 0, world->now_ns), NETRON_E_MALFORMED);
    uint8_t large[NETRON_MTU_DEFAULT + 1];
    pair_udp4(large, 0, 1, sizeof(large), 2);
    assert_int_equal(netron_engine_send_packet(engine, large, sizeof(large), world->now_ns),
                     NETRON_E_MALFORMED);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_BAD_INNER), length - 1 + 15);
    pair_free(world);
}

/* --- whose packets go where ------------------------------------------------------------------- */

static void the_longest_prefix_decides(void **state)
{
    (void)state;
    pair_world *world = make_world();
    netron_prefix wide[2] = {prefix4(10, 2, 0, 0, 16), prefix4(0, 0, 0, 0, 0)};
    netron_prefix narrow[2] = {prefix4(10, 2, 3, 0, 24), prefix4(10, 2, 4, 4, 32)};
    assert_int_equal(set(world, 0, 1, wide, 2), NETRON_OK);
    assert_int_equal(set(world, 0, 2, narrow, 2), NETRON_OK);
    uint8_t from[4];
    memcpy(from, pair_prefix4(0).address, 4);
    const struct {
        uint8_t to[4];
        unsigned node;
    } cases[] = {
        {{10, 2, 2, 255}, 1}, {{10, 2, 3, 0}, 2}, {{10, 2, 3, 255}, 2}, {{10, 2, 4, 0}, 1},
        {{10, 2, 4, 4}, 2},   {{10, 2, 4, 5}, 1}, {{10, 3, 3, 3}, 1},   {{8, 8, 8, 8}, 1},
    };
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(send4(world, 0, from, cases[i].to, 100 + i), NETRON_OK);
        assert_int_equal(pair_seen(world, cases[i].node, 100 + i), 1);
        assert_int_equal(pair_seen(world, 3 - cases[i].node, 100 + i), 0);
    }
    pair_free(world);
}

static void the_longest_prefix_decides_for_ipv6_too(void **state)
{
    (void)state;
    pair_world *world = make_world();
    netron_prefix wide = {.address = {0xfd}, .family = 6, .length = 8};
    netron_prefix narrow = pair_prefix6(50);
    assert_int_equal(set(world, 0, 1, &wide, 1), NETRON_OK);
    assert_int_equal(set(world, 0, 2, &narrow, 1), NETRON_OK);
    assert_int_equal(send6(world, 0, 50, 1), NETRON_OK);
    assert_int_equal(send6(world, 0, 51, 2), NETRON_OK);
    assert_int_equal(pair_seen(world, 2, 1), 1);
    assert_int_equal(pair_seen(world, 1, 2), 1);
    assert_int_equal(pair_seen(world, 1, 1) + pair_seen(world, 2, 2), 0);
    pair_free(world);
}

static void a_prefix_has_one_owner(void **state)
{
    (void)state;
    pair_world *world = make_world();
    netron_prefix shared[2] = {prefix4(10, 5, 0, 0, 16), prefix4(10, 6, 0, 0, 16)};
    uint8_t home[4], to[4] = {10, 5, 0, 1}, other[4] = {10, 6, 0, 1};
    memcpy(home, pair_prefix4(0).address, 4);
    assert_int_equal(set(world, 0, 1, shared, 2), NETRON_OK);
    assert_int_equal(send4(world, 0, home, to, 1), NETRON_OK);
    assert_int_equal(pair_seen(world, 1, 1), 1);
    assert_int_equal(set(world, 0, 2, shared, 1), NETRON_OK);
    assert_int_equal(send4(world, 0, home, to, 2), NETRON_OK);
    assert_int_equal(send4(world, 0, home, other, 3), NETRON_OK);
    assert_int_equal(pair_seen(world, 2, 2), 1);
    assert_int_equal(pair_seen(world, 1, 3), 1);
    /* What the first one sends from there is not taken any more. */
    assert_int_equal(send4(world, 1, to, home, 4), NETRON_OK);
    assert_int_equal(send4(world, 2, to, home, 5), NETRON_OK);
    assert_int_equal(pair_seen(world, 0, 4), 0);
    assert_int_equal(pair_seen(world, 0, 5), 1);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_SPOOFED), 1);
    /* An empty list gives all back. */
    assert_int_equal(set(world, 0, 2, NULL, 0), NETRON_OK);
    assert_int_equal(send4(world, 2, to, home, 6), NETRON_OK);
    assert_int_equal(pair_seen(world, 0, 6), 0);
    pair_free(world);
}

static void a_source_that_was_taken_a_moment_ago_is_asked_about_anew(void **state)
{
    (void)state;
    pair_world *world = make_world();
    netron_prefix shared = prefix4(10, 5, 0, 1, 32), own = pair_prefix4(1), too = pair_prefix4(2);
    uint8_t home[4];
    memcpy(home, pair_prefix4(0).address, 4);
    /* However often the routes are made anew, wherever in memory they come to lie. */
    for (uint32_t i = 0; i < 50; i++) {
        assert_int_equal(set(world, 0, 1, &shared, 1), NETRON_OK);
        assert_int_equal(send4(world, 1, shared.address, home, 100 + i), NETRON_OK);
        assert_int_equal(pair_seen(world, 0, 100 + i), 1);
        for (uint32_t again = 0; again <= i % 5; again++) {
            assert_int_equal(set(world, 0, 1, &own, 1), NETRON_OK);
        }
        assert_int_equal(set(world, 0, 2, i % 2 == 0 ? &shared : &too, 1), NETRON_OK);
        assert_int_equal(send4(world, 1, shared.address, home, 200 + i), NETRON_OK);
        assert_int_equal(pair_seen(world, 0, 200 + i), 0);
    }
    pair_free(world);
}

static void prefixes_that_are_none_are_refused_whole(void **state)
{
    (void)state;
    pair_world *world = make_world();
    const netron_prefix bad[] = {
        prefix4(10, 0, 0, 0, 33),
        prefix4(10, 0, 0, 1, 24),
        {.address = {0xfd}, .family = 6, .length = 129},
        {.address = {0xfd}, .family = 5},
        {.address = {0xfd, 1}, .family = 6, .length = 8},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        netron_prefix list[2] = {prefix4(10, 7, 0, 0, 16), bad[i]};
        assert_int_equal(set(world, 0, 1, list, 2), NETRON_E_INVALID);
    }
    netron_prefix many[NETRON_PREFIXES_PER_PEER_MAX + 1];
    for (uint8_t i = 0; i <= NETRON_PREFIXES_PER_PEER_MAX; i++) {
        many[i] = prefix4(10, 8, i, 0, 24);
    }
    assert_int_equal(set(world, 0, 1, many, NETRON_PREFIXES_PER_PEER_MAX + 1), NETRON_E_FULL);
    assert_int_equal(set(world, 0, 0, many, 1), NETRON_E_UNKNOWN_PEER);
    assert_int_equal(pair_send(world, 0, 1, 100, 1), NETRON_OK); /* the earlier list holds */
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 1, 2);
    assert_int_equal(set(world, 0, 1, many, NETRON_PREFIXES_PER_PEER_MAX), NETRON_OK);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_that_is_not_the_senders_is_dropped),
        cmocka_unit_test(what_is_no_ip_packet_is_not_sent),
        cmocka_unit_test(the_longest_prefix_decides),
        cmocka_unit_test(the_longest_prefix_decides_for_ipv6_too),
        cmocka_unit_test(a_prefix_has_one_owner),
        cmocka_unit_test(a_source_that_was_taken_a_moment_ago_is_asked_about_anew),
        cmocka_unit_test(prefixes_that_are_none_are_refused_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
