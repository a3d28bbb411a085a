/* SPDX-License-Identifier: Apache-2.0 */
/* tcp.h - sockets of TCP, which never wait. */
#ifndef NF_TCP_H
#define NF_TCP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "netron/types.h"

/* `mark` is that of the host's routing rules (SO_MARK), or 0; what is accepted has its listener's.
 */

/** Listens on a port, by IPv6 and IPv4 where the host has both. @return the descriptor or a
 * negative errno */
int nf_tcp_listen(uint16_t port, uint32_t mark);

/** Takes a connection. @return its descriptor, or a negative errno: -EAGAIN if there is none */
int nf_tcp_accept(int listener, netron_endpoint *from);

/** Begins to connect: the socket is writable when that is over. @return the descriptor or a
 * negative errno */
int nf_tcp_connect(const netron_endpoint *to, uint32_t mark);

/** How a connect ended. @return 0 or a negative errno */
int nf_tcp_connected(int fd);

/** @return how many bytes were taken, perhaps 0, or a negative errno */
ssize_t nf_tcp_send(int fd, const uint8_t *bytes, size_t length);

/** @return how many bytes came, or a negative errno: -EAGAIN if there are none, -ECONNRESET at the
 *  end */
ssize_t nf_tcp_receive(int fd, uint8_t *bytes, size_t capacity);

#endif
