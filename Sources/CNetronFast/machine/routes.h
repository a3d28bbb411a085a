/* SPDX-License-Identifier: Apache-2.0 */
/* routes.h - inner address to peer by the longest prefix. Pure.
 *
 * A snapshot is immutable and read by many threads; changing routes means making another. A lookup
 * probes one hash table a prefix length in use, longest first: one probe for host routes. */
#ifndef NF_ROUTES_H
#define NF_ROUTES_H

#include <stddef.h>
#include <stdint.h>

#include "netron/types.h"

enum {
    NF_NO_PEER = UINT32_MAX,
    NF_ALL_PEERS = UINT32_MAX - 1, /* what a multicast or broadcast address leads to */
};

typedef struct nf_route {
    netron_prefix prefix;
    uint32_t peer; /* NF_NO_PEER: no wider prefix leads to anybody from here */
} nf_route;

typedef struct nf_routes nf_routes;

/** Builds a snapshot; of two equal prefixes the later wins. NULL when memory is short. `seed` keys
 *  the hash, so that nobody can choose colliding addresses. */
nf_routes *nf_routes_new(const nf_route *routes, size_t count, uint64_t seed);

void nf_routes_free(nf_routes *routes);

/** The snapshot's own number: its seed. What was found in one snapshot is known by this, not by the
 *  pointer, since another may come to lie where a freed one was. */
uint64_t nf_routes_number(const nf_routes *routes);

/** The peer of a 4-byte or 16-byte address, NF_ALL_PEERS or NF_NO_PEER. */
uint32_t nf_routes_find4(const nf_routes *routes, const uint8_t address[4]);
uint32_t nf_routes_find6(const nf_routes *routes, const uint8_t address[16]);

#endif
