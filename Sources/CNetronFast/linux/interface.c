/* SPDX-License-Identifier: Apache-2.0 */
/* interface.c - interfaces, addresses and routes through rtnetlink. */
#include "linux/interface.h"

#include "linux/rtnl.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

enum {
    CHANGES_MAX = 4096, /* reads in one look at what changed */
    ADDRESS_BYTES_V4 = 4,
    ADDRESS_BYTES_V6 = 16,
};

/* Of the link-local address that the kernel would choose nobody in the network knows whose it is;
 * multicast that left with it would count as forged. Without one it leaves with an address that is
 * known. A host without IPv6 refuses this, and needs it not. */
static void choose_no_link_local(uint32_t index)
{
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
    const uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
    nf_rtnl link;
    nf_rtnl_begin(&link, RTM_NEWLINK, 0, &body, sizeof(body));
    size_t all = nf_rtnl_open_nest(&link, IFLA_AF_SPEC);
    size_t ipv6 = nf_rtnl_open_nest(&link, AF_INET6);
    nf_rtnl_attach(&link, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
    nf_rtnl_close_nest(&link, ipv6);
    nf_rtnl_close_nest(&link, all);
    (void)nf_rtnl_perform(&link);
}

int nf_link_up(uint32_t index, uint32_t mtu, uint32_t queue_length)
{
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC,
                             .ifi_index = (int)index,
                             .ifi_flags = IFF_UP,
                             .ifi_change = IFF_UP};
    nf_rtnl link;
    choose_no_link_local(index);
    nf_rtnl_begin(&link, RTM_NEWLINK, 0, &body, sizeof(body));
    nf_rtnl_attach(&link, IFLA_MTU, &mtu, sizeof(mtu));
    nf_rtnl_attach(&link, IFLA_TXQLEN, &queue_length, sizeof(queue_length));
    return nf_rtnl_perform(&link);
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
    nf_rtnl change;
    nf_rtnl_begin(&change, type, flags, &body, sizeof(body));
    nf_rtnl_attach(&change, IFA_LOCAL, address->address, bytes);
    nf_rtnl_attach(&change, IFA_ADDRESS, address->address, bytes);
    return nf_rtnl_perform(&change);
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

static int change_route(
    uint16_t type, unsigned flags, uint32_t index, uint32_t table, const netron_prefix *prefix)
{
    size_t bytes = address_bytes(prefix);
    if (bytes == 0) {
        return -EINVAL;
    }
    struct rtmsg body = {.rtm_family = family_of(prefix),
                         .rtm_dst_len = prefix->length,
                         .rtm_table = RT_TABLE_UNSPEC, /* it has 8 bits: see RTA_TABLE */
                         .rtm_protocol = RTPROT_STATIC,
                         .rtm_scope = prefix->family == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
                         .rtm_type = RTN_UNICAST};
    nf_rtnl change;
    nf_rtnl_begin(&change, type, flags, &body, sizeof(body));
    nf_rtnl_attach(&change, RTA_DST, prefix->address, bytes);
    nf_rtnl_attach(&change, RTA_OIF, &index, sizeof(index));
    nf_rtnl_attach(&change, RTA_TABLE, &table, sizeof(table));
    return nf_rtnl_perform(&change);
}

/* A route to the same prefix that is there already is never taken over: it may be another's. */
int nf_route_add(uint32_t index, uint32_t table, const netron_prefix *prefix)
{
    return change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, index, table, prefix);
}

int nf_route_remove(uint32_t index, uint32_t table, const netron_prefix *prefix)
{
    return change_route(RTM_DELROUTE, 0, index, table, prefix);
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
        ssize_t length = nf_rtnl_read(fd, (uint8_t *)&notice, sizeof(notice));
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
