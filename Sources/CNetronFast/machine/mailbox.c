/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.c - a ring of cells, each with a turn that says whose it is.
 *
 * Positions count letters and never wrap; position p is cell p mod cells in lap p / cells. A cell's
 * turn is 2 * lap when it is free for that lap and 2 * lap + 1 when its letter is there, so zeroed
 * memory is an empty mailbox and no page is touched before its first letter. Writers claim a
 * position by compare-and-swap and then own its cell; the turn's release and acquire hand the
 * bytes over. After Dmitry Vyukov's bounded queue, with one reader. */
#include "machine/mailbox.h"

#include "machine/assert.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 64 };

typedef struct cell {
    _Atomic uint64_t turn;
    uint64_t length;
    uint8_t bytes[]; /* 16-byte aligned */
} cell;

struct nf_mailbox {
    uint8_t *cells;
    size_t stride; /* a cell's bytes, whole lines */
    uint64_t mask;
    unsigned shift; /* position to lap */
    uint32_t cell_bytes;
    void *memory;                                     /* as calloc gave it */
    _Alignas(LINE_BYTES) _Atomic uint64_t write_next; /* shared by the writers */
    _Alignas(LINE_BYTES) uint64_t read_next;          /* the reader's */
};

static uintptr_t align_up(uintptr_t value)
{
    return (value + LINE_BYTES - 1) & ~(uintptr_t)(LINE_BYTES - 1);
}

nf_mailbox *nf_mailbox_new(uint32_t cells, uint32_t cell_bytes)
{
    nf_assert(cells > 0 && (cells & (cells - 1)) == 0);
    nf_assert(cell_bytes <= UINT32_MAX - sizeof(cell) - LINE_BYTES);

    size_t stride = align_up(sizeof(cell) + cell_bytes);
    size_t fixed = sizeof(nf_mailbox) + LINE_BYTES;
    if (stride > (SIZE_MAX - fixed) / cells) {
        return NULL;
    }
    void *memory = calloc(1, fixed + stride * cells);
    if (memory == NULL) {
        return NULL;
    }
    nf_mailbox *mailbox = (nf_mailbox *)align_up((uintptr_t)memory);
    mailbox->memory = memory;
    mailbox->cells = (uint8_t *)(mailbox + 1);
    mailbox->stride = stride;
    mailbox->mask = cells - 1;
    mailbox->shift = (unsigned)__builtin_ctz(cells);
    mailbox->cell_bytes = cell_bytes;
    return mailbox;
}

void nf_mailbox_free(nf_mailbox *mailbox)
{
    if (mailbox != NULL) {
        free(mailbox->memory);
    }
}

static cell *cell_at(const nf_mailbox *mailbox, uint64_t position)
{
    return (cell *)(mailbox->cells + (position & mailbox->mask) * mailbox->stride);
}

/** The turn of a cell that is free for `position`. */
static uint64_t free_turn(const nf_mailbox *mailbox, uint64_t position)
{
    return position >> mailbox->shift << 1;
}

/** @return the cell that is the caller's to fill, or NULL if the mailbox is full */
static cell *claim(nf_mailbox *mailbox, uint64_t *turn)
{
    uint64_t position = atomic_load_explicit(&mailbox->write_next, memory_order_relaxed);

    for (;;) {
        cell *place = cell_at(mailbox, position);
        *turn = atomic_load_explicit(&place->turn, memory_order_acquire);
        uint64_t wanted = free_turn(mailbox, position);
        if (*turn == wanted) {
            if (atomic_compare_exchange_weak_explicit(&mailbox->write_next, &position, position + 1,
                                                      memory_order_relaxed, memory_order_relaxed)) {
                return place;
            }
        } else if (*turn < wanted) {
            return NULL; /* the letter of the lap before is still there */
        } else {
            /* Another writer was faster. */
            position = atomic_load_explicit(&mailbox->write_next, memory_order_relaxed);
        }
    }
}

bool nf_mailbox_post(
    nf_mailbox *mailbox, const void *head, size_t head_bytes, const void *body, size_t body_bytes)
{
    if (body == NULL) {
        body_bytes = 0;
    }
    if (head_bytes > mailbox->cell_bytes || body_bytes > mailbox->cell_bytes - head_bytes) {
        return false;
    }
    uint64_t turn;
    cell *place = claim(mailbox, &turn);
    if (place == NULL) {
        return false;
    }
    if (head_bytes > 0) {
        memcpy(place->bytes, head, head_bytes);
    }
    if (body_bytes > 0) {
        memcpy(place->bytes + head_bytes, body, body_bytes);
    }
    place->length = head_bytes + body_bytes;
    atomic_store_explicit(&place->turn, turn + 1, memory_order_release);
    return true;
}

void *nf_mailbox_peek(nf_mailbox *mailbox, size_t *length)
{
    cell *place = cell_at(mailbox, mailbox->read_next);
    uint64_t turn = atomic_load_explicit(&place->turn, memory_order_acquire);

    if (turn != free_turn(mailbox, mailbox->read_next) + 1) {
        return NULL;
    }
    *length = (size_t)place->length;
    return place->bytes;
}

void nf_mailbox_drop(nf_mailbox *mailbox)
{
    cell *place = cell_at(mailbox, mailbox->read_next);
    uint64_t turn = free_turn(mailbox, mailbox->read_next);

    nf_assert(atomic_load_explicit(&place->turn, memory_order_relaxed) == turn + 1);
    mailbox->read_next++;
    atomic_store_explicit(&place->turn, turn + 2, memory_order_release);
}
