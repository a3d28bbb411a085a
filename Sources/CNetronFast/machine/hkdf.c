/* SPDX-License-Identifier: Apache-2.0 */
/* hkdf.c - HKDF with HMAC-SHA256 (RFC 5869). */
#include "machine/hkdf.h"

#include "machine/assert.h"
#include "machine/noise.h"

#include <sodium.h>

#include <string.h>

/* HMAC of up to three parts that stand one behind the other; a part may be empty. */
typedef struct part {
    const uint8_t *bytes;
    size_t length;
} part;

static void hmac(part key, const part parts[3], uint8_t out[NF_HKDF_KEY_BYTES])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key.bytes, key.length);
    for (size_t i = 0; i < 3; i++) {
        if (parts[i].length > 0) {
            crypto_auth_hmacsha256_update(&state, parts[i].bytes, parts[i].length);
        }
    }
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof(state));
}

void nf_hkdf_extract(const uint8_t *salt,
                     size_t salt_length,
                     const uint8_t *material,
                     size_t material_length,
                     uint8_t key[NF_HKDF_KEY_BYTES])
{
    static const uint8_t none[NF_HKDF_KEY_BYTES];
    part with = {salt, salt_length};
    if (salt_length == 0) {
        with = (part){none, sizeof(none)};
    }
    const part parts[3] = {{material, material_length}};
    hmac(with, parts, key);
}

void nf_hkdf_expand(const uint8_t key[NF_HKDF_KEY_BYTES],
                    const uint8_t *info,
                    size_t info_length,
                    uint8_t *out,
                    size_t out_length)
{
    nf_assert(out_length <= NF_HKDF_OUT_BYTES_MAX);
    uint8_t block[NF_HKDF_KEY_BYTES];
    uint8_t number = 0;
    while (out_length > 0) {
        size_t before = number == 0 ? 0 : sizeof(block);
        number++;
        const part parts[3] = {{block, before}, {info, info_length}, {&number, 1}};
        hmac((part){key, NF_HKDF_KEY_BYTES}, parts, block);

        size_t taken = out_length < sizeof(block) ? out_length : sizeof(block);
        memcpy(out, block, taken);
        out += taken;
        out_length -= taken;
    }
    sodium_memzero(block, sizeof(block));
}

void nf_hkdf(const uint8_t *salt,
             size_t salt_length,
             const uint8_t *material,
             size_t material_length,
             const uint8_t *info,
             size_t info_length,
             uint8_t *out,
             size_t out_length)
{
    uint8_t key[NF_HKDF_KEY_BYTES];
    nf_hkdf_extract(salt, salt_length, material, material_length, key);
    nf_hkdf_expand(key, info, info_length, out, out_length);
    sodium_memzero(key, sizeof(key));
}
