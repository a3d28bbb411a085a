/* SPDX-License-Identifier: Apache-2.0 */
/* udp_open.c - binding the control socket and the lanes' sockets to one port. */
#include "linux/udp.h"

#include "linux/sockaddr.h"
#include "linux/steer.h"
#include "machine/assert.h"
#include "netron/device.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

static int enable(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0 ? 0 : -errno;
}

/* IPv4 options count on a dual socket too: the kernel uses them for mapped addresses. Of the two
 * PKTINFO options IPV6_RECVPKTINFO alone reports mapped ones as well. */
static int set_options(const nf_udp *udp)
{
    const struct {
        int level, option, value;
        bool v6, v4; /* wanted on a dual socket, on an IPv4 socket */
    } options[] = {
        {IPPROTO_IPV6, IPV6_V6ONLY, 0, true, false},
        {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE, true, false},
        {IPPROTO_IPV6, IPV6_RECVTCLASS, 1, true, false},
        {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, true, false},
        {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, true, true},
        {IPPROTO_IP, IP_RECVTOS, 1, true, true},
        {IPPROTO_IP, IP_PKTINFO, 1, false, true},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (!(udp->dual ? options[i].v6 : options[i].v4)) {
            continue;
        }
        int error = enable(udp->fd, options[i].level, options[i].option, options[i].value);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

/* The kernel doubles what it is asked for, to have room for its own structures. */
static uint32_t raise_buffer(int fd, int forced, int plain)
{
    if (enable(fd, SOL_SOCKET, forced, NF_UDP_BUFFER_WANTED_BYTES) != 0) {
        (void)enable(fd, SOL_SOCKET, plain, NF_UDP_BUFFER_WANTED_BYTES);
    }
    int doubled = 0;
    socklen_t length = sizeof(doubled);
    if (getsockopt(fd, SOL_SOCKET, plain, &doubled, &length) != 0 || doubled < 0) {
        return 0;
    }
    return (uint32_t)doubled / 2;
}

static void raise_buffers(nf_udp_group *group, int fd)
{
    uint32_t receive = raise_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    uint32_t send = raise_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    if (group->count == 0 || receive < group->receive_buffer) {
        group->receive_buffer = receive;
    }
    if (group->count == 0 || send < group->send_buffer) {
        group->send_buffer = send;
    }
}

static void choose_offloads(nf_udp *udp, uint32_t offloads_off)
{
    int size = 0;
    socklen_t length = sizeof(size);
    udp->gso = (offloads_off & NETRON_OFFLOAD_UDP_GSO) == 0 &&
               getsockopt(udp->fd, IPPROTO_UDP, UDP_SEGMENT, &size, &length) == 0;
    udp->gro = (offloads_off & NETRON_OFFLOAD_UDP_GRO) == 0 &&
               enable(udp->fd, IPPROTO_UDP, UDP_GRO, 1) == 0;
}

static int bind_any(const nf_udp *udp, uint16_t port)
{
    netron_endpoint any = {.port = port};
    nf_sockaddr address;
    socklen_t length = nf_sockaddr_set(&address, udp->dual, &any);
    return bind(udp->fd, &address.any, length) == 0 ? 0 : -errno;
}

static int learn_port(nf_udp_group *group)
{
    nf_sockaddr address = {0};
    socklen_t length = sizeof(address);
    if (getsockname(group->socket[0].fd, &address.any, &length) != 0) {
        return -errno;
    }
    netron_endpoint endpoint;
    nf_sockaddr_get(&address, &endpoint);
    group->port = endpoint.port;
    return 0;
}

/* The control socket is bound alone, and only then lets others join: so a port in use is seen, and
 * nobody gets in between. The kernel makes the group when the first lane binds, with the control
 * socket at its head; that order is what the steering counts on. */
static int add_socket(nf_udp_group *group, bool dual, uint32_t offloads_off)
{
    nf_udp *udp = &group->socket[group->count];
    bool control = group->count == 0;
    int family = dual ? AF_INET6 : AF_INET;
    udp->dual = dual;
    udp->doors = &group->doors;
    udp->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    if (udp->fd < 0) {
        return -errno;
    }
    int error = set_options(udp);
    if (error == 0 && !control) {
        error = enable(udp->fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (error == 0) {
        choose_offloads(udp, offloads_off);
        raise_buffers(group, udp->fd);
        error = bind_any(udp, group->port);
    }
    if (error == 0 && control) {
        error = learn_port(group);
    }
    if (error != 0) {
        close(udp->fd);
        udp->fd = -1;
        return error;
    }
    group->count++;
    return 0;
}

static void clear(nf_udp_group *group, uint16_t port)
{
    memset(group, 0, sizeof(*group));
    group->port = port;
    for (uint32_t i = 0; i < NF_UDP_SOCKETS_MAX; i++) {
        group->socket[i].fd = -1;
    }
    for (uint32_t i = 0; i < NF_DOORS_MAX; i++) {
        atomic_init(&group->doors.fd[i], -1);
    }
}

static int open_group(nf_udp_group *group, bool dual, uint32_t lanes, uint32_t offloads_off)
{
    int error = add_socket(group, dual, offloads_off);
    if (error == 0 && lanes > 0) {
        error = enable(group->socket[0].fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    for (uint32_t i = 0; i < lanes && error == 0; i++) {
        error = add_socket(group, dual, offloads_off);
    }
    if (error != 0) {
        nf_udp_close(group);
    } else if (lanes > 0) {
        /* Without steering the owner gets strays by its mailbox: slower, but right. */
        (void)nf_steer_attach(group->socket[0].fd, lanes);
    }
    return error;
}

int nf_udp_open(nf_udp_group *group, uint16_t port, uint32_t lanes, uint32_t offloads_off)
{
    nf_assert(lanes <= NETRON_LANES_MAX);
    clear(group, port);
    int error = open_group(group, true, lanes, offloads_off);
    if (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL) {
        clear(group, port);
        error = open_group(group, false, lanes, offloads_off);
    }
    return error;
}

void nf_udp_close(nf_udp_group *group)
{
    for (uint32_t i = 0; i < group->count; i++) {
        close(group->socket[i].fd);
    }
    for (uint32_t i = 0; group->count > 0 && i < NF_DOORS_MAX; i++) {
        int door = nf_udp_take_door(group, i);
        if (door >= 0) {
            close(door);
        }
    }
    clear(group, 0);
}

int nf_udp_mark(const nf_udp_group *group, uint32_t mark)
{
    int error = 0;
    for (uint32_t i = 0; i < group->count && error == 0; i++) {
        error = enable(group->socket[i].fd, SOL_SOCKET, SO_MARK, (int)mark);
    }
    return error;
}

/* A socket without a mark is left as it is: only who may set one has one. */
static int mark_as(int fd, int other)
{
    int mark = 0;
    socklen_t length = sizeof(mark);
    if (getsockopt(other, SOL_SOCKET, SO_MARK, &mark, &length) != 0 || mark == 0) {
        return 0;
    }
    return enable(fd, SOL_SOCKET, SO_MARK, mark);
}

static int bind_and_connect(const nf_udp *udp,
                            uint16_t port,
                            const netron_endpoint *remote,
                            const nf_local *local)
{
    netron_endpoint here = {.port = port};
    memcpy(here.address, local->address, sizeof(here.address));
    here.scope = nf_address_link_local(here.address) ? local->interface : 0;
    nf_sockaddr address;
    socklen_t length = nf_sockaddr_set(&address, udp->dual, &here);
    if (bind(udp->fd, &address.any, length) != 0) {
        return -errno;
    }
    length = nf_sockaddr_set(&address, udp->dual, remote);
    return connect(udp->fd, &address.any, length) == 0 ? 0 : -errno;
}

int nf_udp_open_direct(nf_udp *out,
                       const nf_udp *beside,
                       const netron_endpoint *remote,
                       const nf_local *local)
{
    nf_sockaddr bound = {0};
    socklen_t length = sizeof(bound);
    netron_endpoint here;
    if (getsockname(beside->fd, &bound.any, &length) != 0) {
        return -errno;
    }
    nf_sockaddr_get(&bound, &here);
    *out = (nf_udp){.dual = beside->dual};
    out->fd = socket(out->dual ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                     IPPROTO_UDP);
    if (out->fd < 0) {
        return -errno;
    }
    int error = set_options(out);
    if (error == 0) {
        error = mark_as(out->fd, beside->fd);
    }
    if (error == 0) {
        error = enable(out->fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (error == 0) {
        choose_offloads(out, beside->gro ? 0 : NETRON_OFFLOAD_UDP_GRO);
        /* All come to one address, which is known. */
        (void)(out->dual ? enable(out->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 0)
                         : enable(out->fd, IPPROTO_IP, IP_PKTINFO, 0));
        (void)raise_buffer(out->fd, SO_RCVBUFFORCE, SO_RCVBUF);
        error = bind_and_connect(out, here.port, remote, local);
    }
    if (error != 0) {
        close(out->fd);
        out->fd = -1;
    }
    return error;
}

int nf_udp_open_door(nf_udp_group *group, uint32_t number)
{
    nf_assert(number < NF_DOORS_MAX);
    const nf_udp *beside = &group->socket[0];
    nf_udp door = {.dual = beside->dual};
    door.fd = socket(door.dual ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                     IPPROTO_UDP);
    if (door.fd < 0) {
        return -errno;
    }
    int error = set_options(&door);
    if (error == 0) {
        error = mark_as(door.fd, beside->fd);
    }
    if (error == 0) {
        choose_offloads(&door, beside->gro ? 0 : NETRON_OFFLOAD_UDP_GRO);
        (void)raise_buffer(door.fd, SO_RCVBUFFORCE, SO_RCVBUF);
        (void)raise_buffer(door.fd, SO_SNDBUFFORCE, SO_SNDBUF);
        error = bind_any(&door, 0);
    }
    if (error != 0) {
        close(door.fd);
        return error;
    }
    atomic_store_explicit(&group->doors.fd[number], door.fd, memory_order_release);
    return door.fd;
}

int nf_udp_take_door(nf_udp_group *group, uint32_t number)
{
    nf_assert(number < NF_DOORS_MAX);
    return atomic_exchange_explicit(&group->doors.fd[number], -1, memory_order_acq_rel);
}
