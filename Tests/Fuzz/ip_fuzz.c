/* SPDX-License-Identifier: Apache-2.0 */
/* ip_fuzz.c - any bytes as an inner packet: read, marked, clamped, answered.
 * Input: outer TOS | MTU u16 | partial | packet. */
#include "machine/assert.h"
#include "machine/checksum.h"
#include "machine/ip.h"
#include "machine/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_right_header(const uint8_t *packet)
{
    size_t header = (size_t)(packet[0] & 15) * 4;
    return nf_checksum_fold(nf_checksum_add(0, packet, header)) == UINT16_MAX;
}

static uint16_t l4_sum(const uint8_t *packet, size_t length, size_t l3)
{
    uint32_t l4_length = (uint32_t)(length - l3);
    uint64_t sum = nf_checksum_pseudo(packet, 6, l4_length);
    return nf_checksum_fold(nf_checksum_add(sum, packet + l3, l4_length));
}

static void answer(nf_icmp_kind kind, const uint8_t *packet, size_t length, uint8_t family)
{
    static const uint8_t own[16] = {10, 0, 0, 1};
    uint8_t *out = malloc(NF_ICMP_BYTES_MAX);
    size_t n = nf_icmp_answer(kind, packet, length, own, 1400, out);
    if (n != 0) {
        nf_ip ip;
        nf_assert(n <= NF_ICMP_BYTES_MAX);
        nf_assert(nf_ip_parse(&ip, out, n) && ip.family == family);
        nf_assert(ip.family == 6 || is_right_header(out));
        /* An error is never answered with another. */
        uint8_t *again = malloc(NF_ICMP_BYTES_MAX);
        nf_assert(nf_icmp_answer(kind, out, n, own, 1400, again) == 0);
        free(again);
    }
    free(out);
}

static void decapsulate(uint8_t *packet, uint8_t family, uint8_t outer)
{
    bool right = family == 6 || is_right_header(packet);
    if (nf_tos_decapsulate(packet, outer)) {
        nf_assert(family == 6 || is_right_header(packet) == right);
        /* What was done once changes nothing when it is done again. */
        uint8_t head[2] = {packet[0], packet[1]};
        nf_assert(nf_tos_decapsulate(packet, outer));
        nf_assert(memcmp(head, packet, 2) == 0);
    }
}

static void clamp(uint8_t *packet, size_t length, uint16_t mtu, bool partial)
{
    bool v4 = packet[0] >> 4 == 4;
    size_t l3 = v4 ? (size_t)(packet[0] & 15) * 4 : 40;
    uint16_t before = l4_sum(packet, length, l3);
    nf_mss_clamp(packet, length, mtu, partial);
    if (!partial) {
        nf_assert(l4_sum(packet, length, l3) == before);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4 || size > 70000) {
        return 0;
    }
    size_t length = size - 4;
    uint8_t *packet = malloc(length + (length == 0));
    memcpy(packet, data + 4, length);
    uint16_t mtu = nf_load_be16(data + 1);
    bool partial = (data[3] & 1) != 0;
    nf_ip ip;
    if (nf_ip_parse(&ip, packet, length)) {
        nf_assert(ip.family == 4 || ip.family == 6);
        nf_assert(ip.destination + (ip.family == 4 ? 4 : 16) <= packet + length);
        (void)nf_ip_is_in_scope(&ip);
        (void)nf_ip_is_of_link(&ip, packet, length);
        answer(NF_ICMP_UNREACHABLE, packet, length, ip.family);
        answer(NF_ICMP_TOO_BIG, packet, length, ip.family);
        decapsulate(packet, ip.family, data[0]);
        clamp(packet, length, mtu, partial);
    } else {
        nf_mss_clamp(packet, length, mtu, partial);
        uint8_t out[NF_ICMP_BYTES_MAX];
        nf_assert(nf_icmp_answer(NF_ICMP_TOO_BIG, packet, length, packet, mtu, out) == 0);
    }
    free(packet);
    return 0;
}
