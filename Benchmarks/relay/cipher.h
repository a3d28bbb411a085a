/* SPDX-License-Identifier: Apache-2.0 */
/* cipher.h - what the relay does to a packet in place of a session: a fixed key, a counter. */
#ifndef RELAY_CIPHER_H
#define RELAY_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A datagram is a header (the counter, then zeros), the sealed packet, and a tag; without a
 * cipher there is no tag. */
enum { HEADER_BYTES = 16, TAG_BYTES = 16 };

struct cipher;

/* NULL if there is no cipher of that name, or this processor cannot run it. */
struct cipher *cipher_new(const char *name);

/* What a datagram has beyond its packet. */
size_t cipher_overhead(const struct cipher *cipher);

/* Writes a datagram; returns its length. */
size_t cipher_seal(struct cipher *cipher, uint8_t *datagram, const uint8_t *packet, size_t length);

/* Opens in place: the packet then stands behind the header. False if the tag does not match. */
bool cipher_open(struct cipher *cipher, uint8_t *datagram, size_t length, size_t *packet_length);

#endif
