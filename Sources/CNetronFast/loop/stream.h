/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - one connection, between the files that look after them. */
#ifndef NF_STREAM_H
#define NF_STREAM_H

#include <stdatomic.h>
#include <uv.h>

#include "loop/control.h"
#include "loop/streams.h"
#include "machine/frame.h"
#include "machine/proxy.h"

typedef enum nf_stream_state {
    NF_STREAM_CONNECTING, /* to OPEN, ASKING or RESTING */
    NF_STREAM_ASKING,     /* the proxy; to OPEN or RESTING */
    NF_STREAM_OPEN,       /* to RESTING, or it is gone */
    NF_STREAM_RESTING, /* no socket: that endpoint is not dialled again so soon; then it is gone */
} nf_stream_state;

typedef struct nf_stream {
    nf_streams *streams;
    netron_endpoint endpoint; /* as the machine knows it */
    nf_stream_state state;
    bool came_in;
    bool proved;       /* the machine sent a message of a session by it */
    bool deaf;         /* said what is no frame, and is not listened to any more */
    int fd;            /* -1: RESTING */
    int events;        /* that are polled for */
    uint64_t network;  /* of who came in */
    uint64_t begun_ns; /* when it was made; RESTING: when it may be again */
    uint64_t used_ns;  /* when the machine last sent by it */
    nf_proxy proxy;
    uint8_t *queue; /* NF_STREAM_QUEUE_BYTES; NULL: nothing waits */
    uint32_t queue_first, queue_end;
    uint32_t partial_bytes; /* of a frame that is not there whole */
    uint8_t partial[NF_FRAME_WHOLE_BYTES_MAX];
    uv_poll_t poll;
} nf_stream;

enum { NF_STREAMS_READ_BYTES = 65536 };

struct nf_streams {
    netron_device *device;
    netron_endpoint proxy;
    nf_mailbox *mailbox;
    nf_stream *list[NF_STREAMS_MAX]; /* NULL: a free place */
    uint32_t high;                   /* one past the highest place that is taken */
    nf_stream *last;                 /* found */
    nf_stream *strangers[NF_STREAMS_STRANGERS_MAX];
    uint32_t stranger_count;

    int listener; /* -1: none */
    uv_poll_t listen_poll;
    uint64_t listen_again_ns; /* the host had no descriptor left; 0: it had */
    uv_timer_t timer;
    uint64_t armed_ns;

    /* Frames for one open connection, until the next one's turn. */
    nf_stream *staged_for;
    uint32_t staged_bytes;
    uint8_t staged[NF_STREAM_UNSENT_BYTES];
    uint8_t read[NF_FRAME_WHOLE_BYTES_MAX + NF_STREAMS_READ_BYTES];

    _Atomic uint64_t dropped_full, dropped_unsent;
};

static inline void nf_stream_count(_Atomic uint64_t *counter)
{
    /* One writer: no read-modify-write is needed. */
    uint64_t count = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, count + 1, memory_order_relaxed);
}

/* streams.c */
/** The connection of an endpoint, which is begun if it can be; NULL if there is none. */
nf_stream *nf_stream_to(nf_streams *streams, const netron_endpoint *endpoint);
/** The machine sent a datagram of that type by it: who it is may be known now. */
void nf_stream_note_sent(nf_stream *stream, uint8_t type);
/** Polls for what is wanted now. */
void nf_stream_watch(nf_stream *stream);
/** It is over. The stream may be gone afterwards. */
void nf_stream_end(nf_stream *stream);

/* streams_traffic.c */
/** Sends what waits. @return false if the stream is gone */
bool nf_stream_flush(nf_stream *stream);
/** Takes what came. @return false if the stream is gone */
bool nf_stream_receive(nf_stream *stream);
/** The proxy was connected to: asks it. */
void nf_stream_ask_proxy(nf_stream *stream);

#endif
