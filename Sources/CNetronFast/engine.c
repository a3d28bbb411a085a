/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - engine.h: the control machine and one lane, joined by a mailbox, in one thread. */
#include "netron/engine.h"

#include "machine/assert.h"
#include "machine/core.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { PACKETS_MAX = 256, PACKET_BYTES_MAX = 4416 };

typedef struct inner_packet {
    uint16_t length;
    uint8_t bytes[PACKET_BYTES_MAX];
} inner_packet;

struct netron_engine {
    nf_core *core;
    nf_lane lane;
    nf_mailbox *letters;
    nf_ring packet_ring;
    inner_packet *packets;
    uint32_t sent_messages; /* of the outbox, polled whole */
    uint32_t sent_bytes;    /* of the message after them */
    uint8_t datagram[65536];
};

int netron_engine_new(netron_engine **out, const netron_options *options)
{
    netron_engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL) {
        return NETRON_E_NO_MEMORY;
    }
    int result = nf_core_new(&engine->core, options);
    if (result == NETRON_OK && engine->core->lanes != 1) {
        result = NETRON_E_INVALID;
    }
    if (result == NETRON_OK) {
        engine->letters = nf_mailbox_new(NF_LETTERS_MAX, NF_LETTER_BYTES_MAX);
        engine->packets = calloc(PACKETS_MAX, sizeof(*engine->packets));
        engine->packet_ring.capacity = PACKETS_MAX;
        if (engine->letters == NULL || engine->packets == NULL ||
            !nf_lane_init(&engine->lane, &engine->core->table, 0, engine->core->backend)) {
            result = NETRON_E_NO_MEMORY;
        }
    }
    if (result != NETRON_OK) {
        netron_engine_free(engine);
        return result;
    }
    engine->lane.control = engine->letters;
    *out = engine;
    return NETRON_OK;
}

void netron_engine_free(netron_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    nf_lane_free(&engine->lane);
    nf_mailbox_free(engine->letters);
    free(engine->packets);
    nf_core_free(engine->core);
    sodium_memzero(engine, sizeof(*engine));
    free(engine);
}

void netron_engine_id(const netron_engine *engine, uint8_t id[NETRON_ID_BYTES])
{
    memcpy(id, engine->core->identity.id, NETRON_ID_BYTES);
}

void netron_engine_set_time(netron_engine *engine, uint64_t wall_ms, uint64_t now_ns)
{
    nf_core_set_time(engine->core, wall_ms, now_ns);
}

int netron_engine_dial(netron_engine *engine,
                       const netron_endpoint *endpoint,
                       const uint8_t *id,
                       uint64_t now_ns)
{
    nf_path path = {.remote = *endpoint};
    return nf_core_dial(engine->core, &path, id, now_ns);
}

int netron_engine_hang_up(netron_engine *engine, const uint8_t id[NETRON_ID_BYTES], uint64_t now_ns)
{
    return nf_core_hang_up(engine->core, id, now_ns);
}

int netron_engine_set_prefixes(netron_engine *engine,
                               const uint8_t id[NETRON_ID_BYTES],
                               const netron_prefix *prefixes,
                               size_t count,
                               uint64_t now_ns)
{
    return nf_core_set_prefixes(engine->core, id, prefixes, count, now_ns);
}

int netron_engine_set_address(netron_engine *engine,
                              const netron_prefix *address,
                              uint32_t present,
                              uint64_t now_ns)
{
    return nf_core_set_address(engine->core, address, present != 0, now_ns);
}

int netron_engine_send_message(netron_engine *engine,
                               const uint8_t id[NETRON_ID_BYTES],
                               const uint8_t *bytes,
                               size_t length,
                               uint64_t now_ns)
{
    return nf_core_send_message(engine->core, id, bytes, length, now_ns);
}

int netron_engine_keep(netron_engine *engine,
                       const uint8_t id[NETRON_ID_BYTES],
                       uint32_t kept,
                       uint64_t now_ns)
{
    return nf_core_keep(engine->core, id, kept != 0, now_ns);
}

int netron_engine_send_datagram(netron_engine *engine,
                                const netron_endpoint *to,
                                const uint8_t *bytes,
                                size_t length,
                                uint64_t now_ns)
{
    return nf_core_send_datagram(engine->core, to, bytes, length, now_ns);
}

int netron_engine_next_datagram(netron_engine *engine,
                                uint8_t *buffer,
                                size_t capacity,
                                netron_endpoint *from)
{
    return nf_core_next_datagram(engine->core, buffer, capacity, from);
}

int netron_engine_ping(netron_engine *engine,
                       const uint8_t id[NETRON_ID_BYTES],
                       uint64_t token,
                       uint64_t now_ns)
{
    return nf_core_ping(engine->core, id, token, now_ns);
}

uint32_t netron_engine_circuit_id(netron_engine *engine)
{
    return nf_core_circuit_id(engine->core);
}

int netron_engine_circuit_end(netron_engine *engine,
                              const netron_circuit_side *side,
                              uint64_t now_ns)
{
    return nf_core_circuit_end(engine->core, side, now_ns);
}

int netron_engine_circuit_forward(netron_engine *engine,
                                  const netron_circuit_side *a,
                                  const netron_circuit_side *b,
                                  uint32_t bytes_per_second,
                                  uint64_t now_ns)
{
    return nf_core_circuit_forward(engine->core, a, b, bytes_per_second, now_ns);
}

int netron_engine_circuit_close(netron_engine *engine, uint32_t id_in, uint64_t now_ns)
{
    return nf_core_circuit_close(engine->core, id_in, now_ns);
}

int netron_engine_circuit_info(const netron_engine *engine,
                               uint32_t id_in,
                               netron_circuit_info *out)
{
    return nf_core_circuit_info(engine->core, id_in, out);
}

int netron_engine_try_path(netron_engine *engine,
                           const uint8_t id[NETRON_ID_BYTES],
                           const netron_endpoint *endpoint,
                           uint64_t now_ns)
{
    return nf_core_try_path(engine->core, id, endpoint, now_ns);
}

int netron_engine_use_path(netron_engine *engine,
                           const uint8_t id[NETRON_ID_BYTES],
                           const netron_endpoint *endpoint,
                           uint64_t now_ns)
{
    return nf_core_use_path(engine->core, id, endpoint, now_ns);
}

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
    uint32_t place =
        inbound->length > PACKET_BYTES_MAX ? UINT32_MAX : nf_ring_push(&engine->packet_ring);
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

void netron_engine_disconnected(netron_engine *engine,
                                const netron_endpoint *endpoint,
                                uint64_t now_ns)
{
    nf_core_disconnected(engine->core, endpoint, now_ns);
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
    const inner_packet *packet = &engine->packets[engine->packet_ring.first];
    int length = copy_out(buffer, capacity, packet->bytes, packet->length);
    if (length > 0) {
        nf_ring_pop(&engine->packet_ring);
    }
    return length;
}

uint64_t netron_engine_deadline(const netron_engine *engine)
{
    return nf_core_deadline(engine->core);
}

void netron_engine_tick(netron_engine *engine, uint64_t now_ns)
{
    nf_core_tick(engine->core, now_ns);
}

void netron_engine_close(netron_engine *engine, uint64_t now_ns)
{
    nf_core_close(engine->core, now_ns);
}

int netron_engine_poll_event(netron_engine *engine, netron_event *event)
{
    return nf_core_poll_event(engine->core, event) ? 1 : 0;
}

size_t netron_engine_peers(const netron_engine *engine, netron_peer_info *out, size_t capacity)
{
    return nf_core_peers(engine->core, out, capacity);
}

void netron_engine_counters(const netron_engine *engine, netron_counters *out)
{
    nf_core_counters(engine->core, out);
    nf_lane_add_drops(&engine->lane, out);
}
