/* SPDX-License-Identifier: Apache-2.0 */
/* admission.h - how much a stranger may make us work: first messages seen, rates, shares. Pure. */
#ifndef NF_ADMISSION_H
#define NF_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- first messages that passed psk0, by their ephemeral key ---------------------------------- */

enum { NF_SEEN_MAX = 65536 }; /* the oldest gives way; 8 bytes each, plus an index */

typedef struct nf_seen nf_seen;

/** NULL when memory is short. Pages are touched as they fill. */
nf_seen *nf_seen_new(uint64_t seed);
void nf_seen_free(nf_seen *seen);

/** Remembers an ephemeral key. @return false if it was remembered already */
bool nf_seen_add(nf_seen *seen, const uint8_t ephemeral[32]);

/* --- token buckets by source network ---------------------------------------------------------- */

enum { NF_RATE_SOURCES_MAX = 1024 };

typedef struct nf_rate {
    uint64_t tokens_milli; /* thousandths */
    uint64_t filled_ns;
} nf_rate;

/** Takes one token from a bucket of `per_second` that holds `burst`. */
bool nf_rate_take(nf_rate *rate, uint32_t per_second, uint32_t burst, uint64_t now_ns);

/** Takes so many at once, or none. */
bool nf_rate_take_many(
    nf_rate *rate, uint32_t count, uint32_t per_second, uint32_t burst, uint64_t now_ns);

/** Gives back what was taken for nothing. */
void nf_rate_give_back(nf_rate *rate, uint32_t count);

typedef struct nf_rates {
    uint64_t key[NF_RATE_SOURCES_MAX]; /* 0: free */
    nf_rate rate[NF_RATE_SOURCES_MAX];
} nf_rates;

/** The network of a source: /24 of an IPv4-mapped address, /56 of another; never 0. */
uint64_t nf_source_network(const uint8_t address[16], uint64_t seed);

/** The same for the bucket of `network`; of a full set of four the fullest bucket is given away. */
bool nf_rates_take(
    nf_rates *rates, uint64_t network, uint32_t per_second, uint32_t burst, uint64_t now_ns);

#endif
