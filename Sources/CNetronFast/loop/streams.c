/* SPDX-License-Identifier: Apache-2.0 */
/* streams.c - which connections there are: accepted, dialled, given up. */
#include "loop/streams.h"

#include "linux/tcp.h"
#include "loop/clock.h"
#include "loop/stream.h"
#include "machine/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ACCEPTS_MAX = 64 /* of one turn */ };

static void on_timer(uv_timer_t *timer);
static void on_event(uv_poll_t *poll, int status, int events);
static void on_listener(uv_poll_t *poll, int status, int events);

/* --- made and freed --------------------------------------------------------------------------- */

nf_streams *nf_streams_new(const netron_endpoint *proxy)
{
    nf_streams *streams = calloc(1, sizeof(*streams));
    if (streams == NULL) {
        return NULL;
    }
    streams->mailbox =
        nf_mailbox_new(NF_STREAM_LETTERS_MAX, sizeof(netron_endpoint) + NF_FRAME_BYTES_MAX);
    streams->proxy = *proxy;
    streams->listener = -1;
    streams->armed_ns = UINT64_MAX;
    if (streams->mailbox == NULL) {
        nf_streams_free(streams);
        return NULL;
    }
    return streams;
}

void nf_streams_free(nf_streams *streams)
{
    if (streams != NULL) {
        nf_mailbox_free(streams->mailbox);
        free(streams);
    }
}

static uint32_t mark_of(const netron_device *device)
{
    return device->routes ? NETRON_MARK_UNDERLAY : 0;
}

int nf_streams_start(nf_streams *streams, netron_device *device, uint16_t port)
{
    streams->device = device;
    streams->timer.data = streams;
    int error = uv_timer_init(&device->loop, &streams->timer);
    if (error != 0) {
        return error;
    }
    /* Where another program listens there, connections are still made. */
    streams->listener = nf_tcp_listen(port, mark_of(device));
    if (streams->listener < 0) {
        streams->listener = -1;
        return 0;
    }
    streams->listen_poll.data = streams;
    error = uv_poll_init(&device->loop, &streams->listen_poll, streams->listener);
    if (error != 0) {
        close(streams->listener);
        streams->listener = -1;
        return error;
    }
    return uv_poll_start(&streams->listen_poll, UV_READABLE, on_listener);
}

bool nf_streams_listens(const nf_streams *streams)
{
    return streams->listener >= 0;
}

nf_mailbox *nf_streams_mailbox(nf_streams *streams)
{
    return streams->mailbox;
}

void nf_streams_add_drops(const nf_streams *streams, netron_counters *counters)
{
    counters->drops[NETRON_DROP_QUEUE_FULL] +=
        atomic_load_explicit(&streams->dropped_full, memory_order_relaxed);
    counters->drops[NETRON_DROP_UDP_SEND] +=
        atomic_load_explicit(&streams->dropped_unsent, memory_order_relaxed);
}

/* --- how long they stay ----------------------------------------------------------------------- */

static uint64_t end_of(const nf_stream *stream)
{
    switch (stream->state) {
    case NF_STREAM_CONNECTING:
    case NF_STREAM_ASKING:
        return stream->begun_ns + NF_STREAM_CONNECT_NS;
    case NF_STREAM_RESTING:
        return stream->begun_ns;
    case NF_STREAM_OPEN:
        break;
    }
    if (stream->proved) {
        return stream->used_ns + NF_STREAM_IDLE_NS;
    }
    return stream->came_in ? stream->begun_ns + NF_STREAM_MUTE_NS
                           : stream->used_ns + NF_STREAM_DIALLED_NS;
}

/* The timer may come too early, since ends move on with every datagram; then it is set again. */
static void arm(nf_streams *streams, uint64_t at_ns)
{
    if (at_ns >= streams->armed_ns) {
        return;
    }
    uint64_t now_ns = nf_clock_now();
    uint64_t wait_ns = at_ns > now_ns ? at_ns - now_ns : 0;
    streams->armed_ns = at_ns;
    uv_update_time(&streams->device->loop);
    uv_timer_start(&streams->timer, on_timer, (wait_ns + NF_MILLISECOND_NS - 1) / NF_MILLISECOND_NS,
                   0);
}

static void on_timer(uv_timer_t *timer)
{
    nf_streams *streams = timer->data;
    uint64_t now_ns = nf_clock_now();
    streams->armed_ns = UINT64_MAX;
    if (streams->listen_again_ns != 0 && now_ns >= streams->listen_again_ns) {
        streams->listen_again_ns = 0;
        (void)uv_poll_start(&streams->listen_poll, UV_READABLE, on_listener);
    }
    for (uint32_t i = 0; i < streams->high; i++) {
        if (streams->list[i] != NULL && now_ns >= end_of(streams->list[i])) {
            nf_stream_end(streams->list[i]);
        }
    }
    uint64_t next_ns = streams->listen_again_ns != 0 ? streams->listen_again_ns : UINT64_MAX;
    for (uint32_t i = 0; i < streams->high; i++) {
        uint64_t end_ns = streams->list[i] != NULL ? end_of(streams->list[i]) : UINT64_MAX;
        next_ns = end_ns < next_ns ? end_ns : next_ns;
    }
    arm(streams, next_ns);
}

/* --- the table -------------------------------------------------------------------------------- */

static nf_stream *find(nf_streams *streams, const netron_endpoint *endpoint)
{
    if (streams->last != NULL && nf_endpoint_equal(&streams->last->endpoint, endpoint)) {
        return streams->last;
    }
    for (uint32_t i = 0; i < streams->high; i++) {
        nf_stream *stream = streams->list[i];
        if (stream != NULL && nf_endpoint_equal(&stream->endpoint, endpoint)) {
            streams->last = stream;
            return stream;
        }
    }
    return NULL;
}

static nf_stream *make_stream(nf_streams *streams, const netron_endpoint *endpoint)
{
    uint32_t place = 0;
    while (place < streams->high && streams->list[place] != NULL) {
        place++;
    }
    nf_stream *stream = place == NF_STREAMS_MAX ? NULL : calloc(1, sizeof(*stream));
    if (stream == NULL) {
        return NULL;
    }
    stream->streams = streams;
    stream->endpoint = *endpoint;
    stream->fd = -1;
    stream->begun_ns = nf_clock_now();
    stream->used_ns = stream->begun_ns;
    stream->poll.data = stream;
    streams->list[place] = stream;
    streams->high = place >= streams->high ? place + 1 : streams->high;
    return stream;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void no_stranger(nf_stream *stream)
{
    nf_streams *streams = stream->streams;
    for (uint32_t i = 0; i < streams->stranger_count; i++) {
        if (streams->strangers[i] == stream) {
            streams->strangers[i] = streams->strangers[--streams->stranger_count];
            return;
        }
    }
}

static void free_queue(nf_stream *stream)
{
    free(stream->queue);
    stream->queue = NULL;
    stream->queue_first = 0;
    stream->queue_end = 0;
}

/* Takes the stream off the table. Its memory goes with the handle that the loop still has. */
static void forget(nf_stream *stream)
{
    nf_streams *streams = stream->streams;
    uint32_t place = 0;
    while (streams->list[place] != stream) {
        place++;
        nf_assert(place < streams->high);
    }
    streams->list[place] = NULL;
    while (streams->high > 0 && streams->list[streams->high - 1] == NULL) {
        streams->high--;
    }
    streams->last = NULL;
    if (streams->staged_for == stream) {
        streams->staged_for = NULL;
        streams->staged_bytes = 0;
    }
    no_stranger(stream);
    free_queue(stream);
    if (stream->fd < 0) {
        free(stream);
        return;
    }
    uv_close((uv_handle_t *)&stream->poll, on_closed);
    close(stream->fd); /* allowed as soon as uv_close() returned */
}

/* A place without a connection, so that the endpoint is not dialled with each datagram. */
static void rest(nf_streams *streams, const netron_endpoint *endpoint, uint64_t until_ns)
{
    nf_stream *stream = make_stream(streams, endpoint);
    if (stream != NULL) {
        stream->state = NF_STREAM_RESTING;
        stream->begun_ns = until_ns;
        arm(streams, until_ns);
    }
}

void nf_stream_end(nf_stream *stream)
{
    nf_streams *streams = stream->streams;
    netron_device *device = streams->device;
    netron_endpoint endpoint = stream->endpoint;
    bool was_path = stream->state == NF_STREAM_OPEN && stream->proved;
    bool rests = !stream->came_in && stream->state != NF_STREAM_RESTING;
    uint64_t again_ns = stream->begun_ns + NF_STREAM_AGAIN_NS;
    forget(stream);
    if (rests && nf_clock_now() < again_ns) {
        rest(streams, &endpoint, again_ns);
    }
    if (was_path) {
        nf_control_lock(device);
        nf_core_disconnected(device->core, &endpoint, nf_control_now(device));
        nf_control_unlock(device);
    }
}

void nf_streams_stop(nf_streams *streams)
{
    for (uint32_t i = streams->high; i > 0; i--) {
        if (i <= streams->high && streams->list[i - 1] != NULL) {
            forget(streams->list[i - 1]);
        }
    }
    if (streams->listener >= 0) {
        uv_close((uv_handle_t *)&streams->listen_poll, NULL);
        close(streams->listener);
        streams->listener = -1;
    }
}

/* --- events of one ---------------------------------------------------------------------------- */

void nf_stream_watch(nf_stream *stream)
{
    int events = stream->deaf ? 0 : UV_READABLE;
    if (stream->state == NF_STREAM_CONNECTING ||
        (stream->state == NF_STREAM_OPEN && stream->queue != NULL)) {
        events |= UV_WRITABLE;
    }
    if (events != stream->events) {
        stream->events = events;
        (void)(events == 0 ? uv_poll_stop(&stream->poll)
                           : uv_poll_start(&stream->poll, events, on_event));
    }
}

static bool start_polling(nf_stream *stream, int fd)
{
    if (uv_poll_init(&stream->streams->device->loop, &stream->poll, fd) != 0) {
        close(fd);
        return false;
    }
    stream->fd = fd;
    nf_stream_watch(stream);
    arm(stream->streams, end_of(stream));
    return true;
}

static void take_connected(nf_stream *stream)
{
    if (nf_tcp_connected(stream->fd) != 0) {
        nf_stream_end(stream);
        return;
    }
    if (stream->streams->proxy.port != 0) {
        stream->state = NF_STREAM_ASKING;
        nf_stream_ask_proxy(stream);
        return;
    }
    stream->state = NF_STREAM_OPEN;
    (void)nf_stream_flush(stream);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    nf_stream *stream = poll->data;
    if (status != 0) {
        nf_stream_end(stream);
        return;
    }
    if (stream->state == NF_STREAM_CONNECTING) {
        take_connected(stream);
        return;
    }
    bool there = true;
    if ((events & UV_WRITABLE) != 0) {
        there = nf_stream_flush(stream);
    }
    if (there && (events & UV_READABLE) != 0) {
        (void)nf_stream_receive(stream);
    }
}

void nf_stream_note_sent(nf_stream *stream, uint8_t type)
{
    stream->used_ns = nf_clock_now();
    if (!stream->proved && (type == NF_TYPE_MESSAGE3 || type >= NF_TYPE_DATA)) {
        stream->proved = true;
        no_stranger(stream);
    }
}

/* --- dialled ---------------------------------------------------------------------------------- */

nf_stream *nf_stream_to(nf_streams *streams, const netron_endpoint *endpoint)
{
    nf_stream *stream = find(streams, endpoint);
    if (stream != NULL) {
        return stream->state == NF_STREAM_RESTING ? NULL : stream;
    }
    if (endpoint->kind != NETRON_ENDPOINT_TCP) {
        return NULL;
    }
    int fd = nf_tcp_connect(streams->proxy.port != 0 ? &streams->proxy : endpoint,
                            mark_of(streams->device));
    if (fd < 0) {
        rest(streams, endpoint, nf_clock_now() + NF_STREAM_AGAIN_NS);
        return NULL;
    }
    stream = make_stream(streams, endpoint);
    if (stream == NULL) {
        close(fd);
        return NULL;
    }
    stream->state = NF_STREAM_CONNECTING;
    if (!start_polling(stream, fd)) {
        forget(stream);
        return NULL;
    }
    return stream;
}

/* --- accepted --------------------------------------------------------------------------------- */

/* The stranger to give up for a new one: the oldest of the source network that has the most, so
 * that a flood from one network displaces itself. */
static nf_stream *pick_victim(const nf_streams *streams)
{
    nf_stream *victim = NULL;
    uint32_t most = 0;
    for (uint32_t i = 0; i < streams->stranger_count; i++) {
        nf_stream *stream = streams->strangers[i];
        uint32_t share = 0;
        for (uint32_t j = 0; j < streams->stranger_count; j++) {
            share += streams->strangers[j]->network == stream->network;
        }
        if (share > most || (share == most && stream->begun_ns < victim->begun_ns)) {
            victim = stream;
            most = share;
        }
    }
    return victim;
}

static void take_connection(nf_streams *streams, int fd, const netron_endpoint *from)
{
    if (streams->stranger_count == NF_STREAMS_STRANGERS_MAX) {
        nf_stream_end(pick_victim(streams));
    }
    nf_stream *stale = find(streams, from); /* its other end has begun anew */
    if (stale != NULL) {
        nf_stream_end(stale);
    }
    nf_stream *stream = make_stream(streams, from);
    if (stream == NULL) {
        close(fd);
        return;
    }
    stream->state = NF_STREAM_OPEN;
    stream->came_in = true;
    stream->network = nf_core_network_of(streams->device->core, from);
    if (!start_polling(stream, fd)) {
        forget(stream);
        return;
    }
    streams->strangers[streams->stranger_count++] = stream;
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    (void)events;
    nf_streams *streams = poll->data;
    int fd = status;
    for (unsigned i = 0; status == 0 && i < ACCEPTS_MAX; i++) {
        netron_endpoint from;
        fd = nf_tcp_accept(streams->listener, &from);
        if (fd == -ECONNABORTED || fd == -EINTR) {
            continue;
        }
        if (fd < 0) {
            break;
        }
        take_connection(streams, fd, &from);
    }
    if (fd < 0 && fd != -EAGAIN && fd != -ECONNABORTED && fd != -EINTR) {
        /* No descriptor or memory is left: it would be readable for ever. */
        uv_poll_stop(&streams->listen_poll);
        streams->listen_again_ns = nf_clock_now() + NF_STREAM_AGAIN_NS;
        arm(streams, streams->listen_again_ns);
    }
}
