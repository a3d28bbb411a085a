/* SPDX-License-Identifier: Apache-2.0 */
/* flood_test.c - members, or who stole their token, that begin more handshakes than anyone needs.
 */
#include "caller.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* What node 0 says to those who are no nodes: its answers, by type, and the last one. */
typedef struct answers {
    unsigned count[16];
    pair_datagram last;
    size_t longest;
} answers;

static bool take_answer(pair_world *world, pair_datagram *datagram)
{
    answers *a = world->context;
    if (datagram->from == 0 && datagram->to == PAIR_NOBODY) {
        a->count[datagram->bytes[0] & 15]++;
        a->longest = datagram->length > a->longest ? datagram->length : a->longest;
        a->last = *datagram;
    }
    return true;
}

static pair_world *make_world(unsigned nodes, answers *a)
{
    pair_world *world = pair_new(nodes);
    memset(a, 0, sizeof(*a));
    world->hook = take_answer;
    world->context = a;
    return world;
}

static void make_caller(caller *c)
{
    caller_init(c, 1, PAIR_SECRET, PAIR_WALL_MS);
}

/* The caller's current message 1 from that address. */
static int call(pair_world *world, const caller *c, const netron_endpoint *source)
{
    return pair_inject(world, 0, source, c->message1, NF_MESSAGE1_BYTES);
}

static uint32_t next_index(const caller *c)
{
    return (uint32_t)c->ephemerals << NF_LANE_BITS;
}

/* First messages at one instant, each from another network. */
static void flood(pair_world *world, caller *c, unsigned count, unsigned first_network)
{
    for (unsigned i = 0; i < count; i++) {
        netron_endpoint source = pair_endpoint(first_network + i, 0);
        caller_begin(c, next_index(c), NULL);
        (void)call(world, c, &source);
    }
}

/* Calls until there is a half-open handshake, with a cookie if one is wanted. @return true if so */
static bool call_with_cookie(pair_world *world, caller *c, const netron_endpoint *source)
{
    answers *a = world->context;
    unsigned before = a->count[NF_TYPE_MESSAGE2];
    unsigned cookies = a->count[NF_TYPE_COOKIE];
    caller_begin(c, next_index(c), NULL);
    (void)call(world, c, source);
    if (a->count[NF_TYPE_COOKIE] > cookies) {
        uint8_t cookie[NF_COOKIE_SECRET_BYTES];
        assert_true(caller_take_cookie(c, a->last.bytes, a->last.length, cookie));
        caller_begin(c, next_index(c), cookie);
        (void)call(world, c, source);
    }
    return a->count[NF_TYPE_MESSAGE2] > before;
}

/* --- cookies ---------------------------------------------------------------------------------- */

static void under_load_there_are_only_cookies(void **state)
{
    (void)state;
    answers a;
    pair_world *world = make_world(1, &a);
    caller c;
    make_caller(&c);
    flood(world, &c, 5000, 1000);
    assert_int_equal(a.count[NF_TYPE_MESSAGE2], NF_FIRST_BURST);
    assert_int_equal(a.count[NF_TYPE_COOKIE], 5000 - NF_FIRST_BURST);
    assert_int_equal(pair_counters(world, 0).cookies_sent, 5000 - NF_FIRST_BURST);
    assert_true(a.longest <= NF_MESSAGE1_BYTES);
    assert_int_equal(a.last.length, NF_COOKIE_BYTES);

    /* As time goes on the rate allows some more, but the table of half-open ones does not. */
    for (unsigned i = 0; i < 1000; i++) {
        flood(world, &c, 5, 10000 + 5 * i);
        pair_run(world, NF_MILLISECOND_NS);
    }
    assert_int_equal(a.count[NF_TYPE_MESSAGE2], NF_HALF_OPEN_BUSY);
    /* When those are forgotten all is as it was. */
    pair_run(world, 2 * NF_HALF_OPEN_END_NS);
    assert_true(netron_engine_deadline(world->nodes[0].engine) == UINT64_MAX);
    assert_int_equal(pair_peer_count(world, 0), 0);
    flood(world, &c, 1, 1);
    assert_int_equal(a.count[NF_TYPE_MESSAGE2], NF_HALF_OPEN_BUSY + 1);
    pair_free(world);
}

static void an_honest_dial_gets_through_a_flood(void **state)
{
    (void)state;
    answers a;
    pair_world *world = make_world(2, &a);
    caller c;
    make_caller(&c);
    flood(world, &c, 1000, 1000);
    pair_dial(world, 1, 0);
    for (unsigned i = 0; i < 500; i++) {
        flood(world, &c, 10, 3000 + 10 * i);
        pair_run(world, NF_MILLISECOND_NS);
    }
    assert_true(pair_is_up(world, 0, 1));
    assert_true(pair_is_up(world, 1, 0));
    assert_int_equal(pair_counters(world, 1).handshakes_begun, 1);
    assert_int_equal(pair_send(world, 1, 0, 100, 1), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 0, 1, 2);
    pair_free(world);
}

static void a_cookie_is_good_for_one_address_and_port(void **state)
{
    (void)state;
    answers a;
    pair_world *world = make_world(1, &a);
    caller c;
    make_caller(&c);
    flood(world, &c, 1000, 1000);
    netron_endpoint here = pair_endpoint(9, 0), port = here, host = pair_endpoint(9, 1);
    port.port++;
    host.port = here.port;
    uint8_t cookie[NF_COOKIE_SECRET_BYTES];
    caller_begin(&c, next_index(&c), NULL);
    (void)call(world, &c, &here);
    assert_true(caller_take_cookie(&c, a.last.bytes, a.last.length, cookie));

    const netron_endpoint *sources[] = {&port, &host, &here};
    for (unsigned i = 0; i < 3; i++) {
        unsigned answered = a.count[NF_TYPE_MESSAGE2];
        caller_begin(&c, next_index(&c), cookie);
        (void)call(world, &c, sources[i]);
        assert_int_equal(a.count[NF_TYPE_MESSAGE2] - answered, sources[i] == &here);
    }
    /* It outlives one change of the secret behind it, not two. */
    for (unsigned i = 0; i < 2; i++) {
        pair_run(world, NF_COOKIE_SECRET_NS);
        flood(world, &c, 1000, 1000);
        unsigned answered = a.count[NF_TYPE_MESSAGE2];
        caller_begin(&c, next_index(&c), cookie);
        (void)call(world, &c, &here);
        assert_int_equal(a.count[NF_TYPE_MESSAGE2] - answered, i == 0);
    }
    pair_free(world);
}

static bool keep_cookie(pair_world *world, pair_datagram *datagram)
{
    if (datagram->bytes[0] == NF_TYPE_COOKIE) {
        *(pair_datagram *)world->context = *datagram;
        return false;
    }
    return datagram->to != PAIR_NOBODY;
}

static void a_cookie_is_taken_only_from_the_one_that_was_asked(void **state)
{
    (void)state;
    answers a;
    pair_world *world = make_world(2, &a);
    world->latency_ns = 0;
    caller c;
    make_caller(&c);
    flood(world, &c, 1000, 1000);
    pair_datagram kept = {.length = 0};
    world->hook = keep_cookie;
    world->context = &kept;
    pair_dial(world, 1, 0);
    pair_run(world, 50 * NF_MILLISECOND_NS);
    assert_int_equal(kept.length, NF_COOKIE_BYTES);
    netron_endpoint elsewhere = pair_endpoint(5, 5);
    assert_true(pair_inject(world, 1, &elsewhere, kept.bytes, kept.length) < 0);
    for (size_t bit = 0; bit < kept.length * 8; bit++) {
        kept.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(pair_inject(world, 1, &kept.source, kept.bytes, kept.length) < 0);
        kept.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(pair_inject(world, 1, &kept.source, kept.bytes, kept.length - 1) < 0);
    assert_int_equal(pair_inject(world, 1, &kept.source, kept.bytes, kept.length), NETRON_OK);
    pair_run(world, 50 * NF_MILLISECOND_NS);
    assert_true(pair_is_up(world, 1, 0));
    /* There is nothing any more that it would answer. */
    assert_true(pair_inject(world, 1, &kept.source, kept.bytes, kept.length) < 0);
    pair_free(world);
}

/* --- with cookies ----------------------------------------------------------------------------- */

static void a_network_begins_so_many_handshakes_and_no_more(void **state)
{
    (void)state;
    answers a;
    pair_world *world = make_world(1, &a);
    caller c;
    make_caller(&c);
    unsigned got = 0;
    for (unsigned i = 0; i < 3 * NF_SOURCE_BURST; i++) {
        netron_endpoint source = pair_endpoint(7, i); /* other hosts of one /24 */
        got += call_with_cookie(world, &c, &source);
    }
    assert_int_equal(got, NF_SOURCE_BURST);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_LIMITED), 2 * NF_SOURCE_BURST);
    netron_endpoint other = pair_endpoint(8, 0);
    assert_true(call_with_cookie(world, &c, &other));
    pair_free(world);
}

static void a_full_table_displaces_the_network_that_has_most_of_it(void **state)
{
    (void)state;
    enum { HONEST = NF_HANDSHAKES_MAX - NF_SOURCE_BURST };
    answers a;
    pair_world *world = make_world(1, &a);
    caller c;
    make_caller(&c);
    static caller honest[HONEST];
    static uint8_t message3[HONEST][NF_MESSAGE3_BYTES];
    for (unsigned i = 0; i < HONEST; i++) {
        netron_endpoint source = pair_endpoint(1000 + i, 0);
        honest[i] = c;
        caller_rename(&honest[i], 10 + i);
        assert_true(call_with_cookie(world, &honest[i], &source));
        assert_true(caller_answer(&honest[i], a.last.bytes, a.last.length, message3[i]));
    }
    /* Now one network, at its own rate, for longer than there is room. */
    for (unsigned i = 0; i < 2 * NF_SOURCE_BURST; i++) {
        netron_endpoint source = pair_endpoint(7, i);
        if (i >= NF_SOURCE_BURST) {
            pair_run(world, NF_SECOND_NS / NF_SOURCE_PER_SECOND);
        }
        assert_true(call_with_cookie(world, &c, &source));
        uint64_t displaced = i < NF_SOURCE_BURST ? 0 : i + 1 - NF_SOURCE_BURST;
        assert_int_equal(pair_drops(world, 0, NETRON_DROP_LIMITED), displaced);
    }
    /* None of the others was displaced. */
    world->nodes[0].keeps_events = true;
    for (unsigned i = 0; i < 16; i++) {
        unsigned at = i * (HONEST / 16);
        netron_endpoint source = pair_endpoint(1000 + at, 0);
        assert_int_equal(pair_inject(world, 0, &source, message3[at], NF_MESSAGE3_BYTES),
                         NETRON_OK);
    }
    assert_int_equal(pair_peer_count(world, 0), 16);
    pair_free(world);
}

/* Fills the table with half-open handshakes, all at one instant. */
static void fill_half_open(pair_world *world, caller *c, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        netron_endpoint source = pair_endpoint(1000 + i % 1000, i / 1000);
        assert_true(call_with_cookie(world, c, &source));
    }
}

static void who_is_flooded_can_still_dial(void **state)
{
    (void)state;
    answers a;
    pair_world *world = make_world(2, &a);
    caller c;
    make_caller(&c);
    fill_half_open(world, &c, NF_HANDSHAKES_MAX + 10);
    pair_connect(world, 0, 1);
    pair_free(world);
}

static void slots_are_given_back_without_waiting_for_a_tick(void **state)
{
    (void)state;
    answers a;
    pair_world *world = make_world(1, &a);
    caller c;
    make_caller(&c);
    fill_half_open(world, &c, 5000);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(under_load_there_are_only_cookies),
        cmocka_unit_test(an_honest_dial_gets_through_a_flood),
        cmocka_unit_test(a_cookie_is_good_for_one_address_and_port),
        cmocka_unit_test(a_cookie_is_taken_only_from_the_one_that_was_asked),
        cmocka_unit_test(a_network_begins_so_many_handshakes_and_no_more),
        cmocka_unit_test(a_full_table_displaces_the_network_that_has_most_of_it),
        cmocka_unit_test(who_is_flooded_can_still_dial),
        cmocka_unit_test(slots_are_given_back_without_waiting_for_a_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
