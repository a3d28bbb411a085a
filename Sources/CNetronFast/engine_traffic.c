/* SPDX-License-Identifier: Apache-2.0 */
/* engine_traffic.c - what goes through an engine: datagrams and inner packets, in and out. */
#include "engine_parts.h"

#include "machine/assert.h"

#include <string.h>

static void drain_letters(netron_engine *engine, uint64_t now_ns)
{
    size_t length;
    const uint8_t *bytes;
    while ((bytes = nf_mailbox_peek(engine->letters, &length)) != NULL) {
        nf_letter letter;
        memcpy(&letter, bytes, sizeof(letter));
        nf_core_letter(engine->core, &letter, bytes + sizeof(letter), length - sizeof(letter),
                       now_ns);
        nf_mailbox_drop(engine->letters);
    }
}

static int keep_packet(netron_engine *engine, const nf_inbound *inbound)
{
    uint32_t place = inbound->length > NF_ENGINE_PACKET_BYTES_MAX
                         ? UINT32_MAX
                         : nf_ring_push(&engine->packet_ring);
    if (place == UINT32_MAX) {
        nf_lane_drop(&engine->lane, NETRON_DROP_QUEUE_FULL);
        return NETRON_E_AGAIN;
    }
    engine->packets[place].length = (uint16_t)inbound->length;
    memcpy(engine->packets[place].bytes, inbound->packet, inbound->length);
    return NETRON_OK;
}

static int drop_error(unsigned reason)
{
    switch (reason) {
    case NETRON_DROP_UNKNOWN_INDEX:
    case NETRON_DROP_NO_CIRCUIT:
        return NETRON_E_UNKNOWN_PEER;
    case NETRON_DROP_FORGED:
        return NETRON_E_FORGED;
    case NETRON_DROP_REPLAYED:
        return NETRON_E_REPLAYED;
    case NETRON_DROP_SPOOFED:
    case NETRON_DROP_CONGESTED:
    case NETRON_DROP_NOT_NEIGHBOUR:
    case NETRON_DROP_HOPS:
    case NETRON_DROP_MULTICAST:
        return NETRON_E_REFUSED;
    case NETRON_DROP_RELAY_LIMITED:
        return NETRON_E_AGAIN;
    default:
        return NETRON_E_MALFORMED;
    }
}

static int take_relayed(
    netron_engine *engine, uint8_t *datagram, size_t length, const nf_path *from, uint8_t tos);

static int
take(netron_engine *engine, uint8_t *datagram, size_t length, const nf_path *from, uint8_t tos)
{
    nf_inbound inbound;
    unsigned reason = 0;
    switch (nf_lane_open(&engine->lane, datagram, length, from, tos, &inbound, &reason)) {
    case NF_OPEN_PACKET:
        return keep_packet(engine, &inbound);
    case NF_OPEN_DROPPED:
        return drop_error(reason);
    case NF_OPEN_CONTROL: /* not opened: as it came */
        return nf_core_datagram(engine->core, datagram, length, from, engine->lane.now_ns);
    case NF_OPEN_RELAY:
        return take_relayed(engine, datagram, length, from, tos);
    case NF_OPEN_STRAY:
        nf_assert(false); /* there is one lane */
    case NF_OPEN_DONE:
        break;
    }
    return NETRON_OK;
}

/* What is carried is no RELAY itself: take() comes here once. */
static int take_relayed(
    netron_engine *engine, uint8_t *datagram, size_t length, const nf_path *from, uint8_t tos)
{
    nf_path through;
    unsigned reason = 0;
    switch (nf_lane_relay(&engine->lane, datagram, length, from, tos, &through, &reason)) {
    case NF_RELAY_ARRIVED:
        return take(engine, datagram + NF_CIRCUIT_SHIM_BYTES, length - NF_CIRCUIT_SHIM_BYTES,
                    &through, tos);
    case NF_RELAY_DROPPED:
        return drop_error(reason);
    case NF_RELAY_FULL: /* nobody polled */
        nf_lane_drop(&engine->lane, NETRON_DROP_QUEUE_FULL);
        return NETRON_E_AGAIN;
    case NF_RELAY_STRAY:
        nf_assert(false); /* there is one lane */
    case NF_RELAY_SENT:
        break;
    }
    return NETRON_OK;
}

int netron_engine_receive(netron_engine *engine,
                          const uint8_t *bytes,
                          size_t length,
                          const netron_endpoint *from,
                          uint8_t tos,
                          uint64_t now_ns)
{
    if (length > sizeof(engine->datagram)) {
        return NETRON_E_MALFORMED;
    }
    if (from->kind != NETRON_ENDPOINT_UDP && !nf_endpoint_is_tcp(from)) {
        return NETRON_E_INVALID;
    }
    nf_core_advance(engine->core, now_ns);
    engine->lane.now_ns = now_ns;
    memcpy(engine->datagram, bytes, length);
    nf_path path = {.remote = *from};
    nf_reclaim_online(&engine->core->table.reclaim, 0);
    int result = take(engine, engine->datagram, length, &path, tos);
    nf_reclaim_offline(&engine->core->table.reclaim, 0);
    drain_letters(engine, now_ns);
    return result;
}

static uint64_t drops_of(const netron_engine *engine, unsigned reason)
{
    return atomic_load_explicit(&engine->lane.drops[reason], memory_order_relaxed);
}

static bool seal_for_all(netron_engine *engine, uint8_t *packet, size_t length)
{
    nf_copies copies;
    nf_flow flow;
    if (!nf_lane_begin_copies(&engine->lane, &copies, packet, length)) {
        return false;
    }
    bool sealed = true;
    while (nf_lane_next_copy(&engine->lane, &copies, &flow)) {
        if (!nf_lane_seal(&engine->lane, &flow, packet, length, 0)) { /* nobody polled */
            nf_lane_drop(&engine->lane, NETRON_DROP_QUEUE_FULL);
            sealed = false;
        }
    }
    return sealed;
}

int netron_engine_send_packet(netron_engine *engine,
                              const uint8_t *packet,
                              size_t length,
                              uint64_t now_ns)
{
    if (length == 0 || length > engine->core->table.mtu) {
        return NETRON_E_MALFORMED;
    }
    nf_core_advance(engine->core, now_ns);
    engine->lane.now_ns = now_ns;
    memcpy(engine->datagram, packet, length);
    nf_ip ip;
    if (!nf_ip_parse(&ip, packet, length)) {
        nf_lane_drop(&engine->lane, NETRON_DROP_BAD_INNER);
        return NETRON_E_MALFORMED;
    }
    nf_flow flow;
    nf_reclaim_online(&engine->core->table.reclaim, 0);
    uint64_t not_carried = drops_of(engine, NETRON_DROP_MULTICAST);
    nf_route_result routed = nf_lane_route(&engine->lane, &flow, packet, length);
    bool sealed = routed == NF_ROUTE_ALL
                      ? seal_for_all(engine, engine->datagram, length)
                      : routed == NF_ROUTE_ONE &&
                            nf_lane_seal(&engine->lane, &flow, engine->datagram, length, 0);
    nf_reclaim_offline(&engine->core->table.reclaim, 0);
    uint64_t unrouted = engine->core->counters.drops[NETRON_DROP_UNROUTED];
    drain_letters(engine, now_ns);
    if (routed != NF_ROUTE_NOBODY) {
        return sealed ? NETRON_OK : NETRON_E_AGAIN;
    }
    if (drops_of(engine, NETRON_DROP_MULTICAST) != not_carried) {
        return NETRON_E_REFUSED;
    }
    bool refused = engine->core->counters.drops[NETRON_DROP_UNROUTED] != unrouted;
    return refused ? NETRON_E_UNKNOWN_PEER : NETRON_OK;
}

static int copy_out(uint8_t *buffer, size_t capacity, const uint8_t *bytes, size_t length)
{
    if (length > capacity) {
        return NETRON_E_TOO_SHORT;
    }
    memcpy(buffer, bytes, length);
    return (int)length;
}

static int poll_control(
    netron_engine *engine, uint8_t *buffer, size_t capacity, netron_endpoint *to, uint8_t *tos)
{
    const nf_outgoing *outgoing = nf_core_outgoing(engine->core);
    while (outgoing != NULL && outgoing->length == 0) {
        nf_core_outgoing_drop(engine->core);
        outgoing = nf_core_outgoing(engine->core);
    }
    if (outgoing == NULL) {
        return 0;
    }
    int length = copy_out(buffer, capacity, outgoing->bytes, outgoing->length);
    if (length > 0) {
        *to = outgoing->path.remote;
        *tos = outgoing->tos;
        nf_core_outgoing_drop(engine->core);
    }
    return length;
}

int netron_engine_poll_datagram(
    netron_engine *engine, uint8_t *buffer, size_t capacity, netron_endpoint *to, uint8_t *tos)
{
    int length = poll_control(engine, buffer, capacity, to, tos);
    nf_outbox *outbox = &engine->lane.outbox;
    if (length != 0 || engine->sent_messages == outbox->count) {
        return length;
    }
    const nf_departure *message = &outbox->messages[engine->sent_messages];
    uint32_t left = message->length - engine->sent_bytes;
    uint32_t next = left < message->segment ? left : message->segment;
    length = copy_out(buffer, capacity, message->bytes + engine->sent_bytes, next);
    if (length < 0) {
        return length;
    }
    *to = message->to;
    *tos = message->tos;
    engine->sent_bytes += next;
    if (engine->sent_bytes == message->length) {
        engine->sent_bytes = 0;
        engine->sent_messages++;
    }
    if (engine->sent_messages == outbox->count) {
        engine->sent_messages = 0;
        nf_outbox_clear(outbox);
    }
    return length;
}

int netron_engine_poll_packet(netron_engine *engine, uint8_t *buffer, size_t capacity)
{
    const nf_host_packet *answer = nf_core_host_packet(engine->core);
    while (answer != NULL && answer->length == 0) {
        nf_core_host_packet_drop(engine->core);
        answer = nf_core_host_packet(engine->core);
    }
    if (answer != NULL) {
        int length = copy_out(buffer, capacity, answer->bytes, answer->length);
        if (length > 0) {
            nf_core_host_packet_drop(engine->core);
        }
        return length;
    }
    if (engine->packet_ring.count == 0) {
        return 0;
    }
    const nf_inner_packet *packet = &engine->packets[engine->packet_ring.first];
    int length = copy_out(buffer, capacity, packet->bytes, packet->length);
    if (length > 0) {
        nf_ring_pop(&engine->packet_ring);
    }
    return length;
}
