/* SPDX-License-Identifier: Apache-2.0 */
/* epoch_test.c - clocks that differ, clocks that are not there, and the hour that ends. */
#include "caller.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { EPOCH_SECONDS = NETRON_EPOCH_SECONDS_MIN };
#define EPOCH_MS (UINT64_C(1000) * EPOCH_SECONDS)
#define EPOCH_NS (EPOCH_SECONDS * NF_SECOND_NS)

/* A node whose clock is wrong by so many epochs. */
static unsigned add_skewed(pair_world *world, int64_t epochs)
{
    uint64_t wall_ms = world->wall_ms;
    world->wall_ms = (uint64_t)((int64_t)wall_ms + epochs * (int64_t)EPOCH_MS);
    unsigned node = pair_add(world);
    world->wall_ms = wall_ms;
    return node;
}

static void clocks_may_differ_by_one_epoch(void **state)
{
    (void)state;
    for (int64_t epochs = -3; epochs <= 3; epochs++) {
        pair_world *world = pair_new(1);
        unsigned skewed = add_skewed(world, epochs);
        bool near = epochs >= -1 && epochs <= 1;
        for (unsigned i = 0; i < 2; i++) {
            unsigned from = i == 0 ? 0 : skewed, to = i == 0 ? skewed : 0;
            pair_dial(world, from, to);
            pair_run(world, 30 * NF_SECOND_NS);
            assert_int_equal(pair_is_up(world, from, to), near);
            assert_int_equal(pair_is_up(world, to, from), near);
            if (near) {
                assert_int_equal(netron_engine_hang_up(world->nodes[from].engine,
                                                       world->nodes[to].id, world->now_ns),
                                 NETRON_OK);
                pair_run(world, NF_SECOND_NS);
            } else {
                assert_int_equal(pair_drops(world, to, NETRON_DROP_WRONG_NETWORK),
                                 NF_DIAL_TRIES_MAX);
                assert_true(netron_engine_deadline(world->nodes[to].engine) == UINT64_MAX);
            }
        }
        pair_free(world);
    }
}

static void sessions_outlive_the_epoch_they_were_made_in(void **state)
{
    (void)state;
    pair_world *world = pair_new(3);
    pair_connect(world, 0, 1);
    uint32_t serial = 0;
    /* Three epochs, a packet each way every 10 s; node 2 comes in each of them. */
    for (unsigned epoch = 0; epoch < 3; epoch++) {
        for (unsigned i = 0; i < EPOCH_SECONDS / 10; i++, serial++) {
            assert_int_equal(pair_send(world, 0, 1, 100, serial), NETRON_OK);
            assert_int_equal(pair_send(world, 1, 0, 100, serial), NETRON_OK);
            pair_run(world, 10 * NF_SECOND_NS);
        }
        pair_connect(world, 2, epoch % 2);
        pair_restart(world, 2);
    }
    pair_assert_all_seen(world, 0, 0, serial);
    pair_assert_all_seen(world, 1, 0, serial);
    for (unsigned node = 0; node < 2; node++) {
        const netron_event *down = &world->nodes[node].last_event[NETRON_EVENT_PEER_DOWN];
        assert_true(down->kind == 0 ||
                    memcmp(down->id, world->nodes[1 - node].id, NETRON_ID_BYTES) != 0);
    }
    pair_free(world);
}

static bool change_the_hour(pair_world *world, pair_datagram *datagram)
{
    uint8_t *wanted = world->context;
    if (*wanted != 0 && datagram->bytes[0] == *wanted) {
        *wanted = 0;
        datagram->arrives_ns += EPOCH_NS; /* it is long under way */
    }
    return true;
}

static void a_handshake_may_begin_in_one_epoch_and_end_in_the_next(void **state)
{
    (void)state;
    for (unsigned offset_ms = 0; offset_ms < 25; offset_ms += 2) {
        pair_world *world = pair_new(2);
        uint64_t left_ms = EPOCH_MS - PAIR_WALL_MS % EPOCH_MS;
        pair_run(world, (left_ms - offset_ms) * NF_MILLISECOND_NS);
        pair_dial(world, 0, 1);
        pair_run(world, 100 * NF_MILLISECOND_NS);
        assert_true(pair_is_up(world, 0, 1));
        assert_true(pair_is_up(world, 1, 0));
        pair_free(world);
    }
}

static void a_handshake_that_took_an_hour_is_over(void **state)
{
    (void)state;
    for (uint8_t type = NF_TYPE_MESSAGE2; type <= NF_TYPE_MESSAGE3; type++) {
        pair_world *world = pair_new(2);
        uint8_t wanted = type;
        world->hook = change_the_hour;
        world->context = &wanted;
        pair_dial(world, 0, 1);
        pair_run(world, EPOCH_NS + NF_SECOND_NS);
        assert_true(
            pair_drops(world, type == NF_TYPE_MESSAGE2 ? 0 : 1, NETRON_DROP_UNKNOWN_INDEX) >= 1);
        pair_free(world);
    }
}

/* --- what clocks show ------------------------------------------------------------------------- */

static uint64_t wall_of_last_up(const pair_world *world, unsigned node)
{
    return world->nodes[node].last_event[NETRON_EVENT_PEER_UP].wall_ms;
}

static uint64_t elapsed_ms(const pair_world *world)
{
    return (world->now_ns - PAIR_START_NS) / NF_MILLISECOND_NS;
}

static void each_end_is_told_what_the_others_clock_shows(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    unsigned skewed = add_skewed(world, 1);
    world->latency_ns = 100 * NF_MILLISECOND_NS;
    pair_connect(world, 0, skewed); /* half a second */
    /* As it shows when that is told, but for the way that one message took. */
    uint64_t now_ms = PAIR_WALL_MS + elapsed_ms(world);
    assert_in_range(wall_of_last_up(world, 0), now_ms + EPOCH_MS - 300, now_ms + EPOCH_MS);
    assert_in_range(wall_of_last_up(world, skewed), now_ms - 300, now_ms);

    /* A dial that leads to somebody who is here tells it too, of a clock that was set meanwhile. */
    netron_engine_set_time(world->nodes[skewed].engine, now_ms, world->now_ns);
    pair_run(world, 10 * NF_SECOND_NS);
    pair_dial(world, 0, skewed);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_PEER_UP], 2);
    now_ms = PAIR_WALL_MS + elapsed_ms(world);
    assert_in_range(wall_of_last_up(world, 0), now_ms - 1200, now_ms);
    pair_free(world);
}

static void a_clock_that_is_not_there_shows_nothing(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    world->wall_ms = 0;
    pair_add(world);
    pair_connect(world, 1, 0);
    assert_int_equal(wall_of_last_up(world, 0), 0);
    assert_in_range(wall_of_last_up(world, 1), PAIR_WALL_MS, PAIR_WALL_MS + 1000);
    pair_free(world);
}

static void who_is_told_that_there_is_no_clock_has_none(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    world->hook = pair_capture_all;
    netron_engine_set_time(world->nodes[0].engine, 0, world->now_ns);
    pair_connect(world, 0, 1);
    assert_int_equal(pair_captured(world, 0, NF_TYPE_MESSAGE1, 0)->bytes[1], NF_FLAG_CLOCKLESS);
    assert_int_equal(wall_of_last_up(world, 1), 0);
    pair_free(world);
}

/* --- without a clock -------------------------------------------------------------------------- */

static void a_node_without_a_clock_may_dial_one_that_has_one(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    world->wall_ms = 0;
    pair_add(world);
    pair_add(world);
    pair_connect(world, 1, 0);
    pair_connect(world, 1, 2); /* nor is one needed between two that have none */
    assert_int_equal(pair_send(world, 1, 0, 100, 1), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 0, 1, 2);
    /* When it is told the time it uses it. */
    world->hook = pair_capture_all;
    netron_engine_set_time(world->nodes[2].engine, PAIR_WALL_MS, world->now_ns);
    pair_connect(world, 2, 0);
    assert_int_equal(pair_captured(world, 2, NF_TYPE_MESSAGE1, 0)->bytes[1],
                     PAIR_WALL_MS / EPOCH_MS % 4);
    pair_free(world);
}

static void first_messages_without_a_clock_are_few(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    world->hook = pair_capture_all;
    caller c;
    caller_init(&c, 1, PAIR_SECRET, 0);
    for (unsigned i = 0; i < 100; i++) {
        netron_endpoint source = pair_endpoint(100 + i, 0);
        caller_begin(&c, i << NF_LANE_BITS, NULL);
        (void)pair_inject(world, 0, &source, c.message1, NF_MESSAGE1_BYTES);
    }
    assert_int_equal(pair_count(world, 0, NF_TYPE_MESSAGE2), NF_CLOCKLESS_BURST);
    assert_int_equal(pair_count(world, 0, NF_TYPE_COOKIE), 0);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_LIMITED), 100 - NF_CLOCKLESS_BURST);
    /* Who knows the time is not held up by that. */
    caller clocked;
    caller_init(&clocked, 2, PAIR_SECRET, PAIR_WALL_MS);
    netron_endpoint source = pair_endpoint(300, 0);
    caller_begin(&clocked, 8, NULL);
    assert_int_equal(pair_inject(world, 0, &source, clocked.message1, NF_MESSAGE1_BYTES),
                     NETRON_OK);
    /* A second later there are some more. */
    pair_run(world, NF_SECOND_NS);
    unsigned before = pair_count(world, 0, NF_TYPE_MESSAGE2);
    for (unsigned i = 0; i < 100; i++) {
        source = pair_endpoint(400 + i, 0);
        caller_begin(&c, i << NF_LANE_BITS, NULL);
        (void)pair_inject(world, 0, &source, c.message1, NF_MESSAGE1_BYTES);
    }
    assert_int_equal(pair_count(world, 0, NF_TYPE_MESSAGE2) - before, NF_CLOCKLESS_PER_SECOND);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_may_differ_by_one_epoch),
        cmocka_unit_test(sessions_outlive_the_epoch_they_were_made_in),
        cmocka_unit_test(a_handshake_may_begin_in_one_epoch_and_end_in_the_next),
        cmocka_unit_test(a_handshake_that_took_an_hour_is_over),
        cmocka_unit_test(each_end_is_told_what_the_others_clock_shows),
        cmocka_unit_test(a_clock_that_is_not_there_shows_nothing),
        cmocka_unit_test(who_is_told_that_there_is_no_clock_has_none),
        cmocka_unit_test(a_node_without_a_clock_may_dial_one_that_has_one),
        cmocka_unit_test(first_messages_without_a_clock_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
