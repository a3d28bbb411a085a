/* SPDX-License-Identifier: Apache-2.0 */
/* overlap_test.c - handshakes that run at the same time, and nodes that begin anew. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static unsigned smaller_of(const pair_world *world)
{
    return memcmp(world->nodes[0].id, world->nodes[1].id, NETRON_ID_BYTES) < 0 ? 0 : 1;
}

/* Both send a packet each step. @return the serial after the last; node n's begin at n * 30000 */
static uint32_t talk(pair_world *world, uint32_t serial, unsigned steps, uint64_t step_ns)
{
    for (unsigned i = 0; i < steps; i++, serial++) {
        for (unsigned node = 0; node < 2; node++) {
            (void)pair_send(world, node, 1 - node, 100, node * 30000 + serial);
        }
        pair_run(world, step_ns);
    }
    return serial;
}

static void assert_heard(const pair_world *world, uint32_t first, uint32_t end)
{
    pair_assert_all_seen(world, 1, first, end);
    pair_assert_all_seen(world, 0, 30000 + first, 30000 + end);
}

/* --- both dial -------------------------------------------------------------------------------- */

/* Where the packets of `from` go, by the receiver index that the last ones carry. */
static uint32_t last_index(const pair_world *world, unsigned from)
{
    uint32_t index = 0;
    for (const pair_datagram *d = world->captured; d != NULL; d = d->next) {
        if (d->from == from && d->bytes[0] == NF_TYPE_DATA) {
            index = nf_receiver_index_of(d->bytes);
        }
    }
    return index;
}

static void both_dial(uint64_t between_ns, uint64_t latency_ns)
{
    pair_world *world = pair_new(2);
    world->latency_ns = latency_ns;
    world->hook = pair_capture_all;
    pair_dial(world, 0, 1);
    pair_run(world, between_ns);
    pair_dial(world, 1, 0);
    /* What is sent before there is a session waits, some packets of it. */
    uint64_t step_ns = 5 * NF_MILLISECOND_NS + latency_ns;
    uint32_t end = talk(world, 0, 100, step_ns);
    pair_run(world, NF_SECOND_NS);
    assert_heard(world, 0, end);

    /* Both handshakes were done to the end, ... */
    for (unsigned node = 0; node < 2; node++) {
        assert_int_equal(pair_counters(world, node).handshakes_done, 1);
        assert_int_equal(pair_counters(world, node).handshakes_taken, 1);
        assert_int_equal(pair_count(world, node, NF_TYPE_MESSAGE3), 1);
        /* The dial has its answer, also when the other's handshake was done before it. */
        assert_in_range(world->nodes[node].event_count[NETRON_EVENT_PEER_UP], 1, 2);
        assert_int_equal(world->nodes[node].event_count[NETRON_EVENT_DIAL_FAILED], 0);
    }
    /* ... and the one that the smaller id began is the one in use, in both directions. */
    unsigned smaller = smaller_of(world);
    const pair_datagram *message3 = pair_captured(world, smaller, NF_TYPE_MESSAGE3, 0);
    const pair_datagram *message2 = pair_captured(world, 1 - smaller, NF_TYPE_MESSAGE2, 0);
    assert_int_equal(last_index(world, smaller), nf_receiver_index_of(message3->bytes));
    assert_int_equal(last_index(world, 1 - smaller), nf_receiver_index_of(message2->bytes));
    pair_free(world);
}

static void two_that_dial_each_other_choose_the_same_session(void **state)
{
    (void)state;
    both_dial(0, PAIR_LATENCY_NS);
    both_dial(NF_MILLISECOND_NS, PAIR_LATENCY_NS);
    both_dial(PAIR_LATENCY_NS - 1, PAIR_LATENCY_NS);
    both_dial(0, 90 * NF_MILLISECOND_NS);
}

static void two_that_dial_each_other_on_a_link_without_delay_agree(void **state)
{
    (void)state;
    both_dial(0, 0);
}

static bool lose_a_third_of_the_handshakes(pair_world *world, pair_datagram *datagram)
{
    (void)datagram;
    /* Confirmations too: those are all that is sealed so early. */
    uint64_t age_ns = world->now_ns - PAIR_START_NS;
    return age_ns > 10 * NF_SECOND_NS || pair_random(world, 3) != 0;
}

static void two_that_dial_each_other_agree_whatever_is_lost(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        pair_world *world = pair_new(2);
        world->random_state = seed * 7919;
        world->hook = lose_a_third_of_the_handshakes;
        pair_dial(world, 0, 1);
        pair_run(world, pair_random(world, 4) * 3 * NF_MILLISECOND_NS);
        pair_dial(world, 1, 0);
        pair_run(world, 11 * NF_SECOND_NS);
        assert_true(pair_is_up(world, 0, 1));
        assert_true(pair_is_up(world, 1, 0));
        /* Past the time that a previous session stays. */
        uint32_t end = talk(world, 0, 400, 100 * NF_MILLISECOND_NS);
        pair_run(world, NF_SECOND_NS);
        assert_heard(world, 0, end);
        pair_free(world);
    }
}

static void a_dial_of_a_peer_that_is_up_makes_no_session(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_dial(world, 0, 1);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_PEER_UP], 1);
    pair_dial(world, 0, 1);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_PEER_UP], 2);
    assert_int_equal(world->nodes[1].event_count[NETRON_EVENT_PEER_UP], 1);
    assert_int_equal(pair_counters(world, 0).handshakes_done, 1);
    assert_int_equal(pair_counters(world, 1).handshakes_taken, 1);
    pair_free(world);
}

static void several_dials_to_one_peer_end_in_one_session(void **state)
{
    (void)state;
    for (unsigned from = 0; from < 2; from++) {
        pair_world *world = pair_new(2);
        for (unsigned i = 0; i < 5; i++) {
            pair_dial(world, from, 1 - from);
            pair_run(world, NF_MILLISECOND_NS);
        }
        pair_run(world, NF_SECOND_NS);
        uint32_t end = talk(world, 0, 300, 100 * NF_MILLISECOND_NS);
        assert_heard(world, 0, end - 1);
        /* Each dial has its answer; who was dialled hears of one newcomer. */
        assert_int_equal(world->nodes[from].event_count[NETRON_EVENT_PEER_UP], 5);
        assert_int_equal(world->nodes[1 - from].event_count[NETRON_EVENT_PEER_UP], 1);
        for (unsigned node = 0; node < 2; node++) {
            assert_int_equal(world->nodes[node].event_count[NETRON_EVENT_PEER_DOWN], 0);
            assert_int_equal(pair_peer_count(world, node), 1);
        }
        pair_free(world);
    }
}

/* --- beginning anew --------------------------------------------------------------------------- */

static void one_that_begins_anew_dials_and_is_heard_at_once(void **state)
{
    (void)state;
    for (unsigned restarted = 0; restarted < 2; restarted++) {
        pair_world *world = pair_new(2);
        pair_connect(world, 0, 1);
        talk(world, 0, 10, 10 * NF_MILLISECOND_NS);
        pair_restart(world, restarted);
        pair_dial(world, restarted, 1 - restarted);
        pair_run(world, 4 * PAIR_LATENCY_NS);
        uint32_t end = talk(world, 100, 300, 100 * NF_MILLISECOND_NS);
        pair_run(world, NF_SECOND_NS);
        assert_heard(world, 100, end);
        assert_int_equal(pair_peer_count(world, 1 - restarted), 1);
        pair_free(world);
    }
}

static void one_that_begins_anew_in_silence_is_found_by_who_sends_to_it(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    pair_restart(world, 1);
    world->nodes[1].event_count[NETRON_EVENT_PEER_UP] = 0;
    for (uint32_t serial = 0; serial < 30; serial++) {
        (void)pair_send(world, 0, 1, 100, serial);
        pair_run(world, 100 * NF_MILLISECOND_NS);
    }
    assert_int_equal(world->nodes[1].event_count[NETRON_EVENT_PEER_UP], 1);
    /* Who lost nothing hears of nothing. */
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_PEER_UP], 1);
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_PEER_DOWN], 0);
    uint32_t end = talk(world, 100, 20, 10 * NF_MILLISECOND_NS);
    pair_run(world, NF_SECOND_NS);
    assert_heard(world, 100, end);
    pair_free(world);
}

static void two_that_begin_anew_meet_again(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    pair_restart(world, 0);
    pair_restart(world, 1);
    pair_dial(world, 0, 1);
    pair_dial(world, 1, 0);
    uint32_t end = talk(world, 0, 100, 10 * NF_MILLISECOND_NS);
    pair_run(world, NF_SECOND_NS);
    assert_heard(world, 0, end);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_that_dial_each_other_choose_the_same_session),
        cmocka_unit_test(two_that_dial_each_other_on_a_link_without_delay_agree),
        cmocka_unit_test(two_that_dial_each_other_agree_whatever_is_lost),
        cmocka_unit_test(a_dial_of_a_peer_that_is_up_makes_no_session),
        cmocka_unit_test(several_dials_to_one_peer_end_in_one_session),
        cmocka_unit_test(one_that_begins_anew_dials_and_is_heard_at_once),
        cmocka_unit_test(one_that_begins_anew_in_silence_is_found_by_who_sends_to_it),
        cmocka_unit_test(two_that_begin_anew_meet_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
