/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - chance as an argument: the system's, or a repeatable stream for simulations. Pure. */
#ifndef NF_RANDOM_H
#define NF_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct nf_random {
    uint64_t seed;    /* 0: the system's randomness */
    uint64_t counter; /* of requests; with `seed` it names the stream's next part */
} nf_random;

void nf_random_init(nf_random *random, uint64_t seed);

/** Fills `out`. */
void nf_random_bytes(nf_random *random, void *out, size_t length);

/** A number from 0 to `bound` - 1; `bound` is at least 1. */
uint64_t nf_random_below(nf_random *random, uint64_t bound);

#endif
