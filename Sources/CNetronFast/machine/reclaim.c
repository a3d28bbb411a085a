/* SPDX-License-Identifier: Apache-2.0 */
/* reclaim.c - a global epoch, and for each reader the epoch it last saw.
 *
 * Two things can go wrong, and each has its cure:
 *
 *  - A reader goes online, follows the old pointer, and the writer has not seen it online. Both
 *    sides store, then load (reader: seen, pointer; writer: pointer, seen), and a store may pass a
 *    later load even where both are sequentially consistent stores and acquire loads. So each side
 *    has a sequentially consistent fence between: the writer sees the reader, or the reader sees
 *    the new pointer.
 *  - The writer frees while the reader's last loads are under way. `seen` is stored with release
 *    and loaded with acquire, so all that a reader did before comes before the free. */
#include "machine/reclaim.h"

#include "machine/assert.h"

_Static_assert(sizeof(nf_reclaim_reader) == NF_RECLAIM_LINE_BYTES, "one line a reader");

void nf_reclaim_init(nf_reclaim *reclaim)
{
    atomic_init(&reclaim->epoch, 1);
    for (uint32_t reader = 0; reader < NETRON_LANES_MAX; reader++) {
        atomic_init(&reclaim->readers[reader].seen, 0);
    }
}

void nf_reclaim_online(nf_reclaim *reclaim, uint32_t reader)
{
    nf_assert(reader < NETRON_LANES_MAX);
    _Atomic uint64_t *seen = &reclaim->readers[reader].seen;

    /* An epoch that is old when it is stored only makes the writer wait for the next batch. */
    uint64_t epoch = atomic_load_explicit(&reclaim->epoch, memory_order_acquire);
    if (atomic_load_explicit(seen, memory_order_relaxed) == epoch) {
        return;
    }
    atomic_store_explicit(seen, epoch, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
}

void nf_reclaim_offline(nf_reclaim *reclaim, uint32_t reader)
{
    nf_assert(reader < NETRON_LANES_MAX);
    atomic_store_explicit(&reclaim->readers[reader].seen, 0, memory_order_release);
}

uint64_t nf_reclaim_retire(nf_reclaim *reclaim)
{
    /* Release: a reader that sees this epoch sees what was published before it. */
    return atomic_fetch_add_explicit(&reclaim->epoch, 1, memory_order_acq_rel) + 1;
}

bool nf_reclaim_passed(const nf_reclaim *reclaim, uint64_t stamp)
{
    nf_assert(stamp <= atomic_load_explicit(&reclaim->epoch, memory_order_relaxed));

    atomic_thread_fence(memory_order_seq_cst);
    for (uint32_t reader = 0; reader < NETRON_LANES_MAX; reader++) {
        uint64_t seen = atomic_load_explicit(&reclaim->readers[reader].seen, memory_order_acquire);
        if (seen != 0 && seen < stamp) {
            return false;
        }
    }
    return true;
}
