/* SPDX-License-Identifier: Apache-2.0 */
/* udp_train_test.c - trains of datagrams over the loopback, with the kernel's help and without. */
#include "linux/interface.h"
#include "linux/udp.h"
#include "namespace.h"
#include "sockets.h"

#include "netron/device.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { GSO = NETRON_OFFLOAD_UDP_GSO, GRO = NETRON_OFFLOAD_UDP_GRO };

static void a_train_arrives_equal_with_any_offloads(void **state)
{
    (void)state;
    const struct {
        uint32_t length, segment;
    } rows[] = {
        {2, 1}, {64, 1}, {2500, 1000}, {1001, 1000}, {64768, 1472}, {65000, 1016}, {64000, 1000},
    };
    const struct {
        uint32_t here_off, there_off;
    } offloads[] = {{0, 0}, {GSO, 0}, {0, GRO}, {GSO, GRO}};
    for (size_t o = 0; o < 4; o++) {
        reopen(offloads[o].here_off, offloads[o].there_off);
        assert_int_equal(here.socket[0].gso, offloads[o].here_off == 0);
        assert_int_equal(there.socket[0].gro, offloads[o].there_off == 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * 2; i++) {
            uint32_t length = rows[i / 2].length, segment = rows[i / 2].segment;
            nf_departure train = departure_to(families[i % 2], length, segment);
            send_well(&train);
            /* The loopback keeps a train as it is, so without both offloads it is singles. */
            int pieces = receive_train(&train), singles = (int)((length - 1) / segment + 1);
            assert_int_equal(pieces, o == 0 ? 1 : singles);
        }
    }
}

static void trains_and_singles_keep_their_order(void **state)
{
    (void)state;
    enum { COUNT = 150 };
    nf_departure messages[COUNT];
    for (uint32_t off = 0; off <= GSO; off += GSO) {
        uint32_t expected = 0, offset = 0;
        reopen(off, 0);
        for (uint32_t i = 0; i < COUNT; i++) {
            messages[i] = departure_to(families[0], i % 7 == 0 ? 300 : 100, 100);
            messages[i].bytes = payload + expected;
            expected += messages[i].length;
        }
        assert_int_equal(send_all(messages, COUNT).done, COUNT);
        while (offset < expected) {
            nf_arrival *arrivals;
            int count = receive_some(&there.socket[0], &arrivals);
            assert_true(count <= NF_UDP_RECEIVE_BATCH);
            for (int i = 0; i < count; i++) {
                assert_memory_equal(arrivals[i].bytes, payload + offset, arrivals[i].length);
                offset += arrivals[i].length;
            }
        }
        assert_int_equal(offset, expected);
    }
}

/* A socket that makes no checksums may not use UDP_SEGMENT: the kernel says EINVAL, as it does for
 * a device that lacks it. */
static void a_train_that_is_refused_goes_apart_and_so_do_later_ones(void **state)
{
    (void)state;
    const int levels[] = {SOL_SOCKET, IPPROTO_UDP}, names[] = {SO_NO_CHECK, UDP_NO_CHECK6_TX};
    for (size_t i = 0; i < 2; i++) {
        int on = 1;
        reopen(0, GRO);
        assert_int_equal(setsockopt(here.socket[0].fd, levels[i], names[i], &on, sizeof(on)), 0);
        assert_int_equal(
            setsockopt(there.socket[0].fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, &on, sizeof(on)), 0);
        nf_departure train = departure_to(families[i], 2500, 1000);
        send_well(&train);
        assert_false(here.socket[0].gso);
        assert_int_equal(receive_train(&train), 3);
        send_well(&train);
        assert_int_equal(receive_train(&train), 3);
    }
}

static void a_local_address_that_is_gone_is_no_reason_to_give_up_trains(void **state)
{
    (void)state;
    const char *const gone[] = {"10.99.0.1", "fd00:99::1"};
    for (size_t i = 0; i < 2; i++) {
        nf_departure messages[] = {departure_to(families[i], 2500, 1000),
                                   departure_to(families[i], 2500, 1000)};
        netron_endpoint local = endpoint_of(gone[i], 0);
        memcpy(messages[0].local.address, local.address, 16);
        outcome outcome = send_all(messages, 2);
        assert_int_equal(outcome.done, 2);
        assert_int_equal(outcome.refused, 1);
        assert_false(outcome.too_big);
        assert_true(here.socket[0].gso);
        assert_int_equal(receive_train(&messages[1]), 1);
    }
}

static void what_is_too_big_for_the_device_is_told(void **state)
{
    (void)state;
    enum { MTU = 1500, IPV4_MAX = MTU - 28, IPV6_MAX = MTU - 48 };
    const uint32_t max[] = {IPV4_MAX, IPV6_MAX};
    assert_int_equal(nf_link_up(LOOPBACK_INDEX, MTU, 1000), 0);
    for (size_t i = 0; i < 4; i++) {
        uint32_t room = max[i % 2];
        reopen(i < 2 ? 0 : GSO, 0);
        nf_departure good = departure_to(families[i % 2], 2 * room, room);
        nf_departure rows[] = {
            departure_to(families[i % 2], room + 1, room + 1),
            departure_to(families[i % 2], 2 * room + 2, room + 1),
        };
        for (size_t k = 0; k < 2; k++) {
            outcome outcome = send_all(&rows[k], 1);
            assert_int_equal(outcome.done, 1);
            assert_int_equal(outcome.refused, 1);
            assert_true(outcome.too_big);
        }
        assert_int_equal(here.socket[0].gso, i < 2);
        send_well(&good);
        receive_train(&good);
    }
    assert_int_equal(nf_link_up(LOOPBACK_INDEX, 65536, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_train_arrives_equal_with_any_offloads, each),
        cmocka_unit_test_setup(trains_and_singles_keep_their_order, each),
        cmocka_unit_test_setup(a_train_that_is_refused_goes_apart_and_so_do_later_ones, each),
        cmocka_unit_test_setup(a_local_address_that_is_gone_is_no_reason_to_give_up_trains, each),
        cmocka_unit_test_setup(what_is_too_big_for_the_device_is_told, each),
    };
    return namespace_enter() ? cmocka_run_group_tests(tests, open_sockets, close_sockets)
                             : namespace_refused();
}
