/* SPDX-License-Identifier: Apache-2.0 */
/* noise.h - the Noise Protocol Framework, revision 34, with 25519, ChaChaPoly and SHA256. Pure.
 *
 * A pattern is a table of tokens, so that the published vectors of several patterns run through the
 * code that Netron's own handshake uses. */
#ifndef NF_NOISE_H
#define NF_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NF_NOISE_KEY_BYTES = 32,
    NF_NOISE_HASH_BYTES = 32,
    NF_NOISE_TAG_BYTES = 16,
    NF_NOISE_MESSAGES_MAX = 3,
    NF_NOISE_TOKENS_MAX = 6, /* of a message, with the end */
};

typedef enum nf_noise_token {
    NF_NOISE_END = 0,
    NF_NOISE_E,
    NF_NOISE_S,
    NF_NOISE_EE,
    NF_NOISE_ES,
    NF_NOISE_SE,
    NF_NOISE_SS,
    NF_NOISE_PSK,
} nf_noise_token;

typedef struct nf_noise_pattern {
    const char *name; /* the whole protocol name, as it is hashed */
    bool psk;         /* "e" mixes into the key too (section 9.2) */
    uint8_t messages[NF_NOISE_MESSAGES_MAX][NF_NOISE_TOKENS_MAX]; /* nf_noise_token */
} nf_noise_pattern;

extern const nf_noise_pattern nf_noise_xx;         /* Noise_XX_25519_ChaChaPoly_SHA256 */
extern const nf_noise_pattern nf_noise_xxpsk3;     /* Noise_XXpsk3_25519_ChaChaPoly_SHA256 */
extern const nf_noise_pattern nf_noise_xxpsk0psk3; /* Noise_XXpsk0+psk3_25519_ChaChaPoly_SHA256 */

typedef struct nf_noise_symmetric {
    uint8_t hash[NF_NOISE_HASH_BYTES];
    uint8_t chaining_key[NF_NOISE_HASH_BYTES];
    uint8_t key[NF_NOISE_KEY_BYTES];
    uint64_t nonce;
    bool keyed;
} nf_noise_symmetric;

typedef struct nf_noise_keypair {
    uint8_t secret[NF_NOISE_KEY_BYTES];
    uint8_t public[NF_NOISE_KEY_BYTES];
} nf_noise_keypair;

/** One side of one handshake. */
typedef struct nf_noise {
    const nf_noise_pattern *pattern;
    nf_noise_symmetric symmetric;
    nf_noise_keypair s, e;                                  /* local */
    uint8_t rs[NF_NOISE_KEY_BYTES], re[NF_NOISE_KEY_BYTES]; /* remote */
    uint8_t psk[2][NF_NOISE_KEY_BYTES];                     /* in the order of their tokens */
    uint8_t psks_used;
    uint8_t message; /* the next one, from 0 */
    bool initiator;
    bool failed; /* a read failed: the handshake is over */
} nf_noise;

/** The state before any token: protocol name and prologue mixed in. With a pattern whose first
 *  token is PSK, `psk0` is mixed too, so that what costs nothing per message is done once. */
void nf_noise_prepare(nf_noise_symmetric *out,
                      const nf_noise_pattern *pattern,
                      const uint8_t *prologue,
                      size_t prologue_length,
                      const uint8_t *psk0);

/** Begins from a prepared state. `psks` are all of the pattern's, the first included (NULL if it
 *  has none). */
void nf_noise_begin(nf_noise *noise,
                    const nf_noise_pattern *pattern,
                    const nf_noise_symmetric *prepared,
                    bool initiator,
                    const nf_noise_keypair *s,
                    const uint8_t (*psks)[NF_NOISE_KEY_BYTES]);

/** Writes the next message into `out` (room for it is the caller's promise). `ephemeral_secret` is
 *  used if the message has an "e" token. @return its length, or 0 if a Diffie-Hellman result was
 *  all zero: the handshake is over. */
size_t nf_noise_write(nf_noise *noise,
                      const uint8_t ephemeral_secret[NF_NOISE_KEY_BYTES],
                      const uint8_t *payload,
                      size_t payload_length,
                      uint8_t *out);

/** Reads the next message; the payload goes to `payload`, which has room for `length` bytes.
 *  @return its length, or -1: malformed, forged, or an all-zero Diffie-Hellman result. After -1 in
 *  any message but the first the handshake is over; nothing is leaked about which it was. */
long nf_noise_read(nf_noise *noise, const uint8_t *message, size_t length, uint8_t *payload);

/** The two keys after the last message: the initiator sends with `first`. */
void nf_noise_split(const nf_noise *noise,
                    uint8_t first[NF_NOISE_KEY_BYTES],
                    uint8_t second[NF_NOISE_KEY_BYTES]);

/** Forgets everything. */
void nf_noise_wipe(nf_noise *noise);

/** HKDF-SHA256 (RFC 5869), output up to 255 * 32 bytes. */
void nf_hkdf(const uint8_t *salt,
             size_t salt_length,
             const uint8_t *material,
             size_t material_length,
             const uint8_t *info,
             size_t info_length,
             uint8_t *out,
             size_t out_length);

#endif
