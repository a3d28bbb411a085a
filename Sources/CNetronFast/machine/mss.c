/* SPDX-License-Identifier: Apache-2.0 */
/* mss.c - the MSS option of TCP SYNs, lowered to what the tunnel passes. */
#include "machine/ip.h"

#include "machine/checksum.h"
#include "machine/wire.h"

#include <string.h>

enum {
    PROTOCOL_TCP = 6,
    TCP_HEADER_BYTES = 20,
    TCP_SYN = 0x02,
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_MSS = 2,
    OPTION_MSS_BYTES = 4,
};

/* Where the TCP header of a SYN begins; 0 if it is none. */
static size_t find_syn(const uint8_t *packet, size_t length)
{
    size_t l3;
    if (length >= 40 && packet[0] >> 4 == 4) {
        l3 = (size_t)(packet[0] & 15) * 4;
        if (packet[9] != PROTOCOL_TCP || l3 < 20 || (nf_load_be16(packet + 6) & 0x1fff) != 0) {
            return 0;
        }
    } else if (length >= 60 && packet[0] >> 4 == 6) {
        l3 = 40;
        if (packet[6] != PROTOCOL_TCP) {
            return 0;
        }
    } else {
        return 0;
    }
    return l3 + TCP_HEADER_BYTES <= length && (packet[l3 + 13] & TCP_SYN) != 0 ? l3 : 0;
}

/* Writes 16 bits at an offset of the TCP header and mends the checksum (RFC 1624, equation 3). At
 * an odd offset both bytes count in the other half of their words. */
static void replace16(uint8_t *tcp, size_t offset, uint16_t value, bool partial)
{
    uint16_t before, after, checksum;
    memcpy(&before, tcp + offset, sizeof(before));
    nf_store_be16(tcp + offset, value);
    if (partial) {
        return;
    }
    memcpy(&after, tcp + offset, sizeof(after));
    if ((offset & 1) != 0) {
        before = __builtin_bswap16(before);
        after = __builtin_bswap16(after);
    }
    memcpy(&checksum, tcp + 16, sizeof(checksum));
    uint64_t sum = (uint64_t)(uint16_t)~checksum + (uint16_t)~before + after;
    checksum = (uint16_t)~nf_checksum_fold(sum);
    memcpy(tcp + 16, &checksum, sizeof(checksum));
}

void nf_mss_clamp(uint8_t *packet, size_t length, uint16_t mtu, bool partial)
{
    size_t l3 = find_syn(packet, length);
    if (l3 == 0) {
        return;
    }
    uint8_t *tcp = packet + l3;
    size_t header = (size_t)(tcp[12] >> 4) * 4;
    /* The MSS leaves out options of either header (RFC 6691), so it counts from the bare ones. */
    size_t bare = (packet[0] >> 4 == 4 ? 20 : 40) + TCP_HEADER_BYTES;
    if (header > length - l3 || mtu <= bare) {
        return;
    }
    uint16_t mss = (uint16_t)(mtu - bare);
    size_t at = TCP_HEADER_BYTES;
    while (at < header && tcp[at] != OPTION_END) {
        if (tcp[at] == OPTION_NOP) {
            at++;
            continue;
        }
        if (header - at < 2 || tcp[at + 1] < 2 || tcp[at + 1] > header - at) {
            return;
        }
        /* All of them, since hosts differ in whether the first or the last one counts. */
        if (tcp[at] == OPTION_MSS && tcp[at + 1] == OPTION_MSS_BYTES &&
            nf_load_be16(tcp + at + 2) > mss) {
            replace16(tcp, at + 2, mss, partial);
        }
        at += tcp[at + 1];
    }
}
