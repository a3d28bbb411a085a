/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_ways_test.c - peers that reach each other by TCP: what goes that way, and when a path is
 * better or worse than that. */
#include "line.h"
#include "machine/core.h"
#include "packets.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { A = 0, B = 1, FIRST_PORT = 50000 };

/* The shell of both ends: connections that A's host makes, one after the other. */
typedef struct links {
    bool udp_blocked, tcp_blocked; /* from and to A */
    uint16_t connection;           /* the present one */
    unsigned connects;
    bool connected;
    unsigned by_udp, by_tcp; /* DATA */
    unsigned padded;         /* LINK messages that are longer than any but a probe */
    size_t longest;          /* by TCP */
} links;

static netron_endpoint tcp_of(const pair_world *world, unsigned node)
{
    netron_endpoint endpoint = world->nodes[node].endpoint;
    endpoint.kind = NETRON_ENDPOINT_TCP;
    return endpoint;
}

static netron_endpoint udp_of(const netron_endpoint *tcp, const pair_world *world)
{
    for (unsigned node = 0; node < world->node_count; node++) {
        if (memcmp(world->nodes[node].endpoint.address, tcp->address, sizeof(tcp->address)) == 0) {
            return world->nodes[node].endpoint;
        }
    }
    return *tcp;
}

static bool pass_tcp(pair_world *world, links *l, pair_datagram *d)
{
    l->by_tcp += d->bytes[0] == NF_TYPE_DATA;
    l->longest = d->length > l->longest ? d->length : l->longest;
    if (l->tcp_blocked) {
        return false;
    }
    if (d->destination.kind == NETRON_ENDPOINT_TCP) {
        if (!l->connected) {
            l->connected = true;
            l->connects++;
            l->connection++;
        }
        d->source.kind = NETRON_ENDPOINT_TCP_IN;
        d->source.port = (uint16_t)(FIRST_PORT + l->connection);
    } else {
        if (!l->connected || d->destination.port != FIRST_PORT + l->connection) {
            return false;
        }
        d->source.kind = NETRON_ENDPOINT_TCP;
    }
    d->destination = udp_of(&d->destination, world);
    return true;
}

static bool pass(pair_world *world, pair_datagram *d)
{
    links *l = world->context;
    bool is_padded = d->bytes[0] == NF_TYPE_LINK && d->length > 100;
    l->padded += is_padded;
    if (d->destination.kind != NETRON_ENDPOINT_UDP) {
        return pass_tcp(world, l, d);
    }
    l->by_udp += d->bytes[0] == NF_TYPE_DATA;
    return !l->udp_blocked || (d->from != A && d->to != A);
}

static pair_world *make_world(links *l, uint32_t mtu)
{
    pair_world *world = pair_new(0);
    for (unsigned node = 0; node < 2; node++) {
        netron_options options = pair_options(world, node);
        options.mtu = mtu;
        pair_add_with(world, &options);
    }
    memset(l, 0, sizeof(*l));
    world->hook = pass;
    world->context = l;
    return world;
}

static void dial_by_tcp(pair_world *world)
{
    netron_endpoint to = tcp_of(world, B);
    assert_int_equal(
        netron_engine_dial(world->nodes[A].engine, &to, world->nodes[B].id, world->now_ns),
        NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_true(pair_is_up(world, A, B) && pair_is_up(world, B, A));
}

/* They have met by TCP, since UDP is blocked. */
static pair_world *make_met(links *l)
{
    pair_world *world = make_world(l, NETRON_MTU_DEFAULT);
    l->udp_blocked = true;
    dial_by_tcp(world);
    return world;
}

static uint16_t kind(const pair_world *world, unsigned node)
{
    return pair_peer(world, node, 1 - node).endpoint.kind;
}

/* Packets each way, each 10 ms. @return the serial after the last */
static uint32_t talk(pair_world *world, uint32_t serial, uint64_t duration_ns)
{
    for (uint64_t end_ns = world->now_ns + duration_ns; world->now_ns < end_ns; serial++) {
        (void)pair_send(world, A, B, 1400, serial);
        (void)pair_send(world, B, A, 1400, serial);
        pair_run(world, 10 * NF_MILLISECOND_NS);
    }
    return serial;
}

/* --- by TCP alone ----------------------------------------------------------------------------- */

static void members_meet_and_talk_by_tcp_alone(void **state)
{
    (void)state;
    links l;
    pair_world *world = make_met(&l);
    assert_int_equal(kind(world, A), NETRON_ENDPOINT_TCP);
    assert_int_equal(kind(world, B), NETRON_ENDPOINT_TCP_IN);
    /* Rekeys and keepalives with it. */
    uint32_t end = talk(world, 0, 2 * NF_SECOND_NS);
    pair_run(world, 400 * NF_SECOND_NS);
    end = talk(world, end, 2 * NF_SECOND_NS);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, 0, end);
    pair_assert_all_seen(world, B, 0, end);
    assert_int_equal(pair_events(world, A, NETRON_EVENT_PEER_DOWN), 0);
    assert_int_equal(pair_events(world, B, NETRON_EVENT_PEER_DOWN), 0);
    assert_int_equal(l.by_udp, 0);
    assert_int_equal(l.connects, 1);
    pair_free(world);
}

static void a_frame_takes_what_the_inner_network_may_send(void **state)
{
    (void)state;
    static const struct {
        uint32_t mtu, size;
    } cases[] = {{1280, 1320}, {1400, 1440}, {1500, 1540}, {3480, NF_FRAME_BYTES_MAX}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        links l;
        pair_world *world = make_world(&l, cases[i].mtu);
        l.udp_blocked = true;
        dial_by_tcp(world);
        for (unsigned node = A; node <= B; node++) {
            assert_int_equal(pair_peer(world, node, 1 - node).path_mtu, cases[i].size);
        }
        assert_int_equal(pair_send(world, A, B, cases[i].mtu, 1), NETRON_OK);
        pair_run(world, 30 * NF_SECOND_NS);
        pair_assert_all_seen(world, B, 1, 2);
        assert_int_equal(world->nodes[B].packet_length, cases[i].mtu);
        assert_true(l.longest <= NF_FRAME_BYTES_MAX);
        assert_int_equal(l.padded, 0); /* nothing is searched for */
        pair_free(world);
    }
}

static void only_members_are_heard_by_tcp(void **state)
{
    (void)state;
    pair_world *world = pair_new(0);
    netron_options options = pair_options(world, A);
    options.datagrams = 1;
    pair_add_with(world, &options);
    pair_add(world);
    static const uint8_t query[] = "d1:y1:qe";
    netron_endpoint from = tcp_of(world, B);
    assert_int_equal(pair_inject(world, A, &from, query, 8), NETRON_E_MALFORMED);
    from.kind = NETRON_ENDPOINT_UDP;
    assert_int_equal(pair_inject(world, A, &from, query, 8), NETRON_OK);
    from.kind = NETRON_ENDPOINT_TCP_IN + 1;
    assert_int_equal(pair_inject(world, A, &from, query, 8), NETRON_E_INVALID);
    pair_free(world);
}

static void a_connection_that_came_in_can_not_be_dialled(void **state)
{
    (void)state;
    links l;
    pair_world *world = make_met(&l);
    netron_endpoint at = pair_peer(world, B, A).endpoint;
    assert_int_equal(netron_engine_dial(world->nodes[B].engine, &at, NULL, world->now_ns),
                     NETRON_E_INVALID);
    at.kind = NETRON_ENDPOINT_TCP;
    at.port = 0;
    assert_int_equal(netron_engine_dial(world->nodes[B].engine, &at, NULL, world->now_ns),
                     NETRON_E_INVALID);
    pair_free(world);
}

/* --- to UDP and back -------------------------------------------------------------------------- */

static void udp_that_answers_takes_over_and_nothing_is_lost(void **state)
{
    (void)state;
    links l;
    pair_world *world = make_met(&l);
    uint32_t end = talk(world, 0, NF_SECOND_NS);
    l.udp_blocked = false;
    assert_int_equal(pair_try_path(world, A, B, &world->nodes[B].endpoint), NETRON_OK);
    end = talk(world, end, 2 * NF_SECOND_NS);
    assert_int_equal(kind(world, A), NETRON_ENDPOINT_UDP);
    assert_int_equal(kind(world, B), NETRON_ENDPOINT_UDP);
    unsigned by_tcp = l.by_tcp;
    end = talk(world, end, NF_SECOND_NS);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(l.by_tcp, by_tcp);
    pair_assert_all_seen(world, A, 0, end);
    pair_assert_all_seen(world, B, 0, end);
    pair_free(world);
}

static void who_came_in_may_try_udp_too(void **state)
{
    (void)state;
    links l;
    pair_world *world = make_met(&l);
    l.udp_blocked = false;
    assert_int_equal(pair_try_path(world, B, A, &world->nodes[A].endpoint), NETRON_OK);
    (void)talk(world, 0, NF_SECOND_NS);
    assert_int_equal(kind(world, A), NETRON_ENDPOINT_UDP);
    assert_int_equal(kind(world, B), NETRON_ENDPOINT_UDP);
    pair_free(world);
}

/* UDP lets the dial's message 1 pass only when they have met by TCP, or in the same moment. */
static void a_slow_dial_by_udp_takes_over_at_both_ends(void **state)
{
    (void)state;
    for (unsigned from = A; from <= B; from++) {
        for (unsigned lost = 1; lost <= 3; lost++) {
            links l;
            pair_world *world = make_world(&l, NETRON_MTU_DEFAULT);
            l.udp_blocked = true;
            pair_dial(world, from, 1 - from);
            pair_run(world, (UINT64_C(400) << lost) * NF_MILLISECOND_NS - NF_SECOND_NS / 2);
            netron_endpoint to = tcp_of(world, B);
            assert_int_equal(
                netron_engine_dial(world->nodes[A].engine, &to, world->nodes[B].id, world->now_ns),
                NETRON_OK);
            pair_run(world, 4 * PAIR_LATENCY_NS);
            l.udp_blocked = false;
            pair_run(world, 5 * NF_SECOND_NS);
            assert_int_equal(kind(world, A), NETRON_ENDPOINT_UDP);
            assert_int_equal(kind(world, B), NETRON_ENDPOINT_UDP);
            (void)talk(world, 0, NF_SECOND_NS);
            assert_int_equal(kind(world, A), NETRON_ENDPOINT_UDP);
            assert_int_equal(kind(world, B), NETRON_ENDPOINT_UDP);
            pair_free(world);
        }
    }
}

static void a_blocked_udp_path_that_is_tried_does_no_harm(void **state)
{
    (void)state;
    links l;
    pair_world *world = make_met(&l);
    uint32_t end = 0;
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(pair_try_path(world, A, B, &world->nodes[B].endpoint), NETRON_OK);
        end = talk(world, end, 200 * NF_MILLISECOND_NS);
    }
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(kind(world, A), NETRON_ENDPOINT_TCP);
    assert_int_equal(pair_events(world, A, NETRON_EVENT_MOVED), 0);
    assert_int_equal(pair_events(world, B, NETRON_EVENT_MOVED), 0);
    pair_assert_all_seen(world, A, 0, end);
    pair_assert_all_seen(world, B, 0, end);
    pair_free(world);
}

static void udp_that_answers_is_not_left_for_tcp(void **state)
{
    (void)state;
    links l;
    pair_world *world = make_world(&l, NETRON_MTU_DEFAULT);
    pair_connect(world, A, B);
    uint32_t end = talk(world, 0, NF_SECOND_NS);
    netron_endpoint tcp = tcp_of(world, B);
    assert_int_equal(pair_try_path(world, A, B, &tcp), NETRON_OK);
    dial_by_tcp(world);
    end = talk(world, end, NF_SECOND_NS);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(pair_events(world, A, NETRON_EVENT_PATH), 1);
    assert_memory_equal(&pair_last_event(world, A, NETRON_EVENT_PATH)->endpoint, &tcp, sizeof(tcp));
    assert_int_equal(kind(world, A), NETRON_ENDPOINT_UDP);
    assert_int_equal(kind(world, B), NETRON_ENDPOINT_UDP);
    assert_int_equal(l.by_tcp, 0);
    pair_assert_all_seen(world, A, 0, end);
    pair_assert_all_seen(world, B, 0, end);
    pair_free(world);
}

/* Minutes after they left TCP: a listener is no path that a NAT forgets. */
static void where_a_dial_led_may_be_chosen(void **state)
{
    (void)state;
    links l;
    pair_world *world = make_world(&l, NETRON_MTU_DEFAULT);
    pair_connect(world, A, B);
    netron_endpoint to = tcp_of(world, B);
    netron_engine *engine = world->nodes[A].engine;
    const uint8_t *id = world->nodes[B].id;
    assert_int_equal(netron_engine_use_path(engine, id, &to, world->now_ns), NETRON_E_EXPIRED);
    assert_int_equal(netron_engine_dial(engine, &to, NULL, world->now_ns), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    /* The dial has its answer, and moved nothing. */
    assert_int_equal(world->nodes[A].event_count[NETRON_EVENT_PEER_UP], 2);
    assert_int_equal(kind(world, A), NETRON_ENDPOINT_UDP);
    assert_int_equal(netron_engine_use_path(engine, id, &to, world->now_ns), NETRON_OK);
    assert_int_equal(kind(world, A), NETRON_ENDPOINT_TCP);
    pair_free(world);
}

static void who_loses_udp_goes_back_to_the_listener(void **state)
{
    (void)state;
    links l;
    pair_world *world = make_met(&l);
    l.udp_blocked = false;
    assert_int_equal(pair_try_path(world, A, B, &world->nodes[B].endpoint), NETRON_OK);
    uint32_t end = talk(world, 0, NF_SECOND_NS);
    assert_int_equal(kind(world, A), NETRON_ENDPOINT_UDP);
    pair_run(world, 100 * NF_SECOND_NS);
    l.connected = false; /* it was idle */
    end = talk(world, end, NF_SECOND_NS);
    l.udp_blocked = true;
    end = talk(world, end, 1500 * NF_MILLISECOND_NS);
    assert_int_equal(kind(world, A), NETRON_ENDPOINT_TCP);
    assert_int_equal(kind(world, B), NETRON_ENDPOINT_TCP_IN);
    assert_int_equal(l.connects, 2);
    uint32_t after = end;
    end = talk(world, end, NF_SECOND_NS);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, after, end);
    pair_assert_all_seen(world, B, after, end);
    pair_free(world);
}

/* --- connections that end --------------------------------------------------------------------- */

static void cut_at(pair_world *world, links *l, unsigned node)
{
    netron_endpoint at = pair_peer(world, node, 1 - node).endpoint;
    l->connected = false;
    netron_engine_disconnected(world->nodes[node].engine, &at, world->now_ns);
}

static void a_cut_connection_is_made_again_and_the_other_end_follows(void **state)
{
    (void)state;
    links l;
    pair_world *world = make_met(&l);
    pair_run(world, 60 * NF_SECOND_NS);
    cut_at(world, &l, B);
    cut_at(world, &l, A);
    pair_run(world, 100 * NF_MILLISECOND_NS);
    assert_int_equal(l.connects, 2);
    assert_int_equal(pair_peer(world, B, A).endpoint.port, FIRST_PORT + 2);
    uint32_t end = talk(world, 0, NF_SECOND_NS);
    pair_run(world, 30 * NF_SECOND_NS);
    pair_assert_all_seen(world, A, 0, end);
    pair_assert_all_seen(world, B, 0, end);
    assert_int_equal(pair_events(world, A, NETRON_EVENT_PEER_DOWN), 0);
    assert_int_equal(pair_events(world, B, NETRON_EVENT_PEER_DOWN), 0);
    pair_free(world);
}

static void without_a_connection_the_peer_is_down_in_time(void **state)
{
    (void)state;
    links l;
    pair_world *world = make_met(&l);
    l.tcp_blocked = true;
    cut_at(world, &l, B);
    pair_run(world, NF_SILENT_END_NS - NF_SECOND_NS);
    assert_int_equal(pair_events(world, B, NETRON_EVENT_PEER_DOWN), 0);
    pair_run(world, 2 * NF_SECOND_NS);
    assert_int_equal(pair_events(world, B, NETRON_EVENT_PEER_DOWN), 1);
    pair_free(world);
}

static void what_ends_elsewhere_changes_nothing(void **state)
{
    (void)state;
    links l;
    pair_world *world = make_met(&l);
    pair_run(world, NF_SECOND_NS);
    netron_endpoint others[2] = {world->nodes[B].endpoint, tcp_of(world, A)};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t deadline_ns = netron_engine_deadline(world->nodes[A].engine);
        netron_engine_disconnected(world->nodes[A].engine, &others[i], world->now_ns);
        assert_int_equal(netron_engine_deadline(world->nodes[A].engine), deadline_ns);
    }
    pair_free(world);
}

/* --- circuits --------------------------------------------------------------------------------- */

/* A reaches R by TCP alone; a circuit over R leads to the third, and goes on. */
static void a_relay_may_be_reached_by_tcp(void **state)
{
    (void)state;
    enum { R = 1, C = 2 };
    static const unsigned over_r[] = {A, R, C};
    links l = {.udp_blocked = false};
    pair_world *world = line_world(3, false);
    world->hook = pass;
    world->context = &l;
    netron_endpoint tcp = tcp_of(world, R);
    assert_int_equal(pair_try_path(world, A, R, &tcp), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    l.udp_blocked = true;
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(pair_send(world, A, R, 100, 0), NETRON_OK);
        pair_run(world, 200 * NF_MILLISECOND_NS);
    }
    assert_int_equal(pair_peer(world, A, R).endpoint.kind, NETRON_ENDPOINT_TCP);
    assert_int_equal(pair_peer(world, R, A).endpoint.kind, NETRON_ENDPOINT_TCP_IN);
    line circuit = line_make(world, over_r, 3, 0);
    line_connect(world, &circuit);
    for (uint32_t serial = 0; serial < 100; serial++) {
        assert_int_equal(pair_send(world, A, C, 1400, serial), NETRON_OK);
        assert_int_equal(pair_send(world, C, A, 1400, serial), NETRON_OK);
        pair_run(world, 10 * NF_MILLISECOND_NS);
    }
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, A, 0, 100);
    pair_assert_all_seen(world, C, 0, 100);
    assert_true(line_is_relayed(world, A, C));
    /* A direct path by TCP is better than the circuit. */
    netron_endpoint direct = tcp_of(world, C);
    assert_int_equal(pair_try_path(world, A, C, &direct), NETRON_OK);
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(pair_peer(world, A, C).endpoint.kind, NETRON_ENDPOINT_TCP);
    assert_int_equal(pair_peer(world, C, A).endpoint.kind, NETRON_ENDPOINT_TCP_IN);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_meet_and_talk_by_tcp_alone),
        cmocka_unit_test(a_frame_takes_what_the_inner_network_may_send),
        cmocka_unit_test(only_members_are_heard_by_tcp),
        cmocka_unit_test(a_connection_that_came_in_can_not_be_dialled),
        cmocka_unit_test(udp_that_answers_takes_over_and_nothing_is_lost),
        cmocka_unit_test(who_came_in_may_try_udp_too),
        cmocka_unit_test(a_slow_dial_by_udp_takes_over_at_both_ends),
        cmocka_unit_test(a_blocked_udp_path_that_is_tried_does_no_harm),
        cmocka_unit_test(udp_that_answers_is_not_left_for_tcp),
        cmocka_unit_test(where_a_dial_led_may_be_chosen),
        cmocka_unit_test(who_loses_udp_goes_back_to_the_listener),
        cmocka_unit_test(a_cut_connection_is_made_again_and_the_other_end_follows),
        cmocka_unit_test(without_a_connection_the_peer_is_down_in_time),
        cmocka_unit_test(what_ends_elsewhere_changes_nothing),
        cmocka_unit_test(a_relay_may_be_reached_by_tcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
