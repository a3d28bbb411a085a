/* SPDX-License-Identifier: Apache-2.0 */
/* device_flows_test.c - TCP through two devices: bytes come out in order and whole, whatever the
 * lanes and offloads. */
#include "netron/device.h"

#include "flows.h"
#include "namespace.h"
#include "sides.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void exchange(uint32_t lanes_a, uint32_t lanes_b, uint32_t offloads_off)
{
    side sides[2];
    start_side(&sides[0], 0, lanes_a, offloads_off);
    start_side(&sides[1], 1, lanes_b, offloads_off);
    meet_sides(sides);
    carry_flows();
    netron_counters counters;
    netron_device_counters(sides[0].device, &counters);
    assert_int_equal(counters.drops[NETRON_DROP_REPLAYED], 0);
    assert_int_equal(counters.drops[NETRON_DROP_FORGED], 0);
    assert_int_equal(counters.drops[NETRON_DROP_SPOOFED], 0);
    assert_true(counters.rx_packets > 0);
    /* Goodbye: the other side notices at once. */
    netron_device_stop(sides[1].device);
    netron_event event;
    await_event(&sides[0], NETRON_EVENT_PEER_DOWN, &event);
    assert_int_equal(event.code, NETRON_DOWN_GOODBYE);
    netron_device_stop(sides[0].device);
}

static void one_lane_carries_flows_both_ways(void **state)
{
    (void)state;
    exchange(1, 1, 0);
}

static void four_lanes_carry_flows_to_one_and_back(void **state)
{
    (void)state;
    exchange(4, 1, 0);
}

static void four_lanes_carry_flows_to_four(void **state)
{
    (void)state;
    exchange(4, 4, 0);
}

static void nothing_depends_on_offloads(void **state)
{
    (void)state;
    exchange(1, 1,
             NETRON_OFFLOAD_VNET | NETRON_OFFLOAD_TSO | NETRON_OFFLOAD_USO |
                 NETRON_OFFLOAD_UDP_GSO | NETRON_OFFLOAD_UDP_GRO);
}

/* Each datagram comes alone there: the lane that hears most of one peer gets a socket for it. */
static void lone_datagrams_get_a_socket_of_their_own(void **state)
{
    (void)state;
    enter_side(0);
    run_command("ethtool -K va tso off gso off gro off tx-udp-segmentation off >/dev/null");
    enter_side(1);
    run_command("ethtool -K vb tso off gso off gro off tx-udp-segmentation off >/dev/null");
    side sides[2];
    start_side(&sides[0], 0, 1, 0);
    start_side(&sides[1], 1, 1, 0);
    meet_sides(sides);
    size_t before = open_descriptors();
    for (unsigned round = 0; open_descriptors() == before && round < 20; round++) {
        carry_flows();
    }
    assert_true(open_descriptors() > before && open_descriptors() <= before + 2);
    carry_flows(); /* and through it, whole and in order */
    netron_counters counters;
    netron_device_counters(sides[1].device, &counters);
    assert_int_equal(counters.drops[NETRON_DROP_REPLAYED], 0);
    netron_device_stop(sides[0].device);
    netron_device_stop(sides[1].device);
    assert_true(open_descriptors() < before);
}

int main(void)
{
    if (!namespace_enter()) {
        return namespace_refused();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_lane_carries_flows_both_ways),
        cmocka_unit_test(four_lanes_carry_flows_to_one_and_back),
        cmocka_unit_test(four_lanes_carry_flows_to_four),
        cmocka_unit_test(nothing_depends_on_offloads),
        cmocka_unit_test(lone_datagrams_get_a_socket_of_their_own),
    };
    return cmocka_run_group_tests(tests, make_sides, NULL);
}
