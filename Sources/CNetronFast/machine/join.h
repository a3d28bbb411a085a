/* SPDX-License-Identifier: Apache-2.0 */
/* join.h - joining consecutive TCP segments of one flow for one write to the TUN. Pure; no copies:
 * the result is a list of pieces of the packets, which stay where they are until it is taken. */
#ifndef NF_JOIN_H
#define NF_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/segment.h"

enum { NF_JOIN_PIECES_MAX = 64, NF_JOIN_BYTES_MAX = 65535 };

typedef struct nf_piece {
    uint8_t *bytes;
    size_t length;
} nf_piece;

typedef struct nf_joiner {
    nf_piece pieces[NF_JOIN_PIECES_MAX]; /* the first packet whole, then payloads */
    uint32_t count;
    uint32_t total; /* bytes */
    uint32_t next_sequence;
    uint16_t headers; /* 0: the pending packet takes no more */
    uint16_t segment; /* payload of the first */
    uint16_t l3_length;
    bool v6;
} nf_joiner;

/** Takes a packet in: as the first, or behind the pending ones. `checksummed`: its L4 checksum was
 *  made or completed by the sender's host; else it is verified before it is joined. Never joined:
 *  what is not TCP, a wrong checksum, IPv4 options or fragments, IPv4 ids that do not count up
 *  (without DF), IPv6 extension headers, SYN, FIN, RST, URG, CWR, no payload, another flow,
 *  acknowledgement, TCP options, window, TTL, DSCP, ECN, DF; not in sequence; longer than the
 *  first; anything behind PSH or a shorter one. @return false if it does not fit behind what is
 *  pending: take that first, then add again (an empty joiner always takes) */
bool nf_join_add(nf_joiner *joiner, uint8_t *packet, size_t length, bool checksummed);

/** Closes what is pending: header and pseudo-header sum are set for the whole, `vnet` says what it
 *  is (no flags for a single packet). @return the number of pieces, 0 if nothing is pending; they
 *  are good until the next add. */
uint32_t nf_join_take(nf_joiner *joiner, const nf_piece **pieces, nf_vnet *vnet);

#endif
