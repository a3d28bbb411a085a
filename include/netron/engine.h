/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h - the packet core as a machine: no socket, no clock, no thread of its own.
 *
 * Datagrams, inner packets and the time go in by calls; datagrams, inner packets and events are
 * polled out. Two engines in one process can talk to each other in memory; a simulator can run
 * thousands. device.h is the same machine on a Linux host.
 *
 * An engine is used from one thread at a time. Times are nanoseconds of one clock that never goes
 * back; each call may bring the same or a later one. */
#ifndef NETRON_ENGINE_H
#define NETRON_ENGINE_H

#include "netron/base.h"
#include "netron/error.h"
#include "netron/types.h"

NETRON_BEGIN

/** One node's identity, peers, sessions and timers. */
typedef struct netron_engine netron_engine;

/** What an engine is made of.
 *
 * Set `size` to sizeof(netron_options) and all else to 0 first; 0 means the default. Fields added
 * later are read only when `size` covers them. The pointers are borrowed for the call. */
typedef struct netron_options {
    uint32_t size;
    uint32_t peers_max; /* 1 to NETRON_PEERS_MAX; default NETRON_PEERS_MAX */
    uint32_t suites;    /* mask of NETRON_SUITE_* to offer; default: all that run well here */
    uint32_t lanes;     /* 1 to NETRON_LANES_MAX; an engine has 1 */
    uint32_t mtu;       /* of the inner network; default NETRON_MTU_DEFAULT */
    uint32_t backend;   /* 0: fixed order; 1: libsodium; 2: libcrypto, if it was built in */
    uint8_t identity_seed[NETRON_SEED_BYTES];      /* Ed25519 seed, from netron_identity_new() */
    const uint8_t *NETRON_NULLABLE network_secret; /* what every member knows, 16 bytes or more */
    size_t network_secret_length;
    uint64_t epoch_seconds; /* NETRON_EPOCH_SECONDS_MIN or more; default that */
    uint64_t random_seed;   /* 0: the system's randomness; else a repeatable run, for simulators */
    uint32_t datagrams;     /* 1: the caller takes datagrams of the DHT on the same port */
    uint32_t idle_ends;     /* 1: a new peer is not kept until netron_engine_keep() says so */
    uint32_t multicast_off; /* 1: multicast and broadcast are neither sent nor taken */
    uint32_t relay_bytes_per_second; /* of all that is forwarded on circuits; 0: no limit */
} netron_options;

/** Makes an Ed25519 seed whose public key is a valid node id, from the system's randomness. */
NETRON_API void netron_identity_new(uint8_t seed[NETRON_NONNULL NETRON_SEED_BYTES]);

/** The node id of a seed.
 *  @return NETRON_OK, or NETRON_E_INVALID if the seed gives an id with the sign bit set. */
NETRON_API NETRON_MUST int netron_identity_id(const uint8_t seed[NETRON_NONNULL NETRON_SEED_BYTES],
                                              uint8_t id[NETRON_NONNULL NETRON_ID_BYTES]);

/** Derives a secret of the network for a purpose: HKDF-SHA256 as docs/protocol.md states.
 *  `label` is ASCII, `epoch` 0 for what does not rotate. */
NETRON_API void netron_network_derive(const uint8_t *NETRON_LENT(secret_length) secret,
                                      size_t secret_length,
                                      const char *NETRON_NONNULL label,
                                      uint64_t epoch,
                                      uint8_t out[NETRON_NONNULL NETRON_KEY_BYTES]);

/** The unique local IPv6 address of a member (RFC 4193): a /48 of the network, and 80 bits of the
 *  id's hash. */
NETRON_API void netron_network_address(const uint8_t *NETRON_LENT(secret_length) secret,
                                       size_t secret_length,
                                       const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                                       uint8_t out[NETRON_NONNULL 16]);

/** Makes an engine. The caller owns it and gives it back with netron_engine_free().
 *  @return NETRON_OK, NETRON_E_INVALID, NETRON_E_UNSUPPORTED (a suite or backend that is not here)
 *  or NETRON_E_NO_MEMORY; `*out` is set only on NETRON_OK. */
NETRON_API NETRON_MUST int netron_engine_new(netron_engine *NETRON_NULLABLE *NETRON_NONNULL out,
                                             const netron_options *NETRON_NONNULL options);

/** Wipes the keys and frees the engine. NULL is allowed. */
NETRON_API void netron_engine_free(netron_engine *NETRON_NULLABLE engine);

/** This node's id. */
NETRON_API void netron_engine_id(const netron_engine *NETRON_NONNULL engine,
                                 uint8_t id[NETRON_NONNULL NETRON_ID_BYTES]);

/** Says what the wall clock shows at `now_ns`: epochs are counted from it. Until then, and after a
 *  `wall_ms` of 0, the engine uses the clockless key. `wall_ms` is milliseconds since 1970. */
NETRON_API void
netron_engine_set_time(netron_engine *NETRON_NONNULL engine, uint64_t wall_ms, uint64_t now_ns);

/** Begins a handshake with whoever answers at `endpoint`, which may be a circuit that ends here;
 *  with `id`, only that node will do. Ends in NETRON_EVENT_PEER_UP or NETRON_EVENT_DIAL_FAILED.
 *  @return NETRON_OK, NETRON_E_INVALID, NETRON_E_AGAIN (too many at once) */
NETRON_API NETRON_MUST int netron_engine_dial(netron_engine *NETRON_NONNULL engine,
                                              const netron_endpoint *NETRON_NONNULL endpoint,
                                              const uint8_t *NETRON_NULLABLE id,
                                              uint64_t now_ns);

/** Says goodbye to a peer and forgets it. NETRON_E_UNKNOWN_PEER if there is none. */
NETRON_API NETRON_MUST int netron_engine_hang_up(netron_engine *NETRON_NONNULL engine,
                                                 const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                                                 uint64_t now_ns);

/** Sets which inner addresses are a peer's: packets to them go to it, packets from them are taken
 *  only from it. Replaces the earlier list. A prefix that another peer has moves to this one.
 *  @return NETRON_OK, NETRON_E_UNKNOWN_PEER, NETRON_E_INVALID or NETRON_E_FULL */
NETRON_API NETRON_MUST int
netron_engine_set_prefixes(netron_engine *NETRON_NONNULL engine,
                           const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                           const netron_prefix *NETRON_LENT(count) prefixes,
                           size_t count,
                           uint64_t now_ns);

/** Says that this node has an inner address, with its network's length, or has it no more: what the
 *  host sends to the broadcast address of that network goes to all, as do 255.255.255.255 and
 *  multicast of IPv4, and of IPv6 up to the scope of an organization (RFC 7346). All are the peers
 *  with a session, at most 64 of them, and 200 packets a second are copied.
 *  @return NETRON_OK, NETRON_E_INVALID (no such prefix) or NETRON_E_FULL (more than 16 addresses
 *  of IPv4) */
NETRON_API NETRON_MUST int netron_engine_set_address(netron_engine *NETRON_NONNULL engine,
                                                     const netron_prefix *NETRON_NONNULL address,
                                                     uint32_t present,
                                                     uint64_t now_ns);

/** Sends a control message to a peer with a session, unreliably.
 *  @return NETRON_OK, NETRON_E_UNKNOWN_PEER, NETRON_E_AGAIN, or NETRON_E_INVALID above
 *  NETRON_MESSAGE_BYTES_MAX */
NETRON_API NETRON_MUST int
netron_engine_send_message(netron_engine *NETRON_NONNULL engine,
                           const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                           const uint8_t *NETRON_LENT(length) bytes,
                           size_t length,
                           uint64_t now_ns);

/** Says whether a peer's session is kept while it is idle.
 *
 *  Whoever is kept is asked for an echo when nothing was heard of it for 25 s, or as
 *  netron_engine_set_keepalive() says. Another session
 *  ends, with NETRON_DOWN_IDLE at both ends, when no inner packet and no control message went
 *  either way for 180 s, and the peer, which asks if it keeps the session, did not for 75 s.
 *  Without `idle_ends` in the options a peer is kept until this says no.
 *  @return NETRON_OK or NETRON_E_UNKNOWN_PEER */
NETRON_API NETRON_MUST int netron_engine_keep(netron_engine *NETRON_NONNULL engine,
                                              const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                                              uint32_t kept,
                                              uint64_t now_ns);

/** Whose turn it is to ask for an echo in a silence. The other end does so 2 s later if it heard
 *  nothing. */
enum {
    NETRON_TURN_INITIATOR = 0, /* of who began the session's handshake */
    NETRON_TURN_OURS = 1,
    NETRON_TURN_PEERS = 2,
};

/** How a peer is asked that says nothing. */
typedef struct netron_keepalive {
    uint32_t interval_ms; /* of silence, until one asks: 1,000 to 120,000; 25,000 at first */
    uint32_t turn;        /* NETRON_TURN_* */
    uint32_t wanted;      /* 1: the peer keeps the session, which does not end idle here either */
    uint32_t reports;     /* 1: NETRON_EVENT_KEEPALIVE tells what became of each silence */
} netron_keepalive;

/** Says how a peer is asked for as long as it is one; both ends should be told the same.
 *  @return NETRON_OK, NETRON_E_UNKNOWN_PEER, NETRON_E_INVALID */
NETRON_API NETRON_MUST int
netron_engine_set_keepalive(netron_engine *NETRON_NONNULL engine,
                            const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                            const netron_keepalive *NETRON_NONNULL keepalive,
                            uint64_t now_ns);

/** Sends a datagram of another protocol from the same port: a bencoded dictionary, as those of the
 *  distributed hash table of BitTorrent (BEP 5), which begins with 'd' and ends with 'e'.
 *  @return NETRON_OK, NETRON_E_AGAIN, or NETRON_E_INVALID for other bytes, a length outside of
 *  NETRON_DATAGRAM_BYTES_MIN to _MAX, a port of 0, or without `datagrams` in the options */
NETRON_API NETRON_MUST int netron_engine_send_datagram(netron_engine *NETRON_NONNULL engine,
                                                       const netron_endpoint *NETRON_NONNULL to,
                                                       const uint8_t *NETRON_LENT(length) bytes,
                                                       size_t length,
                                                       uint64_t now_ns);

/** The next such datagram that came. Anybody may have sent it, from an address that need not be its
 *  own; what is inside was not looked at.
 *  @return its length, 0 if there is none, NETRON_E_TOO_SHORT (it stays) */
NETRON_API NETRON_MUST int netron_engine_next_datagram(netron_engine *NETRON_NONNULL engine,
                                                       uint8_t *NETRON_LENT(capacity) buffer,
                                                       size_t capacity,
                                                       netron_endpoint *NETRON_NONNULL from);

/** Asks a peer for an echo; NETRON_EVENT_PONG brings `token` and the round trip, or nothing comes.
 */
NETRON_API NETRON_MUST int netron_engine_ping(netron_engine *NETRON_NONNULL engine,
                                              const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                                              uint64_t token,
                                              uint64_t now_ns);

/* --- circuits -----------------------------------------------------------------------------------
 *
 * A circuit brings datagrams between two members by way of a third, or of two, which can not read
 * them. Each node on it knows it by ids of 32 bits that it chose itself: an id is what a neighbour
 * writes on the datagrams that it sends here. To an end the circuit is an endpoint like any other,
 * of kind NETRON_ENDPOINT_CIRCUIT: handshakes, sessions and paths work with it unchanged.
 *
 * Which circuits there are is decided by the caller, who agrees on the ids with its neighbours. A
 * circuit ends with NETRON_EVENT_CIRCUIT_CLOSED: after 200 s in which nothing came, with the peer
 * that is its neighbour, and when it is closed. */

/** One side of a circuit: a peer, and the ids that each writes to the other. */
typedef struct netron_circuit_side {
    uint8_t neighbour[NETRON_ID_BYTES]; /* its datagrams are taken from its session's path alone */
    uint32_t id_in;                     /* what it writes; see netron_engine_circuit_id() */
    uint32_t id_out;                    /* what we write; not 0 */
} netron_circuit_side;

/** An id that is free: not given out again before all others were, and taken only when a circuit is
 *  made with it. A number of the caller's will do too, but the 3 lowest bits name a lane, and of
 *  those whose next 12 bits are equal only one can be taken.
 *  @return 0 if all are taken */
NETRON_API NETRON_MUST uint32_t netron_engine_circuit_id(netron_engine *NETRON_NONNULL engine);

/** Makes a circuit that ends here. From then on {.kind = NETRON_ENDPOINT_CIRCUIT, .scope = id_in}
 *  is an endpoint: to dial, to try, and of events and peers.
 *  @return NETRON_OK, NETRON_E_UNKNOWN_PEER (no session with the neighbour), NETRON_E_IN_USE (the
 *  id, or its place), NETRON_E_INVALID (an id of 0, or of a lane that is not here) */
NETRON_API NETRON_MUST int netron_engine_circuit_end(netron_engine *NETRON_NONNULL engine,
                                                     const netron_circuit_side *NETRON_NONNULL side,
                                                     uint64_t now_ns);

/** Makes a circuit that this node forwards between two other members. `bytes_per_second` limits
 *  each direction (UDP payload; a quarter of a second at once, 64 KiB at least); 0: no limit.
 *  Of the `relay_bytes_per_second` of the options each direction of each circuit has an equal part
 *  for sure, and what others leave over.
 *  @return as above; NETRON_E_INVALID also if both are one neighbour */
NETRON_API NETRON_MUST int
netron_engine_circuit_forward(netron_engine *NETRON_NONNULL engine,
                              const netron_circuit_side *NETRON_NONNULL a,
                              const netron_circuit_side *NETRON_NONNULL b,
                              uint32_t bytes_per_second,
                              uint64_t now_ns);

/** Ends a circuit by one of its ids here. The others on it are told nothing.
 *  @return NETRON_OK, or NETRON_E_INVALID if there is none */
NETRON_API NETRON_MUST int
netron_engine_circuit_close(netron_engine *NETRON_NONNULL engine, uint32_t id_in, uint64_t now_ns);

/** What is known of a circuit by one of its ids. */
typedef struct netron_circuit_info {
    uint8_t neighbour[NETRON_ID_BYTES];
    uint32_t id_in, id_out;
    uint32_t other_in; /* of the other side, where it is forwarded; 0: it ends here */
    uint32_t bytes_per_second;
    uint64_t heard_ns;       /* when something last came by `id_in`, or it was made */
    uint64_t packets, bytes; /* that came by `id_in` and went on; bytes of UDP payload */
    uint64_t reserved[4];
} netron_circuit_info;

/** @return NETRON_OK, or NETRON_E_INVALID if there is none */
NETRON_API NETRON_MUST int netron_engine_circuit_info(const netron_engine *NETRON_NONNULL engine,
                                                      uint32_t id_in,
                                                      netron_circuit_info *NETRON_NONNULL out);

/* --- paths ------------------------------------------------------------------------------------ */

/** Asks a peer, by a sealed challenge to `endpoint`, to show that it gets mail there; two ends that
 *  do so at the same time open their NATs to each other. NETRON_EVENT_PATH tells that it does, or
 *  nothing comes. A peer that is reached by a circuit is moved to a path that is none at once, and
 * one that is reached by TCP to a path of UDP; any other move is the caller's, by
 *  netron_engine_use_path().
 *  @return NETRON_OK, NETRON_E_UNKNOWN_PEER (no session), NETRON_E_INVALID (no such endpoint),
 *  NETRON_E_AGAIN (more than 200 a second and peer, or the queue is full) */
NETRON_API NETRON_MUST int netron_engine_try_path(netron_engine *NETRON_NONNULL engine,
                                                  const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                                                  const netron_endpoint *NETRON_NONNULL endpoint,
                                                  uint64_t now_ns);

/** Moves a peer to a path that it showed to be its own: within the last 30 s, or by a circuit that
 *  is still there or a listener of TCP, for as long as no better path answers (UDP is better than
 *  TCP, and that than a circuit). NETRON_EVENT_MOVED follows unless it is
 *  there already.
 *  @return NETRON_OK, NETRON_E_UNKNOWN_PEER (no session), NETRON_E_EXPIRED (not shown, or too long
 *  ago) */
NETRON_API NETRON_MUST int netron_engine_use_path(netron_engine *NETRON_NONNULL engine,
                                                  const uint8_t id[NETRON_NONNULL NETRON_ID_BYTES],
                                                  const netron_endpoint *NETRON_NONNULL endpoint,
                                                  uint64_t now_ns);

/* --- what goes through ------------------------------------------------------------------------ */

/** Takes one datagram off the wire, or out of its frame on a connection; `tos` is its IP TOS or
 *  traffic class byte (0 by TCP). The bytes are borrowed for the call.
 *  @return NETRON_OK, or why it was dropped: a negative NETRON_E_*. A refused datagram leaves the
 *  engine as it was, but for a counter. */
NETRON_API NETRON_MUST int netron_engine_receive(netron_engine *NETRON_NONNULL engine,
                                                 const uint8_t *NETRON_LENT(length) bytes,
                                                 size_t length,
                                                 const netron_endpoint *NETRON_NONNULL from,
                                                 uint8_t tos,
                                                 uint64_t now_ns);

/** The connection to an endpoint of TCP ended. Peers whose path it was are sent an echo, so that it
 * is made again if it can be dialled; meanwhile the other paths that they showed are challenged.
 * The caller connects when netron_engine_poll_datagram() has something for NETRON_ENDPOINT_TCP, and
 *  drops what is for a NETRON_ENDPOINT_TCP_IN that is gone. */
NETRON_API void netron_engine_disconnected(netron_engine *NETRON_NONNULL engine,
                                           const netron_endpoint *NETRON_NONNULL endpoint,
                                           uint64_t now_ns);

/** Takes one inner IP packet to send to whoever has its destination, or to all.
 *  @return NETRON_OK (sealed or waiting for a session), NETRON_E_MALFORMED, NETRON_E_UNKNOWN_PEER
 *  (an ICMP answer may be polled), NETRON_E_AGAIN, NETRON_E_REFUSED (multicast or broadcast that is
 *  not carried) */
NETRON_API NETRON_MUST int netron_engine_send_packet(netron_engine *NETRON_NONNULL engine,
                                                     const uint8_t *NETRON_LENT(length) packet,
                                                     size_t length,
                                                     uint64_t now_ns);

/** The next datagram to put on the wire, copied into `buffer`.
 *  @return its length, 0 if there is none, or NETRON_E_TOO_SHORT (it stays) */
NETRON_API NETRON_MUST int netron_engine_poll_datagram(netron_engine *NETRON_NONNULL engine,
                                                       uint8_t *NETRON_LENT(capacity) buffer,
                                                       size_t capacity,
                                                       netron_endpoint *NETRON_NONNULL to,
                                                       uint8_t *NETRON_NONNULL tos);

/** The next inner packet for this host, copied into `buffer`; results as above. */
NETRON_API NETRON_MUST int netron_engine_poll_packet(netron_engine *NETRON_NONNULL engine,
                                                     uint8_t *NETRON_LENT(capacity) buffer,
                                                     size_t capacity);

/** When netron_engine_tick() is next due, or UINT64_MAX for never. */
NETRON_API uint64_t netron_engine_deadline(const netron_engine *NETRON_NONNULL engine);

/** Runs what is due. */
NETRON_API void netron_engine_tick(netron_engine *NETRON_NONNULL engine, uint64_t now_ns);

/** Says goodbye to every peer; poll the datagrams out, then free the engine. */
NETRON_API void netron_engine_close(netron_engine *NETRON_NONNULL engine, uint64_t now_ns);

/** What happened to a peer. */
enum {
    NETRON_EVENT_PEER_UP = 1,      /* a session with `id` at `endpoint`, or a dial to `endpoint` led
                                      to `id`, which has one; rtt_ns is the round trip, wall_ms
                                      what its clock shows */
    NETRON_EVENT_PEER_DOWN = 2,    /* `code`: NETRON_DOWN_* */
    NETRON_EVENT_MESSAGE = 3,      /* `bytes`, from `id` */
    NETRON_EVENT_DIAL_FAILED = 4,  /* `endpoint`, and `id` if one was asked for; `code`: an error */
    NETRON_EVENT_PONG = 5,         /* `token`, `rtt_ns` */
    NETRON_EVENT_MOVED = 6,        /* `id` is now reached at `endpoint` */
    NETRON_EVENT_UNROUTED = 7,     /* a packet is for the address in `bytes` (4 or 16 bytes), which
                                      nobody has; at most once a second and address. With `code`
                                      NETRON_UNROUTED_ALL: which means all, of whom those with a
                                      session got it; at most once a second */
    NETRON_EVENT_LOST = 8,         /* `token` events did not fit the queue before this one */
    NETRON_EVENT_HOST_CHANGED = 9, /* the host has other addresses or routes, or may have */
    NETRON_EVENT_CIRCUIT_CLOSED = 10, /* the circuit `endpoint`, whose neighbour is `id`; `token`:
                                         the id of its other side, where it was forwarded, else 0;
                                         `code`: NETRON_CIRCUIT_* */
    NETRON_EVENT_PATH = 11,           /* `id` gets mail at `endpoint`, which was tried; `rtt_ns` */
    NETRON_EVENT_SILENT = 12,    /* `id` answered nothing at `endpoint` of late, an echo neither:
                                    another path should be found; told once, until it is heard */
    NETRON_EVENT_KEEPALIVE = 13, /* `id` was heard after `token` milliseconds in which neither end
                                    said anything; `code`: NETRON_KEEPALIVE_*. Only for whom it
                                    was asked for; some are left out when many events wait */
};

/** What ended a silence. */
enum {
    NETRON_KEEPALIVE_CAME = 1,  /* the peer asked for an echo */
    NETRON_KEEPALIVE_ASKED = 2, /* it was asked, as it had not, and answered at once */
};

/** Why a peer went. */
enum {
    NETRON_DOWN_GOODBYE = 1, /* it said so */
    NETRON_DOWN_SILENT = 2,  /* it no longer answers */
    NETRON_DOWN_LOCAL = 3,   /* hung up here */
    NETRON_DOWN_IDLE = 4,    /* neither end needed the session: see netron_engine_keep() */
};

/** Whom an unrouted packet is for. */
enum { NETRON_UNROUTED_ONE = 0, NETRON_UNROUTED_ALL = 1 };

/** Why a circuit ended. */
enum {
    NETRON_CIRCUIT_IDLE = 1,      /* nothing came by it for 200 s */
    NETRON_CIRCUIT_NEIGHBOUR = 2, /* there is no session with a neighbour any more */
    NETRON_CIRCUIT_LOCAL = 3,     /* closed here */
};

typedef struct netron_event {
    uint32_t kind;
    int32_t code;
    uint8_t id[NETRON_ID_BYTES];
    netron_endpoint endpoint;
    uint64_t token;
    uint64_t rtt_ns;
    uint64_t wall_ms; /* milliseconds since 1970 by the peer's clock; 0: it has none */
    uint32_t length;  /* of `bytes` */
    uint32_t reserved;
    uint8_t bytes[NETRON_MESSAGE_BYTES_MAX + 2];
} netron_event;

/** The next event. @return 1, or 0 if there is none */
NETRON_API NETRON_MUST int netron_engine_poll_event(netron_engine *NETRON_NONNULL engine,
                                                    netron_event *NETRON_NONNULL event);

/** What is known of a peer. Counters are since the first session. */
typedef struct netron_peer_info {
    uint8_t id[NETRON_ID_BYTES];
    netron_endpoint endpoint;
    uint32_t up;           /* 1: there is a session */
    uint32_t suite;        /* NETRON_SUITE_* */
    uint32_t path_mtu;     /* largest UDP payload that is known to pass, bytes */
    uint32_t lanes;        /* of the peer */
    uint64_t rtt_ns;       /* smoothed; 0: not known */
    uint64_t handshake_ns; /* when the session was made, by the caller's clock */
    uint64_t heard_ns;     /* when a packet of it was last authenticated */
    uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes;
    uint64_t reserved[8];
} netron_peer_info;

/** Copies up to `capacity` peers. @return how many there are in all */
NETRON_API size_t netron_engine_peers(const netron_engine *NETRON_NONNULL engine,
                                      netron_peer_info *NETRON_LENT(capacity) out,
                                      size_t capacity);

/* Every reason to drop a packet: each has a counter. Numbers are frozen once released. */
#define NETRON_DROP_MAP(XX)                                             \
    XX(0, MALFORMED, "not a message of the protocol")                   \
    XX(1, UNKNOWN_INDEX, "no session by that receiver index")           \
    XX(2, FORGED, "authentication tag does not match")                  \
    XX(3, REPLAYED, "counter seen before or too old")                   \
    XX(4, SPOOFED, "inner source is not the sender's")                  \
    XX(5, BAD_INNER, "inner packet is not well formed")                 \
    XX(6, UNROUTED, "no peer has the inner destination")                \
    XX(7, NO_SESSION, "the peer has no session")                        \
    XX(8, WRONG_NETWORK, "first message does not know the token")       \
    XX(9, REPEATED, "first message seen before")                        \
    XX(10, BAD_IDENTITY, "id and static key do not belong together")    \
    XX(11, LIMITED, "over a rate or table limit")                       \
    XX(12, QUEUE_FULL, "a bounded queue was full")                      \
    XX(13, CONGESTED, "outer congestion mark on a packet without ECN")  \
    XX(14, FRAGMENT, "fragment is inconsistent or came too late")       \
    XX(15, TUN_WRITE, "the interface did not take the packet")          \
    XX(16, UDP_SEND, "the socket did not take the datagram")            \
    XX(17, TOO_BIG, "packet is larger than the interface's MTU")        \
    XX(18, DATAGRAM, "over a limit of the datagrams of others")         \
    XX(19, NO_CIRCUIT, "no circuit by that id, or it leads nowhere")    \
    XX(20, NOT_NEIGHBOUR, "not from the path of a circuit's neighbour") \
    XX(21, HOPS, "passed more relays than it may")                      \
    XX(22, RELAY_LIMITED, "over the rate of a circuit, or of all")      \
    XX(23, MULTICAST, "multicast or broadcast that is not carried")     \
    XX(24, ALL_LIMITED, "over the rate of multicast and broadcast")

enum {
#define XX(number, name, text) NETRON_DROP_##name = (number),
    NETRON_DROP_MAP(XX)
#undef XX
        NETRON_DROP_COUNT = 25
};

/** The name of a reason, in lower case with underscores; static storage; NULL past the last. */
NETRON_API const char *NETRON_NULLABLE netron_drop_name(uint32_t reason);

typedef struct netron_counters {
    uint64_t drops[32]; /* by NETRON_DROP_* */
    uint64_t handshakes_begun, handshakes_done, cookies_sent, handshakes_taken;
    uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes;
    uint64_t relayed_packets, relayed_bytes; /* between other members, by circuits */
    uint64_t reserved[6];
} netron_counters;

NETRON_API void netron_engine_counters(const netron_engine *NETRON_NONNULL engine,
                                       netron_counters *NETRON_NONNULL out);

NETRON_END

#endif
