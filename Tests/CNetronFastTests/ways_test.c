/* SPDX-License-Identifier: Apache-2.0 */
/* ways_test.c - which of a peer's paths is used, a circuit's or a direct one, and how soon when one
 * of them dies. */
#include "line.h"
#include "machine/core.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { A = 0, R = 1, B = 2, CHALLENGE_BYTES = NF_SESSION_OVERHEAD_BYTES + NF_LINK_CHALLENGE_BYTES };

static unsigned moves(const pair_world *world, unsigned node)
{
    return pair_events(world, node, NETRON_EVENT_MOVED);
}

/* --- what may pass between A and B --------------------------------------------------------------
 */

typedef struct links {
    bool cut_ab, cut_ba; /* what goes without a relay is lost */
    bool nat_a, nat_b;   /* only who was sent something may answer */
    bool opened_a, opened_b;
    bool lose_responses;   /* from A to B, without a relay */
    unsigned by_direct[3]; /* by sender: DATA that went without a relay */
} links;

static bool is_direct(const pair_datagram *d)
{
    return d->from != R && d->to != R;
}

static bool pass(pair_world *world, pair_datagram *d)
{
    links *l = world->context;
    if (!is_direct(d)) {
        return true;
    }
    l->by_direct[d->from] += d->bytes[0] == NF_TYPE_DATA;
    l->opened_a = l->opened_a || d->from == A;
    l->opened_b = l->opened_b || d->from == B;
    bool answer = d->length == CHALLENGE_BYTES && d->bytes[0] == NF_TYPE_LINK;
    bool passes = d->from == A ? (!l->nat_b || l->opened_b) && !(answer && l->lose_responses)
                               : !l->nat_a || l->opened_a;
    return passes && !(d->from == A ? l->cut_ab : l->cut_ba);
}

/* A and B, who reach each other by R alone. */
static pair_world *make_world_of(links *l, line *circuit, bool idle_ends)
{
    static const unsigned over_r[] = {A, R, B};
    pair_world *world = line_world(3, idle_ends);
    memset(l, 0, sizeof(*l));
    world->hook = pass;
    world->context = l;
    *circuit = line_make(world, over_r, 3, 0);
    line_connect(world, circuit);
    pair_run(world, 3 * NF_SECOND_NS);
    return world;
}

static pair_world *make_world(links *l, line *circuit)
{
    return make_world_of(l, circuit, false);
}

/* The same, moved to the direct path. */
static pair_world *make_direct_of(links *l, line *circuit, bool idle_ends)
{
    pair_world *world = make_world_of(l, circuit, idle_ends);
    assert_int_equal(pair_try_path(world, A, B, &world->nodes[B].endpoint), NETRON_OK);
    pair_run(world, 3 * NF_SECOND_NS);
    assert_false(line_is_relayed(world, A, B) || line_is_relayed(world, B, A));
    return world;
}

static pair_world *make_direct(links *l, line *circuit)
{
    return make_direct_of(l, circuit, false);
}

/* Packets each way, each 10 ms. @return the serial after the last */
static uint32_t talk(pair_world *world, uint32_t serial, uint64_t duration_ns)
{
    for (uint64_t end_ns = world->now_ns + duration_ns; world->now_ns < end_ns; serial++) {
        (void)pair_send(world, A, B, 200, serial);
        (void)pair_send(world, B, A, 200, serial);
        pair_run(world, 10 * NF_MILLISECOND_NS);
    }
    return serial;
}

/* --- between circuits ------------------------------------------------------------------------- */

/* A and B choose different relays at the same time; so each hears the other by its own choice. */
static void two_that_chose_different_circuits_do_not_swap_them_for_ever(void **state)
{
    (void)state;
    static const unsigned over[3][3] = {{A, R, B}, {A, 3, B}, {A, 4, B}};
    pair_world *world = line_world(5, false);
    line_befriend(world, 3, A);
    line_befriend(world, 4, A);
    line_befriend(world, 4, B);
    line lines[3];
    for (unsigned i = 0; i < 3; i++) {
        lines[i] = line_make(world, over[i], 3, 0);
    }
    line_connect(world, &lines[0]);
    for (unsigned i = 1; i < 3; i++) {
        netron_endpoint of_a = line_endpoint(&lines[i], false);
        netron_endpoint of_b = line_endpoint(&lines[i], true);
        assert_int_equal(pair_try_path(world, A, B, &of_a), NETRON_OK);
        assert_int_equal(pair_try_path(world, B, A, &of_b), NETRON_OK);
    }
    pair_run(world, 3 * NF_SECOND_NS);
    netron_endpoint by_3 = line_endpoint(&lines[1], false), by_4 = line_endpoint(&lines[2], true);
    assert_int_equal(pair_use_path(world, A, B, &by_3), NETRON_OK);
    assert_int_equal(pair_use_path(world, B, A, &by_4), NETRON_OK);
    unsigned before = moves(world, A) + moves(world, B);
    uint32_t serial = talk(world, 0, 10 * NF_SECOND_NS);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, 0, serial);
    pair_assert_all_seen(world, B, 0, serial);
    assert_true(moves(world, A) + moves(world, B) - before <= 4);
    pair_free(world);
}

/* --- from a circuit to a direct path ---------------------------------------------------------- */

static void a_direct_path_that_answers_takes_over_at_both_ends(void **state)
{
    (void)state;
    links l;
    line circuit;
    pair_world *world = make_world(&l, &circuit);
    assert_true(line_is_relayed(world, A, B) && line_is_relayed(world, B, A));
    assert_int_equal(pair_try_path(world, A, B, &world->nodes[B].endpoint), NETRON_OK);
    pair_run(world, 50 * NF_MILLISECOND_NS);
    const netron_event *path = &world->nodes[A].last_event[NETRON_EVENT_PATH];
    assert_int_equal(pair_events(world, A, NETRON_EVENT_PATH), 1);
    assert_memory_equal(path->id, world->nodes[B].id, NETRON_ID_BYTES);
    assert_memory_equal(&path->endpoint, &world->nodes[B].endpoint, sizeof(path->endpoint));
    assert_in_range(path->rtt_ns, 2 * PAIR_LATENCY_NS - (1 << 13), 2 * PAIR_LATENCY_NS + (1 << 13));
    /* Nothing was asked for at the other end. */
    assert_int_equal(pair_events(world, B, NETRON_EVENT_PATH), 0);
    for (unsigned node = A; node <= B; node += B - A) {
        assert_int_equal(moves(world, node), 1);
        assert_memory_equal(&world->nodes[node].last_event[NETRON_EVENT_MOVED].endpoint,
                            &world->nodes[B - node].endpoint, sizeof(netron_endpoint));
    }
    uint64_t relayed = pair_counters(world, R).relayed_packets;
    uint32_t end = talk(world, 0, NF_SECOND_NS);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, 0, end);
    pair_assert_all_seen(world, B, 0, end);
    assert_int_equal(pair_counters(world, R).relayed_packets, relayed);
    pair_free(world);
}

static void nothing_is_lost_when_it_takes_over_under_traffic(void **state)
{
    (void)state;
    links l;
    line circuit;
    pair_world *world = make_world(&l, &circuit);
    uint32_t serial = talk(world, 0, NF_SECOND_NS);
    assert_int_equal(pair_try_path(world, B, A, &world->nodes[A].endpoint), NETRON_OK);
    serial = talk(world, serial, 2 * NF_SECOND_NS);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, 0, serial);
    pair_assert_all_seen(world, B, 0, serial);
    assert_int_equal(moves(world, A) + moves(world, B), 2);
    pair_free(world);
}

static void two_that_try_at_once_open_their_nats(void **state)
{
    (void)state;
    links l;
    line circuit;
    pair_world *world = make_world(&l, &circuit);
    l.nat_a = l.nat_b = true;
    assert_int_equal(pair_try_path(world, A, B, &world->nodes[B].endpoint), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_true(line_is_relayed(world, A, B) && line_is_relayed(world, B, A));
    l.opened_a = false;
    assert_int_equal(pair_try_path(world, A, B, &world->nodes[B].endpoint), NETRON_OK);
    assert_int_equal(pair_try_path(world, B, A, &world->nodes[A].endpoint), NETRON_OK);
    pair_run(world, NF_SECOND_NS / 10);
    assert_false(line_is_relayed(world, A, B) || line_is_relayed(world, B, A));
    pair_free(world);
}

static void a_direct_path_is_not_left_for_what_still_comes_by_the_circuit(void **state)
{
    (void)state;
    links l;
    line circuit;
    pair_world *world = make_world(&l, &circuit);
    /* A's answers to B's challenges are lost: B stays on the circuit for a while and sends by it.
     */
    l.lose_responses = true;
    uint32_t serial = talk(world, 0, NF_SECOND_NS);
    netron_endpoint b = world->nodes[B].endpoint;
    l.lose_responses = false; /* the challenge itself passes */
    assert_int_equal(pair_try_path(world, A, B, &b), NETRON_OK);
    pair_flush(world);
    l.lose_responses = true;
    serial = talk(world, serial, 2 * NF_SECOND_NS);
    assert_false(line_is_relayed(world, A, B));
    assert_true(line_is_relayed(world, B, A));
    l.lose_responses = false;
    serial = talk(world, serial, NF_SECOND_NS);
    assert_false(line_is_relayed(world, A, B) || line_is_relayed(world, B, A));
    assert_int_equal(moves(world, A), 1);
    assert_int_equal(moves(world, B), 1);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, 0, serial);
    pair_assert_all_seen(world, B, 0, serial);
    pair_free(world);
}

static void a_handshake_through_the_circuit_does_not_move_a_direct_path_that_lives(void **state)
{
    (void)state;
    links l;
    line circuit;
    pair_world *world = make_direct(&l, &circuit);
    uint32_t serial = talk(world, 0, NF_SECOND_NS);
    uint64_t taken = pair_counters(world, B).handshakes_taken;
    netron_endpoint by_circuit = line_endpoint(&circuit, false);
    /* As the core begins one: the caller's own dials leave a good session alone. */
    nf_core *core = pair_core(world, A);
    uint32_t number = nf_peers_find(core, world->nodes[B].id);
    nf_path direct = core->peers[number].path;
    core->peers[number].path.remote = by_circuit;
    nf_dial_again(core, number);
    core->peers[number].path = direct;
    serial = talk(world, serial, NF_SECOND_NS);
    assert_int_equal(pair_counters(world, B).handshakes_taken, taken + 1);
    assert_false(line_is_relayed(world, A, B) || line_is_relayed(world, B, A));
    assert_int_equal(moves(world, A) + moves(world, B), 2);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, 0, serial);
    pair_assert_all_seen(world, B, 0, serial);
    pair_free(world);
}

/* --- and back --------------------------------------------------------------------------------- */

/* Cuts the direct path under traffic. @return the longest that either end heard nothing */
static uint64_t outage(bool idle_ends, bool ab, bool ba, bool both_talk)
{
    links l;
    line circuit;
    pair_world *world = make_direct_of(&l, &circuit, idle_ends);
    uint32_t serial = 0;
    uint64_t heard_ns[3] = {0}, longest_ns = 0;
    uint32_t had[3] = {0};
    for (unsigned i = 0; i < 600; i++, serial++) { /* 6 s, cut after 2 */
        if (i == 200) {
            l.cut_ab = ab;
            l.cut_ba = ba;
        }
        (void)pair_send(world, A, B, 200, serial);
        if (both_talk) {
            (void)pair_send(world, B, A, 200, serial);
        }
        pair_run(world, 10 * NF_MILLISECOND_NS);
        for (unsigned node = A; node <= B; node += B - A) {
            if (node == A && !both_talk) {
                continue;
            }
            if (world->nodes[node].packets != had[node] || i == 0) {
                heard_ns[node] = world->now_ns;
                had[node] = world->nodes[node].packets;
            }
            uint64_t silent_ns = world->now_ns - heard_ns[node];
            longest_ns = silent_ns > longest_ns ? silent_ns : longest_ns;
        }
    }
    assert_true(line_is_relayed(world, A, B));
    assert_int_equal(pair_events(world, A, NETRON_EVENT_PEER_DOWN), 0);
    assert_int_equal(pair_events(world, B, NETRON_EVENT_PEER_DOWN), 0);
    /* It works again: who tries it gets it back. */
    l.cut_ab = l.cut_ba = false;
    assert_int_equal(pair_try_path(world, A, B, &world->nodes[B].endpoint), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_false(line_is_relayed(world, A, B) || line_is_relayed(world, B, A));
    pair_free(world);
    return longest_ns;
}

static void a_direct_path_that_dies_under_traffic_is_replaced_within_a_second(void **state)
{
    (void)state;
    for (int idle_ends = 0; idle_ends < 2; idle_ends++) {
        assert_in_range(outage(idle_ends, true, true, true), NF_UNANSWERED_MIN_NS, NF_SECOND_NS);
        assert_in_range(outage(idle_ends, true, true, false), NF_UNANSWERED_MIN_NS, NF_SECOND_NS);
        /* In one direction: who is not heard does not know, who hears nothing tells it. */
        assert_in_range(outage(idle_ends, true, false, true), NF_UNANSWERED_MIN_NS,
                        3 * NF_SECOND_NS / 2);
        assert_in_range(outage(idle_ends, false, true, true), NF_UNANSWERED_MIN_NS,
                        3 * NF_SECOND_NS / 2);
    }
}

static void both_ends_use_the_circuit_then(void **state)
{
    (void)state;
    links l;
    line circuit;
    pair_world *world = make_direct(&l, &circuit);
    uint32_t serial = talk(world, 0, NF_SECOND_NS);
    l.cut_ab = l.cut_ba = true;
    serial = talk(world, serial, 2 * NF_SECOND_NS);
    uint32_t first = serial;
    serial = talk(world, serial, 5 * NF_SECOND_NS);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, first, serial);
    pair_assert_all_seen(world, B, first, serial);
    assert_int_equal(moves(world, A), 2);
    assert_int_equal(moves(world, B), 2);
    netron_endpoint of_a = line_endpoint(&circuit, false);
    assert_memory_equal(&world->nodes[A].last_event[NETRON_EVENT_MOVED].endpoint, &of_a,
                        sizeof(of_a));
    pair_free(world);
}

/* The direct path comes back when the circuit is challenged, whose answer takes long. */
static bool revive_when_challenged(pair_world *world, pair_datagram *d)
{
    links *l = world->context;
    bool is_challenge =
        d->bytes[0] == NF_TYPE_RELAY && d->length == NF_CIRCUIT_SHIM_BYTES + CHALLENGE_BYTES;
    if (is_challenge) {
        l->cut_ab = l->cut_ba = false;
        d->arrives_ns += 100 * NF_MILLISECOND_NS;
    }
    /* The handshakes that begin at the same time would end the session that was challenged. */
    return pass(world, d) && d->bytes[0] >= NF_TYPE_DATA;
}

static void a_direct_path_that_is_heard_meanwhile_stays(void **state)
{
    (void)state;
    links l;
    line circuit;
    pair_world *world = make_direct(&l, &circuit);
    uint32_t serial = talk(world, 0, NF_SECOND_NS);
    world->hook = revive_when_challenged;
    l.cut_ab = l.cut_ba = true;
    serial = talk(world, serial, 2 * NF_SECOND_NS);
    assert_false(l.cut_ab);
    assert_false(line_is_relayed(world, A, B) || line_is_relayed(world, B, A));
    assert_int_equal(moves(world, A) + moves(world, B), 2);
    pair_free(world);
}

static bool lose_one_in_five(pair_world *world, pair_datagram *d)
{
    return !is_direct(d) || pair_random(world, 5) != 0;
}

static void loss_alone_is_no_reason_to_leave_a_direct_path(void **state)
{
    (void)state;
    links l;
    line circuit;
    pair_world *world = make_direct(&l, &circuit);
    world->hook = lose_one_in_five;
    (void)talk(world, 0, 60 * NF_SECOND_NS);
    assert_int_equal(moves(world, A) + moves(world, B), 2);
    /* A peer that is sent much and answers nothing but echoes seems silent now and then, as more
     * than a third of these are lost with their answers: it moves at most once in 3 s. */
    for (uint32_t serial = 0; serial < 6000; serial++) {
        (void)pair_send(world, A, B, 200, serial);
        pair_run(world, 10 * NF_MILLISECOND_NS);
    }
    assert_in_range(moves(world, A) + moves(world, B), 2, 2 + 60 / 3);
    pair_free(world);
}

static void one_that_is_idle_when_it_dies_falls_back_with_the_first_packets(void **state)
{
    (void)state;
    links l;
    line circuit;
    pair_world *world = make_direct(&l, &circuit);
    pair_run(world, 20 * NF_SECOND_NS);
    l.cut_ab = l.cut_ba = true;
    uint32_t serial = talk(world, 0, NF_SECOND_NS);
    uint32_t first = serial;
    serial = talk(world, serial, NF_SECOND_NS);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, first, serial);
    pair_assert_all_seen(world, B, first, serial);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_that_chose_different_circuits_do_not_swap_them_for_ever),
        cmocka_unit_test(a_direct_path_that_answers_takes_over_at_both_ends),
        cmocka_unit_test(nothing_is_lost_when_it_takes_over_under_traffic),
        cmocka_unit_test(two_that_try_at_once_open_their_nats),
        cmocka_unit_test(a_direct_path_is_not_left_for_what_still_comes_by_the_circuit),
        cmocka_unit_test(a_handshake_through_the_circuit_does_not_move_a_direct_path_that_lives),
        cmocka_unit_test(a_direct_path_that_dies_under_traffic_is_replaced_within_a_second),
        cmocka_unit_test(both_ends_use_the_circuit_then),
        cmocka_unit_test(a_direct_path_that_is_heard_meanwhile_stays),
        cmocka_unit_test(loss_alone_is_no_reason_to_leave_a_direct_path),
        cmocka_unit_test(one_that_is_idle_when_it_dies_falls_back_with_the_first_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
