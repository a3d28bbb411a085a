/* SPDX-License-Identifier: Apache-2.0 */
/* outbox.h - a lane's datagrams that wait for the socket: equal ones to one place are a train,
 * which leaves in one message. Pure. */
#ifndef NF_OUTBOX_H
#define NF_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/datagram.h"

enum {
    NF_OUTBOX_MESSAGES_MAX = 64,
    NF_OUTBOX_BYTES = 128 * 1024,
    NF_OUTBOX_TRAIN_BYTES_MAX = 65000, /* of one message: UDP's own limit, with room for headers */
    NF_OUTBOX_TRAIN_SEGMENTS_MAX = 64,
};

/** What the datagrams of a train have in common, beside their length. */
typedef struct nf_train {
    nf_path path;           /* with an endpoint of UDP or TCP */
    uint32_t session_index; /* whose they are, for TOO_BIG; 0: others', who are not told */
    uint32_t circuit;       /* the id that their shims bear, or came with; 0: they have none */
    uint8_t tos;
} nf_train;

typedef struct nf_outbox {
    uint8_t *arena;
    size_t used;
    uint32_t count;
    bool closed;    /* the last message ended with a shorter datagram */
    unsigned kinds; /* of the endpoints, NETRON_ENDPOINT_* or-ed: 0 where all are of UDP */
    uint32_t datagrams_in_last;
    nf_departure messages[NF_OUTBOX_MESSAGES_MAX];
    uint64_t whose[NF_OUTBOX_MESSAGES_MAX]; /* nf_train_of() */
} nf_outbox;

/** Session and circuit as one number, which tells trains apart. */
static inline uint64_t nf_train_of(const nf_train *train)
{
    return (uint64_t)train->circuit << 32 | train->session_index;
}

/** Whose session's a message is, or 0. */
static inline uint32_t nf_outbox_session(const nf_outbox *outbox, uint32_t message)
{
    return (uint32_t)outbox->whose[message];
}

static inline void nf_outbox_clear(nf_outbox *outbox)
{
    outbox->used = 0;
    outbox->count = 0;
    outbox->kinds = 0;
    outbox->closed = false;
}

/** The message that a datagram of `length` bytes goes into: the last one, if it may follow there.
 *  NULL when there is no room. The bytes belong at arena + used; nf_outbox_put() counts them. */
static inline nf_departure *nf_outbox_place(nf_outbox *outbox, const nf_train *train, size_t length)
{
    if (outbox->used + length > NF_OUTBOX_BYTES) {
        return NULL;
    }
    if (outbox->count > 0) {
        uint32_t last = outbox->count - 1;
        nf_departure *message = &outbox->messages[last];
        if (!outbox->closed && outbox->whose[last] == nf_train_of(train) &&
            message->tos == train->tos && length <= message->segment &&
            outbox->datagrams_in_last < NF_OUTBOX_TRAIN_SEGMENTS_MAX &&
            message->length + length <= NF_OUTBOX_TRAIN_BYTES_MAX) {
            return message;
        }
    }
    if (outbox->count == NF_OUTBOX_MESSAGES_MAX) {
        return NULL;
    }
    nf_departure *message = &outbox->messages[outbox->count];
    outbox->whose[outbox->count] = nf_train_of(train);
    outbox->count++;
    outbox->kinds |= train->path.remote.kind;
    outbox->closed = false;
    outbox->datagrams_in_last = 0;
    *message = (nf_departure){
        .bytes = outbox->arena + outbox->used,
        .segment = (uint32_t)length,
        .to = train->path.remote,
        .local = train->path.local,
        .tos = train->tos,
    };
    return message;
}

/** The datagram is there. */
static inline void nf_outbox_put(nf_outbox *outbox, nf_departure *message, size_t length)
{
    outbox->used += length;
    outbox->datagrams_in_last++;
    outbox->closed = length < message->segment;
    message->length += (uint32_t)length;
}

/** The datagram will not come: a message that was begun for it is none. */
static inline void nf_outbox_forgo(nf_outbox *outbox)
{
    if (outbox->datagrams_in_last == 0) {
        outbox->count--;
    }
}

#endif
