/* SPDX-License-Identifier: Apache-2.0 */
/* interface.c - interfaces, addresses and routes through rtnetlink. */
#include "linux/interface.h"

#include "machine/assert.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

enum {
    REQUEST_BYTES = 256, /* a header, a body and all attributes that we ever attach */
    REPLY_BYTES = 8192,  /* of one read; the kernel's own messages fit in a page */
    REPLY_SECONDS = 5,   /* the kernel answers at once; this ends a wait that nothing ends */
    REPLIES_MAX = 16,    /* reads until the acknowledgement must have come */
    CHANGES_MAX = 4096,  /* reads in one look at what changed */
    ADDRESS_BYTES_V4 = 4,
    ADDRESS_BYTES_V6 = 16,
};

typedef struct request {
    _Alignas(struct nlmsghdr) uint8_t bytes[REQUEST_BYTES];
    size_t length;
} request;

static struct nlmsghdr *header_of(request *out)
{
    return (struct nlmsghdr *)(void *)out->bytes;
}

static void append(request *out, const void *bytes, size_t length)
{
    size_t aligned = NLMSG_ALIGN(length);
    nf_assert(aligned <= REQUEST_BYTES - out->length);
    memcpy(out->bytes + out->length, bytes, length);
    out->length += aligned;
}

static void begin(request *out, uint16_t type, unsigned flags, const void *body, size_t length)
{
    memset(out, 0, sizeof(*out));
    out->length = NLMSG_HDRLEN;
    append(out, body, length);
    header_of(out)->nlmsg_type = type;
    header_of(out)->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    header_of(out)->nlmsg_seq = 1;
}

static void attach(request *out, uint16_t type, const void *value, size_t length)
{
    struct rtattr attribute = {.rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(length)};
    append(out, &attribute, sizeof(attribute));
    append(out, value, length);
}

/* Between the two stand the attributes of an attribute. */
static size_t open_nest(request *out, uint16_t type)
{
    size_t at = out->length;
    struct rtattr attribute = {.rta_type = type};
    append(out, &attribute, sizeof(attribute));
    return at;
}

static void close_nest(request *out, size_t at)
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

/* Reads one datagram that the kernel itself sent: others may write to a netlink socket too.
 * @return its length, 0 if it is to be ignored, or a negative errno */
static ssize_t read_kernel(int fd, uint8_t *bytes, size_t room)
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
        ssize_t length = read_kernel(fd, bytes, sizeof(bytes));
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

static int perform(request *out)
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

/* Of the link-local address that the kernel would choose nobody in the network knows whose it is;
 * multicast that left with it would count as forged. Without one it leaves with an address that is
 * known. A host without IPv6 refuses this, and needs it not. */
static void choose_no_link_local(uint32_t index)
{
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
    const uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
    request link;
    begin(&link, RTM_NEWLINK, 0, &body, sizeof(body));
    size_t all = open_nest(&link, IFLA_AF_SPEC);
    size_t ipv6 = open_nest(&link, AF_INET6);
    attach(&link, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
    close_nest(&link, ipv6);
    close_nest(&link, all);
    (void)perform(&link);
}

int nf_link_up(uint32_t index, uint32_t mtu, uint32_t queue_length)
{
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC,
                             .ifi_index = (int)index,
                             .ifi_flags = IFF_UP,
                             .ifi_change = IFF_UP};
    request link;
    choose_no_link_local(index);
    begin(&link, RTM_NEWLINK, 0, &body, sizeof(body));
    attach(&link, IFLA_MTU, &mtu, sizeof(mtu));
    attach(&link, IFLA_TXQLEN, &queue_length, sizeof(queue_length));
    return perform(&link);
}

/* @return the bytes of an address of the prefix's family, or 0 if there is no such prefix */
static size_t address_bytes(const netron_prefix *prefix)
{
    size_t bytes = prefix->family == 4   ? ADDRESS_BYTES_V4
                   : prefix->family == 6 ? ADDRESS_BYTES_V6
                                         : 0;
    return prefix->length <= bytes * 8 ? bytes : 0;
}

static uint8_t family_of(const netron_prefix *prefix)
{
    return prefix->family == 4 ? AF_INET : AF_INET6;
}

static int
change_address(uint16_t type, unsigned flags, uint32_t index, const netron_prefix *address)
{
    size_t bytes = address_bytes(address);
    if (bytes == 0) {
        return -EINVAL;
    }
    struct ifaddrmsg body = {.ifa_family = family_of(address),
                             .ifa_prefixlen = address->length,
                             .ifa_flags = address->family == 6 ? IFA_F_NODAD : 0,
                             .ifa_scope = RT_SCOPE_UNIVERSE,
                             .ifa_index = index};
    request change;
    begin(&change, type, flags, &body, sizeof(body));
    attach(&change, IFA_LOCAL, address->address, bytes);
    attach(&change, IFA_ADDRESS, address->address, bytes);
    return perform(&change);
}

int nf_address_add(uint32_t index, const netron_prefix *address)
{
    int error = change_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, address);
    return error == -EEXIST ? 0 : error;
}

int nf_address_remove(uint32_t index, const netron_prefix *address)
{
    return change_address(RTM_DELADDR, 0, index, address);
}

static int change_route(uint16_t type, unsigned flags, uint32_t index, const netron_prefix *prefix)
{
    size_t bytes = address_bytes(prefix);
    if (bytes == 0) {
        return -EINVAL;
    }
    struct rtmsg body = {.rtm_family = family_of(prefix),
                         .rtm_dst_len = prefix->length,
                         .rtm_table = RT_TABLE_MAIN,
                         .rtm_protocol = RTPROT_STATIC,
                         .rtm_scope = prefix->family == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
                         .rtm_type = RTN_UNICAST};
    request change;
    begin(&change, type, flags, &body, sizeof(body));
    attach(&change, RTA_DST, prefix->address, bytes);
    attach(&change, RTA_OIF, &index, sizeof(index));
    return perform(&change);
}

/* A route to the same prefix that is there already is never taken over: it may be another's. */
int nf_route_add(uint32_t index, const netron_prefix *prefix)
{
    return change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, index, prefix);
}

int nf_route_remove(uint32_t index, const netron_prefix *prefix)
{
    return change_route(RTM_DELROUTE, 0, index, prefix);
}

int nf_netlink_watch(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
        return -errno;
    }
    struct sockaddr_nl groups = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                     RTMGRP_IPV6_ROUTE,
    };
    if (bind(fd, (struct sockaddr *)&groups, sizeof(groups)) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

/* A notice is one message a datagram; no more counts of it than its head, so that a cut one serves
 * too. */
struct notice {
    struct nlmsghdr header;
    struct rtmsg route;
};

/* Of routes the way out counts, in IPv4: with another router comes another NAT. */
static bool is_change(const struct notice *notice, size_t length)
{
    if (length < sizeof(notice->header)) {
        return false;
    }
    switch (notice->header.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return true;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return length == sizeof(*notice) && notice->route.rtm_family == AF_INET &&
               notice->route.rtm_dst_len == 0 && notice->route.rtm_table == RT_TABLE_MAIN;
    default:
        return false;
    }
}

bool nf_netlink_changed(int fd)
{
    struct notice notice;
    bool changed = false;
    for (int i = 0; i < CHANGES_MAX; i++) {
        ssize_t length = read_kernel(fd, (uint8_t *)&notice, sizeof(notice));
        if (length == -ENOBUFS) {
            changed = true; /* notices were lost, so anything may have changed */
        } else if (length < 0) {
            break;
        } else if (is_change(&notice, (size_t)length)) {
            changed = true;
        }
    }
    return changed;
}
