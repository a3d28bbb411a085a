/* SPDX-License-Identifier: Apache-2.0 */
/* backend.h - what aead.c asks of a library that runs the ciphers. Pure.
 *
 * Nonces are whole here, so that published vectors run through the code that seals packets. */
#ifndef NF_AEAD_BACKEND_H
#define NF_AEAD_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aead/aead.h"

#include <sodium.h>

#ifdef NETRON_LIBCRYPTO
#include <openssl/evp.h>
#endif

enum {
    NF_AEAD_NONCE_BYTES = 12,
    NF_AEAD_SUITES = 2, /* rows of tables by suite: see nf_aead_row() */
};

typedef void nf_aead_sealer(nf_aead *aead,
                            uint8_t *out,
                            const uint8_t *in,
                            size_t length,
                            const uint8_t *associated,
                            size_t associated_length,
                            const uint8_t nonce[NF_AEAD_NONCE_BYTES]);

typedef bool nf_aead_opener(nf_aead *aead,
                            uint8_t *out,
                            const uint8_t *in,
                            size_t length,
                            const uint8_t *associated,
                            size_t associated_length,
                            const uint8_t nonce[NF_AEAD_NONCE_BYTES]);

typedef struct nf_aead_library {
    const char *name;
    uint32_t (*suites)(void); /* NETRON_SUITE_* that this library runs well on this processor */
    bool (*make)(nf_aead *aead, uint32_t suites); /* once a context; false: memory is short */
    void (*set_key)(nf_aead *aead, uint32_t suite, const uint8_t key[NF_AEAD_KEY_BYTES]);
    void (*wipe)(nf_aead *aead); /* forgets the key; set_key may follow */
    void (*free)(nf_aead *aead); /* undoes `make`, also one that failed */
} nf_aead_library;

/** A keyed context. `seal` and `open` stand in it directly: a packet costs one indirect call. */
struct nf_aead {
    nf_aead_sealer *seal;
    nf_aead_opener *open;
    const nf_aead_library *library; /* that holds the key; NULL: no key */
    uint32_t suite;
    union {
        crypto_aead_aes256gcm_state gcm; /* aligned to 16 bytes by its type */
        uint8_t key[NF_AEAD_KEY_BYTES];  /* ChaCha20-Poly1305 */
    } sodium;
#ifdef NETRON_LIBCRYPTO
    EVP_CIPHER_CTX *evp[NF_AEAD_SUITES]; /* made with the cache: keying allocates nothing */
    OSSL_PARAM tag[2];                   /* the tag and the end; only where it lies changes */
#endif
};

extern const nf_aead_library nf_aead_libsodium;
#ifdef NETRON_LIBCRYPTO
extern const nf_aead_library nf_aead_libcrypto;
#endif

/** The row of a suite (its number: 1 or 2) in a table of NF_AEAD_SUITES. */
static inline unsigned nf_aead_row(uint32_t suite)
{
    return suite - 1;
}

#endif
