/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h - a lane on a host: its thread, its libuv loop, its TUN queue and its socket. */
#ifndef NF_WORKER_H
#define NF_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include "linux/tun.h"
#include "linux/udp.h"
#include "machine/admission.h"
#include "machine/join.h"
#include "machine/lane.h"
#include "netron/device.h"

struct nf_worker;

/** A second socket of a lane, connected to the peer that most datagrams come from one by one.
 *
 *  An open socket hears from anybody, so the kernel looks up its route and its group for each
 *  datagram that comes alone. That is a third of what such a datagram costs; a connected socket is
 *  found at once. Where trains arrive (GRO) nothing is opened: there one look-up serves many. */
typedef struct nf_direct {
    nf_udp udp; /* descriptor -1: none */
    uv_poll_t poll;
    bool open, closing; /* closing: the loop still has the handle */
    netron_endpoint remote;
    uint64_t heard_ns; /* when something last came by it */

    /* The present window: who leads among those that lone datagrams came from (Boyer and Moore). */
    netron_endpoint leader;
    nf_local leader_local;
    uint32_t lead;
    uint64_t window_ns; /* its begin */
} nf_direct;

/** What a worker shares with the others of its device. */
typedef struct nf_worker_links {
    struct nf_worker *workers; /* all, by lane */
    uint32_t count;
    nf_mailbox *control; /* letters to the control thread */
    nf_mailbox *streams; /* datagrams to its connections; NULL: it has none */
    void (*wake_control)(void *context);
    void *context;
} nf_worker_links;

typedef struct nf_worker {
    nf_lane lane;
    nf_worker_links links;
    int tun_fd;       /* -1: no interface */
    bool vnet, joins; /* the TUN's headers; whether it takes joined segments */
    nf_udp *udp;
    int doors_fd; /* an epoll of the doors that this lane hears; each with its number */
    nf_receiver *receiver;
    uint8_t *read_buffer; /* one super-packet, with head room */
    nf_joiner joiner;
    nf_mailbox *inbox;     /* datagrams of this lane that came to others */
    nf_rate datagram_rate; /* of others that share the port, to control */

    pthread_t thread;
    uv_loop_t loop;
    uv_poll_t tun_poll, udp_poll, doors_poll;
    nf_direct direct;
    /* The loop said so, and they were not found empty since: what is empty is not asked again. */
    bool tun_readable, udp_readable, direct_readable, doors_readable;
    uv_async_t wake;
    _Atomic bool stopping;
    bool loop_made, running;
} nf_worker;

/** Makes a worker for lane `number`; nothing runs yet. @return 0 or a negative errno */
int nf_worker_init(nf_worker *worker,
                   nf_table *table,
                   uint32_t number,
                   nf_aead_backend backend,
                   const nf_worker_links *links);

/** Starts the thread. `tun` may be NULL. @return 0 or a negative errno */
int nf_worker_start(nf_worker *worker, const nf_tun *tun, nf_udp *udp);

/** Ends the thread if it runs, and frees what the worker has. Safe on one that was only zeroed. */
void nf_worker_stop(nf_worker *worker);

/** Brings a datagram to the lane that owns its session. From any thread; full: dropped.
 *  @return false if it was dropped */
bool nf_worker_bring(const nf_worker_links *links,
                     const uint8_t *datagram,
                     size_t length,
                     const nf_path *from,
                     uint8_t tos);

/** direct.c: counts an arrival that came by the open socket; opens or closes the direct one when a
 *  window is over. `on_readable` is called when something can be read from it. */
void nf_direct_count(nf_direct *direct, const nf_arrival *arrival);
void nf_direct_review(nf_worker *worker, uv_poll_cb on_readable);
/** Closes what the loop no longer has. */
void nf_direct_free(nf_direct *direct);

/** worker_out.c and worker_in.c: one round of each direction. @return true if there was work */
bool nf_worker_drain_tun(nf_worker *worker);
bool nf_worker_drain_udp(nf_worker *worker);
bool nf_worker_drain_inbox(nf_worker *worker);

/** worker_out.c: sends the outbox whole. */
void nf_worker_flush(nf_worker *worker);

#endif
