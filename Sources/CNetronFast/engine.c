/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - engine.h: the control machine and one lane, joined by a mailbox, in one thread. What
 * goes through them is in engine_traffic.c. */
#include "engine_parts.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

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
        engine->packets = calloc(NF_ENGINE_PACKETS_MAX, sizeof(*engine->packets));
        engine->packet_ring.capacity = NF_ENGINE_PACKETS_MAX;
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

int netron_engine_set_keepalive(netron_engine *engine,
                                const uint8_t id[NETRON_ID_BYTES],
                                const netron_keepalive *keepalive,
                                uint64_t now_ns)
{
    return nf_core_set_keepalive(engine->core, id, keepalive, now_ns);
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

void netron_engine_disconnected(netron_engine *engine,
                                const netron_endpoint *endpoint,
                                uint64_t now_ns)
{
    nf_core_disconnected(engine->core, endpoint, now_ns);
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
