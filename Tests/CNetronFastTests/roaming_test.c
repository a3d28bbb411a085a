/* SPDX-License-Identifier: Apache-2.0 */
/* roaming_test.c - peers that change their address, and those who pretend that one did. */
#include "caller.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { CHALLENGE_BYTES = NF_SESSION_OVERHEAD_BYTES + 12 };

static bool same_endpoint(const netron_endpoint *a, const netron_endpoint *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static unsigned moves(const pair_world *world, unsigned node)
{
    return world->nodes[node].event_count[NETRON_EVENT_MOVED];
}

/* Two peers whose path has been searched. */
static pair_world *make_world(void)
{
    pair_world *world = pair_new(2);
    pair_connect(world, 0, 1);
    pair_run(world, 5 * NF_SECOND_NS);
    return world;
}

/* --- one that moves --------------------------------------------------------------------------- */

/* Bytes that node 1 sent to each endpoint of interest. */
typedef struct watch {
    netron_endpoint old, new;
    size_t to_new_before_proof, from_new;
    unsigned data_to_new_before_proof, challenges;
    bool proven; /* a response to the challenge left the new place */
} watch;

static bool watch_bytes(pair_world *world, pair_datagram *datagram)
{
    watch *w = world->context;
    if (datagram->from == 0 && same_endpoint(&datagram->source, &w->new)) {
        w->from_new += w->proven ? 0 : datagram->length;
        w->proven = w->proven || (datagram->bytes[0] == NF_TYPE_LINK && w->challenges > 0 &&
                                  datagram->length == CHALLENGE_BYTES);
    }
    if (datagram->from == 1 && same_endpoint(&datagram->destination, &w->new) && !w->proven) {
        w->to_new_before_proof += datagram->length;
        w->challenges += datagram->bytes[0] == NF_TYPE_LINK && datagram->length == CHALLENGE_BYTES;
        w->data_to_new_before_proof += datagram->bytes[0] != NF_TYPE_LINK;
    }
    return true;
}

static void a_peer_that_moves_is_followed_when_it_answers_there(void **state)
{
    (void)state;
    pair_world *world = make_world();
    pair_node *node = world->nodes;
    watch w = {.old = node[0].endpoint, .new = pair_endpoint(900, 3)};
    world->hook = watch_bytes;
    world->context = &w;
    node[0].endpoint = w.new;
    uint32_t serial = 0;
    for (; serial < 200; serial++) {
        assert_int_equal(pair_send(world, 0, 1, 100, serial), NETRON_OK);
        assert_int_equal(pair_send(world, 1, 0, 1300, serial), NETRON_OK);
        pair_run(world, NF_MILLISECOND_NS);
    }
    assert_int_equal(moves(world, 1), 1);
    assert_int_equal(moves(world, 0), 0);
    const netron_event *moved = &node[1].last_event[NETRON_EVENT_MOVED];
    assert_memory_equal(moved->id, node[0].id, NETRON_ID_BYTES);
    assert_true(same_endpoint(&moved->endpoint, &w.new));
    netron_peer_info info = pair_peer(world, 1, 0);
    assert_true(same_endpoint(&info.endpoint, &w.new));
    /* No bulk before the proof, and of what there was not three times what came. */
    assert_true(w.proven);
    assert_int_equal(w.challenges, 1);
    assert_int_equal(w.data_to_new_before_proof, 0);
    assert_true(w.to_new_before_proof <= 3 * w.from_new);
    /* What was sent to the old place meanwhile is lost, about a round trip and a half of it. */
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 0, serial);
    pair_assert_all_seen(world, 0, 20, serial);
    pair_free(world);
}

static void a_peer_that_moves_back_is_followed_back(void **state)
{
    (void)state;
    pair_world *world = make_world();
    netron_endpoint home = world->nodes[0].endpoint;
    for (unsigned trip = 0; trip < 6; trip++) {
        world->nodes[0].endpoint = trip % 2 == 0 ? pair_endpoint(900, 3) : home;
        for (uint32_t i = 0; i < 20; i++) {
            assert_int_equal(pair_send(world, 0, 1, 100, trip * 100 + i), NETRON_OK);
            pair_run(world, 10 * NF_MILLISECOND_NS);
        }
        assert_int_equal(moves(world, 1), trip + 1);
        netron_peer_info info = pair_peer(world, 1, 0);
        assert_true(same_endpoint(&info.endpoint, &world->nodes[0].endpoint));
        assert_int_equal(pair_send(world, 1, 0, 100, trip), NETRON_OK);
        pair_run(world, 100 * NF_MILLISECOND_NS);
        pair_assert_all_seen(world, 0, trip, trip + 1);
    }
    pair_free(world);
}

static void two_that_move_at_once_find_each_other_by_nobody(void **state)
{
    (void)state;
    pair_world *world = make_world();
    world->nodes[0].endpoint = pair_endpoint(900, 3);
    world->nodes[1].endpoint = pair_endpoint(901, 3);
    for (uint32_t i = 0; i < 200; i++) {
        (void)pair_send(world, 0, 1, 100, i);
        (void)pair_send(world, 1, 0, 100, i);
        pair_run(world, 100 * NF_MILLISECOND_NS);
    }
    /* Nobody can tell either where the other is: both notice that it is gone. */
    for (unsigned node = 0; node < 2; node++) {
        assert_int_equal(moves(world, node), 0);
        assert_int_equal(world->nodes[node].event_count[NETRON_EVENT_PEER_DOWN], 1);
    }
    pair_free(world);
}

static void new_keys_are_made_where_the_peer_is_now(void **state)
{
    (void)state;
    pair_world *world = make_world();
    world->nodes[0].endpoint = pair_endpoint(900, 3);
    uint32_t serial = 0;
    for (; serial < 1500; serial++) {
        assert_int_equal(pair_send(world, 0, 1, 100, serial), NETRON_OK);
        assert_int_equal(pair_send(world, 1, 0, 100, serial), NETRON_OK);
        pair_run(world, 100 * NF_MILLISECOND_NS);
    }
    assert_int_equal(pair_counters(world, 1).handshakes_taken, 2);
    assert_int_equal(moves(world, 1), 1);
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 0, serial);
    pair_assert_all_seen(world, 0, 2, serial);
    pair_free(world);
}

/* --- one that does not ------------------------------------------------------------------------ */

typedef struct thief {
    netron_endpoint place;
    size_t sent, got;
    unsigned data_got;
} thief;

/* On the way from node 0 to node 1: its packets come from elsewhere too. */
static bool steal(pair_world *world, pair_datagram *datagram)
{
    thief *t = world->context;
    if (datagram->from == 0 && datagram->bytes[0] >= NF_TYPE_DATA) {
        pair_datagram copy = *datagram;
        copy.source = t->place;
        pair_repeat(world, &copy, 0);
        t->sent += datagram->length;
        datagram->arrives_ns++;
    }
    if (datagram->from == 1 && same_endpoint(&datagram->destination, &t->place)) {
        t->got += datagram->length;
        t->data_got += datagram->bytes[0] != NF_TYPE_LINK;
    }
    return true;
}

static void copies_that_come_first_from_elsewhere_move_nothing(void **state)
{
    (void)state;
    pair_world *world = make_world();
    thief t = {.place = pair_endpoint(950, 1)};
    world->hook = steal;
    world->context = &t;
    uint32_t serial = 0;
    for (; serial < 500; serial++) {
        assert_int_equal(pair_send(world, 0, 1, 100, serial), NETRON_OK);
        assert_int_equal(pair_send(world, 1, 0, 1300, serial), NETRON_OK);
        pair_run(world, 10 * NF_MILLISECOND_NS);
    }
    pair_run(world, NF_SECOND_NS);
    assert_int_equal(moves(world, 1), 0);
    netron_peer_info info = pair_peer(world, 1, 0);
    assert_true(same_endpoint(&info.endpoint, &world->nodes[0].endpoint));
    pair_assert_all_seen(world, 0, 0, serial);
    pair_assert_all_seen(world, 1, 0, serial);
    assert_true(pair_drops(world, 1, NETRON_DROP_REPLAYED) >= serial);
    /* Who gets there first is challenged, ten times a second at most, and gets nothing else. */
    assert_int_equal(t.data_got, 0);
    assert_true(t.got <= t.sent);
    assert_true(t.got <= CHALLENGE_BYTES * (50 + 2 * 10));
    pair_free(world);
}

/* The copies come behind: they are known already, and not even a challenge is sent. */
static bool copy_behind(pair_world *world, pair_datagram *datagram)
{
    thief *t = world->context;
    if (datagram->from == 0 && datagram->bytes[0] >= NF_TYPE_DATA) {
        pair_datagram copy = *datagram;
        copy.source = t->place;
        pair_repeat(world, &copy, 1);
    }
    if (datagram->from == 1 && same_endpoint(&datagram->destination, &t->place)) {
        t->got += datagram->length;
    }
    return true;
}

static void copies_that_come_later_from_elsewhere_are_not_answered(void **state)
{
    (void)state;
    pair_world *world = make_world();
    thief t = {.place = pair_endpoint(950, 1)};
    world->hook = copy_behind;
    world->context = &t;
    for (uint32_t serial = 0; serial < 200; serial++) {
        assert_int_equal(pair_send(world, 0, 1, 100, serial), NETRON_OK);
        pair_run(world, 10 * NF_MILLISECOND_NS);
    }
    assert_int_equal(t.got, 0);
    assert_int_equal(moves(world, 1), 0);
    assert_true(pair_drops(world, 1, NETRON_DROP_REPLAYED) >= 199);
    pair_free(world);
}

static bool reorder(pair_world *world, pair_datagram *datagram)
{
    if (datagram->bytes[0] >= NF_TYPE_DATA) {
        datagram->arrives_ns += pair_random(world, 20) * NF_MILLISECOND_NS;
    }
    return true;
}

static void late_packets_from_the_old_place_do_not_move_it_back(void **state)
{
    (void)state;
    pair_world *world = make_world();
    world->hook = reorder;
    for (uint32_t serial = 0; serial < 600; serial++) {
        if (serial == 300) {
            world->nodes[0].endpoint = pair_endpoint(900, 3);
        }
        assert_int_equal(pair_send(world, 0, 1, 100, serial), NETRON_OK);
        pair_run(world, NF_MILLISECOND_NS);
    }
    pair_run(world, NF_SECOND_NS);
    pair_assert_all_seen(world, 1, 0, 600);
    assert_int_equal(moves(world, 1), 1);
    pair_free(world);
}

/* --- a peer that cheats --------------------------------------------------------------------------
 */

typedef struct cheat {
    caller caller;
    netron_endpoint home;
    pair_datagram last;
    unsigned answers;
} cheat;

static bool take_answer(pair_world *world, pair_datagram *datagram)
{
    cheat *c = world->context;
    c->last = *datagram;
    c->answers++;
    return false;
}

/* An engine, and a peer whose packets the test makes itself. */
static pair_world *make_cheat(cheat *c)
{
    pair_world *world = pair_new(1);
    uint8_t message3[NF_MESSAGE3_BYTES];
    memset(c, 0, sizeof(*c));
    c->home = pair_endpoint(800, 0);
    world->hook = take_answer;
    world->context = c;
    caller_init(&c->caller, 1, PAIR_SECRET, PAIR_WALL_MS);
    caller_begin(&c->caller, 8, NULL);
    (void)pair_inject(world, 0, &c->home, c->caller.message1, NF_MESSAGE1_BYTES);
    assert_true(caller_answer(&c->caller, c->last.bytes, c->last.length, message3));
    assert_int_equal(pair_inject(world, 0, &c->home, message3, sizeof(message3)), NETRON_OK);
    pair_run(world, NF_SECOND_NS / 2); /* the first probes are over */
    return world;
}

static void say(pair_world *world, const netron_endpoint *from, const uint8_t *bytes, size_t length)
{
    cheat *c = world->context;
    uint8_t datagram[100];
    size_t sealed = caller_seal(&c->caller, NF_TYPE_LINK, bytes, length, datagram);
    assert_int_equal(pair_inject(world, 0, from, datagram, sealed), NETRON_OK);
}

static void only_the_right_answer_from_the_right_place_moves_a_peer(void **state)
{
    (void)state;
    static cheat c;
    pair_world *world = make_cheat(&c);
    netron_endpoint new = pair_endpoint(900, 3), third = pair_endpoint(901, 3);
    uint8_t response[12] = {4}, body[100];
    /* Before there is a challenge there is no answer to it, not even one of zeros. */
    say(world, &c.home, response, sizeof(response));
    pair_run(world, NF_SECOND_NS);
    unsigned answers = c.answers;
    say(world, &new, response, sizeof(response));
    assert_int_equal(c.answers, answers);
    const uint8_t unknown[12] = {9}; /* any packet but one that tries a path */
    say(world, &new, unknown, sizeof(unknown));
    assert_true(same_endpoint(&c.last.destination, &new));
    assert_int_equal(caller_open(&c.caller, c.last.bytes, c.last.length, body), 12);
    assert_int_equal(body[0], 3);
    memcpy(response + 4, body + 4, 8);
    for (unsigned bit = 0; bit < 64; bit++) {
        response[4 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        say(world, &new, response, sizeof(response));
        response[4 + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    say(world, &third, response, sizeof(response));
    say(world, &c.home, response, sizeof(response));
    assert_int_equal(moves(world, 0), 0);
    say(world, &new, response, sizeof(response));
    assert_int_equal(moves(world, 0), 1);
    assert_true(same_endpoint(&world->nodes[0].last_event[NETRON_EVENT_MOVED].endpoint, &new));
    pair_free(world);
}

static void an_older_packet_from_elsewhere_is_not_answered(void **state)
{
    (void)state;
    static cheat c;
    pair_world *world = make_cheat(&c);
    netron_endpoint elsewhere = pair_endpoint(900, 3);
    uint8_t old[64];
    size_t length = caller_seal(&c.caller, NF_TYPE_DATA, NULL, 0, old);
    uint8_t reply[12] = {4};
    say(world, &c.home, reply, sizeof(reply));
    pair_run(world, NF_SECOND_NS);
    unsigned answers = c.answers;
    assert_int_equal(pair_inject(world, 0, &elsewhere, old, length), NETRON_OK);
    assert_int_equal(c.answers, answers);
    length = caller_seal(&c.caller, NF_TYPE_DATA, NULL, 0, old);
    assert_int_equal(pair_inject(world, 0, &elsewhere, old, length), NETRON_OK);
    assert_int_equal(c.answers, answers + 1);
    pair_free(world);
}

/* --- handshakes ------------------------------------------------------------------------------- */

typedef struct detour {
    netron_endpoint victim;
    uint8_t type;
    size_t got;
} detour;

static bool take_detour(pair_world *world, pair_datagram *datagram)
{
    detour *d = world->context;
    if (same_endpoint(&datagram->destination, &d->victim)) {
        d->got += datagram->length;
    }
    if (datagram->from == 0 && datagram->bytes[0] == d->type) {
        datagram->source = d->victim;
    }
    return true;
}

static void a_handshake_does_not_send_bulk_to_where_none_of_it_was_proven(void **state)
{
    (void)state;
    static const uint8_t types[] = {NF_TYPE_MESSAGE1, NF_TYPE_MESSAGE3};
    for (unsigned i = 0; i < 2; i++) {
        pair_world *world = pair_new(2);
        detour d = {.victim = pair_endpoint(950, 1), .type = types[i]};
        world->hook = take_detour;
        world->context = &d;
        pair_dial(world, 0, 1);
        pair_run(world, 20 * PAIR_LATENCY_NS);
        /* Message 1 brought an answer there, which is not longer; message 3 brings nothing. */
        assert_int_equal(d.got, types[i] == NF_TYPE_MESSAGE1 ? NF_MESSAGE2_BYTES : 0);
        assert_int_equal(pair_is_up(world, 1, 0), types[i] == NF_TYPE_MESSAGE3);
        pair_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_moves_is_followed_when_it_answers_there),
        cmocka_unit_test(a_peer_that_moves_back_is_followed_back),
        cmocka_unit_test(two_that_move_at_once_find_each_other_by_nobody),
        cmocka_unit_test(new_keys_are_made_where_the_peer_is_now),
        cmocka_unit_test(copies_that_come_first_from_elsewhere_move_nothing),
        cmocka_unit_test(copies_that_come_later_from_elsewhere_are_not_answered),
        cmocka_unit_test(late_packets_from_the_old_place_do_not_move_it_back),
        cmocka_unit_test(only_the_right_answer_from_the_right_place_moves_a_peer),
        cmocka_unit_test(an_older_packet_from_elsewhere_is_not_answered),
        cmocka_unit_test(a_handshake_does_not_send_bulk_to_where_none_of_it_was_proven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
