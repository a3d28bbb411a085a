/* SPDX-License-Identifier: Apache-2.0 */
/* messages_test.c - control messages, and the bounded queues that they and all events go through.
 */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static int say(pair_world *world, unsigned from, unsigned to, const uint8_t *bytes, size_t length)
{
    return netron_engine_send_message(world->nodes[from].engine, world->nodes[to].id, bytes, length,
                                      world->now_ns);
}

static void a_message_comes_as_it_was_sent(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    uint8_t bytes[NETRON_MESSAGE_BYTES_MAX + 1];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    static const size_t lengths[] = {1, 2, 15, 16, 17, 1000, NETRON_MESSAGE_BYTES_MAX};
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        assert_int_equal(say(world, 0, 1, bytes, lengths[i]), NETRON_OK);
        pair_run(world, PAIR_LATENCY_NS);
        const netron_event *event = &world->nodes[1].last_event[NETRON_EVENT_MESSAGE];
        assert_int_equal(world->nodes[1].event_count[NETRON_EVENT_MESSAGE], i + 1);
        assert_int_equal(event->length, lengths[i]);
        assert_memory_equal(event->bytes, bytes, lengths[i]);
        assert_memory_equal(event->id, world->nodes[0].id, NETRON_ID_BYTES);
        assert_memory_equal(&event->endpoint, &world->nodes[0].endpoint, sizeof(event->endpoint));
    }
    assert_int_equal(say(world, 0, 1, bytes, 0), NETRON_E_INVALID);
    assert_int_equal(say(world, 0, 1, bytes, NETRON_MESSAGE_BYTES_MAX + 1), NETRON_E_INVALID);
    assert_int_equal(say(world, 0, 0, bytes, 1), NETRON_E_UNKNOWN_PEER);
    pair_free(world);
}

static void the_largest_message_fits_the_least_path(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    world->size_max = NF_PATH_MTU_BASE;
    pair_connect(world, 0, 1);
    uint8_t bytes[NETRON_MESSAGE_BYTES_MAX] = {1};
    assert_int_equal(say(world, 0, 1, bytes, sizeof(bytes)), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->nodes[1].event_count[NETRON_EVENT_MESSAGE], 1);
    pair_free(world);
}

static void sending_too_much_at_once_says_again(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    pair_run(world, 5 * NF_SECOND_NS);
    uint8_t bytes[100] = {0};
    for (unsigned i = 0; i < NF_OUTGOING_MAX; i++) {
        assert_int_equal(say(world, 0, 1, bytes, sizeof(bytes)), NETRON_OK);
    }
    assert_int_equal(say(world, 0, 1, bytes, sizeof(bytes)), NETRON_E_AGAIN);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_QUEUE_FULL), 1);
    pair_flush(world); /* they are polled, and there is room */
    assert_int_equal(say(world, 0, 1, bytes, sizeof(bytes)), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->nodes[1].event_count[NETRON_EVENT_MESSAGE], NF_OUTGOING_MAX + 1);
    pair_free(world);
}

/* --- the queue of events -------------------------------------------------------------------------
 */

static void one_peer_fills_only_its_share_of_the_queue(void **state)
{
    (void)state;
    pair_world *world = pair_new(3);
    pair_connect(world, 1, 0);
    pair_connect(world, 2, 0);
    world->nodes[0].keeps_events = true;
    uint8_t bytes[10] = {0};
    for (unsigned i = 0; i < 3 * NF_EVENTS_PER_PEER_MAX; i++) {
        bytes[0] = (uint8_t)i;
        assert_int_equal(say(world, 1, 0, bytes, sizeof(bytes)), NETRON_OK);
        pair_run(world, NF_MILLISECOND_NS);
    }
    assert_int_equal(say(world, 2, 0, bytes, sizeof(bytes)), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_QUEUE_FULL), 2 * NF_EVENTS_PER_PEER_MAX);
    /* The oldest ones, in order, then the other's. */
    for (unsigned i = 0; i <= NF_EVENTS_PER_PEER_MAX; i++) {
        netron_event event;
        assert_int_equal(netron_engine_poll_event(world->nodes[0].engine, &event), 1);
        assert_int_equal(event.kind, NETRON_EVENT_MESSAGE);
        bool other = i == NF_EVENTS_PER_PEER_MAX;
        assert_memory_equal(event.id, world->nodes[other ? 2 : 1].id, NETRON_ID_BYTES);
        assert_true(other || event.bytes[0] == i);
    }
    netron_event none;
    assert_int_equal(netron_engine_poll_event(world->nodes[0].engine, &none), 0);
    /* Its share is free again. */
    world->nodes[0].keeps_events = false;
    assert_int_equal(say(world, 1, 0, bytes, sizeof(bytes)), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_MESSAGE], 1);
    pair_free(world);
}

static void who_returns_again_and_again_gets_no_other_share(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 1, 0);
    world->nodes[0].keeps_events = true;
    uint8_t bytes[10] = {0};
    for (unsigned life = 0; life < 4; life++) {
        for (unsigned i = 0; i < 2 * NF_EVENTS_PER_PEER_MAX; i++) {
            (void)say(world, 1, 0, bytes, sizeof(bytes));
            pair_run(world, NF_MILLISECOND_NS);
        }
        assert_int_equal(
            netron_engine_hang_up(world->nodes[1].engine, world->nodes[0].id, world->now_ns),
            NETRON_OK);
        pair_run(world, NF_SECOND_NS);
        pair_connect(world, 1, 0);
    }
    netron_event event;
    unsigned messages = 0;
    while (netron_engine_poll_event(world->nodes[0].engine, &event) == 1) {
        messages += event.kind == NETRON_EVENT_MESSAGE;
    }
    assert_int_equal(messages, NF_EVENTS_PER_PEER_MAX);
    pair_free(world);
}

static void events_that_did_not_fit_are_counted(void **state)
{
    (void)state;
    enum { EXTRA = 7 };
    pair_world *world = pair_new(1);
    pair_node *node = &world->nodes[0];
    node->keeps_events = true;
    for (unsigned i = 0; i < NF_EVENTS_MAX + EXTRA; i++) { /* dials that nobody answers */
        netron_endpoint nobody = pair_endpoint(1000 + i, 0);
        assert_int_equal(netron_engine_dial(node->engine, &nobody, NULL, world->now_ns), NETRON_OK);
        if (i % 500 == 499 || i == NF_EVENTS_MAX + EXTRA - 1) {
            pair_run(world, 60 * NF_SECOND_NS);
        }
    }
    netron_event event;
    for (unsigned i = 0; i < NF_EVENTS_MAX; i++) {
        assert_int_equal(netron_engine_poll_event(node->engine, &event), 1);
        assert_int_equal(event.kind, NETRON_EVENT_DIAL_FAILED);
        assert_int_equal(event.code, NETRON_E_EXPIRED);
    }
    assert_int_equal(netron_engine_poll_event(node->engine, &event), 1);
    assert_int_equal(event.kind, NETRON_EVENT_LOST);
    assert_int_equal(event.token, EXTRA);
    assert_int_equal(netron_engine_poll_event(node->engine, &event), 0);
    pair_free(world);
}

static void nothing_is_kept_for_a_caller_that_never_polls(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    netron_engine *engine = world->nodes[0].engine;
    /* Packets in, events and answers out, and nobody takes any of it. */
    pair_forget(world);
    world->hook = pair_capture_all;
    for (uint32_t i = 0; i < 3000; i++) {
        (void)pair_send(world, 1, 0, 100, i);
    }
    pair_flush(world);
    unsigned taken = 0;
    for (const pair_datagram *d = world->captured; d != NULL; d = d->next) {
        if (d->from == 1 && d->bytes[0] == NF_TYPE_DATA) {
            taken += netron_engine_receive(engine, d->bytes, d->length, &d->source, 0,
                                           world->now_ns) == NETRON_OK;
        }
    }
    assert_in_range(taken, 64, 1024); /* a bounded queue full */
    uint64_t full = pair_drops(world, 0, NETRON_DROP_QUEUE_FULL);
    assert_int_equal(full, 3000 - taken);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_comes_as_it_was_sent),
        cmocka_unit_test(the_largest_message_fits_the_least_path),
        cmocka_unit_test(sending_too_much_at_once_says_again),
        cmocka_unit_test(one_peer_fills_only_its_share_of_the_queue),
        cmocka_unit_test(who_returns_again_and_again_gets_no_other_share),
        cmocka_unit_test(events_that_did_not_fit_are_counted),
        cmocka_unit_test(nothing_is_kept_for_a_caller_that_never_polls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
