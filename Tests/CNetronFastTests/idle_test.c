/* SPDX-License-Identifier: Apache-2.0 */
/* idle_test.c - sessions that nobody uses: one that an end keeps stays, another ends at both ends.
 */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* Renewing a session tells nothing of its use, but an end can be no more exact than that. */
#define SLACK_NS (2 * NF_SECOND_NS)

static unsigned downs(const pair_world *world, unsigned node)
{
    return world->nodes[node].event_count[NETRON_EVENT_PEER_DOWN];
}

static bool is_down_idle(const pair_world *world, unsigned node)
{
    return downs(world, node) == 1 &&
           world->nodes[node].last_event[NETRON_EVENT_PEER_DOWN].code == NETRON_DOWN_IDLE;
}

/* Two nodes; those of the mask begin with peers that they do not keep. */
static pair_world *make_pair(unsigned idle_ends)
{
    pair_world *world = pair_new(0);
    for (unsigned node = 0; node < 2; node++) {
        netron_options options = pair_options(world, node);
        options.idle_ends = idle_ends >> node & 1;
        pair_add_with(world, &options);
    }
    pair_connect(world, 0, 1);
    return world;
}

static void keep(pair_world *world, unsigned node, uint32_t kept)
{
    assert_int_equal(netron_engine_keep(world->nodes[node].engine, world->nodes[1 - node].id, kept,
                                        world->now_ns),
                     NETRON_OK);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void a_session_that_nobody_uses_or_keeps_ends_at_both_ends(void **state)
{
    (void)state;
    pair_world *world = make_pair(3);
    pair_run(world, NF_IDLE_END_NS - NF_SECOND_NS);
    assert_int_equal(downs(world, 0) + downs(world, 1), 0);
    pair_run(world, SLACK_NS);
    assert_true(is_down_idle(world, 0) && is_down_idle(world, 1));
    assert_int_equal(pair_peer_count(world, 0) + pair_peer_count(world, 1), 0);
    /* Nothing is left to do, and no renewal brings it back. */
    pair_run(world, 30 * NF_SECOND_NS);
    assert_true(netron_engine_deadline(world->nodes[0].engine) == UINT64_MAX);
    assert_true(netron_engine_deadline(world->nodes[1].engine) == UINT64_MAX);
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_PEER_UP], 1);
    /* They may meet again. */
    pair_connect(world, 1, 0);
    pair_free(world);
}

static bool lose_first_messages(pair_world *world, pair_datagram *datagram)
{
    const bool *lost = world->context;
    return !*lost || datagram->bytes[0] != NF_TYPE_MESSAGE1;
}

/* Used a while ago, and its keys could not be renewed: the attempts end with it. */
static void what_ended_idle_is_not_brought_back_by_new_keys(void **state)
{
    (void)state;
    pair_world *world = make_pair(3);
    bool lost = false;
    world->hook = lose_first_messages;
    world->context = &lost;
    pair_run(world, 100 * NF_SECOND_NS);
    assert_int_equal(pair_send(world, 0, 1, 100, 1), NETRON_OK);
    pair_run(world, 130 * NF_SECOND_NS); /* the second session is nearly as old as it gets */
    lost = true;
    while (downs(world, 0) == 0) {
        pair_run(world, NF_SECOND_NS / 10);
    }
    assert_true(is_down_idle(world, 0));
    lost = false;
    pair_run(world, 60 * NF_SECOND_NS);
    assert_true(is_down_idle(world, 1));
    for (unsigned node = 0; node < 2; node++) {
        assert_int_equal(world->nodes[node].event_count[NETRON_EVENT_PEER_UP], 1);
        assert_int_equal(pair_peer_count(world, node), 0);
    }
    pair_free(world);
}

static bool count_links(pair_world *world, pair_datagram *datagram)
{
    *(unsigned *)world->context += datagram->bytes[0] == NF_TYPE_LINK;
    return true;
}

static void who_is_not_kept_is_not_asked(void **state)
{
    (void)state;
    pair_world *world = make_pair(3);
    pair_run(world, 10 * NF_SECOND_NS); /* the path has been searched by then */
    unsigned links = 0;
    world->hook = count_links;
    world->context = &links;
    pair_run(world, NF_IDLE_END_NS - 11 * NF_SECOND_NS);
    assert_int_equal(links, 0);
    pair_run(world, SLACK_NS);
    assert_in_range(links, 1, 2); /* the goodbyes */
    pair_free(world);
}

static bool count_large(pair_world *world, pair_datagram *datagram)
{
    *(unsigned *)world->context +=
        datagram->bytes[0] == NF_TYPE_LINK && datagram->length > NF_PATH_MTU_BASE;
    return true;
}

/* The probes of a search are what a session costs most; control messages fit every path. */
static void a_path_is_searched_when_a_packet_wants_it(void **state)
{
    (void)state;
    pair_world *world = make_pair(3);
    keep(world, 0, 1);
    unsigned probes = 0;
    world->hook = count_large;
    world->context = &probes;
    pair_run(world, 60 * NF_SECOND_NS);
    assert_int_equal(probes, 0);
    assert_int_equal(pair_send(world, 0, 1, 100, 1), NETRON_OK);
    pair_run(world, 5 * NF_SECOND_NS);
    assert_true(probes > 0);
    pair_free(world);
}

static bool count_links_from_0(pair_world *world, pair_datagram *datagram)
{
    *(unsigned *)world->context += datagram->bytes[0] == NF_TYPE_LINK && datagram->from == 0 &&
                                   datagram->length < 100; /* no probe of the path */
    return true;
}

/* Messages of the overlay seldom have an answer; to ask after each would cost more than they do. */
static void a_message_is_not_asked_after_and_a_packet_is(void **state)
{
    (void)state;
    pair_world *world = make_pair(3);
    static const uint8_t message[] = {1, 2, 3};
    unsigned links = 0;
    world->hook = count_links_from_0;
    world->context = &links;
    assert_int_equal(netron_engine_send_message(world->nodes[0].engine, world->nodes[1].id, message,
                                                sizeof(message), world->now_ns),
                     NETRON_OK);
    pair_run(world, 10 * NF_SECOND_NS);
    assert_int_equal(links, 0);
    assert_int_equal(pair_send(world, 0, 1, 100, 1), NETRON_OK);
    pair_run(world, 5 * NF_SECOND_NS); /* what answers the probes of the path answers the packet */
    links = 0;
    assert_int_equal(pair_send(world, 0, 1, 100, 1), NETRON_OK);
    pair_run(world, 5 * NF_SECOND_NS);
    assert_true(links > 0);
    pair_free(world);
}

/* --- kept ------------------------------------------------------------------------------------- */

static void a_session_that_one_end_keeps_stays(void **state)
{
    (void)state;
    for (unsigned keeper = 0; keeper < 2; keeper++) { /* the dialler, the other */
        pair_world *world = make_pair(3);
        keep(world, keeper, 1);
        pair_run(world, 10 * NF_IDLE_END_NS);
        assert_int_equal(downs(world, 0) + downs(world, 1), 0);
        assert_true(pair_is_up(world, 0, 1) && pair_is_up(world, 1, 0));

        /* Let go of, it ends when the other has had the time to ask. */
        keep(world, keeper, 0);
        pair_run(world, NF_IDLE_ASKED_NS - NF_KEEPALIVE_NS - SLACK_NS);
        assert_int_equal(downs(world, 0) + downs(world, 1), 0);
        keep(world, 0, 0); /* once more changes nothing */
        keep(world, 1, 0);
        pair_run(world, NF_KEEPALIVE_NS + 2 * SLACK_NS);
        assert_true(is_down_idle(world, 0) && is_down_idle(world, 1));
        pair_free(world);
    }
}

/* The end that always asked first lets go: the other has the time to ask instead. */
static void the_other_end_may_keep_it_then(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 2; first++) {
        pair_world *world = make_pair(0);
        pair_run(world, 10 * NF_IDLE_END_NS);
        keep(world, first, 0);
        pair_run(world, 10 * NF_IDLE_END_NS);
        assert_int_equal(downs(world, 0) + downs(world, 1), 0);
        pair_free(world);
    }
}

static void without_the_option_peers_are_kept(void **state)
{
    (void)state;
    pair_world *world = make_pair(2); /* node 1 would let go */
    pair_run(world, 5 * NF_IDLE_END_NS);
    assert_int_equal(downs(world, 0) + downs(world, 1), 0);
    pair_free(world);
}

static void nobody_keeps_one_who_is_not_here(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    assert_int_equal(
        netron_engine_keep(world->nodes[0].engine, world->nodes[1].id, 1, world->now_ns),
        NETRON_E_UNKNOWN_PEER);
    pair_free(world);
}

/* --- used ------------------------------------------------------------------------------------- */

static void say(pair_world *world, unsigned from)
{
    const uint8_t word[] = "a message";
    assert_int_equal(netron_engine_send_message(world->nodes[from].engine,
                                                world->nodes[1 - from].id, word, sizeof(word),
                                                world->now_ns),
                     NETRON_OK);
}

/* A packet or a message, either way, a moment before the end: it counts at both ends. */
static void what_is_used_stays(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 4; way++) {
        pair_world *world = make_pair(3);
        for (uint32_t round = 0; round < 4; round++) {
            pair_run(world, NF_IDLE_END_NS - NF_SECOND_NS);
            assert_true(pair_is_up(world, 0, 1) && pair_is_up(world, 1, 0));
            if (way < 2) {
                assert_int_equal(pair_send(world, way, 1 - way, 100, round), NETRON_OK);
            } else {
                say(world, way - 2);
            }
        }
        pair_run(world, NF_IDLE_END_NS - NF_SECOND_NS);
        assert_int_equal(downs(world, 0) + downs(world, 1), 0);
        pair_run(world, SLACK_NS);
        assert_true(is_down_idle(world, 0) && is_down_idle(world, 1));
        pair_free(world);
    }
}

static void a_ping_is_no_use(void **state)
{
    (void)state;
    pair_world *world = make_pair(3);
    for (uint32_t i = 1; i < 18; i++) {
        pair_run(world, 10 * NF_SECOND_NS);
        assert_int_equal(
            netron_engine_ping(world->nodes[0].engine, world->nodes[1].id, i, world->now_ns),
            NETRON_OK);
    }
    pair_run(world, 11 * NF_SECOND_NS);
    assert_true(is_down_idle(world, 0) && is_down_idle(world, 1));
    pair_free(world);
}

/* Not kept is not unwatched: who is sent to and does not answer is found out as ever. */
static void a_silent_one_with_traffic_is_noticed(void **state)
{
    (void)state;
    pair_world *world = make_pair(3);
    pair_run(world, 60 * NF_SECOND_NS);
    world->nodes[1].silent = true;
    assert_int_equal(pair_send(world, 0, 1, 100, 1), NETRON_OK);
    pair_run(world, NF_SILENT_END_NS + NF_SECOND_NS);
    assert_int_equal(downs(world, 0), 1);
    assert_int_equal(world->nodes[0].last_event[NETRON_EVENT_PEER_DOWN].code, NETRON_DOWN_SILENT);
    pair_free(world);
}

/* --- crowds ----------------------------------------------------------------------------------- */

static void an_idle_end_costs_one_wake(void **state)
{
    (void)state;
    pair_world *world = make_pair(3);
    pair_run(world, 10 * NF_SECOND_NS);
    unsigned wakes = 0;
    while (downs(world, 0) == 0) {
        uint64_t next_ns = netron_engine_deadline(world->nodes[0].engine);
        pair_run(world, next_ns > world->now_ns ? next_ns - world->now_ns : 0);
        wakes++;
    }
    assert_true(wakes < 40); /* the new keys after 120 s take most of them */
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_that_nobody_uses_or_keeps_ends_at_both_ends),
        cmocka_unit_test(what_ended_idle_is_not_brought_back_by_new_keys),
        cmocka_unit_test(who_is_not_kept_is_not_asked),
        cmocka_unit_test(a_path_is_searched_when_a_packet_wants_it),
        cmocka_unit_test(a_message_is_not_asked_after_and_a_packet_is),
        cmocka_unit_test(a_session_that_one_end_keeps_stays),
        cmocka_unit_test(the_other_end_may_keep_it_then),
        cmocka_unit_test(without_the_option_peers_are_kept),
        cmocka_unit_test(nobody_keeps_one_who_is_not_here),
        cmocka_unit_test(what_is_used_stays),
        cmocka_unit_test(a_ping_is_no_use),
        cmocka_unit_test(a_silent_one_with_traffic_is_noticed),
        cmocka_unit_test(an_idle_end_costs_one_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
