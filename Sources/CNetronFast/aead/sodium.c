/* SPDX-License-Identifier: Apache-2.0 */
/* sodium.c - ChaCha20-Poly1305 (RFC 8439) and AES-256-GCM by libsodium, which is always there. */
#include "aead/backend.h"
#include "machine/assert.h"
#include "netron/types.h"

#include <sodium.h>

#include <string.h>

static void seal_chacha(nf_aead *aead,
                        uint8_t *out,
                        const uint8_t *in,
                        size_t length,
                        const uint8_t *associated,
                        size_t associated_length,
                        const uint8_t nonce[NF_AEAD_NONCE_BYTES])
{
    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, in, length, associated, associated_length,
                                              NULL, nonce, aead->sodium.key);
}

static bool open_chacha(nf_aead *aead,
                        uint8_t *out,
                        const uint8_t *in,
                        size_t length,
                        const uint8_t *associated,
                        size_t associated_length,
                        const uint8_t nonce[NF_AEAD_NONCE_BYTES])
{
    return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, in, length, associated,
                                                     associated_length, nonce,
                                                     aead->sodium.key) == 0;
}

static void seal_gcm(nf_aead *aead,
                     uint8_t *out,
                     const uint8_t *in,
                     size_t length,
                     const uint8_t *associated,
                     size_t associated_length,
                     const uint8_t nonce[NF_AEAD_NONCE_BYTES])
{
    crypto_aead_aes256gcm_encrypt_afternm(out, NULL, in, length, associated, associated_length,
                                          NULL, nonce, &aead->sodium.gcm);
}

static bool open_gcm(nf_aead *aead,
                     uint8_t *out,
                     const uint8_t *in,
                     size_t length,
                     const uint8_t *associated,
                     size_t associated_length,
                     const uint8_t nonce[NF_AEAD_NONCE_BYTES])
{
    return crypto_aead_aes256gcm_decrypt_afternm(out, NULL, NULL, in, length, associated,
                                                 associated_length, nonce, &aead->sodium.gcm) == 0;
}

static uint32_t suites(void)
{
    uint32_t mask = NETRON_SUITE_CHACHA20_POLY1305;
    if (crypto_aead_aes256gcm_is_available()) {
        mask |= NETRON_SUITE_AES256_GCM;
    }
    return mask;
}

static bool make(nf_aead *aead, uint32_t wanted)
{
    (void)aead, (void)wanted; /* its state is part of the context */
    return true;
}

static void set_key(nf_aead *aead, uint32_t suite, const uint8_t key[NF_AEAD_KEY_BYTES])
{
    if (suite == NETRON_SUITE_AES256_GCM) {
        crypto_aead_aes256gcm_beforenm(&aead->sodium.gcm, key);
        aead->seal = seal_gcm;
        aead->open = open_gcm;
        return;
    }
    nf_assert(suite == NETRON_SUITE_CHACHA20_POLY1305);
    memcpy(aead->sodium.key, key, NF_AEAD_KEY_BYTES);
    aead->seal = seal_chacha;
    aead->open = open_chacha;
}

static void wipe(nf_aead *aead)
{
    sodium_memzero(&aead->sodium, sizeof(aead->sodium));
}

const nf_aead_library nf_aead_libsodium = {
    .name = "libsodium",
    .suites = suites,
    .make = make,
    .set_key = set_key,
    .wipe = wipe,
    .free = wipe,
};
