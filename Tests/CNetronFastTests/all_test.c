/* SPDX-License-Identifier: Apache-2.0 */
/* all_test.c - multicast and broadcast: a copy to each peer with a session, not too many of them,
 * and nothing where that is off. */
#include "packets.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { LENGTH = 100 };

static const uint8_t mdns4[4] = {224, 0, 0, 251};
static const uint8_t everybody4[4] = {255, 255, 255, 255};
static const uint8_t broadcast4[4] = {10, 1, 0, 255};
static const uint8_t mdns6[16] = {0xff, 0x02, [15] = 0xfb};

/* --- what is sent ----------------------------------------------------------------------------- */

static int send_bytes(pair_world *world, unsigned from, const uint8_t *packet, size_t length)
{
    int result =
        netron_engine_send_packet(world->nodes[from].engine, packet, length, world->now_ns);
    pair_flush(world);
    return result;
}

static int
send4(pair_world *world, unsigned from, const uint8_t to[4], size_t length, uint32_t serial)
{
    uint8_t packet[PAIR_DATAGRAM_BYTES_MAX];
    pair_udp4(packet, from, from, length, serial);
    memcpy(packet + 16, to, 4);
    packet[8] = 1; /* as far as the link */
    reseal(packet, length);
    return send_bytes(world, from, packet, length);
}

static int send6(pair_world *world, unsigned from, const uint8_t to[16], uint32_t serial)
{
    uint8_t packet[LENGTH];
    pair_udp6(packet, from, from, sizeof(packet), serial);
    memcpy(packet + 24, to, 16);
    reseal(packet, sizeof(packet));
    return send_bytes(world, from, packet, sizeof(packet));
}

static int set_address(pair_world *world, unsigned node, uint8_t host, uint8_t length, bool present)
{
    netron_prefix address = {.address = {10, 1, 0, host}, .family = 4, .length = length};
    return netron_engine_set_address(world->nodes[node].engine, &address, present, world->now_ns);
}

/* The first of so many nodes has a session with each other one. */
static pair_world *new_star(unsigned nodes)
{
    pair_world *world = pair_new(nodes);
    for (unsigned node = 1; node < nodes; node++) {
        pair_connect(world, 0, node);
    }
    return world;
}

static void assert_seen_by_all(pair_world *world, uint32_t serial)
{
    pair_run(world, NF_SECOND_NS / 10);
    assert_int_equal(pair_seen(world, 0, serial), 0);
    for (unsigned node = 1; node < world->node_count; node++) {
        assert_int_equal(pair_seen(world, node, serial), 1);
    }
}

static unsigned told(const pair_world *world)
{
    return world->nodes[0].event_count[NETRON_EVENT_UNROUTED];
}

/* --- to all ----------------------------------------------------------------------------------- */

static void each_peer_gets_one_copy_and_the_sender_none(void **state)
{
    (void)state;
    pair_world *world = new_star(4);
    static const uint8_t groups4[][4] = {
        {224, 0, 0, 251}, {224, 0, 1, 1}, {239, 255, 255, 250}, {255, 255, 255, 255}};
    uint32_t serial = 1;
    for (unsigned i = 0; i < sizeof(groups4) / sizeof(groups4[0]); i++) {
        assert_int_equal(send4(world, 0, groups4[i], LENGTH, serial), NETRON_OK);
        assert_seen_by_all(world, serial++);
        assert_memory_equal(world->nodes[3].packet + 16, groups4[i], 4);
        assert_int_equal(world->nodes[3].packet[8], 1);
    }
    for (unsigned scope = 2; scope <= 8; scope += scope == 5 ? 3 : 1) {
        uint8_t group[16] = {0xff, (uint8_t)(0x10 | scope), [15] = 0xfb};
        assert_int_equal(send6(world, 0, group, serial), NETRON_OK);
        assert_seen_by_all(world, serial++);
    }
    assert_int_equal(pair_all_drops(world, 0), 0);
    pair_free(world);
}

/* The host itself, nobody, all of the Internet, and what has no meaning. */
static void other_scopes_are_not_carried(void **state)
{
    (void)state;
    static const uint8_t scopes[] = {0, 1, 6, 7, 9, 13, 14, 15};
    pair_world *world = new_star(2);
    for (unsigned i = 0; i < sizeof(scopes); i++) {
        uint8_t group[16] = {0xff, scopes[i], [15] = 0xfb};
        assert_int_equal(send6(world, 0, group, 1), NETRON_E_REFUSED);
    }
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->nodes[1].packets, 0);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_MULTICAST), sizeof(scopes));
    assert_int_equal(told(world), 0);
    pair_free(world);
}

static void large_packets_go_in_pieces_to_each(void **state)
{
    (void)state;
    pair_world *world = pair_new(3);
    world->size_max = 1250;
    pair_connect(world, 0, 1);
    pair_connect(world, 0, 2);
    for (uint32_t serial = 1; serial <= 20; serial++) {
        assert_int_equal(send4(world, 0, mdns4, 1400, serial), NETRON_OK);
        assert_seen_by_all(world, serial);
    }
    pair_free(world);
}

/* The broadcast address of an own network, as long as there is an own address in it, and though a
 * peer says that it has it. */
static void broadcast_of_an_own_network_goes_to_all(void **state)
{
    (void)state;
    pair_world *world = new_star(3);
    netron_prefix false_claim = {.address = {10, 1, 0, 255}, .family = 4, .length = 32};
    assert_int_equal(set_address(world, 0, 1, 24, true), NETRON_OK);
    assert_int_equal(set_address(world, 0, 2, 24, true), NETRON_OK);
    assert_int_equal(netron_engine_set_prefixes(world->nodes[0].engine, world->nodes[1].id,
                                                &false_claim, 1, world->now_ns),
                     NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(send4(world, 0, broadcast4, LENGTH, 1), NETRON_OK);
    assert_seen_by_all(world, 1);
    assert_int_equal(set_address(world, 0, 2, 24, false), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(send4(world, 0, broadcast4, LENGTH, 2), NETRON_OK);
    assert_seen_by_all(world, 2);
    assert_int_equal(set_address(world, 0, 1, 24, false), NETRON_OK);
    assert_int_equal(set_address(world, 0, 1, 24, false), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(send4(world, 0, broadcast4, LENGTH, 3), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(pair_seen(world, 1, 3), 1);
    assert_int_equal(pair_seen(world, 2, 3), 0);
    pair_free(world);
}

static void only_networks_that_have_one_have_a_broadcast_address(void **state)
{
    (void)state;
    pair_world *world = new_star(2);
    assert_int_equal(set_address(world, 0, 255, 32, true), NETRON_OK);
    assert_int_equal(set_address(world, 0, 254, 31, true), NETRON_OK);
    netron_prefix six = {.address = {0xfd, [15] = 1}, .family = 6, .length = 48};
    assert_int_equal(netron_engine_set_address(world->nodes[0].engine, &six, 1, world->now_ns),
                     NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(send4(world, 0, broadcast4, LENGTH, 1), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->nodes[1].packets, 0);
    uint8_t added = 0;
    while (set_address(world, 0, added, 24, true) == NETRON_OK) {
        added++;
    }
    assert_int_equal(added, NF_NETWORKS_MAX - 3);
    assert_int_equal(set_address(world, 0, 100, 24, true), NETRON_E_FULL);
    assert_int_equal(set_address(world, 0, 100, 33, true), NETRON_E_INVALID);
    six.family = 5;
    assert_int_equal(netron_engine_set_address(world->nodes[0].engine, &six, 1, world->now_ns),
                     NETRON_E_INVALID);
    pair_free(world);
}

/* --- limits ----------------------------------------------------------------------------------- */

static void a_flood_does_not_become_many(void **state)
{
    (void)state;
    pair_world *world = new_star(4);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(send4(world, 0, mdns4, LENGTH, i),
                         i < NF_ALL_BURST ? NETRON_OK : NETRON_E_AGAIN);
    }
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 0, NF_ALL_BURST);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_ALL_LIMITED), 1000 - NF_ALL_BURST);
    for (uint32_t i = 0; i < 10000; i++) { /* 10 s of it */
        (void)send4(world, 0, mdns4, LENGTH, i);
        pair_run(world, NF_MILLISECOND_NS);
    }
    assert_in_range(world->nodes[3].packets, 10 * NF_ALL_PER_SECOND,
                    10 * NF_ALL_PER_SECOND + 2 * NF_ALL_BURST);
    /* What is for one is not held up by it. */
    assert_int_equal(pair_send(world, 0, 1, LENGTH, 20000), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(pair_seen(world, 1, 20000), 1);
    pair_free(world);
}

static void so_many_peers_get_it_and_who_was_left_out_follows(void **state)
{
    (void)state;
    enum { PEERS = NF_ALL_PEERS_MAX + 3 };
    pair_world *world = pair_new(0);
    for (unsigned node = 0; node <= PEERS; node++) {
        netron_options options = pair_options(world, node);
        options.peers_max = 128;
        pair_add_with(world, &options);
    }
    for (unsigned node = 1; node <= PEERS; node++) {
        pair_connect(world, 0, node);
    }
    assert_int_equal(send4(world, 0, mdns4, LENGTH, 1), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    for (unsigned node = 1; node <= PEERS; node++) {
        assert_int_equal(pair_seen(world, node, 1), node <= NF_ALL_PEERS_MAX);
    }
    for (unsigned node = 5; node <= 6; node++) {
        assert_int_equal(
            netron_engine_hang_up(world->nodes[0].engine, world->nodes[node].id, world->now_ns),
            NETRON_OK);
    }
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(send4(world, 0, mdns4, LENGTH, 2), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    for (unsigned node = 1; node <= PEERS; node++) {
        bool gone = node == 5 || node == 6;
        assert_int_equal(pair_seen(world, node, 2), !gone && node <= NF_ALL_PEERS_MAX + 2);
    }
    pair_free(world);
}

/* --- refused ---------------------------------------------------------------------------------- */

static void a_source_that_is_not_the_senders_is_refused(void **state)
{
    (void)state;
    pair_world *world = new_star(3);
    uint8_t packet[LENGTH];
    netron_prefix other = pair_prefix4(2);
    const uint8_t *sources[] = {mdns4, everybody4, broadcast4, other.address};
    assert_int_equal(set_address(world, 1, 1, 24, true), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    for (unsigned i = 0; i < 4; i++) {
        pair_udp4(packet, 0, 0, sizeof(packet), 1);
        memcpy(packet + 12, sources[i], 4);
        memcpy(packet + 16, mdns4, 4);
        reseal(packet, sizeof(packet));
        assert_int_equal(send_bytes(world, 0, packet, sizeof(packet)), NETRON_OK);
    }
    pair_run(world, NF_SECOND_NS);
    for (unsigned node = 1; node < 3; node++) {
        assert_int_equal(world->nodes[node].packets, 0);
        assert_int_equal(pair_drops(world, node, NETRON_DROP_SPOOFED), 4);
    }
    pair_free(world);
}

static void where_it_is_off_nothing_goes_and_nothing_comes(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    netron_options options = pair_options(world, 2);
    options.multicast_off = 1;
    pair_add_with(world, &options);
    pair_connect(world, 0, 1);
    pair_connect(world, 0, 2);
    assert_int_equal(set_address(world, 0, 1, 24, true), NETRON_OK);
    assert_int_equal(set_address(world, 2, 2, 24, true), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(send4(world, 0, mdns4, LENGTH, 1), NETRON_OK);
    assert_int_equal(send4(world, 0, broadcast4, LENGTH, 1), NETRON_OK);
    assert_int_equal(send6(world, 0, mdns6, 1), NETRON_OK);
    assert_int_equal(send4(world, 0, mdns4, 1400, 1), NETRON_OK); /* in pieces, perhaps */
    assert_int_equal(send4(world, 2, mdns4, LENGTH, 2), NETRON_E_REFUSED);
    assert_int_equal(send4(world, 2, everybody4, LENGTH, 2), NETRON_E_REFUSED);
    assert_int_equal(send4(world, 2, broadcast4, LENGTH, 2), NETRON_E_REFUSED);
    assert_int_equal(send6(world, 2, mdns6, 2), NETRON_E_REFUSED);
    pair_run(world, 10 * NF_SECOND_NS);
    assert_int_equal(pair_seen(world, 1, 1), 4);
    assert_int_equal(world->nodes[0].packets, 0);
    assert_int_equal(world->nodes[2].packets, 0);
    assert_int_equal(pair_drops(world, 2, NETRON_DROP_MULTICAST), 8);
    assert_int_equal(pair_events(world, 2, NETRON_EVENT_UNROUTED), 0);
    /* What is for one passes. */
    assert_int_equal(pair_send(world, 0, 2, LENGTH, 3), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(pair_seen(world, 2, 3), 1);
    pair_free(world);
}

/* Reports of IGMP and MLD, and neighbour discovery: not sent, not counted, not told. */
static void what_speaks_of_a_link_goes_nowhere(void **state)
{
    (void)state;
    static const uint8_t types6[] = {130, 131, 132, 133, 134, 135, 136, 137, 143};
    pair_world *world = new_star(2);
    uint8_t packet[LENGTH];
    pair_udp4(packet, 0, 0, sizeof(packet), 1);
    memcpy(packet + 16, mdns4, 4);
    packet[9] = 2;
    assert_int_equal(send_bytes(world, 0, packet, sizeof(packet)), NETRON_OK);
    for (unsigned i = 0; i < 2 * sizeof(types6); i++) {
        bool has_options = i % 2 != 0;
        pair_udp6(packet, 0, 0, sizeof(packet), 1);
        memcpy(packet + 24, mdns6, 16);
        packet[6] = has_options ? 0 : 58;
        memcpy(packet + 40, (const uint8_t[]){58, 0, 5, 2, 0, 0, 1, 0}, 8);
        packet[has_options ? 48 : 40] = types6[i / 2];
        assert_int_equal(send_bytes(world, 0, packet, sizeof(packet)), NETRON_OK);
    }
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->nodes[1].packets, 0);
    assert_int_equal(pair_all_drops(world, 0), 0);
    assert_int_equal(told(world), 0);
    /* An echo request is none of them. */
    pair_udp6(packet, 0, 0, sizeof(packet), 1);
    memcpy(packet + 24, mdns6, 16);
    packet[6] = 58;
    packet[40] = 128;
    assert_int_equal(send_bytes(world, 0, packet, sizeof(packet)), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->nodes[1].packets, 1);
    pair_free(world);
}

/* --- what the caller and the host are told ---------------------------------------------------- */

static void the_caller_is_told_once_a_second(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    for (uint32_t i = 0; i < 50; i++) { /* 5 s */
        assert_int_equal(send4(world, 0, mdns4, LENGTH, i), NETRON_OK);
        assert_int_equal(send4(world, 0, everybody4, LENGTH, i), NETRON_OK);
        assert_int_equal(send6(world, 0, mdns6, i), NETRON_OK);
        pair_run(world, 100 * NF_MILLISECOND_NS);
    }
    assert_int_equal(told(world), 5);
    const netron_event *event = pair_last_event(world, 0, NETRON_EVENT_UNROUTED);
    assert_int_equal(event->code, NETRON_UNROUTED_ALL);
    assert_int_equal(event->length, 4);
    assert_memory_equal(event->bytes, mdns4, 4);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(send6(world, 0, mdns6, 1), NETRON_OK);
    assert_int_equal(event->length, 16);
    assert_memory_equal(event->bytes, mdns6, 16);
    /* No answer ever comes to what all are to hear (RFC 1122 3.2.2, RFC 4443 2.4e). */
    pair_run(world, 10 * NF_SECOND_NS);
    assert_int_equal(world->nodes[0].packets, 0);
    assert_int_equal(pair_all_drops(world, 0), 0);
    pair_free(world);
}

/* A packet waits for an address that becomes one of all: it is not answered, and goes nowhere. */
static void what_waits_for_an_address_that_becomes_broadcast_gets_no_answer(void **state)
{
    (void)state;
    pair_world *world = new_star(2);
    assert_int_equal(send4(world, 0, broadcast4, LENGTH, 1), NETRON_OK);
    assert_int_equal(set_address(world, 0, 1, 24, true), NETRON_OK);
    pair_run(world, 2 * NF_WAITING_NS);
    assert_int_equal(world->nodes[0].packets, 0);
    assert_int_equal(world->nodes[1].packets, 0);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_UNROUTED), 1);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_peer_gets_one_copy_and_the_sender_none),
        cmocka_unit_test(other_scopes_are_not_carried),
        cmocka_unit_test(large_packets_go_in_pieces_to_each),
        cmocka_unit_test(broadcast_of_an_own_network_goes_to_all),
        cmocka_unit_test(only_networks_that_have_one_have_a_broadcast_address),
        cmocka_unit_test(a_flood_does_not_become_many),
        cmocka_unit_test(so_many_peers_get_it_and_who_was_left_out_follows),
        cmocka_unit_test(a_source_that_is_not_the_senders_is_refused),
        cmocka_unit_test(where_it_is_off_nothing_goes_and_nothing_comes),
        cmocka_unit_test(what_speaks_of_a_link_goes_nowhere),
        cmocka_unit_test(the_caller_is_told_once_a_second),
        cmocka_unit_test(what_waits_for_an_address_that_becomes_broadcast_gets_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
