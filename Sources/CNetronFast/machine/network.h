/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - every secret that follows from what the members of a network know. Pure.
 *
 *   root        = HKDF-Extract(salt "netron/1", network secret)
 *   purpose(l)  = HKDF-Expand(root, "netron/1 " l, 32)                     epoch 0: does not rotate
 *   purpose(l,e)= HKDF-Expand(root, "netron/1 " l 0x00 le64(e), 32)        e > 0
 *
 *   psk0 of epoch e   purpose("psk0", e)        e = floor(wall seconds / epoch seconds), from 1
 *   psk0, clockless   purpose("clockless")
 *   psk3              purpose("psk3")
 *   cookie key of psk0 = HKDF(salt none, psk0, "netron/1 cookie", 32)
 *   network id        purpose("network id")
 *   own address       fd, 5 bytes of purpose("network id"), 10 bytes of
 *                     BLAKE2b-128(key network id, node id)                  (RFC 4193)
 */
#ifndef NF_NETWORK_H
#define NF_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/noise.h"

enum { NF_EPOCHS = 4 }; /* previous, current, next, and the clockless key */

/** One psk0, ready to read or write first messages with. */
typedef struct nf_epoch_key {
    bool valid;
    uint8_t flags;  /* of the messages: epoch mod 4, or NF_FLAG_CLOCKLESS */
    uint64_t epoch; /* 0 for clockless */
    uint8_t psk0[NF_NOISE_KEY_BYTES];
    uint8_t cookie_key[NF_NOISE_KEY_BYTES];
    nf_noise_symmetric prepared;
} nf_epoch_key;

typedef struct nf_network {
    uint8_t root[NF_NOISE_KEY_BYTES];
    uint8_t psk3[NF_NOISE_KEY_BYTES];
    uint8_t id[NF_NOISE_KEY_BYTES];
    uint64_t epoch_seconds;
    uint64_t epoch;               /* current; 0: no clock */
    nf_epoch_key keys[NF_EPOCHS]; /* 0..2: previous, current, next; 3: clockless */
} nf_network;

void nf_network_init(nf_network *network,
                     const uint8_t *secret,
                     size_t secret_length,
                     uint64_t epoch_seconds);

/** Moves to the epoch of `wall_seconds`. @return true if it changed. */
bool nf_network_set_time(nf_network *network, uint64_t wall_seconds);

/** The key to send first messages with: the current epoch's, or the clockless one. */
const nf_epoch_key *nf_network_current(const nf_network *network);

/** The key that a first message with these flags was made with, or NULL. */
const nf_epoch_key *nf_network_find(const nf_network *network, uint8_t flags);

/** purpose(label, epoch), as above. */
void nf_network_derive(const nf_network *network,
                       const char *label,
                       uint64_t epoch,
                       uint8_t out[NF_NOISE_KEY_BYTES]);

/** A member's own IPv6 address. */
void nf_network_address(const nf_network *network, const uint8_t id[32], uint8_t out[16]);

void nf_network_wipe(nf_network *network);

#endif
