/* SPDX-License-Identifier: Apache-2.0 */
/* admission.c - a ring of fingerprints with an index, and token buckets in sets of four. */
#include "machine/admission.h"

#include "machine/assert.h"
#include "machine/wire.h"

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

enum {
    INDEX_SLOTS = 2 * NF_SEEN_MAX, /* at most half full: probes stay short */
    INDEX_MASK = INDEX_SLOTS - 1,
    RATE_WAYS = 4,
    RATE_SETS = NF_RATE_SOURCES_MAX / RATE_WAYS,
    MILLI = 1000,
    NS_PER_MS = 1000000,
};

/* Fingerprints are keyed by a seed that strangers do not know: they cannot choose collisions. */
static uint64_t fingerprint(uint64_t seed, const uint8_t *bytes, size_t length)
{
    uint8_t key[crypto_shorthash_KEYBYTES] = {'a', 'd', 'm', 'i', 's', 's', 'i', 'o'};
    uint8_t hash[crypto_shorthash_BYTES];

    nf_store_le64(key + 8, seed);
    crypto_shorthash(hash, bytes, length, key);
    return nf_load_le64(hash);
}

/* --- first messages ------------------------------------------------------------------------------
 *
 * `ring` holds fingerprints in the order they came. `index` finds them: open addressing, linear
 * probing, 0 for free or a place in the ring plus 1. What is taken out leaves no tombstone: the
 * entries behind it move up, so the index never fills with the dead. */

struct nf_seen {
    uint64_t seed;
    uint32_t oldest; /* its place in the ring */
    uint32_t count;
    uint64_t ring[NF_SEEN_MAX];
    uint32_t index[INDEX_SLOTS];
};

nf_seen *nf_seen_new(uint64_t seed)
{
    nf_seen *seen = calloc(1, sizeof(*seen));
    if (seen != NULL) {
        seen->seed = seed;
    }
    return seen;
}

void nf_seen_free(nf_seen *seen)
{
    free(seen);
}

static uint32_t home_of(const nf_seen *seen, uint32_t entry)
{
    return (uint32_t)seen->ring[entry - 1] & INDEX_MASK;
}

/** The slot of a fingerprint, or the free one where it would go. */
static uint32_t find_print(const nf_seen *seen, uint64_t print)
{
    uint32_t slot = (uint32_t)print & INDEX_MASK;
    while (seen->index[slot] != 0 && seen->ring[seen->index[slot] - 1] != print) {
        slot = (slot + 1) & INDEX_MASK;
    }
    return slot;
}

/** Frees a slot. Each entry behind it, up to the next free slot, moves into the gap unless the gap
 *  lies before its home, where no search for it would begin. */
static void free_slot(nf_seen *seen, uint32_t gap)
{
    uint32_t slot = gap;
    for (;;) {
        slot = (slot + 1) & INDEX_MASK;
        uint32_t entry = seen->index[slot];
        if (entry == 0) {
            break;
        }
        uint32_t from_home = (slot - home_of(seen, entry)) & INDEX_MASK;
        uint32_t from_gap = (slot - gap) & INDEX_MASK;
        if (from_home >= from_gap) {
            seen->index[gap] = entry;
            gap = slot;
        }
    }
    seen->index[gap] = 0;
}

static void forget_oldest(nf_seen *seen)
{
    nf_assert(seen->count > 0);
    uint32_t slot = find_print(seen, seen->ring[seen->oldest]);
    nf_assert(seen->index[slot] == seen->oldest + 1);
    free_slot(seen, slot);
    seen->oldest = (seen->oldest + 1) % NF_SEEN_MAX;
    seen->count--;
}

bool nf_seen_add(nf_seen *seen, const uint8_t ephemeral[32])
{
    uint64_t print = fingerprint(seen->seed, ephemeral, 32);
    uint32_t slot = find_print(seen, print);
    if (seen->index[slot] != 0) {
        return false;
    }
    if (seen->count == NF_SEEN_MAX) {
        forget_oldest(seen);
        slot = find_print(seen, print); /* entries moved */
    }
    uint32_t place = (seen->oldest + seen->count) % NF_SEEN_MAX;
    seen->ring[place] = print;
    seen->index[slot] = place + 1;
    seen->count++;
    return true;
}

/* --- rates ------------------------------------------------------------------------------------ */

/** Adds what flowed in since the last time. `filled_ns` moves on only by the time that the added
 *  thousandths took, rounded up, so that a bucket that is asked often fills as one asked seldom. A
 *  zeroed bucket was never used and is full. */
static void refill(nf_rate *rate, uint32_t per_second, uint32_t burst, uint64_t now_ns)
{
    uint64_t room = (uint64_t)burst * MILLI;
    bool unused = rate->filled_ns == 0;
    uint64_t elapsed = now_ns > rate->filled_ns ? now_ns - rate->filled_ns : 0;

    if (unused || rate->tokens_milli >= room) {
        rate->tokens_milli = room;
        rate->filled_ns = now_ns > 0 ? now_ns : 1;
        return;
    }
    if (per_second == 0) {
        return;
    }
    /* A millisecond brings `per_second` thousandths. Past this test the product below is less than
     * 2^62, since room and per_second are below 2^42 and 2^32. */
    uint64_t missing = room - rate->tokens_milli;
    if (elapsed / NS_PER_MS > missing / per_second) {
        rate->tokens_milli = room;
        rate->filled_ns = now_ns;
        return;
    }
    uint64_t added = elapsed * per_second / NS_PER_MS;
    rate->filled_ns += (added * NS_PER_MS + per_second - 1) / per_second;
    rate->tokens_milli += added < missing ? added : missing;
}

bool nf_rate_take(nf_rate *rate, uint32_t per_second, uint32_t burst, uint64_t now_ns)
{
    return nf_rate_take_many(rate, 1, per_second, burst, now_ns);
}

bool nf_rate_take_many(
    nf_rate *rate, uint32_t count, uint32_t per_second, uint32_t burst, uint64_t now_ns)
{
    uint64_t wanted = (uint64_t)count * MILLI;
    refill(rate, per_second, burst, now_ns);
    if (rate->tokens_milli < wanted) {
        return false;
    }
    rate->tokens_milli -= wanted;
    return true;
}

void nf_rate_give_back(nf_rate *rate, uint32_t count)
{
    rate->tokens_milli += (uint64_t)count * MILLI; /* at the next refill no more than the burst */
}

uint64_t nf_source_network(const uint8_t address[16], uint64_t seed)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    uint8_t network[16] = {0};

    memcpy(network, address, memcmp(address, mapped, sizeof(mapped)) == 0 ? 15 : 7);
    uint64_t print = fingerprint(seed, network, sizeof(network));
    return print != 0 ? print : 1;
}

/** The bucket of a network. A new one in a full set takes the fullest bucket over with what is in
 *  it: a full one loses nothing by that, and coming from ever new networks brings no new tokens. */
static nf_rate *
find_rate(nf_rates *rates, uint64_t network, uint32_t per_second, uint32_t burst, uint64_t now_ns)
{
    size_t first = (size_t)(network % RATE_SETS) * RATE_WAYS;
    size_t best = first;

    for (size_t i = first; i < first + RATE_WAYS; i++) {
        if (rates->key[i] == network) {
            return &rates->rate[i];
        }
    }
    for (size_t i = first; i < first + RATE_WAYS; i++) {
        if (rates->key[i] == 0) {
            best = i;
            rates->rate[i] = (nf_rate){0};
            break;
        }
        refill(&rates->rate[i], per_second, burst, now_ns);
        if (rates->rate[i].tokens_milli > rates->rate[best].tokens_milli) {
            best = i;
        }
    }
    rates->key[best] = network;
    return &rates->rate[best];
}

bool nf_rates_take(
    nf_rates *rates, uint64_t network, uint32_t per_second, uint32_t burst, uint64_t now_ns)
{
    nf_assert(network != 0);
    nf_rate *rate = find_rate(rates, network, per_second, burst, now_ns);
    return nf_rate_take(rate, per_second, burst, now_ns);
}
