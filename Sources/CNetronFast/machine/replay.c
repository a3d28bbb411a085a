/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - a ring of words instead of a shifted bitmap: moving on clears only whole words. */
#include "machine/replay.h"

#include "machine/assert.h"
#include "machine/wire.h"

#include <string.h>

enum {
    WORD_SHIFT = 6, /* 64 sequences a word */
    WORD_MASK = (1 << WORD_SHIFT) - 1,
    CONTROL_WORDS = 16,
    LANE_WORDS_MIN = 16,
};

/** Clears the words that come into use when the window moves up to `next`. At all times the word of
 *  `next` and all words of the window are clear where nothing was taken. */
static void advance(nf_replay *replay, uint64_t *ring, uint64_t next)
{
    uint64_t word = replay->next >> WORD_SHIFT;
    uint64_t fresh = (next >> WORD_SHIFT) - word;
    uint64_t mask = (uint64_t)replay->words - 1;

    if (fresh > replay->words) {
        fresh = replay->words;
    }
    for (; fresh > 0; fresh--) {
        word++;
        ring[word & mask] = 0;
    }
    replay->next = next;
}

bool nf_replay_take(nf_replay *replay, uint64_t *bits, uint64_t sequence)
{
    uint64_t *ring = bits + replay->first_word;
    uint64_t words = replay->words;

    /* Past the mask there is no sequence: `next` could not go on. */
    if (words == 0 || sequence > NF_SEQUENCE_MASK) {
        return false;
    }
    if (sequence >= replay->next) {
        advance(replay, ring, sequence + 1);
    } else if (replay->next - sequence > (words - 1) << WORD_SHIFT) {
        return false;
    }
    uint64_t *word = &ring[(sequence >> WORD_SHIFT) & (words - 1)];
    uint64_t bit = UINT64_C(1) << (sequence & WORD_MASK);
    if ((*word & bit) != 0) {
        return false;
    }
    *word |= bit;
    return true;
}

void nf_replay_divide(nf_replay windows[8], uint64_t bits[NF_REPLAY_WORDS_MAX], unsigned lanes)
{
    const unsigned shared = NF_REPLAY_WORDS_MAX - CONTROL_WORDS;
    unsigned words = LANE_WORDS_MIN;

    nf_assert(lanes >= 1 && lanes <= NF_LANE_CONTROL);
    while (words * 2 * lanes <= shared) {
        words *= 2;
    }
    nf_assert(words * lanes <= shared);

    memset(windows, 0, NF_LANE_COUNT * sizeof(*windows));
    memset(bits, 0, NF_REPLAY_WORDS_MAX * sizeof(*bits));
    for (unsigned lane = 0; lane < lanes; lane++) {
        windows[lane].words = (uint16_t)words;
        windows[lane].first_word = (uint16_t)(lane * words);
    }
    windows[NF_LANE_CONTROL].words = CONTROL_WORDS;
    windows[NF_LANE_CONTROL].first_word = (uint16_t)shared;
}
