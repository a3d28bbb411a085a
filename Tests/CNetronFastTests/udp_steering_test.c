/* SPDX-License-Identifier: Apache-2.0 */
/* udp_steering_test.c - which socket of a group gets a datagram: its lane's, or control's. */
#include "linux/udp.h"
#include "machine/wire.h"
#include "namespace.h"
#include "sockets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void session_messages_go_to_their_lane_and_all_else_to_control(void **state)
{
    (void)state;
    for (uint32_t lanes = 1; lanes <= NETRON_LANES_MAX; lanes++) {
        nf_udp_group group;
        assert_int_equal(nf_udp_open(&group, 0, lanes, 0), 0);
        for (uint32_t type = 0; type < 256; type += type < 10 ? 1 : 41) {
            for (uint32_t index = 0; index < NF_LANE_COUNT * 2; index++) {
                uint8_t bytes[32] = {(uint8_t)type};
                nf_store_le32(bytes + 4, 0xabcdef00u | 0xf0u | index);
                bool session = type >= NF_TYPE_DATA && type <= NF_TYPE_RELAY;
                uint32_t wanted = session ? 1 + index % NF_LANE_COUNT % lanes : 0;
                assert_int_equal(steered_to(&group, families[index % 2], bytes, 32), wanted);
            }
        }
        nf_udp_close(&group);
    }
}

static void a_datagram_cut_short_goes_to_control(void **state)
{
    (void)state;
    nf_udp_group group;
    const uint8_t bytes[5] = {NF_TYPE_DATA, 0, 0, 0, 3};
    assert_int_equal(nf_udp_open(&group, 0, NETRON_LANES_MAX, 0), 0);
    for (uint32_t length = 1; length <= 4; length++) {
        assert_int_equal(steered_to(&group, families[length % 2], bytes, length), 0);
    }
    assert_int_equal(steered_to(&group, families[0], bytes, 5), 4);
    nf_udp_close(&group);
}

static void a_train_goes_where_its_first_datagram_belongs(void **state)
{
    (void)state;
    nf_udp_group group;
    uint8_t bytes[64] = {NF_TYPE_DATA, 0, 0, 0, 2};
    bytes[32] = NF_TYPE_MESSAGE1;
    assert_int_equal(nf_udp_open(&group, 0, NETRON_LANES_MAX, 0), 0);
    nf_departure train = {
        .bytes = bytes, .length = 64, .segment = 32, .to = endpoint_of("127.0.0.1", group.port)};
    send_well(&train);
    nf_arrival arrival = receive_one(&group.socket[3]);
    assert_int_equal(arrival.length, 64);
    assert_int_equal(arrival.segment, 32);
    nf_udp_close(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(session_messages_go_to_their_lane_and_all_else_to_control, each),
        cmocka_unit_test_setup(a_datagram_cut_short_goes_to_control, each),
        cmocka_unit_test_setup(a_train_goes_where_its_first_datagram_belongs, each),
    };
    return namespace_enter() ? cmocka_run_group_tests(tests, open_sockets, close_sockets)
                             : namespace_refused();
}
