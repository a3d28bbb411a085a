/* SPDX-License-Identifier: Apache-2.0 */
/* queues.c - what the control machine has for others: events, datagrams, packets for the host. */
#include "machine/core.h"

#include "machine/assert.h"

#include <stdlib.h>
#include <string.h>

bool nf_queues_init(nf_core *core)
{
    core->events = calloc(NF_EVENTS_MAX, sizeof(*core->events));
    core->outgoing = calloc(NF_OUTGOING_MAX, sizeof(*core->outgoing));
    core->host = calloc(NF_HOST_PACKETS_MAX, sizeof(*core->host));
    core->event_ring.capacity = NF_EVENTS_MAX;
    core->outgoing_ring.capacity = NF_OUTGOING_MAX;
    core->host_ring.capacity = NF_HOST_PACKETS_MAX;
    return core->events != NULL && core->outgoing != NULL && core->host != NULL;
}

void nf_queues_free(nf_core *core)
{
    free(core->events);
    free(core->outgoing);
    free(core->host);
}

uint32_t nf_ring_push(nf_ring *ring)
{
    if (ring->count == ring->capacity) {
        return UINT32_MAX;
    }
    uint32_t place = (ring->first + ring->count) % ring->capacity;
    ring->count++;
    return place;
}

void nf_ring_pop(nf_ring *ring)
{
    nf_assert(ring->count > 0);
    ring->count--;
    ring->first = ring->count == 0 ? 0 : (ring->first + 1) % ring->capacity;
}

netron_event *nf_event_add(nf_core *core, uint32_t kind)
{
    uint32_t place = nf_ring_push(&core->event_ring);
    if (place == UINT32_MAX) {
        core->events_lost++;
        return NULL;
    }
    netron_event *event = &core->events[place];
    memset(event, 0, offsetof(netron_event, bytes));
    event->kind = kind;
    return event;
}

uint32_t nf_events_of(const nf_core *core, const uint8_t id[32])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < core->event_ring.count; i++) {
        const netron_event *event = &core->events[(core->event_ring.first + i) % NF_EVENTS_MAX];
        count += event->kind == NETRON_EVENT_MESSAGE && memcmp(event->id, id, 32) == 0;
    }
    return count;
}

bool nf_core_poll_event(nf_core *core, netron_event *event)
{
    if (core->event_ring.count == 0) {
        if (core->events_lost == 0) {
            return false;
        }
        memset(event, 0, offsetof(netron_event, bytes));
        event->kind = NETRON_EVENT_LOST;
        event->token = core->events_lost;
        core->events_lost = 0;
        return true;
    }
    const netron_event *oldest = &core->events[core->event_ring.first];
    memcpy(event, oldest, offsetof(netron_event, bytes) + oldest->length);
    if (event->kind == NETRON_EVENT_MESSAGE) {
        uint32_t peer = nf_peers_find(core, event->id);
        if (peer != NF_NO_PEER && core->peers[peer].pending_messages > 0) {
            core->peers[peer].pending_messages--;
        }
    }
    core->pending_unrouted -= event->kind == NETRON_EVENT_UNROUTED;
    nf_ring_pop(&core->event_ring);
    return true;
}

bool nf_core_has_news(const nf_core *core)
{
    return core->event_ring.count > 0 || core->events_lost > 0 || nf_datagrams_wait(core);
}

nf_outgoing *nf_outgoing_add(nf_core *core, const nf_path *path)
{
    uint32_t place = nf_ring_push(&core->outgoing_ring);
    if (place == UINT32_MAX) {
        nf_core_drop(core, NETRON_DROP_QUEUE_FULL);
        return NULL;
    }
    nf_outgoing *outgoing = &core->outgoing[place];
    outgoing->path = *path;
    outgoing->length = 0;
    outgoing->tos = 0;
    return outgoing;
}

nf_outgoing *nf_core_outgoing(nf_core *core)
{
    if (core->outgoing_ring.count == 0) {
        nf_core_say_goodbyes(core);
    }
    if (core->outgoing_ring.count == 0) {
        return NULL;
    }
    nf_outgoing *outgoing = &core->outgoing[core->outgoing_ring.first];
    if (nf_endpoint_is_circuit(&outgoing->path.remote)) {
        nf_circuits_wrap(core, outgoing);
    }
    return outgoing;
}

void nf_core_outgoing_drop(nf_core *core)
{
    nf_ring_pop(&core->outgoing_ring);
}

nf_host_packet *nf_core_host_packet(nf_core *core)
{
    return core->host_ring.count == 0 ? NULL : &core->host[core->host_ring.first];
}

void nf_core_host_packet_drop(nf_core *core)
{
    nf_ring_pop(&core->host_ring);
}

bool nf_core_seal(nf_core *core,
                  nf_session *session,
                  uint8_t type,
                  const uint8_t *bytes,
                  size_t length,
                  const nf_path *path)
{
    nf_path known;
    bool tries = path != NULL;
    if (path == NULL) {
        nf_session_get_path(session, &known);
        path = &known;
    }
    nf_outgoing *outgoing = nf_outgoing_add(core, path);
    if (outgoing == NULL) {
        return false;
    }
    nf_assert(length + NF_SESSION_OVERHEAD_BYTES <= sizeof(outgoing->bytes));
    if (type != NF_TYPE_LINK && length > 0) {
        core->peers[session->peer].used_ns = core->now_ns;
    }
    nf_aead *aead =
        nf_aead_cache_get(core->aeads, session->key_identity, session->suite, session->send_key);
    outgoing->length = (uint16_t)nf_session_seal(session, aead, NF_LANE_CONTROL, type, 0, bytes,
                                                 length, outgoing->bytes);
    nf_assert(outgoing->length != 0); /* control seals some packets a second, never 2^28 */
    core->peers[session->peer].sent_ns = core->now_ns;
    if (tries && nf_peers_session(core, session->peer) == session) {
        core->peers[session->peer].seen_tx++; /* its answer says nothing of the path in use */
    }
    return true;
}
