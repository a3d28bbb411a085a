/* SPDX-License-Identifier: Apache-2.0 */
/* handshake.h - the three messages that make a session, and the cookie. Pure; keeps no table.
 *
 * Noise_XXpsk0+psk3_25519_ChaChaPoly_SHA256 with prologue "netron" | type 1 | version 1:
 *
 *   -> psk, e                    index, suites, lanes, cookie, wall
 *   <- e, ee, s, es              index, suite, lanes, wall, id
 *   -> s, se, psk                id
 *
 * The layouts are in wire.h. An id is an Ed25519 public key whose X25519 form is the static key. */
#ifndef NF_HANDSHAKE_H
#define NF_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/network.h"
#include "machine/noise.h"
#include "machine/wire.h"

/** Why a message was refused. */
typedef enum nf_handshake_result {
    NF_HANDSHAKE_OK = 0,
    NF_HANDSHAKE_MALFORMED,     /* length, version, reserved bits, or a field out of range */
    NF_HANDSHAKE_WRONG_NETWORK, /* does not know the token, or is for another epoch */
    NF_HANDSHAKE_FORGED,        /* messages 2 and 3: tag or Diffie-Hellman */
    NF_HANDSHAKE_BAD_IDENTITY,  /* id not canonical, of small order, or not of the static key */
    NF_HANDSHAKE_NO_SUITE,      /* nothing offered that both have, or a pick that was not offered */
} nf_handshake_result;

/** Who we are. */
typedef struct nf_identity {
    uint8_t id[32];            /* Ed25519 public key */
    uint8_t signing_key[64];   /* Ed25519 secret key, libsodium's form */
    nf_noise_keypair exchange; /* the X25519 form of both */
} nf_identity;

/** False if the seed's public key has the sign bit set: it is no identity. */
bool nf_identity_from_seed(nf_identity *identity, const uint8_t seed[32]);

/** The X25519 key of an id; false if the id is not canonical, has the sign bit, is of small order
 *  or not in the main subgroup, or converts to zero. */
bool nf_identity_exchange_key(const uint8_t id[32], uint8_t out[32]);

typedef struct nf_handshake {
    nf_noise noise;
    bool initiator;
    uint8_t flags;        /* of the epoch key */
    uint8_t suites;       /* offered by the initiator: mask */
    uint8_t suite;        /* picked */
    uint8_t remote_lanes; /* 1 to NETRON_LANES_MAX */
    uint32_t local_index; /* session slot told to the other side */
    uint32_t remote_index;
    uint64_t remote_wall_ms;
    uint8_t remote_id[32]; /* settled after message 2 (initiator) or 3 (responder) */
    uint8_t remote_cookie[NF_COOKIE_SECRET_BYTES]; /* of message 1; zero: none */
} nf_handshake;

/** What one side says of itself. */
typedef struct nf_hello {
    uint32_t index;
    uint8_t suites; /* offered, or available to the responder */
    uint8_t lanes;
    uint64_t wall_ms;
    uint8_t cookie[NF_COOKIE_SECRET_BYTES];
} nf_hello;

void nf_handshake_write1(nf_handshake *handshake,
                         const nf_identity *identity,
                         const nf_network *network,
                         const nf_hello *hello,
                         const uint8_t ephemeral_secret[32],
                         uint8_t out[NF_MESSAGE1_BYTES]);

/** One HKDF for garbage; no Diffie-Hellman. Fills `handshake` only on OK. */
nf_handshake_result nf_handshake_read1(nf_handshake *handshake,
                                       const nf_identity *identity,
                                       const nf_network *network,
                                       const uint8_t *message,
                                       size_t length);

/** Picks the suite by a fixed order: AES-256-GCM, then ChaCha20-Poly1305. NO_SUITE or FORGED (an
 *  ephemeral key that gives zero) end the handshake. */
nf_handshake_result nf_handshake_write2(nf_handshake *handshake,
                                        const nf_identity *identity,
                                        const nf_hello *hello,
                                        const uint8_t ephemeral_secret[32],
                                        uint8_t out[NF_MESSAGE2_BYTES]);

nf_handshake_result
nf_handshake_read2(nf_handshake *handshake, const uint8_t *message, size_t length);

nf_handshake_result nf_handshake_write3(nf_handshake *handshake,
                                        const nf_identity *identity,
                                        uint8_t out[NF_MESSAGE3_BYTES]);

/** On failure the handshake is over (a forged message 3 cannot be told from a damaged one), except
 *  for MALFORMED. The caller works on a copy if others may write message 3. */
nf_handshake_result
nf_handshake_read3(nf_handshake *handshake, const uint8_t *message, size_t length);

/** The data keys: HKDF(salt none, Split key, "netron/1 data" | suite u8 | direction u8), direction
 *  0 from the initiator, 1 from the responder. */
void nf_handshake_keys(const nf_handshake *handshake, uint8_t send[32], uint8_t receive[32]);

/** The 16 bytes that prove that their sender gets mail at an address: a keyed BLAKE2b of it. */
void nf_cookie_make(const uint8_t secret[32],
                    const uint8_t address[16],
                    uint16_t port,
                    uint8_t out[NF_COOKIE_SECRET_BYTES]);

/** The answer to a first message under load: the cookie, sealed (XChaCha20-Poly1305) with the
 *  epoch's cookie key, the header and message 1's ephemeral key as associated data. */
void nf_cookie_write(const nf_epoch_key *key,
                     const uint8_t cookie[NF_COOKIE_SECRET_BYTES],
                     const uint8_t message1[NF_MESSAGE1_BYTES],
                     uint32_t receiver_index,
                     const uint8_t nonce[24],
                     uint8_t out[NF_COOKIE_BYTES]);

/** @return false unless it answers `message1`. */
bool nf_cookie_read(const nf_network *network,
                    const uint8_t *message,
                    size_t length,
                    const uint8_t message1[NF_MESSAGE1_BYTES],
                    uint8_t cookie[NF_COOKIE_SECRET_BYTES]);

void nf_handshake_wipe(nf_handshake *handshake);

#endif
