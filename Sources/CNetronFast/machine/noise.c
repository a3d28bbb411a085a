/* SPDX-License-Identifier: Apache-2.0 */
/* noise.c - patterns as tables of tokens, and the one machine that runs them. Sections are those of
 * the Noise specification, revision 34. */
#include "machine/noise.h"

#include "machine/assert.h"
#include "machine/hkdf.h"
#include "machine/wire.h"

#include <sodium.h>

#include <string.h>

const nf_noise_pattern nf_noise_xx = {
    .name = "Noise_XX_25519_ChaChaPoly_SHA256",
    .messages =
        {
            {NF_NOISE_E},
            {NF_NOISE_E, NF_NOISE_EE, NF_NOISE_S, NF_NOISE_ES},
            {NF_NOISE_S, NF_NOISE_SE},
        },
};

const nf_noise_pattern nf_noise_xxpsk3 = {
    .name = "Noise_XXpsk3_25519_ChaChaPoly_SHA256",
    .psk = true,
    .messages =
        {
            {NF_NOISE_E},
            {NF_NOISE_E, NF_NOISE_EE, NF_NOISE_S, NF_NOISE_ES},
            {NF_NOISE_S, NF_NOISE_SE, NF_NOISE_PSK},
        },
};

const nf_noise_pattern nf_noise_xxpsk0psk3 = {
    .name = "Noise_XXpsk0+psk3_25519_ChaChaPoly_SHA256",
    .psk = true,
    .messages =
        {
            {NF_NOISE_PSK, NF_NOISE_E},
            {NF_NOISE_E, NF_NOISE_EE, NF_NOISE_S, NF_NOISE_ES},
            {NF_NOISE_S, NF_NOISE_SE, NF_NOISE_PSK},
        },
};

/* --- SymmetricState (5.2) --------------------------------------------------------------------- */

static void mix_hash(nf_noise_symmetric *symmetric, const uint8_t *bytes, size_t length)
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, symmetric->hash, sizeof(symmetric->hash));
    if (length > 0) {
        crypto_hash_sha256_update(&state, bytes, length);
    }
    crypto_hash_sha256_final(&state, symmetric->hash);
}

/* The framework's HKDF (4.3): the chaining key is the salt, and there is no info. */
static void derive(const uint8_t chaining_key[NF_NOISE_HASH_BYTES],
                   const uint8_t *material,
                   size_t length,
                   uint8_t *out,
                   size_t out_length)
{
    nf_hkdf(chaining_key, NF_NOISE_HASH_BYTES, material, length, NULL, 0, out, out_length);
}

static void set_key(nf_noise_symmetric *symmetric, const uint8_t key[NF_NOISE_KEY_BYTES])
{
    memcpy(symmetric->key, key, NF_NOISE_KEY_BYTES);
    symmetric->nonce = 0;
    symmetric->keyed = true;
}

static void mix_key(nf_noise_symmetric *symmetric, const uint8_t material[NF_NOISE_KEY_BYTES])
{
    uint8_t out[2 * NF_NOISE_HASH_BYTES];
    derive(symmetric->chaining_key, material, NF_NOISE_KEY_BYTES, out, sizeof(out));
    memcpy(symmetric->chaining_key, out, NF_NOISE_HASH_BYTES);
    set_key(symmetric, out + NF_NOISE_HASH_BYTES);
    sodium_memzero(out, sizeof(out));
}

static void mix_key_and_hash(nf_noise_symmetric *symmetric, const uint8_t psk[NF_NOISE_KEY_BYTES])
{
    uint8_t out[3 * NF_NOISE_HASH_BYTES];
    derive(symmetric->chaining_key, psk, NF_NOISE_KEY_BYTES, out, sizeof(out));
    memcpy(symmetric->chaining_key, out, NF_NOISE_HASH_BYTES);
    mix_hash(symmetric, out + NF_NOISE_HASH_BYTES, NF_NOISE_HASH_BYTES);
    set_key(symmetric, out + (size_t)2 * NF_NOISE_HASH_BYTES);
    sodium_memzero(out, sizeof(out));
}

static void next_nonce(nf_noise_symmetric *symmetric, uint8_t nonce[12])
{
    memset(nonce, 0, 4);
    nf_store_le64(nonce + 4, symmetric->nonce++);
}

/* EncryptAndHash. @return the length written: the tag is there only with a key */
static size_t seal(nf_noise_symmetric *symmetric, const uint8_t *text, size_t length, uint8_t *out)
{
    size_t sealed = length;
    if (symmetric->keyed) {
        uint8_t nonce[12];
        next_nonce(symmetric, nonce);
        crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, text, length, symmetric->hash,
                                                  sizeof(symmetric->hash), NULL, nonce,
                                                  symmetric->key);
        sealed += NF_NOISE_TAG_BYTES;
    } else if (length > 0) {
        memcpy(out, text, length);
    }
    mix_hash(symmetric, out, sealed);
    return sealed;
}

/* DecryptAndHash. @return the length of the text, or -1 */
static long unseal(nf_noise_symmetric *symmetric, const uint8_t *in, size_t length, uint8_t *text)
{
    size_t opened = length;
    if (symmetric->keyed) {
        if (length < NF_NOISE_TAG_BYTES) {
            return -1;
        }
        uint8_t nonce[12];
        next_nonce(symmetric, nonce);
        if (crypto_aead_chacha20poly1305_ietf_decrypt(text, NULL, NULL, in, length, symmetric->hash,
                                                      sizeof(symmetric->hash), nonce,
                                                      symmetric->key) != 0) {
            return -1;
        }
        opened -= NF_NOISE_TAG_BYTES;
    } else if (length > 0) {
        memcpy(text, in, length);
    }
    mix_hash(symmetric, in, length);
    return (long)opened;
}

/* --- HandshakeState (5.3) --------------------------------------------------------------------- */

static bool begins_with_psk(const nf_noise_pattern *pattern)
{
    return pattern->messages[0][0] == NF_NOISE_PSK;
}

static uint8_t count_psks(const nf_noise_pattern *pattern)
{
    uint8_t count = 0;
    for (size_t i = 0; i < NF_NOISE_MESSAGES_MAX; i++) {
        for (size_t k = 0; k < NF_NOISE_TOKENS_MAX; k++) {
            count = (uint8_t)(count + (pattern->messages[i][k] == NF_NOISE_PSK));
        }
    }
    return count;
}

void nf_noise_prepare(nf_noise_symmetric *out,
                      const nf_noise_pattern *pattern,
                      const uint8_t *prologue,
                      size_t prologue_length,
                      const uint8_t *psk0)
{
    memset(out, 0, sizeof(*out));
    size_t length = strlen(pattern->name);
    if (length <= sizeof(out->hash)) {
        memcpy(out->hash, pattern->name, length);
    } else {
        crypto_hash_sha256(out->hash, (const uint8_t *)pattern->name, length);
    }
    memcpy(out->chaining_key, out->hash, sizeof(out->hash));
    mix_hash(out, prologue, prologue_length);
    nf_assert(begins_with_psk(pattern) == (psk0 != NULL));
    if (psk0 != NULL) {
        mix_key_and_hash(out, psk0);
    }
}

void nf_noise_begin(nf_noise *noise,
                    const nf_noise_pattern *pattern,
                    const nf_noise_symmetric *prepared,
                    bool initiator,
                    const nf_noise_keypair *s,
                    const uint8_t (*psks)[NF_NOISE_KEY_BYTES])
{
    memset(noise, 0, sizeof(*noise));
    noise->pattern = pattern;
    noise->symmetric = *prepared;
    noise->initiator = initiator;
    noise->s = *s;

    uint8_t count = count_psks(pattern);
    nf_assert(count <= 2);
    nf_assert((count > 0) == (psks != NULL));
    for (size_t i = 0; i < count; i++) {
        memcpy(noise->psk[i], psks[i], NF_NOISE_KEY_BYTES);
    }
    noise->psks_used = begins_with_psk(pattern) ? 1 : 0;
}

/* The tokens of the next message, without the first PSK, which the prepared state has. */
static const uint8_t *next_tokens(const nf_noise *noise)
{
    const uint8_t *tokens = noise->pattern->messages[noise->message];
    return noise->message == 0 && begins_with_psk(noise->pattern) ? tokens + 1 : tokens;
}

/* Mixes a Diffie-Hellman result in. @return false if it was all zero */
static bool mix_shared(nf_noise *noise, const nf_noise_keypair *local, const uint8_t *remote)
{
    uint8_t shared[NF_NOISE_KEY_BYTES];
    bool sound = crypto_scalarmult_curve25519(shared, local->secret, remote) == 0;
    if (sound) {
        mix_key(&noise->symmetric, shared);
    }
    sodium_memzero(shared, sizeof(shared));
    return sound;
}

/* The tokens that mean the same to writer and reader; in "es" the "e" is the initiator's. */
static bool mix_token(nf_noise *noise, uint8_t token)
{
    switch (token) {
    case NF_NOISE_EE:
        return mix_shared(noise, &noise->e, noise->re);
    case NF_NOISE_ES:
        return noise->initiator ? mix_shared(noise, &noise->e, noise->rs)
                                : mix_shared(noise, &noise->s, noise->re);
    case NF_NOISE_SE:
        return noise->initiator ? mix_shared(noise, &noise->s, noise->re)
                                : mix_shared(noise, &noise->e, noise->rs);
    case NF_NOISE_SS:
        return mix_shared(noise, &noise->s, noise->rs);
    default:
        nf_assert(token == NF_NOISE_PSK);
        mix_key_and_hash(&noise->symmetric, noise->psk[noise->psks_used++]);
        return true;
    }
}

/* With a PSK the ephemeral key goes into the key as well (9.2). */
static void mix_ephemeral(nf_noise *noise, const uint8_t ephemeral[NF_NOISE_KEY_BYTES])
{
    mix_hash(&noise->symmetric, ephemeral, NF_NOISE_KEY_BYTES);
    if (noise->pattern->psk) {
        mix_key(&noise->symmetric, ephemeral);
    }
}

static bool is_turn(const nf_noise *noise, bool initiator)
{
    bool initiators = noise->message % 2 == 0;
    return noise->message < NF_NOISE_MESSAGES_MAX && initiators == initiator;
}

size_t nf_noise_write(nf_noise *noise,
                      const uint8_t ephemeral_secret[NF_NOISE_KEY_BYTES],
                      const uint8_t *payload,
                      size_t payload_length,
                      uint8_t *out)
{
    if (noise->failed) {
        return 0;
    }
    nf_assert(is_turn(noise, noise->initiator));
    uint8_t *next = out;
    for (const uint8_t *token = next_tokens(noise); *token != NF_NOISE_END; token++) {
        if (*token == NF_NOISE_E) {
            memcpy(noise->e.secret, ephemeral_secret, NF_NOISE_KEY_BYTES);
            crypto_scalarmult_curve25519_base(noise->e.public, noise->e.secret);
            memcpy(next, noise->e.public, NF_NOISE_KEY_BYTES);
            mix_ephemeral(noise, next);
            next += NF_NOISE_KEY_BYTES;
        } else if (*token == NF_NOISE_S) {
            next += seal(&noise->symmetric, noise->s.public, NF_NOISE_KEY_BYTES, next);
        } else if (!mix_token(noise, *token)) {
            noise->failed = true;
            return 0;
        }
    }
    next += seal(&noise->symmetric, payload, payload_length, next);
    noise->message++;
    return (size_t)(next - out);
}

/* What is left of a message that is read. */
typedef struct rest {
    const uint8_t *bytes;
    size_t length;
} rest;

static const uint8_t *take(rest *from, size_t length)
{
    if (from->length < length) {
        return NULL;
    }
    const uint8_t *bytes = from->bytes;
    from->bytes += length;
    from->length -= length;
    return bytes;
}

static bool read_ephemeral(nf_noise *noise, rest *message)
{
    const uint8_t *bytes = take(message, NF_NOISE_KEY_BYTES);
    if (bytes == NULL) {
        return false;
    }
    memcpy(noise->re, bytes, NF_NOISE_KEY_BYTES);
    mix_ephemeral(noise, noise->re);
    return true;
}

static bool read_static(nf_noise *noise, rest *message)
{
    size_t length = NF_NOISE_KEY_BYTES + (noise->symmetric.keyed ? NF_NOISE_TAG_BYTES : 0);
    const uint8_t *bytes = take(message, length);
    return bytes != NULL && unseal(&noise->symmetric, bytes, length, noise->rs) >= 0;
}

static long read_message(nf_noise *noise, rest message, uint8_t *payload)
{
    for (const uint8_t *token = next_tokens(noise); *token != NF_NOISE_END; token++) {
        bool sound;
        if (*token == NF_NOISE_E) {
            sound = read_ephemeral(noise, &message);
        } else if (*token == NF_NOISE_S) {
            sound = read_static(noise, &message);
        } else {
            sound = mix_token(noise, *token);
        }
        if (!sound) {
            return -1;
        }
    }
    return unseal(&noise->symmetric, message.bytes, message.length, payload);
}

long nf_noise_read(nf_noise *noise, const uint8_t *message, size_t length, uint8_t *payload)
{
    if (noise->failed) {
        return -1;
    }
    nf_assert(is_turn(noise, !noise->initiator));
    nf_noise before = *noise;
    long read = read_message(noise, (rest){message, length}, payload);
    if (read >= 0) {
        noise->message++;
    } else {
        /* Nothing of the bad message stays, so a first message may be followed by a better one. */
        *noise = before;
        noise->failed = noise->message > 0;
    }
    sodium_memzero(&before, sizeof(before));
    return read;
}

void nf_noise_split(const nf_noise *noise,
                    uint8_t first[NF_NOISE_KEY_BYTES],
                    uint8_t second[NF_NOISE_KEY_BYTES])
{
    nf_assert(noise->message == NF_NOISE_MESSAGES_MAX && !noise->failed);
    uint8_t out[2 * NF_NOISE_HASH_BYTES];
    derive(noise->symmetric.chaining_key, NULL, 0, out, sizeof(out));
    memcpy(first, out, NF_NOISE_KEY_BYTES);
    memcpy(second, out + NF_NOISE_KEY_BYTES, NF_NOISE_KEY_BYTES);
    sodium_memzero(out, sizeof(out));
}

void nf_noise_wipe(nf_noise *noise)
{
    sodium_memzero(noise, sizeof(*noise));
}
