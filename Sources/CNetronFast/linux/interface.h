/* SPDX-License-Identifier: Apache-2.0 */
/* interface.h - interfaces, addresses and routes through rtnetlink. */
#ifndef NF_INTERFACE_H
#define NF_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

#include "netron/types.h"

/* All return 0 or a negative errno; each opens a socket of its own and waits for the kernel's
 * acknowledgement. */

/** Sets the MTU, the queue length and the link up, without an IPv6 address of the link's own. */
int nf_link_up(uint32_t index, uint32_t mtu, uint32_t queue_length);

/** Adds an address with its prefix length: the kernel makes the network's route. IPv6 addresses
 *  skip duplicate detection. Adding what is there is no error. */
int nf_address_add(uint32_t index, const netron_prefix *address);
int nf_address_remove(uint32_t index, const netron_prefix *address);

/** Adds or removes a route to `prefix` over the interface, in one of the host's routing tables. */
int nf_route_add(uint32_t index, uint32_t table, const netron_prefix *prefix);
int nf_route_remove(uint32_t index, uint32_t table, const netron_prefix *prefix);

/** A non-blocking socket that becomes readable when a link, an address or a route changes. */
int nf_netlink_watch(void);

/** Reads all that is there. @return true if links, addresses or IPv4's default route changed */
bool nf_netlink_changed(int fd);

#endif
