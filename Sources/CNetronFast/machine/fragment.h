/* SPDX-License-Identifier: Apache-2.0 */
/* fragment.h - an inner packet that is longer than the path takes, in 2 or 3 sealed pieces. Pure.
 *
 * An id is used once by a session, over all its lanes. Before sealing, a piece is:  id u32 | index
 * u8 | count u8 | flags u8 | tos u8 | bytes All pieces but the last are equally long; the last is
 * not longer and not empty. flags: as in a session header (the packet's); tos: 0, kept for later.
 */
#ifndef NF_FRAGMENT_H
#define NF_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nf_fragment_limits {
    NF_FRAGMENT_HEADER_BYTES = 8,
    NF_FRAGMENT_PIECES_MAX = 3,
    NF_FRAGMENT_PIECE_BYTES_MAX = 1472, /* with its header */
    NF_FRAGMENT_PACKET_BYTES_MAX = NF_FRAGMENT_PIECES_MAX * NF_FRAGMENT_PIECE_BYTES_MAX,
    NF_FRAGMENT_PENDING_MAX = 16, /* packets that wait for pieces, a lane */
};
#define NF_FRAGMENT_TIMEOUT_NS UINT64_C(2000000000)

/** How many pieces a packet needs when a piece may have `room` bytes, header included; 0 if more
 *  than NF_FRAGMENT_PIECES_MAX. */
unsigned nf_fragment_count(size_t packet_length, size_t room);

/** Writes piece `index` of `count`. @return its length */
size_t nf_fragment_cut(const uint8_t *packet,
                       size_t packet_length,
                       uint32_t id,
                       unsigned index,
                       unsigned count,
                       uint8_t flags,
                       uint8_t *out);

typedef struct nf_reassembly nf_reassembly;

/** NULL when memory is short; pages are touched when pieces come. */
nf_reassembly *nf_reassembly_new(void);
void nf_reassembly_free(nf_reassembly *reassembly);

typedef enum nf_fragment_result {
    NF_FRAGMENT_WAIT,  /* more to come */
    NF_FRAGMENT_WHOLE, /* the packet is in `*packet` until the next call */
    NF_FRAGMENT_BAD,   /* inconsistent; all that was kept of its packet is gone */
} nf_fragment_result;

/** Takes an opened piece from `session` (any number that tells sessions apart). When all places are
 *  taken, the oldest gives way; what is older than the timeout is gone. `*tos` is the outer one of
 *  this piece; with a whole packet it says "congestion experienced" if any piece's did (RFC 3168
 *  section 5.3). */
nf_fragment_result nf_reassembly_add(nf_reassembly *reassembly,
                                     uint64_t session,
                                     const uint8_t *piece,
                                     size_t length,
                                     uint64_t now_ns,
                                     uint8_t **packet,
                                     size_t *packet_length,
                                     uint8_t *flags,
                                     uint8_t *tos);

#endif
