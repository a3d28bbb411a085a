/* SPDX-License-Identifier: Apache-2.0 */
/* checksum.c - the Internet checksum, in vectors of the compiler's that any target has. */
#include "machine/checksum.h"

#include "machine/wire.h"

#include <string.h>

enum { BLOCK_BYTES = 64, UDP_CHECKSUM_OFFSET = 6 };

typedef uint64_t lanes __attribute__((vector_size(16)));

static inline lanes load_lanes(const uint8_t *bytes)
{
    lanes v;
    memcpy(&v, bytes, sizeof(v));
    return v;
}

/* One's complement sums do not care how wide the words are, so each 64-bit word counts as two
 * 32-bit ones. Only the high halves are split off: `whole` wraps, but less the high halves it is
 * the sum of the low ones, which fits, and that saves a mask a word. */
static uint64_t add_blocks(uint64_t sum, const uint8_t *bytes, size_t blocks)
{
    lanes whole0 = {0}, whole1 = {0}, high0 = {0}, high1 = {0};
    for (; blocks > 0; blocks--, bytes += BLOCK_BYTES) {
        lanes a = load_lanes(bytes);
        lanes b = load_lanes(bytes + 16);
        lanes c = load_lanes(bytes + 32);
        lanes d = load_lanes(bytes + 48);
        whole0 += a;
        high0 += a >> 32;
        whole1 += b;
        high1 += b >> 32;
        whole0 += c;
        high0 += c >> 32;
        whole1 += d;
        high1 += d >> 32;
    }
    lanes high = high0 + high1;
    lanes low = whole0 + whole1 - (high << 32);
    lanes both = low + high;
    return sum + both[0] + both[1];
}

uint64_t nf_checksum_add(uint64_t sum, const uint8_t *bytes, size_t length)
{
    if (length >= BLOCK_BYTES) {
        sum = add_blocks(sum, bytes, length / BLOCK_BYTES);
        bytes += length & ~(size_t)(BLOCK_BYTES - 1);
        length &= BLOCK_BYTES - 1;
    }
    for (; length >= 8; length -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof(word));
        sum += (word & UINT32_MAX) + (word >> 32);
    }
    if ((length & 4) != 0) {
        uint32_t word;
        memcpy(&word, bytes, sizeof(word));
        sum += word;
        bytes += 4;
    }
    if ((length & 2) != 0) {
        uint16_t word;
        memcpy(&word, bytes, sizeof(word));
        sum += word;
        bytes += 2;
    }
    if ((length & 1) != 0) {
        /* The odd byte is the first of a word whose second is 0, in memory's order. */
        uint16_t word = 0;
        memcpy(&word, bytes, 1);
        sum += word;
    }
    return sum;
}

uint16_t nf_checksum_fold(uint64_t sum)
{
    sum = (sum & UINT32_MAX) + (sum >> 32);                              /* <= 0x1fffffffe */
    sum = (sum & UINT16_MAX) + ((sum >> 16) & UINT16_MAX) + (sum >> 32); /* <= 0x1fffe */
    sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)sum;
}

uint64_t nf_checksum_pseudo(const uint8_t *packet, uint8_t protocol, uint32_t l4_length)
{
    /* IPv6's form; IPv4's differs in zeros only. */
    uint8_t rest[8] = {0, 0, 0, 0, 0, 0, 0, protocol};
    nf_store_be32(rest, l4_length);
    uint64_t sum = nf_checksum_add(0, rest, sizeof(rest));
    return packet[0] >> 4 == 4 ? nf_checksum_add(sum, packet + 12, 8)
                               : nf_checksum_add(sum, packet + 8, 32);
}

bool nf_checksum_complete(uint8_t *packet, size_t length, uint16_t start, uint16_t offset)
{
    size_t field = (size_t)start + offset;
    if (field + 2 > length) {
        return false;
    }
    uint16_t checksum =
        (uint16_t)~nf_checksum_fold(nf_checksum_add(0, packet + start, length - start));
    /* A UDP checksum of 0 would say that there is none (RFC 768); no other protocol with a sum of
     * this kind keeps it at UDP's place. */
    if (checksum == 0 && offset == UDP_CHECKSUM_OFFSET) {
        checksum = UINT16_MAX;
    }
    memcpy(packet + field, &checksum, sizeof(checksum));
    return true;
}
