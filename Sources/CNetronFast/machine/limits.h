/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - every number that bounds time or memory in the core, on one page. Pure. */
#ifndef NF_LIMITS_H
#define NF_LIMITS_H

#include <stdint.h>

#define NF_MILLISECOND_NS UINT64_C(1000000)
#define NF_SECOND_NS      UINT64_C(1000000000)

/* --- sessions --------------------------------------------------------------------------------- */
#define NF_REKEY_INITIATOR_NS (120 * NF_SECOND_NS) /* of age; echoes keep an idle session */
#define NF_REKEY_JITTER_NS    (10 * NF_SECOND_NS)  /* added to it, at random */
#define NF_REKEY_RESPONDER_NS (160 * NF_SECOND_NS) /* when the initiator did not */
#define NF_SESSION_END_NS     (180 * NF_SECOND_NS) /* neither sealed nor opened any more */
#define NF_PREVIOUS_END_NS    (20 * NF_SECOND_NS)  /* how long the session before stays */
#define NF_TWINS_NS           (10 * NF_SECOND_NS)  /* who then sends on both is two nodes */
#define NF_GCM_PACKETS_MAX    (UINT64_C(1) << 28)  /* sealed with one key, by one lane */
#define NF_REKEY_PACKETS      (UINT64_C(1) << 27)  /* a new session is begun from here */

/* --- handshakes ------------------------------------------------------------------------------- */
enum {
    NF_HANDSHAKES_MAX = 1024,  /* begun or half-open, at once */
    NF_HALF_OPEN_BUSY = 512,   /* from here on message 1 must bring a cookie */
    NF_DIAL_TRIES_MAX = 6,     /* messages 1 of one dial */
    NF_MESSAGE3_TRIES_MAX = 6, /* repeats of one message 3 */
    NF_FIRST_PER_SECOND = 200, /* messages 1 that passed psk0, from everybody, before cookies */
    NF_FIRST_BURST = 400,
    NF_SOURCE_PER_SECOND = 20, /* the same from one /24 or /56 */
    NF_SOURCE_BURST = 60,
    NF_CLOCKLESS_PER_SECOND = 10, /* made with the clockless key */
    NF_CLOCKLESS_BURST = 20,
};
#define NF_DIAL_RETRY_NS         (400 * NF_MILLISECOND_NS) /* doubled at each try */
#define NF_MESSAGE3_RETRY_NS     (250 * NF_MILLISECOND_NS) /* or 1.5 round trips; then doubled */
#define NF_MESSAGE3_RETRY_MAX_NS (500 * NF_MILLISECOND_NS) /* the first pause, at most */
#define NF_HALF_OPEN_END_NS      (8 * NF_SECOND_NS)
#define NF_COOKIE_SECRET_NS      (120 * NF_SECOND_NS) /* how long a cookie's secret is used */

/* --- liveness --------------------------------------------------------------------------------- */
#define NF_CHECK_ACTIVE_NS \
    (100 * NF_MILLISECOND_NS) /* how often a peer with traffic is looked at */
#define NF_UNANSWERED_MIN_NS (300 * NF_MILLISECOND_NS) /* or three round trips: then a probe */
#define NF_KEEPALIVE_NS      (25 * NF_SECOND_NS)       /* without a packet from the peer: an echo */
#define NF_KEEPALIVE_LAG_NS  (2 * NF_SECOND_NS)        /* one end waits longer: one of two asks */
#define NF_KEEPALIVE_MIN_MS  1000                      /* what the caller may set it to */
#define NF_KEEPALIVE_MAX_MS  120000
#define NF_SILENT_END_NS     (12 * NF_SECOND_NS) /* unanswered that long: the peer is down */
/* Changes of the host gather that long, doubled while they go on, and at most. */
#define NF_HOST_CHANGED_MIN_NS (200 * NF_MILLISECOND_NS)
#define NF_HOST_CHANGED_MAX_NS (1 * NF_SECOND_NS)
#define NF_REDIAL_NS           (3 * NF_SECOND_NS)   /* between new handshakes with a silent peer */
#define NF_IDLE_END_NS         (180 * NF_SECOND_NS) /* not kept and not used so long: it ends */
#define NF_IDLE_ASKED_NS       (75 * NF_SECOND_NS)  /* but not so soon after the peer asked */
enum { NF_PROBES_LOST = 2 /* echoes lost before a new handshake is tried */ };

/* --- paths ------------------------------------------------------------------------------------ */
#define NF_PROBE_RETRY_NS           (500 * NF_MILLISECOND_NS)
#define NF_PROBE_CONFIRM_NS         (10 * NF_SECOND_NS)  /* while traffic flows */
#define NF_PROBE_CONFIRM_CIRCUIT_NS (3 * NF_SECOND_NS)   /* the same by a circuit */
#define NF_PROBE_RAISE_NS           (600 * NF_SECOND_NS) /* RFC 8899 5.1.1 */
enum {
    NF_PATH_MTU_BASE = 1200,  /* UDP payload bytes that every path is taken to pass */
    NF_PROBE_TRIES_MAX = 3,   /* of one search */
    NF_CONFIRMS_LOST_MAX = 3, /* then the path is searched anew */
    NF_WAYS_MAX = 3,          /* other paths that a peer showed to be its own; the oldest goes */
    NF_TRY_PER_SECOND = 200,  /* challenges to paths that the caller tries, of one peer */
    NF_TRY_BURST = 64,
};
/* --- doors: sockets with ports of their own, against a NAT that maps each host anew ----------- */
enum {
    NF_SEARCH_DOORS = 256,  /* opened by one search; one is on at a time */
    NF_DOORS_KEPT_MAX = 64, /* in use from searches before; with more none begins */
    NF_DOORS_MAX = NF_SEARCH_DOORS + NF_DOORS_KEPT_MAX,
    NF_SEARCH_STEP_DOORS = 32, /* that send at once */
    NF_SEARCH_STEP_MS = 20,    /* between two such steps */
    NF_DOORS_REVIEW_MS = 1000, /* between two looks at whether doors are in use */
};
#define NF_SEARCH_NS        (10 * NF_SECOND_NS) /* then its doors are closed but those in use */
#define NF_SEARCH_AGAIN_NS  (2 * NF_SECOND_NS)  /* after which all its doors send again */
#define NF_SEARCH_SETTLE_NS (2 * NF_SECOND_NS)  /* both ends may have found different doors */
#define NF_DOOR_UNUSED_NS   (10 * NF_SECOND_NS) /* then it is closed */

#define NF_CHALLENGE_END_NS (5 * NF_SECOND_NS)  /* a response that comes later is none */
#define NF_WAY_END_NS       (30 * NF_SECOND_NS) /* how long a shown path may be chosen */
/* A better path that is asked has so long, or two round trips, before a worse one takes over. */
#define NF_BETTER_ANSWER_NS (200 * NF_MILLISECOND_NS)
#define NF_BETTER_FRESH_NS  (3 * NF_SECOND_NS) /* heard so lately, it stays through a handshake */
#define NF_CHOSEN_NS        (1 * NF_SECOND_NS) /* has a peer to follow to a path chosen here */

/* --- circuits --------------------------------------------------------------------------------- */
#define NF_CIRCUIT_END_NS    (200 * NF_SECOND_NS) /* nothing came: later than idle sessions end */
#define NF_CIRCUIT_CHECK_NS  (1 * NF_SECOND_NS)   /* between two looks at all of them, at least */
#define NF_CIRCUIT_ORPHAN_NS (2 * NF_SECOND_NS)   /* a peer whose circuit ended has to be heard */
enum {
    NF_CIRCUIT_BURST_DIVISOR = 4,          /* of a second's bytes, at once */
    NF_CIRCUIT_BURST_BYTES_MIN = 64 << 10, /* and a train at least */
    NF_CIRCUIT_PART_BYTES_MIN = 16 << 10   /* of a circuit's part of the rate of all, at once */
};

/* --- connections of TCP ----------------------------------------------------------------------- */
enum {
    NF_STREAMS_MAX = 512,              /* at once, both ways; more are closed, or not made */
    NF_STREAMS_STRANGERS_MAX = 64,     /* of them: came in, and no session was heard by them yet */
    NF_STREAM_QUEUE_BYTES = 128 << 10, /* of one, for what the kernel does not take; more is lost */
    NF_STREAM_UNSENT_BYTES = 64 << 10, /* that the kernel takes of one before it can send them */
    NF_STREAM_LETTERS_MAX = 256,       /* datagrams from the lanes to all of them */
};
#define NF_STREAM_MUTE_NS    (5 * NF_SECOND_NS)   /* a stranger has to bring a session by then */
#define NF_STREAM_DIALLED_NS (20 * NF_SECOND_NS)  /* no answer to the last first message */
#define NF_STREAM_IDLE_NS    (200 * NF_SECOND_NS) /* nothing to say: later than idle sessions end */
#define NF_STREAM_CONNECT_NS (10 * NF_SECOND_NS)  /* to connect, with a proxy's answer */
#define NF_STREAM_AGAIN_NS   (1 * NF_SECOND_NS)   /* between two connects to one endpoint */
#define NF_STREAM_UNACKED_MS 5000                 /* not acknowledged so long: it is dead */

/* --- multicast and broadcast ------------------------------------------------------------------ */
enum {
    NF_ALL_PEERS_MAX = 64,   /* with a session that get a copy: those that came up first */
    NF_ALL_PER_SECOND = 200, /* packets of this host that one lane copies; super-packets count */
    NF_ALL_BURST = 100,      /* as what they are cut into */
};
#define NF_ALL_TOLD_NS (1 * NF_SECOND_NS) /* between two events that tell of it */

/* --- queues ----------------------------------------------------------------------------------- */
enum {
    NF_EVENTS_MAX = 1024,         /* waiting for the caller */
    NF_EVENTS_PER_PEER_MAX = 64,  /* messages of one peer among them */
    NF_OUTGOING_MAX = 256,        /* control datagrams waiting for the socket */
    NF_LETTERS_MAX = 256,         /* in a mailbox between threads */
    NF_LETTER_BYTES_MAX = 2048,   /* each */
    NF_UNROUTED_EVENTS_MAX = 256, /* addresses nobody has, among the events */
    NF_WAITING_PACKETS_MAX = 256, /* inner packets that wait for a route or session */
    NF_WAITING_DESTINATIONS_MAX = 256,
    NF_WAITING_PER_DESTINATION_MAX = 8,
    NF_WAITING_PACKET_BYTES_MAX = 1984,
    NF_NETWORKS_MAX = 32, /* own addresses, of whose networks broadcast and others are known */
    NF_ICMP_PER_SECOND = 50,
    NF_ICMP_BURST = 50,
};
#define NF_WAITING_NS           (5 * NF_SECOND_NS)       /* for an address nobody has */
#define NF_NEGATIVE_NS          (2 * NF_SECOND_NS)       /* how long "nobody" is remembered */
#define NF_UNROUTED_REPEAT_NS   (1 * NF_SECOND_NS)       /* between events of one address */
#define NF_ROUTES_DELAY_NS      (10 * NF_MILLISECOND_NS) /* changes of routes gather that long */
#define NF_ROUTES_DELAY_EACH_NS UINT64_C(5000)           /* and for each route so much longer */

/* --- datagrams of others that share the port -------------------------------------------------- */
enum {
    NF_DATAGRAMS_MAX = 128,           /* waiting for the caller */
    NF_DATAGRAMS_PER_SOURCE_MAX = 32, /* from one address among them */
    NF_DATAGRAM_PER_SECOND = 2000,    /* taken from all */
    NF_DATAGRAM_BURST = 256,
    NF_DATAGRAM_SOURCE_PER_SECOND = 200, /* the same from one /24 or /56 */
    NF_DATAGRAM_SOURCE_BURST = 400,
    NF_DATAGRAM_LETTERS_BURST = 64, /* that one lane may post to control at once */
};

#endif
