/* SPDX-License-Identifier: Apache-2.0 */
/* ip.h - reading inner IP packets. Pure. */
#ifndef NF_IP_H
#define NF_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What the path needs to know of an inner packet; pointers go into it. */
typedef struct nf_ip {
    uint8_t family;                      /* 4 or 6 */
    uint8_t tos;                         /* TOS or traffic class byte */
    const uint8_t *source, *destination; /* 4 or 16 bytes */
} nf_ip;

/** False unless it is a whole IPv4 or IPv6 packet of exactly `length` bytes: version, header
 *  length, total length. */
bool nf_ip_parse(nf_ip *ip, const uint8_t *packet, size_t length);

/** Does multicast go as far as this network? IPv6 with the scopes link-local, realm-local,
 *  admin-local, site-local and organization-local (RFC 7346), and all of IPv4, which tells none. */
bool nf_ip_is_in_scope(const nf_ip *ip);

/** Does a packet to all speak of a link: who hears which groups (IGMP, MLD), who has which link
 *  address (neighbour discovery)? Here all hear all, and nobody has such an address. */
bool nf_ip_is_of_link(const nf_ip *ip, const uint8_t *packet, size_t length);

/* --- ECN and DSCP: RFC 6040 (normal mode), RFC 2983 (copied out, kept in) --------------------- */

/** The outer TOS byte for an inner one: both fields are copied. */
static inline uint8_t nf_tos_encapsulate(uint8_t inner)
{
    return inner;
}

/** Applies the outer ECN field to a packet that was opened: the figure 4 table of RFC 6040; the
 *  IPv4 header checksum is kept right. The inner DSCP stays. @return false: drop it */
bool nf_tos_decapsulate(uint8_t *packet, uint8_t outer_tos);

/* --- segment sizes ---------------------------------------------------------------------------- */

/** Lowers the MSS option of a TCP SYN (IPv4 or IPv6, first fragment, no IPv6 extension headers) to
 *  what fits `mtu`; any other packet stays as it is; the TCP checksum is updated (RFC 1624), or
 * left to the host if `partial` (the field holds only the pseudo-header's sum, which does not cover
 * the option). */
void nf_mss_clamp(uint8_t *packet, size_t length, uint16_t mtu, bool partial);

/* --- answers of our own ----------------------------------------------------------------------- */

enum { NF_ICMP_BYTES_MAX = 1280 };

typedef enum nf_icmp_kind {
    NF_ICMP_UNREACHABLE, /* IPv4 3/1 host unreachable, IPv6 1/3 address unreachable */
    NF_ICMP_TOO_BIG,     /* IPv4 3/4 with next-hop MTU, IPv6 2/0 with MTU */
} nf_icmp_kind;

/** Writes the ICMP answer to `packet` from `source` (an own address of its family, 4 or 16 bytes).
 *  No answer to: ICMP errors, fragments but the first, multicast, broadcast, unspecified or
 *  loopback sources (RFC 1122 3.2.2, RFC 4443 2.4e). @return its length, or 0 */
size_t nf_icmp_answer(nf_icmp_kind kind,
                      const uint8_t *packet,
                      size_t length,
                      const uint8_t *source,
                      uint32_t mtu,
                      uint8_t out[NF_ICMP_BYTES_MAX]);

#endif
