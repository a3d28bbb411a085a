/* SPDX-License-Identifier: Apache-2.0 */
/* liveness_test.c - who left, who fell silent, and what it costs to know that one is still there.
 */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const netron_event *down_of(const pair_world *world, unsigned node)
{
    return &world->nodes[node].last_event[NETRON_EVENT_PEER_DOWN];
}

static unsigned downs(const pair_world *world, unsigned node)
{
    return world->nodes[node].event_count[NETRON_EVENT_PEER_DOWN];
}

/* --- goodbyes --------------------------------------------------------------------------------- */

static void a_goodbye_is_noticed_at_once(void **state)
{
    (void)state;
    for (unsigned closes = 0; closes < 2; closes++) {
        pair_world *world = pair_new(2);
        pair_node *node = world->nodes;
        pair_connect(world, 0, 1);
        if (closes == 1) {
            netron_engine_close(node[0].engine, world->now_ns);
        } else {
            assert_int_equal(netron_engine_hang_up(node[0].engine, node[1].id, world->now_ns),
                             NETRON_OK);
        }
        pair_run(world, PAIR_LATENCY_NS);
        assert_int_equal(downs(world, 1), 1);
        assert_int_equal(down_of(world, 1)->code, NETRON_DOWN_GOODBYE);
        assert_memory_equal(down_of(world, 1)->id, node[0].id, NETRON_ID_BYTES);
        assert_int_equal(pair_peer_count(world, 1), 0);
        if (closes == 0) {
            assert_int_equal(downs(world, 0), 1);
            assert_int_equal(down_of(world, 0)->code, NETRON_DOWN_LOCAL);
            assert_int_equal(pair_peer_count(world, 0), 0);
        }
        /* And they may meet again. */
        pair_restart(world, 0);
        pair_connect(world, 1, 0);
        pair_free(world);
    }
}

static bool keep_goodbye(pair_world *world, pair_datagram *datagram)
{
    if (datagram->bytes[0] == NF_TYPE_LINK) {
        *(pair_datagram *)world->context = *datagram;
        return false;
    }
    return true;
}

static void a_goodbye_comes_from_the_peer_itself(void **state)
{
    (void)state;
    pair_world *world = pair_new(3);
    pair_node *node = world->nodes;
    pair_connect(world, 0, 1);
    pair_connect(world, 2, 1);
    pair_run(world, 3 * NF_SECOND_NS);
    pair_datagram goodbye = {.length = 0};
    world->hook = keep_goodbye;
    world->context = &goodbye;
    netron_engine_close(node[0].engine, world->now_ns);
    pair_flush(world);
    assert_true(goodbye.length > 0);
    world->hook = NULL;

    /* Another member cannot say it for node 0, nor can who turns a bit of it. */
    assert_int_equal(netron_engine_hang_up(node[2].engine, node[1].id, world->now_ns), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(downs(world, 1), 1);
    assert_memory_equal(down_of(world, 1)->id, node[2].id, NETRON_ID_BYTES);
    for (size_t bit = 0; bit < goodbye.length * 8; bit++) {
        goodbye.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(pair_inject(world, 1, &goodbye.source, goodbye.bytes, goodbye.length) < 0);
        goodbye.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(pair_is_up(world, 1, 0));
    assert_int_equal(pair_inject(world, 1, &goodbye.source, goodbye.bytes, goodbye.length),
                     NETRON_OK);
    assert_false(pair_is_up(world, 1, 0));
    /* It is said once. */
    assert_true(pair_inject(world, 1, &goodbye.source, goodbye.bytes, goodbye.length) < 0);
    pair_free(world);
}

static void packets_to_one_that_left_wait_for_its_return(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    netron_engine_close(world->nodes[1].engine, world->now_ns);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(pair_send(world, 0, 1, 100, 9), NETRON_OK);
    pair_restart(world, 1);
    pair_dial(world, 1, 0);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 9, 10);
    pair_free(world);
}

/* Neither a handshake that begins after the goodbye brings it back, nor one under way. */
static void one_that_closes_makes_no_session_any_more(void **state)
{
    (void)state;
    for (unsigned steps = 0; steps < 3; steps++) {
        pair_world *world = pair_new(2);
        pair_connect(world, 0, 1);
        pair_dial(world, 1, 0);
        pair_run(world, steps * world->latency_ns);
        netron_engine_close(world->nodes[0].engine, world->now_ns);
        pair_run(world, NF_SECOND_NS);
        assert_false(pair_is_up(world, 1, 0));
        unsigned ups = pair_events(world, 1, NETRON_EVENT_PEER_UP);
        pair_dial(world, 1, 0);
        pair_run(world, NF_SECOND_NS);
        assert_false(pair_is_up(world, 1, 0));
        assert_int_equal(pair_events(world, 1, NETRON_EVENT_PEER_UP), ups);
        assert_true(pair_drops(world, 0, NETRON_DROP_NO_SESSION) > 0);
        pair_free(world);
    }
}

/* --- silence ---------------------------------------------------------------------------------- */

static bool note_dials(pair_world *world, pair_datagram *datagram)
{
    if (datagram->from == 0 &&
        (datagram->bytes[0] == NF_TYPE_MESSAGE1 || datagram->bytes[0] == NF_TYPE_LINK)) {
        pair_capture(world, datagram);
    }
    return true;
}

static void one_that_fell_silent_is_asked_dialled_and_given_up(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    pair_run(world, 5 * NF_SECOND_NS);
    world->nodes[1].silent = true;
    world->hook = note_dials;
    uint64_t began_ns = world->now_ns;
    for (uint32_t i = 0; downs(world, 0) == 0; i++) {
        assert_true(world->now_ns - began_ns < 2 * NF_SILENT_END_NS);
        (void)pair_send(world, 0, 1, 100, i);
        pair_run(world, 20 * NF_MILLISECOND_NS);
    }
    uint64_t took_ns = world->now_ns - began_ns;
    assert_in_range(took_ns, NF_SILENT_END_NS, NF_SILENT_END_NS + NF_SECOND_NS / 2);
    assert_int_equal(down_of(world, 0)->code, NETRON_DOWN_SILENT);
    /* It was told of once, while it could still be mended. */
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_SILENT], 1);
    assert_memory_equal(world->nodes[0].last_event[NETRON_EVENT_SILENT].id, world->nodes[1].id,
                        NETRON_ID_BYTES);
    /* First echoes, then, when two are lost, a handshake: well within a second and a half. */
    const pair_datagram *echo = pair_captured(world, 0, NF_TYPE_LINK, 0);
    const pair_datagram *dial = pair_captured(world, 0, NF_TYPE_MESSAGE1, 0);
    assert_in_range(echo->sent_ns - began_ns, NF_UNANSWERED_MIN_NS, 5 * NF_SECOND_NS / 10);
    assert_in_range(dial->sent_ns - echo->sent_ns, 2 * NF_UNANSWERED_MIN_NS, NF_SECOND_NS);
    assert_true(pair_count(world, 0, NF_TYPE_MESSAGE1) >= 3);
    assert_int_equal(pair_peer_count(world, 0), 0);

    /* The dial that is under way finds it when it returns. */
    world->nodes[1].silent = false;
    pair_run(world, 20 * NF_SECOND_NS);
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_PEER_UP], 2);
    assert_true(pair_is_up(world, 0, 1));
    pair_free(world);
}

static void a_short_silence_is_no_end(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    world->nodes[1].silent = true;
    for (uint32_t i = 0; i < 100; i++) {
        (void)pair_send(world, 0, 1, 100, i);
        pair_run(world, 100 * NF_MILLISECOND_NS);
    }
    world->nodes[1].silent = false;
    pair_run(world, 15 * NF_SECOND_NS);
    assert_int_equal(downs(world, 0) + downs(world, 1), 0);
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_SILENT], 1);
    assert_int_equal(pair_send(world, 0, 1, 100, 1000), NETRON_OK);
    assert_int_equal(pair_send(world, 1, 0, 100, 1000), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 0, 1000, 1001);
    pair_assert_all_seen(world, 1, 1000, 1001);
    pair_free(world);
}

static void an_idle_one_that_fell_silent_is_missed_too(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    pair_run(world, 5 * NF_SECOND_NS);
    world->nodes[1].silent = true;
    pair_run(world, NF_KEEPALIVE_NS + NF_SILENT_END_NS + 4 * NF_SECOND_NS);
    assert_int_equal(downs(world, 0), 1);
    assert_int_equal(down_of(world, 0)->code, NETRON_DOWN_SILENT);
    pair_free(world);
}

static void traffic_in_one_direction_keeps_both_ends_up(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(pair_send(world, 0, 1, 100, i), NETRON_OK);
        pair_run(world, 100 * NF_MILLISECOND_NS);
    }
    pair_assert_all_seen(world, 1, 0, 299);
    assert_int_equal(pair_counters(world, 0).handshakes_begun, 1);
    assert_int_equal(pair_counters(world, 1).handshakes_begun, 0);
    assert_int_equal(downs(world, 0) + downs(world, 1), 0);
    pair_free(world);
}

/* A disk was copied, and both run: what is sent to their key gets to the one that came last. The
 * other's packets come as well, and its echoes are answered, so that it would never know. */
static void of_two_with_one_key_each_comes_anew_in_turn(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    netron_options options = pair_options(world, 2);
    memcpy(options.identity_seed, world->nodes[1].options.identity_seed,
           sizeof(options.identity_seed));
    const unsigned twin = pair_add_with(world, &options);
    pair_connect(world, 1, 0);
    pair_dial(world, twin, 0);
    for (uint32_t i = 0; i < 400; i++) {
        (void)pair_send(world, 1, 0, 100, i);
        (void)pair_send(world, twin, 0, 100, 400 + i);
        pair_run(world, 100 * NF_MILLISECOND_NS);
    }
    for (unsigned node = 1; node <= twin; node++) {
        assert_true(pair_counters(world, node).handshakes_begun >= 2);
        assert_true(pair_counters(world, node).handshakes_begun <= 5);
    }
    assert_true(world->nodes[0].event_count[NETRON_EVENT_MOVED] >= 3);
    pair_free(world);
}

/* --- idleness --------------------------------------------------------------------------------- */

typedef struct bill {
    unsigned sealed, handshake;
    size_t bytes;
} bill;

static bool count_all(pair_world *world, pair_datagram *datagram)
{
    bill *b = world->context;
    b->sealed += datagram->bytes[0] >= NF_TYPE_DATA;
    b->handshake += datagram->bytes[0] < NF_TYPE_DATA;
    b->bytes += datagram->length + 28; /* with IPv4 and UDP headers */
    return true;
}

static void an_idle_pair_says_two_words_in_25_seconds(void **state)
{
    (void)state;
    static const uint64_t latencies_ns[] = {0, PAIR_LATENCY_NS, 100 * NF_MILLISECOND_NS};
    for (unsigned i = 0; i < 3; i++) {
        pair_world *world = pair_new(2);
        world->latency_ns = latencies_ns[i];
        pair_dial(world, 0, 1);
        pair_run(world, 10 * NF_SECOND_NS); /* the path has been searched by then */
        bill b = {0};
        world->hook = count_all;
        world->context = &b;
        const unsigned rounds = 48; /* 20 minutes */
        pair_run(world, rounds * NF_KEEPALIVE_NS);
        /* New keys every two minutes cost three messages and an empty packet. */
        unsigned rekeys = b.handshake / 3;
        assert_in_range(rekeys, 8, 10);
        assert_int_equal(b.handshake, 3 * rekeys);
        print_message("idle: %u packets and %u handshakes in 20 minutes, %.1f B/s\n", b.sealed,
                      rekeys, (double)b.bytes / (25.0 * rounds));
        assert_in_range(b.sealed, rounds, 2 * rounds + rekeys);
        assert_int_equal(downs(world, 0) + downs(world, 1), 0);
        assert_true(pair_is_up(world, 0, 1) && pair_is_up(world, 1, 0));
        pair_free(world);
    }
}

static void an_idle_engine_sleeps(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    pair_run(world, 10 * NF_SECOND_NS);
    unsigned wakes = 0;
    uint64_t end_ns = world->now_ns + 10 * NF_KEEPALIVE_NS;
    while (world->now_ns < end_ns) {
        uint64_t next_ns = netron_engine_deadline(world->nodes[0].engine);
        pair_run(world, next_ns > world->now_ns ? next_ns - world->now_ns : 0);
        wakes++;
    }
    /* Each echo is looked after for a moment, no more: not ten times a second for ever. */
    assert_true(wakes < 10 * 20);
    pair_free(world);
}

static void a_ping_tells_the_round_trip(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_node *node = world->nodes;
    pair_connect(world, 0, 1);
    world->latency_ns = 40 * NF_MILLISECOND_NS;
    assert_int_equal(netron_engine_ping(node[0].engine, node[1].id, 4711, world->now_ns),
                     NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    const netron_event *pong = &node[0].last_event[NETRON_EVENT_PONG];
    assert_int_equal(node[0].event_count[NETRON_EVENT_PONG], 1);
    assert_int_equal(pong->token, 4711);
    assert_int_equal(pong->rtt_ns, 80 * NF_MILLISECOND_NS);
    assert_memory_equal(pong->id, node[1].id, NETRON_ID_BYTES);
    assert_int_equal(node[1].event_count[NETRON_EVENT_PONG], 0);
    assert_int_equal(netron_engine_ping(node[0].engine, node[0].id, 1, world->now_ns),
                     NETRON_E_UNKNOWN_PEER);
    node[1].silent = true;
    assert_int_equal(netron_engine_ping(node[0].engine, node[1].id, 4712, world->now_ns),
                     NETRON_OK);
    pair_run(world, 5 * NF_SECOND_NS);
    assert_int_equal(node[0].event_count[NETRON_EVENT_PONG], 1);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_goodbye_is_noticed_at_once),
        cmocka_unit_test(a_goodbye_comes_from_the_peer_itself),
        cmocka_unit_test(packets_to_one_that_left_wait_for_its_return),
        cmocka_unit_test(one_that_closes_makes_no_session_any_more),
        cmocka_unit_test(one_that_fell_silent_is_asked_dialled_and_given_up),
        cmocka_unit_test(a_short_silence_is_no_end),
        cmocka_unit_test(an_idle_one_that_fell_silent_is_missed_too),
        cmocka_unit_test(traffic_in_one_direction_keeps_both_ends_up),
        cmocka_unit_test(of_two_with_one_key_each_comes_anew_in_turn),
        cmocka_unit_test(an_idle_pair_says_two_words_in_25_seconds),
        cmocka_unit_test(an_idle_engine_sleeps),
        cmocka_unit_test(a_ping_tells_the_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
