/* SPDX-License-Identifier: Apache-2.0 */
/* circuit_ends_test.c - which circuits may be made, and when they end. */
#include "line.h"
#include "machine/core.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { A = 0, R = 1, B = 2 };

static const unsigned over_r[] = {A, R, B};

static unsigned closed(const pair_world *world, unsigned node)
{
    return pair_events(world, node, NETRON_EVENT_CIRCUIT_CLOSED);
}

static const netron_event *last_closed(const pair_world *world, unsigned node)
{
    return pair_last_event(world, node, NETRON_EVENT_CIRCUIT_CLOSED);
}

/* --- when it ends ----------------------------------------------------------------------------- */

static void one_that_nobody_uses_ends_everywhere(void **state)
{
    (void)state;
    pair_world *world = line_world(3, false);
    line l = line_make(world, over_r, 3, 0);
    pair_run(world, NF_CIRCUIT_END_NS - NF_SECOND_NS);
    assert_int_equal(closed(world, A) + closed(world, R) + closed(world, B), 0);
    pair_run(world, 2 * NF_SECOND_NS);
    for (unsigned node = 0; node < 3; node++) {
        assert_int_equal(closed(world, node), 1);
        assert_int_equal(last_closed(world, node)->code, NETRON_CIRCUIT_IDLE);
    }
    assert_int_equal(last_closed(world, A)->endpoint.scope, l.back[0]);
    assert_int_equal(last_closed(world, A)->token, 0);
    assert_memory_equal(last_closed(world, A)->id, world->nodes[R].id, NETRON_ID_BYTES);
    assert_int_equal(last_closed(world, R)->endpoint.scope, l.ids[1]);
    assert_int_equal(last_closed(world, R)->token, l.back[1]);
    netron_circuit_info info;
    assert_int_equal(netron_engine_circuit_info(world->nodes[R].engine, l.ids[1], &info),
                     NETRON_E_INVALID);
    pair_free(world);
}

static void one_whose_session_is_kept_does_not_end(void **state)
{
    (void)state;
    pair_world *world = line_world(3, false);
    line l = line_make(world, over_r, 3, 0);
    line_connect(world, &l);
    pair_run(world, 600 * NF_SECOND_NS);
    assert_int_equal(closed(world, A) + closed(world, R) + closed(world, B), 0);
    assert_true(pair_is_up(world, A, B) && pair_is_up(world, B, A));
    uint64_t relayed = pair_counters(world, R).relayed_packets;
    assert_true(relayed > 0 && relayed < 200);
    pair_free(world);
}

static void it_ends_with_the_neighbour_and_the_peer_behind_it_soon_after(void **state)
{
    (void)state;
    pair_world *world = line_world(3, false);
    line l = line_make(world, over_r, 3, 0);
    line_connect(world, &l);
    uint64_t relayed = pair_counters(world, R).relayed_packets;
    assert_int_equal(
        netron_engine_hang_up(world->nodes[R].engine, world->nodes[A].id, world->now_ns),
        NETRON_OK);
    pair_run(world, 100 * NF_MILLISECOND_NS);
    const unsigned nodes[] = {A, R};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(closed(world, nodes[i]), 1);
        assert_int_equal(last_closed(world, nodes[i])->code, NETRON_CIRCUIT_NEIGHBOUR);
    }
    assert_memory_equal(last_closed(world, R)->id, world->nodes[A].id, NETRON_ID_BYTES);
    assert_int_equal(pair_counters(world, R).relayed_packets, relayed); /* kept in the total */
    assert_true(pair_is_up(world, A, B));
    assert_int_equal(world->nodes[A].last_event[NETRON_EVENT_PEER_DOWN].code, NETRON_DOWN_GOODBYE);
    pair_run(world, NF_CIRCUIT_ORPHAN_NS + 100 * NF_MILLISECOND_NS);
    assert_int_equal(pair_peer_count(world, A), 0);
    assert_memory_equal(world->nodes[A].last_event[NETRON_EVENT_PEER_DOWN].id, world->nodes[B].id,
                        NETRON_ID_BYTES);
    assert_int_equal(world->nodes[A].last_event[NETRON_EVENT_PEER_DOWN].code, NETRON_DOWN_SILENT);
    pair_free(world);
}

static void a_relay_that_died_is_told_of_at_once_and_missed_soon(void **state)
{
    (void)state;
    pair_world *world = line_world(3, false);
    line l = line_make(world, over_r, 3, 0);
    line_connect(world, &l);
    pair_run(world, NF_SECOND_NS);
    world->nodes[R].silent = true;
    for (uint32_t i = 0; i < 15; i++) {
        (void)pair_send(world, A, B, 100, i);
        pair_run(world, 100 * NF_MILLISECOND_NS);
    }
    /* Who sends notices, of the peer first. */
    assert_int_equal(pair_events(world, A, NETRON_EVENT_SILENT), 2);
    assert_memory_equal(pair_last_event(world, A, NETRON_EVENT_SILENT)->id, world->nodes[R].id,
                        NETRON_ID_BYTES);
    /* What goes through a relay asks it for nothing: it would be missed after a keepalive. */
    pair_run(world, NF_SILENT_END_NS);
    assert_int_equal(pair_peer_count(world, A), 0);
    pair_free(world);
}

static void one_that_is_closed_is_gone_at_once(void **state)
{
    (void)state;
    pair_world *world = line_world(3, false);
    line l = line_make(world, over_r, 3, 0);
    netron_engine *engine = world->nodes[A].engine;
    netron_endpoint circuit = line_endpoint(&l, false);
    assert_int_equal(netron_engine_dial(engine, &circuit, world->nodes[B].id, world->now_ns),
                     NETRON_OK);
    assert_int_equal(netron_engine_circuit_close(engine, l.back[0], world->now_ns), NETRON_OK);
    pair_run(world, 10 * NF_MILLISECOND_NS);
    assert_int_equal(last_closed(world, A)->code, NETRON_CIRCUIT_LOCAL);
    /* What was dialled through it fails now, and it is no endpoint any more. */
    assert_int_equal(world->nodes[A].event_count[NETRON_EVENT_DIAL_FAILED], 1);
    assert_int_equal(netron_engine_dial(engine, &circuit, world->nodes[B].id, world->now_ns),
                     NETRON_E_INVALID);
    assert_int_equal(netron_engine_circuit_close(engine, l.back[0], world->now_ns),
                     NETRON_E_INVALID);
    /* A relay closes both sides by either id. */
    engine = world->nodes[R].engine;
    assert_int_equal(netron_engine_circuit_close(engine, l.back[1], world->now_ns), NETRON_OK);
    assert_int_equal(netron_engine_circuit_close(engine, l.ids[1], world->now_ns),
                     NETRON_E_INVALID);
    pair_run(world, 10 * NF_MILLISECOND_NS);
    assert_int_equal(closed(world, R), 1);
    pair_free(world);
}

static void another_circuit_takes_over_when_one_ends(void **state)
{
    (void)state;
    pair_world *world = pair_new(4); /* 3 is a relay too */
    for (unsigned end = A; end <= B; end += B - A) {
        pair_connect(world, end, R);
        pair_connect(world, end, 3);
    }
    const unsigned over_3[] = {A, 3, B};
    line first = line_make(world, over_r, 3, 0), second = line_make(world, over_3, 3, 0);
    line_connect(world, &first);
    netron_endpoint circuit = line_endpoint(&second, false);
    assert_int_equal(
        netron_engine_try_path(world->nodes[A].engine, world->nodes[B].id, &circuit, world->now_ns),
        NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->nodes[A].event_count[NETRON_EVENT_PATH], 1);
    assert_int_equal(world->nodes[A].event_count[NETRON_EVENT_MOVED], 0);
    assert_int_equal(
        netron_engine_circuit_close(world->nodes[A].engine, first.back[0], world->now_ns),
        NETRON_OK);
    pair_run(world, 50 * NF_MILLISECOND_NS);
    assert_memory_equal(&world->nodes[A].last_event[NETRON_EVENT_MOVED].endpoint, &circuit,
                        sizeof(circuit));
    uint32_t end = line_talk(world, A, B, 100, 100, 20 * NF_MILLISECOND_NS);
    pair_run(world, 5 * NF_SECOND_NS);
    pair_assert_all_seen(world, B, 100, end);
    assert_true(pair_is_up(world, A, B));
    assert_int_equal(pair_peer(world, B, A).endpoint.scope, second.ids[2]);
    pair_free(world);
}

/* --- what may be made ------------------------------------------------------------------------- */

static void sides_that_can_not_be_are_refused(void **state)
{
    (void)state;
    pair_world *world = line_world(3, false);
    netron_engine *engine = world->nodes[R].engine;
    uint64_t now_ns = world->now_ns;
    netron_circuit_side a = {.id_in = netron_engine_circuit_id(engine), .id_out = 1}, b = a;
    b.id_in = netron_engine_circuit_id(engine);
    assert_int_not_equal(a.id_in, b.id_in);
    assert_int_equal(netron_engine_circuit_end(engine, &a, now_ns), NETRON_E_UNKNOWN_PEER);
    memcpy(a.neighbour, world->nodes[A].id, NETRON_ID_BYTES);
    memcpy(b.neighbour, world->nodes[A].id, NETRON_ID_BYTES);
    assert_int_equal(netron_engine_circuit_forward(engine, &a, &b, 0, now_ns), NETRON_E_INVALID);
    memcpy(b.neighbour, world->nodes[B].id, NETRON_ID_BYTES);
    netron_circuit_side wrong = b;
    wrong.id_in = 0;
    assert_int_equal(netron_engine_circuit_forward(engine, &a, &wrong, 0, now_ns),
                     NETRON_E_INVALID);
    wrong.id_in = b.id_in | 1; /* a lane that is not there */
    assert_int_equal(netron_engine_circuit_forward(engine, &a, &wrong, 0, now_ns),
                     NETRON_E_INVALID);
    wrong = b;
    wrong.id_out = 0;
    assert_int_equal(netron_engine_circuit_end(engine, &wrong, now_ns), NETRON_E_INVALID);
    wrong = b;
    wrong.id_in = a.id_in ^ 1u << 31; /* the same place */
    assert_int_equal(netron_engine_circuit_forward(engine, &a, &wrong, 0, now_ns), NETRON_E_IN_USE);
    assert_int_equal(netron_engine_circuit_forward(engine, &a, &b, 0, now_ns), NETRON_OK);
    assert_int_equal(netron_engine_circuit_end(engine, &wrong, now_ns), NETRON_E_IN_USE);
    /* One that is forwarded ends elsewhere: it is nothing to dial. */
    netron_endpoint circuit = {.kind = NETRON_ENDPOINT_CIRCUIT, .scope = a.id_in};
    assert_int_equal(netron_engine_dial(engine, &circuit, NULL, now_ns), NETRON_E_INVALID);
    circuit = (netron_endpoint){.kind = NETRON_ENDPOINT_TCP_IN + 1, .scope = a.id_in, .port = 1};
    assert_int_equal(netron_engine_dial(engine, &circuit, NULL, now_ns), NETRON_E_INVALID);
    assert_int_equal(netron_engine_receive(engine, a.neighbour, 32, &circuit, 0, now_ns),
                     NETRON_E_INVALID);
    pair_free(world);
}

static void all_places_can_be_taken_and_are_used_again(void **state)
{
    (void)state;
    pair_world *world = line_world(2, false);
    netron_engine *engine = world->nodes[A].engine;
    netron_circuit_side side = {.id_out = 5};
    memcpy(side.neighbour, world->nodes[1].id, NETRON_ID_BYTES);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < NETRON_CIRCUITS_MAX; i++) {
            side.id_in = netron_engine_circuit_id(engine);
            assert_int_not_equal(side.id_in, 0);
            assert_int_equal(netron_engine_circuit_end(engine, &side, world->now_ns), NETRON_OK);
        }
        assert_int_equal(netron_engine_circuit_id(engine), 0);
        pair_run(world, NF_CIRCUIT_END_NS + 2 * NF_SECOND_NS);
    }
    netron_circuit_info info;
    assert_int_equal(netron_engine_circuit_info(engine, side.id_in, &info), NETRON_E_INVALID);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_nobody_uses_ends_everywhere),
        cmocka_unit_test(one_whose_session_is_kept_does_not_end),
        cmocka_unit_test(it_ends_with_the_neighbour_and_the_peer_behind_it_soon_after),
        cmocka_unit_test(a_relay_that_died_is_told_of_at_once_and_missed_soon),
        cmocka_unit_test(one_that_is_closed_is_gone_at_once),
        cmocka_unit_test(another_circuit_takes_over_when_one_ends),
        cmocka_unit_test(sides_that_can_not_be_are_refused),
        cmocka_unit_test(all_places_can_be_taken_and_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
