/* SPDX-License-Identifier: Apache-2.0 */
/* line.c - members of a small world that reach each other by circuits. */
#include "line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

void line_befriend(pair_world *world, unsigned node, unsigned other)
{
    pair_connect(world, node, other);
    assert_int_equal(
        netron_engine_keep(world->nodes[node].engine, world->nodes[other].id, 1, world->now_ns),
        NETRON_OK);
}

pair_world *line_world(unsigned nodes, bool idle_ends)
{
    pair_world *world = pair_new(0);
    for (unsigned node = 0; node < nodes; node++) {
        netron_options options = pair_options(world, node);
        options.idle_ends = idle_ends;
        pair_add_with(world, &options);
    }
    for (unsigned node = 0; node + 1 < nodes; node++) {
        line_befriend(world, node, node + 1);
    }
    pair_run(world, 3 * NF_SECOND_NS);
    return world;
}

static netron_circuit_side
side(const pair_world *world, unsigned neighbour, uint32_t id_in, uint32_t id_out)
{
    netron_circuit_side side = {.id_in = id_in, .id_out = id_out};
    memcpy(side.neighbour, world->nodes[neighbour].id, sizeof(side.neighbour));
    return side;
}

line line_make(pair_world *world, const unsigned *nodes, unsigned count, uint32_t bytes_per_second)
{
    line l = {.count = count};
    for (unsigned i = 0; i < count; i++) {
        netron_engine *engine = world->nodes[nodes[i]].engine;
        l.node[i] = nodes[i];
        l.ids[i] = i == 0 ? 0 : netron_engine_circuit_id(engine);
        l.back[i] = i + 1 == count ? 0 : netron_engine_circuit_id(engine);
    }
    for (unsigned i = 0; i < count; i++) {
        netron_engine *engine = world->nodes[nodes[i]].engine;
        netron_circuit_side before, after;
        if (i > 0) {
            before = side(world, nodes[i - 1], l.ids[i], l.back[i - 1]);
        }
        if (i + 1 < count) {
            after = side(world, nodes[i + 1], l.back[i], l.ids[i + 1]);
        }
        int result = i == 0 ? netron_engine_circuit_end(engine, &after, world->now_ns)
                     : i + 1 == count
                         ? netron_engine_circuit_end(engine, &before, world->now_ns)
                         : netron_engine_circuit_forward(engine, &before, &after, bytes_per_second,
                                                         world->now_ns);
        assert_int_equal(result, NETRON_OK);
    }
    return l;
}

netron_endpoint line_endpoint(const line *l, bool of_b)
{
    return (netron_endpoint){.kind = NETRON_ENDPOINT_CIRCUIT,
                             .scope = of_b ? l->ids[l->count - 1] : l->back[0]};
}

void line_connect(pair_world *world, const line *l)
{
    unsigned a = l->node[0], b = l->node[l->count - 1];
    netron_endpoint circuit = line_endpoint(l, false);
    assert_int_equal(
        netron_engine_dial(world->nodes[a].engine, &circuit, world->nodes[b].id, world->now_ns),
        NETRON_OK);
    pair_run(world, NF_SECOND_NS / 2);
    assert_true(pair_is_up(world, a, b));
    assert_true(pair_is_up(world, b, a));
}

bool line_is_relayed(const pair_world *world, unsigned node, unsigned other)
{
    return pair_peer(world, node, other).endpoint.kind == NETRON_ENDPOINT_CIRCUIT;
}

uint32_t line_talk(
    pair_world *world, unsigned a, unsigned b, uint32_t serial, unsigned count, uint64_t step_ns)
{
    for (uint32_t end = serial + count; serial < end; serial++) {
        assert_int_equal(pair_send(world, a, b, 1300, serial), NETRON_OK);
        assert_int_equal(pair_send(world, b, a, 100, serial), NETRON_OK);
        pair_run(world, step_ns);
    }
    return serial;
}
