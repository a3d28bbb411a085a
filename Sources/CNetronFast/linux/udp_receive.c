/* SPDX-License-Identifier: Apache-2.0 */
/* udp_receive.c - datagrams and GRO trains, a batch a system call. */
#include "linux/sockaddr.h"
#include "linux/udp.h"
#include "machine/assert.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>

enum {
    CONTROL_BYTES = 128, /* UDP_GRO, TOS or TCLASS, PKTINFO: 88 at most */
    RECEIVE_TRIES = 16,  /* reads in one call that bring nothing usable before it gives up */
    BUFFER_ALIGNMENT = 4096,
};

_Static_assert(CMSG_SPACE(sizeof(int)) * 2 + CMSG_SPACE(sizeof(struct in6_pktinfo)) <=
                   CONTROL_BYTES,
               "every control message that is asked for must fit");

struct nf_receiver {
    struct mmsghdr message[NF_UDP_RECEIVE_BATCH];
    struct iovec part[NF_UDP_RECEIVE_BATCH];
    nf_sockaddr from[NF_UDP_RECEIVE_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[NF_UDP_RECEIVE_BATCH][CONTROL_BYTES];
    nf_arrival arrival[NF_UDP_RECEIVE_BATCH];
    uint8_t *bytes;
};

/* Puts back the two lengths that the kernel overwrites; all else stays as it was made. */
static void rearm(nf_receiver *receiver, int used)
{
    for (int i = 0; i < used; i++) {
        receiver->message[i].msg_hdr.msg_namelen = sizeof(nf_sockaddr);
        receiver->message[i].msg_hdr.msg_controllen = CONTROL_BYTES;
    }
}

nf_receiver *nf_receiver_new(void)
{
    nf_receiver *receiver = calloc(1, sizeof(*receiver));
    if (receiver == NULL) {
        return NULL;
    }
    receiver->bytes =
        aligned_alloc(BUFFER_ALIGNMENT, (size_t)NF_UDP_RECEIVE_BATCH * NF_UDP_RECEIVE_BYTES);
    if (receiver->bytes == NULL) {
        free(receiver);
        return NULL;
    }
    for (size_t i = 0; i < NF_UDP_RECEIVE_BATCH; i++) {
        receiver->part[i].iov_base = receiver->bytes + i * NF_UDP_RECEIVE_BYTES;
        receiver->part[i].iov_len = NF_UDP_RECEIVE_BYTES;
        struct msghdr *header = &receiver->message[i].msg_hdr;
        header->msg_name = &receiver->from[i];
        header->msg_iov = &receiver->part[i];
        header->msg_iovlen = 1;
        header->msg_control = receiver->control[i];
    }
    rearm(receiver, NF_UDP_RECEIVE_BATCH);
    return receiver;
}

void nf_receiver_free(nf_receiver *receiver)
{
    if (receiver != NULL) {
        free(receiver->bytes);
        free(receiver);
    }
}

/* A datagram to a group or to everybody came to no address that one can answer from. */
static bool answerable(const uint8_t address[16])
{
    if (nf_address_mapped(address)) {
        return address[NF_MAPPED_PREFIX_BYTES] < 224;
    }
    return address[0] != 0xff;
}

static void set_local(nf_arrival *arrival, const uint8_t address[16], uint32_t interface)
{
    if (answerable(address)) {
        memcpy(arrival->local.address, address, 16);
        arrival->local.interface = interface;
    }
}

static void read_train(const struct cmsghdr *control, nf_arrival *arrival)
{
    int segment;
    memcpy(&segment, CMSG_DATA(control), sizeof(segment));
    if (segment > 0 && (uint32_t)segment < arrival->length) {
        arrival->segment = (uint32_t)segment;
    }
}

static void read_v6(const struct cmsghdr *control, nf_arrival *arrival)
{
    if (control->cmsg_type == IPV6_TCLASS) {
        int class;
        memcpy(&class, CMSG_DATA(control), sizeof(class));
        arrival->tos = (uint8_t)class;
    } else if (control->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(control), sizeof(info));
        set_local(arrival, info.ipi6_addr.s6_addr, info.ipi6_ifindex);
    }
}

static void read_v4(const struct cmsghdr *control, nf_arrival *arrival)
{
    if (control->cmsg_type == IP_TOS) {
        arrival->tos = *CMSG_DATA(control);
    } else if (control->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        uint8_t address[16];
        memcpy(&info, CMSG_DATA(control), sizeof(info));
        nf_address_map(address, &info.ipi_addr);
        set_local(arrival, address, (uint32_t)info.ipi_ifindex);
    }
}

static void read_control(struct msghdr *header, nf_arrival *arrival)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
         control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) {
            read_train(control, arrival);
        } else if (control->cmsg_level == IPPROTO_IPV6) {
            read_v6(control, arrival);
        } else if (control->cmsg_level == IPPROTO_IP) {
            read_v4(control, arrival);
        }
    }
}

/* Drops what is empty, and what is cut: a train without its segment size can't be taken apart. */
static int read_arrivals(nf_receiver *receiver, int received)
{
    int count = 0;
    for (int i = 0; i < received; i++) {
        struct mmsghdr *message = &receiver->message[i];
        if (message->msg_len == 0 || (message->msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
            continue;
        }
        nf_assert(message->msg_len <= NF_UDP_RECEIVE_BYTES);
        nf_arrival *arrival = &receiver->arrival[count++];
        *arrival = (nf_arrival){.bytes = receiver->part[i].iov_base,
                                .length = message->msg_len,
                                .segment = message->msg_len};
        nf_sockaddr_get(&receiver->from[i], &arrival->from);
        read_control(&message->msg_hdr, arrival);
    }
    return count;
}

/* Errors of datagrams sent earlier, which a socket may report at its next call whatever that is. */
static bool transient(int error)
{
    switch (error) {
    case EINTR:
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EMSGSIZE:
    case ENETDOWN:
    case ENETUNREACH:
    case ENOPROTOOPT:
    case EPROTO:
    case EPERM:
    case EACCES:
        return true;
    default:
        return false;
    }
}

int nf_udp_receive(nf_udp *udp, nf_receiver *receiver, nf_arrival **out)
{
    *out = receiver->arrival;
    for (int i = 0; i < RECEIVE_TRIES; i++) {
        int received =
            recvmmsg(udp->fd, receiver->message, NF_UDP_RECEIVE_BATCH, MSG_DONTWAIT, NULL);
        if (received > 0) {
            int count = read_arrivals(receiver, received);
            rearm(receiver, received);
            if (count > 0) {
                return count;
            }
        } else if (errno == EAGAIN) {
            return 0;
        } else if (!transient(errno)) {
            return -errno;
        }
    }
    return 0;
}
