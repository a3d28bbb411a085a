/* SPDX-License-Identifier: Apache-2.0 */
/* pair.c - a small world in memory: engines, the links between them, and one clock. */
#include "pair.h"

#include "engine_parts.h"
#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS_MAX = 1000000, /* without time passing: an engine that never sleeps */
};

/* --- the world -------------------------------------------------------------------------------- */

pair_world *pair_new(unsigned nodes)
{
    pair_world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->now_ns = PAIR_START_NS;
    world->wall_ms = PAIR_WALL_MS;
    world->latency_ns = PAIR_LATENCY_NS;
    world->random_state = 1;
    for (unsigned node = 0; node < nodes; node++) {
        pair_add(world);
    }
    return world;
}

static void free_list(pair_datagram *list)
{
    while (list != NULL) {
        pair_datagram *next = list->next;
        free(list);
        list = next;
    }
}

void pair_free(pair_world *world)
{
    for (unsigned node = 0; node < world->node_count; node++) {
        netron_engine_free(world->nodes[node].engine);
        free(world->nodes[node].times_seen);
    }
    free_list(world->flying);
    free_list(world->captured);
    free(world);
}

netron_options pair_options(const pair_world *world, unsigned node)
{
    (void)world;
    netron_options options = {
        .size = sizeof(options),
        .peers_max = 16,
        .network_secret = (const uint8_t *)PAIR_SECRET,
        .network_secret_length = sizeof(PAIR_SECRET) - 1,
    };
    uint8_t id[NETRON_ID_BYTES];
    options.identity_seed[0] = (uint8_t)node;
    options.identity_seed[1] = (uint8_t)(node >> 8);
    while (netron_identity_id(options.identity_seed, id) != NETRON_OK) {
        options.identity_seed[2]++; /* half of all seeds give no id */
    }
    return options;
}

static void make_engine(pair_world *world, pair_node *node)
{
    node->options.random_seed = ++world->engines_made;
    assert_int_equal(netron_engine_new(&node->engine, &node->options), NETRON_OK);
    netron_engine_id(node->engine, node->id);
    uint64_t elapsed_ms = (world->now_ns - PAIR_START_NS) / NF_MILLISECOND_NS;
    if (world->wall_ms != 0) {
        netron_engine_set_time(node->engine, world->wall_ms + elapsed_ms, world->now_ns);
    }
}

unsigned pair_add_with(pair_world *world, const netron_options *options)
{
    assert_true(world->node_count < PAIR_NODES_MAX);
    unsigned number = world->node_count++;
    pair_node *node = &world->nodes[number];
    node->options = *options;
    node->endpoint = pair_endpoint(number, 0);
    node->times_seen = calloc(PAIR_SERIALS_MAX, 1);
    assert_non_null(node->times_seen);
    make_engine(world, node);
    return number;
}

unsigned pair_add(pair_world *world)
{
    netron_options options = pair_options(world, world->node_count);
    return pair_add_with(world, &options);
}

void pair_restart(pair_world *world, unsigned number)
{
    netron_engine_free(world->nodes[number].engine);
    make_engine(world, &world->nodes[number]);
}

/* Each node has a /24 of its own, and each place another host in it. */
netron_endpoint pair_endpoint(unsigned node, unsigned place)
{
    return (netron_endpoint){
        .address = {[10] = 0xff,
                    0xff,
                    (uint8_t)(100 + (node >> 16)),
                    (uint8_t)(node >> 8),
                    (uint8_t)node,
                    (uint8_t)(1 + place)},
        .port = (uint16_t)(4000 + place),
    };
}

static bool same_endpoint(const netron_endpoint *a, const netron_endpoint *b)
{
    return a->port == b->port && memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

unsigned pair_node_at(const pair_world *world, const netron_endpoint *endpoint)
{
    for (unsigned node = 0; node < world->node_count; node++) {
        if (same_endpoint(&world->nodes[node].endpoint, endpoint)) {
            return node;
        }
    }
    return PAIR_NOBODY;
}

unsigned pair_node_of(const pair_world *world, const uint8_t id[NETRON_ID_BYTES])
{
    for (unsigned node = 0; node < world->node_count; node++) {
        if (memcmp(world->nodes[node].id, id, NETRON_ID_BYTES) == 0) {
            return node;
        }
    }
    return PAIR_NOBODY;
}

uint32_t pair_random(pair_world *world, uint32_t bound)
{
    world->random_state = world->random_state * UINT32_C(1664525) + UINT32_C(1013904223);
    return (uint32_t)((uint64_t)(world->random_state >> 4) * bound >> 28);
}

/* --- links ------------------------------------------------------------------------------------ */

static pair_datagram *copy_of(const pair_datagram *datagram)
{
    pair_datagram *copy = malloc(sizeof(*copy));
    assert_non_null(copy);
    memcpy(copy, datagram, offsetof(pair_datagram, bytes) + datagram->length);
    copy->next = NULL;
    return copy;
}

/* Behind those that arrive at the same time: links do not reorder unless a hook delays. */
static void fly(pair_world *world, pair_datagram *datagram)
{
    pair_datagram **place = &world->flying;
    while (*place != NULL && (*place)->arrives_ns <= datagram->arrives_ns) {
        place = &(*place)->next;
    }
    datagram->next = *place;
    *place = datagram;
}

void pair_repeat(pair_world *world, const pair_datagram *datagram, uint64_t later_ns)
{
    pair_datagram *copy = copy_of(datagram);
    copy->arrives_ns += later_ns;
    fly(world, copy);
}

void pair_capture(pair_world *world, const pair_datagram *datagram)
{
    pair_datagram *copy = copy_of(datagram);
    if (world->captured == NULL) {
        world->captured = copy;
    } else {
        world->captured_last->next = copy;
    }
    world->captured_last = copy;
}

bool pair_capture_all(pair_world *world, pair_datagram *datagram)
{
    pair_capture(world, datagram);
    return true;
}

void pair_forget(pair_world *world)
{
    free_list(world->captured);
    world->captured = NULL;
    world->captured_last = NULL;
}

static bool matches(const pair_datagram *datagram, unsigned from, uint8_t type)
{
    return (from == PAIR_NOBODY || datagram->from == from) && datagram->bytes[0] == type;
}

unsigned pair_count(const pair_world *world, unsigned from, uint8_t type)
{
    unsigned count = 0;
    for (const pair_datagram *d = world->captured; d != NULL; d = d->next) {
        count += matches(d, from, type);
    }
    return count;
}

const pair_datagram *
pair_captured(const pair_world *world, unsigned from, uint8_t type, unsigned nth)
{
    for (const pair_datagram *d = world->captured; d != NULL; d = d->next) {
        if (matches(d, from, type) && nth-- == 0) {
            return d;
        }
    }
    fail_msg("no such datagram: type %u from node %u", type, from);
    return NULL;
}

static void send_datagrams(pair_world *world, unsigned number)
{
    pair_node *node = &world->nodes[number];
    for (;;) {
        pair_datagram datagram = {
            .sent_ns = world->now_ns,
            .arrives_ns = world->now_ns + world->latency_ns,
            .from = (uint16_t)number,
            .source = node->endpoint,
        };
        int length =
            netron_engine_poll_datagram(node->engine, datagram.bytes, sizeof(datagram.bytes),
                                        &datagram.destination, &datagram.tos);
        if (length == 0) {
            return;
        }
        assert_true(length > 0);
        datagram.length = (size_t)length;
        datagram.to = (uint16_t)pair_node_at(world, &datagram.destination);
        world->strays += datagram.to == PAIR_NOBODY;
        bool passes = !node->silent && (world->hook == NULL || world->hook(world, &datagram));
        if (passes && (world->size_max == 0 || datagram.length <= world->size_max)) {
            fly(world, copy_of(&datagram));
        }
    }
}

/* --- what comes out of engines ---------------------------------------------------------------- */

static void take_events(pair_world *world, unsigned number)
{
    pair_node *node = &world->nodes[number];
    netron_event event;
    memset(&event, 0, sizeof(event));
    while (!node->keeps_events && netron_engine_poll_event(node->engine, &event) == 1) {
        assert_in_range(event.kind, 1, PAIR_KINDS - 1);
        node->event_count[event.kind]++;
        node->last_event[event.kind] = event;
        unsigned other = pair_node_of(world, event.id);
        if (event.kind == NETRON_EVENT_PEER_UP && !node->by_hand && other != PAIR_NOBODY) {
            pair_route(world, number, other);
        }
    }
}

static void take_packets(pair_node *node)
{
    int length;
    while ((length = netron_engine_poll_packet(node->engine, node->packet, sizeof(node->packet))) !=
           0) {
        assert_true(length > 0);
        node->packets++;
        node->packet_length = (size_t)length;
        size_t at = node->packet[0] >> 4 == 4 ? PAIR_HEADER_BYTES : PAIR_HEADER_BYTES + 20;
        if (node->packet_length >= at + 4 && is_valid(node->packet, node->packet_length)) {
            uint32_t serial = get32(node->packet + at);
            node->times_seen[serial % PAIR_SERIALS_MAX]++;
        }
    }
}

static void flush(pair_world *world, unsigned node)
{
    take_events(world, node);
    send_datagrams(world, node);
    take_packets(&world->nodes[node]);
}

void pair_flush(pair_world *world)
{
    for (unsigned node = 0; node < world->node_count; node++) {
        flush(world, node);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static uint64_t next_moment(const pair_world *world)
{
    uint64_t next = world->flying == NULL ? UINT64_MAX : world->flying->arrives_ns;
    for (unsigned node = 0; node < world->node_count; node++) {
        uint64_t deadline = netron_engine_deadline(world->nodes[node].engine);
        next = deadline < next ? deadline : next;
    }
    return next;
}

static void arrive(pair_world *world)
{
    while (world->flying != NULL && world->flying->arrives_ns <= world->now_ns) {
        pair_datagram *datagram = world->flying;
        world->flying = datagram->next;
        unsigned to = pair_node_at(world, &datagram->destination);
        if (to != PAIR_NOBODY && !world->nodes[to].silent) {
            (void)netron_engine_receive(world->nodes[to].engine, datagram->bytes, datagram->length,
                                        &datagram->source, datagram->tos, world->now_ns);
            flush(world, to);
        }
        free(datagram);
    }
}

void pair_run(pair_world *world, uint64_t duration_ns)
{
    uint64_t end_ns = world->now_ns + duration_ns;
    pair_flush(world);
    unsigned rounds = 0;
    for (uint64_t next; (next = next_moment(world)) <= end_ns;) {
        rounds = next > world->now_ns ? 0 : rounds + 1;
        assert_true(rounds < ROUNDS_MAX);
        world->now_ns = next > world->now_ns ? next : world->now_ns;
        arrive(world);
        for (unsigned node = 0; node < world->node_count; node++) {
            netron_engine *engine = world->nodes[node].engine;
            if (netron_engine_deadline(engine) <= world->now_ns) {
                netron_engine_tick(engine, world->now_ns);
                flush(world, node);
            }
        }
    }
    world->now_ns = end_ns;
}

int pair_inject(pair_world *world,
                unsigned node,
                const netron_endpoint *source,
                const uint8_t *bytes,
                size_t length)
{
    int result =
        netron_engine_receive(world->nodes[node].engine, bytes, length, source, 0, world->now_ns);
    flush(world, node);
    return result;
}

/* --- what nodes do ---------------------------------------------------------------------------- */

void pair_dial(pair_world *world, unsigned from, unsigned to)
{
    pair_node *node = &world->nodes[from];
    assert_int_equal(netron_engine_dial(node->engine, &world->nodes[to].endpoint,
                                        world->nodes[to].id, world->now_ns),
                     NETRON_OK);
    flush(world, from);
}

void pair_connect(pair_world *world, unsigned a, unsigned b)
{
    pair_dial(world, a, b);
    pair_run(world, NF_SECOND_NS / 2);
    assert_true(pair_is_up(world, a, b));
    assert_true(pair_is_up(world, b, a));
}

size_t pair_peer_count(const pair_world *world, unsigned node)
{
    netron_peer_info none;
    return netron_engine_peers(world->nodes[node].engine, &none, 0);
}

static bool find_peer(const pair_world *world, unsigned node, unsigned other, netron_peer_info *out)
{
    size_t count = pair_peer_count(world, node);
    netron_peer_info *list = calloc(count + 1, sizeof(*list));
    assert_non_null(list);
    bool found = false;
    netron_engine_peers(world->nodes[node].engine, list, count);
    for (size_t i = 0; i < count && !found; i++) {
        *out = list[i];
        found = memcmp(out->id, world->nodes[other].id, NETRON_ID_BYTES) == 0;
    }
    free(list);
    return found;
}

bool pair_is_up(const pair_world *world, unsigned node, unsigned other)
{
    netron_peer_info info;
    return find_peer(world, node, other, &info) && info.up == 1;
}

netron_peer_info pair_peer(const pair_world *world, unsigned node, unsigned other)
{
    netron_peer_info info;
    memset(&info, 0, sizeof(info));
    assert_true(find_peer(world, node, other, &info));
    return info;
}

netron_counters pair_counters(const pair_world *world, unsigned node)
{
    netron_counters counters;
    netron_engine_counters(world->nodes[node].engine, &counters);
    return counters;
}

uint64_t pair_drops(const pair_world *world, unsigned node, unsigned reason)
{
    return pair_counters(world, node).drops[reason];
}

uint64_t pair_all_drops(const pair_world *world, unsigned node)
{
    netron_counters counters = pair_counters(world, node);
    uint64_t sum = 0;
    for (unsigned reason = 0; reason < NETRON_DROP_COUNT; reason++) {
        sum += counters.drops[reason];
    }
    return sum;
}

netron_prefix pair_prefix4(unsigned node)
{
    return (netron_prefix){
        .address = {10, 1, (uint8_t)(node >> 8), (uint8_t)node}, .family = 4, .length = 32};
}

netron_prefix pair_prefix6(unsigned node)
{
    return (netron_prefix){
        .address = {0xfd, [14] = (uint8_t)(node >> 8), (uint8_t)node}, .family = 6, .length = 128};
}

void pair_route(pair_world *world, unsigned node, unsigned other)
{
    netron_prefix prefixes[2] = {pair_prefix4(other), pair_prefix6(other)};
    assert_int_equal(netron_engine_set_prefixes(world->nodes[node].engine, world->nodes[other].id,
                                                prefixes, 2, world->now_ns),
                     NETRON_OK);
}

struct nf_core *pair_core(const pair_world *world, unsigned node)
{
    return world->nodes[node].engine->core;
}

int pair_send(pair_world *world, unsigned from, unsigned to, size_t length, uint32_t serial)
{
    uint8_t packet[PAIR_DATAGRAM_BYTES_MAX];
    pair_udp4(packet, from, to, length, serial);
    int result =
        netron_engine_send_packet(world->nodes[from].engine, packet, length, world->now_ns);
    flush(world, from);
    return result;
}
