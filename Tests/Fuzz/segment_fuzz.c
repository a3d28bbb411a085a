/* SPDX-License-Identifier: Apache-2.0 */
/* segment_fuzz.c - cutting and joining are each other's reverse.
 * Input: control | damage at u16 | damage | the host's header (10 bytes) | super-packet.
 * What can be cut is cut into valid packets, which hold the whole. One of them may be damaged; then
 * all are joined, and what was joined is cut again: that must give what went into the joiner. */
#include "machine/assert.h"
#include "machine/checksum.h"
#include "machine/ip.h"
#include "machine/join.h"
#include "machine/segment.h"
#include "machine/wire.h"

#include <stdlib.h>
#include <string.h>

enum { CONTROL_BYTES = 4, PACKETS_MAX = 100, ROOM = 65536 + 64 };
enum { MEND_LENGTHS = 1, MEND_START = 2, CHECKSUMMED = 4, DAMAGE = 8, MEND_DAMAGE = 16 };

typedef struct packet {
    uint8_t *bytes;
    size_t length;
} packet;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint16_t l4_sum(const uint8_t *bytes, size_t length, size_t l3, uint8_t protocol)
{
    uint32_t l4_length = (uint32_t)(length - l3);
    uint64_t sum = nf_checksum_pseudo(bytes, protocol, l4_length);
    return nf_checksum_fold(nf_checksum_add(sum, bytes + l3, l4_length));
}

static void check_segment(const nf_segmenter *s, const uint8_t *bytes, size_t length)
{
    nf_ip ip;
    nf_assert(nf_ip_parse(&ip, bytes, length));
    nf_assert(ip.family == (s->v6 ? 6 : 4));
    nf_assert(length > s->headers && length <= (size_t)s->headers + s->gso_size);
    nf_assert(s->v6 || nf_checksum_fold(nf_checksum_add(0, bytes, s->l3_length)) == UINT16_MAX);
    nf_assert(l4_sum(bytes, length, s->l3_length, s->tcp ? 6 : 17) == UINT16_MAX);
}

/* Cuts into copies. @return how many; those beyond PACKETS_MAX are checked and forgotten */
static unsigned cut(const nf_vnet *vnet, uint8_t *super, size_t length, packet *packets)
{
    nf_segmenter segmenter;
    unsigned count = 0;
    size_t n, payload = 0;
    if (!nf_segment_begin(&segmenter, vnet, super, length)) {
        return 0;
    }
    uint8_t *original = malloc(length);
    memcpy(original, super, length);
    const uint8_t *bytes;
    while ((bytes = nf_segment_next(&segmenter, &n)) != NULL) {
        check_segment(&segmenter, bytes, n);
        size_t headers = segmenter.headers;
        nf_assert(memcmp(bytes + headers, original + headers + payload, n - headers) == 0);
        payload += n - headers;
        if (count < PACKETS_MAX) {
            packets[count] = (packet){malloc(n), n};
            memcpy(packets[count++].bytes, bytes, n);
        }
    }
    nf_assert(segmenter.headers + payload == length);
    free(original);
    return count;
}

/* Compares what was joined and cut again with what it was joined of. Ids are free with DF, and
 * checksums are made anew. */
static void expect_same(uint8_t *now, size_t now_length, const packet *then)
{
    nf_assert(now_length == then->length);
    size_t l3 = then->bytes[0] >> 4 == 4 ? 20 : 40;
    if (l3 == 20 && (then->bytes[6] & 0x40) != 0) {
        memcpy(now + 4, then->bytes + 4, 2);
        memcpy(now + 10, then->bytes + 10, 2);
    }
    memcpy(now + l3 + 16, then->bytes + l3 + 16, 2);
    nf_assert(memcmp(now, then->bytes, now_length) == 0);
}

/* Takes what is pending, which began with packet `first`. @return how many packets it was */
static unsigned take(nf_joiner *joiner, const packet *originals)
{
    const nf_piece *pieces;
    nf_vnet vnet;
    uint32_t count = nf_join_take(joiner, &pieces, &vnet);
    if (count == 1) {
        nf_assert(vnet.flags == 0 && vnet.gso_type == NF_VNET_GSO_NONE && vnet.gso_size == 0);
        nf_assert(pieces[0].length == originals->length);
        nf_assert(memcmp(pieces[0].bytes, originals->bytes, originals->length) == 0);
        return 1;
    }
    uint8_t *super = malloc(ROOM);
    size_t length = 0;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(super + length, pieces[i].bytes, pieces[i].length);
        length += pieces[i].length;
    }
    nf_segmenter segmenter;
    nf_assert(nf_segment_begin(&segmenter, &vnet, super, length));
    for (uint32_t i = 0; i < count; i++) {
        size_t n;
        uint8_t *bytes = nf_segment_next(&segmenter, &n);
        nf_assert(bytes != NULL);
        /* Its header is not read again, but its payload may be overwritten: so compare a copy. */
        uint8_t *copy = malloc(n);
        memcpy(copy, bytes, n);
        expect_same(copy, n, &originals[i]);
        free(copy);
    }
    size_t n;
    nf_assert(nf_segment_next(&segmenter, &n) == NULL);
    free(super);
    return count;
}

static void join(packet *packets, unsigned count, bool checksummed)
{
    nf_joiner joiner = {0};
    packet originals[PACKETS_MAX];
    unsigned first = 0;
    for (unsigned i = 0; i < count; i++) {
        originals[i] = (packet){malloc(packets[i].length), packets[i].length};
        memcpy(originals[i].bytes, packets[i].bytes, packets[i].length);
    }
    for (unsigned i = 0; i < count; i++) {
        if (!nf_join_add(&joiner, packets[i].bytes, packets[i].length, checksummed)) {
            first += take(&joiner, &originals[first]);
            nf_assert(first == i);
            nf_assert(nf_join_add(&joiner, packets[i].bytes, packets[i].length, checksummed));
        }
    }
    first += take(&joiner, &originals[first]);
    nf_assert(first == count);
    for (unsigned i = 0; i < count; i++) {
        free(originals[i].bytes);
    }
}

/* Sets right what chance hardly ever does: that lengths agree, and where the checksum is. */
static void mend(uint8_t control, nf_vnet *vnet, uint8_t *super, size_t length)
{
    if (length < 60) {
        return;
    }
    bool v4 = super[0] >> 4 == 4;
    if ((control & MEND_LENGTHS) != 0 && length <= UINT16_MAX) {
        nf_store_be16(super + (v4 ? 2 : 4), (uint16_t)(length - (v4 ? 0 : 40)));
    }
    if ((control & MEND_START) != 0) {
        bool udp = (v4 ? super[9] : super[6]) == 17;
        vnet->flags |= NF_VNET_NEEDS_CSUM;
        vnet->checksum_start = v4 ? (uint16_t)((super[0] & 15) * 4) : 40;
        vnet->checksum_offset = udp ? 6 : 16;
        vnet->gso_type = udp ? NF_VNET_GSO_UDP_L4 : v4 ? NF_VNET_GSO_TCPV4 : NF_VNET_GSO_TCPV6;
        if (udp && vnet->checksum_start + 8U <= length) {
            nf_store_be16(super + vnet->checksum_start + 4,
                          (uint16_t)(length - vnet->checksum_start));
        }
    }
}

static void damage(uint8_t control, const uint8_t *data, packet *packets, unsigned count)
{
    packet *victim = &packets[data[1] % count];
    if ((control & DAMAGE) == 0) {
        return;
    }
    victim->bytes[data[2] % victim->length] ^= data[3];
    if ((control & MEND_DAMAGE) != 0 && victim->bytes[0] == 0x45) {
        memset(victim->bytes + 10, 0, 2);
        uint16_t sum = (uint16_t)~nf_checksum_fold(nf_checksum_add(0, victim->bytes, 20));
        memcpy(victim->bytes + 10, &sum, 2);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CONTROL_BYTES + NF_VNET_BYTES || size > 65000) {
        return 0;
    }
    nf_vnet vnet;
    packet packets[PACKETS_MAX];
    memcpy(&vnet, data + CONTROL_BYTES, NF_VNET_BYTES);
    size_t length = size - CONTROL_BYTES - NF_VNET_BYTES;
    uint8_t *super = malloc(length + (length == 0));
    memcpy(super, data + CONTROL_BYTES + NF_VNET_BYTES, length);
    mend(data[0], &vnet, super, length);
    unsigned count = cut(&vnet, super, length, packets);
    if (count > 0) {
        damage(data[0], data, packets, count);
        join(packets, count, (data[0] & CHECKSUMMED) != 0);
    }
    for (unsigned i = 0; i < count; i++) {
        free(packets[i].bytes);
    }
    free(super);
    return 0;
}
