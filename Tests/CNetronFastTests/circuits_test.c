/* SPDX-License-Identifier: Apache-2.0 */
/* circuits_test.c - members that reach each other through others: what passes, and what does not.
 */
#include "line.h"
#include "machine/core.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum {
    A = 0,
    R = 1,
    B = 2,
    TOP = NETRON_MTU_DEFAULT + NF_SESSION_OVERHEAD_BYTES,
};

static const unsigned over_r[] = {A, R, B};

/* --- what passes ------------------------------------------------------------------------------ */

/* All that A or B send goes to R behind a shim, and R sends it on as it was but for the shim. */
typedef struct wire {
    const line *line;
    unsigned relayed, direct;
} wire;

static bool was_sent(const pair_world *world, unsigned from, const pair_datagram *relayed)
{
    for (const pair_datagram *d = world->captured; d != NULL; d = d->next) {
        if (d->from == from && d->length == relayed->length &&
            memcmp(d->bytes + NF_CIRCUIT_SHIM_BYTES, relayed->bytes + NF_CIRCUIT_SHIM_BYTES,
                   d->length - NF_CIRCUIT_SHIM_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

static bool watch_wire(pair_world *world, pair_datagram *datagram)
{
    wire *w = world->context;
    const uint8_t *bytes = datagram->bytes;
    uint32_t id = nf_load_le32(bytes + 4);
    if (bytes[0] != NF_TYPE_RELAY) {
        /* With R each has a session of its own. */
        w->direct += datagram->from != R && datagram->to != R;
    } else if (datagram->from == R) {
        assert_int_equal(bytes[1], NF_RELAY_HOPS_MAX - 1);
        assert_int_equal(id, datagram->to == B ? w->line->ids[2] : w->line->back[0]);
        assert_true(was_sent(world, datagram->to == B ? A : B, datagram));
        w->relayed++;
    } else {
        assert_int_equal(datagram->to, R);
        assert_int_equal(bytes[1], NF_RELAY_HOPS_MAX);
        assert_int_equal(id, datagram->from == A ? w->line->ids[1] : w->line->back[1]);
        assert_in_range(bytes[8], NF_TYPE_MESSAGE1, NF_TYPE_FRAGMENT);
        pair_capture(world, datagram);
    }
    return true;
}

static void a_handshake_and_packets_both_ways_pass_a_relay_unchanged(void **state)
{
    (void)state;
    pair_world *world = line_world(3, false);
    line l = line_make(world, over_r, 3, 0);
    wire w = {.line = &l};
    world->hook = watch_wire;
    world->context = &w;
    line_connect(world, &l);
    uint32_t end = line_talk(world, A, B, 0, 200, NF_MILLISECOND_NS);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, 0, end);
    pair_assert_all_seen(world, B, 0, end);
    assert_int_equal(w.direct, 0);
    netron_counters counters = pair_counters(world, R);
    assert_int_equal(counters.relayed_packets, w.relayed);
    assert_true(w.relayed >= 2 * end && counters.relayed_bytes > 1300 * end);
    /* To the ends it is an endpoint like any other. */
    netron_endpoint of_a = line_endpoint(&l, false), of_b = line_endpoint(&l, true);
    assert_memory_equal(&world->nodes[A].last_event[NETRON_EVENT_PEER_UP].endpoint, &of_a,
                        sizeof(of_a));
    assert_memory_equal(&world->nodes[B].last_event[NETRON_EVENT_PEER_UP].endpoint, &of_b,
                        sizeof(of_b));
    for (unsigned node = 0; node < 3; node++) {
        assert_int_equal(pair_all_drops(world, node), 0);
    }
    pair_free(world);
}

static void two_relays_are_two_swaps_and_a_third_is_too_many(void **state)
{
    (void)state;
    pair_world *world = line_world(5, false);
    const unsigned two[] = {0, 1, 2, 3}, three[] = {0, 1, 2, 3, 4};
    line l = line_make(world, two, 4, 0);
    line_connect(world, &l);
    uint32_t end = line_talk(world, 0, 3, 0, 50, NF_MILLISECOND_NS);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 0, 0, end);
    pair_assert_all_seen(world, 3, 0, end);
    l = line_make(world, three, 5, 0);
    uint64_t taken = pair_counters(world, 4).handshakes_taken;
    netron_endpoint circuit = line_endpoint(&l, false);
    assert_int_equal(
        netron_engine_dial(world->nodes[0].engine, &circuit, world->nodes[4].id, world->now_ns),
        NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(pair_drops(world, 3, NETRON_DROP_HOPS), 2); /* message 1, and again */
    assert_int_equal(pair_counters(world, 4).handshakes_taken, taken);
    pair_free(world);
}

static void new_keys_are_made_through_the_circuit(void **state)
{
    (void)state;
    pair_world *world = line_world(3, false);
    line l = line_make(world, over_r, 3, 0);
    line_connect(world, &l);
    uint64_t taken = pair_counters(world, B).handshakes_taken;
    uint32_t end = line_talk(world, A, B, 0, 3500, 40 * NF_MILLISECOND_NS); /* 140 s */
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, 0, end);
    pair_assert_all_seen(world, B, 0, end);
    assert_int_equal(pair_counters(world, B).handshakes_taken, taken + 2); /* R's, and A's */
    assert_true(line_is_relayed(world, A, B) && line_is_relayed(world, B, A));
    for (unsigned node = 0; node < 3; node++) {
        assert_int_equal(pair_events(world, node, NETRON_EVENT_CIRCUIT_CLOSED), 0);
    }
    pair_free(world);
}

static void the_shim_is_taken_off_the_size_of_the_path(void **state)
{
    (void)state;
    static const struct {
        size_t size_max;
        uint32_t found;
    } cases[] = {
        {0, TOP}, {TOP + 8, TOP}, {TOP + 7, 1412 - 8}, {1300, 1292 - 8}, {1200, 1200 - 8},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pair_world *world = line_world(3, false);
        world->size_max = cases[i].size_max;
        line l = line_make(world, over_r, 3, 0);
        line_connect(world, &l);
        pair_run(world, 3 * NF_SECOND_NS);
        assert_int_equal(pair_peer(world, A, B).path_mtu, cases[i].found);
        assert_int_equal(pair_peer(world, B, A).path_mtu, cases[i].found);
        for (uint32_t serial = 0; serial < 20; serial++) { /* whole or in pieces, they come */
            assert_int_equal(pair_send(world, A, B, NETRON_MTU_DEFAULT, serial), NETRON_OK);
            pair_run(world, NF_MILLISECOND_NS);
        }
        assert_int_equal(netron_engine_send_message(world->nodes[A].engine, world->nodes[B].id,
                                                    world->nodes[A].packet,
                                                    NETRON_MESSAGE_BYTES_MAX, world->now_ns),
                         NETRON_OK);
        pair_run(world, NF_SECOND_NS);
        pair_assert_all_seen(world, B, 0, 20);
        assert_int_equal(world->nodes[B].event_count[NETRON_EVENT_MESSAGE], 1);
        pair_free(world);
    }
}

static void a_neighbour_that_moves_takes_its_circuits_along(void **state)
{
    (void)state;
    pair_world *world = line_world(3, false);
    line l = line_make(world, over_r, 3, 0);
    line_connect(world, &l);
    world->nodes[A].endpoint = pair_endpoint(900, 3);
    /* It says something to its relay, as each host does whose addresses change. */
    assert_int_equal(
        netron_engine_ping(world->nodes[A].engine, world->nodes[R].id, 1, world->now_ns),
        NETRON_OK);
    pair_run(world, 100 * NF_MILLISECOND_NS);
    uint32_t end = line_talk(world, A, B, 0, 50, NF_MILLISECOND_NS);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, 0, end);
    pair_assert_all_seen(world, B, 0, end);
    assert_int_equal(world->nodes[B].event_count[NETRON_EVENT_MOVED], 0);
    pair_free(world);
}

static void a_neighbour_whose_nat_moves_it_without_a_word_is_found_again(void **state)
{
    (void)state;
    pair_world *world = line_world(3, false);
    line l = line_make(world, over_r, 3, 0);
    line_connect(world, &l);
    pair_run(world, NF_SECOND_NS);
    world->nodes[A].endpoint = pair_endpoint(900, 3);
    uint32_t first = line_talk(world, A, B, 0, 30, NF_MILLISECOND_NS);
    assert_memory_equal(&world->nodes[R].last_event[NETRON_EVENT_MOVED].endpoint,
                        &world->nodes[A].endpoint, sizeof(netron_endpoint));
    uint32_t end = line_talk(world, A, B, first, 50, NF_MILLISECOND_NS);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, first, end);
    pair_assert_all_seen(world, B, first, end);
    pair_free(world);
}

/* --- what does not ---------------------------------------------------------------------------- */

static bool capture_relay(pair_world *world, pair_datagram *datagram)
{
    if (datagram->from == A && datagram->bytes[0] == NF_TYPE_RELAY) {
        pair_capture(world, datagram);
    }
    return true;
}

/* A circuit, and a datagram that A sent by it. */
static pair_world *make_captured(line *l, pair_datagram *datagram)
{
    pair_world *world = line_world(3, false);
    *l = line_make(world, over_r, 3, 0);
    line_connect(world, l);
    pair_run(world, 3 * NF_SECOND_NS);
    world->hook = capture_relay;
    assert_int_equal(pair_send(world, A, B, 100, 7), NETRON_OK);
    *datagram = *pair_captured(world, A, NF_TYPE_RELAY, 0);
    pair_run(world, NF_SECOND_NS);
    world->hook = NULL;
    return world;
}

static void only_the_neighbour_may_write_an_id(void **state)
{
    (void)state;
    line l;
    pair_datagram d;
    pair_world *world = make_captured(&l, &d);
    uint64_t before = pair_counters(world, R).relayed_packets;
    netron_endpoint stranger = pair_endpoint(700, 1);
    const netron_endpoint *wrong[] = {&world->nodes[B].endpoint, &stranger};
    uint32_t strays = world->strays;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pair_inject(world, R, wrong[i], d.bytes, d.length), NETRON_E_REFUSED);
        assert_int_equal(pair_drops(world, R, NETRON_DROP_NOT_NEIGHBOUR), i + 1);
    }
    for (unsigned i = 0; i < 500; i++) { /* A is asked for there, ten times a second */
        (void)pair_inject(world, R, &stranger, d.bytes, d.length);
        pair_run(world, 2 * NF_MILLISECOND_NS);
    }
    assert_in_range(world->strays - strays, 9, 11);
    assert_int_equal(world->nodes[R].event_count[NETRON_EVENT_MOVED], 0);
    /* The other side's id is not A's to write either, nor is an end's id anybody's but R's. */
    nf_store_le32(d.bytes + 4, l.back[1]);
    assert_int_equal(pair_inject(world, R, &world->nodes[A].endpoint, d.bytes, d.length),
                     NETRON_E_REFUSED);
    nf_store_le32(d.bytes + 4, l.ids[2]);
    assert_int_equal(pair_inject(world, B, &world->nodes[A].endpoint, d.bytes, d.length),
                     NETRON_E_REFUSED);
    assert_int_equal(pair_drops(world, B, NETRON_DROP_NOT_NEIGHBOUR), 1);
    assert_int_equal(pair_counters(world, R).relayed_packets, before);
    pair_free(world);
}

static void what_is_not_well_formed_is_dropped_at_the_relay_and_at_the_end(void **state)
{
    (void)state;
    line l;
    pair_datagram d;
    pair_world *world = make_captured(&l, &d);
    static const struct {
        unsigned at;
        uint8_t value;
    } wrongs[] = {
        {1, NF_RELAY_HOPS_MAX + 1}, {1, 255}, {2, 1}, {3, 1}, {8, 0}, {8, NF_TYPE_RELAY}, {8, 'd'},
    };
    const unsigned at[] = {R, B};
    const uint32_t ids[] = {l.ids[1], l.ids[2]};
    const netron_endpoint *from[] = {&world->nodes[A].endpoint, &world->nodes[R].endpoint};
    for (unsigned place = 0; place < 2; place++) {
        for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
            pair_datagram copy = d;
            nf_store_le32(copy.bytes + 4, ids[place]);
            copy.bytes[wrongs[i].at] = wrongs[i].value;
            assert_int_equal(pair_inject(world, at[place], from[place], copy.bytes, copy.length),
                             NETRON_E_MALFORMED);
            assert_int_equal(pair_drops(world, at[place], NETRON_DROP_MALFORMED), i + 1);
        }
        for (size_t length = 0; length < NF_RELAY_BYTES_MIN; length++) {
            assert_int_equal(pair_inject(world, at[place], from[place], d.bytes, length),
                             NETRON_E_MALFORMED);
        }
    }
    nf_store_le32(d.bytes + 4, l.ids[1]);
    d.bytes[1] = 0;
    assert_int_equal(pair_inject(world, R, from[0], d.bytes, d.length), NETRON_E_REFUSED);
    assert_int_equal(pair_drops(world, R, NETRON_DROP_HOPS), 1);
    d.bytes[1] = 1;
    assert_int_equal(pair_inject(world, R, from[0], d.bytes, d.length), NETRON_OK);
    pair_free(world);
}

static void an_id_that_nobody_gave_is_unknown(void **state)
{
    (void)state;
    line l;
    pair_datagram d;
    pair_world *world = make_captured(&l, &d);
    const uint32_t wrongs[] = {0, l.ids[1] ^ 1u, l.ids[1] ^ 1u << 31, l.ids[1] ^ 8u, l.ids[2]};
    for (unsigned i = 0; i < 5; i++) {
        nf_store_le32(d.bytes + 4, wrongs[i]);
        assert_int_equal(pair_inject(world, R, &world->nodes[A].endpoint, d.bytes, d.length),
                         NETRON_E_UNKNOWN_PEER);
        assert_int_equal(pair_drops(world, R, NETRON_DROP_NO_CIRCUIT), i + 1);
    }
    pair_free(world);
}

static void a_packet_that_comes_twice_by_a_circuit_is_taken_once(void **state)
{
    (void)state;
    line l;
    pair_datagram d;
    pair_world *world = make_captured(&l, &d);
    pair_assert_all_seen(world, B, 7, 8);
    assert_int_equal(pair_inject(world, R, &world->nodes[A].endpoint, d.bytes, d.length),
                     NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, B, 7, 8);
    assert_int_equal(pair_drops(world, B, NETRON_DROP_REPLAYED), 1);
    pair_free(world);
}

static void each_direction_has_its_bytes_a_second(void **state)
{
    (void)state;
    enum { PER_SECOND = 400000, SECONDS = 10 };
    pair_world *world = line_world(3, false);
    line l = line_make(world, over_r, 3, PER_SECOND);
    line_connect(world, &l);
    for (unsigned i = 0; i < SECONDS * 1000; i++) { /* three times as much from A, a tenth from B */
        (void)pair_send(world, A, B, 1200, i);
        if (i % 30 == 0) {
            (void)pair_send(world, B, A, 1200, i);
        }
        pair_run(world, NF_MILLISECOND_NS);
    }
    netron_circuit_info from_a, from_b;
    assert_int_equal(netron_engine_circuit_info(world->nodes[R].engine, l.ids[1], &from_a),
                     NETRON_OK);
    assert_int_equal(netron_engine_circuit_info(world->nodes[R].engine, l.back[1], &from_b),
                     NETRON_OK);
    assert_in_range(from_a.bytes, PER_SECOND * (SECONDS - 1), PER_SECOND * (SECONDS + 1));
    assert_true(pair_drops(world, R, NETRON_DROP_RELAY_LIMITED) > 6000);
    for (uint32_t serial = 0; serial < SECONDS * 1000 - 30; serial += 30) {
        assert_int_equal(pair_seen(world, A, serial), 1);
    }
    assert_int_equal(from_a.other_in, l.back[1]);
    assert_int_equal(from_b.other_in, l.ids[1]);
    assert_int_equal(from_b.id_out, l.ids[2]);
    assert_memory_equal(from_b.neighbour, world->nodes[B].id, NETRON_ID_BYTES);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_and_packets_both_ways_pass_a_relay_unchanged),
        cmocka_unit_test(two_relays_are_two_swaps_and_a_third_is_too_many),
        cmocka_unit_test(new_keys_are_made_through_the_circuit),
        cmocka_unit_test(the_shim_is_taken_off_the_size_of_the_path),
        cmocka_unit_test(a_neighbour_that_moves_takes_its_circuits_along),
        cmocka_unit_test(a_neighbour_whose_nat_moves_it_without_a_word_is_found_again),
        cmocka_unit_test(only_the_neighbour_may_write_an_id),
        cmocka_unit_test(what_is_not_well_formed_is_dropped_at_the_relay_and_at_the_end),
        cmocka_unit_test(an_id_that_nobody_gave_is_unknown),
        cmocka_unit_test(a_packet_that_comes_twice_by_a_circuit_is_taken_once),
        cmocka_unit_test(each_direction_has_its_bytes_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
