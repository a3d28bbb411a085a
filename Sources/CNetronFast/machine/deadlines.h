/* SPDX-License-Identifier: Apache-2.0 */
/* deadlines.h - who is due when: a binary heap with one place for each owner. Pure. */
#ifndef NF_DEADLINES_H
#define NF_DEADLINES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct nf_deadlines {
    uint64_t *at;       /* by owner; UINT64_MAX: none */
    uint32_t *heap;     /* owners */
    uint32_t *position; /* in the heap, by owner; UINT32_MAX: not there */
    uint32_t count, capacity;
} nf_deadlines;

/** Room for owners 0 to capacity - 1. @return false when memory is short */
bool nf_deadlines_init(nf_deadlines *deadlines, uint32_t capacity);
void nf_deadlines_free(nf_deadlines *deadlines);

/** Sets, moves or (UINT64_MAX) clears an owner's deadline. */
void nf_deadlines_set(nf_deadlines *deadlines, uint32_t owner, uint64_t at_ns);

/** The earliest deadline, or UINT64_MAX. */
uint64_t nf_deadlines_next(const nf_deadlines *deadlines);

/** Takes one owner that is due at `now_ns` out; UINT32_MAX if none is. */
uint32_t nf_deadlines_pop(nf_deadlines *deadlines, uint64_t now_ns);

#endif
