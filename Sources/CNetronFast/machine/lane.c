/* SPDX-License-Identifier: Apache-2.0 */
/* lane.c - what both directions of a lane use. */
#include "machine/lane.h"

#include "machine/assert.h"

#include <stdlib.h>
#include <string.h>

bool nf_lane_init(nf_lane *lane, nf_table *table, uint32_t number, nf_aead_backend backend)
{
    nf_assert(number < NF_LANE_CONTROL);
    memset(lane, 0, sizeof(*lane));
    lane->table = table;
    lane->number = number;
    lane->next_fragment_id = nf_fragment_first_id(number);
    lane->aeads = nf_aead_cache_new(backend);
    lane->reassembly = nf_reassembly_new();
    lane->outbox.arena = aligned_alloc(64, NF_OUTBOX_BYTES);
    if (lane->aeads == NULL || lane->reassembly == NULL || lane->outbox.arena == NULL) {
        nf_lane_free(lane);
        return false;
    }
    return true;
}

void nf_lane_free(nf_lane *lane)
{
    nf_aead_cache_free(lane->aeads);
    nf_reassembly_free(lane->reassembly);
    free(lane->outbox.arena);
    memset(lane, 0, sizeof(*lane));
}

void nf_lane_add_drops(const nf_lane *lane, netron_counters *counters)
{
    for (unsigned reason = 0; reason < NETRON_DROP_COUNT; reason++) {
        counters->drops[reason] += atomic_load_explicit(&lane->drops[reason], memory_order_relaxed);
    }
}

bool nf_lane_post(nf_lane *lane, const nf_letter *letter, const void *body, size_t body_length)
{
    nf_assert(lane->control != NULL);
    if (!nf_mailbox_post(lane->control, letter, sizeof(*letter), body, body_length)) {
        nf_lane_drop(lane, NETRON_DROP_QUEUE_FULL);
        return false;
    }
    if (lane->wake_control != NULL) {
        lane->wake_control(lane->wake_context);
    }
    return true;
}

size_t nf_session_seal(nf_session *session,
                       nf_aead *aead,
                       unsigned lane,
                       uint8_t type,
                       uint8_t flags,
                       const uint8_t *bytes,
                       size_t length,
                       uint8_t *out)
{
    /* One writer a lane: load and store, no read-modify-write. */
    uint64_t sequence = atomic_load_explicit(&session->tx_sequence[lane], memory_order_relaxed);
    if (__builtin_expect(sequence >= NF_GCM_PACKETS_MAX, 0)) {
        return 0;
    }
    atomic_store_explicit(&session->tx_sequence[lane], sequence + 1, memory_order_relaxed);
    uint64_t sent = atomic_load_explicit(&session->tx_bytes[lane], memory_order_relaxed);
    atomic_store_explicit(&session->tx_bytes[lane], sent + length, memory_order_relaxed);

    uint64_t counter = (uint64_t)lane << (64 - NF_LANE_BITS) | sequence;
    out[0] = type;
    out[1] = flags;
    out[2] = 0;
    out[3] = 0;
    nf_store_le32(out + 4, session->remote_index);
    nf_store_le64(out + 8, counter);
    nf_aead_seal(aead, out + NF_HEADER_BYTES, bytes, length, out, NF_HEADER_BYTES, counter);
    return NF_HEADER_BYTES + length + NF_TAG_BYTES;
}
