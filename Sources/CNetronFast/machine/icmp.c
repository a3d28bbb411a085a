/* SPDX-License-Identifier: Apache-2.0 */
/* icmp.c - ICMP errors that we answer with, and the packets that get none. */
#include "machine/ip.h"

#include "machine/checksum.h"
#include "machine/wire.h"

#include <string.h>

enum {
    ICMP4_BYTES_MAX = 576, /* RFC 1812 4.3.2.3; IPv6 may fill its least MTU (RFC 4443 2.4c) */
    ICMP_HEADER_BYTES = 8,
    ANSWER_HOPS = 64,
    ANSWER_TOS4 = 0xc0, /* internetwork control (RFC 1812 4.3.2.5) */
    PROTOCOL_ICMP = 1,
    PROTOCOL_ICMP6 = 58,
    EXTENSIONS_MAX = 16, /* headers looked through; more is no honest packet */
};

/* --- whom not to answer ----------------------------------------------------------------------- */

/* A host of its own: not 0/8, not 127/8, not multicast, not class E (RFC 1122 3.2.2). */
static bool is_single_host4(const uint8_t *address)
{
    return address[0] != 0 && address[0] != 127 && address[0] < 224;
}

static bool is_single_host6(const uint8_t *address)
{
    static const uint8_t zeros[15];
    bool unspecified_or_loopback = memcmp(address, zeros, sizeof(zeros)) == 0 && address[15] <= 1;
    return address[0] != 0xff && !unspecified_or_loopback;
}

/* Errors, and what is unknown and so might be one: all but the queries and their replies. */
static bool is_query4(uint8_t type)
{
    return type == 0 || (type >= 8 && type <= 10) || (type >= 13 && type <= 18);
}

static bool may_answer4(const uint8_t *packet, size_t length)
{
    static const uint8_t broadcast[4] = {255, 255, 255, 255};
    size_t header = (size_t)(packet[0] & 15) * 4;
    if (!is_single_host4(packet + 12) || (packet[16] & 0xf0) == 0xe0 ||
        memcmp(packet + 16, broadcast, sizeof(broadcast)) == 0 ||
        (nf_load_be16(packet + 6) & 0x1fff) != 0) {
        return false;
    }
    return packet[9] != PROTOCOL_ICMP || (header < length && is_query4(packet[header]));
}

/* Looks through the extension headers. False if what stands behind them is a later fragment, or
 * an ICMP error or redirect, or if they are cut off, so that nobody can tell. */
static bool may_answer_upper6(const uint8_t *packet, size_t length)
{
    uint8_t next = packet[6];
    size_t at = 40;
    for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
        switch (next) {
        case PROTOCOL_ICMP6:
            return at < length && packet[at] >= 128 && packet[at] != 137;
        case 0:   /* hop-by-hop */
        case 43:  /* routing */
        case 44:  /* fragment */
        case 51:  /* authentication */
        case 60:  /* destination */
        case 135: /* mobility */
            break;
        default:
            return true;
        }
        if (length - at < 8) {
            return false;
        }
        if (next == 44 && (nf_load_be16(packet + at + 2) & 0xfff8) != 0) {
            return false;
        }
        size_t units = next == 44 ? 0 : packet[at + 1];
        size_t header = next == 51 ? (units + 2) * 4 : (units + 1) * 8;
        if (header > length - at) {
            return false;
        }
        next = packet[at];
        at += header;
    }
    return false;
}

static bool may_answer6(const uint8_t *packet, size_t length)
{
    return is_single_host6(packet + 8) && packet[24] != 0xff && may_answer_upper6(packet, length);
}

/* --- the answers ------------------------------------------------------------------------------ */

static size_t quote(uint8_t *out, size_t header, size_t limit, const uint8_t *packet, size_t length)
{
    size_t room = limit - header - ICMP_HEADER_BYTES;
    size_t quoted = length < room ? length : room;
    memcpy(out + header + ICMP_HEADER_BYTES, packet, quoted);
    return header + ICMP_HEADER_BYTES + quoted;
}

static size_t answer4(nf_icmp_kind kind,
                      const uint8_t *packet,
                      size_t length,
                      const uint8_t *source,
                      uint32_t mtu,
                      uint8_t *out)
{
    memset(out, 0, 20 + ICMP_HEADER_BYTES);
    size_t total = quote(out, 20, ICMP4_BYTES_MAX, packet, length);
    out[0] = 0x45;
    out[1] = ANSWER_TOS4;
    nf_store_be16(out + 2, (uint16_t)total);
    nf_store_be16(out + 6, 0x4000); /* not to be fragmented, so id 0 will do (RFC 6864) */
    out[8] = ANSWER_HOPS;
    out[9] = PROTOCOL_ICMP;
    memcpy(out + 12, source, 4);
    memcpy(out + 16, packet + 12, 4);
    uint16_t checksum = (uint16_t)~nf_checksum_fold(nf_checksum_add(0, out, 20));
    memcpy(out + 10, &checksum, sizeof(checksum));
    out[20] = 3;
    if (kind == NF_ICMP_TOO_BIG) {
        out[21] = 4;
        nf_store_be16(out + 26, mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)mtu);
    } else {
        out[21] = 1;
    }
    checksum = (uint16_t)~nf_checksum_fold(nf_checksum_add(0, out + 20, total - 20));
    memcpy(out + 22, &checksum, sizeof(checksum));
    return total;
}

static size_t answer6(nf_icmp_kind kind,
                      const uint8_t *packet,
                      size_t length,
                      const uint8_t *source,
                      uint32_t mtu,
                      uint8_t *out)
{
    memset(out, 0, 40 + ICMP_HEADER_BYTES);
    size_t total = quote(out, 40, NF_ICMP_BYTES_MAX, packet, length);
    out[0] = 0x60;
    nf_store_be16(out + 4, (uint16_t)(total - 40));
    out[6] = PROTOCOL_ICMP6;
    out[7] = ANSWER_HOPS;
    memcpy(out + 8, source, 16);
    memcpy(out + 24, packet + 8, 16);
    if (kind == NF_ICMP_TOO_BIG) {
        out[40] = 2;
        nf_store_be32(out + 44, mtu);
    } else {
        out[40] = 1;
        out[41] = 3;
    }
    uint64_t pseudo = nf_checksum_pseudo(out, PROTOCOL_ICMP6, (uint32_t)(total - 40));
    uint16_t checksum = (uint16_t)~nf_checksum_fold(nf_checksum_add(pseudo, out + 40, total - 40));
    memcpy(out + 42, &checksum, sizeof(checksum));
    return total;
}

size_t nf_icmp_answer(nf_icmp_kind kind,
                      const uint8_t *packet,
                      size_t length,
                      const uint8_t *source,
                      uint32_t mtu,
                      uint8_t out[NF_ICMP_BYTES_MAX])
{
    nf_ip ip;
    if (!nf_ip_parse(&ip, packet, length)) {
        return 0;
    }
    if (ip.family == 4) {
        return may_answer4(packet, length) ? answer4(kind, packet, length, source, mtu, out) : 0;
    }
    return may_answer6(packet, length) ? answer6(kind, packet, length, source, mtu, out) : 0;
}
