/* SPDX-License-Identifier: Apache-2.0 */
/* stranger_test.c - who does not know the token, or only repeats what members said, gets no answer
 * and changes nothing. */
#include "caller.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* A node without peers that has nothing under way: no handshake, no timer. */
static void assert_untouched(pair_world *world, unsigned node)
{
    assert_int_equal(pair_peer_count(world, node), 0);
    assert_true(netron_engine_deadline(world->nodes[node].engine) == UINT64_MAX);
    for (unsigned kind = 0; kind < PAIR_KINDS; kind++) {
        assert_int_equal(world->nodes[node].event_count[kind], 0);
    }
}

/* --- without the token ------------------------------------------------------------------------ */

static void another_token_gets_no_answer(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    netron_options options = pair_options(world, 1);
    options.network_secret = (const uint8_t *)"what others know";
    options.network_secret_length = 16;
    pair_add_with(world, &options);
    world->hook = pair_capture_all;
    pair_dial(world, 1, 0);
    pair_run(world, 30 * NF_SECOND_NS);

    for (uint8_t type = NF_TYPE_MESSAGE1; type <= NF_TYPE_FRAGMENT; type++) {
        assert_int_equal(pair_count(world, 0, type), 0);
    }
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_WRONG_NETWORK), NF_DIAL_TRIES_MAX);
    assert_untouched(world, 0);
    assert_int_equal(world->nodes[1].last_event[NETRON_EVENT_DIAL_FAILED].code, NETRON_E_EXPIRED);
    pair_free(world);
}

/* Nine of ten look like a message of some type; the others like nothing. */
static size_t make_noise(pair_world *world, uint8_t *out)
{
    static const uint16_t lengths[] = {0,
                                       NF_MESSAGE1_BYTES,
                                       NF_MESSAGE2_BYTES,
                                       NF_MESSAGE3_BYTES,
                                       NF_COOKIE_BYTES,
                                       NF_SESSION_OVERHEAD_BYTES,
                                       100,
                                       1400,
                                       36};
    for (size_t i = 0; i < 1500; i += 4) {
        nf_store_le32(out + i, pair_random(world, 1u << 28) * 16 + pair_random(world, 16));
    }
    if (pair_random(world, 10) == 0) {
        return pair_random(world, 1500);
    }
    uint8_t type = (uint8_t)pair_random(world, 10);
    out[0] = type;
    out[1] = (uint8_t)pair_random(world, 5);
    out[2] = type < NF_TYPE_DATA ? NF_VERSION : 0;
    out[3] = 0;
    if (pair_random(world, 2) == 0) {
        nf_store_le32(out + 4, pair_random(world, 64) << NF_LANE_BITS);
    }
    return lengths[type % 9];
}

static void noise_is_dropped_and_counted(void **state)
{
    (void)state;
    const uint32_t count = 1000000;
    pair_world *world = pair_new(1);
    world->hook = pair_capture_all;
    uint8_t noise[1504];
    for (uint32_t i = 0; i < count; i++) {
        netron_endpoint source = pair_endpoint(1 + pair_random(world, 1000), 0);
        size_t length = make_noise(world, noise);
        assert_true(pair_inject(world, 0, &source, noise, length) < 0);
        world->now_ns += 10000;
    }
    assert_null(world->captured);
    assert_untouched(world, 0);
    assert_int_equal(pair_all_drops(world, 0), count);
    assert_true(pair_drops(world, 0, NETRON_DROP_WRONG_NETWORK) > count / 100);
    assert_true(pair_drops(world, 0, NETRON_DROP_UNKNOWN_INDEX) > count / 100);
    /* And it took nothing away from who is honest. */
    pair_add(world);
    pair_connect(world, 1, 0);
    pair_free(world);
}

/* --- repeating what members said -------------------------------------------------------------- */

typedef struct answers {
    netron_endpoint stranger;
    unsigned to_stranger, to_member;
} answers;

static bool count_answers(pair_world *world, pair_datagram *datagram)
{
    answers *a = world->context;
    bool stranger = memcmp(&datagram->destination, &a->stranger, sizeof(a->stranger)) == 0;
    a->to_stranger += stranger;
    a->to_member += !stranger;
    return true;
}

/* Two members say all that there is to say, and it is recorded. Nothing is in flight then. */
static pair_world *record_a_conversation(void)
{
    pair_world *world = pair_new(2);
    uint8_t text[] = "hello";
    world->hook = pair_capture_all;
    pair_connect(world, 0, 1);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(pair_send(world, 0, 1, 100 + i, i), NETRON_OK);
        assert_int_equal(pair_send(world, 1, 0, 1400, i), NETRON_OK);
        assert_int_equal(netron_engine_send_message(world->nodes[0].engine, world->nodes[1].id,
                                                    text, sizeof(text), world->now_ns),
                         NETRON_OK);
    }
    pair_run(world, 3 * NF_SECOND_NS);
    world->hook = NULL;
    assert_true(pair_count(world, 0, NF_TYPE_DATA) >= 10);
    assert_true(pair_count(world, 1, NF_TYPE_LINK) >= 1);
    return world;
}

/* Sends all that was recorded once more to whom it was for. */
static answers repeat_all(pair_world *world, bool from_elsewhere)
{
    answers a = {.stranger = pair_endpoint(700, 7)};
    world->hook = count_answers;
    world->context = &a;
    for (const pair_datagram *d = world->captured; d != NULL; d = d->next) {
        int result = pair_inject(world, d->to, from_elsewhere ? &a.stranger : &d->source, d->bytes,
                                 d->length);
        /* A message 3 is repeated when the confirmation was lost: it is the one that is welcome. */
        assert_true(result < 0 || d->bytes[0] == NF_TYPE_MESSAGE3);
    }
    world->hook = NULL;
    return a;
}

static void assert_nothing_changed(pair_world *world)
{
    for (unsigned node = 0; node < 2; node++) {
        assert_int_equal(world->nodes[node].event_count[NETRON_EVENT_PEER_UP], 1);
        assert_int_equal(world->nodes[node].event_count[NETRON_EVENT_PEER_DOWN], 0);
        assert_int_equal(world->nodes[node].event_count[NETRON_EVENT_MOVED], 0);
        assert_int_equal(pair_peer_count(world, node), 1);
        netron_peer_info info = pair_peer(world, node, 1 - node);
        assert_memory_equal(&info.endpoint, &world->nodes[1 - node].endpoint,
                            sizeof(info.endpoint));
    }
    assert_int_equal(world->nodes[0].packets, 10);
    assert_int_equal(world->nodes[1].packets, 10);
    assert_int_equal(world->nodes[1].event_count[NETRON_EVENT_MESSAGE], 10);
    assert_int_equal(pair_send(world, 0, 1, 100, 500), NETRON_OK);
    assert_int_equal(pair_send(world, 1, 0, 100, 501), NETRON_OK);
    pair_run(world, 20 * NF_MILLISECOND_NS);
    pair_assert_all_seen(world, 1, 500, 501);
    pair_assert_all_seen(world, 0, 501, 502);
}

static void what_is_repeated_at_once_brings_only_a_confirmation_to_the_member(void **state)
{
    (void)state;
    for (unsigned elsewhere = 0; elsewhere < 2; elsewhere++) {
        pair_world *world = record_a_conversation();
        answers a = repeat_all(world, elsewhere == 1);
        assert_int_equal(a.to_stranger, 0);
        assert_int_equal(a.to_member, 1);
        assert_int_equal(pair_drops(world, 1, NETRON_DROP_REPEATED), 1);
        assert_nothing_changed(world);
        pair_free(world);
    }
}

static void what_is_repeated_later_brings_nothing(void **state)
{
    (void)state;
    pair_world *world = record_a_conversation();
    pair_run(world, NF_HALF_OPEN_END_NS);
    answers a = repeat_all(world, true);
    assert_int_equal(a.to_stranger + a.to_member, 0);
    assert_nothing_changed(world);
    pair_free(world);
}

static void a_first_message_is_not_answered_again_in_the_next_epoch(void **state)
{
    (void)state;
    pair_world *world = record_a_conversation();
    pair_run(world, NETRON_EPOCH_SECONDS_MIN * NF_SECOND_NS);
    answers a = repeat_all(world, true);
    assert_int_equal(a.to_stranger + a.to_member, 0);
    assert_int_equal(pair_drops(world, 1, NETRON_DROP_REPEATED), 1);
    pair_free(world);
}

static void a_first_message_without_a_clock_is_not_answered_again(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    caller c;
    caller_init(&c, 1, PAIR_SECRET, 0);
    caller_begin(&c, 1, NULL);
    netron_endpoint source = pair_endpoint(700, 0);
    for (unsigned hour = 0; hour < 5; hour++) {
        world->hook = pair_capture_all;
        int result = pair_inject(world, 0, &source, c.message1, NF_MESSAGE1_BYTES);
        assert_int_equal(result, hour == 0 ? NETRON_OK : NETRON_E_REPLAYED);
        assert_int_equal(pair_count(world, 0, NF_TYPE_MESSAGE2), 1);
        pair_run(world, NETRON_EPOCH_SECONDS_MIN * NF_SECOND_NS);
    }
    pair_free(world);
}

/* --- changing what members say ---------------------------------------------------------------- */

typedef struct changes {
    unsigned made, answered;
    bool busy;
} changes;

static void
try_changed(pair_world *world, const pair_datagram *original, const uint8_t *bytes, size_t length)
{
    changes *c = world->context;
    netron_engine *engine = world->nodes[original->to].engine;
    int result = netron_engine_receive(engine, bytes, length, &original->source, 0, world->now_ns);
    assert_true(result < 0);
    pair_datagram out;
    while (netron_engine_poll_datagram(engine, out.bytes, sizeof(out.bytes), &out.destination,
                                       &out.tos) > 0) {
        c->answered++;
    }
    c->made++;
}

/* In front of each message, every truncation and every bit of it turned over; then itself. */
static bool change_first(pair_world *world, pair_datagram *datagram)
{
    changes *c = world->context;
    if (c->busy || datagram->to == PAIR_NOBODY || datagram->length > 300) {
        return true;
    }
    c->busy = true;
    uint8_t bytes[512];
    memcpy(bytes, datagram->bytes, datagram->length);
    for (size_t length = 0; length < datagram->length; length++) {
        try_changed(world, datagram, bytes, length);
    }
    for (size_t bit = 0; bit < datagram->length * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        try_changed(world, datagram, bytes, datagram->length);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    bytes[datagram->length] = 0;
    try_changed(world, datagram, bytes, datagram->length + 1);
    c->busy = false;
    return true;
}

static void no_changed_message_is_answered_or_stops_the_true_one(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    changes c = {0};
    world->latency_ns = 0;
    world->hook = change_first;
    world->context = &c;
    pair_connect(world, 0, 1);
    assert_int_equal(pair_send(world, 0, 1, 100, 1), NETRON_OK);
    assert_int_equal(pair_send(world, 1, 0, 100, 2), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 1, 2);
    pair_assert_all_seen(world, 0, 2, 3);
    assert_true(c.made > 5000);
    assert_int_equal(c.answered, 0);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_token_gets_no_answer),
        cmocka_unit_test(noise_is_dropped_and_counted),
        cmocka_unit_test(what_is_repeated_at_once_brings_only_a_confirmation_to_the_member),
        cmocka_unit_test(what_is_repeated_later_brings_nothing),
        cmocka_unit_test(a_first_message_is_not_answered_again_in_the_next_epoch),
        cmocka_unit_test(a_first_message_without_a_clock_is_not_answered_again),
        cmocka_unit_test(no_changed_message_is_answered_or_stops_the_true_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
