/* SPDX-License-Identifier: Apache-2.0 */
/* checksum.h - the Internet checksum (RFC 1071). Pure. Sums are in native byte order: fold, then
 * store the 16 bits as they are in memory. */
#ifndef NF_CHECKSUM_H
#define NF_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Adds the bytes to a running sum; only the last part may have an odd length. */
uint64_t nf_checksum_add(uint64_t sum, const uint8_t *bytes, size_t length);

/** The folded 16-bit sum, not complemented. */
uint16_t nf_checksum_fold(uint64_t sum);

/** The sum of the IPv4 or IPv6 pseudo-header for `l4_length` bytes of `protocol`. */
uint64_t nf_checksum_pseudo(const uint8_t *packet, uint8_t protocol, uint32_t l4_length);

/** Completes a checksum that holds only the pseudo-header's sum (virtio's NEEDS_CSUM). False if the
 *  offsets do not lie in the packet. A UDP result of 0 is stored as 0xffff. */
bool nf_checksum_complete(uint8_t *packet, size_t length, uint16_t start, uint16_t offset);

#endif
