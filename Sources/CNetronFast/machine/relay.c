/* SPDX-License-Identifier: Apache-2.0 */
/* relay.c - a datagram behind a shim: arrived, or carried on to the next neighbour.
 *
 * What it carries is between two others: it is neither opened nor looked at, but for its type. It
 * is taken only from where the circuit's neighbour proved to be, so that who guesses an id has
 * gained nothing, and copied once, into the outbox, where equal ones of a circuit make a train.
 * From elsewhere it is dropped, but control asks the neighbour whether it is there now. */
#include "machine/lane.h"

#include <string.h>

static nf_relay_result drop(nf_lane *lane, unsigned why, unsigned *reason)
{
    nf_lane_drop(lane, why);
    *reason = why;
    return NF_RELAY_DROPPED;
}

static bool is_well_formed(const uint8_t *datagram)
{
    uint8_t carried = datagram[NF_CIRCUIT_SHIM_BYTES];
    return datagram[1] <= NF_RELAY_HOPS_MAX && datagram[2] == 0 && datagram[3] == 0 &&
           carried >= NF_TYPE_MESSAGE1 && carried <= NF_TYPE_FRAGMENT;
}

/* Who has nothing to say but what it carries would not be noticed when its NAT moves it: at most
 * ten times a second control challenges it there. */
static bool is_from_neighbour(nf_lane *lane, nf_circuit *circuit, const nf_path *from)
{
    uint32_t index;
    nf_session *session = nf_table_session_of(lane->table, circuit->peer, &index);
    if (session == NULL) {
        return false;
    }
    nf_path known;
    nf_session_get_path(session, &known);
    if (nf_endpoint_equal(&known.remote, &from->remote)) {
        return true;
    }
    if (circuit->told_ns == 0 || lane->now_ns - circuit->told_ns >= NF_CHECK_ACTIVE_NS) {
        circuit->told_ns = lane->now_ns;
        nf_letter letter = {.kind = NF_LETTER_ROAMED, .index = index, .path = *from};
        (void)nf_lane_post(lane, &letter, NULL, 0);
    }
    return false;
}

static void note_heard(const nf_lane *lane, nf_circuit *circuit)
{
    atomic_store_explicit(&circuit->heard_ns, lane->now_ns, memory_order_relaxed);
}

/* One writer: no read-modify-write is needed. */
static void count(nf_circuit *circuit, size_t length)
{
    uint64_t packets = atomic_load_explicit(&circuit->packets, memory_order_relaxed);
    uint64_t bytes = atomic_load_explicit(&circuit->bytes, memory_order_relaxed);
    atomic_store_explicit(&circuit->packets, packets + 1, memory_order_relaxed);
    atomic_store_explicit(&circuit->bytes, bytes + length, memory_order_relaxed);
}

static nf_relay_result forward(nf_lane *lane,
                               nf_circuit *circuit,
                               const uint8_t *datagram,
                               size_t length,
                               uint8_t tos,
                               unsigned *reason)
{
    if (datagram[1] == 0) {
        return drop(lane, NETRON_DROP_HOPS, reason);
    }
    const nf_circuit *other = &lane->table->circuits[circuit->other];
    nf_train train = {.circuit = nf_receiver_index_of(datagram), .tos = tos};
    if (!nf_table_way_out(lane->table, other, &train.path)) {
        return drop(lane, NETRON_DROP_NO_CIRCUIT, reason);
    }
    bool is_limited = circuit->bytes_per_second != 0;
    if (is_limited &&
        !nf_rate_take_many(&circuit->rate, (uint32_t)length, circuit->bytes_per_second,
                           circuit->burst_bytes, lane->now_ns)) {
        return drop(lane, NETRON_DROP_RELAY_LIMITED, reason);
    }
    nf_outbox *outbox = &lane->outbox;
    nf_departure *message = nf_outbox_place(outbox, &train, length);
    if (message == NULL) {
        if (is_limited) {
            nf_rate_give_back(&circuit->rate, (uint32_t)length);
        }
        return NF_RELAY_FULL;
    }
    uint8_t *out = outbox->arena + outbox->used;
    nf_shim_write(out, datagram[1] - 1u, other->out_id);
    memcpy(out + NF_CIRCUIT_SHIM_BYTES, datagram + NF_CIRCUIT_SHIM_BYTES,
           length - NF_CIRCUIT_SHIM_BYTES);
    nf_outbox_put(outbox, message, length);
    count(circuit, length);
    return NF_RELAY_SENT;
}

nf_relay_result nf_lane_relay(nf_lane *lane,
                              const uint8_t *datagram,
                              size_t length,
                              const nf_path *from,
                              uint8_t tos,
                              nf_path *through,
                              unsigned *reason)
{
    if (length < NF_RELAY_BYTES_MIN || length > NF_OUTBOX_BYTES || !is_well_formed(datagram)) {
        return drop(lane, NETRON_DROP_MALFORMED, reason);
    }
    uint32_t id = nf_receiver_index_of(datagram);
    nf_circuit *circuit = nf_table_circuit(lane->table, id);
    if (circuit == NULL) {
        return drop(lane, NETRON_DROP_NO_CIRCUIT, reason);
    }
    if ((id & (NF_LANE_COUNT - 1)) != lane->number) {
        return NF_RELAY_STRAY;
    }
    if (!is_from_neighbour(lane, circuit, from)) {
        return drop(lane, NETRON_DROP_NOT_NEIGHBOUR, reason);
    }
    note_heard(lane, circuit);
    if (circuit->other != NF_NO_CIRCUIT) {
        return forward(lane, circuit, datagram, length, tos, reason);
    }
    count(circuit, length);
    *through = (nf_path){.remote = nf_endpoint_of_circuit(id)};
    return NF_RELAY_ARRIVED;
}
