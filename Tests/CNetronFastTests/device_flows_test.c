/* SPDX-License-Identifier: Apache-2.0 */
/* device_flows_test.c - TCP through two devices: bytes come out in order and whole, whatever the
 * lanes and offloads. */
#include "netron/device.h"

#include "namespace.h"
#include "sides.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { FLOWS = 8, FLOW_BYTES = 4 << 20 };

static struct sockaddr_in inner(int number, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(0x0a010001u + (uint32_t)number);
    return address;
}

/* One TCP flow through the tunnel, both ends in this thread: bytes come out in order and whole. */
static void carry(int client, int server)
{
    static uint8_t out[65536], in[65536];
    size_t sent = 0, got = 0;
    while (got < FLOW_BYTES) {
        struct pollfd both[2] = {{server, POLLIN, 0}, {client, POLLOUT, 0}};
        assert_true(poll(both, sent < FLOW_BYTES ? 2 : 1, BOUND_SECONDS * 1000) > 0);
        if (sent < FLOW_BYTES && (both[1].revents & POLLOUT) != 0) {
            for (size_t i = 0; i < sizeof(out); i++) {
                out[i] = (uint8_t)((sent + i) % 251);
            }
            ssize_t n = send(client, out, sizeof(out), MSG_DONTWAIT);
            sent += n > 0 ? (size_t)n : 0;
        }
        if ((both[0].revents & POLLIN) != 0) {
            ssize_t n = recv(server, in, sizeof(in), 0);
            assert_true(n > 0);
            for (ssize_t i = 0; i < n; i++) {
                assert_int_equal(in[i], (got + (size_t)i) % 251);
            }
            got += (size_t)n;
        }
    }
}

/* Takes turns in which side the bytes come from. */
static void carry_flows(void)
{
    for (uint16_t flow = 0; flow < FLOWS; flow++) {
        int from = flow % 2;
        int listener = socket_in(1 - from, SOCK_STREAM);
        struct sockaddr_in address = inner(1 - from, (uint16_t)(5000 + flow));
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(listener, 1), 0);
        int client = socket_in(from, SOCK_STREAM);
        assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
        int server = accept(listener, NULL, NULL);
        assert_true(server >= 0);
        carry(client, server);
        close(client);
        close(server);
        close(listener);
    }
}

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
