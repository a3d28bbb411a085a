/* SPDX-License-Identifier: Apache-2.0 */
/* hkdf.h - the two halves of HKDF-SHA256 (RFC 5869); nf_hkdf() of noise.h is both. Pure. */
#ifndef NF_HKDF_H
#define NF_HKDF_H

#include <stddef.h>
#include <stdint.h>

enum {
    NF_HKDF_KEY_BYTES = 32,
    NF_HKDF_OUT_BYTES_MAX = 255 * NF_HKDF_KEY_BYTES,
};

/** RFC 5869, section 2.2. An empty salt (NULL, 0) is the same as 32 zero bytes. */
void nf_hkdf_extract(const uint8_t *salt,
                     size_t salt_length,
                     const uint8_t *material,
                     size_t material_length,
                     uint8_t key[NF_HKDF_KEY_BYTES]);

/** RFC 5869, section 2.3. */
void nf_hkdf_expand(const uint8_t key[NF_HKDF_KEY_BYTES],
                    const uint8_t *info,
                    size_t info_length,
                    uint8_t *out,
                    size_t out_length);

#endif
