/* SPDX-License-Identifier: Apache-2.0 */
/* sockaddr.h - endpoints as the kernel takes and gives them. */
#ifndef NF_SOCKADDR_H
#define NF_SOCKADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "netron/types.h"

#include <netinet/in.h>
#include <sys/socket.h>

typedef union nf_sockaddr {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} nf_sockaddr;

enum { NF_MAPPED_PREFIX_BYTES = 12 }; /* ::ffff:0:0/96 (RFC 4291, 2.5.5.2) */

static inline bool nf_address_mapped(const uint8_t address[16])
{
    static const uint8_t prefix[NF_MAPPED_PREFIX_BYTES] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address, prefix, sizeof(prefix)) == 0;
}

/** Stores an IPv4 address (network byte order) as ::ffff:a.b.c.d. */
static inline void nf_address_map(uint8_t address[16], const void *v4)
{
    memset(address, 0, 10);
    memset(address + 10, 0xff, 2);
    memcpy(address + NF_MAPPED_PREFIX_BYTES, v4, 4);
}

/** True for fe80::/10, the only kind whose scope means something. */
static inline bool nf_address_link_local(const uint8_t address[16])
{
    return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

/** @return the length of the address. On a socket that is not dual the endpoint must be mapped. */
static inline socklen_t
nf_sockaddr_set(nf_sockaddr *out, bool dual, const netron_endpoint *endpoint)
{
    if (dual) {
        out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
                                        .sin6_port = htons(endpoint->port),
                                        .sin6_scope_id = endpoint->scope};
        memcpy(&out->v6.sin6_addr, endpoint->address, 16);
        return sizeof(out->v6);
    }
    out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
    memcpy(&out->v4.sin_addr, endpoint->address + NF_MAPPED_PREFIX_BYTES, 4);
    return sizeof(out->v4);
}

static inline void nf_sockaddr_get(const nf_sockaddr *address, netron_endpoint *out)
{
    if (address->any.sa_family == AF_INET6) {
        memcpy(out->address, &address->v6.sin6_addr, 16);
        out->scope = nf_address_link_local(out->address) ? address->v6.sin6_scope_id : 0;
        out->port = ntohs(address->v6.sin6_port);
    } else {
        nf_address_map(out->address, &address->v4.sin_addr);
        out->scope = 0;
        out->port = ntohs(address->v4.sin_port);
    }
    out->kind = NETRON_ENDPOINT_UDP;
}

#endif
