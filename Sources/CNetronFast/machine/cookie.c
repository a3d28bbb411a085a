/* SPDX-License-Identifier: Apache-2.0 */
/* cookie.c - the proof of an address that a busy node asks for before it does any work. */
#include "machine/handshake.h"

#include <sodium.h>

#include <string.h>

/* The message (wire.h), and what its seal covers beside the cookie. */
enum {
    HEADER_BYTES = 8,
    NONCE_AT = 8,
    SEALED_AT = 32,
    EPHEMERAL_AT = 4, /* in message 1 */
    ASSOCIATED_BYTES = HEADER_BYTES + NF_NOISE_KEY_BYTES,
    ADDRESS_BYTES = 16,
};

_Static_assert(NONCE_AT + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == SEALED_AT, "as drawn");
_Static_assert(SEALED_AT + NF_COOKIE_SECRET_BYTES + NF_TAG_BYTES == NF_COOKIE_BYTES, "as drawn");

void nf_cookie_make(const uint8_t secret[32],
                    const uint8_t address[16],
                    uint16_t port,
                    uint8_t out[NF_COOKIE_SECRET_BYTES])
{
    uint8_t source[ADDRESS_BYTES + 2];
    memcpy(source, address, ADDRESS_BYTES);
    nf_store_le16(source + ADDRESS_BYTES, port);
    crypto_generichash(out, NF_COOKIE_SECRET_BYTES, source, sizeof(source), secret, 32);
}

static void
associate(const uint8_t *cookie_message, const uint8_t *message1, uint8_t out[ASSOCIATED_BYTES])
{
    memcpy(out, cookie_message, HEADER_BYTES);
    memcpy(out + HEADER_BYTES, message1 + EPHEMERAL_AT, NF_NOISE_KEY_BYTES);
}

void nf_cookie_write(const nf_epoch_key *key,
                     const uint8_t cookie[NF_COOKIE_SECRET_BYTES],
                     const uint8_t message1[NF_MESSAGE1_BYTES],
                     uint32_t receiver_index,
                     const uint8_t nonce[24],
                     uint8_t out[NF_COOKIE_BYTES])
{
    out[0] = NF_TYPE_COOKIE;
    out[1] = key->flags;
    out[2] = NF_VERSION;
    out[3] = 0;
    nf_store_le32(out + 4, receiver_index);
    memcpy(out + NONCE_AT, nonce, SEALED_AT - NONCE_AT);

    uint8_t associated[ASSOCIATED_BYTES];
    associate(out, message1, associated);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + SEALED_AT, NULL, cookie,
                                               NF_COOKIE_SECRET_BYTES, associated,
                                               sizeof(associated), NULL, nonce, key->cookie_key);
}

bool nf_cookie_read(const nf_network *network,
                    const uint8_t *message,
                    size_t length,
                    const uint8_t message1[NF_MESSAGE1_BYTES],
                    uint8_t cookie[NF_COOKIE_SECRET_BYTES])
{
    if (length != NF_COOKIE_BYTES || message[0] != NF_TYPE_COOKIE || message[1] != message1[1] ||
        message[2] != NF_VERSION || message[3] != 0) {
        return false;
    }
    const nf_epoch_key *key = nf_network_find(network, message[1]);
    if (key == NULL) {
        return false;
    }
    uint8_t associated[ASSOCIATED_BYTES];
    associate(message, message1, associated);
    uint8_t opened[NF_COOKIE_SECRET_BYTES];
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            opened, NULL, NULL, message + SEALED_AT, NF_COOKIE_BYTES - SEALED_AT, associated,
            sizeof(associated), message + NONCE_AT, key->cookie_key) != 0) {
        return false;
    }
    memcpy(cookie, opened, sizeof(opened));
    sodium_memzero(opened, sizeof(opened));
    return true;
}
