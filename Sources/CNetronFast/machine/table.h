/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - what the control thread and the lanes share: session slots, peers, routes. Pure.
 *
 * The control thread writes; lanes read. A slot is published by storing its index with release and
 * taken back by storing 0; it is filled again only after every lane that was online has gone round
 * (reclaim.h). Fields without a note are constant while the slot is published. */
#ifndef NF_TABLE_H
#define NF_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/circuit.h"
#include "machine/datagram.h"
#include "machine/limits.h"
#include "machine/reclaim.h"
#include "machine/replay.h"
#include "machine/routes.h"
#include "machine/wire.h"

enum {
    NF_SLOT_BITS = 16,
    NF_GENERATION_BITS = 32 - NF_SLOT_BITS - NF_LANE_BITS,
    NF_NO_SLOT = UINT32_MAX,
    NF_PATH_WORDS = 6, /* 8-byte words of an nf_path */
};

typedef struct nf_session {
    _Atomic uint32_t index; /* generation | slot | owner lane; 0: not published */
    uint32_t remote_index;
    uint32_t peer;
    uint8_t suite;
    uint8_t remote_lanes;
    uint8_t owner;         /* lane that opens */
    uint8_t initiator;     /* 1: begun here */
    uint64_t key_identity; /* even; of the sending key; + 1: the receiving one */
    uint64_t made_ns;
    uint8_t send_key[32];
    uint8_t receive_key[32];

    /* The path: a sequence lock. Written by control, read by all. */
    _Atomic uint32_t path_version;
    _Atomic uint32_t path_mtu;     /* UDP payload bytes that pass */
    _Atomic uint32_t path_settled; /* 1: that was searched for, and is the most */
    _Atomic uint32_t watched; /* 1: control looks at this peer often; else tell it of traffic */
    _Atomic uint64_t path[NF_PATH_WORDS];

    /* Written by the owner lane alone. */
    _Atomic uint64_t heard_ns;
    _Atomic uint64_t used_ns; /* when an inner packet or a control message came; 0: none did */
    _Atomic uint64_t rx_packets, rx_bytes;
    _Atomic uint64_t path_heard_ns; /* when the newest packet came by the path itself */
    uint32_t roam_told_ms;          /* when control was last told of another source, modulo 2^32 */
    bool confirmed;                 /* a packet of it was authenticated */
    nf_replay windows[NF_LANE_COUNT];
    uint64_t window_bits[NF_REPLAY_WORDS_MAX];

    /* Element n is written by lane n alone. */
    _Atomic uint64_t tx_sequence[NF_LANE_COUNT];
    _Atomic uint64_t tx_bytes[NF_LANE_COUNT];
} nf_session;

/** What lanes know of a peer. */
typedef struct nf_peer_entry {
    _Atomic uint32_t send_slot; /* NF_NO_SLOT: no session */
} nf_peer_entry;

/** Who gets multicast and broadcast. */
typedef struct nf_all {
    bool off;                                 /* nobody does; set before the lanes begin */
    _Atomic uint32_t peers[NF_ALL_PEERS_MAX]; /* NF_NO_PEER: a free place */
    _Atomic uint64_t told_ns;                 /* when a lane last told control of a packet */
} nf_all;

typedef struct nf_table {
    uint32_t slots_max, peers_max, lanes, mtu;
    bool takes_datagrams; /* of others that share the port; set before the lanes begin */
    nf_all all;
    nf_session *slots;
    nf_peer_entry *peers;
    nf_circuit *circuits;        /* NETRON_CIRCUITS_MAX */
    _Atomic(nf_routes *) routes; /* NULL: none */
    nf_reclaim reclaim;

    /* What is forwarded on all circuits together; apart from what every packet needs. */
    uint32_t relay_bytes_per_second; /* 0: no limit; set before the lanes begin */
    _Atomic uint32_t relay_sides;    /* how many entries forward; control's to write */
    _Atomic uint64_t relay_spent_ns; /* until when what passed has used up that rate */

    /* Control's alone. */
    uint16_t *generations; /* by slot */
    uint32_t *free_slots;  /* a stack */
    uint32_t free_count;
    uint32_t *retired_slots; /* a ring of slots that wait for the lanes */
    uint64_t *retired_stamps;
    uint32_t retired_first, retired_count;
    nf_routes *old_routes; /* NULL, or a snapshot that waits for the lanes */
    uint64_t old_routes_stamp;
    uint32_t next_lane;
    uint64_t next_key_identity;
} nf_table;

/** False when memory is short. Pages are touched as slots are taken. */
bool nf_table_init(nf_table *table, uint32_t peers_max, uint32_t lanes, uint32_t mtu);
void nf_table_free(nf_table *table);

/** Takes a free slot for sessions that `lane` opens: its index is told to the other side, nothing
 *  is published yet. @return the index, or 0 when none is free */
uint32_t nf_table_reserve(nf_table *table, uint32_t lane);

/** The lanes in turn, for what any of them may open. */
uint32_t nf_table_next_lane(nf_table *table);

/** The slot number of an index. */
static inline uint32_t nf_slot_of(uint32_t index)
{
    return index >> NF_LANE_BITS & ((1u << NF_SLOT_BITS) - 1);
}

static inline nf_session *nf_table_slot(nf_table *table, uint32_t index)
{
    return &table->slots[nf_slot_of(index)];
}

/** The published session of a received index, or NULL. */
static inline nf_session *nf_table_find(nf_table *table, uint32_t index)
{
    uint32_t slot = nf_slot_of(index);
    if (slot >= table->slots_max || index == 0) {
        return NULL;
    }
    nf_session *session = &table->slots[slot];
    return atomic_load_explicit(&session->index, memory_order_acquire) == index ? session : NULL;
}

/** The session that a peer's packets leave by, or NULL. */
static inline nf_session *nf_table_session_of(nf_table *table, uint32_t peer, uint32_t *index)
{
    uint32_t slot = atomic_load_explicit(&table->peers[peer].send_slot, memory_order_acquire);
    if (slot == NF_NO_SLOT) {
        return NULL;
    }
    nf_session *session = &table->slots[slot];
    *index = atomic_load_explicit(&session->index, memory_order_acquire);
    /* A slot that was given back and filled again may be another peer's now. */
    return *index != 0 && session->peer == peer ? session : NULL;
}

/** The peer of an inner address, as nf_routes_find4() and 6. Good until the caller lets go of the
 *  table. */
static inline uint32_t nf_table_peer_of(nf_table *table, uint8_t family, const uint8_t *address)
{
    const nf_routes *routes = atomic_load_explicit(&table->routes, memory_order_acquire);
    if (routes == NULL) {
        return NF_NO_PEER;
    }
    return family == 4 ? nf_routes_find4(routes, address) : nf_routes_find6(routes, address);
}

/** The published entry of a circuit id, or NULL. */
static inline nf_circuit *nf_table_circuit(nf_table *table, uint32_t id)
{
    nf_circuit *circuit = &table->circuits[nf_circuit_slot_of(id)];
    bool is_known = atomic_load_explicit(&circuit->id, memory_order_acquire) == id && id != 0;
    return is_known ? circuit : NULL;
}

/** The way to a circuit's neighbour. False while it has none, or one that is a circuit itself. */
bool nf_table_way_out(nf_table *table, const nf_circuit *circuit, nf_path *path);

typedef struct nf_session_facts {
    uint32_t index, remote_index, peer;
    uint8_t suite, remote_lanes, initiator;
    uint64_t now_ns;
    const uint8_t *send_key, *receive_key;
    nf_path path;
} nf_session_facts;

/** Fills and publishes a reserved slot. */
void nf_table_publish(nf_table *table, const nf_session_facts *facts);

/** Gives back a reserved or published slot; its keys are wiped when the lanes have let go. */
void nf_table_retire(nf_table *table, uint32_t index);

/** Frees what retired slots the lanes have let go of. */
void nf_table_collect(nf_table *table);

/** Replaces the routes; the old ones are freed when the lanes have let go. Waits for nothing: with
 *  an older snapshot still waiting it returns false and does nothing. */
bool nf_table_set_routes(nf_table *table, nf_routes *routes);

void nf_session_set_path(nf_session *session, const nf_path *path);
void nf_session_get_path(nf_session *session, nf_path *path);

/** What the MSS of a TCP SYN must fit, or 0 when the path takes the inner MTU or is not known. */
static inline uint16_t nf_session_clamp_mtu(nf_session *session, uint32_t mtu)
{
    if (atomic_load_explicit(&session->path_settled, memory_order_relaxed) == 0) {
        return 0;
    }
    uint32_t room = atomic_load_explicit(&session->path_mtu, memory_order_relaxed) -
                    (NF_HEADER_BYTES + NF_TAG_BYTES);
    return room < mtu ? (uint16_t)room : 0;
}

/** Packets and bytes sealed by all lanes. */
uint64_t nf_session_sent(nf_session *session, uint64_t *bytes);

#endif
