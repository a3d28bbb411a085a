/* SPDX-License-Identifier: Apache-2.0 */
/* network.c - from the network's secret to the keys of its epochs. */
#include "machine/network.h"

#include "machine/assert.h"
#include "machine/hkdf.h"
#include "machine/wire.h"

#include <sodium.h>

#include <string.h>

enum { CURRENT = 1, CLOCKLESS = 3, ADDRESS_HASH_BYTES = 16 };

/* What each message says in the clear about its kind: that nobody changed it is proven by the
 * handshake's hash. */
static const uint8_t prologue[] = {'n', 'e', 't', 'r', 'o', 'n', NF_TYPE_MESSAGE1, NF_VERSION};

static const char domain[] = "netron/1";

/* The first and only block of HKDF-Expand, fed in pieces: a label may be of any length. */
void nf_network_derive(const nf_network *network,
                       const char *label,
                       uint64_t epoch,
                       uint8_t out[NF_NOISE_KEY_BYTES])
{
    static const uint8_t block_number = 1;
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, network->root, sizeof(network->root));
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)domain, sizeof(domain) - 1);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)" ", 1);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)label, strlen(label));
    if (epoch > 0) {
        uint8_t suffix[9] = {0};
        nf_store_le64(suffix + 1, epoch);
        crypto_auth_hmacsha256_update(&state, suffix, sizeof(suffix));
    }
    crypto_auth_hmacsha256_update(&state, &block_number, 1);
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof(state));
}

/* All that hangs on one psk0. */
static void set_key(nf_network *network, nf_epoch_key *key, uint64_t epoch)
{
    static const char cookie[] = "netron/1 cookie";
    key->valid = true;
    key->epoch = epoch;
    if (epoch == 0) {
        key->flags = NF_FLAG_CLOCKLESS;
        nf_network_derive(network, "clockless", 0, key->psk0);
    } else {
        key->flags = (uint8_t)(epoch & NF_FLAG_EPOCH_MASK);
        nf_network_derive(network, "psk0", epoch, key->psk0);
    }
    nf_hkdf(NULL, 0, key->psk0, sizeof(key->psk0), (const uint8_t *)cookie, sizeof(cookie) - 1,
            key->cookie_key, sizeof(key->cookie_key));
    nf_noise_prepare(&key->prepared, &nf_noise_xxpsk0psk3, prologue, sizeof(prologue), key->psk0);
}

void nf_network_init(nf_network *network,
                     const uint8_t *secret,
                     size_t secret_length,
                     uint64_t epoch_seconds)
{
    nf_assert(secret_length > 0);
    nf_assert(epoch_seconds > 0);
    memset(network, 0, sizeof(*network));
    network->epoch_seconds = epoch_seconds;
    nf_hkdf_extract((const uint8_t *)domain, sizeof(domain) - 1, secret, secret_length,
                    network->root);
    nf_network_derive(network, "psk3", 0, network->psk3);
    nf_network_derive(network, "network id", 0, network->id);
    set_key(network, &network->keys[CLOCKLESS], 0);
}

bool nf_network_set_time(nf_network *network, uint64_t wall_seconds)
{
    uint64_t epoch = wall_seconds / network->epoch_seconds;
    if (epoch == network->epoch) {
        return false;
    }
    network->epoch = epoch;
    for (uint64_t i = 0; i < CLOCKLESS; i++) {
        nf_epoch_key *key = &network->keys[i];
        sodium_memzero(key, sizeof(*key));
        /* There is no epoch 0, and none past the last number: both come out as 0 here. */
        uint64_t number = epoch + i - CURRENT;
        if (epoch > 0 && number > 0) {
            set_key(network, key, number);
        }
    }
    return true;
}

const nf_epoch_key *nf_network_current(const nf_network *network)
{
    return &network->keys[network->epoch == 0 ? CLOCKLESS : CURRENT];
}

const nf_epoch_key *nf_network_find(const nf_network *network, uint8_t flags)
{
    for (size_t i = 0; i < NF_EPOCHS; i++) {
        if (network->keys[i].valid && network->keys[i].flags == flags) {
            return &network->keys[i];
        }
    }
    return NULL;
}

void nf_network_address(const nf_network *network, const uint8_t id[32], uint8_t out[16])
{
    uint8_t hash[ADDRESS_HASH_BYTES];
    crypto_generichash(hash, sizeof(hash), id, 32, network->id, sizeof(network->id));
    out[0] = 0xfd;
    memcpy(out + 1, network->id, 5);
    memcpy(out + 6, hash, 10);
}

void nf_network_wipe(nf_network *network)
{
    sodium_memzero(network, sizeof(*network));
}
