/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h - which sequence numbers have been seen: a sliding window (RFC 6479). Pure. */
#ifndef NF_REPLAY_H
#define NF_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

/* 8,192 packets for the data lanes of a session together, 1,024 for control. */
enum { NF_REPLAY_WORDS_MAX = 128 + 16 };

/** One window. Its bits lie in an array of the owner's, `words` of them, a power of two; words - 1
 *  of them are window, one is being cleared. */
typedef struct nf_replay {
    uint64_t next; /* one past the highest sequence taken */
    uint16_t words;
    uint16_t first_word; /* of the session's array */
} nf_replay;

/** Takes `sequence` if it is new. @return false if it was seen or is too old */
bool nf_replay_take(nf_replay *replay, uint64_t *bits, uint64_t sequence);

/** How the 144 words of a session are shared out: the control lane gets 16, `lanes` data lanes (1
 *  to 7) the rest in equal powers of two, 16 at least. Clears the bits. */
void nf_replay_divide(nf_replay windows[8], uint64_t bits[NF_REPLAY_WORDS_MAX], unsigned lanes);

#endif
