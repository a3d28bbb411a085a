/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - a device whole: the control thread, its lock, and the workers beside it.
 *
 * The control machine belongs to whoever holds the lock: the control thread, or a caller of
 * device.h. Lanes never take it; what they share with control is the table. */
#ifndef NF_CONTROL_H
#define NF_CONTROL_H

#include <pthread.h>
#include <stdbool.h>
#include <uv.h>

#include "linux/policy.h"
#include "linux/tun.h"
#include "linux/udp.h"
#include "loop/streams.h"
#include "loop/worker.h"
#include "machine/core.h"
#include "netron/device.h"

typedef enum nf_door_state {
    NF_DOOR_NONE,
    NF_DOOR_OPEN,
    NF_DOOR_CLOSING, /* nobody finds it any more, but lanes may still be using it */
} nf_door_state;

typedef struct nf_door {
    nf_door_state state;
    int fd;             /* CLOSING */
    uint64_t stamp;     /* CLOSING: when lanes are no longer using it (machine/reclaim.h) */
    uint64_t unused_ns; /* OPEN: since when no path goes by it; 0: one does */
} nf_door;

/** search.c: many doors towards one endpoint, so that the other end finds one of them. */
typedef struct nf_search {
    bool active;
    uint8_t id[NETRON_ID_BYTES];
    netron_endpoint endpoint;
    uint32_t doors[NF_SEARCH_DOORS]; /* by number, those of the present search */
    uint32_t count, next;            /* opened, and which of them sends next */
    uint64_t end_ns;
    uint64_t again_ns; /* when all of them send again */
    bool settled;      /* the peer has a direct path */
    uint64_t review_ns;
    uint32_t busy; /* doors that are open or closing */
    nf_door door[NF_DOORS_MAX];
    uv_timer_t timer;  /* of the control loop */
    uint32_t armed_ms; /* what it was set to; 0: it is not under way */
} nf_search;

struct netron_device {
    nf_core *core;
    pthread_mutex_t lock;
    bool lock_made, has_tun, udp_open, routes;
    nf_tun tun;
    nf_policy policy; /* of one caller at a time */
    nf_udp_group udp;
    nf_receiver *receiver;
    nf_mailbox *letters; /* from the workers */
    nf_streams *streams; /* NULL: no TCP */
    nf_worker workers[NETRON_LANES_MAX];
    uint32_t worker_count;
    void (*wake)(void *context);
    void *wake_context;
    uint64_t now_ns;   /* the latest that the machine was told; under the lock */
    bool time_is_told; /* by the caller: the host's clock does not count; under the lock */

    pthread_t thread;
    uv_loop_t loop;
    uv_async_t async;
    uv_timer_t timer, clock_timer;
    uv_poll_t poll, watch_poll;
    nf_search search; /* under the lock */
    int watch_fd;     /* tells of changed links, addresses and routes; -1: not to be had */
    _Atomic bool stopping;
    _Atomic uint64_t armed_ns; /* when the timer is due */
    bool loop_made, running;
};

void nf_control_lock(netron_device *device);

/** Sends what the machine has for others, lets go of the lock, then wakes the caller and the
 *  control thread's timer where needed. */
void nf_control_unlock(netron_device *device);

/** The time for the machine: never less than before. Under the lock. */
uint64_t nf_control_now(netron_device *device);

/** Sets the control thread's timer. On that thread, without the lock. */
void nf_control_arm(netron_device *device);

/** Takes a datagram that came to control. Under the lock. */
void nf_control_take(
    netron_device *device, const uint8_t *bytes, uint32_t length, const nf_path *path, uint8_t tos);

/** search.c: begins a search, under the lock. What netron_device_search() returns. */
int nf_search_begin(netron_device *device,
                    const uint8_t id[NETRON_ID_BYTES],
                    const netron_endpoint *endpoint);
/** Sets the timer if there is something to do. From the control thread, under the lock. */
void nf_search_wake(netron_device *device);
/** Closes what lanes are no longer using; when all of them have ended. */
void nf_search_stop(netron_device *device);

/** A NETRON_E_* for a negative errno; NETRON_OK for 0. */
int nf_control_error(int negative_errno);

/** Makes the control thread's loop, which workers may wake from then on. @return 0 or a negative
 *  errno */
int nf_control_init(netron_device *device);

/** Starts the control thread, when the workers run: it brings them datagrams. @return 0 or a
 *  negative errno */
int nf_control_start(netron_device *device);

/** Ends it, before the workers. */
void nf_control_stop(netron_device *device);

/** Frees its loop. */
void nf_control_free(netron_device *device);

#endif
