/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.c - listening, connecting, sending and receiving, each as one call that does not wait. */
#include "linux/tcp.h"

#include "linux/sockaddr.h"
#include "machine/limits.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <unistd.h>

enum { BACKLOG = 64 };

static int enable(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0 ? 0 : -errno;
}

/* Each datagram goes at once; one end that is gone is noticed; what can not be sent yet stays with
 * us, where it has a bound. A kernel that knows one of them not does without. */
static void tune(int fd)
{
    (void)enable(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    (void)enable(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, NF_STREAM_UNACKED_MS);
    (void)enable(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, NF_STREAM_UNSENT_BYTES);
}

static int open_socket(bool dual, uint32_t mark)
{
    int fd =
        socket(dual ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    int error = fd < 0 ? -errno : mark == 0 ? 0 : enable(fd, SOL_SOCKET, SO_MARK, (int)mark);
    if (fd >= 0 && error != 0) {
        close(fd);
    }
    return error != 0 ? error : fd;
}

static int listen_on(uint16_t port, bool dual, uint32_t mark)
{
    int fd = open_socket(dual, mark);
    if (fd < 0) {
        return fd;
    }
    netron_endpoint any = {.port = port};
    nf_sockaddr address;
    socklen_t length = nf_sockaddr_set(&address, dual, &any);
    int error = enable(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0 && dual) {
        error = enable(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    }
    if (error == 0 && (bind(fd, &address.any, length) != 0 || listen(fd, BACKLOG) != 0)) {
        error = -errno;
    }
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}

int nf_tcp_listen(uint16_t port, uint32_t mark)
{
    int fd = listen_on(port, true, mark);
    return fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL ? listen_on(port, false, mark) : fd;
}

int nf_tcp_accept(int listener, netron_endpoint *from)
{
    nf_sockaddr address = {0};
    socklen_t length = sizeof(address);
    int fd = accept4(listener, &address.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    nf_sockaddr_get(&address, from);
    from->kind = NETRON_ENDPOINT_TCP_IN;
    tune(fd);
    return fd;
}

int nf_tcp_connect(const netron_endpoint *to, uint32_t mark)
{
    bool dual = !nf_address_mapped(to->address);
    int fd = open_socket(dual, mark);
    if (fd < 0) {
        return fd;
    }
    tune(fd);
    nf_sockaddr address;
    socklen_t length = nf_sockaddr_set(&address, dual, to);
    if (connect(fd, &address.any, length) != 0 && errno != EINPROGRESS) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

int nf_tcp_connected(int fd)
{
    int error = 0;
    socklen_t length = sizeof(error);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? -error : -errno;
}

ssize_t nf_tcp_send(int fd, const uint8_t *bytes, size_t length)
{
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    }
    return sent;
}

ssize_t nf_tcp_receive(int fd, uint8_t *bytes, size_t capacity)
{
    ssize_t came = recv(fd, bytes, capacity, MSG_DONTWAIT);
    if (came < 0) {
        return errno == EINTR ? -EAGAIN : -errno;
    }
    return came == 0 ? -ECONNRESET : came;
}
