/* SPDX-License-Identifier: Apache-2.0 */
/* replay_test.c - the window's boundaries as a table, and the window against a plain set. */
#include "machine/replay.h"

#include "machine/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORD = 64 };

typedef struct session {
    nf_replay windows[8];
    uint64_t bits[NF_REPLAY_WORDS_MAX];
} session;

/* --- a table of boundaries, in one window of W sequences; the steps are taken in this order
 * ------- */

typedef struct step {
    int number;
    uint64_t windows, plus; /* sequence: windows * W + plus */
    bool taken;
} step;

static const step steps[] = {
    {1, 0, 0, true}, /* the very first */
    {2, 0, 0, false},
    {3, 0, 1, true}, /* in order */
    {4, 0, 1, false},
    {5, 0, 9, true}, /* a gap */
    {6, 0, 8, true}, /* and what was in it, backwards */
    {7, 0, 7, true},
    {8, 0, 7, false},
    {9, 0, 63, true}, /* both sides of a word's edge */
    {10, 0, 64, true},
    {11, 0, 63, false},
    {12, 0, 64, false},
    {13, 0, 62, true},
    {14, 0, 65, true},
    {15, 1, (uint64_t)-1, true}, /* the window is just full: W - 1 is the highest */
    {16, 0, 0, false},           /* the oldest place, seen */
    {17, 0, 2, true},            /* beside it, not seen */
    {18, 1, 0, true},            /* 0 falls out */
    {19, 0, 0, false},
    {20, 0, 3, true},
    {21, 1, 3, true}, /* 3 falls out, 4 is the oldest */
    {22, 0, 3, false},
    {23, 0, 4, true},
    {24, 0, 4, false},
    {25, 2, 2, true}, /* a jump of W - 1: W + 3 is the oldest that is left */
    {26, 1, 2, false},
    {27, 1, 3, false},
    {28, 1, 4, true},
    {29, 3, 2, true}, /* a jump of W: all that was seen is too old */
    {30, 2, 2, false},
    {31, 2, 3, true},
    {32, 3, 1, true},
    {33, 9, 5, true}, /* a jump of many windows leaves nothing of the old ones */
    {34, 3, 2, false},
    {35, 8, 5, false},
    {36, 8, 6, true},
    {37, 8, 6, false},
    {38, 8, 70, true},
    {39, 9, 4, true},
    {40, 9, 4, false},
    {41, 9, 5, false},
    {42, 0, 0, false}, /* the past stays shut */
};

static void check_steps(unsigned lanes, unsigned lane)
{
    session s;
    nf_replay_divide(s.windows, s.bits, lanes);
    uint64_t size = (s.windows[lane].words - 1U) * WORD;

    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        uint64_t sequence = steps[i].windows * size + steps[i].plus;
        if (nf_replay_take(&s.windows[lane], s.bits, sequence) != steps[i].taken) {
            fail_msg("%u lanes, lane %u: step %d is wrong", lanes, lane, steps[i].number);
        }
    }
}

static void each_boundary_is_where_the_table_says(void **state)
{
    (void)state;
    check_steps(1, 0);
    check_steps(1, NF_LANE_CONTROL);
    check_steps(2, 1);
    check_steps(7, 6);
}

/* --- the end of numbers
 * ---------------------------------------------------------------------------- */

static void the_last_sequence_of_all_is_taken_once_and_nothing_above(void **state)
{
    (void)state;
    session s;
    nf_replay_divide(s.windows, s.bits, 1);
    nf_replay *window = &s.windows[0];

    assert_true(nf_replay_take(window, s.bits, 5));
    assert_false(nf_replay_take(window, s.bits, NF_SEQUENCE_MASK + 1));
    assert_false(nf_replay_take(window, s.bits, UINT64_MAX));
    assert_true(nf_replay_take(window, s.bits, 6)); /* the refused ones moved nothing */

    assert_true(nf_replay_take(window, s.bits, NF_SEQUENCE_MASK));
    assert_false(nf_replay_take(window, s.bits, NF_SEQUENCE_MASK));
    assert_true(nf_replay_take(window, s.bits, NF_SEQUENCE_MASK - 1));
    assert_false(nf_replay_take(window, s.bits, 7));
    assert_false(nf_replay_take(window, s.bits, UINT64_MAX));
}

static void a_refused_sequence_leaves_the_window_as_it_was(void **state)
{
    (void)state;
    session s, before;
    nf_replay_divide(s.windows, s.bits, 3);
    assert_true(nf_replay_take(&s.windows[1], s.bits, 100000));
    memcpy(&before, &s, sizeof(s));

    assert_false(nf_replay_take(&s.windows[1], s.bits, 100000));
    assert_false(nf_replay_take(&s.windows[1], s.bits, 0));
    assert_false(nf_replay_take(&s.windows[1], s.bits, UINT64_MAX));
    assert_memory_equal(&before, &s, sizeof(s));
}

/* --- how a session is divided
 * ---------------------------------------------------------------------- */

static void the_words_are_shared_out_by_the_number_of_lanes(void **state)
{
    (void)state;
    static const unsigned words_of[] = {0, 128, 64, 32, 32, 16, 16, 16};

    for (unsigned lanes = 1; lanes <= 7; lanes++) {
        session s;
        uint8_t owners[NF_REPLAY_WORDS_MAX] = {0};
        memset(&s, 0xaa, sizeof(s));
        nf_replay_divide(s.windows, s.bits, lanes);

        for (unsigned lane = 0; lane < 8; lane++) {
            const nf_replay *window = &s.windows[lane];
            unsigned words = lane == NF_LANE_CONTROL ? 16 : lane < lanes ? words_of[lanes] : 0;
            assert_int_equal(window->words, words);
            assert_int_equal(window->next, 0);
            assert_true(window->first_word + words <= NF_REPLAY_WORDS_MAX);
            for (unsigned word = 0; word < words; word++) {
                assert_int_equal(owners[window->first_word + word]++, 0);
            }
        }
        for (unsigned word = 0; word < NF_REPLAY_WORDS_MAX; word++) {
            assert_int_equal(s.bits[word], 0);
        }
    }
}

static void a_lane_that_is_not_used_takes_nothing(void **state)
{
    (void)state;
    session s;
    nf_replay_divide(s.windows, s.bits, 4);
    for (unsigned lane = 4; lane < 7; lane++) {
        assert_false(nf_replay_take(&s.windows[lane], s.bits, 0));
        assert_false(nf_replay_take(&s.windows[lane], s.bits, 1));
        assert_false(nf_replay_take(&s.windows[lane], s.bits, NF_SEQUENCE_MASK));
        assert_int_equal(s.windows[lane].next, 0);
    }
}

static void lanes_do_not_see_each_others_sequences(void **state)
{
    (void)state;
    session s;
    nf_replay_divide(s.windows, s.bits, 7);
    for (uint64_t sequence = 0; sequence < 3000; sequence += 7) {
        for (unsigned lane = 0; lane < 8; lane++) {
            assert_true(nf_replay_take(&s.windows[lane], s.bits, sequence * (lane + 1)));
        }
        for (unsigned lane = 0; lane < 8; lane++) {
            assert_false(nf_replay_take(&s.windows[lane], s.bits, sequence * (lane + 1)));
        }
    }
}

/* --- against a plain set
 * ---------------------------------------------------------------------------- */

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/** Mostly near the front, on both sides; now and then at an edge of the window, or far ahead. */
static uint64_t draw_sequence(uint64_t *random, uint64_t next, uint64_t size)
{
    uint64_t ahead = draw(random) % 20;
    uint64_t behind = 0;
    switch (draw(random) % 16) {
    case 0:
        behind = size + draw(random) % 3;
        ahead = 1;
        break;
    case 1:
        behind = draw(random) % (2 * size);
        break;
    case 2:
        ahead = draw(random) % (3 * size);
        break;
    case 3:
        ahead = size - 2 + draw(random) % 4;
        break;
    default:
        behind = draw(random) % 40;
        break;
    }
    return next + ahead > behind ? next + ahead - behind : 0;
}

static void check_against_a_set(unsigned lanes, unsigned lane, uint64_t seed)
{
    enum { STEPS = 20000, SET_MAX = STEPS * 400 };
    session s;
    nf_replay_divide(s.windows, s.bits, lanes);
    nf_replay *window = &s.windows[lane];
    uint64_t size = (window->words - 1U) * WORD, next = 0, random = seed;
    bool *seen = calloc(SET_MAX, sizeof(*seen));
    assert_non_null(seen);

    for (int i = 0; i < STEPS; i++) {
        uint64_t sequence = draw_sequence(&random, next, size);
        if (sequence >= SET_MAX) {
            break;
        }
        bool wanted = !seen[sequence] && sequence + size >= next;
        if (nf_replay_take(window, s.bits, sequence) != wanted) {
            fail_msg("seed %llu, step %d: %llu with next %llu", (unsigned long long)seed, i,
                     (unsigned long long)sequence, (unsigned long long)next);
        }
        if (wanted) {
            seen[sequence] = true;
            next = sequence >= next ? sequence + 1 : next;
        }
    }
    free(seen);
}

static void the_window_agrees_with_a_plain_set(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        check_against_a_set(1, 0, seed);
        check_against_a_set(2, 1, seed);
        check_against_a_set(7, 3, seed);
        check_against_a_set(4, NF_LANE_CONTROL, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_boundary_is_where_the_table_says),
        cmocka_unit_test(the_last_sequence_of_all_is_taken_once_and_nothing_above),
        cmocka_unit_test(a_refused_sequence_leaves_the_window_as_it_was),
        cmocka_unit_test(the_words_are_shared_out_by_the_number_of_lanes),
        cmocka_unit_test(a_lane_that_is_not_used_takes_nothing),
        cmocka_unit_test(lanes_do_not_see_each_others_sequences),
        cmocka_unit_test(the_window_agrees_with_a_plain_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
