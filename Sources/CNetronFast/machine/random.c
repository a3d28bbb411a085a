/* SPDX-License-Identifier: Apache-2.0 */
/* random.c - the system's randomness, or ChaCha20 under a seed with the request's number as nonce.
 */
#include "machine/random.h"

#include "machine/assert.h"
#include "machine/wire.h"

#include <sodium.h>

void nf_random_init(nf_random *random, uint64_t seed)
{
    random->seed = seed;
    random->counter = 0;
}

void nf_random_bytes(nf_random *random, void *out, size_t length)
{
    uint64_t request = random->counter++;
    if (random->seed == 0) {
        randombytes_buf(out, length);
        return;
    }
    uint8_t key[crypto_stream_chacha20_KEYBYTES] = {0};
    uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    nf_store_le64(key, random->seed);
    nf_store_le64(nonce, request);
    crypto_stream_chacha20(out, length, nonce, key);
}

uint64_t nf_random_below(nf_random *random, uint64_t bound)
{
    nf_assert(bound >= 1);
    /* The lowest 2^64 mod bound numbers would make some results more likely than others. */
    uint64_t least = (0 - bound) % bound;
    uint8_t bytes[8];
    uint64_t number;
    do {
        nf_random_bytes(random, bytes, sizeof(bytes));
        number = nf_load_le64(bytes);
    } while (number < least);
    return number % bound;
}
