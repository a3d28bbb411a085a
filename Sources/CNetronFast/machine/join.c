/* SPDX-License-Identifier: Apache-2.0 */
/* join.c - the segmenter backwards: what is joined here and cut again is what it was before. */
#include "machine/join.h"

#include "machine/checksum.h"
#include "machine/wire.h"

#include <string.h>

enum {
    PROTOCOL_TCP = 6,
    IP4_HEADER_BYTES = 20, /* options are never joined */
    IP6_HEADER_BYTES = 40, /* nor are extension headers */
    IP4_DF = 0x4000,
    TCP_HEADER_BYTES = 20,
    TCP_FLAGS_AT = 13,
    TCP_CHECKSUM_AT = 16,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_ECE = 0x40,
};

/* What was learned of a packet that may be joined. */
typedef struct segment {
    uint8_t *packet;
    size_t length;
    uint16_t l3_length;
    uint16_t headers;
    uint16_t payload;
    bool checksummed;
} segment;

static inline bool is_equal(const uint8_t *a, const uint8_t *b, size_t length)
{
    return memcmp(a, b, length) == 0;
}

/* The length of an IP header that TCP stands right behind, 0 if this is not such a packet. */
static size_t check_l3(const uint8_t *packet, size_t length)
{
    if (length < IP4_HEADER_BYTES + TCP_HEADER_BYTES) {
        return 0;
    }
    if (packet[0] == 0x45) {
        bool whole = nf_load_be16(packet + 2) == length;
        bool unfragmented = (nf_load_be16(packet + 6) & ~IP4_DF) == 0;
        /* Joined packets get a new header checksum, which must not hide that one was wrong. */
        bool right = nf_checksum_fold(nf_checksum_add(0, packet, IP4_HEADER_BYTES)) == UINT16_MAX;
        return whole && unfragmented && right && packet[9] == PROTOCOL_TCP ? IP4_HEADER_BYTES : 0;
    }
    if (packet[0] >> 4 == 6 && length >= IP6_HEADER_BYTES + TCP_HEADER_BYTES) {
        bool whole = (size_t)nf_load_be16(packet + 4) + IP6_HEADER_BYTES == length;
        return whole && packet[6] == PROTOCOL_TCP ? IP6_HEADER_BYTES : 0;
    }
    return 0;
}

/* False for what is never joined, whatever stands before or behind it. */
static bool look(segment *s, uint8_t *packet, size_t length, bool checksummed)
{
    size_t l3_length = check_l3(packet, length);
    if (l3_length == 0) {
        return false;
    }
    const uint8_t *tcp = packet + l3_length;
    size_t header = (size_t)(tcp[12] >> 4) * 4;
    bool plain = (tcp[TCP_FLAGS_AT] & ~(TCP_PSH | TCP_ECE)) == TCP_ACK;
    if (!plain || header < TCP_HEADER_BYTES || l3_length + header >= length) {
        return false;
    }
    s->packet = packet;
    s->length = length;
    s->l3_length = (uint16_t)l3_length;
    s->headers = (uint16_t)(l3_length + header);
    s->payload = (uint16_t)(length - s->headers);
    s->checksummed = checksummed;
    return true;
}

/* A joined packet's checksum is made anew by the host, so it must have been right: known from the
 * sender, or seen here. The latter reads the whole packet, hence it is asked last. */
static bool is_right(const segment *s)
{
    if (s->checksummed) {
        return true;
    }
    uint32_t l4_length = (uint32_t)(s->length - s->l3_length);
    uint64_t sum = nf_checksum_pseudo(s->packet, PROTOCOL_TCP, l4_length);
    return nf_checksum_fold(nf_checksum_add(sum, s->packet + s->l3_length, l4_length)) ==
           UINT16_MAX;
}

static bool is_same_l3(const uint8_t *first, const uint8_t *packet, bool v6, uint32_t count)
{
    if (v6) {
        /* Version, class and flow label; hop limit; addresses. */
        return is_equal(first, packet, 4) && first[7] == packet[7] &&
               is_equal(first + 8, packet + 8, 32);
    }
    uint16_t df = nf_load_be16(packet + 6);
    if (first[1] != packet[1] || df != nf_load_be16(first + 6) || first[8] != packet[8] ||
        !is_equal(first + 12, packet + 12, 8)) {
        return false;
    }
    /* Who cuts the joined packet counts ids up from the first. With DF they mean nothing (RFC
     * 6864); without it a changed id could meet another packet's where both are fragmented. */
    return df != 0 || nf_load_be16(packet + 4) == (uint16_t)(nf_load_be16(first + 4) + count);
}

static bool is_same_l4(const uint8_t *first, const uint8_t *tcp, size_t header)
{
    /* Ports; acknowledgement, data offset and reserved bits; window; urgent pointer; options. */
    return is_equal(first, tcp, 4) && is_equal(first + 8, tcp + 8, 5) &&
           ((first[TCP_FLAGS_AT] ^ tcp[TCP_FLAGS_AT]) & ~TCP_PSH) == 0 &&
           is_equal(first + 14, tcp + 14, 2) && is_equal(first + 18, tcp + 18, header - 18);
}

static bool is_next(const nf_joiner *joiner, const segment *s)
{
    const uint8_t *first = joiner->pieces[0].bytes;
    return joiner->l3_length == s->l3_length && joiner->headers == s->headers &&
           s->payload <= joiner->segment && joiner->count < NF_JOIN_PIECES_MAX &&
           joiner->total + s->payload <= NF_JOIN_BYTES_MAX &&
           nf_load_be32(s->packet + s->l3_length + 4) == joiner->next_sequence &&
           is_same_l3(first, s->packet, joiner->v6, joiner->count) &&
           is_same_l4(first + s->l3_length, s->packet + s->l3_length,
                      (size_t)(s->headers - s->l3_length)) &&
           is_right(s);
}

static void take_first(nf_joiner *joiner, uint8_t *packet, size_t length, bool checksummed)
{
    segment s;
    joiner->pieces[0] = (nf_piece){packet, length};
    joiner->count = 1;
    joiner->total = (uint32_t)length;
    joiner->headers = 0;
    if (!look(&s, packet, length, checksummed)) {
        return;
    }
    const uint8_t *tcp = packet + s.l3_length;
    if ((tcp[TCP_FLAGS_AT] & TCP_PSH) != 0 || !is_right(&s)) {
        return;
    }
    joiner->headers = s.headers;
    joiner->segment = s.payload;
    joiner->l3_length = s.l3_length;
    joiner->next_sequence = nf_load_be32(tcp + 4) + s.payload;
    joiner->v6 = s.l3_length == IP6_HEADER_BYTES;
}

bool nf_join_add(nf_joiner *joiner, uint8_t *packet, size_t length, bool checksummed)
{
    if (joiner->count == 0) {
        take_first(joiner, packet, length, checksummed);
        return true;
    }
    segment s;
    if (joiner->headers == 0 || !look(&s, packet, length, checksummed) || !is_next(joiner, &s)) {
        return false;
    }
    uint8_t psh = packet[s.l3_length + TCP_FLAGS_AT] & TCP_PSH;
    joiner->pieces[joiner->count++] = (nf_piece){packet + s.headers, s.payload};
    joiner->total += s.payload;
    joiner->next_sequence += s.payload;
    joiner->pieces[0].bytes[s.l3_length + TCP_FLAGS_AT] |= psh;
    if (psh != 0 || s.payload < joiner->segment) {
        joiner->headers = 0;
    }
    return true;
}

static void finish(nf_joiner *joiner, nf_vnet *vnet)
{
    uint8_t *packet = joiner->pieces[0].bytes;
    uint8_t *tcp = packet + joiner->l3_length;
    uint32_t l4_length = joiner->total - joiner->l3_length;
    if (joiner->v6) {
        nf_store_be16(packet + 4, (uint16_t)l4_length);
    } else {
        nf_store_be16(packet + 2, (uint16_t)joiner->total);
        memset(packet + 10, 0, 2);
        uint16_t checksum =
            (uint16_t)~nf_checksum_fold(nf_checksum_add(0, packet, IP4_HEADER_BYTES));
        memcpy(packet + 10, &checksum, sizeof(checksum));
    }
    uint16_t partial = nf_checksum_fold(nf_checksum_pseudo(packet, PROTOCOL_TCP, l4_length));
    memcpy(tcp + TCP_CHECKSUM_AT, &partial, sizeof(partial));
    *vnet = (nf_vnet){
        .flags = NF_VNET_NEEDS_CSUM,
        .gso_type = joiner->v6 ? NF_VNET_GSO_TCPV6 : NF_VNET_GSO_TCPV4,
        .header_length = (uint16_t)(joiner->l3_length + (tcp[12] >> 4) * 4),
        .gso_size = joiner->segment,
        .checksum_start = joiner->l3_length,
        .checksum_offset = TCP_CHECKSUM_AT,
    };
}

uint32_t nf_join_take(nf_joiner *joiner, const nf_piece **pieces, nf_vnet *vnet)
{
    uint32_t count = joiner->count;
    *pieces = joiner->pieces;
    *vnet = (nf_vnet){0};
    if (count > 1) {
        finish(joiner, vnet);
    }
    joiner->count = 0;
    return count;
}
