/* SPDX-License-Identifier: Apache-2.0 */
/* pathmtu_test.c - how large a datagram a path passes, and packets that are larger. */
#include "packets.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { TOP = NETRON_MTU_DEFAULT + NF_SESSION_OVERHEAD_BYTES + NF_CIRCUIT_SHIM_BYTES };

/* Two nodes with that inner MTU, on a link that passes so many bytes of UDP payload. */
static pair_world *make_world(uint32_t mtu, size_t size_max)
{
    pair_world *world = pair_new(0);
    for (unsigned node = 0; node < 2; node++) {
        netron_options options = pair_options(world, node);
        options.mtu = mtu;
        pair_add_with(world, &options);
    }
    world->size_max = size_max;
    pair_connect(world, 0, 1);
    pair_run(world, 5 * NF_SECOND_NS);
    return world;
}

static uint32_t path_mtu(const pair_world *world, unsigned node)
{
    return pair_peer(world, node, 1 - node).path_mtu;
}

/* --- the search ----------------------------------------------------------------------------------
 */

static void the_largest_common_size_that_passes_is_found(void **state)
{
    (void)state;
    static const struct {
        uint32_t mtu;
        size_t size_max;
        uint32_t found;
    } cases[] = {
        {1400, 0, TOP},     {1400, TOP, TOP},   {1400, TOP - 1, 1412}, {1400, 1412, 1412},
        {1400, 1411, 1372}, {1400, 1340, 1332}, {1400, 1300, 1292},    {1400, 1260, 1252},
        {1400, 1232, 1232}, {1400, 1231, 1200}, {1400, 1200, 1200},    {1280, 0, 1320},
        {1280, 1319, 1292}, {1280, 1250, 1232}, {1500, 0, 1540},       {1500, 1500, 1440},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pair_world *world = make_world(cases[i].mtu, cases[i].size_max);
        for (unsigned node = 0; node < 2; node++) {
            assert_int_equal(path_mtu(world, node), cases[i].found);
        }
        pair_free(world);
    }
}

static bool lose_half(pair_world *world, pair_datagram *datagram)
{
    return datagram->length < 1200 || pair_random(world, 2) == 0;
}

static void the_search_bears_loss(void **state)
{
    (void)state;
    unsigned found = 0;
    for (unsigned seed = 0; seed < 20; seed++) {
        pair_world *world = pair_new(2);
        world->random_state = seed * 31;
        world->hook = lose_half;
        pair_connect(world, 0, 1);
        pair_run(world, 5 * NF_SECOND_NS);
        found += path_mtu(world, 0) == TOP;
        assert_true(path_mtu(world, 0) >= NF_PATH_MTU_BASE);
        pair_free(world);
    }
    assert_in_range(found, 12, 20); /* seven of eight on average */
}

static bool send_steadily(pair_world *world, uint32_t first, unsigned count, size_t length)
{
    for (uint32_t i = 0; i < count; i++) {
        if (pair_send(world, 0, 1, length, first + i) != NETRON_OK) {
            return false;
        }
        pair_run(world, 100 * NF_MILLISECOND_NS);
    }
    return true;
}

static void a_path_that_became_narrower_is_searched_anew(void **state)
{
    (void)state;
    pair_world *world = make_world(1400, 0);
    assert_true(send_steadily(world, 0, 50, 1400));
    world->size_max = 1300; /* a black hole: nobody says why */
    assert_true(send_steadily(world, 1000, 150, 1400));
    assert_int_equal(path_mtu(world, 0), 1292);
    assert_true(send_steadily(world, 2000, 50, 1400));
    pair_assert_all_seen(world, 1, 0, 50);
    pair_assert_all_seen(world, 1, 2000, 2049);
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_PEER_DOWN], 0);
    pair_free(world);
}

static void a_path_that_became_wider_is_found_in_time(void **state)
{
    (void)state;
    pair_world *world = make_world(1400, 1300);
    assert_int_equal(path_mtu(world, 0), 1292);
    world->size_max = 0;
    pair_run(world, NF_PROBE_RAISE_NS + 60 * NF_SECOND_NS);
    assert_int_equal(path_mtu(world, 0), TOP);
    pair_free(world);
}

static bool count_probes(pair_world *world, pair_datagram *datagram)
{
    if (datagram->length >= NF_PATH_MTU_BASE && datagram->bytes[0] == NF_TYPE_LINK) {
        ++*(unsigned *)world->context;
    }
    return true;
}

static void a_path_in_use_is_confirmed_and_an_idle_one_is_not(void **state)
{
    (void)state;
    pair_world *world = make_world(1400, 0);
    unsigned probes = 0;
    world->hook = count_probes;
    world->context = &probes;
    pair_run(world, 300 * NF_SECOND_NS);
    assert_int_equal(probes, 0);
    assert_true(send_steadily(world, 0, 600, 100));
    assert_in_range(probes, 5, 7); /* a minute, every 10 s, by the one that sends */
    pair_free(world);
}

/* --- pieces --------------------------------------------------------------------------------------
 */

static bool capture_data(pair_world *world, pair_datagram *datagram)
{
    if (datagram->bytes[0] == NF_TYPE_DATA || datagram->bytes[0] == NF_TYPE_FRAGMENT) {
        pair_capture(world, datagram);
    }
    return true;
}

static void packets_that_exceed_the_path_go_in_pieces(void **state)
{
    (void)state;
    pair_world *world = make_world(1400, 1200);
    world->hook = capture_data;
    uint32_t serial = 0;
    for (size_t length = 1100; length <= 1400; length++, serial++) {
        pair_forget(world);
        assert_int_equal(pair_send(world, 0, 1, length, serial), NETRON_OK);
        assert_int_equal(pair_send(world, 1, 0, length, serial), NETRON_OK);
        pair_run(world, 2 * PAIR_LATENCY_NS);
        bool whole = length + NF_SESSION_OVERHEAD_BYTES <= 1200;
        for (unsigned node = 0; node < 2; node++) {
            assert_int_equal(pair_count(world, node, NF_TYPE_DATA), whole ? 1 : 0);
            assert_int_equal(pair_count(world, node, NF_TYPE_FRAGMENT), whole ? 0 : 2);
            assert_int_equal(world->nodes[node].packet_length, length);
        }
    }
    pair_assert_all_seen(world, 0, 0, serial);
    pair_assert_all_seen(world, 1, 0, serial);
    pair_free(world);
}

static void the_largest_packets_need_three_pieces(void **state)
{
    (void)state;
    pair_world *world = make_world(NETRON_MTU_MAX, 1200);
    world->hook = capture_data;
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(pair_send(world, i, 1 - i, NETRON_MTU_MAX, i), NETRON_OK);
    }
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(pair_count(world, 0, NF_TYPE_FRAGMENT), 3);
    assert_int_equal(pair_count(world, 1, NF_TYPE_FRAGMENT), 3);
    pair_assert_all_seen(world, 1, 0, 1);
    pair_assert_all_seen(world, 0, 1, 2);
    pair_free(world);
}

static bool shuffle(pair_world *world, pair_datagram *datagram)
{
    datagram->arrives_ns += pair_random(world, 10) * NF_MILLISECOND_NS;
    if (pair_random(world, 4) == 0) {
        pair_repeat(world, datagram, NF_MILLISECOND_NS);
    }
    return true;
}

static void pieces_may_come_in_any_order_and_twice(void **state)
{
    (void)state;
    pair_world *world = make_world(1400, 1200);
    world->hook = shuffle;
    for (uint32_t serial = 0; serial < 300; serial++) {
        assert_int_equal(pair_send(world, 0, 1, 1200 + serial % 200, serial), NETRON_OK);
        pair_run(world, 3 * NF_MILLISECOND_NS);
    }
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 0, 300);
    pair_free(world);
}

/* --- segment sizes -------------------------------------------------------------------------------
 */

static uint16_t mss_that_arrives(pair_world *world, unsigned from, uint16_t offered, bool v6)
{
    uint8_t packet[100];
    unsigned to = 1 - from;
    size_t length =
        v6 ? pair_syn6(packet, from, to, offered) : pair_syn4(packet, from, to, offered);
    uint32_t before = world->nodes[to].packets;
    assert_int_equal(
        netron_engine_send_packet(world->nodes[from].engine, packet, length, world->now_ns),
        NETRON_OK);
    pair_run(world, 2 * PAIR_LATENCY_NS);
    assert_int_equal(world->nodes[to].packets, before + 1);
    assert_int_equal(world->nodes[to].packet_length, length);
    assert_true(is_valid(world->nodes[to].packet, length));
    return (uint16_t)get16(world->nodes[to].packet + (v6 ? 62 : 42));
}

static void the_mss_of_a_syn_fits_the_path(void **state)
{
    (void)state;
    pair_world *world = make_world(1400, 1300);
    const uint16_t room = 1292 - NF_SESSION_OVERHEAD_BYTES;
    for (unsigned from = 0; from < 2; from++) {
        assert_int_equal(mss_that_arrives(world, from, 1360, false), room - 40);
        assert_int_equal(mss_that_arrives(world, from, 1340, true), room - 60);
        assert_int_equal(mss_that_arrives(world, from, 536, false), 536);
        assert_int_equal(mss_that_arrives(world, from, (uint16_t)(room - 40), false), room - 40);
        assert_int_equal(mss_that_arrives(world, from, (uint16_t)(room - 39), false), room - 40);
    }
    pair_free(world);
    world = make_world(1400, 0);
    assert_int_equal(mss_that_arrives(world, 0, 1360, false), 1360);
    pair_free(world);
}

static bool narrow_one_way(pair_world *world, pair_datagram *datagram)
{
    (void)world;
    return datagram->from != 0 || datagram->length <= 1300;
}

static void each_end_clamps_to_what_it_knows(void **state)
{
    (void)state;
    /* Node 1 cannot know how narrow the way to it is; node 0, which sends or gets the SYN, does. */
    pair_world *world = pair_new(2);
    world->hook = narrow_one_way;
    pair_connect(world, 0, 1);
    pair_run(world, 5 * NF_SECOND_NS);
    assert_int_equal(path_mtu(world, 0), 1292);
    assert_int_equal(path_mtu(world, 1), TOP);
    const uint16_t mss = 1292 - NF_SESSION_OVERHEAD_BYTES - 40;
    assert_int_equal(mss_that_arrives(world, 0, 1360, false), mss);
    assert_int_equal(mss_that_arrives(world, 1, 1360, false), mss);
    pair_free(world);
}

/* --- marks ---------------------------------------------------------------------------------------
 */

static bool mark(pair_world *world, pair_datagram *datagram)
{
    if (datagram->bytes[0] == NF_TYPE_DATA) {
        const uint8_t *ecn = world->context;
        pair_capture(world, datagram);
        datagram->tos = (uint8_t)((datagram->tos & 0xfc) | *ecn);
    }
    return true;
}

/* Sends a packet with that TOS byte past a link that sets the ECN field. @return the TOS byte that
 *  arrives, or -1 */
static int tos_that_arrives(pair_world *world, uint8_t tos, uint8_t outer_ecn, bool v6)
{
    uint8_t packet[100];
    size_t length = v6 ? pair_udp6(packet, 0, 1, sizeof(packet), 1)
                       : pair_udp4(packet, 0, 1, sizeof(packet), 1);
    if (v6) {
        packet[0] = (uint8_t)(0x60 | tos >> 4);
        packet[1] = (uint8_t)(tos << 4 | (packet[1] & 15));
    } else {
        packet[1] = tos;
        reseal(packet, length);
    }
    world->hook = mark;
    world->context = &outer_ecn;
    pair_forget(world);
    uint32_t before = world->nodes[1].packets;
    assert_int_equal(
        netron_engine_send_packet(world->nodes[0].engine, packet, length, world->now_ns),
        NETRON_OK);
    pair_run(world, 2 * PAIR_LATENCY_NS);
    world->hook = NULL;
    assert_int_equal(pair_captured(world, 0, NF_TYPE_DATA, 0)->tos, tos); /* both fields go out */
    if (world->nodes[1].packets == before) {
        return -1;
    }
    const uint8_t *got = world->nodes[1].packet;
    assert_true(is_valid(got, length));
    return v6 ? (uint8_t)(got[0] << 4 | got[1] >> 4) : got[1];
}

static void congestion_marks_cross_the_tunnel(void **state)
{
    (void)state;
    enum { NOT, ECT1, ECT0, CE };
    /* RFC 6040, figure 4: by the inner field, then the outer one; -1: dropped. */
    static const int arrives[4][4] = {
        {NOT, NOT, NOT, -1},
        {ECT1, ECT1, ECT1, CE},
        {ECT0, ECT1, ECT0, CE},
        {CE, CE, CE, CE},
    };
    pair_world *world = make_world(1400, 0);
    for (uint8_t inner = 0; inner < 4; inner++) {
        for (uint8_t outer = 0; outer < 4; outer++) {
            for (unsigned v6 = 0; v6 < 2; v6++) {
                int expected = arrives[inner][outer];
                int got = tos_that_arrives(world, (uint8_t)(0xb8 | inner), outer, v6 == 1);
                assert_int_equal(got, expected < 0 ? -1 : 0xb8 | expected);
            }
        }
    }
    assert_int_equal(pair_drops(world, 1, NETRON_DROP_CONGESTED), 2);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_common_size_that_passes_is_found),
        cmocka_unit_test(the_search_bears_loss),
        cmocka_unit_test(a_path_that_became_narrower_is_searched_anew),
        cmocka_unit_test(a_path_that_became_wider_is_found_in_time),
        cmocka_unit_test(a_path_in_use_is_confirmed_and_an_idle_one_is_not),
        cmocka_unit_test(packets_that_exceed_the_path_go_in_pieces),
        cmocka_unit_test(the_largest_packets_need_three_pieces),
        cmocka_unit_test(pieces_may_come_in_any_order_and_twice),
        cmocka_unit_test(the_mss_of_a_syn_fits_the_path),
        cmocka_unit_test(each_end_clamps_to_what_it_knows),
        cmocka_unit_test(congestion_marks_cross_the_tunnel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
