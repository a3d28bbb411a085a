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

/* The rate of all circuits together. It is kept as the time until which it is used up, so that
 * lanes share one word. Each direction of each circuit has an equal part for sure, and passes even
 * when nothing is left: who sends more than its part gives way then, and nobody is starved. */
typedef struct spent {
    uint64_t ns;
    bool is_part;
} spent;

static bool take_of_all(nf_lane *lane, nf_circuit *circuit, uint32_t length, spent *out)
{
    nf_table *table = lane->table;
    uint32_t per_second = table->relay_bytes_per_second;
    if (per_second == 0) {
        return true;
    }
    uint32_t sides = atomic_load_explicit(&table->relay_sides, memory_order_relaxed);
    uint32_t part = per_second / (sides > 0 ? sides : 1);
    uint32_t burst = part / NF_CIRCUIT_BURST_DIVISOR;
    burst = burst < NF_CIRCUIT_PART_BYTES_MIN ? NF_CIRCUIT_PART_BYTES_MIN : burst;
    out->is_part = nf_rate_take_many(&circuit->part, length, part, burst, lane->now_ns);

    uint64_t at_once_ns = NF_SECOND_NS / NF_CIRCUIT_BURST_DIVISOR;
    uint64_t least_ns = NF_CIRCUIT_BURST_BYTES_MIN * NF_SECOND_NS / per_second;
    at_once_ns = at_once_ns < least_ns ? least_ns : at_once_ns;
    out->ns = length * NF_SECOND_NS / per_second;
    uint64_t known = atomic_load_explicit(&table->relay_spent_ns, memory_order_relaxed);
    uint64_t next;
    do {
        next = (known > lane->now_ns ? known : lane->now_ns) + out->ns;
        if (!out->is_part && next > lane->now_ns + at_once_ns) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&table->relay_spent_ns, &known, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static void give_back(nf_lane *lane, nf_circuit *circuit, uint32_t length, const spent *given)
{
    if (circuit->bytes_per_second != 0) {
        nf_rate_give_back(&circuit->rate, length);
    }
    if (given->is_part) {
        nf_rate_give_back(&circuit->part, length);
    }
    atomic_fetch_sub_explicit(&lane->table->relay_spent_ns, given->ns, memory_order_relaxed);
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
    spent of_all = {0};
    bool is_limited = circuit->bytes_per_second != 0;
    if (is_limited &&
        !nf_rate_take_many(&circuit->rate, (uint32_t)length, circuit->bytes_per_second,
                           circuit->burst_bytes, lane->now_ns)) {
        return drop(lane, NETRON_DROP_RELAY_LIMITED, reason);
    }
    if (!take_of_all(lane, circuit, (uint32_t)length, &of_all)) {
        if (is_limited) {
            nf_rate_give_back(&circuit->rate, (uint32_t)length);
        }
        return drop(lane, NETRON_DROP_RELAY_LIMITED, reason);
    }
    nf_outbox *outbox = &lane->outbox;
    nf_departure *message = nf_outbox_place(outbox, &train, length);
    if (message == NULL) {
        give_back(lane, circuit, (uint32_t)length, &of_all);
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
