/* SPDX-License-Identifier: Apache-2.0 */
/* tun.c - the TUN interface: one queue a lane, offloads with fallbacks. */
#include "linux/tun.h"

#include "machine/assert.h"
#include "machine/segment.h"
#include "netron/device.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>

/* Linux 6.2; the headers of Debian 12 are older. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

_Static_assert(sizeof(((nf_tun *)0)->name) == IFNAMSIZ, "a name is as long as the kernel's");

/* What to give up, in turn, when the kernel does not take the rest. */
static const uint32_t burdens[] = {
    NETRON_OFFLOAD_USO,
    NETRON_OFFLOAD_TSO,
    NETRON_OFFLOAD_VNET,
};

static const uint32_t all_offloads = NETRON_OFFLOAD_VNET | NETRON_OFFLOAD_TSO | NETRON_OFFLOAD_USO;

static void clear(nf_tun *tun)
{
    memset(tun, 0, sizeof(*tun));
    for (size_t i = 0; i < NETRON_LANES_MAX; i++) {
        tun->fd[i] = -1;
    }
}

/* IFF_TUN_EXCL keeps the first queue from joining an interface that somebody else made. */
static int16_t queue_flags(const nf_tun *tun, uint32_t queues)
{
    unsigned flags = IFF_TUN | IFF_NO_PI;
    if (queues > 1) {
        flags |= IFF_MULTI_QUEUE;
    }
    if ((tun->offloads & NETRON_OFFLOAD_VNET) != 0) {
        flags |= IFF_VNET_HDR;
    }
    if (tun->queues == 0) {
        flags |= IFF_TUN_EXCL;
    }
    return (int16_t)flags;
}

static int add_queue(nf_tun *tun, uint32_t queues)
{
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    struct ifreq request = {.ifr_flags = queue_flags(tun, queues)};
    memcpy(request.ifr_name, tun->name, sizeof(tun->name));
    if (ioctl(fd, TUNSETIFF, &request) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    memcpy(tun->name, request.ifr_name, sizeof(tun->name));
    tun->fd[tun->queues++] = fd;
    return 0;
}

/* Offloads belong to the interface, so one queue speaks for all. */
static int set_offloads(const nf_tun *tun)
{
    if ((tun->offloads & NETRON_OFFLOAD_VNET) == 0) {
        return 0;
    }
    int header_bytes = NF_VNET_BYTES;
    if (ioctl(tun->fd[0], TUNSETVNETHDRSZ, &header_bytes) != 0) {
        return -errno;
    }
    unsigned long flags = TUN_F_CSUM;
    if ((tun->offloads & NETRON_OFFLOAD_TSO) != 0) {
        flags |= TUN_F_TSO4 | TUN_F_TSO6;
    }
    if ((tun->offloads & NETRON_OFFLOAD_USO) != 0) {
        flags |= TUN_F_USO4 | TUN_F_USO6;
    }
    return ioctl(tun->fd[0], TUNSETOFFLOAD, flags) == 0 ? 0 : -errno;
}

static int open_queues(nf_tun *tun, uint32_t queues)
{
    int error = add_queue(tun, queues);
    if (error == 0) {
        error = set_offloads(tun);
    }
    while (error == 0 && tun->queues < queues) {
        error = add_queue(tun, queues);
    }
    if (error == 0) {
        tun->index = if_nametoindex(tun->name);
        error = tun->index == 0 ? -errno : 0;
    }
    return error;
}

/* The next lesser set of offloads, or the same if there is none. */
static uint32_t lighten(uint32_t offloads)
{
    for (size_t i = 0; i < sizeof(burdens) / sizeof(burdens[0]); i++) {
        if ((offloads & burdens[i]) != 0) {
            return offloads & ~burdens[i];
        }
    }
    return offloads;
}

int nf_tun_open(nf_tun *tun, const char *name, uint32_t queues, uint32_t offloads_off)
{
    nf_assert(queues >= 1 && queues <= NETRON_LANES_MAX);
    size_t length = strlen(name);
    clear(tun);
    if (length == 0 || length >= sizeof(tun->name)) {
        return -EINVAL;
    }
    uint32_t offloads = all_offloads & ~offloads_off;
    if ((offloads & NETRON_OFFLOAD_VNET) == 0) {
        offloads = 0; /* the vnet header is what tells segments and checksums */
    }
    for (;;) {
        tun->offloads = offloads;
        memcpy(tun->name, name, length);
        int error = open_queues(tun, queues);
        if (error == 0) {
            return 0;
        }
        nf_tun_close(tun);
        /* EINVAL is how the kernel says that it does not know a flag; another errno has another
         * cause, which fewer offloads do not cure. */
        if (error != -EINVAL || offloads == 0) {
            return error;
        }
        offloads = lighten(offloads);
    }
}

void nf_tun_close(nf_tun *tun)
{
    for (uint32_t i = 0; i < tun->queues; i++) {
        close(tun->fd[i]);
    }
    clear(tun);
}
