/* SPDX-License-Identifier: Apache-2.0 */
/* ip.c - is it a whole packet, and whose? */
#include "machine/ip.h"

#include "machine/wire.h"

static bool parse4(nf_ip *ip, const uint8_t *packet, size_t length)
{
    size_t header = (size_t)(packet[0] & 15) * 4;
    if (header < 20 || header > length || nf_load_be16(packet + 2) != length) {
        return false;
    }
    ip->family = 4;
    ip->tos = packet[1];
    ip->source = packet + 12;
    ip->destination = packet + 16;
    return true;
}

static bool parse6(nf_ip *ip, const uint8_t *packet, size_t length)
{
    if (length < 40 || (size_t)nf_load_be16(packet + 4) + 40 != length) {
        return false;
    }
    ip->family = 6;
    ip->tos = (uint8_t)(packet[0] << 4 | packet[1] >> 4);
    ip->source = packet + 8;
    ip->destination = packet + 24;
    return true;
}

bool nf_ip_parse(nf_ip *ip, const uint8_t *packet, size_t length)
{
    if (length == 0) {
        return false;
    }
    switch (packet[0] >> 4) {
    case 4:
        return parse4(ip, packet, length);
    case 6:
        return parse6(ip, packet, length);
    default:
        return false;
    }
}
