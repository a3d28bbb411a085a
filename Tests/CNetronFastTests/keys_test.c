/* SPDX-License-Identifier: Apache-2.0 */
/* keys_test.c - how much may be sealed with one key: new ones are made long before, and what is
 * over the limit is not sealed. Nobody seals 2^27 packets for a test; the counters are put there.
 */
#include "pair.h"

#include "machine/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* The session by which node 0 sends to node 1. */
static nf_session *session_of(const pair_world *world)
{
    nf_core *core = pair_core(world, 0);
    uint32_t peer = nf_peers_find(core, world->nodes[1].id);
    assert_true(peer != NF_NO_PEER);
    nf_session *session = nf_peers_session(core, peer);
    assert_non_null(session);
    return session;
}

static void set_sequence(const pair_world *world, unsigned lane, uint64_t sequence)
{
    atomic_store(&session_of(world)->tx_sequence[lane], sequence);
}

static uint64_t sequence_of(const pair_world *world, unsigned lane)
{
    return atomic_load(&session_of(world)->tx_sequence[lane]);
}

static bool is_lost;

static bool lose_handshakes(pair_world *world, pair_datagram *datagram)
{
    pair_capture(world, datagram);
    return !is_lost || datagram->bytes[0] >= NF_TYPE_DATA;
}

static pair_world *make_pair(void)
{
    pair_world *world = pair_new(2);
    is_lost = false;
    pair_connect(world, 0, 1);
    pair_run(world, 2 * NF_REDIAL_NS); /* the session is not quite new */
    world->hook = lose_handshakes;
    return world;
}

/* Ten packets a second, all of which come. @return the serial after the last */
static uint32_t talk(pair_world *world, uint32_t serial, uint32_t count)
{
    for (uint32_t end = serial + count; serial < end; serial++) {
        assert_int_equal(pair_send(world, 0, 1, 100, serial), NETRON_OK);
        pair_run(world, 100 * NF_MILLISECOND_NS);
    }
    return serial;
}

static void new_keys_are_made_when_half_of_a_lanes_packets_are_sealed(void **state)
{
    (void)state;
    static const unsigned lanes[] = {0, 1, NF_LANE_CONTROL};
    for (unsigned i = 0; i < 3; i++) {
        pair_world *world = make_pair();
        set_sequence(world, lanes[i], NF_REKEY_PACKETS - 10);
        uint32_t serial = talk(world, 0, 5);
        assert_int_equal(pair_count(world, PAIR_NOBODY, NF_TYPE_MESSAGE1), 0);
        set_sequence(world, lanes[i], NF_REKEY_PACKETS);
        serial = talk(world, serial, 5);
        assert_int_equal(pair_count(world, 0, NF_TYPE_MESSAGE1), 1);
        assert_int_equal(pair_count(world, 0, NF_TYPE_MESSAGE3), 1);
        assert_true(sequence_of(world, 0) < 10);
        serial = talk(world, serial, 100);
        assert_int_equal(pair_count(world, 0, NF_TYPE_MESSAGE1), 1);
        pair_assert_all_seen(world, 1, 0, serial - 1);
        pair_free(world);
    }
}

static void while_nobody_answers_they_are_tried_for_again_and_again(void **state)
{
    (void)state;
    pair_world *world = make_pair();
    is_lost = true;
    set_sequence(world, 0, NF_REKEY_PACKETS);
    uint32_t serial = talk(world, 0, 600);
    /* Six in each dial, one dial behind the other. */
    assert_in_range(pair_count(world, 0, NF_TYPE_MESSAGE1), 12, 40);
    is_lost = false;
    serial = talk(world, serial, 150);
    assert_true(sequence_of(world, 0) < NF_REKEY_PACKETS);
    pair_assert_all_seen(world, 1, 0, serial - 1);
    pair_free(world);
}

static void a_key_seals_no_more_than_its_cipher_allows(void **state)
{
    (void)state;
    enum { LEFT = 3, SENT = 10 };
    pair_world *world = make_pair();
    is_lost = true;
    set_sequence(world, 0, NF_GCM_PACKETS_MAX - LEFT);
    uint64_t before = pair_drops(world, 0, NETRON_DROP_NO_SESSION);
    for (uint32_t serial = 0; serial < SENT; serial++) {
        (void)pair_send(world, 0, 1, 100, serial);
        (void)pair_send(world, 0, 1, 1400, SENT + serial); /* in pieces, if at all */
    }
    pair_run(world, NF_SECOND_NS / 10);
    assert_int_equal(pair_count(world, 0, NF_TYPE_DATA) + pair_count(world, 0, NF_TYPE_FRAGMENT),
                     LEFT);
    assert_true(pair_drops(world, 0, NETRON_DROP_NO_SESSION) - before >= 2 * SENT - LEFT);
    assert_int_equal(sequence_of(world, 0), NF_GCM_PACKETS_MAX);
    for (const pair_datagram *d = world->captured; d != NULL; d = d->next) {
        uint64_t counter = d->bytes[0] >= NF_TYPE_DATA ? nf_load_le64(d->bytes + 8) : 0;
        assert_true((counter & NF_SEQUENCE_MASK) < NF_GCM_PACKETS_MAX);
    }
    /* New keys, and all goes on. */
    is_lost = false;
    pair_run(world, 10 * NF_SECOND_NS);
    uint32_t end = talk(world, 100, 20);
    pair_assert_all_seen(world, 1, 100, end - 1);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_keys_are_made_when_half_of_a_lanes_packets_are_sealed),
        cmocka_unit_test(while_nobody_answers_they_are_tried_for_again_and_again),
        cmocka_unit_test(a_key_seals_no_more_than_its_cipher_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
