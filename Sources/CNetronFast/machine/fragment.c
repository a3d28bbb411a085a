/* SPDX-License-Identifier: Apache-2.0 */
/* fragment.c - packets in pieces, and back. */
#include "machine/fragment.h"

#include "machine/assert.h"
#include "machine/wire.h"

#include <stdlib.h>
#include <string.h>

/* A piece is as long as NF_FRAGMENT_PIECE_BYTES_MAX with its header. */
enum { BYTES_MAX = NF_FRAGMENT_PIECE_BYTES_MAX - NF_FRAGMENT_HEADER_BYTES };

/* --- cutting ---------------------------------------------------------------------------------- */

unsigned nf_fragment_count(size_t packet_length, size_t room)
{
    if (room <= NF_FRAGMENT_HEADER_BYTES) {
        return 0;
    }
    size_t bytes = room - NF_FRAGMENT_HEADER_BYTES;
    if (bytes > BYTES_MAX) {
        bytes = BYTES_MAX;
    }
    if (packet_length > NF_FRAGMENT_PIECES_MAX * bytes) {
        return 0;
    }
    return (unsigned)((packet_length + bytes - 1) / bytes);
}

size_t nf_fragment_cut(const uint8_t *packet,
                       size_t packet_length,
                       uint32_t id,
                       unsigned index,
                       unsigned count,
                       uint8_t flags,
                       uint8_t *out)
{
    nf_assert(count >= 2 && count <= NF_FRAGMENT_PIECES_MAX);
    nf_assert(index < count);
    /* Even shares: none is longer than the room that the count was made with. */
    size_t share = (packet_length + count - 1) / count;
    size_t begin = index * share;
    nf_assert(share <= BYTES_MAX && begin < packet_length);
    size_t bytes = index == count - 1 ? packet_length - begin : share;
    nf_store_le32(out, id);
    out[4] = (uint8_t)index;
    out[5] = (uint8_t)count;
    out[6] = flags;
    out[7] = 0;
    memcpy(out + NF_FRAGMENT_HEADER_BYTES, packet + begin, bytes);
    return NF_FRAGMENT_HEADER_BYTES + bytes;
}

/* --- putting together ------------------------------------------------------------------------- */

/* One packet that waits. Pieces lie where they belong; only a last piece that came before any
 * other, so that nobody knows where that is, waits at the end of the room. */
enum { ECN_CE = 3 }; /* congestion experienced (RFC 3168) */

typedef struct place {
    uint64_t session;
    uint64_t serial; /* by age; 0: free */
    uint64_t started_ns;
    uint32_t id;
    uint8_t count;
    uint8_t flags;
    uint8_t have;   /* a bit a piece */
    bool parked;    /* the last piece is at the end of the room */
    bool congested; /* a piece came with that mark */
    size_t share;   /* bytes of each piece but the last; 0: not known */
    size_t last;    /* bytes of the last; 0: not known */
} place;

struct nf_reassembly {
    uint64_t next_serial;
    place places[NF_FRAGMENT_PENDING_MAX];
    uint8_t room[NF_FRAGMENT_PENDING_MAX][NF_FRAGMENT_PACKET_BYTES_MAX];
};

/* A piece as it came. */
typedef struct fragment {
    uint64_t session;
    uint32_t id;
    uint8_t index, count, flags;
    const uint8_t *bytes;
    size_t length;
} fragment;

nf_reassembly *nf_reassembly_new(void)
{
    nf_reassembly *reassembly = malloc(sizeof(*reassembly));
    if (reassembly != NULL) {
        reassembly->next_serial = 1;
        memset(reassembly->places, 0, sizeof(reassembly->places));
    }
    return reassembly;
}

void nf_reassembly_free(nf_reassembly *reassembly)
{
    free(reassembly);
}

static void expire(nf_reassembly *reassembly, uint64_t now_ns)
{
    for (unsigned i = 0; i < NF_FRAGMENT_PENDING_MAX; i++) {
        place *p = &reassembly->places[i];
        if (p->serial != 0 && now_ns > p->started_ns &&
            now_ns - p->started_ns > NF_FRAGMENT_TIMEOUT_NS) {
            p->serial = 0;
        }
    }
}

static place *find(nf_reassembly *reassembly, uint64_t session, uint32_t id)
{
    for (unsigned i = 0; i < NF_FRAGMENT_PENDING_MAX; i++) {
        place *p = &reassembly->places[i];
        if (p->serial != 0 && p->session == session && p->id == id) {
            return p;
        }
    }
    return NULL;
}

/* A free place, or the oldest one's; serials are smaller the older, and 0 when free. */
static place *begin(nf_reassembly *reassembly, const fragment *f, uint64_t now_ns)
{
    place *p = &reassembly->places[0];
    for (unsigned i = 1; i < NF_FRAGMENT_PENDING_MAX; i++) {
        if (reassembly->places[i].serial < p->serial) {
            p = &reassembly->places[i];
        }
    }
    *p = (place){
        .session = f->session,
        .serial = reassembly->next_serial++,
        .started_ns = now_ns,
        .id = f->id,
        .count = f->count,
        .flags = f->flags,
    };
    return p;
}

static bool is_well_formed(const fragment *f)
{
    return f->count >= 2 && f->count <= NF_FRAGMENT_PIECES_MAX && f->index < f->count &&
           f->length > 0 && f->length <= BYTES_MAX;
}

/* Copies the piece to where it belongs. False if it contradicts the ones before. */
static bool put(place *p, uint8_t *room, const fragment *f)
{
    if (f->count != p->count || f->flags != p->flags || (p->have & 1U << f->index) != 0) {
        return false;
    }
    uint8_t *to;
    if (f->index < f->count - 1) {
        if ((p->share != 0 && p->share != f->length) || p->last > f->length) {
            return false;
        }
        p->share = f->length;
        to = room + f->index * p->share;
    } else {
        if (p->share != 0 && f->length > p->share) {
            return false;
        }
        p->last = f->length;
        p->parked = p->share == 0;
        to = p->parked ? room + NF_FRAGMENT_PACKET_BYTES_MAX - p->last : room + f->index * p->share;
    }
    memcpy(to, f->bytes, f->length);
    p->have |= (uint8_t)(1U << f->index);
    return true;
}

nf_fragment_result nf_reassembly_add(nf_reassembly *reassembly,
                                     uint64_t session,
                                     const uint8_t *piece,
                                     size_t length,
                                     uint64_t now_ns,
                                     uint8_t **packet,
                                     size_t *packet_length,
                                     uint8_t *flags,
                                     uint8_t *tos)
{
    expire(reassembly, now_ns);
    if (length < NF_FRAGMENT_HEADER_BYTES) {
        return NF_FRAGMENT_BAD;
    }
    fragment f = {
        .session = session,
        .id = nf_load_le32(piece),
        .index = piece[4],
        .count = piece[5],
        .flags = piece[6],
        .bytes = piece + NF_FRAGMENT_HEADER_BYTES,
        .length = length - NF_FRAGMENT_HEADER_BYTES,
    };
    place *p = find(reassembly, f.session, f.id);
    bool well_formed = is_well_formed(&f);
    if (p == NULL && well_formed) {
        p = begin(reassembly, &f, now_ns);
    }
    if (p == NULL) {
        return NF_FRAGMENT_BAD;
    }
    uint8_t *room = reassembly->room[p - reassembly->places];
    if (!well_formed || !put(p, room, &f)) {
        p->serial = 0;
        return NF_FRAGMENT_BAD;
    }
    p->congested |= (*tos & ECN_CE) == ECN_CE;
    if (p->have != (1U << p->count) - 1) {
        return NF_FRAGMENT_WAIT;
    }
    size_t last_at = (p->count - 1U) * p->share;
    if (p->parked) {
        memmove(room + last_at, room + NF_FRAGMENT_PACKET_BYTES_MAX - p->last, p->last);
    }
    p->serial = 0;
    *packet = room;
    *packet_length = last_at + p->last;
    *flags = p->flags;
    *tos |= p->congested ? ECN_CE : 0;
    return NF_FRAGMENT_WHOLE;
}
