/* SPDX-License-Identifier: Apache-2.0 */
/* namespace.h - a network of its own for a test program, and what it does there. */
#ifndef NF_TEST_NAMESPACE_H
#define NF_TEST_NAMESPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netron/types.h"

enum { WAIT_MS = 5000, LOOPBACK_INDEX = 1 };

/** Moves the program to an empty network namespace whose loopback is up. */
bool namespace_enter(void);

/** What main() returns when namespace_enter() did not work: failure, after one sentence that says
 *  why; success with a skipped test if NETRON_SKIP_PRIVILEGED=1. */
int namespace_refused(void);

/** An address with its length, such as "10.0.0.1" and 24; IPv4 in the first 4 bytes. */
netron_prefix prefix_of(const char *text, uint8_t length);

/** An address and a port; IPv4 as ::ffff:a.b.c.d. */
netron_endpoint endpoint_of(const char *text, uint16_t port);

/** Waits until datagrams to an IPv6 address of this host arrive: the kernel acknowledges the
 * address first, and makes its local route a moment later. */
bool address_settled(const char *text, uint32_t scope);

/** Waits until something can be read. @return false if nothing came within WAIT_MS */
bool readable(int fd);

/** How many descriptors the program has open. */
size_t open_descriptors(void);

/** Lets each call of `number` whose argument `argument` has any of `bits` set, or is equal to
 * `bits` if `exact`, fail with `error`, for good: for a child process. `also` must be argument 1 if
 * not 0. */
typedef struct refusal {
    uint32_t number, argument, bits, also;
    bool exact;
    uint16_t error;
} refusal;
bool refuse_calls(const refusal *refusal);

/** Runs `body` in a child process and returns its result (0 to 100), or -1 if it crashed. */
int in_child(int (*body)(void));

#endif
