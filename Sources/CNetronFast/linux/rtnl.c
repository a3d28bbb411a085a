/* SPDX-License-Identifier: Apache-2.0 */
/* rtnl.c - requests to rtnetlink, built attribute by attribute and waited for. */
#include "linux/rtnl.h"

#include "machine/assert.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

enum {
    REPLY_BYTES = 8192, /* of one read; the kernel's own messages fit in a page */
    REPLY_SECONDS = 5,  /* the kernel answers at once; this ends a wait that nothing ends */
    REPLIES_MAX = 16,   /* reads until the acknowledgement must have come */
};

static struct nlmsghdr *header_of(nf_rtnl *out)
{
    return (struct nlmsghdr *)(void *)out->bytes;
}

static void append(nf_rtnl *out, const void *bytes, size_t length)
{
    size_t aligned = NLMSG_ALIGN(length);
    nf_assert(aligned <= NF_RTNL_BYTES - out->length);
    memcpy(out->bytes + out->length, bytes, length);
    out->length += aligned;
}

void nf_rtnl_begin(nf_rtnl *out, uint16_t type, unsigned flags, const void *body, size_t length)
{
    memset(out, 0, sizeof(*out));
    out->length = NLMSG_HDRLEN;
    append(out, body, length);
    header_of(out)->nlmsg_type = type;
    header_of(out)->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    header_of(out)->nlmsg_seq = 1;
}

void nf_rtnl_attach(nf_rtnl *out, uint16_t type, const void *value, size_t length)
{
    struct rtattr attribute = {.rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(length)};
    append(out, &attribute, sizeof(attribute));
    append(out, value, length);
}

size_t nf_rtnl_open_nest(nf_rtnl *out, uint16_t type)
{
    size_t at = out->length;
    struct rtattr attribute = {.rta_type = type};
    append(out, &attribute, sizeof(attribute));
    return at;
}

void nf_rtnl_close_nest(nf_rtnl *out, size_t at)
{
    struct rtattr attribute;
    memcpy(&attribute, out->bytes + at, sizeof(attribute));
    attribute.rta_len = (uint16_t)(out->length - at);
    memcpy(out->bytes + at, &attribute, sizeof(attribute));
}

/* Looks for the acknowledgement. @return true if it is there; `*error` is 0 or a negative errno */
static bool find_acknowledgement(const uint8_t *bytes, size_t length, int *error)
{
    size_t offset = 0;
    while (length - offset >= sizeof(struct nlmsghdr)) {
        struct nlmsghdr header;
        memcpy(&header, bytes + offset, sizeof(header));
        if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > length - offset) {
            return false;
        }
        if (header.nlmsg_type == NLMSG_ERROR && header.nlmsg_seq == 1 &&
            header.nlmsg_len >= NLMSG_LENGTH(sizeof(*error))) {
            memcpy(error, bytes + offset + NLMSG_HDRLEN, sizeof(*error));
            return true;
        }
        size_t step = NLMSG_ALIGN(header.nlmsg_len);
        offset += step < length - offset ? step : length - offset;
    }
    return false;
}

ssize_t nf_rtnl_read(int fd, uint8_t *bytes, size_t room)
{
    struct sockaddr_nl from = {0};
    struct iovec part = {bytes, room};
    struct msghdr message = {
        .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1};
    ssize_t length = recvmsg(fd, &message, 0);
    if (length < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    return message.msg_namelen == sizeof(from) && from.nl_pid == 0 ? length : 0;
}

static int wait_acknowledgement(int fd)
{
    _Alignas(struct nlmsghdr) uint8_t bytes[REPLY_BYTES];
    for (int i = 0; i < REPLIES_MAX; i++) {
        ssize_t length = nf_rtnl_read(fd, bytes, sizeof(bytes));
        int error = 0;
        if (length < 0) {
            return length == -EAGAIN ? -ETIMEDOUT : (int)length;
        }
        if (find_acknowledgement(bytes, (size_t)length, &error)) {
            return error;
        }
    }
    return -EPROTO;
}

int nf_rtnl_perform(nf_rtnl *out)
{
    header_of(out)->nlmsg_len = (uint32_t)out->length;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
        return -errno;
    }
    struct timeval limit = {.tv_sec = REPLY_SECONDS};
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    int error = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
        sendto(fd, out->bytes, out->length, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
        error = -errno;
    } else {
        error = wait_acknowledgement(fd);
    }
    close(fd);
    return error;
}
