/* SPDX-License-Identifier: Apache-2.0 */
/* engine_fuzz.c - what may come to an engine that has a peer, in any order, as time goes on.
 *
 * The input is a row of steps: kind u8 | length u8 | length bytes. A step brings a datagram from
 * the peer's place or from elsewhere, a real one with some bytes changed, a message that the peer
 * has well sealed (behind a seal no mutation would ever be read), an inner packet, or time; a
 * datagram behind a circuit's shim, with circuits that end here and that go on to a second peer; a
 * path that is tried or chosen; a circuit that is made or closed; a connection that brings what the
 * peer sealed, is tried, or ends; an own address. */
#include "machine/assert.h"
#include "netron/netron.h"

/* No test program is linked here: this one helper comes as it is. */
#include "../CNetronFastTests/caller.c"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECORDED = 4, /* message 1 and 3, an empty packet, and a message 1 that is not used */
    DATAGRAM_BYTES_MAX = 2048,
    ANSWERS_MAX = 300, /* to one step: the queues of the engine hold no more */
    PEERS_MAX = 3,
    CIRCUITS = 4, /* ids: one that ends here for either peer, two that are one circuit */
    TICK_MS = 50,
    TIME_BYTES_MAX = 4, /* 51 s a step */
    DOUBLINGS_MAX = 2,  /* of a body: 255 bytes of input become 1020 */
};

enum step_kind {
    FROM_PEER,
    FROM_ELSEWHERE,
    CHANGED_RECORD,
    SEALED,
    SEALED_FROM_ELSEWHERE,
    INNER_PACKET,
    TIME,
    DIAL,
    RELAYED,
    RELAYED_SEALED,
    TRY_PATH,
    USE_PATH,
    CLOSE_CIRCUIT,
    MAKE_CIRCUITS,
    SEALED_BY_TCP,
    TRY_TCP,
    DISCONNECTED,
    SET_ADDRESS,
    STEP_KINDS,
};

#define START_NS UINT64_C(1000000000)
#define WALL_MS  UINT64_C(1800000900000)

static const char secret[] = "what the members know";
static const netron_endpoint peer_place = {.address = {[10] = 0xff, 0xff, 100, 0, 0, 1},
                                           .port = 4000};
static const netron_endpoint second_place = {.address = {[10] = 0xff, 0xff, 100, 0, 1, 1},
                                             .port = 4001};
static const netron_endpoint elsewhere = {.address = {[10] = 0xff, 0xff, 100, 0, 9, 1},
                                          .port = 4009};

static const netron_endpoint connection = {
    .address = {[10] = 0xff, 0xff, 100, 0, 0, 1}, .port = 51000, .kind = NETRON_ENDPOINT_TCP_IN};
static const netron_endpoint listener = {
    .address = {[10] = 0xff, 0xff, 100, 0, 0, 1}, .port = 4000, .kind = NETRON_ENDPOINT_TCP};

typedef struct world {
    netron_engine *engine;
    uint64_t now_ns;
    caller peer, second;
    uint8_t record[RECORDED][NF_MESSAGE1_BYTES];
    size_t record_length[RECORDED];
    uint8_t answer[DATAGRAM_BYTES_MAX]; /* the last datagram that came out */
    int answer_length;
} world;

/* Takes all that the engine has; it may not have more than its queues hold. */
static void drain(world *w)
{
    static netron_event event;
    netron_endpoint to;
    uint8_t tos, packet[DATAGRAM_BYTES_MAX];
    int length;
    for (unsigned count = 0; (length = netron_engine_poll_datagram(
                                  w->engine, w->answer, sizeof(w->answer), &to, &tos)) != 0;
         count++) {
        nf_assert(length > 0 && count < ANSWERS_MAX);
        w->answer_length = length;
    }
    while ((length = netron_engine_poll_packet(w->engine, packet, sizeof(packet))) != 0) {
        nf_assert(length >= 20);
        nf_assert(packet[0] >> 4 == 4 || packet[0] >> 4 == 6);
    }
    while (netron_engine_poll_event(w->engine, &event) != 0) {
        nf_assert(event.kind >= NETRON_EVENT_PEER_UP && event.kind <= NETRON_EVENT_SILENT);
        nf_assert(event.length <= NETRON_MESSAGE_BYTES_MAX);
    }
}

static void receive(world *w, const uint8_t *bytes, size_t length, const netron_endpoint *from)
{
    (void)netron_engine_receive(w->engine, bytes, length, from, (uint8_t)length, w->now_ns);
    drain(w);
}

static void record(world *w, unsigned number, const uint8_t *bytes, size_t length)
{
    memcpy(w->record[number], bytes, length);
    w->record_length[number] = length;
}

static uint32_t circuit_id(unsigned number)
{
    return 0x77000000u | number % CIRCUITS << NF_LANE_BITS;
}

static netron_circuit_side side_of(const caller *neighbour, unsigned number)
{
    netron_circuit_side side = {.id_in = circuit_id(number), .id_out = 100 + number};
    memcpy(side.neighbour, neighbour->identity.id, sizeof(side.neighbour));
    return side;
}

static void make_circuits(world *w)
{
    netron_circuit_side ends[2] = {side_of(&w->peer, 0), side_of(&w->second, 1)};
    netron_circuit_side a = side_of(&w->peer, 2), b = side_of(&w->second, 3);
    (void)netron_engine_circuit_end(w->engine, &ends[0], w->now_ns);
    (void)netron_engine_circuit_end(w->engine, &ends[1], w->now_ns);
    (void)netron_engine_circuit_forward(w->engine, &a, &b, 100000, w->now_ns);
    drain(w);
}

static void take_message3(world *w, caller *peer, const netron_endpoint *place, uint8_t *out)
{
    caller_begin(peer, peer == &w->peer ? 8 : 24, NULL);
    receive(w, peer->message1, NF_MESSAGE1_BYTES, place);
    nf_assert(w->answer_length == NF_MESSAGE2_BYTES);
    nf_assert(caller_answer(peer, w->answer, NF_MESSAGE2_BYTES, out));
    receive(w, out, NF_MESSAGE3_BYTES, place);
}

/* The engine and its peers, with the sessions that they have made, and circuits. */
static void meet(world *w)
{
    static netron_options options;
    static caller begun, begun_second;
    uint8_t datagram[NF_MESSAGE1_BYTES];
    if (options.size == 0) {
        options = (netron_options){
            .size = sizeof(options),
            .peers_max = PEERS_MAX,
            .network_secret = (const uint8_t *)secret,
            .network_secret_length = sizeof(secret) - 1,
            .datagrams = 1,
            .idle_ends = 1,
            .random_seed = 1,
            .relay_bytes_per_second = 1000000,
        };
        while (netron_identity_id(options.identity_seed, datagram) != NETRON_OK) {
            options.identity_seed[0]++;
        }
        caller_init(&begun, 1, secret, WALL_MS);
        caller_init(&begun_second, 2, secret, WALL_MS);
    }
    w->now_ns = START_NS;
    w->peer = begun;
    w->second = begun_second;
    nf_assert(netron_engine_new(&w->engine, &options) == NETRON_OK);
    netron_engine_set_time(w->engine, WALL_MS, w->now_ns);
    caller_begin(&w->peer, 16, NULL);
    record(w, 3, w->peer.message1, NF_MESSAGE1_BYTES);
    take_message3(w, &w->second, &second_place, datagram);
    take_message3(w, &w->peer, &peer_place, datagram);
    record(w, 0, w->peer.message1, NF_MESSAGE1_BYTES);
    record(w, 1, datagram, NF_MESSAGE3_BYTES);
    make_circuits(w);
    netron_prefix prefix = {.address = {10, 1}, .family = 4, .length = 16};
    nf_assert(netron_engine_set_prefixes(w->engine, w->peer.identity.id, &prefix, 1, w->now_ns) ==
              NETRON_OK);
    record(w, 2, datagram, caller_seal(&w->peer, NF_TYPE_DATA, NULL, 0, datagram));
}

/* which u8, then pairs: where u8, what u8 (exclusive or) */
static void receive_changed(world *w, const uint8_t *data, size_t size)
{
    uint8_t bytes[NF_MESSAGE1_BYTES];
    unsigned number = size > 0 ? data[0] % RECORDED : 0;
    size_t length = w->record_length[number];
    memcpy(bytes, w->record[number], length);
    for (size_t i = 1; i + 1 < size; i += 2) {
        bytes[data[i] % length] ^= data[i + 1];
    }
    receive(w, bytes, length, &peer_place);
}

/* type u8 (how often its body is doubled: the high bits), then the body */
static void receive_sealed(world *w, const uint8_t *data, size_t size, const netron_endpoint *from)
{
    uint8_t body[255 << DOUBLINGS_MAX], datagram[sizeof(body) + NF_SESSION_OVERHEAD_BYTES];
    if (size == 0) {
        return;
    }
    uint8_t type = (uint8_t)(NF_TYPE_DATA + data[0] % 4);
    size_t length = size - 1;
    memcpy(body, data + 1, length);
    for (unsigned i = 0; i < (data[0] >> 6) % (DOUBLINGS_MAX + 1); i++) {
        memcpy(body + length, body, length);
        length *= 2;
    }
    receive(w, datagram, caller_seal(&w->peer, type, body, length, datagram), from);
}

/* circuit u8 (from whom: bit 7), hops u8, then a datagram */
static void receive_relayed(world *w, const uint8_t *data, size_t size)
{
    uint8_t datagram[NF_CIRCUIT_SHIM_BYTES + 255];
    if (size < 2) {
        return;
    }
    nf_shim_write(datagram, data[1], circuit_id(data[0]));
    memcpy(datagram + NF_CIRCUIT_SHIM_BYTES, data + 2, size - 2);
    receive(w, datagram, NF_CIRCUIT_SHIM_BYTES + size - 2,
            (data[0] & 0x80) != 0 ? &second_place : &peer_place);
}

/* The second peer carries what the first one sealed: type u8, then the body. */
static void receive_relayed_sealed(world *w, const uint8_t *data, size_t size)
{
    uint8_t datagram[NF_CIRCUIT_SHIM_BYTES + 255 + NF_SESSION_OVERHEAD_BYTES];
    if (size == 0) {
        return;
    }
    nf_shim_write(datagram, 1, circuit_id(1));
    uint8_t type = (uint8_t)(NF_TYPE_DATA + data[0] % 4);
    size_t sealed = caller_seal(&w->peer, type, data + 1, size - 1, datagram + 8);
    receive(w, datagram, NF_CIRCUIT_SHIM_BYTES + sealed, &second_place);
}

/* which u8: a circuit, or a place; whom u8 */
static void ask_for_path(world *w, const uint8_t *data, size_t size, bool use)
{
    if (size < 2) {
        return;
    }
    netron_endpoint circuit = {.kind = NETRON_ENDPOINT_CIRCUIT, .scope = circuit_id(data[0])};
    const netron_endpoint *to = data[0] < 64    ? &circuit
                                : data[0] < 128 ? &elsewhere
                                : data[0] < 192 ? &second_place
                                                : &peer_place;
    const caller *whom = data[1] % 2 == 0 ? &w->peer : &w->second;
    (void)(use ? netron_engine_use_path : netron_engine_try_path)(w->engine, whom->identity.id, to,
                                                                  w->now_ns);
    drain(w);
}

/* present u8 | length u8 | address 4 */
static void set_address(world *w, const uint8_t *data, size_t size)
{
    if (size < 6) {
        return;
    }
    netron_prefix address = {.family = 4, .length = data[1]};
    memcpy(address.address, data + 2, 4);
    (void)netron_engine_set_address(w->engine, &address, data[0] & 1, w->now_ns);
    drain(w);
}

static void let_time_pass(world *w, const uint8_t *data, size_t size)
{
    uint64_t end_ns = w->now_ns;
    for (size_t i = 0; i < size && i < TIME_BYTES_MAX; i++) {
        end_ns += (uint64_t)data[i] * TICK_MS * UINT64_C(1000000);
    }
    uint64_t deadline_ns;
    while ((deadline_ns = netron_engine_deadline(w->engine)) <= end_ns) {
        w->now_ns = deadline_ns > w->now_ns ? deadline_ns : w->now_ns;
        netron_engine_tick(w->engine, w->now_ns);
        drain(w);
    }
    w->now_ns = end_ns;
}

static void take_step(world *w, unsigned kind, const uint8_t *data, size_t size)
{
    switch ((enum step_kind)(kind % STEP_KINDS)) {
    case FROM_PEER:
        receive(w, data, size, &peer_place);
        break;
    case FROM_ELSEWHERE:
        receive(w, data, size, &elsewhere);
        break;
    case CHANGED_RECORD:
        receive_changed(w, data, size);
        break;
    case SEALED:
        receive_sealed(w, data, size, &peer_place);
        break;
    case SEALED_FROM_ELSEWHERE:
        receive_sealed(w, data, size, &elsewhere);
        break;
    case INNER_PACKET:
        (void)netron_engine_send_packet(w->engine, data, size, w->now_ns);
        drain(w);
        break;
    case TIME:
        let_time_pass(w, data, size);
        break;
    case DIAL:
        (void)netron_engine_dial(w->engine, &elsewhere, size >= 32 ? data : NULL, w->now_ns);
        drain(w);
        break;
    case RELAYED:
        receive_relayed(w, data, size);
        break;
    case RELAYED_SEALED:
        receive_relayed_sealed(w, data, size);
        break;
    case TRY_PATH:
        ask_for_path(w, data, size, false);
        break;
    case USE_PATH:
        ask_for_path(w, data, size, true);
        break;
    case CLOSE_CIRCUIT:
        (void)netron_engine_circuit_close(w->engine, circuit_id(size), w->now_ns);
        drain(w);
        break;
    case MAKE_CIRCUITS:
        make_circuits(w);
        break;
    case SEALED_BY_TCP:
        receive_sealed(w, data, size, &connection);
        break;
    case TRY_TCP:
        (void)(size % 2 == 0 ? netron_engine_try_path : netron_engine_use_path)(
            w->engine, w->peer.identity.id, size % 3 == 0 ? &connection : &listener, w->now_ns);
        drain(w);
        break;
    case DISCONNECTED:
        netron_engine_disconnected(w->engine, size % 2 == 0 ? &connection : &listener, w->now_ns);
        drain(w);
        break;
    case SET_ADDRESS:
        set_address(w, data, size);
        break;
    case STEP_KINDS:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static world w;
    meet(&w);
    while (size >= 2) {
        size_t length = data[1] < size - 2 ? data[1] : size - 2;
        take_step(&w, data[0], data + 2, length);
        data += 2 + length;
        size -= 2 + length;
    }
    netron_peer_info peers[PEERS_MAX];
    nf_assert(netron_engine_peers(w.engine, peers, PEERS_MAX) <= PEERS_MAX);
    netron_engine_close(w.engine, w.now_ns);
    drain(&w);
    netron_engine_free(w.engine);
    return 0;
}
