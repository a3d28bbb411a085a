/* SPDX-License-Identifier: Apache-2.0 */
/* base.h - what every public header of Netron needs: linkage, visibility, lifetimes, versions. */
#ifndef NETRON_BASE_H
#define NETRON_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define NETRON_BEGIN extern "C" {
#define NETRON_END   }
#else
#define NETRON_BEGIN
#define NETRON_END
#endif

#if defined(__GNUC__)
#define NETRON_API  __attribute__((visibility("default")))
#define NETRON_MUST __attribute__((warn_unused_result))
#else
#define NETRON_API
#define NETRON_MUST
#endif

#if defined(__clang__)
#define NETRON_NULLABLE _Nullable
#define NETRON_NONNULL  _Nonnull
#else
#define NETRON_NULLABLE
#define NETRON_NONNULL
#endif

/* Bytes lent for the length of one call: the callee keeps no pointer into them. `count` is their
 * number; it documents the bound, and a checker may read it. */
#define NETRON_LENT(count) NETRON_NONNULL

/* Versions with the same major number are ABI stable. */
#define NETRON_VERSION_MAJOR 0
#define NETRON_VERSION_MINOR 1
#define NETRON_VERSION_PATCH 0

NETRON_BEGIN
/** The version the library was built as: (major << 16) | (minor << 8) | patch. */
NETRON_API uint32_t netron_version(void);
NETRON_END

#endif
