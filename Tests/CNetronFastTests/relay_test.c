/* SPDX-License-Identifier: Apache-2.0 */
/* relay_test.c - what a lane does with datagrams that circuits carry: trains, lanes, limits. */
#include "machine/lane.h"
#include "machine/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { LANES = 4, FIRST = 0, SECOND = 1, BYTES = 1000, HERE = 3 /* the lane of most ids */ };

static nf_table table;
static nf_lane lanes[LANES];
static nf_mailbox *control;
static uint32_t session_of[2];

static netron_endpoint place(unsigned peer)
{
    return (netron_endpoint){.address = {[10] = 0xff, 0xff, 192, 0, 2, (uint8_t)(1 + peer)},
                             .port = (uint16_t)(7000 + peer)};
}

static void add_peer(unsigned peer, const netron_endpoint *endpoint)
{
    static const uint8_t key[32];
    session_of[peer] = nf_table_reserve(&table, 0);
    nf_session_facts facts = {
        .index = session_of[peer],
        .remote_index = 1,
        .peer = peer,
        .suite = NETRON_SUITE_CHACHA20_POLY1305,
        .remote_lanes = 1,
        .now_ns = NF_SECOND_NS,
        .send_key = key,
        .receive_key = key,
        .path = {.remote = *endpoint},
    };
    nf_table_publish(&table, &facts);
    atomic_store(&table.peers[peer].send_slot, nf_slot_of(session_of[peer]));
}

static uint32_t id_at(uint32_t slot, uint32_t lane)
{
    return 0x5a << 15 | slot << NF_LANE_BITS | lane;
}

static nf_circuit *add_entry(uint32_t slot, uint32_t lane, unsigned peer, uint32_t other)
{
    nf_circuit *entry = &table.circuits[slot];
    *entry = (nf_circuit){.out_id = 0xbb000000 | slot, .peer = peer, .other = other};
    atomic_store(&entry->id, id_at(slot, lane));
    return entry;
}

static int make_lanes(void **state)
{
    (void)state;
    assert_true(nf_table_init(&table, 4, LANES, NETRON_MTU_DEFAULT));
    control = nf_mailbox_new(16, NF_LETTER_BYTES_MAX);
    assert_non_null(control);
    for (uint32_t i = 0; i < LANES; i++) {
        assert_true(nf_lane_init(&lanes[i], &table, i, NF_AEAD_FIXED_ORDER));
        lanes[i].now_ns = NF_SECOND_NS;
        lanes[i].control = control;
    }
    netron_endpoint first = place(FIRST), second = place(SECOND);
    add_peer(FIRST, &first);
    add_peer(SECOND, &second);
    for (uint32_t slot = 10; slot < 14; slot += 2) { /* two circuits: 10 with 11, 12 with 13 */
        add_entry(slot, HERE, FIRST, slot + 1);
        add_entry(slot + 1, HERE, SECOND, slot);
    }
    return 0;
}

static int free_lanes(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < LANES; i++) {
        nf_lane_free(&lanes[i]);
    }
    nf_table_free(&table);
    nf_mailbox_free(control);
    return 0;
}

static nf_relay_result
bring(unsigned lane, uint32_t id, size_t length, unsigned from, uint8_t tos, unsigned *reason)
{
    static uint8_t datagram[BYTES * 2];
    nf_path path = {.remote = place(from)}, through;
    memset(datagram, (int)length, sizeof(datagram));
    nf_shim_write(datagram, 1, id);
    datagram[NF_CIRCUIT_SHIM_BYTES] = NF_TYPE_DATA;
    return nf_lane_relay(&lanes[lane], datagram, length, &path, tos, &through, reason);
}

static void carry(uint32_t id, size_t length, uint8_t tos)
{
    unsigned reason;
    assert_int_equal(bring(HERE, id, length, FIRST, tos, &reason), NF_RELAY_SENT);
}

static void equal_datagrams_of_a_circuit_leave_as_one_train(void **state)
{
    (void)state;
    const nf_outbox *outbox = &lanes[HERE].outbox;
    for (unsigned i = 0; i < NF_OUTBOX_TRAIN_SEGMENTS_MAX; i++) {
        carry(id_at(10, HERE), BYTES, 0);
    }
    assert_int_equal(outbox->count, 1);
    const nf_departure *train = &outbox->messages[0];
    netron_endpoint second = place(SECOND);
    assert_int_equal(train->length, NF_OUTBOX_TRAIN_SEGMENTS_MAX * BYTES);
    assert_int_equal(train->segment, BYTES);
    assert_memory_equal(&train->to, &second, sizeof(second));
    for (unsigned i = 0; i < NF_OUTBOX_TRAIN_SEGMENTS_MAX; i++) {
        const uint8_t shim[] = {NF_TYPE_RELAY, 0, 0, 0, 11, 0, 0, 0xbb, NF_TYPE_DATA};
        assert_memory_equal(train->bytes + (size_t)i * BYTES, shim, sizeof(shim));
    }
    carry(id_at(10, HERE), BYTES, 0); /* one more than fit */
    assert_int_equal(outbox->count, 2);
    carry(id_at(10, HERE), BYTES - 1, 0); /* a shorter one ends a train */
    assert_int_equal(outbox->count, 2);
    carry(id_at(10, HERE), BYTES - 1, 0);
    assert_int_equal(outbox->count, 3);
    carry(id_at(12, HERE), BYTES - 1, 0); /* another circuit, though it goes to the same place */
    assert_int_equal(outbox->count, 4);
    carry(id_at(12, HERE), BYTES - 1, 3); /* another mark of congestion */
    assert_int_equal(outbox->count, 5);
    assert_int_equal(outbox->messages[4].tos, 3);
}

static void only_the_lane_that_an_id_names_takes_it(void **state)
{
    (void)state;
    unsigned reason;
    for (uint32_t owner = 0; owner < LANES; owner++) {
        add_entry(20 + owner, owner, FIRST, NF_NO_CIRCUIT);
        for (unsigned lane = 0; lane < LANES; lane++) {
            nf_relay_result wanted = lane == owner ? NF_RELAY_ARRIVED : NF_RELAY_STRAY;
            assert_int_equal(bring(lane, id_at(20 + owner, owner), BYTES, FIRST, 0, &reason),
                             wanted);
        }
        assert_int_equal(atomic_load(&table.circuits[20 + owner].packets), 1);
        assert_int_equal(atomic_load(&table.circuits[20 + owner].bytes), BYTES);
    }
}

static void a_full_outbox_costs_nothing_of_the_rate(void **state)
{
    (void)state;
    nf_circuit *entry = &table.circuits[10];
    unsigned reason;
    entry->bytes_per_second = 1;
    entry->burst_bytes = 1000 * BYTES;
    uint32_t sent = 0;
    while (bring(HERE, id_at(10, HERE), BYTES, FIRST, 0, &reason) == NF_RELAY_SENT) {
        sent++;
    }
    assert_int_equal(sent, NF_OUTBOX_BYTES / BYTES);
    assert_int_equal(bring(HERE, id_at(10, HERE), BYTES, FIRST, 0, &reason), NF_RELAY_FULL);
    assert_int_equal(entry->rate.tokens_milli, UINT64_C(1000) * (1000 - sent) * BYTES);
    nf_outbox_clear(&lanes[HERE].outbox);
    while (sent < 1000) {
        assert_int_equal(bring(HERE, id_at(10, HERE), BYTES, FIRST, 0, &reason), NF_RELAY_SENT);
        nf_outbox_clear(&lanes[HERE].outbox);
        sent++;
    }
    assert_int_equal(bring(HERE, id_at(10, HERE), BYTES, FIRST, 0, &reason), NF_RELAY_DROPPED);
    assert_int_equal(reason, NETRON_DROP_RELAY_LIMITED);
    assert_int_equal(atomic_load(&entry->packets), 1000);
    lanes[HERE].now_ns += BYTES * NF_SECOND_NS;
    assert_int_equal(bring(HERE, id_at(10, HERE), BYTES, FIRST, 0, &reason), NF_RELAY_SENT);
}

/* How many datagrams of a circuit go on within a time in which so many come each millisecond. */
static uint32_t
flood(uint32_t slot, uint32_t per_millisecond, uint32_t other_every, uint32_t *other)
{
    enum { MILLISECONDS = 10000 };
    unsigned reason;
    uint32_t sent = 0;
    for (uint32_t i = 0; i < MILLISECONDS; i++) {
        for (uint32_t j = 0; j < per_millisecond; j++) {
            nf_relay_result result = bring(HERE, id_at(slot, HERE), BYTES, FIRST, 0, &reason);
            sent += result == NF_RELAY_SENT;
            assert_true(result == NF_RELAY_SENT || reason == NETRON_DROP_RELAY_LIMITED);
        }
        if (other_every != 0 && i % other_every == 0) {
            *other += bring(HERE, id_at(12, HERE), BYTES, FIRST, 0, &reason) == NF_RELAY_SENT;
        }
        nf_outbox_clear(&lanes[HERE].outbox);
        lanes[HERE].now_ns += NF_MILLISECOND_NS;
    }
    return sent;
}

static void all_circuits_share_a_rate_and_none_is_starved(void **state)
{
    (void)state;
    enum { PER_SECOND = 400 * BYTES, SECONDS = 10 };
    table.relay_bytes_per_second = PER_SECOND;
    atomic_store(&table.relay_sides, 4);
    uint32_t other = 0;
    uint32_t alone = flood(10, 2, 0, &other);
    assert_in_range(alone, 400 * SECONDS, 400 * (SECONDS + 1));
    /* A quarter is each side's: 90 datagrams a second pass, however many others come. */
    uint32_t beside = flood(10, 2, 11, &other);
    assert_int_equal(other, 10000 / 11 + 1);
    assert_in_range(beside + other, 400 * (SECONDS - 1), 400 * (SECONDS + 1));
}

static void a_full_outbox_costs_nothing_of_the_rate_of_all(void **state)
{
    (void)state;
    nf_circuit *entry = &table.circuits[10];
    unsigned reason;
    table.relay_bytes_per_second = 1000 * BYTES;
    atomic_store(&table.relay_sides, 1);
    while (bring(HERE, id_at(10, HERE), BYTES, FIRST, 0, &reason) == NF_RELAY_SENT) {
    }
    uint64_t spent_ns = atomic_load(&table.relay_spent_ns);
    uint64_t part = entry->part.tokens_milli;
    assert_int_equal(spent_ns, NF_SECOND_NS + NF_OUTBOX_BYTES / BYTES * NF_MILLISECOND_NS);
    assert_int_equal(bring(HERE, id_at(10, HERE), BYTES, FIRST, 0, &reason), NF_RELAY_FULL);
    assert_int_equal(atomic_load(&table.relay_spent_ns), spent_ns);
    assert_int_equal(entry->part.tokens_milli, part);
}

static void a_neighbour_without_a_path_of_its_own_carries_nothing(void **state)
{
    (void)state;
    unsigned reason;
    nf_session *session = nf_table_slot(&table, session_of[SECOND]);
    nf_path by_circuit = {.remote = nf_endpoint_of_circuit(id_at(30, HERE))};
    nf_session_set_path(session, &by_circuit);
    assert_int_equal(bring(HERE, id_at(10, HERE), BYTES, FIRST, 0, &reason), NF_RELAY_DROPPED);
    assert_int_equal(reason, NETRON_DROP_NO_CIRCUIT);
    assert_int_equal(bring(HERE, id_at(11, HERE), BYTES, SECOND, 0, &reason), NF_RELAY_DROPPED);
    assert_int_equal(reason, NETRON_DROP_NOT_NEIGHBOUR);
    atomic_store(&table.peers[FIRST].send_slot, NF_NO_SLOT);
    assert_int_equal(bring(HERE, id_at(10, HERE), BYTES, FIRST, 0, &reason), NF_RELAY_DROPPED);
    assert_int_equal(reason, NETRON_DROP_NOT_NEIGHBOUR);
    assert_int_equal(lanes[HERE].outbox.count, 0);
    assert_int_equal(atomic_load(&table.circuits[10].packets), 0);
}

/* Letters to control that name a session and a place. */
static unsigned take_letters(uint32_t session, const netron_endpoint *from)
{
    unsigned count = 0;
    size_t length;
    for (const void *bytes; (bytes = nf_mailbox_peek(control, &length)) != NULL; count++) {
        nf_letter letter;
        memcpy(&letter, bytes, sizeof(letter));
        assert_int_equal(letter.kind, NF_LETTER_ROAMED);
        assert_int_equal(letter.index, session);
        assert_memory_equal(&letter.path.remote, from, sizeof(*from));
        nf_mailbox_drop(control);
    }
    return count;
}

static void a_datagram_from_elsewhere_is_dropped_and_told_ten_times_a_second(void **state)
{
    (void)state;
    unsigned reason, told = 0;
    netron_endpoint elsewhere = place(SECOND);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(bring(HERE, id_at(10, HERE), BYTES, SECOND, 0, &reason), NF_RELAY_DROPPED);
        assert_int_equal(reason, NETRON_DROP_NOT_NEIGHBOUR);
        told += take_letters(session_of[FIRST], &elsewhere);
        lanes[HERE].now_ns += NF_MILLISECOND_NS;
    }
    assert_int_equal(told, 10);
    assert_int_equal(atomic_load(&table.circuits[10].heard_ns), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_datagrams_of_a_circuit_leave_as_one_train, make_lanes,
                                        free_lanes),
        cmocka_unit_test_setup_teardown(only_the_lane_that_an_id_names_takes_it, make_lanes,
                                        free_lanes),
        cmocka_unit_test_setup_teardown(a_full_outbox_costs_nothing_of_the_rate, make_lanes,
                                        free_lanes),
        cmocka_unit_test_setup_teardown(all_circuits_share_a_rate_and_none_is_starved, make_lanes,
                                        free_lanes),
        cmocka_unit_test_setup_teardown(a_full_outbox_costs_nothing_of_the_rate_of_all, make_lanes,
                                        free_lanes),
        cmocka_unit_test_setup_teardown(
            a_datagram_from_elsewhere_is_dropped_and_told_ten_times_a_second, make_lanes,
            free_lanes),
        cmocka_unit_test_setup_teardown(a_neighbour_without_a_path_of_its_own_carries_nothing,
                                        make_lanes, free_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
