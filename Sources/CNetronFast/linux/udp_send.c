/* SPDX-License-Identifier: Apache-2.0 */
/* udp_send.c - datagrams and UDP_SEGMENT trains, a batch a system call. */
#include "linux/sockaddr.h"
#include "linux/udp.h"
#include "machine/assert.h"

#include <errno.h>
#include <netinet/udp.h>

enum { CONTROL_BYTES = 96 };

_Static_assert(CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(int)) +
                       CMSG_SPACE(sizeof(struct in6_pktinfo)) <=
                   CONTROL_BYTES,
               "every control message that is sent must fit");
_Static_assert((int)NF_UDP_SEGMENTS_MAX <= (int)NF_UDP_SEND_BATCH,
               "a train that goes datagram by datagram is one batch");

/* What one system call sends. Only the entries in use are ever written. */
typedef struct batch {
    struct mmsghdr message[NF_UDP_SEND_BATCH];
    struct iovec part[NF_UDP_SEND_BATCH];
    nf_sockaddr to[NF_UDP_SEND_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[NF_UDP_SEND_BATCH][CONTROL_BYTES];
} batch;

static bool is_train(const nf_departure *departure)
{
    return departure->length > departure->segment;
}

static bool is_full(int error)
{
    return error == -EAGAIN || error == -ENOBUFS;
}

static size_t put(uint8_t *control, int level, int type, const void *value, size_t length)
{
    struct cmsghdr *header = (struct cmsghdr *)(void *)control;
    header->cmsg_len = CMSG_LEN(length);
    header->cmsg_level = level;
    header->cmsg_type = type;
    memcpy(CMSG_DATA(header), value, length);
    return CMSG_SPACE(length);
}

/* For a mapped destination the kernel hears the IPv4 kinds only, on a dual socket too. */
static size_t put_v4(uint8_t *control, const nf_departure *departure)
{
    size_t used = 0;
    if (departure->tos != 0) {
        int tos = departure->tos;
        used += put(control + used, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
    }
    if (!nf_local_is_any(&departure->local)) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, departure->local.address + NF_MAPPED_PREFIX_BYTES, 4);
        used += put(control + used, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    }
    return used;
}

static size_t put_v6(uint8_t *control, const nf_departure *departure)
{
    size_t used = 0;
    if (departure->tos != 0) {
        int class = departure->tos;
        used += put(control + used, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
    }
    if (!nf_local_is_any(&departure->local)) {
        struct in6_pktinfo info = {0};
        memcpy(&info.ipi6_addr, departure->local.address, 16);
        if (nf_address_link_local(departure->local.address)) {
            info.ipi6_ifindex = departure->local.interface;
        }
        used += put(control + used, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    }
    return used;
}

/* Prepares entry `at` to send the whole departure, with UDP_SEGMENT if it is a train. */
static void prepare(batch *out, uint32_t at, bool dual, const nf_departure *departure)
{
    struct msghdr *header = &out->message[at].msg_hdr;
    uint8_t *control = out->control[at];
    size_t used = nf_address_mapped(departure->to.address) ? put_v4(control, departure)
                                                           : put_v6(control, departure);
    if (is_train(departure)) {
        uint16_t segment = (uint16_t)departure->segment;
        used += put(control + used, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
    }
    out->part[at] = (struct iovec){(void *)(uintptr_t)departure->bytes, departure->length};
    *header = (struct msghdr){.msg_name = &out->to[at],
                              .msg_namelen = nf_sockaddr_set(&out->to[at], dual, &departure->to),
                              .msg_iov = &out->part[at],
                              .msg_iovlen = 1,
                              .msg_control = used > 0 ? control : NULL,
                              .msg_controllen = used};
}

/* @return how many went, at least one, or a negative errno of the first */
static int transmit(const nf_udp *udp, batch *out, uint32_t count)
{
    for (;;) {
        int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
        if (count > 1) {
            int sent = sendmmsg(udp->fd, out->message, count, flags);
            if (sent > 0) {
                return sent;
            }
        } else if (sendmsg(udp->fd, &out->message[0].msg_hdr, flags) >= 0) {
            return 1;
        }
        if (errno != EINTR) {
            nf_assert(errno != EBADF && errno != ENOTSOCK && errno != EFAULT);
            return -errno;
        }
    }
}

static void check(const nf_departure *departure)
{
    nf_assert(departure->length > 0 && departure->segment > 0);
    if (is_train(departure)) {
        nf_assert(departure->length <= NF_UDP_TRAIN_BYTES_MAX);
        nf_assert((departure->length - 1) / departure->segment < NF_UDP_SEGMENTS_MAX);
    }
}

/* A train of which part went before the socket was full goes on where it stopped. */
static uint32_t resume(nf_udp *udp, const nf_departure *train)
{
    bool same = udp->sent_from == train->bytes && udp->sent_bytes < train->length &&
                udp->sent_bytes % train->segment == 0;
    uint32_t offset = udp->sent_from != NULL && same ? udp->sent_bytes : 0;
    udp->sent_from = NULL;
    udp->sent_bytes = 0;
    return offset;
}

/* All datagrams of a train have one destination and the same control messages. */
static uint32_t prepare_apart(batch *out, bool dual, const nf_departure *train, uint32_t offset)
{
    nf_departure first = *train;
    first.length = train->segment; /* no train, so no UDP_SEGMENT */
    prepare(out, 0, dual, &first);
    uint32_t count = 0;
    for (; offset < train->length; offset += train->segment) {
        uint32_t left = train->length - offset;
        uint32_t length = left < train->segment ? left : train->segment;
        nf_assert(count < NF_UDP_SEND_BATCH);
        out->part[count] = (struct iovec){(void *)(uintptr_t)(train->bytes + offset), length};
        out->message[count].msg_hdr = out->message[0].msg_hdr;
        out->message[count].msg_hdr.msg_iov = &out->part[count];
        count++;
    }
    return count;
}

/* Sends a train datagram by datagram. That one of them goes where the train did not is what tells a
 * device without UDP_SEGMENT from other reasons for the same errno, such as a local address that is
 * gone. @return 1 or a negative errno */
static int send_apart(nf_udp *udp, const nf_departure *train)
{
    batch out;
    uint32_t offset = resume(udp, train);
    while (offset < train->length) {
        int sent = transmit(udp, &out, prepare_apart(&out, udp->dual, train, offset));
        if (sent < 0) {
            if (is_full(sent) && offset > 0) {
                udp->sent_from = train->bytes;
                udp->sent_bytes = offset;
            }
            return sent;
        }
        udp->gso = false;
        offset += (uint32_t)sent * train->segment;
    }
    return 1;
}

/* Whether a departure can stand in a batch: a train needs UDP_SEGMENT, IPv6 a socket for it. */
static bool fits_batch(const nf_udp *udp, const nf_departure *departure)
{
    check(departure);
    return (udp->gso || !is_train(departure)) &&
           (udp->dual || nf_address_mapped(departure->to.address));
}

static int send_batch(const nf_udp *udp, const nf_departure *messages, uint32_t count)
{
    batch out;
    uint32_t ready = 0;
    while (ready < count && ready < NF_UDP_SEND_BATCH && fits_batch(udp, &messages[ready])) {
        prepare(&out, ready, udp->dual, &messages[ready]);
        ready++;
    }
    return transmit(udp, &out, ready);
}

/* @return how many of the messages are sent, at least one, or a negative errno of the first */
static int send_some(nf_udp *udp, const nf_departure *messages, uint32_t count)
{
    check(messages);
    bool train = is_train(messages);
    if (!udp->dual && !nf_address_mapped(messages->to.address)) {
        return -EAFNOSUPPORT;
    }
    if (train && !udp->gso) {
        return send_apart(udp, messages);
    }
    int sent = send_batch(udp, messages, count);
    return train && (sent == -EIO || sent == -EINVAL) ? send_apart(udp, messages) : sent;
}

/* The same, by the door that the first message leaves by, which those behind it may not do. */
static int send_by(nf_udp *udp, const nf_departure *messages, uint32_t count, int *by)
{
    uint32_t door = messages->local.door, equal = 1;
    while (equal < count && messages[equal].local.door == door) {
        equal++;
    }
    *by = udp->fd;
    if (door == 0) {
        return send_some(udp, messages, equal);
    }
    nf_assert(udp->doors != NULL && door <= NF_DOORS_MAX);
    *by = atomic_load_explicit(&udp->doors->fd[door - 1], memory_order_acquire);
    if (*by < 0) {
        return -ENOTCONN;
    }
    int own = udp->fd;
    udp->fd = *by;
    int sent = send_some(udp, messages, equal);
    udp->fd = own;
    return sent;
}

int nf_udp_send(
    nf_udp *udp, const nf_departure *messages, uint32_t count, uint32_t *refused, bool *too_big)
{
    uint32_t done = 0;
    while (done < count) {
        int by;
        int sent = send_by(udp, &messages[done], count - done, &by);
        if (sent > 0) {
            done += (uint32_t)sent;
        } else if (is_full(sent)) {
            udp->full = by;
            break;
        } else {
            *too_big = *too_big || sent == -EMSGSIZE;
            *refused += 1;
            done++;
        }
    }
    return (int)done;
}
