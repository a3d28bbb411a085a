/* SPDX-License-Identifier: Apache-2.0 */
/* session_test.c - the life of a session's keys: when they are made anew, and when they end. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* A packet each way a step. @return the serial after the last */
static uint32_t talk(pair_world *world, uint32_t serial, uint64_t duration_ns, uint64_t step_ns)
{
    uint64_t end_ns = world->now_ns + duration_ns;
    for (; world->now_ns < end_ns; serial++) {
        assert_int_equal(pair_send(world, 0, 1, 100, serial), NETRON_OK);
        assert_int_equal(pair_send(world, 1, 0, 100, serial), NETRON_OK);
        pair_run(world, step_ns);
    }
    return serial;
}

/* --- new keys --------------------------------------------------------------------------------- */

static bool capture_handshakes(pair_world *world, pair_datagram *datagram)
{
    if (datagram->bytes[0] < NF_TYPE_DATA) {
        pair_capture(world, datagram);
    }
    return true;
}

static void the_initiator_makes_new_keys_while_traffic_flows(void **state)
{
    (void)state;
    uint64_t least_ns = UINT64_MAX, most_ns = 0;
    for (unsigned run = 0; run < 8; run++) {
        pair_world *world = pair_new(2);
        world->engines_made += run * 100; /* other randomness */
        pair_restart(world, 0);
        pair_connect(world, 0, 1);
        world->hook = capture_handshakes;
        uint64_t made_ns = pair_peer(world, 0, 1).handshake_ns;
        uint32_t end = talk(world, 0, 140 * NF_SECOND_NS, 40 * NF_MILLISECOND_NS);
        pair_run(world, NF_SECOND_NS / 10);
        pair_assert_all_seen(world, 0, 0, end);
        pair_assert_all_seen(world, 1, 0, end);
        assert_int_equal(pair_count(world, 0, NF_TYPE_MESSAGE1), 1);
        assert_int_equal(pair_count(world, 0, NF_TYPE_MESSAGE3), 1);
        assert_int_equal(pair_count(world, 1, NF_TYPE_MESSAGE1), 0);
        uint64_t age_ns = pair_captured(world, 0, NF_TYPE_MESSAGE1, 0)->sent_ns - made_ns;
        assert_in_range(age_ns, NF_REKEY_INITIATOR_NS,
                        NF_REKEY_INITIATOR_NS + NF_REKEY_JITTER_NS + NF_SECOND_NS / 10);
        least_ns = age_ns < least_ns ? age_ns : least_ns;
        most_ns = age_ns > most_ns ? age_ns : most_ns;
        assert_true(pair_peer(world, 0, 1).handshake_ns > made_ns);
        for (unsigned node = 0; node < 2; node++) {
            assert_int_equal(world->nodes[node].event_count[NETRON_EVENT_PEER_UP], 1);
            assert_int_equal(world->nodes[node].event_count[NETRON_EVENT_PEER_DOWN], 0);
        }
        pair_free(world);
    }
    assert_true(most_ns - least_ns > NF_SECOND_NS); /* so that a crowd does not rekey at once */
}

static bool silence_the_initiator(pair_world *world, pair_datagram *datagram)
{
    pair_capture(world, datagram);
    return datagram->from != 0 || datagram->bytes[0] != NF_TYPE_MESSAGE1;
}

static void the_responder_makes_new_keys_when_the_initiator_cannot(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    uint64_t made_ns = pair_peer(world, 1, 0).handshake_ns;
    world->hook = silence_the_initiator;
    uint32_t end = talk(world, 0, 170 * NF_SECOND_NS, 100 * NF_MILLISECOND_NS);
    pair_assert_all_seen(world, 0, 0, end - 1);
    pair_assert_all_seen(world, 1, 0, end - 1);
    assert_true(pair_count(world, 0, NF_TYPE_MESSAGE1) >= 5);
    assert_int_equal(pair_count(world, 1, NF_TYPE_MESSAGE1), 1);
    uint64_t age_ns = pair_captured(world, 1, NF_TYPE_MESSAGE1, 0)->sent_ns - made_ns;
    assert_in_range(age_ns, NF_REKEY_RESPONDER_NS, NF_REKEY_RESPONDER_NS + NF_SECOND_NS);
    pair_free(world);
}

/* The receiver index that node 1 is reached by, before and now; node 1's new packets are lost. */
typedef struct switching {
    uint32_t old_to_0, old_to_1;
    bool hold;
    unsigned sealed_old, sealed_new;
} switching;

static bool hold_new_keys(pair_world *world, pair_datagram *datagram)
{
    switching *s = world->context;
    if (datagram->bytes[0] == NF_TYPE_MESSAGE3) {
        s->hold = s->sealed_new == 0;
    }
    if (datagram->bytes[0] < NF_TYPE_DATA) {
        /* Node 1 would soon dial for itself. */
        return datagram->from == 0 || datagram->bytes[0] == NF_TYPE_MESSAGE2;
    }
    uint32_t index = nf_receiver_index_of(datagram->bytes);
    if (datagram->from == 0) {
        s->sealed_old += index == s->old_to_1;
        s->sealed_new += index != s->old_to_1;
        return true;
    }
    return !s->hold || index == s->old_to_0;
}

static uint32_t index_of_last(const pair_world *world, unsigned from)
{
    uint32_t index = 0;
    for (const pair_datagram *d = world->captured; d != NULL; d = d->next) {
        index =
            d->from == from && d->bytes[0] == NF_TYPE_DATA ? nf_receiver_index_of(d->bytes) : index;
    }
    return index;
}

static void until_new_keys_are_confirmed_the_initiator_seals_with_the_old(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    world->hook = pair_capture_all;
    talk(world, 0, NF_SECOND_NS, 100 * NF_MILLISECOND_NS);
    switching s = {.old_to_0 = index_of_last(world, 1), .old_to_1 = index_of_last(world, 0)};
    assert_true(s.old_to_0 != 0 && s.old_to_1 != 0);
    world->hook = hold_new_keys;
    world->context = &s;
    uint32_t serial = 100;
    while (!s.hold) {
        serial = talk(world, serial, 1, 20 * NF_MILLISECOND_NS);
    }
    /* Message 3 arrived, what answers it does not. */
    uint32_t first = serial;
    unsigned sealed_old = s.sealed_old;
    serial = talk(world, serial, NF_SECOND_NS, 20 * NF_MILLISECOND_NS);
    assert_int_equal(s.sealed_new, 0);
    assert_true(s.sealed_old - sealed_old >= serial - first);
    pair_assert_all_seen(world, 1, first, serial - 1);
    s.hold = false;
    serial = talk(world, serial, 2 * NF_SECOND_NS, 20 * NF_MILLISECOND_NS);
    assert_true(s.sealed_new > 50);
    sealed_old = s.sealed_old;
    serial = talk(world, serial, NF_SECOND_NS, 20 * NF_MILLISECOND_NS);
    assert_int_equal(s.sealed_old, sealed_old);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 100, serial);
    pair_free(world);
}

/* --- old keys --------------------------------------------------------------------------------- */

typedef struct ages {
    uint32_t index[2][64]; /* of the receiver, by sender */
    uint64_t first_ns[2][64];
    unsigned count[2];
    uint64_t oldest_ns;
    uint64_t no_handshakes_from_ns;
} ages;

/* How long each key is in use, by the receiver index; lets no new handshake through. */
static bool measure_ages(pair_world *world, pair_datagram *datagram)
{
    ages *a = world->context;
    pair_capture(world, datagram);
    if (datagram->bytes[0] < NF_TYPE_DATA) {
        return world->now_ns < a->no_handshakes_from_ns;
    }
    unsigned from = datagram->from, i = 0;
    uint32_t index = nf_receiver_index_of(datagram->bytes);
    while (i < a->count[from] && a->index[from][i] != index) {
        i++;
    }
    if (i == a->count[from]) {
        assert_true(i < 64);
        a->index[from][i] = index;
        a->first_ns[from][i] = world->now_ns;
        a->count[from]++;
    }
    uint64_t age_ns = world->now_ns - a->first_ns[from][i];
    a->oldest_ns = age_ns > a->oldest_ns ? age_ns : a->oldest_ns;
    return true;
}

static void keys_end_when_they_are_too_old(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    static ages a;
    memset(&a, 0, sizeof(a));
    a.no_handshakes_from_ns = world->now_ns + NF_SECOND_NS;
    world->hook = measure_ages;
    world->context = &a;
    pair_connect(world, 0, 1);
    uint64_t made_ns = pair_peer(world, 1, 0).handshake_ns;
    for (uint32_t serial = 0; world->now_ns < made_ns + 178 * NF_SECOND_NS; serial++) {
        assert_int_equal(pair_send(world, 0, 1, 100, serial), NETRON_OK);
        pair_run(world, 100 * NF_MILLISECOND_NS);
    }
    /* One is kept back until the end, and opens no more. */
    pair_forget(world);
    assert_int_equal(pair_send(world, 0, 1, 100, 60000), NETRON_OK);
    pair_datagram kept = *pair_captured(world, 0, NF_TYPE_DATA, 0);
    nf_store_le64(kept.bytes + 8, 1000000); /* its tag is wrong now, if anybody looks */
    assert_int_equal(pair_inject(world, 1, &kept.source, kept.bytes, kept.length), NETRON_E_FORGED);
    pair_run(world, 3 * NF_SECOND_NS);
    assert_int_equal(pair_inject(world, 1, &kept.source, kept.bytes, kept.length),
                     NETRON_E_UNKNOWN_PEER);
    for (unsigned i = 0; i < 100; i++) {
        (void)pair_send(world, 0, 1, 100, 61000 + i);
        pair_run(world, NF_SECOND_NS / 10);
    }
    assert_true(a.oldest_ns > 175 * NF_SECOND_NS);
    assert_true(a.oldest_ns <= NF_SESSION_END_NS);
    for (unsigned node = 0; node < 2; node++) {
        assert_false(pair_is_up(world, node, 1 - node));
        assert_int_equal(world->nodes[node].last_event[NETRON_EVENT_PEER_DOWN].code,
                         NETRON_DOWN_SILENT);
    }
    pair_free(world);
}

static bool let_handshakes_through_late(pair_world *world, pair_datagram *datagram)
{
    ages *a = world->context;
    uint64_t until_ns = a->no_handshakes_from_ns;
    a->no_handshakes_from_ns = UINT64_MAX;
    (void)measure_ages(world, datagram);
    a->no_handshakes_from_ns = until_ns;
    bool late = world->now_ns > PAIR_START_NS + 176 * NF_SECOND_NS;
    return datagram->bytes[0] >= NF_TYPE_DATA || world->now_ns < until_ns || late;
}

static void the_session_before_ends_with_its_keys(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    static ages a;
    memset(&a, 0, sizeof(a));
    a.no_handshakes_from_ns = world->now_ns + NF_SECOND_NS;
    world->hook = let_handshakes_through_late;
    world->context = &a;
    pair_connect(world, 0, 1);
    uint32_t end = talk(world, 0, 178 * NF_SECOND_NS, 100 * NF_MILLISECOND_NS);
    pair_datagram old = *pair_captured(world, 0, NF_TYPE_DATA, 5);
    end = talk(world, end, 5 * NF_SECOND_NS, 100 * NF_MILLISECOND_NS);
    assert_true(pair_is_up(world, 0, 1) && pair_is_up(world, 1, 0));
    assert_int_equal(a.count[0], 2);
    assert_int_equal(pair_inject(world, 1, &old.source, old.bytes, old.length),
                     NETRON_E_UNKNOWN_PEER);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 0, end);
    pair_free(world);
}

/* --- counters --------------------------------------------------------------------------------- */

typedef struct nonces {
    uint64_t *seen; /* key, then counter */
    size_t count, capacity;
} nonces;

static bool record_nonce(pair_world *world, pair_datagram *datagram)
{
    nonces *n = world->context;
    if (datagram->bytes[0] >= NF_TYPE_DATA) {
        assert_true(n->count + 2 <= n->capacity);
        /* Sender and receiver's index name a key; an index comes again only after 8192 others. */
        n->seen[n->count++] =
            (uint64_t)datagram->from << 32 | nf_receiver_index_of(datagram->bytes);
        n->seen[n->count++] = nf_load_le64(datagram->bytes + 8);
    }
    return pair_random(world, 20) != 0;
}

static int by_key_and_counter(const void *a, const void *b)
{
    return memcmp(a, b, 2 * sizeof(uint64_t));
}

static void no_counter_is_used_twice_with_a_key(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    nonces n = {.capacity = 400000};
    n.seen = calloc(n.capacity, sizeof(*n.seen));
    assert_non_null(n.seen);
    world->hook = record_nonce;
    world->context = &n;
    pair_dial(world, 0, 1);
    pair_run(world, 10 * NF_SECOND_NS);
    uint8_t text[] = "counted too";
    for (uint32_t i = 0; i < 10000; i++) {
        for (unsigned from = 0; from < 2; from++) {
            (void)pair_send(world, from, 1 - from, i % 50 == 0 ? 1400 : 100, i);
            (void)netron_engine_send_message(world->nodes[from].engine, world->nodes[1 - from].id,
                                             text, sizeof(text), world->now_ns);
        }
        pair_run(world, 50 * NF_MILLISECOND_NS);
    }
    size_t packets = n.count / 2, keys = 1, lanes[8] = {0};
    qsort(n.seen, packets, 2 * sizeof(uint64_t), by_key_and_counter);
    for (size_t i = 1; i < packets; i++) {
        assert_memory_not_equal(n.seen + 2 * i - 2, n.seen + 2 * i, 2 * sizeof(uint64_t));
        keys += n.seen[2 * i] != n.seen[2 * i - 2];
        lanes[n.seen[2 * i + 1] >> 61]++;
    }
    assert_true(packets > 40000);
    assert_true(keys >= 8); /* four sessions and more, two keys each */
    assert_true(lanes[0] > 10000 && lanes[NF_LANE_CONTROL] > 10000);
    free(n.seen);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_initiator_makes_new_keys_while_traffic_flows),
        cmocka_unit_test(the_responder_makes_new_keys_when_the_initiator_cannot),
        cmocka_unit_test(until_new_keys_are_confirmed_the_initiator_seals_with_the_old),
        cmocka_unit_test(keys_end_when_they_are_too_old),
        cmocka_unit_test(the_session_before_ends_with_its_keys),
        cmocka_unit_test(no_counter_is_used_twice_with_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
