/* SPDX-License-Identifier: Apache-2.0 */
/* datagram.h - where outer datagrams go, and trains of equal ones for one trip. Pure. */
#ifndef NF_DATAGRAM_H
#define NF_DATAGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "netron/types.h"

/** The local address that a datagram came to or leaves from (IP_PKTINFO); zero: any. And by which
 *  socket: 0 for those on the node's port, else 1 + the number of a door. A door is a socket with a
 *  port of its own, which a NAT gives another port outside. */
typedef struct nf_local {
    uint8_t address[16];
    uint32_t interface;
    uint32_t door;
} nf_local;

/** A way to a peer: its endpoint and our address. */
typedef struct nf_path {
    netron_endpoint remote;
    nf_local local;
} nf_path;

/** One message to send: `length` bytes in datagrams of `segment` (the last may be shorter). */
typedef struct nf_departure {
    const uint8_t *bytes;
    uint32_t length;
    uint32_t segment;
    netron_endpoint to;
    nf_local local;
    uint8_t tos;
} nf_departure;

/* No padding: as bytes they are equal when they are. */
_Static_assert(sizeof(netron_endpoint) == 16 + 4 + 2 + 2, "an endpoint is its fields");

static inline bool nf_endpoint_equal(const netron_endpoint *a, const netron_endpoint *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool nf_endpoint_is_circuit(const netron_endpoint *endpoint)
{
    return endpoint->kind == NETRON_ENDPOINT_CIRCUIT;
}

static inline bool nf_endpoint_is_tcp(const netron_endpoint *endpoint)
{
    return endpoint->kind == NETRON_ENDPOINT_TCP || endpoint->kind == NETRON_ENDPOINT_TCP_IN;
}

/** Any local address, by the same socket. */
static inline nf_local nf_local_any(const nf_local *local)
{
    return (nf_local){.door = local->door};
}

static inline bool nf_local_is_any(const nf_local *local)
{
    static const uint8_t unset[16];
    return memcmp(local->address, unset, sizeof(unset)) == 0;
}

/** The endpoint that a circuit is to its end. */
static inline netron_endpoint nf_endpoint_of_circuit(uint32_t id)
{
    return (netron_endpoint){.scope = id, .kind = NETRON_ENDPOINT_CIRCUIT};
}

#endif
