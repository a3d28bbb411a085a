/* SPDX-License-Identifier: Apache-2.0 */
/* dialing_test.c - handshakes between two engines: who may answer, what may be lost. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void assert_counts(const pair_world *world, unsigned node, uint64_t begun, uint64_t taken)
{
    netron_counters counters = pair_counters(world, node);
    assert_int_equal(counters.handshakes_begun, begun);
    assert_int_equal(counters.handshakes_taken, taken);
}

/* --- who answers ------------------------------------------------------------------------------ */

static void a_dial_ends_in_a_session_at_both_ends(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_node *node = world->nodes;
    assert_int_equal(netron_engine_dial(node[0].engine, &node[1].endpoint, NULL, world->now_ns),
                     NETRON_OK);
    pair_run(world, NF_SECOND_NS);

    for (unsigned i = 0; i < 2; i++) {
        const netron_event *up = &node[i].last_event[NETRON_EVENT_PEER_UP];
        assert_int_equal(node[i].event_count[NETRON_EVENT_PEER_UP], 1);
        assert_memory_equal(up->id, node[1 - i].id, NETRON_ID_BYTES);
        assert_memory_equal(&up->endpoint, &node[1 - i].endpoint, sizeof(up->endpoint));
        assert_int_equal(up->rtt_ns, 2 * PAIR_LATENCY_NS);
        assert_true(pair_is_up(world, i, 1 - i));
        assert_int_equal(pair_peer_count(world, i), 1);
        assert_int_equal(pair_all_drops(world, i), 0);
    }
    assert_counts(world, 0, 1, 0);
    assert_counts(world, 1, 0, 1);
    assert_int_equal(pair_counters(world, 0).handshakes_done, 1);
    assert_int_equal(pair_peer(world, 0, 1).suite, pair_peer(world, 1, 0).suite);
    pair_free(world);
}

static void a_dial_with_the_right_id_ends_in_a_session(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    assert_int_equal(pair_send(world, 0, 1, 100, 1), NETRON_OK);
    assert_int_equal(pair_send(world, 1, 0, 100, 2), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 1, 2);
    pair_assert_all_seen(world, 0, 2, 3);
    pair_free(world);
}

static void another_id_than_the_dialled_one_is_refused(void **state)
{
    (void)state;
    pair_world *world = pair_new(3);
    pair_node *node = world->nodes;
    world->hook = pair_capture_all;
    assert_int_equal(
        netron_engine_dial(node[0].engine, &node[1].endpoint, node[2].id, world->now_ns),
        NETRON_OK);
    pair_run(world, 20 * NF_SECOND_NS);

    const netron_event *failed = &node[0].last_event[NETRON_EVENT_DIAL_FAILED];
    assert_int_equal(node[0].event_count[NETRON_EVENT_DIAL_FAILED], 1);
    assert_int_equal(failed->code, NETRON_E_REFUSED);
    assert_memory_equal(failed->id, node[2].id, NETRON_ID_BYTES);
    assert_memory_equal(&failed->endpoint, &node[1].endpoint, sizeof(failed->endpoint));
    assert_int_equal(pair_drops(world, 0, NETRON_DROP_BAD_IDENTITY), 1);
    /* Who is not the one that was dialled is not told who dialled. */
    assert_int_equal(pair_count(world, 0, NF_TYPE_MESSAGE3), 0);
    assert_int_equal(pair_peer_count(world, 0), 0);
    assert_int_equal(pair_peer_count(world, 1), 0);
    assert_int_equal(node[1].event_count[NETRON_EVENT_PEER_UP], 0);
    assert_true(netron_engine_deadline(node[1].engine) == UINT64_MAX);
    pair_free(world);
}

static void a_node_does_not_talk_to_itself(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    pair_node *node = &world->nodes[0];
    assert_int_equal(netron_engine_dial(node->engine, &node->endpoint, node->id, world->now_ns),
                     NETRON_E_INVALID);
    assert_int_equal(netron_engine_dial(node->engine, &node->endpoint, NULL, world->now_ns),
                     NETRON_OK);
    pair_run(world, 20 * NF_SECOND_NS);
    assert_int_equal(node->event_count[NETRON_EVENT_DIAL_FAILED], 1);
    assert_int_equal(node->last_event[NETRON_EVENT_DIAL_FAILED].code, NETRON_E_REFUSED);
    assert_int_equal(node->event_count[NETRON_EVENT_PEER_UP], 0);
    assert_int_equal(pair_peer_count(world, 0), 0);
    assert_true(netron_engine_deadline(node->engine) == UINT64_MAX);
    pair_free(world);
}

static void an_endpoint_without_a_port_is_not_dialled(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    netron_endpoint endpoint = world->nodes[1].endpoint;
    endpoint.port = 0;
    assert_int_equal(netron_engine_dial(world->nodes[0].engine, &endpoint, NULL, world->now_ns),
                     NETRON_E_INVALID);
    assert_counts(world, 0, 0, 0);
    pair_free(world);
}

/* --- how long it takes ------------------------------------------------------------------------ */

/* Across half the world nothing is lost, and nothing is said twice. */
static void a_long_way_is_no_loss(void **state)
{
    (void)state;
    static const uint64_t latencies_ms[] = {5, 100, 124, 150, 165};
    for (unsigned i = 0; i < 5; i++) {
        pair_world *world = pair_new(2);
        world->latency_ns = latencies_ms[i] * NF_MILLISECOND_NS;
        world->hook = pair_capture_all;
        pair_dial(world, 0, 1);
        pair_run(world, 2 * NF_SECOND_NS);
        assert_true(pair_is_up(world, 0, 1));
        assert_int_equal(pair_count(world, 0, NF_TYPE_MESSAGE3), 1);
        pair_free(world);
    }
}

/* However far it is, a lost message 3 is said again within half a second. */
static void message_3_does_not_wait_for_ever(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    world->latency_ns = NF_SECOND_NS;
    world->hook = pair_capture_all;
    pair_dial(world, 0, 1);
    pair_run(world, 20 * NF_SECOND_NS);
    assert_true(pair_is_up(world, 0, 1));
    uint64_t pause_ns = pair_captured(world, 0, NF_TYPE_MESSAGE3, 1)->sent_ns -
                        pair_captured(world, 0, NF_TYPE_MESSAGE3, 0)->sent_ns;
    assert_int_equal(pause_ns, 500 * NF_MILLISECOND_NS);
    pair_free(world);
}

/* --- what is lost ----------------------------------------------------------------------------- */

typedef struct loss {
    uint8_t type;
    unsigned from, left;
} loss;

static bool lose(pair_world *world, pair_datagram *datagram)
{
    loss *l = world->context;
    pair_capture(world, datagram);
    bool sealed = datagram->bytes[0] > NF_TYPE_DATA; /* it confirms as well as an empty one */
    uint8_t type = sealed ? NF_TYPE_DATA : datagram->bytes[0];
    if (type == l->type && datagram->from == l->from && l->left > 0) {
        l->left--;
        return false;
    }
    return true;
}

static void any_message_may_be_lost_again_and_again(void **state)
{
    (void)state;
    static const loss losses[] = {
        {NF_TYPE_MESSAGE1, 0, 1}, {NF_TYPE_MESSAGE1, 0, 4}, {NF_TYPE_MESSAGE2, 1, 1},
        {NF_TYPE_MESSAGE2, 1, 4}, {NF_TYPE_MESSAGE3, 0, 1}, {NF_TYPE_MESSAGE3, 0, 4},
        {NF_TYPE_DATA, 1, 1},     {NF_TYPE_DATA, 1, 4},
    };
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        pair_world *world = pair_new(2);
        loss l = losses[i];
        world->hook = lose;
        world->context = &l;
        pair_dial(world, 0, 1);
        pair_run(world, 15 * NF_SECOND_NS);
        assert_int_equal(l.left, 0);
        for (unsigned node = 0; node < 2; node++) {
            assert_true(pair_is_up(world, node, 1 - node));
            assert_int_equal(world->nodes[node].event_count[NETRON_EVENT_PEER_UP], 1);
            assert_int_equal(world->nodes[node].event_count[NETRON_EVENT_DIAL_FAILED], 0);
        }
        assert_int_equal(pair_send(world, 0, 1, 100, 1), NETRON_OK);
        assert_int_equal(pair_send(world, 1, 0, 100, 2), NETRON_OK);
        pair_run(world, NF_SECOND_NS);
        pair_assert_all_seen(world, 1, 1, 2);
        pair_assert_all_seen(world, 0, 2, 3);
        pair_free(world);
    }
}

static bool lose_message1(pair_world *world, pair_datagram *datagram)
{
    pair_capture(world, datagram);
    return datagram->bytes[0] != NF_TYPE_MESSAGE1;
}

static void each_message_1_is_made_afresh(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    world->hook = lose_message1;
    pair_dial(world, 0, 1);
    pair_run(world, 25 * NF_SECOND_NS);
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_DIAL_FAILED], 0);
    pair_run(world, NF_SECOND_NS);

    assert_int_equal(pair_count(world, 0, NF_TYPE_MESSAGE1), NF_DIAL_TRIES_MAX);
    for (unsigned i = 0; i < NF_DIAL_TRIES_MAX; i++) {
        const pair_datagram *one = pair_captured(world, 0, NF_TYPE_MESSAGE1, i);
        for (unsigned j = 0; j < i; j++) {
            const pair_datagram *other = pair_captured(world, 0, NF_TYPE_MESSAGE1, j);
            assert_memory_not_equal(one->bytes + 4, other->bytes + 4, 32);
            assert_memory_not_equal(one->bytes + 36, other->bytes + 36, 124);
        }
        if (i > 0) {
            const pair_datagram *before = pair_captured(world, 0, NF_TYPE_MESSAGE1, i - 1);
            assert_int_equal(one->sent_ns - before->sent_ns, NF_DIAL_RETRY_NS << (i - 1));
        }
    }
    const netron_event *failed = &world->nodes[0].last_event[NETRON_EVENT_DIAL_FAILED];
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_DIAL_FAILED], 1);
    assert_int_equal(failed->code, NETRON_E_EXPIRED);
    assert_memory_equal(&failed->endpoint, &world->nodes[1].endpoint, sizeof(failed->endpoint));
    assert_true(netron_engine_deadline(world->nodes[0].engine) == UINT64_MAX);
    pair_free(world);
}

static bool lose_message3(pair_world *world, pair_datagram *datagram)
{
    pair_capture(world, datagram);
    return datagram->bytes[0] != NF_TYPE_MESSAGE3;
}

static void message_3_is_repeated_byte_for_byte(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    world->hook = lose_message3;
    pair_dial(world, 0, 1);
    pair_run(world, 30 * NF_SECOND_NS);

    assert_int_equal(pair_count(world, 0, NF_TYPE_MESSAGE1), 1);
    assert_int_equal(pair_count(world, 0, NF_TYPE_MESSAGE3), NF_MESSAGE3_TRIES_MAX);
    const pair_datagram *first = pair_captured(world, 0, NF_TYPE_MESSAGE3, 0);
    for (unsigned i = 1; i < NF_MESSAGE3_TRIES_MAX; i++) {
        const pair_datagram *repeat = pair_captured(world, 0, NF_TYPE_MESSAGE3, i);
        assert_int_equal(repeat->length, NF_MESSAGE3_BYTES);
        assert_memory_equal(repeat->bytes, first->bytes, NF_MESSAGE3_BYTES);
    }
    /* Then it is over, and nothing of it is left at either end. */
    assert_int_equal(world->nodes[0].event_count[NETRON_EVENT_DIAL_FAILED], 1);
    assert_int_equal(world->nodes[0].last_event[NETRON_EVENT_DIAL_FAILED].code, NETRON_E_EXPIRED);
    for (unsigned node = 0; node < 2; node++) {
        assert_int_equal(world->nodes[node].event_count[NETRON_EVENT_PEER_UP], 0);
        assert_int_equal(pair_peer_count(world, node), 0);
        assert_true(netron_engine_deadline(world->nodes[node].engine) == UINT64_MAX);
    }
    pair_free(world);
}

/* --- before it is confirmed ------------------------------------------------------------------- */

/* Its own dial too, by which it would reach the initiator all the same. */
static bool lose_all_from_the_responder_but_message2(pair_world *world, pair_datagram *datagram)
{
    pair_capture(world, datagram);
    return datagram->from == 0 || datagram->bytes[0] == NF_TYPE_MESSAGE2;
}

static void nothing_is_sealed_before_the_confirmation(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_node *node = world->nodes;
    world->hook = lose_all_from_the_responder_but_message2;
    pair_dial(world, 0, 1);
    pair_run(world, 100 * NF_MILLISECOND_NS);
    assert_true(pair_is_up(world, 1, 0));
    assert_false(pair_is_up(world, 0, 1));
    uint8_t hello[] = "too early";
    assert_int_equal(
        netron_engine_send_message(node[0].engine, node[1].id, hello, sizeof(hello), world->now_ns),
        NETRON_E_UNKNOWN_PEER);
    assert_int_equal(pair_send(world, 0, 1, 200, 7), NETRON_OK); /* it waits */
    pair_run(world, NF_SECOND_NS);
    for (uint8_t type = NF_TYPE_DATA; type <= NF_TYPE_FRAGMENT; type++) {
        assert_int_equal(pair_count(world, 0, type), 0);
    }
    assert_true(pair_count(world, 0, NF_TYPE_MESSAGE3) >= 3);
    assert_int_equal(pair_seen(world, 1, 7), 0);

    world->hook = NULL; /* the next repeat of message 3 is answered */
    pair_run(world, NF_SECOND_NS);
    assert_true(pair_is_up(world, 0, 1));
    pair_assert_all_seen(world, 1, 7, 8);
    pair_free(world);
}

static void a_dial_that_is_hung_up_makes_no_session(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_node *node = world->nodes;
    pair_connect(world, 0, 1);
    node[1].silent = true;
    pair_send(world, 0, 1, 100, 1);
    pair_run(world, 5 * NF_SECOND_NS); /* long enough for a new handshake to be tried */
    assert_true(pair_counters(world, 0).handshakes_begun >= 2);
    node[1].silent = false;
    assert_int_equal(netron_engine_hang_up(node[0].engine, node[1].id, world->now_ns), NETRON_OK);
    pair_run(world, 30 * NF_SECOND_NS);
    assert_int_equal(pair_peer_count(world, 0), 0);
    assert_int_equal(node[0].event_count[NETRON_EVENT_PEER_UP], 1);
    assert_int_equal(node[0].event_count[NETRON_EVENT_PEER_DOWN], 1);
    assert_int_equal(node[0].last_event[NETRON_EVENT_PEER_DOWN].code, NETRON_DOWN_LOCAL);
    assert_int_equal(netron_engine_hang_up(node[0].engine, node[1].id, world->now_ns),
                     NETRON_E_UNKNOWN_PEER);
    pair_free(world);
}

/* --- limits ----------------------------------------------------------------------------------- */

static void half_of_the_table_of_handshakes_is_for_dials(void **state)
{
    (void)state;
    pair_world *world = pair_new(1);
    pair_node *node = &world->nodes[0];
    netron_endpoint nobody = pair_endpoint(1, 0);
    for (unsigned i = 0; i < NF_HANDSHAKES_MAX / 2; i++) {
        assert_int_equal(netron_engine_dial(node->engine, &nobody, NULL, world->now_ns), NETRON_OK);
    }
    assert_int_equal(netron_engine_dial(node->engine, &nobody, NULL, world->now_ns),
                     NETRON_E_AGAIN);
    pair_run(world, 30 * NF_SECOND_NS);
    assert_int_equal(node->event_count[NETRON_EVENT_DIAL_FAILED], NF_HANDSHAKES_MAX / 2);
    assert_int_equal(netron_engine_dial(node->engine, &nobody, NULL, world->now_ns), NETRON_OK);
    pair_free(world);
}

static void a_full_table_of_peers_takes_no_more(void **state)
{
    (void)state;
    pair_world *world = pair_new(0);
    netron_options options = pair_options(world, 0);
    options.peers_max = 1;
    pair_add_with(world, &options);
    pair_add(world);
    pair_add(world);
    pair_connect(world, 0, 1);
    /* From here ... */
    pair_dial(world, 0, 2);
    pair_run(world, 30 * NF_SECOND_NS);
    assert_int_equal(world->nodes[0].last_event[NETRON_EVENT_DIAL_FAILED].code, NETRON_E_FULL);
    /* ... and from there. */
    uint64_t limited = pair_drops(world, 0, NETRON_DROP_LIMITED);
    pair_dial(world, 2, 0);
    pair_run(world, 30 * NF_SECOND_NS);
    assert_true(pair_drops(world, 0, NETRON_DROP_LIMITED) > limited);
    assert_int_equal(world->nodes[2].last_event[NETRON_EVENT_DIAL_FAILED].code, NETRON_E_EXPIRED);
    assert_int_equal(pair_peer_count(world, 0), 1);
    assert_true(pair_is_up(world, 0, 1));
    /* A place that is given back is given again. */
    assert_int_equal(
        netron_engine_hang_up(world->nodes[0].engine, world->nodes[1].id, world->now_ns),
        NETRON_OK);
    pair_connect(world, 0, 2);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dial_ends_in_a_session_at_both_ends),
        cmocka_unit_test(a_dial_with_the_right_id_ends_in_a_session),
        cmocka_unit_test(another_id_than_the_dialled_one_is_refused),
        cmocka_unit_test(a_node_does_not_talk_to_itself),
        cmocka_unit_test(an_endpoint_without_a_port_is_not_dialled),
        cmocka_unit_test(a_long_way_is_no_loss),
        cmocka_unit_test(message_3_does_not_wait_for_ever),
        cmocka_unit_test(any_message_may_be_lost_again_and_again),
        cmocka_unit_test(each_message_1_is_made_afresh),
        cmocka_unit_test(message_3_is_repeated_byte_for_byte),
        cmocka_unit_test(nothing_is_sealed_before_the_confirmation),
        cmocka_unit_test(a_dial_that_is_hung_up_makes_no_session),
        cmocka_unit_test(half_of_the_table_of_handshakes_is_for_dials),
        cmocka_unit_test(a_full_table_of_peers_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
