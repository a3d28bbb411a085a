/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h - datagrams on a connection of TCP: each behind its length. Pure.
 *
 *              0                2
 *              +----------------+--------------------------+----------------+----
 *              | length u16, BE | a datagram of types 1-9  | length u16, BE | ...
 *              +----------------+--------------------------+----------------+----
 */
#ifndef NF_FRAME_H
#define NF_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "machine/wire.h"

enum {
    NF_FRAME_HEAD_BYTES = 2,
    NF_FRAME_WHOLE_BYTES_MAX = NF_FRAME_HEAD_BYTES + NF_FRAME_BYTES_MAX,
};

/** Looks at the front of what came.
 *  @return how many bytes the first frame has with its head, 0 if it is not whole yet, or -1 if it
 *  never will be one */
static inline int nf_frame_first(const uint8_t *bytes, size_t length)
{
    if (length < NF_FRAME_HEAD_BYTES) {
        return 0;
    }
    uint32_t body = nf_load_be16(bytes);
    if (body < NF_SESSION_OVERHEAD_BYTES || body > NF_FRAME_BYTES_MAX) {
        return -1;
    }
    if (length > NF_FRAME_HEAD_BYTES && (bytes[NF_FRAME_HEAD_BYTES] < NF_TYPE_MESSAGE1 ||
                                         bytes[NF_FRAME_HEAD_BYTES] > NF_TYPE_RELAY)) {
        return -1;
    }
    return length < NF_FRAME_HEAD_BYTES + body ? 0 : (int)(NF_FRAME_HEAD_BYTES + body);
}

#endif
