/* SPDX-License-Identifier: Apache-2.0 */
/* aead.c - the cache of keyed contexts, and who runs which suite. */
#include "aead/aead.h"

#include "aead/backend.h"
#include "machine/assert.h"
#include "machine/wire.h"
#include "netron/types.h"

#include <sodium.h>

#include <string.h>

struct nf_aead_cache {
    /* Apart from the contexts: a search reads these. */
    uint64_t identity[NF_AEAD_CONTEXTS]; /* 0: free */
    uint64_t used[NF_AEAD_CONTEXTS];     /* when it was last asked for, by `clock` */
    uint64_t clock;                      /* calls so far */
    uint32_t last;                       /* the context given last: packets come in runs */
    const nf_aead_library *library[NF_AEAD_SUITES];
    nf_aead contexts[NF_AEAD_CONTEXTS];
};

_Static_assert(NETRON_SUITE_CHACHA20_POLY1305 == 1 && NETRON_SUITE_AES256_GCM == 2,
               "suites are numbers of rows and bits of masks at once");

/* In the fixed order. */
static const struct {
    nf_aead_backend backend;
    const nf_aead_library *library;
} libraries[] = {
#ifdef NETRON_LIBCRYPTO
    {NF_AEAD_LIBCRYPTO, &nf_aead_libcrypto},
#endif
    {NF_AEAD_LIBSODIUM, &nf_aead_libsodium},
};

enum { LIBRARIES = sizeof(libraries) / sizeof(libraries[0]) };

static bool is_allowed(size_t row, nf_aead_backend backend)
{
    return backend == NF_AEAD_FIXED_ORDER || backend == libraries[row].backend;
}

/* The first allowed library that runs the suite here, or NULL. */
static const nf_aead_library *choose(nf_aead_backend backend, uint32_t suite)
{
    for (size_t i = 0; i < LIBRARIES; i++) {
        if (is_allowed(i, backend) && (libraries[i].library->suites() & suite) != 0) {
            return libraries[i].library;
        }
    }
    return NULL;
}

uint32_t nf_aead_suites(nf_aead_backend backend)
{
    /* libsodium knows the processor only after its start; starting it again does nothing. */
    if (sodium_init() < 0) {
        return 0;
    }
    uint32_t suites = 0;
    for (size_t i = 0; i < LIBRARIES; i++) {
        if (is_allowed(i, backend)) {
            suites |= libraries[i].library->suites();
        }
    }
    return suites;
}

const char *nf_aead_backend_name(nf_aead_backend backend, uint32_t suite)
{
    const nf_aead_library *library = sodium_init() < 0 ? NULL : choose(backend, suite);
    return library == NULL ? "none" : library->name;
}

/* The suites of this cache that `library` runs. */
static uint32_t suites_of(const nf_aead_cache *cache, const nf_aead_library *library)
{
    uint32_t suites = 0;
    for (uint32_t suite = 1; suite <= NF_AEAD_SUITES; suite++) {
        if (cache->library[nf_aead_row(suite)] == library) {
            suites |= suite;
        }
    }
    return suites;
}

static bool make_contexts(nf_aead_cache *cache)
{
    for (size_t i = 0; i < LIBRARIES; i++) {
        const nf_aead_library *library = libraries[i].library;
        uint32_t suites = suites_of(cache, library);
        for (size_t k = 0; k < NF_AEAD_CONTEXTS; k++) {
            if (!library->make(&cache->contexts[k], suites)) {
                return false;
            }
        }
    }
    return true;
}

nf_aead_cache *nf_aead_cache_new(nf_aead_backend backend)
{
    if (sodium_init() < 0) {
        return NULL;
    }
    /* Guarded, locked where the limits allow it, and not in a core dump. Its end lies on a page's
     * end, so it is aligned as its size is. */
    _Static_assert(sizeof(nf_aead_cache) % _Alignof(nf_aead_cache) == 0, "size keeps alignment");
    nf_aead_cache *cache = sodium_malloc(sizeof(*cache));
    if (cache == NULL) {
        return NULL;
    }
    nf_assert((uintptr_t)cache % _Alignof(nf_aead_cache) == 0);
    memset(cache, 0, sizeof(*cache));
    for (uint32_t suite = 1; suite <= NF_AEAD_SUITES; suite++) {
        cache->library[nf_aead_row(suite)] = choose(backend, suite);
    }
    if (!make_contexts(cache)) {
        nf_aead_cache_free(cache);
        return NULL;
    }
    return cache;
}

void nf_aead_cache_free(nf_aead_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < LIBRARIES; i++) {
        for (size_t k = 0; k < NF_AEAD_CONTEXTS; k++) {
            libraries[i].library->free(&cache->contexts[k]);
        }
    }
    sodium_free(cache); /* wipes it first */
}

/* The context of `identity`, or NF_AEAD_CONTEXTS. */
static uint32_t find(const nf_aead_cache *cache, uint64_t identity)
{
    uint32_t i = 0;
    while (i < NF_AEAD_CONTEXTS && cache->identity[i] != identity) {
        i++;
    }
    return i;
}

/* Free contexts were never used, so they are the oldest too. */
static uint32_t oldest(const nf_aead_cache *cache)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < NF_AEAD_CONTEXTS; i++) {
        if (cache->used[i] < cache->used[best]) {
            best = i;
        }
    }
    return best;
}

static void set_key(nf_aead_cache *cache, uint32_t slot, uint32_t suite, const uint8_t *key)
{
    nf_assert(suite >= 1 && suite <= NF_AEAD_SUITES);
    const nf_aead_library *library = cache->library[nf_aead_row(suite)];
    nf_assert(library != NULL);

    nf_aead *aead = &cache->contexts[slot];
    if (aead->library != NULL && aead->suite != suite) {
        aead->library->wipe(aead); /* else the new key is written over the old one */
    }
    aead->library = library;
    aead->suite = suite;
    library->set_key(aead, suite, key);
}

nf_aead *nf_aead_cache_get(nf_aead_cache *cache,
                           uint64_t identity,
                           uint32_t suite,
                           const uint8_t key[NF_AEAD_KEY_BYTES])
{
    nf_assert(identity != 0);
    uint32_t slot = cache->last;
    if (cache->identity[slot] != identity) {
        slot = find(cache, identity);
        if (slot == NF_AEAD_CONTEXTS) {
            slot = oldest(cache);
            set_key(cache, slot, suite, key);
            cache->identity[slot] = identity;
        }
        cache->last = slot;
        cache->used[slot] = ++cache->clock;
    }
    nf_aead *aead = &cache->contexts[slot];
    nf_assert(aead->suite == suite);
    return aead;
}

void nf_aead_seal(nf_aead *aead,
                  uint8_t *out,
                  const uint8_t *in,
                  size_t length,
                  const uint8_t *associated,
                  size_t associated_length,
                  uint64_t counter)
{
    uint8_t nonce[NF_AEAD_NONCE_BYTES] = {0};
    nf_store_le64(nonce + 4, counter);
    aead->seal(aead, out, in, length, associated, associated_length, nonce);
}

bool nf_aead_open(nf_aead *aead,
                  uint8_t *out,
                  const uint8_t *in,
                  size_t length,
                  const uint8_t *associated,
                  size_t associated_length,
                  uint64_t counter)
{
    if (length < NF_AEAD_TAG_BYTES) {
        return false;
    }
    uint8_t nonce[NF_AEAD_NONCE_BYTES] = {0};
    nf_store_le64(nonce + 4, counter);
    return aead->open(aead, out, in, length, associated, associated_length, nonce);
}
