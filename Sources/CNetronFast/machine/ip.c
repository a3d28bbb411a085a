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

bool nf_ip_is_in_scope(const nf_ip *ip)
{
    const unsigned scopes = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 8;
    return ip->family == 4 || (scopes >> (ip->destination[1] & 15) & 1) != 0;
}

bool nf_ip_is_of_link(const nf_ip *ip, const uint8_t *packet, size_t length)
{
    enum { HOP_BY_HOP = 0, IGMP = 2, ICMP6 = 58 };
    if (ip->family == 4) {
        return packet[9] == IGMP;
    }
    uint8_t next = packet[6];
    size_t at = 40;
    if (next == HOP_BY_HOP && length >= at + 8) { /* with the router alert of MLD */
        next = packet[at];
        at += ((size_t)packet[at + 1] + 1) * 8;
    }
    /* RFC 2710 and 4861: 130 to 137; RFC 3810: 143. */
    return next == ICMP6 && at < length &&
           ((packet[at] >= 130 && packet[at] <= 137) || packet[at] == 143);
}
