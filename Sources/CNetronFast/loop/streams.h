/* SPDX-License-Identifier: Apache-2.0 */
/* streams.h - the connections of TCP, for peers that are not reached by UDP.
 *
 * They are the control thread's, all but the mailbox, by which anybody brings datagrams for them. A
 * connection is made when there is a datagram for an endpoint of kind NETRON_ENDPOINT_TCP, and one
 * that comes in is an endpoint of kind NETRON_ENDPOINT_TCP_IN. What comes by them goes the way of
 * any datagram that came to control's socket.
 *
 * Who the other end is the machine finds out, and it answers no stranger. So what it sends tells
 * who is none: a connection by which it sent no message of a session in time is closed, and so is
 * one by which it has long sent nothing. */
#ifndef NF_STREAMS_H
#define NF_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/mailbox.h"
#include "netron/device.h"

typedef struct nf_streams nf_streams;

/** `proxy`: port 0 for none. NULL when memory is short. */
nf_streams *nf_streams_new(const netron_endpoint *proxy);
void nf_streams_free(nf_streams *streams);

/** Listens on a port, if that is free, on the device's loop, which is made and does not run yet.
 *  @return 0 or a negative errno */
int nf_streams_start(nf_streams *streams, netron_device *device, uint16_t port);

bool nf_streams_listens(const nf_streams *streams);

/** Where datagrams for connections are brought to; see nf_streams_post(). */
nf_mailbox *nf_streams_mailbox(nf_streams *streams);

/** Brings a datagram to the connection of an endpoint, if there is a mailbox. From any thread; the
 *  control thread is woken by the caller. @return false if it was dropped */
bool nf_streams_post(nf_mailbox *mailbox,
                     const netron_endpoint *to,
                     const uint8_t *bytes,
                     size_t length);

/** Sends what was brought. On the control thread. */
void nf_streams_drain(nf_streams *streams);

/** Closes all; their handles are gone when the loop has run once more. */
void nf_streams_stop(nf_streams *streams);

/** Adds what was dropped here. From any thread. */
void nf_streams_add_drops(const nf_streams *streams, netron_counters *counters);

#endif
