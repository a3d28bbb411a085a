/* SPDX-License-Identifier: Apache-2.0 */
/* tries_test.c - direct paths that the caller tries, and what it may do with those that answer. */
#include "machine/core.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { CHALLENGE_BYTES = NF_SESSION_OVERHEAD_BYTES + NF_LINK_CHALLENGE_BYTES };

static unsigned moves(const pair_world *world, unsigned node)
{
    return pair_events(world, node, NETRON_EVENT_MOVED);
}

/* Each node has a second place: what is sent there comes from the sender's second place. */
static bool second_places(pair_world *world, pair_datagram *d)
{
    for (unsigned node = 0; node < 2; node++) {
        netron_endpoint second = pair_endpoint(node, 1);
        if (memcmp(&d->destination, &second, sizeof(second)) == 0) {
            d->destination = world->nodes[node].endpoint;
            d->source = pair_endpoint(d->from, 1);
        }
    }
    return true;
}

static void a_path_that_was_tried_is_used_when_the_caller_says_so(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    world->hook = second_places;
    pair_connect(world, 0, 1);
    netron_endpoint second = pair_endpoint(1, 1), third = pair_endpoint(1, 2);
    assert_int_equal(pair_use_path(world, 0, 1, &second), NETRON_E_EXPIRED);
    for (unsigned i = 0; i < 20; i++) { /* trying moves nobody, on either side */
        assert_int_equal(pair_try_path(world, 0, 1, &second), NETRON_OK);
        assert_int_equal(pair_try_path(world, 0, 1, &third), NETRON_OK);
        pair_run(world, 200 * NF_MILLISECOND_NS);
    }
    assert_int_equal(pair_events(world, 0, NETRON_EVENT_PATH), 20);
    assert_int_equal(moves(world, 0) + moves(world, 1), 0);
    assert_int_equal(pair_use_path(world, 0, 1, &third), NETRON_E_EXPIRED);
    assert_int_equal(pair_use_path(world, 0, 1, &second), NETRON_OK);
    assert_int_equal(pair_use_path(world, 0, 1, &second), NETRON_OK); /* it is there */
    pair_run(world, 100 * NF_MILLISECOND_NS);
    assert_int_equal(moves(world, 0), 1);
    assert_int_equal(moves(world, 1), 1); /* it follows, as it does any peer that moves */
    netron_peer_info info = pair_peer(world, 1, 0);
    second = pair_endpoint(0, 1);
    assert_memory_equal(&info.endpoint, &second, sizeof(second));
    /* The one before is known from its use, and all are for a while. */
    netron_endpoint first = world->nodes[1].endpoint;
    assert_int_equal(pair_use_path(world, 0, 1, &first), NETRON_OK);
    pair_run(world, NF_WAY_END_NS + NF_SECOND_NS);
    second = pair_endpoint(1, 1);
    assert_int_equal(pair_use_path(world, 0, 1, &second), NETRON_E_EXPIRED);
    pair_free(world);
}

static bool second_places_alone(pair_world *world, pair_datagram *d)
{
    netron_endpoint destination = d->destination;
    bool passes = second_places(world, d);
    return passes && memcmp(&destination, &d->destination, sizeof(destination)) != 0;
}

static void another_path_that_was_shown_takes_over_from_one_that_dies(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    world->hook = second_places;
    pair_connect(world, 0, 1);
    netron_endpoint second = pair_endpoint(1, 1);
    assert_int_equal(pair_try_path(world, 0, 1, &second), NETRON_OK);
    pair_run(world, 20 * NF_SECOND_NS);
    world->hook = second_places_alone;
    for (uint32_t serial = 0; serial < 300; serial++) {
        (void)pair_send(world, 0, 1, 200, serial);
        (void)pair_send(world, 1, 0, 200, serial);
        pair_run(world, 10 * NF_MILLISECOND_NS);
    }
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 0, 150, 300);
    pair_assert_all_seen(world, 1, 150, 300);
    assert_int_equal(moves(world, 0), 1);
    assert_int_equal(moves(world, 1), 1);
    pair_free(world);
}

static void tries_have_a_rate_and_a_valid_endpoint(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    netron_endpoint there = pair_endpoint(50, 1), wrong = there;
    assert_int_equal(pair_try_path(world, 0, 1, &there), NETRON_E_UNKNOWN_PEER);
    assert_int_equal(pair_use_path(world, 0, 1, &there), NETRON_E_UNKNOWN_PEER);
    pair_connect(world, 0, 1);
    wrong.port = 0;
    assert_int_equal(pair_try_path(world, 0, 1, &wrong), NETRON_E_INVALID);
    wrong = (netron_endpoint){.kind = NETRON_ENDPOINT_CIRCUIT, .scope = 77};
    assert_int_equal(pair_try_path(world, 0, 1, &wrong), NETRON_E_INVALID);
    unsigned sent = 0;
    for (unsigned i = 0; i < 5000; i++) { /* 5 s */
        sent += pair_try_path(world, 0, 1, &there) == NETRON_OK;
        pair_run(world, NF_MILLISECOND_NS);
    }
    assert_in_range(sent, 5 * NF_TRY_PER_SECOND, 5 * NF_TRY_PER_SECOND + NF_TRY_BURST);
    pair_free(world);
}

typedef struct hold {
    uint64_t delay_ns;
    netron_endpoint from;
} hold;

static bool hold_responses(pair_world *world, pair_datagram *d)
{
    const hold *h = world->context;
    bool passes = second_places(world, d);
    if (d->from == 1 && d->bytes[0] == NF_TYPE_LINK && d->length == CHALLENGE_BYTES) {
        d->arrives_ns += h->delay_ns;
        d->source = h->from;
    }
    return passes;
}

static void an_answer_counts_only_in_time_and_from_the_place_that_was_asked(void **state)
{
    (void)state;
    const netron_endpoint second = pair_endpoint(1, 1);
    netron_endpoint other_port = second;
    other_port.port++;
    const struct {
        uint64_t delay_ns;
        netron_endpoint from;
        unsigned paths;
    } cases[] = {
        {0, second, 1},
        {NF_CHALLENGE_END_NS - NF_SECOND_NS, second, 1},
        {NF_CHALLENGE_END_NS + NF_SECOND_NS, second, 0},
        {0, pair_endpoint(1, 2), 0},
        {0, other_port, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pair_world *world = pair_new(2);
        pair_connect(world, 0, 1);
        hold h = {.delay_ns = cases[i].delay_ns, .from = cases[i].from};
        world->hook = hold_responses;
        world->context = &h;
        assert_int_equal(pair_try_path(world, 0, 1, &second), NETRON_OK);
        pair_run(world, NF_CHALLENGE_END_NS + 2 * NF_SECOND_NS);
        assert_int_equal(pair_events(world, 0, NETRON_EVENT_PATH), cases[i].paths);
        pair_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_that_was_tried_is_used_when_the_caller_says_so),
        cmocka_unit_test(another_path_that_was_shown_takes_over_from_one_that_dies),
        cmocka_unit_test(tries_have_a_rate_and_a_valid_endpoint),
        cmocka_unit_test(an_answer_counts_only_in_time_and_from_the_place_that_was_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
