/* SPDX-License-Identifier: Apache-2.0 */
/* deadlines.c - a binary heap of owners; each knows its position, so that it can be moved. */
#include "machine/deadlines.h"

#include "machine/assert.h"

#include <stdlib.h>
#include <string.h>

#define NEVER   UINT64_MAX
#define NOWHERE UINT32_MAX

bool nf_deadlines_init(nf_deadlines *deadlines, uint32_t capacity)
{
    /* An index of a child is at most 2 * capacity. */
    nf_assert(capacity > 0 && capacity <= INT32_MAX);

    deadlines->at = malloc(capacity * sizeof(*deadlines->at));
    deadlines->heap = malloc(capacity * sizeof(*deadlines->heap));
    deadlines->position = malloc(capacity * sizeof(*deadlines->position));
    deadlines->count = 0;
    deadlines->capacity = capacity;
    if (deadlines->at == NULL || deadlines->heap == NULL || deadlines->position == NULL) {
        nf_deadlines_free(deadlines);
        return false;
    }
    memset(deadlines->at, 0xff, capacity * sizeof(*deadlines->at));
    memset(deadlines->position, 0xff, capacity * sizeof(*deadlines->position));
    return true;
}

void nf_deadlines_free(nf_deadlines *deadlines)
{
    free(deadlines->at);
    free(deadlines->heap);
    free(deadlines->position);
    memset(deadlines, 0, sizeof(*deadlines));
}

static void place(nf_deadlines *deadlines, uint32_t index, uint32_t owner)
{
    deadlines->heap[index] = owner;
    deadlines->position[owner] = index;
}

/** Finds the place of an owner at `index` or above; @return it. The owner is not put there yet. */
static uint32_t rise(nf_deadlines *deadlines, uint32_t index, uint64_t at)
{
    while (index > 0) {
        uint32_t parent = (index - 1) / 2;
        if (deadlines->at[deadlines->heap[parent]] <= at) {
            break;
        }
        place(deadlines, index, deadlines->heap[parent]);
        index = parent;
    }
    return index;
}

/** The same downwards. */
static uint32_t sink(nf_deadlines *deadlines, uint32_t index, uint64_t at)
{
    for (;;) {
        uint32_t child = 2 * index + 1;
        if (child >= deadlines->count) {
            return index;
        }
        if (child + 1 < deadlines->count &&
            deadlines->at[deadlines->heap[child + 1]] < deadlines->at[deadlines->heap[child]]) {
            child++;
        }
        if (deadlines->at[deadlines->heap[child]] >= at) {
            return index;
        }
        place(deadlines, index, deadlines->heap[child]);
        index = child;
    }
}

/** Puts an owner where it belongs, beginning at a place that is free. */
static void settle(nf_deadlines *deadlines, uint32_t index, uint32_t owner)
{
    uint64_t at = deadlines->at[owner];
    index = rise(deadlines, index, at);
    index = sink(deadlines, index, at);
    place(deadlines, index, owner);
}

static void take_out(nf_deadlines *deadlines, uint32_t owner)
{
    uint32_t index = deadlines->position[owner];
    nf_assert(index < deadlines->count);
    nf_assert(deadlines->heap[index] == owner);

    deadlines->count--;
    uint32_t last = deadlines->heap[deadlines->count];
    deadlines->position[owner] = NOWHERE;
    deadlines->at[owner] = NEVER;
    if (last != owner) {
        settle(deadlines, index, last);
    }
}

void nf_deadlines_set(nf_deadlines *deadlines, uint32_t owner, uint64_t at_ns)
{
    nf_assert(owner < deadlines->capacity);
    if (deadlines->at[owner] == at_ns) {
        return;
    }
    if (at_ns == NEVER) {
        take_out(deadlines, owner);
        return;
    }
    uint32_t index = deadlines->position[owner];
    if (index == NOWHERE) {
        index = deadlines->count;
        deadlines->count++;
    }
    deadlines->at[owner] = at_ns;
    settle(deadlines, index, owner);
}

uint64_t nf_deadlines_next(const nf_deadlines *deadlines)
{
    return deadlines->count == 0 ? NEVER : deadlines->at[deadlines->heap[0]];
}

uint32_t nf_deadlines_pop(nf_deadlines *deadlines, uint64_t now_ns)
{
    if (deadlines->count == 0) {
        return NOWHERE;
    }
    uint32_t owner = deadlines->heap[0];
    if (deadlines->at[owner] > now_ns) {
        return NOWHERE;
    }
    take_out(deadlines, owner);
    return owner;
}
