/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h - routes over the interface that may be as wide as all addresses.
 *
 * They lie in a table of the interface's own, which two rules a family lead to:
 *
 *     p:    not from all fwmark NETRON_MARK_UNDERLAY lookup main suppress_prefixlength 0
 *     p+1:  not from all fwmark NETRON_MARK_UNDERLAY lookup T
 *
 * So whatever the host knows a way to, but for its default route, goes as it did: its own networks
 * before all. And what the node's sockets send, which is marked, never goes into the interface. */
#ifndef NF_POLICY_H
#define NF_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "netron/types.h"

enum nf_policy_limits {
    NF_POLICY_TABLE = 0x4e460000, /* the first of the tables */
    NF_POLICY_PRIORITY = 10000,   /* of the first pair of rules; the main table's is 32766 */
    NF_POLICY_PLACES = 8192,      /* tables, and pairs of rules */
    NF_POLICY_LEFTOVERS_MAX = 16, /* equal rules that are removed before one is added */
};

typedef struct nf_policy {
    uint32_t index; /* of the interface */
    uint32_t place; /* below NF_POLICY_PLACES */
    bool ruled[2];  /* whether the rules are there: IPv4, IPv6 */
} nf_policy;

/** For an interface. The place follows from its name, so that what a node left that was killed is
 *  found and replaced when it is started again. */
void nf_policy_init(nf_policy *policy, uint32_t index, const char *name);

/** Adds or removes a route; the first of a family brings the rules. A route that is there already,
 *  or is gone, is no error. @return 0 or a negative errno */
int nf_policy_set(nf_policy *policy, const netron_prefix *prefix, bool present);

/** Removes the rules; the routes go with the interface. */
void nf_policy_close(nf_policy *policy);

#endif
