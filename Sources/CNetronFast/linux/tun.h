/* SPDX-License-Identifier: Apache-2.0 */
/* tun.h - the TUN interface: one queue a lane, offloads with fallbacks. */
#ifndef NF_TUN_H
#define NF_TUN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "netron/types.h"

typedef struct nf_tun {
    int fd[NETRON_LANES_MAX]; /* non-blocking; one a queue */
    uint32_t queues;
    uint32_t offloads; /* NETRON_OFFLOAD_VNET, _TSO, _USO that are on */
    uint32_t index;    /* of the interface */
    char name[16];
} nf_tun;

/** Makes the interface. Tries all offloads but those in `offloads_off`, then less: without USO,
 *  without TSO, without the vnet header. With one queue IFF_MULTI_QUEUE is not set. Checksum
 *  offload (TUNSETOFFLOAD) goes with the vnet header.
 *  @return 0 or a negative errno: -EPERM/-EACCES, -EBUSY (the name is taken), -ENOENT/-ENODEV (no
 *  /dev/net/tun), ...; on failure nothing is left open */
int nf_tun_open(nf_tun *tun, const char *name, uint32_t queues, uint32_t offloads_off);

void nf_tun_close(nf_tun *tun);

#endif
