/* SPDX-License-Identifier: Apache-2.0 */
/* udp.h - the UDP sockets of a node: one for control, one a lane, all on one port. */
#ifndef NF_UDP_H
#define NF_UDP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "machine/datagram.h"
#include "machine/limits.h"
#include "netron/types.h"

enum nf_udp_limits {
    NF_UDP_SOCKETS_MAX = 1 + NETRON_LANES_MAX,
    NF_UDP_RECEIVE_BATCH = 8,            /* datagrams or GRO trains of one recvmmsg */
    NF_UDP_RECEIVE_BYTES = 65536,        /* room of each */
    NF_UDP_SEND_BATCH = 64,              /* messages of one sendmmsg */
    NF_UDP_SEGMENTS_MAX = 64,            /* datagrams of one UDP_SEGMENT message */
    NF_UDP_TRAIN_BYTES_MAX = 65000,      /* bytes of one */
    NF_UDP_BUFFER_WANTED_BYTES = 8 << 20 /* of a socket, each way */
};

/** The doors of a node (nf_local), by number: their descriptors, -1 where none is. Control opens
 * and closes them; lanes send and receive by them. */
typedef struct nf_doors {
    _Atomic int fd[NF_DOORS_MAX];
} nf_doors;

/** One socket. All datagram sends set DF and ignore the kernel's path MTU (PMTUDISC_PROBE). */
typedef struct nf_udp {
    int fd;
    bool dual; /* AF_INET6, also for IPv4 as mapped addresses; else AF_INET */
    bool gso;  /* UDP_SEGMENT works; cleared when the device refuses it */
    bool gro;
    nf_doors *doors;          /* by which some of the messages leave; NULL: none do */
    int full;                 /* the descriptor that the last send found full */
    uint32_t sent_bytes;      /* of the train that the socket was full in the middle of, */
    const uint8_t *sent_from; /* and where that train lies; NULL if there is none */
} nf_udp;

typedef struct nf_udp_group {
    nf_udp socket[NF_UDP_SOCKETS_MAX]; /* 0: control, 1..: lanes */
    uint32_t count;
    uint16_t port;
    nf_doors doors;
    uint32_t receive_buffer, send_buffer; /* bytes, as granted to one socket, without the kernel's
                                             doubling: compares with NF_UDP_BUFFER_WANTED_BYTES */
} nf_udp_group;

/** Binds one control socket and `lanes` lane sockets to `port` (0: any free one). The port is bound
 *  without SO_REUSEPORT first, so that one in use is -EADDRINUSE. A classic BPF program steers
 *  session messages and RELAY (types NF_TYPE_DATA to NF_TYPE_RELAY) by the low bits of their
 *  receiver index or circuit id to socket 1 + lane (1 + lane % lanes for a lane that is not there),
 * all else to socket 0; where it cannot be attached every socket may get anything. Buffers are
 * raised with SO_*BUFFORCE, else SO_*BUF. TOS and destination address are received as control
 * messages. `offloads_off`: NETRON_OFFLOAD_UDP_GSO, _UDP_GRO. @return 0 or a negative errno */
int nf_udp_open(nf_udp_group *group, uint16_t port, uint32_t lanes, uint32_t offloads_off);

void nf_udp_close(nf_udp_group *group);

/** Marks what all sockets send, for the host's routing rules (SO_MARK).
 *  @return 0 or a negative errno: -EPERM without CAP_NET_ADMIN */
int nf_udp_mark(const nf_udp_group *group, uint32_t mark);

/** Opens a further socket beside `beside`, on its port, with its mark, for what comes to `local`
 * from `remote` alone: it is connected, so the kernel finds it, and the route to it, at once. Until
 * it is, it may get anything. The caller closes its descriptor. @return 0 or a negative errno */
int nf_udp_open_direct(nf_udp *out,
                       const nf_udp *beside,
                       const netron_endpoint *remote,
                       const nf_local *local);

/** Opens door `number`, which is free, on a port that the host chooses. It has the options of the
 *  sockets of the group. @return its descriptor or a negative errno */
int nf_udp_open_door(nf_udp_group *group, uint32_t number);

/** The door's descriptor, which nobody who looks for it from now on is given; the caller closes it
 *  when no lane can be using it any more. */
int nf_udp_take_door(nf_udp_group *group, uint32_t number);

/** One datagram, or a train of equal ones that GRO merged (the last may be shorter). */
typedef struct nf_arrival {
    uint8_t *bytes;
    uint32_t length;
    uint32_t segment; /* length of each datagram of the train; `length` if it is one */
    netron_endpoint from;
    nf_local local; /* where it came to */
    uint8_t tos;
} nf_arrival;

/** The buffers of one reader: NF_UDP_RECEIVE_BATCH of NF_UDP_RECEIVE_BYTES, made at start. */
typedef struct nf_receiver nf_receiver;
nf_receiver *nf_receiver_new(void);
void nf_receiver_free(nf_receiver *receiver);

/** Receives without waiting. @return how many arrivals `*out` has (good until the next call), 0 if
 *  nothing is there, or a negative errno (transient ICMP errors are read away, not returned) */
int nf_udp_receive(nf_udp *udp, nf_receiver *receiver, nf_arrival **out);

/** Sends without waiting, in order. A message whose device refuses UDP_SEGMENT (EIO, EINVAL) goes
 *  datagram by datagram, and so do later ones. A message that is refused for good (unreachable,
 *  too big for the device) is skipped; 1 is added to `*refused`, and `*too_big` is set on EMSGSIZE
 *  (it is never cleared here). Of `local` the interface binds a link-local address only; others go
 *  where the routes say, which need not be the way they came. A message of a door leaves by that;
 *  where the door is closed it is refused.
 *  @return how many of `count` are done with; less when the socket `full` is: wait for POLLOUT,
 * then offer the rest again from the first that is not done, at the same place in memory */
int nf_udp_send(
    nf_udp *udp, const nf_departure *messages, uint32_t count, uint32_t *refused, bool *too_big);

#endif
