/* SPDX-License-Identifier: Apache-2.0 */
/* frame_fuzz.c - any bytes as what comes by a connection: a proxy's answer, then frames.
 * Input: how many bytes come at a time u8 | bytes. What is read does not depend on that. */
#include "machine/assert.h"
#include "machine/frame.h"
#include "machine/proxy.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* @return how many bytes the answer has, or -1 when it does not open */
static int read_answer(const uint8_t *bytes, size_t length, size_t step)
{
    nf_proxy proxy = {0};
    for (size_t at = 0; at < length;) {
        size_t n = length - at < step ? length - at : step, used;
        uint8_t *piece = malloc(n); /* of its own, so that a byte too much is seen */
        memcpy(piece, bytes + at, n);
        nf_proxy_result result = nf_proxy_take(&proxy, piece, n, &used);
        free(piece);
        nf_assert(used > 0 && used <= n && (result != NF_PROXY_WAIT || used == n));
        at += used;
        if (result != NF_PROXY_WAIT) {
            nf_assert(at <= NF_PROXY_ANSWER_BYTES_MAX + 1);
            return result == NF_PROXY_OPEN ? (int)at : -1;
        }
    }
    return -1;
}

/* @return how many bytes are whole frames, and whether more of them may come */
static size_t read_frames(const uint8_t *bytes, size_t length, size_t step, bool *good)
{
    size_t at = 0, there = 0;
    int frame = 0;
    while (frame >= 0 && there < length) {
        there = length - there < step ? length : there + step;
        uint8_t *piece = malloc(there - at + 1);
        memcpy(piece, bytes + at, there - at);
        size_t within = 0;
        while ((frame = nf_frame_first(piece + within, there - at - within)) > 0) {
            nf_assert(frame <= NF_FRAME_WHOLE_BYTES_MAX && (size_t)frame <= there - at - within);
            nf_assert(piece[within + NF_FRAME_HEAD_BYTES] <= NF_TYPE_RELAY);
            within += (size_t)frame;
        }
        free(piece);
        at += within;
        nf_assert(frame < 0 || there - at < NF_FRAME_WHOLE_BYTES_MAX);
    }
    *good = frame >= 0;
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    size_t step = data[0] == 0 ? 1 : data[0];
    const uint8_t *bytes = data + 1;
    size_t length = size - 1;
    int answer = read_answer(bytes, length, step);
    nf_assert(answer == read_answer(bytes, length, length + 1));
    if (answer > 0) {
        bytes += answer;
        length -= (size_t)answer;
    }
    bool good, good_whole;
    size_t taken = read_frames(bytes, length, step, &good);
    size_t taken_whole = read_frames(bytes, length, length + 1, &good_whole);
    nf_assert(taken == taken_whole && good == good_whole);
    return 0;
}
