/* SPDX-License-Identifier: Apache-2.0 */
/* common.c - the calls of engine.h that need no engine: texts, identities and secrets. */
#include "netron/engine.h"

#include "machine/assert.h"
#include "machine/core.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void nf_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}

uint32_t netron_version(void)
{
    return NETRON_VERSION_MAJOR << 16 | NETRON_VERSION_MINOR << 8 | NETRON_VERSION_PATCH;
}

const char *netron_error_text(int error)
{
    switch (error) {
    case NETRON_OK:
        return "no error";
#define XX(number, name, text) \
    case NETRON_E_##name:      \
        return text;
        NETRON_ERROR_MAP(XX)
#undef XX
    default:
        return "unknown error";
    }
}

const char *netron_drop_name(uint32_t reason)
{
    static const char *const names[NETRON_DROP_COUNT] = {
        "malformed",     "unknown_index", "forged",        "replayed",      "spoofed",
        "bad_inner",     "unrouted",      "no_session",    "wrong_network", "repeated",
        "bad_identity",  "limited",       "queue_full",    "congested",     "fragment",
        "tun_write",     "udp_send",      "too_big",       "datagram",      "no_circuit",
        "not_neighbour", "hops",          "relay_limited", "multicast",     "all_limited",
    };
    return reason < NETRON_DROP_COUNT ? names[reason] : NULL;
}

/* --- identities and secrets ------------------------------------------------------------------- */

void netron_identity_new(uint8_t seed[NETRON_SEED_BYTES])
{
    nf_assert(sodium_init() >= 0);
    uint8_t id[NETRON_ID_BYTES];
    do {
        randombytes_buf(seed, NETRON_SEED_BYTES);
    } while (netron_identity_id(seed, id) != NETRON_OK);
}

int netron_identity_id(const uint8_t seed[NETRON_SEED_BYTES], uint8_t id[NETRON_ID_BYTES])
{
    nf_assert(sodium_init() >= 0);
    nf_identity identity;
    bool valid = nf_identity_from_seed(&identity, seed);
    memcpy(id, identity.id, NETRON_ID_BYTES);
    sodium_memzero(&identity, sizeof(identity));
    return valid ? NETRON_OK : NETRON_E_INVALID;
}

void netron_network_derive(const uint8_t *secret,
                           size_t secret_length,
                           const char *label,
                           uint64_t epoch,
                           uint8_t out[NETRON_KEY_BYTES])
{
    nf_assert(sodium_init() >= 0);
    nf_network network;
    nf_network_init(&network, secret, secret_length, NETRON_EPOCH_SECONDS_MIN);
    nf_network_derive(&network, label, epoch, out);
    nf_network_wipe(&network);
}

void netron_network_address(const uint8_t *secret,
                            size_t secret_length,
                            const uint8_t id[NETRON_ID_BYTES],
                            uint8_t out[16])
{
    nf_assert(sodium_init() >= 0);
    nf_network network;
    nf_network_init(&network, secret, secret_length, NETRON_EPOCH_SECONDS_MIN);
    nf_network_address(&network, id, out);
    nf_network_wipe(&network);
}
