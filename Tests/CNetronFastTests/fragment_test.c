/* SPDX-License-Identifier: Apache-2.0 */
/* fragment_test.c - packets in pieces: whole again in any order, and never out of bad pieces. */
#include "machine/fragment.h"

#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    HEADER = NF_FRAGMENT_HEADER_BYTES,
    PIECE_MAX = NF_FRAGMENT_PIECE_BYTES_MAX,
    BYTES_MAX = PIECE_MAX - HEADER,
    FLAGS = 1,
};

typedef struct bench {
    nf_reassembly *reassembly;
    uint64_t now_ns;
    uint8_t *packet;
    size_t length;
    uint8_t flags;
    uint8_t tos; /* of the next piece; then of what came out */
} bench;

static int set_up(void **state)
{
    bench *b = calloc(1, sizeof(*b));
    b->reassembly = nf_reassembly_new();
    b->now_ns = 1000;
    *state = b;
    return b->reassembly == NULL;
}

static int tear_down(void **state)
{
    bench *b = *state;
    nf_reassembly_free(b->reassembly);
    free(b);
    return 0;
}

/* Gives a piece in a room that ends where it does. */
static nf_fragment_result give(bench *b, uint64_t session, const uint8_t *piece, size_t length)
{
    uint8_t *room = malloc(length + (length == 0));
    if (length > 0) {
        memcpy(room, piece, length);
    }
    nf_fragment_result result = nf_reassembly_add(b->reassembly, session, room, length, b->now_ns,
                                                  &b->packet, &b->length, &b->flags, &b->tos);
    free(room);
    return result;
}

/* A piece written by hand: its bytes are the index. */
static nf_fragment_result
give_raw(bench *b, uint32_t id, uint8_t index, uint8_t count, size_t bytes)
{
    uint8_t piece[PIECE_MAX + 8];
    memset(piece, index, sizeof(piece));
    memcpy(piece, &(uint8_t[HEADER]){(uint8_t)id, (uint8_t)(id >> 8), 0, 0, index, count, FLAGS},
           HEADER);
    return give(b, 7, piece, HEADER + bytes);
}

static void fill(uint8_t *packet, size_t length, uint32_t seed)
{
    for (size_t i = 0; i < length; i++) {
        packet[i] = stream_byte(seed + (uint32_t)i);
    }
}

/* --- cutting ---------------------------------------------------------------------------------- */

static void pieces_are_counted(void **state)
{
    (void)state;
    static const struct {
        size_t length, room;
        unsigned count;
    } cases[] = {
        {100, 108, 1},
        {101, 108, 2},
        {200, 108, 2},
        {201, 108, 3},
        {300, 108, 3},
        {301, 108, 0},
        {0, 108, 0},
        {0, 8, 0},
        {1, 8, 0},
        {1, 0, 0},
        {1, 9, 1},
        {3, 9, 3},
        {4, 9, 0},
        {4 * BYTES_MAX, 9000, 0}, /* a piece has a limit of its own */
        {3 * BYTES_MAX, 9000, 3},
        {3 * BYTES_MAX + 1, SIZE_MAX, 0},
        {SIZE_MAX, PIECE_MAX, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(nf_fragment_count(cases[i].length, cases[i].room), cases[i].count);
    }
}

static void pieces_are_drawn_as_the_header_says(void **state)
{
    (void)state;
    uint8_t packet[5] = {10, 11, 12, 13, 14}, out[PIECE_MAX];
    static const uint8_t first[] = {0x44, 0x33, 0x22, 0x11, 0, 2, 1, 0, 10, 11, 12};
    static const uint8_t last[] = {0x44, 0x33, 0x22, 0x11, 1, 2, 1, 0, 13, 14};
    assert_int_equal(nf_fragment_cut(packet, 5, 0x11223344, 0, 2, 1, out), sizeof(first));
    assert_memory_equal(out, first, sizeof(first));
    assert_int_equal(nf_fragment_cut(packet, 5, 0x11223344, 1, 2, 1, out), sizeof(last));
    assert_memory_equal(out, last, sizeof(last));
}

/* All orders of three pieces; those of two are among them. */
static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

static void check_round_trip(bench *b, size_t length, size_t room, const uint8_t *order)
{
    static uint8_t packet[3 * PIECE_MAX];
    static uint32_t id;
    unsigned count = nf_fragment_count(length, room);
    if (count < 2) {
        return;
    }
    fill(packet, length, (uint32_t)(length * 31 + room));
    unsigned given = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (order[i] >= count) {
            continue;
        }
        uint8_t *piece = malloc(room); /* no byte more than it may be long */
        size_t n = nf_fragment_cut(packet, length, id, order[i], count, FLAGS, piece);
        assert_in_range(n, HEADER + 1, room);
        nf_fragment_result result = give(b, 7, piece, n);
        free(piece);
        given++;
        assert_int_equal(result, given == count ? NF_FRAGMENT_WHOLE : NF_FRAGMENT_WAIT);
    }
    assert_int_equal(b->length, length);
    assert_memory_equal(b->packet, packet, length);
    assert_int_equal(b->flags, FLAGS);
    id++;
}

static void pieces_in_any_order_are_the_packet(void **state)
{
    bench *b = *state;
    for (unsigned order = 0; order < 6; order++) {
        for (size_t length = 2; length < 40; length++) {
            for (size_t room = 9; room < 40; room++) {
                check_round_trip(b, length, room, orders[order]);
            }
        }
        for (size_t length = 1400; length <= 3 * BYTES_MAX; length += 97) {
            check_round_trip(b, length, 1168, orders[order]);
            check_round_trip(b, length, PIECE_MAX, orders[order]);
        }
        check_round_trip(b, 3 * BYTES_MAX, PIECE_MAX, orders[order]);
        check_round_trip(b, 2 * BYTES_MAX + 1, PIECE_MAX, orders[order]);
    }
}

/* --- bad pieces ------------------------------------------------------------------------------- */

static void a_piece_that_cannot_be_is_bad(void **state)
{
    bench *b = *state;
    static const struct {
        uint8_t index, count;
        size_t bytes;
        nf_fragment_result result;
    } cases[] = {
        {0, 2, 1, NF_FRAGMENT_WAIT},
        {1, 2, BYTES_MAX, NF_FRAGMENT_WAIT},
        {2, 3, 1, NF_FRAGMENT_WAIT},
        {0, 0, 1, NF_FRAGMENT_BAD},
        {0, 1, 1, NF_FRAGMENT_BAD},
        {0, 4, 1, NF_FRAGMENT_BAD},
        {0, 255, 1, NF_FRAGMENT_BAD},
        {2, 2, 1, NF_FRAGMENT_BAD},
        {3, 3, 1, NF_FRAGMENT_BAD},
        {255, 3, 1, NF_FRAGMENT_BAD},
        {0, 2, 0, NF_FRAGMENT_BAD},
        {1, 2, 0, NF_FRAGMENT_BAD},
        {0, 2, BYTES_MAX + 1, NF_FRAGMENT_BAD},
        {1, 2, BYTES_MAX + 1, NF_FRAGMENT_BAD},
    };
    for (uint32_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(give_raw(b, i, cases[i].index, cases[i].count, cases[i].bytes),
                         cases[i].result);
    }
    uint8_t header[HEADER] = {200, 0, 0, 0, 0, 2};
    for (size_t length = 0; length <= sizeof(header); length++) {
        assert_int_equal(give(b, 7, header, length), NF_FRAGMENT_BAD);
    }
}

typedef struct step {
    uint8_t index, count;
    size_t bytes;
    bool bad;
} step;

/* What contradicts, and that afterwards all must come again. */
static void pieces_that_contradict_lose_the_packet(void **state)
{
    bench *b = *state;
    enum { W = 0, BAD = 1 };
    static const step scripts[][4] = {
        /* another count */
        {{0, 3, 100, W}, {1, 2, 100, BAD}, {2, 3, 100, W}, {1, 3, 100, W}},
        {{0, 2, 100, W}, {2, 3, 100, BAD}, {1, 2, 100, W}},
        /* the same piece again */
        {{0, 3, 100, W}, {0, 3, 100, BAD}, {1, 3, 100, W}, {2, 3, 100, W}},
        {{1, 2, 100, W}, {1, 2, 100, BAD}, {0, 2, 100, W}},
        {{2, 3, 50, W}, {2, 3, 40, BAD}, {0, 3, 100, W}, {1, 3, 100, W}},
        /* pieces before the last of different lengths */
        {{0, 3, 100, W}, {1, 3, 99, BAD}, {2, 3, 50, W}, {1, 3, 100, W}},
        {{1, 3, 100, W}, {0, 3, 101, BAD}, {2, 3, 50, W}, {1, 3, 100, W}},
        /* a last one longer than the others, behind them and before */
        {{0, 2, 100, W}, {1, 2, 101, BAD}, {1, 2, 100, W}},
        {{1, 2, 101, W}, {0, 2, 100, BAD}, {0, 2, 101, W}},
        /* a piece that cannot be, of a packet that waits */
        {{0, 2, 100, W}, {2, 2, 100, BAD}, {1, 2, 100, W}},
        {{0, 2, 100, W}, {1, 2, 0, BAD}, {1, 2, 100, W}},
        {{0, 2, 100, W}, {1, 1, 50, BAD}, {1, 2, 100, W}},
    };
    for (uint32_t i = 0; i < COUNT(scripts); i++) {
        for (size_t at = 0; at < COUNT(scripts[i]) && scripts[i][at].count != 0; at++) {
            const step *s = &scripts[i][at];
            assert_int_equal(give_raw(b, 1000 + i, s->index, s->count, s->bytes),
                             s->bad ? NF_FRAGMENT_BAD : NF_FRAGMENT_WAIT);
        }
    }
}

static void pieces_of_different_flags_are_bad(void **state)
{
    bench *b = *state;
    uint8_t piece[HEADER + 10] = {5, 0, 0, 0, 0, 2, 1};
    assert_int_equal(give(b, 7, piece, sizeof(piece)), NF_FRAGMENT_WAIT);
    piece[4] = 1;
    piece[6] = 0;
    assert_int_equal(give(b, 7, piece, sizeof(piece)), NF_FRAGMENT_BAD);
    piece[6] = 1;
    assert_int_equal(give(b, 7, piece, sizeof(piece)), NF_FRAGMENT_WAIT);
}

static void the_byte_kept_for_later_is_not_looked_at(void **state)
{
    bench *b = *state;
    uint8_t piece[HEADER + 10] = {5, 0, 0, 0, 0, 2, 1, 0x55};
    assert_int_equal(give(b, 7, piece, sizeof(piece)), NF_FRAGMENT_WAIT);
    piece[4] = 1;
    piece[7] = 0;
    assert_int_equal(give(b, 7, piece, sizeof(piece)), NF_FRAGMENT_WHOLE);
}

/* --- who belongs to whom ---------------------------------------------------------------------- */

static void sessions_and_ids_are_kept_apart(void **state)
{
    bench *b = *state;
    uint8_t packets[4][200], piece[PIECE_MAX];
    static const uint64_t sessions[] = {1, UINT64_C(1) << 32 | 1};
    static const uint32_t ids[] = {9, UINT32_C(9) | UINT32_C(1) << 31};
    for (unsigned index = 0; index < 2; index++) {
        for (unsigned i = 0; i < 4; i++) {
            fill(packets[i], 200, i * 1000);
            size_t n = nf_fragment_cut(packets[i], 200, ids[i & 1], index, 2, FLAGS, piece);
            nf_fragment_result result = give(b, sessions[i >> 1], piece, n);
            assert_int_equal(result, index == 0 ? NF_FRAGMENT_WAIT : NF_FRAGMENT_WHOLE);
            if (index == 1) {
                assert_int_equal(b->length, 200);
                assert_memory_equal(b->packet, packets[i], 200);
            }
        }
    }
}

static void a_bad_piece_takes_nothing_from_others(void **state)
{
    bench *b = *state;
    assert_int_equal(give_raw(b, 1, 0, 2, 10), NF_FRAGMENT_WAIT);
    assert_int_equal(give_raw(b, 2, 0, 2, 10), NF_FRAGMENT_WAIT);
    assert_int_equal(give_raw(b, 1, 0, 2, 10), NF_FRAGMENT_BAD);
    assert_int_equal(give_raw(b, 2, 1, 2, 10), NF_FRAGMENT_WHOLE);
    assert_int_equal(b->length, 20);
}

static void the_oldest_gives_way_when_all_places_are_taken(void **state)
{
    bench *b = *state;
    /* All at the same instant: age is the order in which they came. */
    for (uint32_t id = 0; id < NF_FRAGMENT_PENDING_MAX; id++) {
        assert_int_equal(give_raw(b, id, 0, 3, 10), NF_FRAGMENT_WAIT);
    }
    /* A piece more does not make it younger. */
    assert_int_equal(give_raw(b, 0, 1, 3, 10), NF_FRAGMENT_WAIT);
    assert_int_equal(give_raw(b, 100, 0, 3, 10), NF_FRAGMENT_WAIT); /* 0 gives way */
    for (uint32_t id = 1; id < NF_FRAGMENT_PENDING_MAX; id++) {
        assert_int_equal(give_raw(b, id, 1, 3, 10), NF_FRAGMENT_WAIT);
    }
    for (uint32_t id = 1; id < NF_FRAGMENT_PENDING_MAX; id++) {
        assert_int_equal(give_raw(b, id, 2, 3, 10), NF_FRAGMENT_WHOLE);
    }
    assert_int_equal(give_raw(b, 0, 2, 3, 10), NF_FRAGMENT_WAIT); /* begun anew */
    assert_int_equal(give_raw(b, 100, 1, 3, 10), NF_FRAGMENT_WAIT);
    assert_int_equal(give_raw(b, 100, 2, 3, 10), NF_FRAGMENT_WHOLE);
}

static void a_free_place_is_taken_before_the_oldest(void **state)
{
    bench *b = *state;
    for (uint32_t id = 0; id < NF_FRAGMENT_PENDING_MAX; id++) {
        assert_int_equal(give_raw(b, id, 0, 2, 10), NF_FRAGMENT_WAIT);
    }
    assert_int_equal(give_raw(b, 5, 1, 2, 10), NF_FRAGMENT_WHOLE);
    assert_int_equal(give_raw(b, 100, 0, 2, 10), NF_FRAGMENT_WAIT);
    assert_int_equal(give_raw(b, 0, 1, 2, 10), NF_FRAGMENT_WHOLE);
}

static void what_is_older_than_the_timeout_is_gone(void **state)
{
    bench *b = *state;
    assert_int_equal(give_raw(b, 1, 0, 2, 10), NF_FRAGMENT_WAIT);
    b->now_ns += NF_FRAGMENT_TIMEOUT_NS;
    assert_int_equal(give_raw(b, 1, 1, 2, 10), NF_FRAGMENT_WHOLE);
    assert_int_equal(give_raw(b, 1, 0, 2, 10), NF_FRAGMENT_WAIT);
    b->now_ns += NF_FRAGMENT_TIMEOUT_NS + 1;
    assert_int_equal(give_raw(b, 1, 1, 2, 10), NF_FRAGMENT_WAIT);
    /* Age counts from the first piece. */
    assert_int_equal(give_raw(b, 2, 0, 3, 10), NF_FRAGMENT_WAIT);
    b->now_ns += NF_FRAGMENT_TIMEOUT_NS;
    assert_int_equal(give_raw(b, 2, 1, 3, 10), NF_FRAGMENT_WAIT);
    b->now_ns += 1;
    assert_int_equal(give_raw(b, 2, 2, 3, 10), NF_FRAGMENT_WAIT);
}

static void a_clock_that_steps_back_loses_nothing(void **state)
{
    bench *b = *state;
    assert_int_equal(give_raw(b, 1, 0, 2, 10), NF_FRAGMENT_WAIT);
    b->now_ns -= 1;
    assert_int_equal(give_raw(b, 1, 1, 2, 10), NF_FRAGMENT_WHOLE);
}

static void the_packet_may_be_changed_until_the_next_call(void **state)
{
    bench *b = *state;
    assert_int_equal(give_raw(b, 1, 0, 2, BYTES_MAX), NF_FRAGMENT_WAIT);
    assert_int_equal(give_raw(b, 1, 1, 2, BYTES_MAX), NF_FRAGMENT_WHOLE);
    assert_int_equal(b->length, 2 * BYTES_MAX);
    assert_int_equal(b->packet[0], 0);
    assert_int_equal(b->packet[BYTES_MAX - 1], 0);
    assert_int_equal(b->packet[BYTES_MAX], 1);
    assert_int_equal(b->packet[2 * BYTES_MAX - 1], 1);
    memset(b->packet, 0xff, b->length);
    assert_int_equal(give_raw(b, 1, 1, 2, 3), NF_FRAGMENT_WAIT);
    assert_int_equal(give_raw(b, 1, 0, 2, 4), NF_FRAGMENT_WHOLE);
    assert_int_equal(b->length, 7);
    assert_memory_equal(b->packet, "\0\0\0\0\1\1\1", 7);
}

static void nothing_is_freed_without_complaint(void **state)
{
    (void)state;
    nf_reassembly_free(NULL);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void congestion_of_any_piece_is_the_packets(void **state)
{
    bench *b = *state;
    for (unsigned marked = 0; marked <= 3; marked++) { /* 3: none */
        for (uint8_t index = 0; index < 3; index++) {
            b->tos = index == marked ? 0xbb : 0xba; /* CE, else ECT(0); a DSCP beside it */
            nf_fragment_result result = give_raw(b, 7, index, 3, 100);
            assert_int_equal(result, index < 2 ? NF_FRAGMENT_WAIT : NF_FRAGMENT_WHOLE);
        }
        assert_int_equal(b->tos, marked < 3 ? 0xbb : 0xba);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BENCH(congestion_of_any_piece_is_the_packets),
        cmocka_unit_test(pieces_are_counted),
        cmocka_unit_test(pieces_are_drawn_as_the_header_says),
        WITH_BENCH(pieces_in_any_order_are_the_packet),
        WITH_BENCH(a_piece_that_cannot_be_is_bad),
        WITH_BENCH(pieces_that_contradict_lose_the_packet),
        WITH_BENCH(pieces_of_different_flags_are_bad),
        WITH_BENCH(the_byte_kept_for_later_is_not_looked_at),
        WITH_BENCH(sessions_and_ids_are_kept_apart),
        WITH_BENCH(a_bad_piece_takes_nothing_from_others),
        WITH_BENCH(the_oldest_gives_way_when_all_places_are_taken),
        WITH_BENCH(a_free_place_is_taken_before_the_oldest),
        WITH_BENCH(what_is_older_than_the_timeout_is_gone),
        WITH_BENCH(a_clock_that_steps_back_loses_nothing),
        WITH_BENCH(the_packet_may_be_changed_until_the_next_call),
        cmocka_unit_test(nothing_is_freed_without_complaint),
    };
    return cmocka_run_group_tests_name("fragment", tests, NULL, NULL);
}
