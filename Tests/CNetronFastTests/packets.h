/* SPDX-License-Identifier: Apache-2.0 */
/* packets.h - inner packets for tests: made from a recipe, and judged by plain arithmetic that
 * shares nothing with the core. */
#ifndef NF_TEST_PACKETS_H
#define NF_TEST_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TCP = 6, UDP = 17, FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64 };
enum { CWR = 128, DF = 0x4000 };

typedef struct recipe {
    bool v6, udp;
    uint8_t tos, flags;
    uint8_t options; /* bytes of TCP options */
    uint16_t id, fragment;
    uint32_t sequence;
    size_t payload;
} recipe;

static inline void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

static inline unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static inline uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* The checksum a byte at a time, in network order. */
static inline unsigned plain_sum(unsigned sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        sum += (i & 1) == 0 ? (unsigned)bytes[i] << 8 : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* Where the L4 header begins, and what it is; IPv6 options in front are passed over. */
static inline size_t l4_of(const uint8_t *packet, uint8_t *protocol)
{
    if (packet[0] >> 4 == 4) {
        *protocol = packet[9];
        return (size_t)(packet[0] & 15) * 4;
    }
    size_t at = 40;
    *protocol = packet[6];
    while (*protocol == 0 || *protocol == 60) {
        *protocol = packet[at];
        at += ((size_t)packet[at + 1] + 1) * 8;
    }
    return at;
}

static inline unsigned pseudo_sum(const uint8_t *packet, uint8_t protocol, size_t l4_length)
{
    uint8_t rest[6] = {0, 0, 0, 0, 0, protocol};
    put32(rest, (uint32_t)l4_length);
    unsigned sum = plain_sum(0, rest, sizeof(rest));
    return packet[0] >> 4 == 4 ? plain_sum(sum, packet + 12, 8) : plain_sum(sum, packet + 8, 32);
}

static inline unsigned l4_sum(const uint8_t *packet, size_t length)
{
    uint8_t protocol;
    size_t l4 = l4_of(packet, &protocol);
    unsigned sum = pseudo_sum(packet, protocol, length - l4);
    return plain_sum(sum, packet + l4, length - l4);
}

/* Sets lengths and checksums right, whatever else the packet says. */
static inline void reseal(uint8_t *packet, size_t length)
{
    uint8_t protocol;
    size_t l4 = l4_of(packet, &protocol);
    if (packet[0] >> 4 == 4) {
        put16(packet + 2, (unsigned)length);
        put16(packet + 10, 0);
        put16(packet + 10, ~plain_sum(0, packet, l4) & 0xffff);
    } else {
        put16(packet + 4, (unsigned)(length - 40));
    }
    if (protocol == UDP) {
        put16(packet + l4 + 4, (unsigned)(length - l4));
    }
    uint8_t *field = packet + l4 + (protocol == UDP ? 6 : 16);
    put16(field, 0);
    unsigned sum = ~l4_sum(packet, length) & 0xffff;
    put16(field, protocol == UDP && sum == 0 ? 0xffff : sum);
}

/* Is every length and checksum of it right? */
static inline bool is_valid(const uint8_t *packet, size_t length)
{
    if (length < 28) {
        return false;
    }
    bool v4 = packet[0] >> 4 == 4;
    if (!v4 && (packet[0] >> 4 != 6 || length < 48 || get16(packet + 4) + 40 != length)) {
        return false;
    }
    uint8_t protocol;
    size_t l4 = l4_of(packet, &protocol);
    if (v4 && (l4 < 20 || get16(packet + 2) != length || plain_sum(0, packet, l4) != 0xffff)) {
        return false;
    }
    if (protocol == UDP) {
        if (l4 + 8 > length || get16(packet + l4 + 4) != length - l4 ||
            get16(packet + l4 + 6) == 0) {
            return false;
        }
    } else if (protocol != TCP || l4 + 20 > length) {
        return false;
    }
    return l4_sum(packet, length) == 0xffff;
}

static inline size_t headers_of(const recipe *r)
{
    return (r->v6 ? 40U : 20U) + (r->udp ? 8U : 20U + r->options);
}

/* A byte of the stream: by its place in it, so that a wrong order shows. */
static inline uint8_t stream_byte(uint32_t place)
{
    return (uint8_t)((place * UINT32_C(2654435761)) >> 21);
}

/* A valid packet. @return its length */
static inline size_t make_packet(uint8_t *out, const recipe *r)
{
    size_t l4 = r->v6 ? 40 : 20;
    size_t headers = headers_of(r);
    size_t length = headers + r->payload;
    memset(out, 0, headers);
    if (r->v6) {
        put32(out, 0x60012345U | (uint32_t)r->tos << 20);
        out[6] = r->udp ? UDP : TCP;
        out[7] = 63;
        for (uint8_t i = 0; i < 32; i++) {
            out[8 + i] = (uint8_t)(0x20 + i * 7);
        }
    } else {
        out[0] = 0x45;
        out[1] = r->tos;
        put16(out + 4, r->id);
        put16(out + 6, r->fragment);
        out[8] = 63;
        out[9] = r->udp ? UDP : TCP;
        put32(out + 12, 0x0a01000b);
        put32(out + 16, 0x0a01000c);
    }
    put16(out + l4, 40000);
    put16(out + l4 + 2, 5201);
    if (!r->udp) {
        put32(out + l4 + 4, r->sequence);
        put32(out + l4 + 8, 0x01020304);
        out[l4 + 12] = (uint8_t)((20 + r->options) / 4 << 4);
        out[l4 + 13] = r->flags;
        put16(out + l4 + 14, 501);
        /* Of a kind that nobody knows, so that only its bytes count. */
        for (uint8_t i = 0; i < r->options; i++) {
            out[l4 + 20 + i] = i == 0 ? 254 : i == 1 ? r->options : (uint8_t)(i * 3);
        }
    }
    for (size_t i = 0; i < r->payload; i++) {
        out[headers + i] = stream_byte(r->sequence + (uint32_t)i);
    }
    reseal(out, length);
    return length;
}

/* What a host does before it hands over a super-packet: the field holds the pseudo-header's sum. */
static inline void make_partial(uint8_t *packet, size_t length)
{
    uint8_t protocol;
    size_t l4 = l4_of(packet, &protocol);
    put16(packet + l4 + (protocol == UDP ? 6 : 16), pseudo_sum(packet, protocol, length - l4));
}

#endif
