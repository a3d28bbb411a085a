/* SPDX-License-Identifier: Apache-2.0 */
/* device_circuits_test.c - two devices that reach each other through a third, on real sockets.
 *
 *      namespace A                               namespace B
 *    A 10.1.0.1                                B 10.1.0.2
 *         10.99.0.1:7000 = = = = = = = = = = = = 10.99.0.2:7000      the direct path
 *    R    10.99.1.1:7001 ------------------------ 10.99.1.2:7000     what R is reached by
 */
#include "flows.h"
#include "machine/limits.h"
#include "namespace.h"
#include "sides.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { A, B, R, COUNT, RELAY_PORT = 7001 };

static side sides[COUNT];

static void await_up(side *s, const side *other)
{
    netron_event event;
    do {
        await_event(s, NETRON_EVENT_PEER_UP, &event);
    } while (memcmp(event.id, other->id, sizeof(event.id)) != 0);
}

static netron_circuit_side between(const side *neighbour, uint32_t id_in, uint32_t id_out)
{
    netron_circuit_side side = {.id_in = id_in, .id_out = id_out};
    memcpy(side.neighbour, neighbour->id, sizeof(side.neighbour));
    return side;
}

/* R gets to know A and B, carries for them, and A dials B through it; each routes the other's inner
 * address. */
static void meet_through_relay(void)
{
    netron_endpoint relay = endpoint_of("10.99.1.1", RELAY_PORT);
    uint32_t id[2], relay_id[2];
    for (int i = A; i <= B; i++) {
        assert_int_equal(netron_device_dial(sides[i].device, &relay, sides[R].id), NETRON_OK);
        await_up(&sides[i], &sides[R]);
        await_up(&sides[R], &sides[i]);
        id[i] = netron_device_circuit_id(sides[i].device);
        relay_id[i] = netron_device_circuit_id(sides[R].device);
        netron_circuit_side end = between(&sides[R], id[i], relay_id[i]);
        assert_int_equal(netron_device_circuit_end(sides[i].device, &end), NETRON_OK);
    }
    netron_circuit_side a = between(&sides[A], relay_id[A], id[A]);
    netron_circuit_side b = between(&sides[B], relay_id[B], id[B]);
    assert_int_equal(netron_device_circuit_forward(sides[R].device, &a, &b, 0), NETRON_OK);
    netron_endpoint circuit = {.kind = NETRON_ENDPOINT_CIRCUIT, .scope = id[A]};
    assert_int_equal(netron_device_dial(sides[A].device, &circuit, sides[B].id), NETRON_OK);
    for (int i = A; i <= B; i++) {
        await_up(&sides[i], &sides[1 - i]);
        netron_prefix prefix = {.address = {10, 1, 0, (uint8_t)(2 - i)}, .family = 4, .length = 32};
        assert_int_equal(netron_device_set_prefixes(sides[i].device, sides[1 - i].id, &prefix, 1),
                         NETRON_OK);
    }
}

static void start_all(uint32_t lanes, uint32_t relay_lanes)
{
    start_side(&sides[A], 0, lanes, 0);
    start_side(&sides[B], 1, lanes, 0);
    start_relay(&sides[R], 0, relay_lanes, RELAY_PORT);
    meet_through_relay();
}

static netron_counters counters_of(int number)
{
    netron_counters counters;
    netron_device_counters(sides[number].device, &counters);
    return counters;
}

static void stop_all(void)
{
    for (int i = 0; i < COUNT; i++) {
        netron_counters counters = counters_of(i);
        assert_int_equal(counters.drops[NETRON_DROP_MALFORMED], 0);
        assert_int_equal(counters.drops[NETRON_DROP_FORGED], 0);
        assert_int_equal(counters.drops[NETRON_DROP_NOT_NEIGHBOUR], 0);
    }
    for (int i = 0; i < COUNT; i++) {
        netron_device_stop(sides[i].device);
    }
}

static void relayed_flows(uint32_t lanes, uint32_t relay_lanes)
{
    start_all(lanes, relay_lanes);
    carry_flows();
    netron_counters relay = counters_of(R);
    assert_true(relay.relayed_bytes > 8 << 22);
    assert_int_equal(counters_of(A).drops[NETRON_DROP_REPLAYED], 0);
    assert_int_equal(counters_of(B).drops[NETRON_DROP_REPLAYED], 0);
    stop_all();
}

static void flows_pass_a_relay_of_one_lane(void **state)
{
    (void)state;
    relayed_flows(1, 1);
}

static void flows_pass_a_relay_of_many_lanes(void **state)
{
    (void)state;
    relayed_flows(4, 4);
}

static void flows_pass_where_lanes_differ(void **state)
{
    (void)state;
    relayed_flows(3, 1);
    relayed_flows(1, 2);
}

static void await_path(const side *s, int number, uint16_t kind)
{
    netron_event event;
    do {
        await_event(&sides[number], NETRON_EVENT_MOVED, &event);
    } while (memcmp(event.id, s->id, sizeof(event.id)) != 0 || event.endpoint.kind != kind);
}

static void flows_move_to_a_direct_path_and_back_when_it_dies(void **state)
{
    (void)state;
    start_all(2, 2);
    netron_endpoint direct = endpoint_of("10.99.0.2", PORT);
    assert_int_equal(netron_device_try_path(sides[A].device, sides[B].id, &direct), NETRON_OK);
    for (int i = A; i <= B; i++) {
        await_path(&sides[1 - i], i, NETRON_ENDPOINT_UDP);
    }
    uint64_t relayed = counters_of(R).relayed_packets;
    carry_flows();
    assert_true(counters_of(R).relayed_packets < relayed + 50); /* what was still under way */
    enter_side(0);
    run_command("ip route add blackhole 10.99.0.2/32");
    enter_side(1);
    run_command("ip route add blackhole 10.99.0.1/32");
    carry_flows();
    for (int i = A; i <= B; i++) {
        await_path(&sides[1 - i], i, NETRON_ENDPOINT_CIRCUIT);
    }
    assert_true(counters_of(R).relayed_bytes > 8 << 22);
    stop_all();
}

/* Blocks the direct path at B, whose answers are lost then, or opens it. */
static void block_answers(bool blocked)
{
    enter_side(1);
    run_command(blocked ? "ip route add blackhole 10.99.0.1/32" : "ip route del 10.99.0.1/32");
}

/* Waits until the program has so many descriptors open. */
static void await_descriptors(size_t least, size_t most)
{
    size_t count = open_descriptors();
    for (int i = 0; (count < least || count > most) && i < BOUND_SECONDS * 50; i++) {
        (void)poll(NULL, 0, 20);
        count = open_descriptors();
    }
    assert_in_range(count, least, most);
}

/* Where a side reaches another. */
static netron_endpoint path_of(int number, int other)
{
    netron_peer_info peers[COUNT];
    size_t count = netron_device_peers(sides[number].device, peers, COUNT);
    for (size_t i = 0; i < count; i++) {
        if (memcmp(peers[i].id, sides[other].id, sizeof(peers[i].id)) == 0) {
            return peers[i].endpoint;
        }
    }
    return (netron_endpoint){0};
}

/* A reaches B at its port, and B reaches A at a door. On a slow machine they may fall back to the
 * circuit before that lasts. */
static void await_door(void)
{
    netron_endpoint to_b = path_of(A, B), to_a = path_of(B, A);
    for (int i = 0; (to_b.port != PORT || to_a.kind != NETRON_ENDPOINT_UDP || to_a.port == PORT) &&
                    i < BOUND_SECONDS * 50;
         i++) {
        (void)poll(NULL, 0, 20);
        to_b = path_of(A, B);
        to_a = path_of(B, A);
    }
    assert_int_equal(to_b.port, PORT);
    assert_int_equal(to_a.kind, NETRON_ENDPOINT_UDP);
    assert_int_not_equal(to_a.port, PORT);
}

static void search_for_b(uint32_t lanes)
{
    start_all(lanes, 2);
    size_t before = open_descriptors();
    block_answers(true);
    netron_endpoint direct = endpoint_of("10.99.0.2", PORT);
    assert_int_equal(netron_device_search(sides[A].device, sides[B].id, &direct), NETRON_OK);
    assert_int_equal(netron_device_search(sides[A].device, sides[B].id, &direct), NETRON_E_AGAIN);
    await_descriptors(before + NF_SEARCH_DOORS, before + NF_SEARCH_DOORS);
    assert_int_equal(path_of(A, B).kind, NETRON_ENDPOINT_CIRCUIT);
    block_answers(false);
    await_door();
    uint64_t relayed = counters_of(R).relayed_packets;
    carry_flows();
    assert_true(counters_of(R).relayed_packets < relayed + 50);
    /* Both ends may have been shown some of the doors; these are kept for a while. */
    await_descriptors(before + 1, before + 1 + NF_WAYS_MAX);
    carry_flows();
    assert_int_not_equal(path_of(B, A).port, PORT);
    assert_int_equal(netron_device_search(sides[A].device, sides[B].id, &direct), NETRON_E_INVALID);
    stop_all();
}

static void a_search_finds_a_door_that_stays_the_paths(void **state)
{
    (void)state;
    search_for_b(1);
    search_for_b(3);
}

static void a_search_in_vain_leaves_nothing_open(void **state)
{
    (void)state;
    start_all(2, 1);
    size_t before = open_descriptors();
    block_answers(true);
    netron_endpoint direct = endpoint_of("10.99.0.2", PORT);
    netron_endpoint nowhere = endpoint_of("10.99.0.2", 0);
    assert_int_equal(netron_device_search(sides[A].device, sides[B].id, &nowhere),
                     NETRON_E_INVALID);
    assert_int_equal(netron_device_search(sides[A].device, sides[A].id, &direct),
                     NETRON_E_UNKNOWN_PEER);
    assert_int_equal(netron_device_search(sides[A].device, sides[B].id, &direct), NETRON_OK);
    await_descriptors(before + NF_SEARCH_DOORS, before + NF_SEARCH_DOORS);
    carry_flows(); /* by the relay meanwhile */
    await_descriptors(before, before);
    assert_int_equal(path_of(A, B).kind, NETRON_ENDPOINT_CIRCUIT);
    block_answers(false);
    /* It may be begun anew, and ended with the device. */
    assert_int_equal(netron_device_search(sides[A].device, sides[B].id, &direct), NETRON_OK);
    stop_all();
}

static int make_places(void **state)
{
    make_sides(state);
    enter_side(0);
    run_command("ip addr add 10.99.1.1/24 dev va");
    enter_side(1);
    run_command("ip addr add 10.99.1.2/24 dev vb");
    return 0;
}

int main(void)
{
    if (!namespace_enter()) {
        return namespace_refused();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows_pass_a_relay_of_one_lane),
        cmocka_unit_test(flows_pass_a_relay_of_many_lanes),
        cmocka_unit_test(flows_pass_where_lanes_differ),
        cmocka_unit_test(a_search_finds_a_door_that_stays_the_paths),
        cmocka_unit_test(a_search_in_vain_leaves_nothing_open),
        cmocka_unit_test(flows_move_to_a_direct_path_and_back_when_it_dies),
    };
    return cmocka_run_group_tests(tests, make_places, NULL);
}
