/* SPDX-License-Identifier: Apache-2.0 */
/* pair.h - a small world in memory: engines, the links between them, and one clock.
 *
 * Nothing happens by itself: pair_run() lets time pass, from deadline to deadline and from arrival
 * to arrival, and each run of a world repeats the one before to the byte. Every datagram that an
 * engine sends goes past the world's hook, which may lose, change, delay, repeat or record it.
 *
 * Node n has the inner addresses of pair_prefix4(n) and pair_prefix6(n), which the others route to
 * it when they hear that it is up, and the outer endpoint pair_endpoint(n, 0). */
#ifndef NF_TEST_PAIR_H
#define NF_TEST_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/limits.h"
#include "machine/wire.h"
#include "netron/netron.h"

enum {
    PAIR_NODES_MAX = 2048,
    PAIR_NOBODY = UINT16_MAX, /* no node has that endpoint, or that id */
    PAIR_DATAGRAM_BYTES_MAX = 4096,
    PAIR_SERIALS_MAX = 65536,
    PAIR_KINDS = 16,        /* of events */
    PAIR_HEADER_BYTES = 28, /* of an inner packet by pair_send(): IPv4 and UDP; IPv6: 20 more */
};

#define PAIR_START_NS   NF_SECOND_NS
#define PAIR_LATENCY_NS (5 * NF_MILLISECOND_NS)
#define PAIR_WALL_MS    UINT64_C(1800000900000) /* a quarter into an hour */
#define PAIR_SECRET     "what the members know"

/** One datagram under way. */
typedef struct pair_datagram {
    struct pair_datagram *next;
    uint64_t sent_ns, arrives_ns;
    uint16_t from, to; /* nodes; `to` is looked up again on arrival */
    netron_endpoint source, destination;
    size_t length;
    uint8_t tos;
    uint8_t bytes[PAIR_DATAGRAM_BYTES_MAX];
} pair_datagram;

typedef struct pair_node {
    netron_engine *engine;
    netron_options options;
    uint8_t id[NETRON_ID_BYTES];
    netron_endpoint endpoint;
    bool silent;       /* neither hears nor says anything: a machine that lost its power */
    bool keeps_events; /* they stay in the engine's queue */
    bool by_hand;      /* its routes are the test's business */

    uint32_t event_count[PAIR_KINDS];
    netron_event last_event[PAIR_KINDS]; /* by kind */

    /* Inner packets that came. */
    uint32_t packets;
    size_t packet_length; /* of the last one */
    uint8_t packet[PAIR_DATAGRAM_BYTES_MAX];
    uint8_t *times_seen; /* by serial of pair_send() */
} pair_node;

struct pair_world;

/** Sees a datagram that a node sent. @return false if it is lost */
typedef bool (*pair_hook)(struct pair_world *world, pair_datagram *datagram);

typedef struct pair_world {
    uint64_t now_ns;
    uint64_t wall_ms; /* at PAIR_START_NS; 0: nodes that are added have no clock */
    uint64_t latency_ns;
    size_t size_max; /* longer UDP payloads are lost; 0: none are */
    pair_hook hook;
    void *context; /* the hook's */
    unsigned node_count;
    uint64_t engines_made; /* each has randomness of its own */
    uint32_t random_state;
    pair_datagram *flying;                   /* by arrival */
    pair_datagram *captured, *captured_last; /* by pair_capture(), oldest first */
    uint32_t strays;                         /* datagrams to endpoints that nobody has */
    pair_node nodes[PAIR_NODES_MAX];
} pair_world;

/* --- the world -------------------------------------------------------------------------------- */

/** A world with `nodes` nodes that do not know each other. */
pair_world *pair_new(unsigned nodes);
void pair_free(pair_world *world);

/** What a node is made of unless a test wants another. */
netron_options pair_options(const pair_world *world, unsigned node);

/** @return the new node's number */
unsigned pair_add(pair_world *world);
unsigned pair_add_with(pair_world *world, const netron_options *options);

/** The engine dies without a word and a new one takes its place: same identity, same endpoint. */
void pair_restart(pair_world *world, unsigned node);

netron_endpoint pair_endpoint(unsigned node, unsigned place);
unsigned pair_node_at(const pair_world *world, const netron_endpoint *endpoint);
unsigned pair_node_of(const pair_world *world, const uint8_t id[NETRON_ID_BYTES]);

/** A number below `bound`, the same ones in each run. */
uint32_t pair_random(pair_world *world, uint32_t bound);

/* --- time ------------------------------------------------------------------------------------- */

/** Lets that much time pass. */
void pair_run(pair_world *world, uint64_t duration_ns);

/** Carries what engines have for the links and for the test, without time passing. */
void pair_flush(pair_world *world);

/** Sends the same bytes once more, later by that much. For hooks. */
void pair_repeat(pair_world *world, const pair_datagram *datagram, uint64_t later_ns);

/** Keeps a copy in `captured`. For hooks. */
void pair_capture(pair_world *world, const pair_datagram *datagram);

/** A hook that captures all. */
bool pair_capture_all(pair_world *world, pair_datagram *datagram);

void pair_forget(pair_world *world);

/** How many of a type were captured from a node (PAIR_NOBODY: from any). */
unsigned pair_count(const pair_world *world, unsigned from, uint8_t type);

/** The nth of a type that was captured from a node; fails the test when there is none. */
const pair_datagram *
pair_captured(const pair_world *world, unsigned from, uint8_t type, unsigned nth);

/** Hands bytes to a node at once, as if they came from there. @return what the engine says */
int pair_inject(pair_world *world,
                unsigned node,
                const netron_endpoint *source,
                const uint8_t *bytes,
                size_t length);

/* --- what nodes do ---------------------------------------------------------------------------- */

/** Node `from` dials node `to`, whom it expects to be there. */
void pair_dial(pair_world *world, unsigned from, unsigned to);

/** They become peers; half a second passes. */
void pair_connect(pair_world *world, unsigned a, unsigned b);

/** Has `node` a session with `other`? */
bool pair_is_up(const pair_world *world, unsigned node, unsigned other);

/** What `node` knows of `other`; fails the test if it does not know it. */
netron_peer_info pair_peer(const pair_world *world, unsigned node, unsigned other);

/** How many peers a node has, with or without a session. */
size_t pair_peer_count(const pair_world *world, unsigned node);

uint64_t pair_drops(const pair_world *world, unsigned node, unsigned reason);
uint64_t pair_all_drops(const pair_world *world, unsigned node);
netron_counters pair_counters(const pair_world *world, unsigned node);

/** How many events of a kind a node had, and the last of them. */
static inline unsigned pair_events(const pair_world *world, unsigned node, unsigned kind)
{
    return world->nodes[node].event_count[kind];
}

static inline const netron_event *
pair_last_event(const pair_world *world, unsigned node, unsigned kind)
{
    return &world->nodes[node].last_event[kind];
}

/** netron_engine_try_path() and _use_path() between two nodes. */
static inline int
pair_try_path(pair_world *world, unsigned from, unsigned to, const netron_endpoint *endpoint)
{
    return netron_engine_try_path(world->nodes[from].engine, world->nodes[to].id, endpoint,
                                  world->now_ns);
}

static inline int
pair_use_path(pair_world *world, unsigned from, unsigned to, const netron_endpoint *endpoint)
{
    return netron_engine_use_path(world->nodes[from].engine, world->nodes[to].id, endpoint,
                                  world->now_ns);
}

netron_prefix pair_prefix4(unsigned node);
netron_prefix pair_prefix6(unsigned node);

/** To `node`, the inner addresses of `other` are the peer's of that id. */
void pair_route(pair_world *world, unsigned node, unsigned other);

/** The control machine inside of a node's engine (machine/core.h), for rules that time or numbers
 *  alone would not show. */
struct nf_core *pair_core(const pair_world *world, unsigned node);

/* --- inner packets ---------------------------------------------------------------------------- */

/** A UDP packet of `length` bytes that carries `serial` (with length > 32). @return its length */
size_t pair_udp4(uint8_t *out, unsigned from, unsigned to, size_t length, uint32_t serial);
size_t pair_udp6(uint8_t *out, unsigned from, unsigned to, size_t length, uint32_t serial);

/** A TCP SYN that offers an MSS. */
size_t pair_syn4(uint8_t *out, unsigned from, unsigned to, uint16_t mss);
size_t pair_syn6(uint8_t *out, unsigned from, unsigned to, uint16_t mss);

/** Sends such an IPv4 packet. @return what the engine says */
int pair_send(pair_world *world, unsigned from, unsigned to, size_t length, uint32_t serial);

/** How often the packet with that serial came to a node. */
unsigned pair_seen(const pair_world *world, unsigned node, uint32_t serial);

/** Fails the test unless each of the serials first to end - 1 came to a node exactly once. */
void pair_assert_all_seen(const pair_world *world, unsigned node, uint32_t first, uint32_t end);

#endif
