/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c - one super-packet in, packets of the path's size out. */
#include "machine/segment.h"

#include "machine/checksum.h"
#include "machine/ip.h"
#include "machine/wire.h"

#include <string.h>

enum {
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    IP6_HEADER_BYTES = 40,
    TCP_HEADER_BYTES = 20,
    UDP_HEADER_BYTES = 8,
    TCP_FLAGS_AT = 13,
    TCP_CHECKSUM_AT = 16,
    UDP_CHECKSUM_AT = 6,
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_CWR = 0x80,
};

/* Header bytes as a number that a checksum can take. */
static inline uint32_t native32(const uint8_t *bytes)
{
    uint32_t v;
    memcpy(&v, bytes, sizeof(v));
    return v;
}

static inline uint16_t native16(const uint8_t *bytes)
{
    uint16_t v;
    memcpy(&v, bytes, sizeof(v));
    return v;
}

/* --- begin: does it all agree? ---------------------------------------------------------------- */

static bool is_chain4(const uint8_t *packet, size_t l3_length, uint8_t protocol)
{
    bool is_fragment = (nf_load_be16(packet + 6) & 0x3fff) != 0;
    return l3_length == (size_t)(packet[0] & 15) * 4 && packet[9] == protocol && !is_fragment;
}

/* Hop-by-hop and destination options may stand before the L4 header. A routing header may not: the
 * destination that its checksum is made with is not the one in front. */
static bool is_chain6(const uint8_t *packet, size_t l3_length, uint8_t protocol)
{
    uint8_t next = packet[6];
    size_t at = IP6_HEADER_BYTES;
    while (at < l3_length) {
        if (next != 0 && next != 60) {
            return false;
        }
        next = packet[at];
        at += ((size_t)packet[at + 1] + 1) * 8;
    }
    return at == l3_length && next == protocol;
}

static bool take_kind(nf_segmenter *segmenter, const nf_vnet *vnet, uint8_t family)
{
    segmenter->v6 = family == 6;
    switch (vnet->gso_type & ~NF_VNET_GSO_ECN) {
    case NF_VNET_GSO_TCPV4:
        segmenter->tcp = true;
        return family == 4;
    case NF_VNET_GSO_TCPV6:
        segmenter->tcp = true;
        return family == 6;
    case NF_VNET_GSO_UDP_L4:
        segmenter->tcp = false;
        return true;
    default:
        return false;
    }
}

/* The length of the L4 header, 0 if it is not as it must be. */
static size_t check_l4(const nf_segmenter *segmenter, const uint8_t *l4, size_t l4_length)
{
    if (!segmenter->tcp) {
        bool right = l4_length > UDP_HEADER_BYTES && nf_load_be16(l4 + 4) == l4_length;
        return right ? UDP_HEADER_BYTES : 0;
    }
    if (l4_length <= TCP_HEADER_BYTES || (l4[TCP_FLAGS_AT] & (TCP_SYN | TCP_RST)) != 0) {
        return 0;
    }
    size_t header = (size_t)(l4[12] >> 4) * 4;
    return header >= TCP_HEADER_BYTES && header < l4_length ? header : 0;
}

/* The template: what differs between segments is 0 in it, so that it does not count in sums. */
static void make_template(nf_segmenter *segmenter)
{
    uint8_t *l3 = segmenter->header;
    uint8_t *l4 = l3 + segmenter->l3_length;
    memcpy(l3, segmenter->packet, segmenter->headers);
    if (segmenter->v6) {
        memset(l3 + 4, 0, 2);
    } else {
        segmenter->ip_id = nf_load_be16(l3 + 4);
        memset(l3 + 2, 0, 4);
        memset(l3 + 10, 0, 2);
    }
    if (segmenter->tcp) {
        segmenter->sequence = nf_load_be32(l4 + 4);
        memset(l4 + 4, 0, 4);
        memset(l4 + TCP_CHECKSUM_AT, 0, 2);
    } else {
        memset(l4 + 4, 0, 4);
    }
}

bool nf_segment_begin(nf_segmenter *segmenter, const nf_vnet *vnet, uint8_t *packet, size_t length)
{
    nf_ip ip;
    if (!nf_ip_parse(&ip, packet, length) || !take_kind(segmenter, vnet, ip.family)) {
        return false;
    }
    uint8_t protocol = segmenter->tcp ? PROTOCOL_TCP : PROTOCOL_UDP;
    uint16_t offset = segmenter->tcp ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT;
    size_t l3_length = vnet->checksum_start;
    /* The host's header_length is a hint, often more than the headers; it is not looked at. */
    if (vnet->gso_size == 0 || (vnet->flags & NF_VNET_NEEDS_CSUM) == 0 ||
        vnet->checksum_offset != offset || l3_length >= length ||
        !(ip.family == 4 ? is_chain4(packet, l3_length, protocol)
                         : is_chain6(packet, l3_length, protocol))) {
        return false;
    }
    size_t l4_header = check_l4(segmenter, packet + l3_length, length - l3_length);
    if (l4_header == 0 || l3_length + l4_header > NF_SEGMENT_HEADERS_MAX) {
        return false;
    }
    segmenter->packet = packet;
    segmenter->length = length;
    segmenter->offset = l3_length + l4_header;
    segmenter->l3_length = (uint16_t)l3_length;
    segmenter->headers = (uint16_t)segmenter->offset;
    segmenter->gso_size = vnet->gso_size;
    make_template(segmenter);
    /* All that the segments' L4 checksums share. The flags change, so they are added with each. */
    uint8_t *l4 = segmenter->header + l3_length;
    segmenter->pseudo = nf_checksum_pseudo(packet, protocol, 0);
    segmenter->pseudo = nf_checksum_add(segmenter->pseudo, l4, l4_header);
    segmenter->pseudo -= segmenter->tcp ? native16(l4 + 12) : 0;
    return true;
}

/* --- next ------------------------------------------------------------------------------------- */

static void write_l3(nf_segmenter *segmenter, uint8_t *packet, size_t total)
{
    if (segmenter->v6) {
        nf_store_be16(packet + 4, (uint16_t)(total - IP6_HEADER_BYTES));
        return;
    }
    nf_store_be16(packet + 2, (uint16_t)total);
    nf_store_be16(packet + 4, segmenter->ip_id++);
    uint64_t sum = nf_checksum_add(native32(packet + 2), segmenter->header, segmenter->l3_length);
    uint16_t checksum = (uint16_t)~nf_checksum_fold(sum);
    memcpy(packet + 10, &checksum, sizeof(checksum));
}

static void write_tcp(nf_segmenter *segmenter, uint8_t *tcp, size_t payload, uint64_t sum)
{
    if (segmenter->offset + payload < segmenter->length) {
        tcp[TCP_FLAGS_AT] &= (uint8_t)~(TCP_FIN | TCP_PSH);
    }
    segmenter->header[segmenter->l3_length + TCP_FLAGS_AT] &= (uint8_t)~TCP_CWR;
    nf_store_be32(tcp + 4, segmenter->sequence);
    segmenter->sequence += (uint32_t)payload;
    sum += (uint64_t)native32(tcp + 4) + native16(tcp + 12);
    uint16_t checksum = (uint16_t)~nf_checksum_fold(sum);
    memcpy(tcp + TCP_CHECKSUM_AT, &checksum, sizeof(checksum));
}

static void write_udp(uint8_t *udp, size_t l4_length, uint64_t sum)
{
    nf_store_be16(udp + 4, (uint16_t)l4_length);
    uint16_t checksum = (uint16_t)~nf_checksum_fold(sum + native16(udp + 4));
    if (checksum == 0) {
        checksum = UINT16_MAX; /* 0 would say that there is none */
    }
    memcpy(udp + UDP_CHECKSUM_AT, &checksum, sizeof(checksum));
}

uint8_t *nf_segment_next(nf_segmenter *segmenter, size_t *length)
{
    if (segmenter->offset >= segmenter->length) {
        return NULL;
    }
    size_t payload = segmenter->length - segmenter->offset;
    if (payload > segmenter->gso_size) {
        payload = segmenter->gso_size;
    }
    /* The header goes over the end of the payload before, which the caller is done with. */
    uint8_t *packet = segmenter->packet + segmenter->offset - segmenter->headers;
    size_t total = segmenter->headers + payload;
    size_t l4_length = total - segmenter->l3_length;
    uint8_t pseudo_length[4];
    nf_store_be32(pseudo_length, (uint32_t)l4_length);
    uint64_t sum = segmenter->pseudo + native32(pseudo_length);
    sum = nf_checksum_add(sum, packet + segmenter->headers, payload);
    memcpy(packet, segmenter->header, segmenter->headers);
    write_l3(segmenter, packet, total);
    if (segmenter->tcp) {
        write_tcp(segmenter, packet + segmenter->l3_length, payload, sum);
    } else {
        write_udp(packet + segmenter->l3_length, l4_length, sum);
    }
    segmenter->offset += payload;
    *length = total;
    return packet;
}
