/* SPDX-License-Identifier: Apache-2.0 */
/* identity.c - which 32 bytes may be a node's id, and the X25519 key that belongs to one. */
#include "machine/handshake.h"

#include "machine/assert.h"

#include <sodium.h>

#include <string.h>

enum { ID_BYTES = 32, SIGN_BIT = 0x80 };

bool nf_identity_from_seed(nf_identity *identity, const uint8_t seed[32])
{
    crypto_sign_ed25519_seed_keypair(identity->id, identity->signing_key, seed);
    if ((identity->id[ID_BYTES - 1] & SIGN_BIT) != 0) {
        sodium_memzero(identity, sizeof(*identity));
        return false;
    }
    crypto_sign_ed25519_sk_to_curve25519(identity->exchange.secret, identity->signing_key);
    bool sound = nf_identity_exchange_key(identity->id, identity->exchange.public);
    nf_assert(sound);
    return true;
}

/* An id is the y of its point, little-endian; one of p = 2^255 - 19 or more names the same point as
 * y - p does, so it would be a second name. */
static bool is_canonical(const uint8_t id[ID_BYTES])
{
    bool high = id[ID_BYTES - 1] == 0x7f;
    for (size_t i = 1; i < ID_BYTES - 1; i++) {
        high = high && id[i] == 0xff;
    }
    return !(high && id[0] >= 0xed);
}

/* A point P of the main subgroup, whose order is l, is one with (l - 1) P = -P. libsodium's own
 * checks let an added point of order 2 pass in some releases. */
static bool is_in_main_subgroup(const uint8_t id[ID_BYTES])
{
    static const uint8_t order_less_one[crypto_scalarmult_ed25519_SCALARBYTES] = {
        0xec, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,        0xd6,
        0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10,
    };
    uint8_t product[crypto_scalarmult_ed25519_BYTES];
    if (crypto_scalarmult_ed25519_noclamp(product, order_less_one, id) != 0) {
        return false;
    }
    product[ID_BYTES - 1] ^= SIGN_BIT;
    return memcmp(product, id, ID_BYTES) == 0;
}

bool nf_identity_exchange_key(const uint8_t id[32], uint8_t out[32])
{
    if ((id[ID_BYTES - 1] & SIGN_BIT) != 0 || !is_canonical(id)) {
        return false;
    }
    /* Refuses what is no point and points of small order. */
    uint8_t key[crypto_scalarmult_curve25519_BYTES];
    if (crypto_sign_ed25519_pk_to_curve25519(key, id) != 0 || sodium_is_zero(key, sizeof(key))) {
        return false;
    }
    if (!is_in_main_subgroup(id)) {
        return false;
    }
    memcpy(out, key, sizeof(key));
    return true;
}
