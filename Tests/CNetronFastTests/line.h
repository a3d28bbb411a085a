/* SPDX-License-Identifier: Apache-2.0 */
/* line.h - members of a small world that reach each other by circuits: who writes which id. */
#ifndef NF_TEST_LINE_H
#define NF_TEST_LINE_H

#include "pair.h"

/** A circuit from node A over relays to node B; ids[i] is what the i-th of them takes from the side
 *  of A, back[i] what it takes from the side of B. Node A takes nothing from its own side. */
enum { LINE_NODES_MAX = 5 };
typedef struct line {
    unsigned count; /* of nodes on it, both ends with them */
    unsigned node[LINE_NODES_MAX];
    uint32_t ids[LINE_NODES_MAX], back[LINE_NODES_MAX];
} line;

/** Nodes that are neighbours of the next one, each, and have searched their paths. Their sessions
 *  are kept, or made on demand (`idle_ends`) and kept with these neighbours. */
pair_world *line_world(unsigned nodes, bool idle_ends);

/** Makes two neighbours, whose session `node` keeps. */
void line_befriend(pair_world *world, unsigned node, unsigned other);

/** Makes a circuit over neighbours. */
line line_make(pair_world *world, const unsigned *nodes, unsigned count, uint32_t bytes_per_second);

/** What the circuit is to one of its ends. */
netron_endpoint line_endpoint(const line *line, bool of_b);

/** Dials B from A through it; fails the test unless they are peers soon. */
void line_connect(pair_world *world, const line *line);

/** Does `node` reach `other` by a circuit? */
bool line_is_relayed(const pair_world *world, unsigned node, unsigned other);

/** A packet each way a step. @return the serial after the last */
uint32_t line_talk(
    pair_world *world, unsigned a, unsigned b, uint32_t serial, unsigned count, uint64_t step_ns);

#endif
