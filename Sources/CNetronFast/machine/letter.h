/* SPDX-License-Identifier: Apache-2.0 */
/* letter.h - what lanes and control tell each other through mailboxes. Pure. */
#ifndef NF_LETTER_H
#define NF_LETTER_H

#include <stdint.h>

#include "machine/datagram.h"
#include "machine/limits.h"

typedef enum nf_letter_kind {
    NF_LETTER_DATAGRAM = 1, /* body: a datagram that came to the wrong thread */
    NF_LETTER_CONFIRMED,    /* the first packet of a session was authenticated */
    NF_LETTER_LINK,         /* body: an opened LINK message */
    NF_LETTER_CONTROL,      /* body: an opened CONTROL message */
    NF_LETTER_ROAMED,       /* a packet with the highest counter came by `path` */
    NF_LETTER_ACTIVE,       /* a packet was sealed for a peer that nobody watches */
    NF_LETTER_WAITING,      /* body: an inner packet without a route or session */
    NF_LETTER_TO_ALL,       /* body: the destination of a packet to all, of 4 or 16 bytes */
    NF_LETTER_TOO_BIG,      /* the host refused a datagram of this session for its size */
    NF_LETTER_REFUSED,      /* ... for another reason: perhaps our address is gone */
} nf_letter_kind;

typedef struct nf_letter {
    uint8_t kind;
    uint8_t tos; /* DATAGRAM */
    uint8_t reserved[2];
    uint32_t index;  /* of the session; WAITING: unused */
    uint32_t length; /* DATAGRAM, LINK: of the datagram it came in */
    uint32_t peer;   /* WAITING: the route's peer, or NF_NO_PEER */
    nf_path path;    /* where it came from */
} nf_letter;

enum { NF_LETTER_BODY_BYTES_MAX = NF_LETTER_BYTES_MAX - sizeof(nf_letter) };

#endif
