/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - every way a call can fail, in one list. */
#ifndef NETRON_ERROR_H
#define NETRON_ERROR_H

#include "netron/base.h"

/* Numbers are frozen once released: add at the end, never renumber. */
#define NETRON_ERROR_MAP(XX)                                           \
    XX(1, INVALID, "argument out of range")                            \
    XX(2, NO_MEMORY, "out of memory")                                  \
    XX(3, TOO_SHORT, "buffer too small")                               \
    XX(4, MALFORMED, "packet is not well formed")                      \
    XX(5, UNKNOWN_PEER, "no peer by that id, index or address")        \
    XX(6, REPLAYED, "packet counter seen before or too old")           \
    XX(7, FORGED, "authentication tag does not match")                 \
    XX(8, AGAIN, "a queue is full; try again later")                   \
    XX(9, NOT_PERMITTED, "the system does not permit it")              \
    XX(10, IN_USE, "address, port, interface or id already in use")    \
    XX(11, UNSUPPORTED, "the kernel or the library does not offer it") \
    XX(12, SYSTEM, "a system call failed; errno tells which")          \
    XX(13, FULL, "a table reached its limit")                          \
    XX(14, REFUSED, "refused by a rule of the network")                \
    XX(15, EXPIRED, "session or handshake is over")

enum {
    NETRON_OK = 0,
#define XX(number, name, text) NETRON_E_##name = -(number),
    NETRON_ERROR_MAP(XX)
#undef XX
};

NETRON_BEGIN
/** What `error` means, in English; static storage, never NULL. */
NETRON_API const char *NETRON_NONNULL netron_error_text(int error);
NETRON_END

#endif
