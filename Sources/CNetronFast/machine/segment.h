/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h - cutting the super-packets that a TUN with TSO and USO gives. Pure. */
#ifndef NF_SEGMENT_H
#define NF_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The virtio-net header as the TUN gives and takes it (10 bytes, native byte order). */
typedef struct nf_vnet {
    uint8_t flags; /* 1: NEEDS_CSUM */
    uint8_t gso_type;
    uint16_t header_length;
    uint16_t gso_size;
    uint16_t checksum_start;
    uint16_t checksum_offset;
} nf_vnet;

enum nf_vnet_values {
    NF_VNET_BYTES = 10,
    NF_VNET_NEEDS_CSUM = 1,
    NF_VNET_GSO_NONE = 0,
    NF_VNET_GSO_TCPV4 = 1,
    NF_VNET_GSO_TCPV6 = 4,
    NF_VNET_GSO_UDP_L4 = 5,
    NF_VNET_GSO_ECN = 0x80,
};

enum { NF_SEGMENT_HEADERS_MAX = 120 }; /* IPv4 or IPv6 with TCP; options included */

typedef struct nf_segmenter {
    uint8_t *packet;
    size_t length;      /* of the super-packet */
    size_t offset;      /* of the payload that comes next */
    uint16_t l3_length; /* IP header */
    uint16_t headers;   /* IP and TCP or UDP header */
    uint16_t gso_size;
    uint16_t ip_id;
    uint32_t sequence;
    uint64_t pseudo; /* with all of the L4 header that does not change */
    bool tcp, v6;
    uint8_t header[NF_SEGMENT_HEADERS_MAX];
} nf_segmenter;

/** Begins with a super-packet that is read into a buffer of the caller's; it is changed in place.
 *  @return false if header, lengths and `vnet` do not agree: drop it */
bool nf_segment_begin(nf_segmenter *segmenter, const nf_vnet *vnet, uint8_t *packet, size_t length);

/** The next packet, whole, with its own header, length, id, sequence number, flags and checksums
 *  (FIN and PSH only in the last, CWR only in the first); NULL after the last. It lies in the
 *  super-packet and is good until the next call. */
uint8_t *nf_segment_next(nf_segmenter *segmenter, size_t *length);

#endif
