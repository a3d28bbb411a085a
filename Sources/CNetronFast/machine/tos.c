/* SPDX-License-Identifier: Apache-2.0 */
/* tos.c - the outer ECN field onto the inner packet (RFC 6040, section 4.2). */
#include "machine/ip.h"

#include "machine/checksum.h"

#include <string.h>

enum ecn { ECN_NOT_ECT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3, ECN_MASK = 3 };

/* The first 16 bits of an IPv4 header hold the TOS byte; RFC 1624, equation 3, so that a checksum
 * that was wrong stays wrong. */
static void set_tos4(uint8_t *packet, uint8_t tos)
{
    uint16_t before, after, checksum;
    memcpy(&before, packet, sizeof(before));
    packet[1] = tos;
    memcpy(&after, packet, sizeof(after));
    memcpy(&checksum, packet + 10, sizeof(checksum));
    uint64_t sum = (uint64_t)(uint16_t)~checksum + (uint16_t)~before + after;
    checksum = (uint16_t)~nf_checksum_fold(sum);
    memcpy(packet + 10, &checksum, sizeof(checksum));
}

static void set_ecn(uint8_t *packet, uint8_t ecn)
{
    if (packet[0] >> 4 == 4) {
        set_tos4(packet, (uint8_t)((packet[1] & ~ECN_MASK) | ecn));
    } else {
        packet[1] = (uint8_t)((packet[1] & ~(ECN_MASK << 4)) | ecn << 4);
    }
}

bool nf_tos_decapsulate(uint8_t *packet, uint8_t outer_tos)
{
    uint8_t outer = outer_tos & ECN_MASK;
    uint8_t inner = (packet[0] >> 4 == 4 ? packet[1] : packet[1] >> 4) & ECN_MASK;
    if (outer == ECN_CE && inner == ECN_NOT_ECT) {
        /* Its sender would not understand the mark, so the loss has to say it. */
        return false;
    }
    /* CE always comes through; ECT(1) does onto ECT(0) alone, as a mark weaker than CE. In every
     * other field of the table the inner one stays. */
    if ((outer == ECN_CE && inner != ECN_CE) || (outer == ECN_ECT1 && inner == ECN_ECT0)) {
        set_ecn(packet, outer);
    }
    return true;
}
