/* SPDX-License-Identifier: Apache-2.0 */
/* cipher.c - four ciphers and none, behind one pair of calls. */
#include "cipher.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum kind { NONE, OPENSSL, SODIUM_CHACHA, SODIUM_AES };

enum { KEY_BYTES = 32, NONCE_BYTES = 12, CACHE_LINE_BYTES = 64 };

/* The relay protects nothing; a key that anybody knows keeps that plain. */
static const uint8_t key[KEY_BYTES] = "measured with, no secret";

struct cipher {
    crypto_aead_aes256gcm_state gcm; /* first, since it wants to be aligned */
    uint64_t counter;
    EVP_CIPHER_CTX *sealing;
    EVP_CIPHER_CTX *opening;
    enum kind kind;
};

/* The key schedule is made here once; each packet sets the nonce only. */
static bool init_openssl(struct cipher *cipher, const char *algorithm)
{
    EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, algorithm, NULL);
    cipher->sealing = EVP_CIPHER_CTX_new();
    cipher->opening = EVP_CIPHER_CTX_new();
    return fetched && EVP_EncryptInit_ex(cipher->sealing, fetched, NULL, key, NULL) == 1 &&
           EVP_DecryptInit_ex(cipher->opening, fetched, NULL, key, NULL) == 1;
}

static bool init(struct cipher *cipher, const char *name)
{
    if (strcmp(name, "none") == 0) {
        cipher->kind = NONE;
        return true;
    }
    if (strcmp(name, "sodium") == 0) {
        cipher->kind = SODIUM_CHACHA;
        return true;
    }
    if (strcmp(name, "sodiumaes") == 0) {
        cipher->kind = SODIUM_AES;
        return crypto_aead_aes256gcm_is_available() &&
               crypto_aead_aes256gcm_beforenm(&cipher->gcm, key) == 0;
    }
    cipher->kind = OPENSSL;
    if (strcmp(name, "aes256") == 0) {
        return init_openssl(cipher, "AES-256-GCM");
    }
    return strcmp(name, "chacha") == 0 && init_openssl(cipher, "ChaCha20-Poly1305");
}

struct cipher *cipher_new(const char *name)
{
    size_t bytes =
        (sizeof(struct cipher) + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
    struct cipher *made = sodium_init() < 0 ? NULL : aligned_alloc(CACHE_LINE_BYTES, bytes);
    if (!made) {
        return NULL;
    }
    memset(made, 0, bytes);
    if (!init(made, name)) {
        free(made);
        return NULL;
    }
    return made;
}

size_t cipher_overhead(const struct cipher *cipher)
{
    return cipher->kind == NONE ? HEADER_BYTES : HEADER_BYTES + TAG_BYTES;
}

static void nonce_of(const uint8_t *header, uint8_t nonce[NONCE_BYTES])
{
    memset(nonce, 0, NONCE_BYTES - sizeof(uint64_t));
    memcpy(nonce + NONCE_BYTES - sizeof(uint64_t), header, sizeof(uint64_t));
}

static void seal_openssl(EVP_CIPHER_CTX *context,
                         const uint8_t *nonce,
                         uint8_t *datagram,
                         const uint8_t *packet,
                         size_t length)
{
    int written;
    uint8_t *sealed = datagram + HEADER_BYTES;
    EVP_EncryptInit_ex(context, NULL, NULL, NULL, nonce);
    EVP_EncryptUpdate(context, NULL, &written, datagram, HEADER_BYTES);
    EVP_EncryptUpdate(context, sealed, &written, packet, (int)length);
    EVP_EncryptFinal_ex(context, sealed + written, &written);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, sealed + length);
}

static bool
open_openssl(EVP_CIPHER_CTX *context, const uint8_t *nonce, uint8_t *datagram, size_t length)
{
    int written;
    uint8_t *sealed = datagram + HEADER_BYTES;
    EVP_DecryptInit_ex(context, NULL, NULL, NULL, nonce);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, sealed + length);
    EVP_DecryptUpdate(context, NULL, &written, datagram, HEADER_BYTES);
    EVP_DecryptUpdate(context, sealed, &written, sealed, (int)length);
    return EVP_DecryptFinal_ex(context, sealed + written, &written) == 1;
}

size_t cipher_seal(struct cipher *cipher, uint8_t *datagram, const uint8_t *packet, size_t length)
{
    uint8_t nonce[NONCE_BYTES];
    uint8_t *sealed = datagram + HEADER_BYTES;
    memset(datagram, 0, HEADER_BYTES);
    memcpy(datagram, &cipher->counter, sizeof(cipher->counter));
    cipher->counter++;
    nonce_of(datagram, nonce);
    switch (cipher->kind) {
    case NONE:
        memcpy(sealed, packet, length); /* in place of the cipher's pass over the bytes */
        break;
    case OPENSSL:
        seal_openssl(cipher->sealing, nonce, datagram, packet, length);
        break;
    case SODIUM_CHACHA:
        crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, packet, length, datagram,
                                                  HEADER_BYTES, NULL, nonce, key);
        break;
    case SODIUM_AES:
        crypto_aead_aes256gcm_encrypt_afternm(sealed, NULL, packet, length, datagram, HEADER_BYTES,
                                              NULL, nonce, &cipher->gcm);
        break;
    }
    return length + cipher_overhead(cipher);
}

bool cipher_open(struct cipher *cipher, uint8_t *datagram, size_t length, size_t *packet_length)
{
    uint8_t nonce[NONCE_BYTES];
    uint8_t *sealed = datagram + HEADER_BYTES;
    if (length <= cipher_overhead(cipher)) {
        return false;
    }
    *packet_length = length - cipher_overhead(cipher);
    nonce_of(datagram, nonce);
    switch (cipher->kind) {
    case NONE:
        return true;
    case OPENSSL:
        return open_openssl(cipher->opening, nonce, datagram, *packet_length);
    case SODIUM_CHACHA:
        return crypto_aead_chacha20poly1305_ietf_decrypt(sealed, NULL, NULL, sealed,
                                                         length - HEADER_BYTES, datagram,
                                                         HEADER_BYTES, nonce, key) == 0;
    case SODIUM_AES:
        return crypto_aead_aes256gcm_decrypt_afternm(sealed, NULL, NULL, sealed,
                                                     length - HEADER_BYTES, datagram, HEADER_BYTES,
                                                     nonce, &cipher->gcm) == 0;
    }
    return false;
}
