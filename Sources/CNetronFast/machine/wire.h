/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - what Netron says over UDP: every message, every length, every limit. Pure.
 *
 * All numbers are little-endian. Byte 0 is the type; 1 to 15 are ours, the rest belongs to others
 * that share the port ('d' begins a DHT message) or to nobody.
 *
 *  MESSAGE 1   0        1        2        3        4            36              144       160
 *              +--------+--------+--------+--------+------------+---------------+---------+
 *              | type 1 | flags  | vers 1 | 0      | e          | sealed 108 B  | tag     |
 *              +--------+--------+--------+--------+------------+---------------+---------+
 *              sealed: index u32 | suites u8 | lanes u8 | 0 u16 | cookie 16 | wall ms u64 | 0 ...
 *
 *  MESSAGE 2   0        1        2        3        4            8    40         88         152
 *              +--------+--------+--------+--------+------------+----+----------+---------+
 *              | type 2 | flags  | vers 1 | 0      | recv index | e  | s sealed | sealed  |
 *              +--------+--------+--------+--------+------------+----+----------+---------+
 *              sealed 48 + 16: index u32 | suite u8 | lanes u8 | 0 u16 | wall ms u64 | id 32
 *
 *  MESSAGE 3   0        1        2        3        4            8          56             112
 *              +--------+--------+--------+--------+------------+----------+--------------+
 *              | type 3 | flags  | vers 1 | 0      | recv index | s sealed | sealed       |
 *              +--------+--------+--------+--------+------------+----------+--------------+
 *              sealed 40 + 16: id 32 | 0 u64
 *
 *  COOKIE      0        1        2        3        4            8          32             64
 *              +--------+--------+--------+--------+------------+----------+--------------+
 *              | type 4 | flags  | vers 1 | 0      | recv index | nonce 24 | cookie + tag |
 *              +--------+--------+--------+--------+------------+----------+--------------+
 *
 *  SESSION     0        1        2        3        4            8          16
 *              +--------+--------+--------+--------+------------+----------+--------+-----+
 *              | type   | flags  | 0      | 0      | recv index | counter  | sealed | tag |
 *              +--------+--------+--------+--------+------------+----------+--------+-----+
 *
 *  RELAY       0        1        2        3        4            8
 *              +--------+--------+--------+--------+------------+------------------------------+
 *              | type 9 | hops   | 0      | 0      | circuit id | a datagram of types 1 to 8   |
 *              +--------+--------+--------+--------+------------+------------------------------+
 *
 * hops: relays that it may pass yet. circuit id: chosen by the receiver, as a receiver index is.
 *
 * The 16 bytes of a session header are associated data. counter: lane in its 3 high bits, sequence
 * below; the nonce is 4 zero bytes and the counter. recv index: the receiver's session slot; its 3
 * low bits name the lane that opens it, so a socket filter can steer by them.
 *
 * flags of messages 1 to 4: bits 0-1 epoch mod 4, bit 2 clockless. flags of a session message:
 * bit 0 "L4 checksum made or completed by the sender's host". All other bits are 0. */
#ifndef NF_WIRE_H
#define NF_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "netron/types.h"

enum nf_type {
    NF_TYPE_MESSAGE1 = 1,
    NF_TYPE_MESSAGE2 = 2,
    NF_TYPE_MESSAGE3 = 3,
    NF_TYPE_COOKIE = 4,
    NF_TYPE_DATA = 5,     /* one inner IP packet, or nothing: a confirmation */
    NF_TYPE_CONTROL = 6,  /* one message of the layer above */
    NF_TYPE_LINK = 7,     /* echo, path challenge, path probe, goodbye: see link.h */
    NF_TYPE_FRAGMENT = 8, /* a piece of an inner IP packet: see fragment.h */
    NF_TYPE_RELAY = 9,    /* one of the above, carried by a circuit: see circuit.h */
};

enum nf_wire_lengths {
    NF_VERSION = 1,
    NF_MESSAGE1_BYTES = 160,
    NF_MESSAGE2_BYTES = 152,
    NF_MESSAGE3_BYTES = 112,
    NF_COOKIE_BYTES = 64,
    NF_HEADER_BYTES = 16, /* of a session message */
    NF_TAG_BYTES = 16,
    NF_SESSION_OVERHEAD_BYTES = NF_HEADER_BYTES + NF_TAG_BYTES,
    NF_COOKIE_SECRET_BYTES = 16, /* the cookie itself */
    NF_CIRCUIT_SHIM_BYTES = 8,   /* what a RELAY has before the datagram that it carries */
    NF_RELAY_BYTES_MIN = NF_CIRCUIT_SHIM_BYTES + NF_SESSION_OVERHEAD_BYTES,
    NF_RELAY_HOPS_MAX = 2,
    NF_FRAME_BYTES_MAX = 1920, /* of a datagram that goes by TCP */
    NF_LANE_BITS = 3,          /* of an index, and of a counter */
    NF_LANE_COUNT = 1 << NF_LANE_BITS,
    NF_LANE_CONTROL = NF_LANE_COUNT - 1, /* the control thread seals as the last lane */
};

enum nf_handshake_flags {
    NF_FLAG_EPOCH_MASK = 3,
    NF_FLAG_CLOCKLESS = 4,
};

enum nf_session_flags {
    NF_FLAG_CHECKSUMMED = 1,
};

/* 2^61 packets of one lane and key: never reached, since GCM keys end at NF_GCM_PACKETS_MAX. */
#define NF_SEQUENCE_MASK ((UINT64_C(1) << (64 - NF_LANE_BITS)) - 1)

static inline uint16_t nf_load_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t nf_load_le32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    return v;
}

static inline uint64_t nf_load_le64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static inline void nf_store_le16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void nf_store_le32(uint8_t *p, uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    memcpy(p, &v, sizeof(v));
}

static inline void nf_store_le64(uint8_t *p, uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(p, &v, sizeof(v));
}

static inline uint16_t nf_load_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void nf_store_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline uint32_t nf_load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void nf_store_be32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/** Whether a datagram may be of others that share the port: a bencoded dictionary, as in the DHT.
 */
static inline bool nf_is_foreign(const uint8_t *bytes, size_t length)
{
    return length >= NETRON_DATAGRAM_BYTES_MIN && length <= NETRON_DATAGRAM_BYTES_MAX &&
           bytes[0] == 'd' && bytes[length - 1] == 'e';
}

/** The receiver index of a message 2, 3, cookie or session message that is long enough, or the
 *  circuit id of a RELAY. */
static inline uint32_t nf_receiver_index_of(const uint8_t *message)
{
    return nf_load_le32(message + 4);
}

static inline void nf_shim_write(uint8_t *out, unsigned hops, uint32_t circuit_id)
{
    out[0] = NF_TYPE_RELAY;
    out[1] = (uint8_t)hops;
    out[2] = 0;
    out[3] = 0;
    nf_store_le32(out + 4, circuit_id);
}

#endif
