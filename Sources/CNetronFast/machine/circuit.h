/* SPDX-License-Identifier: Apache-2.0 */
/* circuit.h - one side of a circuit: who may write an id to us, and where what comes goes on. Pure.
 *
 * A circuit that ends here is one entry, one that is forwarded is two, each of which is the other's
 * way out:
 *
 *      A --- id --->  entry 1  --- out_id of 2 --->  B          RELAY is all that passes
 *      A <- out_id 1 ---       <------- id --------  B
 *
 * An id is lane | slot | chance: the 3 lowest bits name the lane that takes it, as in a receiver
 * index, the 12 above are the entry's place, the rest tells a guess from the one that was told. */
#ifndef NF_CIRCUIT_H
#define NF_CIRCUIT_H

#include <stdatomic.h>
#include <stdint.h>

#include "machine/admission.h"
#include "machine/wire.h"

enum {
    NF_CIRCUIT_SLOT_BITS = 12,
    NF_NO_CIRCUIT = UINT32_MAX,
};

/** Fields without a note are constant while the entry is published. */
typedef struct nf_circuit {
    _Atomic uint32_t id; /* what the neighbour writes; 0: not published */
    uint32_t out_id;     /* what we write to it */
    uint32_t peer;       /* the neighbour */
    uint32_t other;      /* the entry of the other side, or NF_NO_CIRCUIT: it ends here */
    uint32_t bytes_per_second, burst_bytes; /* of what comes by it; 0: no limit */

    /* Written by the lane of the id alone. */
    nf_rate rate;
    nf_rate part;     /* what it has for sure of the rate of all circuits */
    uint64_t told_ns; /* when control was last told that the neighbour may have moved */
    _Atomic uint64_t heard_ns;
    _Atomic uint64_t packets, bytes; /* that went on, with their shim */

    /* Control's alone. */
    uint64_t retired_stamp; /* when the lanes have let go of it; 0: they have */
    uint32_t far;           /* it ends here: the peer that was met through it, or NF_NO_PEER */
} nf_circuit;

static inline uint32_t nf_circuit_slot_of(uint32_t id)
{
    return id >> NF_LANE_BITS & ((1u << NF_CIRCUIT_SLOT_BITS) - 1);
}

#endif
