/* SPDX-License-Identifier: Apache-2.0 */
/* datagrams_test.c - what others say that share the port: it is handed on as it came, and however
 * much of it comes, nothing else suffers. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { BYTES_MAX = NETRON_DATAGRAM_BYTES_MAX };

/* A bencoded dictionary of that length, by its look. */
static void fill(uint8_t *out, size_t length, uint32_t number)
{
    memset(out, 'x', length);
    out[0] = 'd';
    nf_store_le32(out + 1, number);
    out[length - 1] = 'e';
}

static pair_world *make_world(unsigned nodes)
{
    pair_world *world = pair_new(0);
    for (unsigned node = 0; node < nodes; node++) {
        netron_options options = pair_options(world, node);
        options.datagrams = 1;
        pair_add_with(world, &options);
    }
    return world;
}

static int inject(pair_world *world, const netron_endpoint *source, uint32_t number)
{
    uint8_t bytes[40];
    fill(bytes, sizeof(bytes), number);
    return pair_inject(world, 0, source, bytes, sizeof(bytes));
}

/* Takes all that waits at node 0. @return how many */
static unsigned take_all(pair_world *world)
{
    uint8_t bytes[BYTES_MAX];
    netron_endpoint from;
    unsigned count = 0;
    while (netron_engine_next_datagram(world->nodes[0].engine, bytes, sizeof(bytes), &from) > 0) {
        count++;
    }
    return count;
}

/* --- whole ------------------------------------------------------------------------------------ */

static void datagrams_come_as_they_were_sent(void **state)
{
    (void)state;
    static const size_t lengths[] = {NETRON_DATAGRAM_BYTES_MIN, 9, 100, 1000, BYTES_MAX};
    pair_world *world = make_world(2);
    uint8_t bytes[BYTES_MAX], got[BYTES_MAX];
    netron_endpoint from;
    for (uint32_t i = 0; i < 5; i++) {
        fill(bytes, lengths[i], i);
        assert_int_equal(netron_engine_send_datagram(world->nodes[1].engine,
                                                     &world->nodes[0].endpoint, bytes, lengths[i],
                                                     world->now_ns),
                         NETRON_OK);
    }
    pair_run(world, NF_SECOND_NS);
    for (uint32_t i = 0; i < 5; i++) {
        fill(bytes, lengths[i], i);
        netron_engine *engine = world->nodes[0].engine;
        assert_int_equal(netron_engine_next_datagram(engine, got, lengths[i] - 1, &from),
                         NETRON_E_TOO_SHORT);
        assert_int_equal(netron_engine_next_datagram(engine, got, sizeof(got), &from), lengths[i]);
        assert_memory_equal(got, bytes, lengths[i]);
        assert_memory_equal(&from, &world->nodes[1].endpoint, sizeof(from));
    }
    assert_int_equal(take_all(world), 0);
    assert_int_equal(pair_all_drops(world, 0), 0);
    pair_free(world);
}

static void other_bytes_are_no_datagrams(void **state)
{
    (void)state;
    pair_world *world = make_world(2);
    netron_engine *engine = world->nodes[0].engine;
    netron_endpoint to = world->nodes[1].endpoint, nowhere = to;
    nowhere.port = 0;
    uint8_t bytes[BYTES_MAX + 1];
    const size_t wrong[] = {2, NETRON_DATAGRAM_BYTES_MIN - 1, BYTES_MAX + 1};
    for (unsigned i = 0; i < 3; i++) {
        fill(bytes, wrong[i], 0);
        assert_int_equal(netron_engine_send_datagram(engine, &to, bytes, wrong[i], world->now_ns),
                         NETRON_E_INVALID);
        assert_int_equal(pair_inject(world, 0, &to, bytes, wrong[i]), NETRON_E_MALFORMED);
    }
    for (unsigned i = 0; i < 2; i++) {
        fill(bytes, 20, 0);
        bytes[i == 0 ? 0 : 19] = 'f';
        assert_int_equal(netron_engine_send_datagram(engine, &to, bytes, 20, world->now_ns),
                         NETRON_E_INVALID);
        assert_int_equal(pair_inject(world, 0, &to, bytes, 20), NETRON_E_MALFORMED);
    }
    fill(bytes, 20, 0);
    assert_int_equal(netron_engine_send_datagram(engine, &nowhere, bytes, 20, world->now_ns),
                     NETRON_E_INVALID);
    assert_int_equal(take_all(world), 0);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_MALFORMED), 5);
    pair_free(world);
}

static void who_does_not_want_any_gets_none(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    uint8_t bytes[20];
    netron_endpoint from;
    fill(bytes, sizeof(bytes), 0);
    netron_engine *engine = world->nodes[0].engine;
    assert_int_equal(pair_inject(world, 0, &world->nodes[1].endpoint, bytes, sizeof(bytes)),
                     NETRON_E_MALFORMED);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_MALFORMED), 1);
    assert_int_equal(netron_engine_next_datagram(engine, bytes, sizeof(bytes), &from), 0);
    assert_int_equal(netron_engine_send_datagram(engine, &world->nodes[1].endpoint, bytes,
                                                 sizeof(bytes), world->now_ns),
                     NETRON_E_INVALID);
    pair_free(world);
}

/* --- floods ----------------------------------------------------------------------------------- */

static void one_address_fills_only_its_share_of_the_queue(void **state)
{
    (void)state;
    pair_world *world = make_world(1);
    netron_endpoint flooder = pair_endpoint(1, 0), other = pair_endpoint(2, 0);
    for (uint32_t i = 0; i < 100; i++) {
        flooder.port = (uint16_t)(1000 + i); /* another port is no other address */
        assert_int_equal(inject(world, &flooder, i),
                         i < NF_DATAGRAMS_PER_SOURCE_MAX ? NETRON_OK : NETRON_E_AGAIN);
    }
    assert_int_equal(inject(world, &other, 0), NETRON_OK);
    assert_int_equal(take_all(world), NF_DATAGRAMS_PER_SOURCE_MAX + 1);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_DATAGRAM), 100 - NF_DATAGRAMS_PER_SOURCE_MAX);
    assert_int_equal(inject(world, &flooder, 0), NETRON_OK);
    pair_free(world);
}

static void the_queue_has_an_end(void **state)
{
    (void)state;
    pair_world *world = make_world(1);
    for (uint32_t i = 0; i < NF_DATAGRAMS_MAX + 50; i++) {
        netron_endpoint source = pair_endpoint(1 + i, 0);
        assert_int_equal(inject(world, &source, i),
                         i < NF_DATAGRAMS_MAX ? NETRON_OK : NETRON_E_AGAIN);
    }
    assert_int_equal(take_all(world), NF_DATAGRAMS_MAX);
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_DATAGRAM), 50);
    pair_free(world);
}

/* A caller that polls all at once is spared by the rates. */
static void one_network_has_a_rate_and_all_together_too(void **state)
{
    (void)state;
    pair_world *world = make_world(1);
    unsigned taken = 0;
    for (uint32_t i = 0; i < 10000; i++) { /* one network, 1,000 a second */
        netron_endpoint source = pair_endpoint(1, i % 200);
        taken += inject(world, &source, i) == NETRON_OK;
        (void)take_all(world);
        world->now_ns += NF_MILLISECOND_NS;
    }
    unsigned wanted = NF_DATAGRAM_SOURCE_BURST + 10 * NF_DATAGRAM_SOURCE_PER_SECOND;
    assert_in_range(taken, wanted - 2, wanted + 2);

    world->now_ns += 10 * NF_SECOND_NS;
    taken = 0;
    for (uint32_t i = 0; i < 100000; i++) { /* many networks, 10,000 a second */
        netron_endpoint source = pair_endpoint(i % 60000, 0);
        taken += inject(world, &source, i) == NETRON_OK;
        (void)take_all(world);
        world->now_ns += NF_MILLISECOND_NS / 10;
    }
    wanted = NF_DATAGRAM_BURST + 10 * NF_DATAGRAM_PER_SECOND;
    assert_in_range(taken, wanted - 2, wanted + 2);
    pair_free(world);
}

static void a_flood_pushes_out_nothing_else(void **state)
{
    (void)state;
    pair_world *world = make_world(2);
    pair_dial(world, 1, 0);
    for (uint32_t i = 0; i < 100000; i++) {
        netron_endpoint source = pair_endpoint(1000 + i % 60000, 0);
        (void)inject(world, &source, i);
        if (i % 100 == 0) {
            pair_run(world, NF_MILLISECOND_NS);
        }
    }
    assert_true(pair_is_up(world, 0, 1) && pair_is_up(world, 1, 0));
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_LOST], 0);
    const uint8_t word[] = "a message";
    assert_int_equal(netron_engine_send_message(world->nodes[1].engine, world->nodes[0].id, word,
                                                sizeof(word), world->now_ns),
                     NETRON_OK);
    assert_int_equal(pair_send(world, 1, 0, 100, 1), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_MESSAGE], 1);
    pair_assert_all_seen(world, 0, 1, 2);
    assert_int_equal(take_all(world), NF_DATAGRAMS_MAX);
    pair_free(world);
}

static void sending_too_many_at_once_leaves_room_for_members(void **state)
{
    (void)state;
    pair_world *world = make_world(2);
    pair_connect(world, 0, 1);
    uint8_t bytes[40];
    fill(bytes, sizeof(bytes), 0);
    netron_endpoint to = pair_endpoint(9, 0);
    unsigned sent = 0;
    for (unsigned i = 0; i < 1000; i++) {
        int result = netron_engine_send_datagram(world->nodes[0].engine, &to, bytes, sizeof(bytes),
                                                 world->now_ns);
        assert_true(result == NETRON_OK || result == NETRON_E_AGAIN);
        sent += result == NETRON_OK;
    }
    assert_int_equal(sent, NF_OUTGOING_MAX / 2);
    const uint8_t word[] = "a message";
    assert_int_equal(netron_engine_send_message(world->nodes[0].engine, world->nodes[1].id, word,
                                                sizeof(word), world->now_ns),
                     NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(world->strays, NF_OUTGOING_MAX / 2);
    assert_int_equal(world->nodes[1].event_count[NETRON_EVENT_MESSAGE], 1);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_come_as_they_were_sent),
        cmocka_unit_test(other_bytes_are_no_datagrams),
        cmocka_unit_test(who_does_not_want_any_gets_none),
        cmocka_unit_test(one_address_fills_only_its_share_of_the_queue),
        cmocka_unit_test(the_queue_has_an_end),
        cmocka_unit_test(one_network_has_a_rate_and_all_together_too),
        cmocka_unit_test(a_flood_pushes_out_nothing_else),
        cmocka_unit_test(sending_too_many_at_once_leaves_room_for_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
