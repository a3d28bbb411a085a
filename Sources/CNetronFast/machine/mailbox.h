/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.h - a bounded queue of small letters from many threads to one. No lock; C11 atomics.
 *
 * Cells are made at the start (pages are touched as they are used). A full mailbox refuses. */
#ifndef NF_MAILBOX_H
#define NF_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nf_mailbox nf_mailbox;

/** `cells` is a power of two; each holds up to `cell_bytes`. NULL when memory is short. */
nf_mailbox *nf_mailbox_new(uint32_t cells, uint32_t cell_bytes);
void nf_mailbox_free(nf_mailbox *mailbox);

/** Copies the two parts in, one behind the other (`body` may be NULL). From any thread.
 *  @return false if the mailbox is full or the letter too long */
bool nf_mailbox_post(
    nf_mailbox *mailbox, const void *head, size_t head_bytes, const void *body, size_t body_bytes);

/** The oldest letter, or NULL; it stays until nf_mailbox_drop(). From the one reader. */
void *nf_mailbox_peek(nf_mailbox *mailbox, size_t *length);
void nf_mailbox_drop(nf_mailbox *mailbox);

#endif
