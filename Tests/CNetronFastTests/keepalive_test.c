/* SPDX-License-Identifier: Apache-2.0 */
/* keepalive_test.c - how a silent peer is asked, which is the caller's to say. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const netron_event *down_of(const pair_world *world, unsigned node)
{
    return &world->nodes[node].last_event[NETRON_EVENT_PEER_DOWN];
}

static unsigned downs(const pair_world *world, unsigned node)
{
    return world->nodes[node].event_count[NETRON_EVENT_PEER_DOWN];
}

static void
set_keepalive(pair_world *world, unsigned node, unsigned peer, uint32_t seconds, uint32_t turn)
{
    const netron_keepalive keepalive = {
        .interval_ms = seconds * 1000,
        .turn = turn,
        .reports = 1,
    };
    assert_int_equal(netron_engine_set_keepalive(world->nodes[node].engine, world->nodes[peer].id,
                                                 &keepalive, world->now_ns),
                     NETRON_OK);
}

static unsigned silences(const pair_world *world, unsigned node)
{
    return world->nodes[node].event_count[NETRON_EVENT_KEEPALIVE];
}

static const netron_event *silence_of(const pair_world *world, unsigned node)
{
    return &world->nodes[node].last_event[NETRON_EVENT_KEEPALIVE];
}

/* Two that are past the search for their path, with a new session; node 0 dialled. */
static pair_world *idle_pair(void)
{
    pair_world *world = pair_new(2);
    pair_dial(world, 0, 1);
    pair_run(world, 10 * NF_SECOND_NS);
    return world;
}

static void whose_turn_it_is_asks_after_the_interval(void **state)
{
    (void)state;
    for (unsigned asks = 0; asks < 2; asks++) {
        pair_world *world = idle_pair();
        set_keepalive(world, asks, 1 - asks, 40, NETRON_TURN_OURS);
        set_keepalive(world, 1 - asks, asks, 40, NETRON_TURN_PEERS);
        world->hook = pair_capture_all;
        pair_run(world, 100 * NF_SECOND_NS);
        /* Echo and reply, twice; the other end had no reason to ask. */
        assert_int_equal(pair_count(world, PAIR_NOBODY, NF_TYPE_LINK), 4);
        uint64_t first_ns = pair_captured(world, asks, NF_TYPE_LINK, 0)->sent_ns;
        uint64_t second_ns = pair_captured(world, asks, NF_TYPE_LINK, 1)->sent_ns;
        assert_in_range(second_ns - first_ns, 40 * NF_SECOND_NS, 405 * NF_SECOND_NS / 10);
        assert_true(first_ns < pair_captured(world, 1 - asks, NF_TYPE_LINK, 0)->sent_ns);
        assert_int_equal(silences(world, 1 - asks), 2);
        assert_int_equal(silence_of(world, 1 - asks)->code, NETRON_KEEPALIVE_CAME);
        assert_in_range(silence_of(world, 1 - asks)->token, 40000, 40500);
        assert_int_equal(silence_of(world, asks)->code, NETRON_KEEPALIVE_ASKED);
        assert_int_equal(downs(world, 0) + downs(world, 1), 0);
        pair_free(world);
    }
}

/* A gate: what node 1 says comes to node 0 no more after so long without a packet of node 0. */
typedef struct gate {
    uint64_t timeout_ns, last_ns;
} gate;

static bool pass_gate(pair_world *world, pair_datagram *datagram)
{
    gate *g = world->context;
    if (datagram->from == 0) {
        g->last_ns = datagram->sent_ns;
        return true;
    }
    return datagram->sent_ns < g->last_ns + g->timeout_ns;
}

static void a_gate_that_closed_is_told_of(void **state)
{
    (void)state;
    for (unsigned open = 0; open < 2; open++) {
        pair_world *world = idle_pair();
        gate g = {.timeout_ns = (open ? 55 : 25) * NF_SECOND_NS, .last_ns = world->now_ns};
        set_keepalive(world, 0, 1, 40, NETRON_TURN_PEERS);
        set_keepalive(world, 1, 0, 40, NETRON_TURN_OURS);
        world->context = &g;
        world->hook = pass_gate;
        pair_run(world, 50 * NF_SECOND_NS);
        assert_int_equal(silences(world, 0), 1);
        assert_int_equal(silence_of(world, 0)->code,
                         open ? NETRON_KEEPALIVE_CAME : NETRON_KEEPALIVE_ASKED);
        uint64_t lag_ms = open ? 0 : NF_KEEPALIVE_LAG_NS / NF_MILLISECOND_NS;
        assert_in_range(silence_of(world, 0)->token, 40000 + lag_ms, 40500 + lag_ms);
        /* Whoever asked in vain knows only that. */
        assert_int_equal(silences(world, 1), open);
        pair_free(world);
    }
}

static void a_silence_that_was_none_says_nothing(void **state)
{
    (void)state;
    pair_world *world = idle_pair();
    set_keepalive(world, 0, 1, 40, NETRON_TURN_PEERS);
    set_keepalive(world, 1, 0, 40, NETRON_TURN_OURS);
    /* A message in one direction: the other end hears it, and waits the longer for that. */
    pair_run(world, 20 * NF_SECOND_NS);
    for (unsigned from = 0; from < 2; from++) {
        const uint8_t word = 1;
        assert_int_equal(netron_engine_send_message(world->nodes[from].engine,
                                                    world->nodes[1 - from].id, &word, 1,
                                                    world->now_ns),
                         NETRON_OK);
        pair_run(world, 39 * NF_SECOND_NS);
        assert_int_equal(silences(world, 0) + silences(world, 1), 0);
    }
    pair_free(world);
}

static void lost_echoes_are_no_evidence(void **state)
{
    (void)state;
    pair_world *world = idle_pair();
    set_keepalive(world, 0, 1, 40, NETRON_TURN_PEERS);
    set_keepalive(world, 1, 0, 40, NETRON_TURN_OURS);
    while (silences(world, 0) == 0) {
        pair_run(world, NF_SECOND_NS);
    }
    /* Node 1 is away when it is its turn, and still when it is asked. */
    pair_run(world, 38 * NF_SECOND_NS);
    world->nodes[1].silent = true;
    pair_run(world, 6 * NF_SECOND_NS);
    world->nodes[1].silent = false;
    pair_run(world, 5 * NF_SECOND_NS);
    assert_int_equal(downs(world, 0), 0);
    assert_int_equal(silences(world, 0), 1);
    pair_free(world);
}

static void who_is_wanted_by_the_peer_stays(void **state)
{
    (void)state;
    pair_world *world = pair_new(0);
    for (unsigned node = 0; node < 2; node++) {
        netron_options options = pair_options(world, node);
        options.idle_ends = 1;
        (void)pair_add_with(world, &options);
    }
    pair_connect(world, 0, 1);
    assert_int_equal(
        netron_engine_keep(world->nodes[0].engine, world->nodes[1].id, 1, world->now_ns),
        NETRON_OK);
    set_keepalive(world, 0, 1, 60, NETRON_TURN_PEERS);
    netron_keepalive keepalive = {.interval_ms = 60000, .turn = NETRON_TURN_OURS, .wanted = 1};
    assert_int_equal(netron_engine_set_keepalive(world->nodes[1].engine, world->nodes[0].id,
                                                 &keepalive, world->now_ns),
                     NETRON_OK);
    pair_run(world, 1000 * NF_SECOND_NS);
    assert_int_equal(downs(world, 0) + downs(world, 1), 0);
    assert_int_equal(
        netron_engine_keep(world->nodes[0].engine, world->nodes[1].id, 0, world->now_ns),
        NETRON_OK);
    keepalive.wanted = 0;
    assert_int_equal(netron_engine_set_keepalive(world->nodes[1].engine, world->nodes[0].id,
                                                 &keepalive, world->now_ns),
                     NETRON_OK);
    pair_run(world, NF_IDLE_END_NS + NF_IDLE_ASKED_NS);
    assert_int_equal(downs(world, 0), 1);
    assert_int_equal(downs(world, 1), 1);
    assert_int_equal(down_of(world, 1)->code, NETRON_DOWN_IDLE);
    pair_free(world);
}

static void what_no_peer_can_be_told_is_refused(void **state)
{
    (void)state;
    pair_world *world = idle_pair();
    static const netron_keepalive refused[] = {
        {.interval_ms = 0},
        {.interval_ms = NF_KEEPALIVE_MIN_MS - 1},
        {.interval_ms = NF_KEEPALIVE_MAX_MS + 1},
        {.interval_ms = 25000, .turn = 3},
    };
    netron_engine *engine = world->nodes[0].engine;
    for (unsigned i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        assert_int_equal(
            netron_engine_set_keepalive(engine, world->nodes[1].id, &refused[i], world->now_ns),
            NETRON_E_INVALID);
    }
    const netron_keepalive fine = {.interval_ms = NF_KEEPALIVE_MIN_MS};
    assert_int_equal(netron_engine_set_keepalive(engine, world->nodes[0].id, &fine, world->now_ns),
                     NETRON_E_UNKNOWN_PEER);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whose_turn_it_is_asks_after_the_interval),
        cmocka_unit_test(a_gate_that_closed_is_told_of),
        cmocka_unit_test(a_silence_that_was_none_says_nothing),
        cmocka_unit_test(lost_echoes_are_no_evidence),
        cmocka_unit_test(who_is_wanted_by_the_peer_stays),
        cmocka_unit_test(what_no_peer_can_be_told_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
