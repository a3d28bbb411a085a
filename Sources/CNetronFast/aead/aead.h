/* SPDX-License-Identifier: Apache-2.0 */
/* aead.h - sealing and opening with associated data, over libsodium or libcrypto.
 *
 * A cache belongs to one thread. It holds NF_AEAD_CONTEXTS keyed contexts; a context asked for by
 * an identity that is not held is keyed anew in the place of the one used longest ago. */
#ifndef NF_AEAD_H
#define NF_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NF_AEAD_CONTEXTS = 32, NF_AEAD_KEY_BYTES = 32, NF_AEAD_TAG_BYTES = 16 };

typedef enum nf_aead_backend {
    NF_AEAD_FIXED_ORDER = 0, /* per suite: libcrypto where built in, else libsodium */
    NF_AEAD_LIBSODIUM = 1,
    NF_AEAD_LIBCRYPTO = 2,
} nf_aead_backend;

typedef struct nf_aead_cache nf_aead_cache;
typedef struct nf_aead nf_aead;

/** Mask of NETRON_SUITE_* that `backend` can run here; 0 if the backend was not built in. */
uint32_t nf_aead_suites(nf_aead_backend backend);

/** "libsodium" or "libcrypto": who runs `suite` with that choice of backend. */
const char *nf_aead_backend_name(nf_aead_backend backend, uint32_t suite);

/** NULL when memory is short. */
nf_aead_cache *nf_aead_cache_new(nf_aead_backend backend);

/** Wipes and frees; NULL is allowed. */
void nf_aead_cache_free(nf_aead_cache *cache);

/** The context for `key`; `identity` names the key: never two keys by one identity while the cache
 *  lives, 0 is not used. Valid until the next call with this cache. */
nf_aead *nf_aead_cache_get(nf_aead_cache *cache,
                           uint64_t identity,
                           uint32_t suite,
                           const uint8_t key[NF_AEAD_KEY_BYTES]);

/** Writes `length` sealed bytes and the tag to `out`; `out` may be `in`, else they do not overlap.
 *  The nonce is 4 zero bytes and `counter`, little-endian. */
void nf_aead_seal(nf_aead *aead,
                  uint8_t *out,
                  const uint8_t *in,
                  size_t length,
                  const uint8_t *associated,
                  size_t associated_length,
                  uint64_t counter);

/** Opens `length` bytes, tag included, to `out` (may be `in`).
 *  @return false if the tag does not match; `out` then holds nothing of use. */
bool nf_aead_open(nf_aead *aead,
                  uint8_t *out,
                  const uint8_t *in,
                  size_t length,
                  const uint8_t *associated,
                  size_t associated_length,
                  uint64_t counter);

#endif
