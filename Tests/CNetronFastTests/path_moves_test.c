/* SPDX-License-Identifier: Apache-2.0 */
/* path_moves_test.c - the size of a path after a move: between addresses, between circuits and
 * direct ways, and of a neighbour whom others are reached through. Full-size packets flow
 * meanwhile; wherever the way became narrower, they come on as soon as small ones do. */
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

enum {
    TOP = NETRON_MTU_DEFAULT + NF_SESSION_OVERHEAD_BYTES + NF_CIRCUIT_SHIM_BYTES,
    NARROW = 1260, /* what a narrow link passes, of UDP payload */
    FOUND = 1252,  /* the common size below */
    FULL = 1400,
    STEP_MS = 50,
    A = 0,
    R = 1,
    B = 2,
};

/** Which links are narrow, and which are cut: what goes to or from these places. */
typedef struct links {
    netron_endpoint narrow;   /* nobody: port 0 */
    unsigned cut_a, cut_b;    /* direct datagrams between these nodes are lost; equal: none */
    bool narrow_pair;         /* ... or only large ones */
    uint64_t late_replies_ns; /* answers to probes come so much later */
} links;

static bool is_at(const netron_endpoint *a, const netron_endpoint *b)
{
    return a->port != 0 && a->port == b->port && memcmp(a->address, b->address, 16) == 0;
}

static bool pass(pair_world *world, pair_datagram *datagram)
{
    const links *l = world->context;
    bool is_probe_reply = datagram->bytes[0] == NF_TYPE_LINK &&
                          datagram->length == NF_LINK_PROBE_BYTES_MIN + NF_SESSION_OVERHEAD_BYTES;
    bool is_between =
        l->cut_a != l->cut_b && ((datagram->from == l->cut_a && datagram->to == l->cut_b) ||
                                 (datagram->from == l->cut_b && datagram->to == l->cut_a));
    bool is_narrow = is_at(&l->narrow, &datagram->source) ||
                     is_at(&l->narrow, &datagram->destination) || (is_between && l->narrow_pair);
    datagram->arrives_ns += is_probe_reply ? l->late_replies_ns : 0;
    return (!is_between || l->narrow_pair) && (!is_narrow || datagram->length <= NARROW);
}

static void move(pair_world *world, unsigned node, unsigned place)
{
    world->nodes[node].endpoint = pair_endpoint(node, place);
}

/* Asks for an echo, as a node does whose host has other addresses. */
static void echo(pair_world *world, unsigned from, unsigned to)
{
    assert_int_equal(
        netron_engine_ping(world->nodes[from].engine, world->nodes[to].id, 1, world->now_ns),
        NETRON_OK);
    pair_flush(world);
}

static uint32_t serial = 0;

/* For how long full-size packets did not come to a node while small ones did. */
static unsigned lost_at(const pair_world *world, unsigned node, uint32_t first, uint32_t end)
{
    unsigned lost = 0;
    for (uint32_t s = first; s < end; s += 2) {
        lost += pair_seen(world, node, s + 1) != 0 && pair_seen(world, node, s) == 0 ? STEP_MS : 0;
    }
    return lost;
}

/* A full-size packet and a small one each step, both ways. @return for how long full ones were
 * lost while small ones came, the longer of the two directions, in milliseconds */
static unsigned talk(pair_world *world, unsigned a, unsigned b, unsigned steps)
{
    uint32_t first = serial;
    for (unsigned i = 0; i < steps; i++, serial += 2) {
        for (unsigned back = 0; back < 2; back++) {
            unsigned from = back != 0 ? b : a, to = back != 0 ? a : b;
            assert_int_equal(pair_send(world, from, to, FULL, serial), NETRON_OK);
            assert_int_equal(pair_send(world, from, to, 100, serial + 1), NETRON_OK);
        }
        pair_run(world, STEP_MS * NF_MILLISECOND_NS);
    }
    pair_run(world, 100 * NF_MILLISECOND_NS);
    unsigned at_a = lost_at(world, a, first, serial), at_b = lost_at(world, b, first, serial);
    return at_a > at_b ? at_a : at_b;
}

static uint32_t path_mtu(const pair_world *world, unsigned node, unsigned other)
{
    return pair_peer(world, node, other).path_mtu;
}

/* --- between addresses ------------------------------------------------------------------------ */

static void a_move_to_a_narrow_place_loses_no_full_packet(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    links l = {.narrow = pair_endpoint(1, 1)};
    world->hook = pass;
    world->context = &l;
    pair_connect(world, 0, 1);
    assert_int_equal(talk(world, 0, 1, 60), 0);
    assert_int_equal(path_mtu(world, 0, 1), TOP);
    move(world, 1, 1);
    /* What node 1 sends is lost until it knows, by its confirmation: it did not see itself move. */
    nf_core_host_changed(pair_core(world, 1), world->now_ns);
    assert_in_range(talk(world, 0, 1, 60), 0, 2000);
    assert_int_equal(path_mtu(world, 0, 1), FOUND);
    assert_int_equal(path_mtu(world, 1, 0), FOUND);
    assert_int_equal(talk(world, 0, 1, 60), 0);
    move(world, 1, 0);
    assert_int_equal(talk(world, 0, 1, 60), 0);
    assert_int_equal(path_mtu(world, 0, 1), TOP);
    pair_free(world);
}

/* Probes were answered on a wide path that is left before the answers come. */
static void a_late_answer_says_nothing_of_the_path_after(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    links l = {.narrow = pair_endpoint(1, 2)};
    world->hook = pass;
    world->context = &l;
    pair_connect(world, 0, 1);
    pair_run(world, 3 * NF_SECOND_NS);
    l.late_replies_ns = NF_SECOND_NS;
    move(world, 1, 1);
    echo(world, 1, 0);
    pair_run(world, 100 * NF_MILLISECOND_NS);
    move(world, 1, 2);
    echo(world, 1, 0);
    for (unsigned i = 0; i < 100; i++) {
        pair_run(world, 50 * NF_MILLISECOND_NS);
        assert_in_range(path_mtu(world, 0, 1), NF_PATH_MTU_BASE, FOUND);
    }
    pair_free(world);
}

/* The host sends from another address, maybe by another way: where it was told from which. */
static void another_own_address_begins_the_search_anew(void **state)
{
    (void)state;
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    assert_int_equal(talk(world, 0, 1, 20), 0);
    nf_core *core = pair_core(world, 0);
    uint32_t peer = nf_peers_find(core, world->nodes[1].id);
    nf_session *session = nf_peers_session(core, peer);
    nf_path path;
    nf_session_get_path(session, &path);
    nf_letter letter = {.kind = NF_LETTER_REFUSED, .index = core->peers[peer].current};
    nf_core_letter(core, &letter, NULL, 0, world->now_ns);
    assert_int_equal(path_mtu(world, 0, 1), TOP); /* nothing was chosen, so nothing changed */
    path.local.address[15] = 1;
    nf_session_set_path(session, &path);
    nf_core_letter(core, &letter, NULL, 0, world->now_ns);
    assert_int_equal(path_mtu(world, 0, 1), NF_PATH_MTU_BASE);
    assert_int_equal(talk(world, 0, 1, 20), 0);
    assert_int_equal(path_mtu(world, 0, 1), TOP);
    pair_free(world);
}

/* --- circuits --------------------------------------------------------------------------------- */

static const unsigned over_r[] = {A, R, B};

static pair_world *relayed_world(links *l)
{
    pair_world *world = line_world(3, true);
    world->hook = pass;
    world->context = l;
    line line = line_make(world, over_r, 3, 0);
    line_connect(world, &line);
    assert_int_equal(talk(world, A, B, 60), 0);
    assert_int_equal(path_mtu(world, A, B), TOP - NF_CIRCUIT_SHIM_BYTES);
    assert_int_equal(path_mtu(world, B, A), TOP - NF_CIRCUIT_SHIM_BYTES);
    return world;
}

static void between_circuit_and_direct_way_full_packets_go_on(void **state)
{
    (void)state;
    links l = {.cut_a = A, .cut_b = B, .narrow_pair = true};
    pair_world *world = relayed_world(&l);
    netron_endpoint direct = pair_endpoint(B, 0);
    assert_int_equal(pair_try_path(world, A, B, &direct), NETRON_OK);
    assert_int_equal(talk(world, A, B, 100), 0);
    assert_false(line_is_relayed(world, A, B));
    assert_int_equal(path_mtu(world, A, B), FOUND);
    assert_int_equal(path_mtu(world, B, A), FOUND);
    l.narrow_pair = false; /* now it is cut: back to the circuit, which is wide */
    assert_int_equal(talk(world, A, B, 100), 0);
    assert_true(line_is_relayed(world, A, B));
    assert_int_equal(path_mtu(world, A, B), TOP - NF_CIRCUIT_SHIM_BYTES);
    /* And where the relay's place is the narrow one. */
    l.cut_a = l.cut_b;
    assert_int_equal(pair_try_path(world, A, B, &direct), NETRON_OK);
    assert_int_equal(talk(world, A, B, 100), 0);
    assert_int_equal(path_mtu(world, A, B), TOP);
    l.narrow = pair_endpoint(R, 0);
    l.cut_a = A;
    assert_int_equal(talk(world, A, B, 100), 0);
    assert_true(line_is_relayed(world, A, B));
    assert_int_equal(path_mtu(world, A, B), FOUND - NF_CIRCUIT_SHIM_BYTES);
    pair_free(world);
}

static void when_a_relay_moves_the_circuits_through_it_are_searched_anew(void **state)
{
    (void)state;
    links l = {.narrow = pair_endpoint(R, 1)};
    pair_world *world = relayed_world(&l);
    move(world, R, 1);
    echo(world, R, A);
    echo(world, R, B);
    assert_int_equal(talk(world, A, B, 60), 0);
    assert_true(line_is_relayed(world, A, B));
    assert_int_equal(path_mtu(world, A, B), FOUND - NF_CIRCUIT_SHIM_BYTES);
    assert_int_equal(path_mtu(world, B, A), FOUND - NF_CIRCUIT_SHIM_BYTES);
    pair_free(world);
}

/* The far end's move is seen by the relay alone: the near end finds out when it confirms. */
static void when_the_far_end_moves_the_near_one_finds_out(void **state)
{
    (void)state;
    links l = {.narrow = pair_endpoint(B, 1)};
    pair_world *world = relayed_world(&l);
    assert_int_equal(talk(world, A, B, 20), 0);
    move(world, B, 1);
    nf_core_host_changed(pair_core(world, B), world->now_ns);
    assert_in_range(talk(world, A, B, 120), 0, 5000);
    assert_int_equal(path_mtu(world, A, B), FOUND - NF_CIRCUIT_SHIM_BYTES);
    assert_int_equal(path_mtu(world, B, A), FOUND - NF_CIRCUIT_SHIM_BYTES);
    assert_int_equal(talk(world, A, B, 20), 0);
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_move_to_a_narrow_place_loses_no_full_packet),
        cmocka_unit_test(a_late_answer_says_nothing_of_the_path_after),
        cmocka_unit_test(another_own_address_begins_the_search_anew),
        cmocka_unit_test(between_circuit_and_direct_way_full_packets_go_on),
        cmocka_unit_test(when_a_relay_moves_the_circuits_through_it_are_searched_anew),
        cmocka_unit_test(when_the_far_end_moves_the_near_one_finds_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
