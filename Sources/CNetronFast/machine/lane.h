/* SPDX-License-Identifier: Apache-2.0 */
/* lane.h - the two directions of the packet path, for one thread. Pure.
 *
 * Outbound: an inner packet finds its session and is sealed into the outbox behind the ones before
 * it, so that equal ones leave in one train. Inbound: a datagram is opened in place and checked.
 * No lock, no allocation, no log line; what is not for the path becomes a letter to control. */
#ifndef NF_LANE_H
#define NF_LANE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aead/aead.h"
#include "machine/admission.h"
#include "machine/datagram.h"
#include "machine/fragment.h"
#include "machine/letter.h"
#include "machine/mailbox.h"
#include "machine/outbox.h"
#include "machine/table.h"
#include "netron/engine.h"

typedef struct nf_lane {
    nf_table *table;
    uint32_t number;
    uint64_t now_ns; /* the shell sets it when a batch begins */
    nf_aead_cache *aeads;
    nf_reassembly *reassembly;
    nf_mailbox *control; /* letters go there */
    void (*wake_control)(void *context);
    void *wake_context;
    nf_outbox outbox;
    uint32_t next_fragment_id;
    nf_rate all_rate;                          /* of packets to all */
    _Atomic uint64_t drops[NETRON_DROP_COUNT]; /* written here, read by control */
    struct {
        uint64_t routes; /* the number of the snapshot this was found in */
        uint32_t session_index;
        uint8_t family;
        uint8_t source[16];
    } last_source; /* inner source that was checked last */
} nf_lane;

/** Fragment ids of a session are told apart by the lane that cut them: its number is in the 3 high
 *  bits, as in a counter. */
static inline uint32_t nf_fragment_first_id(uint32_t lane)
{
    return lane << (32 - NF_LANE_BITS);
}

static inline uint32_t nf_fragment_next_id(uint32_t id)
{
    const uint32_t mask = (UINT32_C(1) << (32 - NF_LANE_BITS)) - 1;
    return (id & ~mask) | ((id + 1) & mask);
}

/** False when memory is short. */
bool nf_lane_init(nf_lane *lane, nf_table *table, uint32_t number, nf_aead_backend backend);
void nf_lane_free(nf_lane *lane);

static inline void nf_lane_drop(nf_lane *lane, unsigned reason)
{
    /* One writer: no read-modify-write is needed. */
    uint64_t count = atomic_load_explicit(&lane->drops[reason], memory_order_relaxed);
    atomic_store_explicit(&lane->drops[reason], count + 1, memory_order_relaxed);
}

/** Adds the lane's drops to counters. From any thread. */
void nf_lane_add_drops(const nf_lane *lane, netron_counters *counters);

/** Posts a letter to control. @return false if the mailbox is full: counted as QUEUE_FULL */
bool nf_lane_post(nf_lane *lane, const nf_letter *letter, const void *body, size_t body_length);

/* --- outbound --------------------------------------------------------------------------------- */

/** Where packets with one inner destination go; good for one batch, and while the lane's AEAD cache
 *  is not asked for another key. */
typedef struct nf_flow {
    nf_session *session;
    nf_aead *aead;
    nf_train train;
    uint32_t path_mtu;
    uint16_t clamp_mtu; /* for the MSS of a SYN; 0: leave it */
} nf_flow;

/** Whom a packet goes to. */
typedef enum nf_route_result {
    NF_ROUTE_NOBODY, /* there is nothing to send */
    NF_ROUTE_ONE,    /* by the flow */
    NF_ROUTE_ALL,    /* by each flow of nf_lane_next_copy(), for each packet that it is cut into */
} nf_route_result;

/** Finds the flow of an inner packet. Without a route or a session the packet is told to control
 *  (it waits there), which counts nothing; a packet that is none, whose circuit is gone, or to all
 *  where that is not carried, is dropped and counted. */
nf_route_result nf_lane_route(nf_lane *lane, nf_flow *flow, const uint8_t *packet, size_t length);

/** Copies of one packet to all. */
typedef struct nf_copies {
    uint32_t place; /* where the next peer is looked for */
    uint8_t tos;
} nf_copies;

/** Before the copies of each packet: false if that is one too many now; it is counted. */
bool nf_lane_begin_copies(nf_lane *lane, nf_copies *copies, const uint8_t *packet, size_t length);

/** The flow to the next peer. False when each that has a session had its turn. */
bool nf_lane_next_copy(nf_lane *lane, nf_copies *copies, nf_flow *flow);

/** Seals a packet into the outbox, in fragments if the path is too narrow. A TCP SYN's MSS is
 *  lowered to the path first, in place. `flags`: of a session header.
 *  @return false if the outbox is full: flush it, and call again */
bool nf_lane_seal(nf_lane *lane, nf_flow *flow, uint8_t *packet, size_t length, uint8_t flags);

/** Seals any message of a session, as `lane`, to `out` (16 + length + 16 bytes).
 *  @return the datagram's length, or 0 when the key may seal no more */
size_t nf_session_seal(nf_session *session,
                       nf_aead *aead,
                       unsigned lane,
                       uint8_t type,
                       uint8_t flags,
                       const uint8_t *bytes,
                       size_t length,
                       uint8_t *out);

/* --- inbound ---------------------------------------------------------------------------------- */

typedef struct nf_inbound {
    uint8_t *packet; /* in the datagram, or in the lane's reassembly until the next open */
    size_t length;
    bool checksummed;
} nf_inbound;

typedef enum nf_open_result {
    NF_OPEN_PACKET,  /* an inner packet for this host */
    NF_OPEN_DONE,    /* taken: nothing for this host (a letter was sent, or it was empty) */
    NF_OPEN_DROPPED, /* and counted; `*reason` */
    NF_OPEN_CONTROL, /* a message for control: the shell brings it there */
    NF_OPEN_STRAY,   /* another lane's: the shell brings it there */
    NF_OPEN_RELAY,   /* it came by a circuit: see nf_lane_relay() */
} nf_open_result;

/** Opens one datagram in place. */
nf_open_result nf_lane_open(nf_lane *lane,
                            uint8_t *datagram,
                            size_t length,
                            const nf_path *from,
                            uint8_t tos,
                            nf_inbound *inbound,
                            unsigned *reason);

typedef enum nf_relay_result {
    NF_RELAY_ARRIVED, /* this node is the end: open what is behind the shim, as from `*through` */
    NF_RELAY_SENT,    /* it is in the outbox, for the next neighbour */
    NF_RELAY_DROPPED, /* and counted; `*reason` */
    NF_RELAY_STRAY,   /* another lane's: the shell brings it there */
    NF_RELAY_FULL,    /* the outbox is: flush it, and call again */
} nf_relay_result;

/** Takes a datagram of type RELAY; what it carries is of none. `through`: the circuit, as a path.
 */
nf_relay_result nf_lane_relay(nf_lane *lane,
                              const uint8_t *datagram,
                              size_t length,
                              const nf_path *from,
                              uint8_t tos,
                              nf_path *through,
                              unsigned *reason);

#endif
