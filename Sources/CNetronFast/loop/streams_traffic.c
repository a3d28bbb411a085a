/* SPDX-License-Identifier: Apache-2.0 */
/* streams_traffic.c - frames to connections and from them.
 *
 * Those for one connection are gathered, so that a train of a lane's leaves with one call. What the
 * kernel does not take waits in the connection's queue, and what has no room there is lost, as it
 * would be on the way: who sends too much by the inner network has to notice. */
#include "loop/stream.h"

#include "linux/tcp.h"
#include "machine/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { READS_MAX = 4 /* of one turn */ };

bool nf_streams_post(nf_mailbox *mailbox,
                     const netron_endpoint *to,
                     const uint8_t *bytes,
                     size_t length)
{
    return mailbox != NULL && nf_mailbox_post(mailbox, to, sizeof(*to), bytes, length);
}

/* --- out -------------------------------------------------------------------------------------- */

/* Puts bytes at the end of what waits. @return false if there is no room */
static bool make_wait(nf_stream *stream, const uint8_t *bytes, size_t length)
{
    if (stream->queue == NULL) {
        stream->queue = malloc(NF_STREAM_QUEUE_BYTES);
        stream->queue_first = 0;
        stream->queue_end = 0;
    }
    if (stream->queue == NULL ||
        stream->queue_end - stream->queue_first + length > NF_STREAM_QUEUE_BYTES) {
        return false;
    }
    if (stream->queue_end + length > NF_STREAM_QUEUE_BYTES) {
        memmove(stream->queue, stream->queue + stream->queue_first,
                stream->queue_end - stream->queue_first);
        stream->queue_end -= stream->queue_first;
        stream->queue_first = 0;
    }
    memcpy(stream->queue + stream->queue_end, bytes, length);
    stream->queue_end += (uint32_t)length;
    return true;
}

bool nf_stream_flush(nf_stream *stream)
{
    while (stream->queue != NULL) {
        ssize_t sent = nf_tcp_send(stream->fd, stream->queue + stream->queue_first,
                                   stream->queue_end - stream->queue_first);
        if (sent < 0) {
            nf_stream_end(stream);
            return false;
        }
        stream->queue_first += (uint32_t)sent;
        if (stream->queue_first == stream->queue_end) {
            free(stream->queue);
            stream->queue = NULL;
        } else if (sent == 0) {
            break;
        }
    }
    nf_stream_watch(stream);
    return true;
}

/* What the kernel does not take of the gathered frames begins the queue, which is empty then. */
static void send_staged(nf_streams *streams)
{
    nf_stream *stream = streams->staged_for;
    if (stream == NULL) {
        return;
    }
    uint32_t length = streams->staged_bytes;
    streams->staged_for = NULL;
    streams->staged_bytes = 0;
    ssize_t sent = nf_tcp_send(stream->fd, streams->staged, length);
    if (sent < 0) {
        nf_stream_end(stream);
        return;
    }
    if ((uint32_t)sent < length) {
        if (!make_wait(stream, streams->staged + sent, length - (uint32_t)sent)) {
            nf_stream_end(stream); /* no memory: half a frame can not be taken back */
            return;
        }
        nf_stream_watch(stream);
    }
}

static void put(nf_streams *streams, nf_stream *stream, const uint8_t *bytes, size_t length)
{
    uint8_t frame[NF_FRAME_WHOLE_BYTES_MAX];
    size_t whole = NF_FRAME_HEAD_BYTES + length;
    nf_store_be16(frame, (uint16_t)length);
    memcpy(frame + NF_FRAME_HEAD_BYTES, bytes, length);
    if (stream->state != NF_STREAM_OPEN || stream->queue != NULL) {
        if (!make_wait(stream, frame, whole)) {
            nf_stream_count(&streams->dropped_full);
        }
        return;
    }
    memcpy(streams->staged + streams->staged_bytes, frame, whole);
    streams->staged_bytes += (uint32_t)whole;
    streams->staged_for = stream;
}

static void take_posted(nf_streams *streams, const uint8_t *letter, size_t size)
{
    netron_endpoint to;
    memcpy(&to, letter, sizeof(to));
    const uint8_t *datagram = letter + sizeof(to);
    size_t length = size - sizeof(to);
    nf_assert(length > 0 && length <= NF_FRAME_BYTES_MAX);
    bool same = streams->staged_for != NULL &&
                nf_endpoint_equal(&streams->staged_for->endpoint, &to) &&
                streams->staged_bytes + NF_FRAME_WHOLE_BYTES_MAX <= sizeof(streams->staged);
    if (!same) {
        send_staged(streams);
    }
    nf_stream *stream = nf_stream_to(streams, &to);
    if (stream == NULL) {
        nf_stream_count(&streams->dropped_unsent);
        return;
    }
    nf_stream_note_sent(stream, datagram[0]);
    put(streams, stream, datagram, length);
}

void nf_streams_drain(nf_streams *streams)
{
    size_t length = 0;
    const uint8_t *letter = nf_mailbox_peek(streams->mailbox, &length);
    for (unsigned i = 0; letter != NULL && i < NF_STREAM_LETTERS_MAX; i++) {
        take_posted(streams, letter, length);
        nf_mailbox_drop(streams->mailbox);
        letter = nf_mailbox_peek(streams->mailbox, &length);
    }
    send_staged(streams);
    if (letter != NULL) { /* lanes may bring more than one turn can send */
        uv_async_send(&streams->device->async);
    }
}

/* --- the proxy -------------------------------------------------------------------------------- */

void nf_stream_ask_proxy(nf_stream *stream)
{
    uint8_t request[NF_PROXY_REQUEST_BYTES_MAX];
    size_t length = nf_proxy_request(&stream->endpoint, request);
    /* A new socket takes so little whole; what waits goes when the proxy has agreed. */
    if (nf_tcp_send(stream->fd, request, length) != (ssize_t)length) {
        nf_stream_end(stream);
        return;
    }
    nf_stream_watch(stream);
}

/* --- in --------------------------------------------------------------------------------------- */

/* @return how many of the bytes were frames, or -1 when what follows is none */
static int take_frames(nf_stream *stream, const uint8_t *bytes, size_t length)
{
    netron_device *device = stream->streams->device;
    nf_path from = {.remote = stream->endpoint};
    size_t at = 0;
    int frame;
    nf_control_lock(device);
    while ((frame = nf_frame_first(bytes + at, length - at)) > 0) {
        nf_control_take(device, bytes + at + NF_FRAME_HEAD_BYTES,
                        (uint32_t)frame - NF_FRAME_HEAD_BYTES, &from, 0);
        at += (size_t)frame;
    }
    nf_control_unlock(device);
    nf_control_arm(device);
    return frame < 0 ? -1 : (int)at;
}

/* @return false if the stream is gone */
static bool take_bytes(nf_stream *stream, const uint8_t *bytes, size_t length)
{
    if (stream->state == NF_STREAM_ASKING) {
        size_t used;
        nf_proxy_result result = nf_proxy_take(&stream->proxy, bytes, length, &used);
        if (result == NF_PROXY_REFUSED) {
            nf_stream_end(stream);
            return false;
        }
        if (result == NF_PROXY_WAIT) {
            return true;
        }
        stream->state = NF_STREAM_OPEN;
        bytes += used;
        length -= used;
        if (!nf_stream_flush(stream)) {
            return false;
        }
    }
    int taken = take_frames(stream, bytes, length);
    if (taken < 0 && (stream->proved || !stream->came_in)) {
        nf_stream_end(stream);
        return false;
    }
    if (taken < 0) { /* a stranger: it is told nothing, not even when it was found out */
        stream->deaf = true;
        nf_stream_watch(stream);
        return true;
    }
    stream->partial_bytes = (uint32_t)(length - (size_t)taken);
    memcpy(stream->partial, bytes + taken, stream->partial_bytes);
    return true;
}

bool nf_stream_receive(nf_stream *stream)
{
    uint8_t *read = stream->streams->read;
    for (unsigned i = 0; i < READS_MAX && !stream->deaf; i++) {
        uint32_t before = stream->partial_bytes;
        memcpy(read, stream->partial, before);
        ssize_t came = nf_tcp_receive(stream->fd, read + before, NF_STREAMS_READ_BYTES);
        if (came == -EAGAIN) {
            break;
        }
        if (came < 0) {
            nf_stream_end(stream);
            return false;
        }
        stream->partial_bytes = 0;
        if (!take_bytes(stream, read, before + (size_t)came)) {
            return false;
        }
        if (came < NF_STREAMS_READ_BYTES) {
            break;
        }
    }
    return true;
}
