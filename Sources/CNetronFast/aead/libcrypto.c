/* SPDX-License-Identifier: Apache-2.0 */
/* libcrypto.c - the same suites by OpenSSL 3, where it is built in: faster, and the one with AES
 * instructions on ARM.
 *
 * A context is keyed once; a message sets its nonce only. Tags go through a parameter array that is
 * made once: EVP_CIPHER_CTX_ctrl would build and search one for each packet. */
#include "aead/backend.h"

#ifdef NETRON_LIBCRYPTO

#include "machine/assert.h"
#include "netron/types.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <sodium.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[NF_AEAD_SUITES] = {"ChaCha20-Poly1305", "AES-256-GCM"};

/* With valid arguments and memory made before, these calls have no way to fail. */
static void seal(nf_aead *aead,
                 uint8_t *out,
                 const uint8_t *in,
                 size_t length,
                 const uint8_t *associated,
                 size_t associated_length,
                 const uint8_t nonce[NF_AEAD_NONCE_BYTES])
{
    nf_assert(length <= INT_MAX - NF_AEAD_TAG_BYTES && associated_length <= INT_MAX);
    EVP_CIPHER_CTX *evp = aead->evp[nf_aead_row(aead->suite)];
    int written = 0;
    int done = EVP_EncryptInit_ex2(evp, NULL, NULL, nonce, NULL);
    if (associated_length > 0) {
        done &= EVP_EncryptUpdate(evp, NULL, &written, associated, (int)associated_length);
    }
    if (length > 0) {
        done &= EVP_EncryptUpdate(evp, out, &written, in, (int)length);
    }
    done &= EVP_EncryptFinal_ex(evp, out + length, &written);
    aead->tag[0].data = out + length;
    done &= EVP_CIPHER_CTX_get_params(evp, aead->tag);
    nf_assert(done == 1);
}

static bool open(nf_aead *aead,
                 uint8_t *out,
                 const uint8_t *in,
                 size_t length,
                 const uint8_t *associated,
                 size_t associated_length,
                 const uint8_t nonce[NF_AEAD_NONCE_BYTES])
{
    nf_assert(length >= NF_AEAD_TAG_BYTES && length <= INT_MAX && associated_length <= INT_MAX);
    EVP_CIPHER_CTX *evp = aead->evp[nf_aead_row(aead->suite)];
    size_t text = length - NF_AEAD_TAG_BYTES;
    uint8_t tag[NF_AEAD_TAG_BYTES];
    memcpy(tag, in + text, sizeof(tag));
    aead->tag[0].data = tag;

    int written = 0;
    int done = EVP_DecryptInit_ex2(evp, NULL, NULL, nonce, NULL);
    done &= EVP_CIPHER_CTX_set_params(evp, aead->tag);
    if (associated_length > 0) {
        done &= EVP_DecryptUpdate(evp, NULL, &written, associated, (int)associated_length);
    }
    if (text > 0) {
        done &= EVP_DecryptUpdate(evp, out, &written, in, (int)text);
    }
    nf_assert(done == 1);
    uint8_t none[NF_AEAD_TAG_BYTES]; /* both are stream modes: nothing comes at the end */
    if (EVP_DecryptFinal_ex(evp, none, &written) == 1) {
        return true;
    }
    if (text > 0) {
        sodium_memzero(out, text); /* what is not authentic shall not be read by mistake */
    }
    return false;
}

/* The words of "OPENSSL_ia32cap=0x...:..." or "OPENSSL_armcap=0x...": what libcrypto itself goes
 * by. */
static uint64_t processor(const char *prefix)
{
    const char *settings = OPENSSL_info(OPENSSL_INFO_CPU_SETTINGS);
    size_t length = strlen(prefix);
    if (settings == NULL || strncmp(settings, prefix, length) != 0) {
        return 0;
    }
    return strtoull(settings + length, NULL, 16);
}

/* AES and carry-less multiplication both: without them GCM is slow, and tables leak by the cache.
 */
static bool has_aes(void)
{
    const uint64_t x86 = UINT64_C(1) << 57 | UINT64_C(1) << 33; /* AES-NI, PCLMULQDQ */
    const uint64_t arm = UINT64_C(1) << 2 | UINT64_C(1) << 5;   /* AES, PMULL */
    return (processor("OPENSSL_ia32cap=") & x86) == x86 ||
           (processor("OPENSSL_armcap=") & arm) == arm;
}

static uint32_t suites(void)
{
    uint32_t mask = NETRON_SUITE_CHACHA20_POLY1305;
    if (has_aes()) {
        mask |= NETRON_SUITE_AES256_GCM;
    }
    return mask;
}

/* Sets only the key; one context both seals and opens. */
static void key_context(EVP_CIPHER_CTX *evp, const uint8_t key[NF_AEAD_KEY_BYTES])
{
    int done = EVP_EncryptInit_ex2(evp, NULL, key, NULL, NULL);
    nf_assert(done == 1);
}

/* A context with the suite's cipher and no key yet; NULL when memory is short. */
static EVP_CIPHER_CTX *make_context(uint32_t suite)
{
    /* Fetching finds the cipher that the first context fetched; each context holds on to it. */
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, names[nf_aead_row(suite)], NULL);
    EVP_CIPHER_CTX *evp = EVP_CIPHER_CTX_new();
    if (cipher == NULL || evp == NULL || !EVP_EncryptInit_ex2(evp, cipher, NULL, NULL, NULL)) {
        EVP_CIPHER_CTX_free(evp);
        evp = NULL;
    }
    EVP_CIPHER_free(cipher);
    return evp;
}

static bool make(nf_aead *aead, uint32_t wanted)
{
    aead->tag[0] =
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, NULL, NF_AEAD_TAG_BYTES);
    aead->tag[1] = OSSL_PARAM_construct_end();
    for (uint32_t suite = 1; suite <= NF_AEAD_SUITES; suite++) {
        if ((wanted & suite) == 0) {
            continue;
        }
        EVP_CIPHER_CTX **evp = &aead->evp[nf_aead_row(suite)];
        *evp = make_context(suite);
        if (*evp == NULL) {
            return false;
        }
    }
    return true;
}

static void set_key(nf_aead *aead, uint32_t suite, const uint8_t key[NF_AEAD_KEY_BYTES])
{
    key_context(aead->evp[nf_aead_row(suite)], key);
    aead->seal = seal;
    aead->open = open;
}

static void wipe(nf_aead *aead)
{
    static const uint8_t zero[NF_AEAD_KEY_BYTES];
    key_context(aead->evp[nf_aead_row(aead->suite)], zero);
}

static void free_contexts(nf_aead *aead)
{
    for (size_t row = 0; row < NF_AEAD_SUITES; row++) {
        EVP_CIPHER_CTX_free(aead->evp[row]); /* wipes it first; NULL is allowed */
        aead->evp[row] = NULL;
    }
}

const nf_aead_library nf_aead_libcrypto = {
    .name = "libcrypto",
    .suites = suites,
    .make = make,
    .set_key = set_key,
    .wipe = wipe,
    .free = free_contexts,
};

#else

/* C wants a declaration in each file. */
typedef int nf_aead_libcrypto_is_not_built_in;

#endif
