/* SPDX-License-Identifier: Apache-2.0 */
/* core.h - the control machine: handshakes, peers, timers, paths, what waits. Pure.
 *
 * Events go in by calls that bring the time; datagrams, packets for the host and events for the
 * caller come out of its queues. It owns the table that lanes read. One thread at a time. */
#ifndef NF_CORE_H
#define NF_CORE_H

#include "aead/aead.h"
#include "machine/admission.h"
#include "machine/deadlines.h"
#include "machine/handshake.h"
#include "machine/ip.h"
#include "machine/lane.h"
#include "machine/letter.h"
#include "machine/limits.h"
#include "machine/link.h"
#include "machine/random.h"
#include "machine/table.h"
#include "netron/engine.h"

typedef enum nf_attempt_state {
    NF_ATTEMPT_FREE = 0,
    NF_ATTEMPT_DIALING,    /* message 1 sent; to CONFIRMING or FREE */
    NF_ATTEMPT_CONFIRMING, /* message 3 sent, session published; to FREE */
    NF_ATTEMPT_HALF_OPEN,  /* message 2 sent; to FREE */
} nf_attempt_state;

/** One handshake under way. */
typedef struct nf_attempt {
    uint8_t state; /* nf_attempt_state */
    uint8_t tries;
    bool expects;  /* only `expected` will do */
    bool internal; /* begun by the core for a peer it has: the caller is told nothing */
    bool has_cookie;
    uint32_t index; /* of the slot that is reserved for it */
    uint32_t peer;  /* CONFIRMING */
    nf_path path;
    uint64_t begun_ns, sent_ns;
    uint64_t rtt_ns;  /* CONFIRMING: of messages 1 and 2 */
    uint64_t network; /* HALF_OPEN: of its source */
    uint8_t expected[NETRON_ID_BYTES];
    uint8_t cookie[NF_COOKIE_SECRET_BYTES];
    nf_handshake handshake;
    uint8_t message[NF_MESSAGE1_BYTES]; /* 1 while DIALING, 3 while CONFIRMING */
} nf_attempt;

/** A path that a peer showed to be its own. */
typedef struct nf_way {
    nf_path path;
    uint32_t shown_s; /* when it last did, in seconds from 1; 0: no way */
} nf_way;

/** A member we have, or just had, a session with. */
typedef struct nf_peer {
    bool used;
    bool announced;      /* the caller knows of it */
    bool in_all;         /* it gets multicast and broadcast */
    uint8_t probes_lost; /* echoes since it was last heard */
    uint8_t search_tries;
    uint8_t search_number; /* in its probes; replies to those of an earlier search are void */
    uint8_t confirms_lost; /* probes of the path MTU in use */
    uint8_t prefix_count;
    uint8_t id[NETRON_ID_BYTES];
    uint32_t current, previous; /* session indices; 0: none */
    uint32_t pending_messages;  /* of it in the event queue */
    uint32_t path_mtu, search_best;
    uint16_t circuits_by; /* circuits whose neighbour it is */
    uint16_t circuits_to; /* circuits that lead to it */
    nf_path path;
    nf_way ways[NF_WAYS_MAX]; /* of UDP and TCP; circuits know whom they lead to */
    nf_rate try_rate;
    uint64_t better_asked_ns; /* when a worse path would have taken over; 0: it would not */
    uint64_t chosen_ns;       /* when the caller chose the path; 0: it did not */
    uint64_t made_ns, rekey_ns, previous_end_ns;
    uint64_t rtt_ns;
    uint64_t seen_tx, seen_rx; /* counters of the current session when last looked at */
    uint64_t seen_data;        /* sent by the data lanes, among seen_tx */
    uint64_t heard_ns, unanswered_ns, probe_ns, redial_ns;
    uint64_t silent_end_ns;         /* then it is down, unless it is heard before */
    uint64_t sent_ns;               /* when something was last sealed for it, as far as is known */
    uint32_t silence_ms;            /* before the echo that it was asked for; 0: none to tell of */
    uint32_t keepalive_ms;          /* of silence, until one asks; 0: as always */
    uint8_t keepalive_turn;         /* NETRON_TURN_*: who asks first */
    bool keepalive_reported;        /* what became of each silence */
    bool keepalive_patient;         /* echoes lost within NF_KEEPALIVE_LAG_NS tell nothing */
    bool wanted;                    /* it keeps the session */
    bool kept;                      /* while idle */
    bool has_wall;                  /* its clock, by the last handshake: */
    uint64_t wall_ms;               /* what it shows less our own clock, modulo 2^64 */
    uint64_t used_ns;               /* when an inner packet or a control message went either way */
    uint64_t asked_ns;              /* when it last asked for an echo */
    uint64_t search_ns, confirm_ns; /* path MTU: next probes, next confirmation */
    uint64_t past_tx_packets, past_tx_bytes, past_rx_packets, past_rx_bytes;
    netron_prefix prefixes[NETRON_PREFIXES_PER_PEER_MAX];
} nf_peer;

typedef struct nf_outgoing {
    nf_path path;
    uint16_t length;
    uint8_t tos;
    uint8_t bytes[NETRON_MTU_MAX + NF_SESSION_OVERHEAD_BYTES + NF_CIRCUIT_SHIM_BYTES];
} nf_outgoing;

enum { NF_HOST_PACKETS_MAX = 64 };

typedef struct nf_host_packet {
    uint16_t length;
    uint8_t bytes[1280];
} nf_host_packet;

/** A bounded queue of equal places. It starts again at its first place whenever it is empty, so
 *  that a queue that is emptied soon touches little memory. */
typedef struct nf_ring {
    uint32_t first, count, capacity;
} nf_ring;

struct nf_waiting;
struct nf_datagrams;
struct nf_owners;

typedef struct nf_core {
    nf_table table;
    nf_identity identity;
    nf_network network;
    nf_random random;
    nf_aead_backend backend;
    nf_aead_cache *aeads; /* seals as NF_LANE_CONTROL */
    uint32_t suites, lanes;
    uint32_t next_fragment_id; /* of what waited and is sent by control */
    uint64_t now_ns;
    uint64_t wall_offset_ms; /* wall = now + this; 0: no clock */

    nf_peer *peers;
    uint32_t *peer_ids; /* open addressing: peer + 1 by hashed id */
    uint32_t *free_peers;
    uint32_t free_peer_count, peer_ids_mask;
    uint32_t peer_high; /* one past the highest peer that was ever used */
    uint8_t hash_key[16];

    nf_attempt *attempts;
    uint16_t *attempt_of_slot; /* attempt + 1 */
    uint32_t attempt_count, half_open_count;

    nf_deadlines deadlines; /* owners: peers, then attempts, then NF_OWNER_* */
    uint64_t resume_ns;     /* when a tick that ended early goes on; 0: it did not */
    bool idle_ends;         /* new peers are not kept */
    bool closing;
    uint32_t goodbyes; /* peers below this one were told that we close */
    bool routes_changed;
    uint64_t routes_due_ns;
    netron_prefix networks[NF_NETWORKS_MAX]; /* of own addresses */
    uint32_t network_count;
    uint32_t next_left_out; /* where the search for a peer without multicast begins */

    nf_seen *seen;
    nf_rates rates;
    nf_rate first_rate, clockless_rate, icmp_rate;
    uint8_t cookie_secret[2][32]; /* newest first */
    uint64_t cookie_secret_ns;
    uint64_t host_due_ns; /* before this peers are not told again of a change of the host */
    uint64_t host_pause_ns;
    uint8_t challenge_key[16];

    uint32_t circuit_high; /* one past the highest entry that was ever used */
    uint32_t next_circuit; /* where the search for a free entry begins */
    uint32_t circuits_used;

    struct nf_owners *owners; /* of prefixes */
    struct nf_waiting *waiting;
    struct nf_datagrams *datagrams; /* NULL: the caller takes none */

    nf_ring event_ring, outgoing_ring, host_ring;
    netron_event *events;
    nf_outgoing *outgoing;
    nf_host_packet *host;
    uint64_t events_lost;
    uint32_t pending_unrouted; /* in the event queue */

    netron_counters counters; /* control's share */
} nf_core;

/** The public options, checked, with defaults filled in. @return NETRON_OK or why not */
int nf_core_new(nf_core **out, const netron_options *options);
void nf_core_free(nf_core *core);

/* --- what comes in ---------------------------------------------------------------------------- */

void nf_core_set_time(nf_core *core, uint64_t wall_ms, uint64_t now_ns);
int nf_core_dial(nf_core *core, const nf_path *path, const uint8_t *id, uint64_t now_ns);
int nf_core_hang_up(nf_core *core, const uint8_t id[32], uint64_t now_ns);
int nf_core_set_prefixes(nf_core *core,
                         const uint8_t id[32],
                         const netron_prefix *prefixes,
                         size_t count,
                         uint64_t now_ns);
/** Says that this node has an address, or no longer. What is for others of its network goes only to
 *  who has a prefix inside, not to who has all addresses; the network's broadcast goes to all. */
int nf_core_set_address(nf_core *core, const netron_prefix *address, bool present, uint64_t now_ns);
int nf_core_send_message(
    nf_core *core, const uint8_t id[32], const uint8_t *bytes, size_t length, uint64_t now_ns);
int nf_core_keep(nf_core *core, const uint8_t id[32], bool kept, uint64_t now_ns);
int nf_core_set_keepalive(nf_core *core,
                          const uint8_t id[32],
                          const netron_keepalive *keepalive,
                          uint64_t now_ns);
int nf_core_send_datagram(
    nf_core *core, const netron_endpoint *to, const uint8_t *bytes, size_t length, uint64_t now_ns);
int nf_core_ping(nf_core *core, const uint8_t id[32], uint64_t token, uint64_t now_ns);
int nf_core_try_path(nf_core *core,
                     const uint8_t id[32],
                     const netron_endpoint *endpoint,
                     uint64_t now_ns);
int nf_core_use_path(nf_core *core,
                     const uint8_t id[32],
                     const netron_endpoint *endpoint,
                     uint64_t now_ns);
/** Tries a path by a door, without the rate of those that the caller tries. */
int nf_core_try_door(nf_core *core,
                     const uint8_t id[32],
                     const netron_endpoint *endpoint,
                     uint32_t door,
                     uint64_t now_ns);
/** @return NETRON_OK for a peer that is reached by a circuit or by TCP, NETRON_E_UNKNOWN_PEER (no
 *  session), NETRON_E_INVALID (its path is of UDP) */
int nf_core_lacks_udp(const nf_core *core, const uint8_t id[32]);
/** Says of each door whether a peer's path, or one that it showed of late, goes by it. */
void nf_core_find_doors(const nf_core *core, bool used[NF_DOORS_MAX]);
uint32_t nf_core_circuit_id(nf_core *core);
int nf_core_circuit_end(nf_core *core, const netron_circuit_side *side, uint64_t now_ns);
int nf_core_circuit_forward(nf_core *core,
                            const netron_circuit_side *a,
                            const netron_circuit_side *b,
                            uint32_t bytes_per_second,
                            uint64_t now_ns);
int nf_core_circuit_close(nf_core *core, uint32_t id_in, uint64_t now_ns);
int nf_core_circuit_info(const nf_core *core, uint32_t id_in, netron_circuit_info *out);
void nf_core_close(nf_core *core, uint64_t now_ns);

/** A message 1, 2, 3, a cookie, or of others that share the port. @return NETRON_OK or why it was
 * dropped */
int nf_core_datagram(
    nf_core *core, const uint8_t *bytes, size_t length, const nf_path *path, uint64_t now_ns);

/** The host's addresses or routes changed: every peer is sent an echo, at most once a second. */
void nf_core_host_changed(nf_core *core, uint64_t now_ns);

/** As netron_engine_disconnected(). */
void nf_core_disconnected(nf_core *core, const netron_endpoint *endpoint, uint64_t now_ns);

/** What a lane tells; not DATAGRAM. */
void nf_core_letter(
    nf_core *core, const nf_letter *letter, const uint8_t *body, size_t length, uint64_t now_ns);

uint64_t nf_core_deadline(const nf_core *core);
void nf_core_tick(nf_core *core, uint64_t now_ns);

/* --- what comes out --------------------------------------------------------------------------- */

bool nf_core_poll_event(nf_core *core, netron_event *event);

/** As netron_engine_next_datagram(). */
int nf_core_next_datagram(nf_core *core, uint8_t *buffer, size_t capacity, netron_endpoint *from);

/** Is there an event or a datagram for the caller? */
bool nf_core_has_news(const nf_core *core);

/** Closing says goodbye to more peers than the queue holds: the rest, as there is room. */
void nf_core_say_goodbyes(nf_core *core);

/** The oldest datagram or packet for the host, or NULL; it stays until it is dropped. */
nf_outgoing *nf_core_outgoing(nf_core *core);
void nf_core_outgoing_drop(nf_core *core);
nf_host_packet *nf_core_host_packet(nf_core *core);
void nf_core_host_packet_drop(nf_core *core);

size_t nf_core_peers(nf_core *core, netron_peer_info *out, size_t capacity);

/** Control's counters and the peers'; add each lane's drops to them. */
void nf_core_counters(nf_core *core, netron_counters *out);

/* --- between the files of the core ------------------------------------------------------------ */

static inline void nf_core_drop(nf_core *core, unsigned reason)
{
    core->counters.drops[reason]++;
}

/** Time goes on: epochs with it. Every call that brings the time begins so. */
void nf_core_advance(nf_core *core, uint64_t now_ns);

/** The number of the network that an address is of, for shares and rates. */
uint64_t nf_core_network_of(const nf_core *core, const netron_endpoint *endpoint);

/** Says goodbye on the current session, if there is one. */
void nf_core_say_goodbye(nf_core *core, uint32_t peer, uint8_t reason);

/* Deadline owners behind peers and attempts. */
enum { NF_OWNER_ROUTES, NF_OWNER_WAITING, NF_OWNER_HOST, NF_OWNER_CIRCUITS, NF_OWNER_COUNT };

void nf_core_set_deadline_peer(nf_core *core, uint32_t peer, uint64_t at_ns);
void nf_core_set_deadline_attempt(nf_core *core, uint32_t attempt, uint64_t at_ns);
void nf_core_set_deadline_owner(nf_core *core, uint32_t owner, uint64_t at_ns);
uint64_t nf_core_wall_ms(const nf_core *core);

/* queues.c */
bool nf_queues_init(nf_core *core);
void nf_queues_free(nf_core *core);
/** A place at the end, or UINT32_MAX when the ring is full. */
uint32_t nf_ring_push(nf_ring *ring);
void nf_ring_pop(nf_ring *ring);
/** A zeroed event of a kind, for the caller to fill; NULL when the queue is full (counted). */
netron_event *nf_event_add(nf_core *core, uint32_t kind);
/** Messages from `id` that wait in the queue. */
uint32_t nf_events_of(const nf_core *core, const uint8_t id[32]);
/** Room for a datagram to `path`, or NULL when the queue is full (counted). */
nf_outgoing *nf_outgoing_add(nf_core *core, const nf_path *path);
/** Seals a message of a session for its path, or for another. */
bool nf_core_seal(nf_core *core,
                  nf_session *session,
                  uint8_t type,
                  const uint8_t *bytes,
                  size_t length,
                  const nf_path *path);

/* peers.c */
uint32_t nf_peers_find(const nf_core *core, const uint8_t id[32]);
/** Finds or makes; NF_NO_PEER when the table is full. */
uint32_t nf_peers_take(nf_core *core, const uint8_t id[32]);
/** Forgets a peer that has no session; tells why, unless `reason` is 0. */
void nf_peers_remove(nf_core *core, uint32_t peer, int reason);
/** A published session becomes the peer's. `begun_ns`: of its handshake; `rtt_ns`: 0 if unknown. */
void nf_peers_install(nf_core *core, uint32_t index, uint64_t begun_ns, uint64_t rtt_ns);
/** Remembers what a peer's clock showed at `received_ns`, by its handshake; 0: it has none. */
void nf_peers_note_clock(nf_core *core, uint32_t peer, uint64_t wall_ms, uint64_t received_ns);
/** Tells the caller that a peer is up at an endpoint. */
void nf_peers_tell_up(nf_core *core, uint32_t peer, const netron_endpoint *at);
void nf_peers_set_path(nf_core *core, uint32_t peer, const nf_path *path);
void nf_peers_end_session(nf_core *core, uint32_t peer, uint32_t index);
nf_session *nf_peers_session(nf_core *core, uint32_t peer);
void nf_peers_rebuild_routes(nf_core *core);
/** False if that peer is not used. */
bool nf_peers_info(nf_core *core, uint32_t peer, netron_peer_info *info);

/* attempts.c, dial.c and accept.c */
/** A free attempt with a reserved slot, or UINT32_MAX. */
uint32_t nf_attempts_take(nf_core *core, nf_attempt_state state, const nf_path *path);
/** Wipes the attempt; gives back its slot unless `keep`: the slot is a session's now. */
void nf_attempts_free(nf_core *core, uint32_t attempt, bool keep);
/** Publishes the session of a finished handshake: it opens at once. False when the table of peers
 *  is full. */
bool nf_attempts_publish(nf_core *core, uint32_t attempt);
/** The attempt that a received index names, in that state, or NULL. */
nf_attempt *nf_attempts_of(nf_core *core, uint32_t index, nf_attempt_state state, uint32_t *number);
/** Begins another handshake with a peer, unless one is under way. */
void nf_dial_again(nf_core *core, uint32_t peer);
void nf_dial_timeout(nf_core *core, uint32_t attempt);
int nf_dial_message2(nf_core *core, const uint8_t *bytes, size_t length);
int nf_dial_cookie(nf_core *core, const uint8_t *bytes, size_t length, const nf_path *path);
void nf_dial_confirmed(nf_core *core, uint32_t index);
/** Is a handshake with this peer under way from here? */
bool nf_dial_is_dialing(const nf_core *core, const uint8_t id[32]);
int nf_accept_message1(nf_core *core, const uint8_t *bytes, size_t length, const nf_path *path);
int nf_accept_message3(nf_core *core, const uint8_t *bytes, size_t length);

/* datagrams.c: of others that share the port */
bool nf_datagrams_init(nf_core *core);
void nf_datagrams_free(nf_core *core);
bool nf_datagrams_wait(const nf_core *core);
int nf_datagrams_take(nf_core *core, const uint8_t *bytes, size_t length, const nf_path *path);

/* owners.c: the index of the prefixes that are in the peers' lists */
bool nf_owners_init(nf_core *core, uint32_t peers_max);
void nf_owners_free(nf_core *core);
bool nf_prefix_equal(const netron_prefix *a, const netron_prefix *b);
/** A peer that has the prefix, or NF_NO_PEER. */
uint32_t nf_owners_find(const nf_core *core, const netron_prefix *prefix);
/** With each prefix that comes into a list, and that goes out of one. */
void nf_owners_add(nf_core *core, uint32_t peer, const netron_prefix *prefix);
void nf_owners_remove(nf_core *core, uint32_t peer, const netron_prefix *prefix);

/* liveness.c: looks at a peer and sets its next deadline */
void nf_liveness_check(nf_core *core, uint32_t peer);
/** The peer asked for an echo, which was not answered yet. */
void nf_liveness_asked(nf_core *core, const nf_session *session);
/** Something is not answered: who is not heard within `end_ns` is down. */
void nf_liveness_doubt(nf_core *core, nf_peer *peer, uint64_t end_ns);

/* path.c: echoes, path MTU, messages of the link */
void nf_path_echo(nf_core *core, nf_session *session, uint64_t token);
/** What a new path is taken to pass: bytes of the datagram, without a circuit's shim. */
uint32_t nf_path_mtu_base(const nf_path *path);
void nf_path_message(nf_core *core, const nf_letter *letter, const uint8_t *body, size_t length);
void nf_path_search(nf_core *core, uint32_t peer);
/** The way to a peer may be another one, though its path is the same: the size in use is confirmed
 *  with the next packet. */
void nf_path_confirm_soon(nf_core *core, uint32_t peer);
/** Probes that are due. @return when the next one is */
uint64_t nf_path_search_due(nf_core *core, uint32_t peer, bool active);
void nf_path_too_big(nf_core *core, uint32_t index);
/** The host refuses to send from the path's own address: from now on it chooses. */
void nf_path_refused(nf_core *core, uint32_t index);

/* ways.c: which of a peer's paths is used */
void nf_ways_roamed(nf_core *core, uint32_t index, const nf_path *path);
void nf_ways_response(nf_core *core, nf_session *session, uint64_t secret, const nf_path *path);
/* A handshake that came to nothing else led to a peer by this path: used if it is a better one, and
 * known else. */
void nf_ways_proven(nf_core *core, uint32_t peer, const nf_path *path, uint64_t rtt_ns);
/** Does a peer's path stay, though a handshake was made by a worse one? */
bool nf_ways_stays(nf_core *core, uint32_t peer, const nf_path *made_by);
/** The path does not answer: the others are challenged, and the first to answer is used. */
void nf_ways_fall_back(nf_core *core, uint32_t peer);
/** Circuit or connection is gone: whose path it was goes another way, or is down when not heard
 *  within `end_ns`. */
void nf_ways_cut(nf_core *core, const netron_endpoint *endpoint, uint64_t end_ns);

/* circuits.c */
/** Is it an endpoint that can be sent to: of UDP or TCP, or a circuit that ends here? */
bool nf_circuits_may_reach(nf_core *core, const netron_endpoint *endpoint);
/** A peer was met through that path: if it is a circuit, it leads there. */
void nf_circuits_met(nf_core *core, const nf_path *path, uint32_t peer);
/** A neighbour is reached elsewhere: those that are reached through it are searched anew. */
void nf_circuits_neighbour_moved(nf_core *core, uint32_t neighbour);
/** A circuit that leads to a peer, behind the entry `after`; NULL when there is none. */
nf_circuit *nf_circuits_to(nf_core *core, uint32_t peer, uint32_t *after);
/** Puts what goes by a circuit behind its shim, and on the way to its neighbour; without one its
 *  length becomes 0. */
void nf_circuits_wrap(nf_core *core, nf_outgoing *outgoing);
void nf_circuits_forget_peer(nf_core *core, uint32_t peer);
void nf_circuits_timeout(nf_core *core);
void nf_circuits_count(nf_core *core, netron_counters *out);

/* all.c: who gets multicast and broadcast, and what leads to them */
/** A peer has a session; of more than NF_ALL_PEERS_MAX the last ones are left out. */
void nf_all_join(nf_core *core, uint32_t peer);
/** A peer goes, and another one that was left out may have its place. */
void nf_all_leave(nf_core *core, uint32_t peer);
enum { NF_ALL_ROUTES_MAX = NF_NETWORKS_MAX + 3 };
/** Writes the routes to all. @return how many they are */
size_t nf_all_routes(const nf_core *core, nf_route out[NF_ALL_ROUTES_MAX]);

/* waiting.c */
bool nf_waiting_init(nf_core *core);
void nf_waiting_free(nf_core *core);
void nf_waiting_add(nf_core *core, uint32_t peer, uint8_t *packet, size_t length);
/** Tells the caller of a packet to all, whose destination is at `address`. */
void nf_waiting_to_all(nf_core *core, const uint8_t *address, size_t length);
/** Sends what waits and now has a route and a session. */
void nf_waiting_release(nf_core *core);
void nf_waiting_timeout(nf_core *core);

#endif
