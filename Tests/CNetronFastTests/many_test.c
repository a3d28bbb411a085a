/* SPDX-License-Identifier: Apache-2.0 */
/* many_test.c - an engine with thousands of peers: what each costs, and that none is forgotten. */
#include "caller.h"
#include "packets.h"
#include "pair.h"

#include "machine/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#endif

enum {
    MANY = 10000,
    FIRST = 1000,   /* these are there when measuring begins */
    RENEWED = 2000, /* so many make a second session */
    FIRST_NETWORK = 1000,
    PEER_BYTES_MAX = 4096,
};

typedef struct answers {
    pair_datagram last;
} answers;

static bool take_answer(pair_world *world, pair_datagram *datagram)
{
    answers *a = world->context;
    a->last = *datagram;
    return false; /* callers are nowhere */
}

static double resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*u %lu", &pages), 1);
    (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double seconds(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A whole handshake with node 0, at this instant. */
static void join(pair_world *world, caller *c, uint32_t number)
{
    answers *a = world->context;
    netron_endpoint source = pair_endpoint(FIRST_NETWORK + number, 0);
    uint8_t message3[NF_MESSAGE3_BYTES], cookie[NF_COOKIE_SECRET_BYTES];
    caller_begin(c, number << NF_LANE_BITS, NULL);
    (void)pair_inject(world, 0, &source, c->message1, NF_MESSAGE1_BYTES);
    if (a->last.bytes[0] == NF_TYPE_COOKIE) {
        assert_true(caller_take_cookie(c, a->last.bytes, a->last.length, cookie));
        caller_begin(c, number << NF_LANE_BITS, cookie);
        (void)pair_inject(world, 0, &source, c->message1, NF_MESSAGE1_BYTES);
    }
    assert_true(caller_answer(c, a->last.bytes, a->last.length, message3));
    assert_int_equal(pair_inject(world, 0, &source, message3, sizeof(message3)), NETRON_OK);
    assert_int_equal(a->last.bytes[0], NF_TYPE_DATA); /* confirmed */
}

static void give_prefix(pair_world *world, const caller *c, uint32_t number)
{
    netron_prefix prefix = pair_prefix4(number);
    assert_int_equal(netron_engine_set_prefixes(world->nodes[0].engine, c->identity.id, &prefix, 1,
                                                world->now_ns),
                     NETRON_OK);
}

/* Each of the first `count` sends a packet and gets one. @return nanoseconds a packet */
static double exchange(pair_world *world, caller *callers, uint32_t count, uint32_t home)
{
    answers *a = world->context;
    uint8_t packet[100], datagram[200];
    double begun = seconds();
    for (uint32_t i = 0; i < count; i++) {
        pair_udp4(packet, i, home, sizeof(packet), i);
        size_t length = caller_seal(&callers[i], NF_TYPE_DATA, packet, sizeof(packet), datagram);
        netron_endpoint source = pair_endpoint(FIRST_NETWORK + i, 0);
        assert_int_equal(pair_inject(world, 0, &source, datagram, length), NETRON_OK);
        pair_udp4(packet, home, i, sizeof(packet), i);
        assert_int_equal(netron_engine_send_packet(world->nodes[0].engine, packet, sizeof(packet),
                                                   world->now_ns),
                         NETRON_OK);
        pair_flush(world);
        assert_memory_equal(&a->last.destination, &source, sizeof(source));
        assert_int_equal(a->last.length, sizeof(packet) + NF_SESSION_OVERHEAD_BYTES);
    }
    return (seconds() - begun) * 1e9 / (2.0 * count);
}

static void ten_thousand_peers_are_as_quick_and_as_small_as_one(void **state)
{
    (void)state;
    static answers a;
    pair_world *world = pair_new(0);
    netron_options options = pair_options(world, 0);
    options.peers_max = NETRON_PEERS_MAX;
    pair_add_with(world, &options);
    world->hook = take_answer;
    world->context = &a;
    caller *callers = calloc(MANY, sizeof(*callers));
    assert_non_null(callers);
    for (uint32_t i = 0; i < MANY; i++) {
        callers[i].ephemerals = 1; /* touched: what follows is the engine's */
    }
    caller_init(&callers[0], 0, PAIR_SECRET, PAIR_WALL_MS);
    double few_ns = 0, before = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        callers[i] = callers[0];
        caller_rename(&callers[i], i);
        join(world, &callers[i], i);
        if (i + 1 == FIRST) {
            for (uint32_t j = 0; j < FIRST; j++) {
                give_prefix(world, &callers[j], j);
            }
            pair_run(world, NF_SECOND_NS / 10);
            few_ns = exchange(world, callers, FIRST, MANY);
            before = resident_bytes();
        }
    }
    double one_session = (resident_bytes() - before) / (MANY - FIRST);
    assert_int_equal(pair_peer_count(world, 0), MANY);
    for (uint32_t i = FIRST; i < MANY; i++) {
        give_prefix(world, &callers[i], i);
    }
    pair_run(world, NF_SECOND_NS / 10);
    double many_ns = exchange(world, callers, MANY, MANY);
    assert_int_equal(world->nodes[0].packets, MANY + FIRST);

    before = resident_bytes();
    for (uint32_t i = 0; i < RENEWED; i++) {
        join(world, &callers[i], i);
    }
    double second_session = (resident_bytes() - before) / RENEWED;
    assert_int_equal(pair_peer_count(world, 0), MANY);
    print_message("a packet: %.0f ns with %d peers, %.0f ns with %d\n", few_ns, FIRST, many_ns,
                  MANY);
    print_message("a peer: %.0f bytes, %.0f more for the session before; a session is %zu\n",
                  one_session, second_session, sizeof(nf_session));
#ifndef IS_SANITIZED
    assert_true(one_session + second_session <= PEER_BYTES_MAX);
#endif
    free(callers);
    pair_free(world);
}

/* --- a hub ---------------------------------------------------------------------------------------
 */

enum { SPOKES = 300 }; /* more than datagrams fit the queue of control */

static pair_world *make_hub(void)
{
    pair_world *world = pair_new(0);
    netron_options options = pair_options(world, 0);
    options.peers_max = SPOKES;
    pair_add_with(world, &options);
    for (unsigned spoke = 1; spoke <= SPOKES; spoke++) {
        pair_add(world);
        pair_dial(world, spoke, 0);
    }
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(pair_peer_count(world, 0), SPOKES);
    return world;
}

static void all_that_joined_at_one_instant_stay(void **state)
{
    (void)state;
    pair_world *world = make_hub();
    pair_run(world, 5 * NF_SECOND_NS);
    for (unsigned spoke = 1; spoke <= SPOKES; spoke++) {
        assert_true(pair_peer(world, 0, spoke).path_mtu > NF_PATH_MTU_BASE);
    }
    pair_run(world, 60 * NF_SECOND_NS); /* all keepalives are due at the same moments */
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_PEER_UP], SPOKES);
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_PEER_DOWN], 0);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_QUEUE_FULL), 0);
    assert_int_equal(pair_counters(world, 0).handshakes_begun, 0);
    pair_free(world);
}

static void a_hub_that_closes_tells_all(void **state)
{
    (void)state;
    pair_world *world = make_hub();
    netron_engine_close(world->nodes[0].engine, world->now_ns);
    pair_run(world, NF_SECOND_NS / 10);
    for (unsigned spoke = 1; spoke <= SPOKES; spoke++) {
        const pair_node *node = &world->nodes[spoke];
        assert_int_equal(node->event_count[NETRON_EVENT_PEER_DOWN], 1);
        assert_int_equal(node->last_event[NETRON_EVENT_PEER_DOWN].code, NETRON_DOWN_GOODBYE);
    }
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_peers_are_as_quick_and_as_small_as_one),
        cmocka_unit_test(all_that_joined_at_one_instant_stay),
        cmocka_unit_test(a_hub_that_closes_tells_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
