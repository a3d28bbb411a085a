/* SPDX-License-Identifier: Apache-2.0 */
/* types.h - the values that the calls of the packet core share. */
#ifndef NETRON_TYPES_H
#define NETRON_TYPES_H

#include "netron/base.h"

enum {
    NETRON_ID_BYTES = 32,       /* a node's Ed25519 public key; bit 7 of the last byte is 0 */
    NETRON_SEED_BYTES = 32,     /* an Ed25519 seed */
    NETRON_KEY_BYTES = 32,      /* a derived secret */
    NETRON_OVERHEAD_BYTES = 32, /* added to each IP packet: header 16, tag 16 */
    NETRON_MTU_DEFAULT = 1400,  /* bytes of one inner IP packet */
    NETRON_MTU_MIN = 1280,      /* IPv6's least (RFC 8200) */
    NETRON_MTU_MAX = 3480,      /* three fragments over the least path */
    NETRON_MESSAGE_BYTES_MAX = 1150,
    NETRON_DATAGRAM_BYTES_MIN = 8,    /* of what others that share the port say */
    NETRON_DATAGRAM_BYTES_MAX = 1472, /* what Ethernet takes whole by IPv4 */
    NETRON_LANES_MAX = 4,
    NETRON_PEERS_MAX = 16384,
    NETRON_PREFIXES_PER_PEER_MAX = 16,
    NETRON_CIRCUITS_MAX = 4096, /* ids; a circuit that is forwarded has two */
    NETRON_EPOCH_SECONDS_MIN = 3600,
};

/* Suites that seal data packets, as bits of a mask and as numbers on the wire. */
enum {
    NETRON_SUITE_CHACHA20_POLY1305 = 1,
    NETRON_SUITE_AES256_GCM = 2,
};

/** What an endpoint is. */
enum {
    NETRON_ENDPOINT_UDP = 0,
    NETRON_ENDPOINT_CIRCUIT = 1, /* of this node: `scope` is its id, address and port are 0 */
    NETRON_ENDPOINT_TCP = 2,    /* where somebody listens: a connection is made when it is needed */
    NETRON_ENDPOINT_TCP_IN = 3, /* a connection that came from there: it can not be dialled */
};

/** Where a datagram comes from or goes to. */
typedef struct netron_endpoint {
    uint8_t address[16]; /* IPv6, or IPv4 as ::ffff:a.b.c.d */
    uint32_t scope;      /* interface index of a link-local address, id of a circuit, else 0 */
    uint16_t port;       /* host byte order */
    uint16_t kind;       /* NETRON_ENDPOINT_* */
} netron_endpoint;

/** A range of inner addresses. */
typedef struct netron_prefix {
    uint8_t address[16]; /* IPv6, or IPv4 in the first 4 bytes; bits past `length` are 0 */
    uint8_t family;      /* 4 or 6 */
    uint8_t length;      /* in bits: 0 to 32, or 0 to 128 */
    uint8_t reserved[2]; /* 0 */
} netron_prefix;

#endif
