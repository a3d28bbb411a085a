/* SPDX-License-Identifier: Apache-2.0 */
/* reclaim.h - when nobody can still be using what was unpublished. Epochs; C11 atomics.
 *
 * Readers (lanes) follow published pointers only while they are online. The one writer (control)
 * unpublishes, takes a stamp, and frees or reuses once the stamp has passed. It never waits for a
 * reader, and a reader pays one fence a batch in which the epoch changed, and nothing a packet.
 *
 * Publish with a release store or exchange; follow with an acquire load. */
#ifndef NF_RECLAIM_H
#define NF_RECLAIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "netron/types.h"

enum { NF_RECLAIM_LINE_BYTES = 64 };

/** Padded so that no two readers write to one cache line. */
typedef struct nf_reclaim_reader {
    _Atomic uint64_t seen; /* the epoch at the start of its batch; 0: offline */
    uint8_t padding[NF_RECLAIM_LINE_BYTES - sizeof(uint64_t)];
} nf_reclaim_reader;

typedef struct nf_reclaim {
    _Atomic uint64_t epoch; /* from 1 */
    uint8_t padding[NF_RECLAIM_LINE_BYTES - sizeof(uint64_t)];
    nf_reclaim_reader readers[NETRON_LANES_MAX];
} nf_reclaim;

/** All readers are offline. */
void nf_reclaim_init(nf_reclaim *reclaim);

/** At the start of each batch, from the reader's own thread: what it followed before is not used
 *  any more, and what it follows from now on is what is published now or later. */
void nf_reclaim_online(nf_reclaim *reclaim, uint32_t reader);

/** Before the reader sleeps: it follows nothing until it is online again. */
void nf_reclaim_offline(nf_reclaim *reclaim, uint32_t reader);

/** After something was unpublished, from the writer. @return the stamp to wait for; each is larger
 *  than the one before */
uint64_t nf_reclaim_retire(nf_reclaim *reclaim);

/** True when no reader can be using what was unpublished before the stamp was taken. Never waits.
 *  From the writer. Act on the first true: a reader that comes online late may make it false again,
 *  though it holds nothing. */
bool nf_reclaim_passed(const nf_reclaim *reclaim, uint64_t stamp);

#endif
