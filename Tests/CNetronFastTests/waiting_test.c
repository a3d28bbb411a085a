/* SPDX-License-Identifier: Apache-2.0 */
/* waiting_test.c - packets to addresses that nobody has yet: they wait, some of them and not for
 * long, and then the host is told. */
#include "packets.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { UNREACHABLE4_TYPE = 3, HOST_CODE = 1, UNREACHABLE6_TYPE = 1, ADDRESS_CODE = 3 };

static unsigned unrouted_events(const pair_world *world)
{
    return world->nodes[0].event_count[NETRON_EVENT_UNROUTED];
}

static int send6(pair_world *world, unsigned to, uint32_t serial)
{
    uint8_t packet[100];
    size_t length = pair_udp6(packet, 0, to, sizeof(packet), serial);
    int result = netron_engine_send_packet(world->nodes[0].engine, packet, length, world->now_ns);
    pair_flush(world);
    return result;
}

/* The last inner packet that node 0 got is an ICMP error from the address `from` about a packet of
 * its own to it. */
static void assert_unreachable4(const pair_world *world, unsigned from)
{
    const uint8_t *icmp = world->nodes[0].packet;
    size_t length = world->nodes[0].packet_length;
    netron_prefix source = pair_prefix4(from), home = pair_prefix4(0);
    assert_true(length > 48);
    assert_int_equal(get16(icmp + 2), length);
    assert_int_equal(plain_sum(0, icmp, 20), 0xffff);
    assert_int_equal(plain_sum(0, icmp + 20, length - 20), 0xffff);
    assert_int_equal(icmp[9], 1);
    assert_int_equal(icmp[20], UNREACHABLE4_TYPE);
    assert_int_equal(icmp[21], HOST_CODE);
    assert_memory_equal(icmp + 12, source.address, 4);
    assert_memory_equal(icmp + 16, home.address, 4);
    assert_memory_equal(icmp + 28 + 12, home.address, 4);
    assert_memory_equal(icmp + 28 + 16, source.address, 4);
}

static void assert_unreachable6(const pair_world *world, unsigned from)
{
    const uint8_t *icmp = world->nodes[0].packet;
    size_t length = world->nodes[0].packet_length;
    netron_prefix source = pair_prefix6(from), home = pair_prefix6(0);
    assert_true(length > 88);
    assert_int_equal(get16(icmp + 4), length - 40);
    assert_int_equal(icmp[6], 58);
    assert_int_equal(l4_sum(icmp, length), 0xffff);
    assert_int_equal(icmp[40], UNREACHABLE6_TYPE);
    assert_int_equal(icmp[41], ADDRESS_CODE);
    assert_memory_equal(icmp + 8, source.address, 16);
    assert_memory_equal(icmp + 24, home.address, 16);
}

/* --- released --------------------------------------------------------------------------------- */

static void eight_packets_wait_and_go_when_the_address_has_an_owner(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    world->nodes[0].by_hand = true;
    pair_connect(world, 0, 1);
    for (uint32_t i = 0; i < 12; i++) {
        assert_int_equal(pair_send(world, 0, 1, 100 + 100 * i, i), NETRON_OK);
        assert_int_equal(send6(world, 1, 20 + i), NETRON_OK);
    }
    /* The caller is told once of each address. */
    assert_int_equal(unrouted_events(world), 2);
    assert_int_equal(world->nodes[0].last_event[NETRON_EVENT_UNROUTED].length, 16);
    netron_prefix wanted = pair_prefix6(1);
    assert_memory_equal(world->nodes[0].last_event[NETRON_EVENT_UNROUTED].bytes, wanted.address,
                        16);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_QUEUE_FULL), 2 * 4);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->nodes[1].packets, 0);
    pair_route(world, 0, 1);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 0, NF_WAITING_PER_DESTINATION_MAX);
    pair_assert_all_seen(world, 1, 20, 20 + NF_WAITING_PER_DESTINATION_MAX);
    assert_int_equal(world->nodes[1].packets, 2 * NF_WAITING_PER_DESTINATION_MAX);
    assert_int_equal(world->nodes[0].packets, 0);
    pair_free(world);
}

static void packets_wait_for_a_session_too(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    world->latency_ns = 300 * NF_MILLISECOND_NS;
    pair_dial(world, 0, 1);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(pair_send(world, 0, 1, 1400, i), NETRON_OK);
    }
    pair_run(world, 3 * NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 0, 5);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_UNROUTED), 0);
    pair_free(world);
}

static void what_waits_keeps_its_class(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    uint8_t packet[100];
    world->nodes[0].by_hand = true;
    pair_connect(world, 0, 1);
    pair_run(world, 5 * NF_SECOND_NS);
    pair_udp4(packet, 0, 1, sizeof(packet), 1);
    packet[1] = 0xba; /* EF, ECT(0) */
    reseal(packet, sizeof(packet));
    assert_int_equal(
        netron_engine_send_packet(world->nodes[0].engine, packet, sizeof(packet), world->now_ns),
        NETRON_OK);
    world->hook = pair_capture_all;
    pair_route(world, 0, 1);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(pair_captured(world, 0, NF_TYPE_DATA, 0)->tos, 0xba);
    assert_int_equal(world->nodes[1].packet[1], 0xba);
    pair_free(world);
}

/* --- not released ----------------------------------------------------------------------------- */

static void after_five_seconds_the_host_is_told(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    uint64_t sent_ns = world->now_ns;
    assert_int_equal(pair_send(world, 0, 7, 100, 1), NETRON_OK);
    pair_run(world, 5 * NF_SECOND_NS - 1);
    assert_int_equal(world->nodes[0].packets, 0);
    pair_run(world, NF_SECOND_NS / 5);
    assert_int_equal(world->nodes[0].packets, 1);
    assert_unreachable4(world, 7);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_UNROUTED), 1);

    /* For a while the answer is known, and comes at once. */
    assert_int_equal(pair_send(world, 0, 7, 100, 2), NETRON_E_UNKNOWN_PEER);
    assert_int_equal(world->nodes[0].packets, 2);
    assert_int_equal(pair_send(world, 0, 8, 100, 3), NETRON_OK); /* of another nothing is known */
    pair_run(world, sent_ns + NF_WAITING_NS + NF_NEGATIVE_NS + NF_SECOND_NS / 2 - world->now_ns);
    assert_int_equal(pair_send(world, 0, 7, 100, 4), NETRON_OK);
    assert_int_equal(unrouted_events(world), 4);
    pair_run(world, 10 * NF_SECOND_NS);
    assert_true(netron_engine_deadline(world->nodes[0].engine) == UINT64_MAX);
    pair_free(world);
}

/* Somebody who was not found at first may be a second later, and only packets show the wish. */
static void the_caller_is_told_each_second_while_packets_come(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    for (uint32_t i = 0; i < 200; i++) { /* 20 s: they wait, are answered, are asked for anew */
        (void)pair_send(world, 0, 7, 100, i);
        pair_run(world, 100 * NF_MILLISECOND_NS);
        assert_in_range(unrouted_events(world), 1, 1 + i / 10);
    }
    assert_in_range(unrouted_events(world), 18, 20);
    pair_run(world, 60 * NF_SECOND_NS);
    assert_in_range(unrouted_events(world), 18, 20);
    pair_free(world);
}

static void a_scan_does_not_fill_the_queue_of_events(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_node *node = &world->nodes[0];
    node->keeps_events = true;
    for (unsigned i = 0; i < 5000; i++) {
        (void)pair_send(world, 0, 1000 + i, 100, i);
    }
    pair_dial(world, 1, 0);
    pair_run(world, NF_SECOND_NS);
    netron_event event = {.kind = 0};
    unsigned kinds[PAIR_KINDS] = {0};
    while (netron_engine_poll_event(node->engine, &event) == 1) {
        kinds[event.kind]++;
    }
    assert_int_equal(kinds[NETRON_EVENT_UNROUTED], NF_UNROUTED_EVENTS_MAX);
    assert_int_equal(kinds[NETRON_EVENT_PEER_UP], 1);
    assert_int_equal(kinds[NETRON_EVENT_LOST], 0);
    /* And what was polled makes room. */
    (void)pair_send(world, 0, 999, 100, 1);
    assert_int_equal(netron_engine_poll_event(node->engine, &event), 1);
    assert_int_equal(event.kind, NETRON_EVENT_UNROUTED);
    pair_free(world);
}

static bool lose_the_first_dial(pair_world *world, pair_datagram *datagram)
{
    unsigned *lost = world->context;
    return datagram->bytes[0] != NF_TYPE_MESSAGE1 || (*lost)++ > 0;
}

/* Across the Internet, and the first message is lost: the caller dials when it is told. */
static void a_packet_waits_long_enough_for_a_dial_far_away(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    unsigned lost = 0;
    world->latency_ns = 150 * NF_MILLISECOND_NS;
    world->hook = lose_the_first_dial;
    world->context = &lost;
    assert_int_equal(pair_send(world, 0, 1, 100, 1), NETRON_OK);
    assert_int_equal(unrouted_events(world), 1);
    pair_run(world, 2 * NF_SECOND_NS); /* it is looked for */
    pair_dial(world, 0, 1);
    pair_run(world, 3 * NF_SECOND_NS);
    assert_true(lost > 1);
    pair_assert_all_seen(world, 1, 1, 2);
    assert_int_equal(world->nodes[0].packets, 0);
    pair_free(world);
}

static void the_host_is_told_by_icmpv6_too(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    assert_int_equal(send6(world, 7, 1), NETRON_OK);
    pair_run(world, NF_WAITING_NS + NF_SECOND_NS / 5);
    assert_int_equal(world->nodes[0].packets, 1);
    assert_unreachable6(world, 7);
    pair_free(world);
}

static void a_negative_answer_ends_when_the_address_has_an_owner(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    world->nodes[0].by_hand = true;
    pair_connect(world, 0, 1);
    assert_int_equal(pair_send(world, 0, 1, 100, 1), NETRON_OK);
    pair_run(world, NF_WAITING_NS + NF_SECOND_NS / 5);
    assert_int_equal(pair_send(world, 0, 1, 100, 2), NETRON_E_UNKNOWN_PEER);
    pair_route(world, 0, 1);
    pair_run(world, NF_ROUTES_DELAY_NS);
    assert_int_equal(pair_send(world, 0, 1, 100, 3), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 3, 4);
    assert_int_equal(world->nodes[1].packets, 1);
    pair_free(world);
}

static void who_asks_for_ever_new_addresses_is_told_of_the_old_ones(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    for (uint32_t i = 0; i < 160; i++) {
        (void)pair_send(world, 0, 1000 + i, 100, i);
        pair_run(world, 50 * NF_MILLISECOND_NS);
    }
    /* 8 s went by: what was sent in the first 3 s is answered. */
    assert_in_range(world->nodes[0].packets, 55, 61);
    pair_free(world);
}

static void the_host_is_not_flooded_with_answers(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    (void)pair_send(world, 0, 7, 100, 0);
    pair_run(world, NF_WAITING_NS + NF_SECOND_NS / 5);
    uint32_t before = world->nodes[0].packets;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(pair_send(world, 0, 7, 100, i), NETRON_E_UNKNOWN_PEER);
    }
    assert_in_range(world->nodes[0].packets - before, NF_ICMP_BURST - 1, NF_ICMP_BURST);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_UNROUTED), 1001);
    pair_free(world);
}

static void a_scan_keeps_only_what_there_is_room_for(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    world->nodes[0].by_hand = true;
    world->nodes[0].keeps_events = true;
    pair_connect(world, 0, 1);
    for (unsigned i = 0; i < 5000; i++) {
        (void)pair_send(world, 0, 1000 + i, 100, i);
        (void)send6(world, 1000 + i, i);
    }
    /* And the packet that a user waits for goes all the same. */
    assert_int_equal(pair_send(world, 0, 1, 100, 1), NETRON_OK);
    pair_route(world, 0, 1);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 1, 2);
    pair_run(world, 10 * NF_SECOND_NS);
    assert_true(world->nodes[0].packets <= NF_WAITING_DESTINATIONS_MAX);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_packets_wait_and_go_when_the_address_has_an_owner),
        cmocka_unit_test(packets_wait_for_a_session_too),
        cmocka_unit_test(what_waits_keeps_its_class),
        cmocka_unit_test(after_five_seconds_the_host_is_told),
        cmocka_unit_test(the_caller_is_told_each_second_while_packets_come),
        cmocka_unit_test(a_scan_does_not_fill_the_queue_of_events),
        cmocka_unit_test(a_packet_waits_long_enough_for_a_dial_far_away),
        cmocka_unit_test(the_host_is_told_by_icmpv6_too),
        cmocka_unit_test(a_negative_answer_ends_when_the_address_has_an_owner),
        cmocka_unit_test(who_asks_for_ever_new_addresses_is_told_of_the_old_ones),
        cmocka_unit_test(the_host_is_not_flooded_with_answers),
        cmocka_unit_test(a_scan_keeps_only_what_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
