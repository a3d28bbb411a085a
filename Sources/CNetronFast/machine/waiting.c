/* SPDX-License-Identifier: Apache-2.0 */
/* waiting.c - inner packets whose destination has no route or no session yet.
 *
 * They wait in a fixed pool, a few for each destination; the caller is told of addresses that
 * nobody has, and again as long as packets come. After NF_WAITING_NS the host gets an ICMP answer,
 * and for NF_NEGATIVE_NS the next packet gets one at once. */
#include "machine/core.h"

#include "machine/ip.h"

#include <stdlib.h>
#include <string.h>

typedef struct destination {
    bool used, negative;
    uint8_t family, count;
    uint8_t address[16];
    uint16_t cells[NF_WAITING_PER_DESTINATION_MAX];
    uint64_t until_ns;
    uint64_t told_ns; /* when the caller was told; 0: it was not */
} destination;

typedef struct cell {
    uint16_t length;
    uint8_t bytes[NF_WAITING_PACKET_BYTES_MAX];
} cell;

struct nf_waiting {
    destination destinations[NF_WAITING_DESTINATIONS_MAX];
    cell cells[NF_WAITING_PACKETS_MAX];
    uint16_t free_cells[NF_WAITING_PACKETS_MAX];
    uint16_t free_count, used_count;
    uint64_t next_ns; /* the deadline that is set */
};

bool nf_waiting_init(nf_core *core)
{
    core->waiting = calloc(1, sizeof(*core->waiting));
    if (core->waiting == NULL) {
        return false;
    }
    core->waiting->next_ns = UINT64_MAX;
    for (uint16_t i = NF_WAITING_PACKETS_MAX; i > 0; i--) {
        core->waiting->free_cells[core->waiting->free_count++] = (uint16_t)(i - 1);
    }
    return true;
}

void nf_waiting_free(nf_core *core)
{
    free(core->waiting);
    core->waiting = NULL;
}

static bool seal_fragments(nf_core *core, nf_session *session, const uint8_t *packet, size_t length)
{
    uint8_t piece[NF_FRAGMENT_PIECE_BYTES_MAX];
    size_t room = core->peers[session->peer].path_mtu - NF_SESSION_OVERHEAD_BYTES;
    unsigned count = nf_fragment_count(length, room < sizeof(piece) ? room : sizeof(piece));
    uint32_t id = core->next_fragment_id;
    core->next_fragment_id = nf_fragment_next_id(id);
    for (unsigned i = 0; i < count; i++) {
        size_t n = nf_fragment_cut(packet, length, id, i, count, 0, piece);
        if (!nf_core_seal(core, session, NF_TYPE_FRAGMENT, piece, n, NULL)) {
            return false;
        }
    }
    return count > 0;
}

/* What was sealed since the queue held `before` leaves in the class of the packet inside. */
static void set_class(nf_core *core, uint32_t before, uint8_t tos)
{
    const nf_ring *ring = &core->outgoing_ring;
    for (uint32_t i = before; i < ring->count; i++) {
        core->outgoing[(ring->first + i) % ring->capacity].tos = nf_tos_encapsulate(tos);
    }
}

/* Sends a packet if there is a route and a session by now. */
static bool try_send(nf_core *core, const nf_ip *ip, uint8_t *packet, size_t length)
{
    uint32_t peer = nf_table_peer_of(&core->table, ip->family, ip->destination);
    nf_session *session = peer >= NF_ALL_PEERS ? NULL : nf_peers_session(core, peer);
    if (session == NULL || !core->peers[peer].used) {
        return false;
    }
    uint16_t clamp_mtu = nf_session_clamp_mtu(session, core->table.mtu);
    if (clamp_mtu != 0) {
        nf_mss_clamp(packet, length, clamp_mtu, false);
    }
    uint32_t before = core->outgoing_ring.count;
    bool whole = length + NF_SESSION_OVERHEAD_BYTES <= core->peers[peer].path_mtu;
    bool sent = whole ? nf_core_seal(core, session, NF_TYPE_DATA, packet, length, NULL)
                      : seal_fragments(core, session, packet, length);
    set_class(core, before, ip->tos);
    return sent;
}

static void answer(nf_core *core, const uint8_t *packet, size_t length)
{
    nf_core_drop(core, NETRON_DROP_UNROUTED);
    nf_ip ip;
    /* Since it began to wait its destination may have become the broadcast address of a network. */
    if (!nf_ip_parse(&ip, packet, length) ||
        nf_table_peer_of(&core->table, ip.family, ip.destination) == NF_ALL_PEERS ||
        !nf_rate_take(&core->icmp_rate, NF_ICMP_PER_SECOND, NF_ICMP_BURST, core->now_ns)) {
        return;
    }
    uint32_t place = nf_ring_push(&core->host_ring);
    if (place == UINT32_MAX) {
        return;
    }
    /* From the destination itself: an answer from an own address would look forged to the host. */
    nf_host_packet *out = &core->host[place];
    out->length = (uint16_t)nf_icmp_answer(NF_ICMP_UNREACHABLE, packet, length, ip.destination, 0,
                                           out->bytes);
}

/* Gives back the first `count` cells of a destination. */
static void release_cells(struct nf_waiting *waiting, destination *d, uint8_t count)
{
    for (uint8_t i = 0; i < count; i++) {
        waiting->free_cells[waiting->free_count++] = d->cells[i];
    }
    d->count = (uint8_t)(d->count - count);
    memmove(d->cells, d->cells + count, d->count * sizeof(d->cells[0]));
}

static void forget(struct nf_waiting *waiting, destination *d)
{
    release_cells(waiting, d, d->count);
    d->used = false;
    waiting->used_count--;
}

static destination *find(struct nf_waiting *waiting, const nf_ip *ip)
{
    size_t length = ip->family == 4 ? 4 : 16;
    for (unsigned i = 0; i < NF_WAITING_DESTINATIONS_MAX; i++) {
        destination *d = &waiting->destinations[i];
        if (d->used && d->family == ip->family &&
            memcmp(d->address, ip->destination, length) == 0) {
            return d;
        }
    }
    return NULL;
}

static void set_deadline(nf_core *core, uint64_t at_ns)
{
    core->waiting->next_ns = at_ns;
    nf_core_set_deadline_owner(core, NF_OWNER_WAITING, at_ns);
}

/* A place for a new destination: a free one, or that of the one which ends first. */
static destination *take(nf_core *core, const nf_ip *ip)
{
    struct nf_waiting *waiting = core->waiting;
    destination *best = NULL;
    for (unsigned i = 0; i < NF_WAITING_DESTINATIONS_MAX; i++) {
        destination *d = &waiting->destinations[i];
        if (!d->used) {
            best = d;
            break;
        }
        if (best == NULL || d->until_ns < best->until_ns) {
            best = d;
        }
    }
    if (best->used) {
        forget(waiting, best);
    }
    *best = (destination){.used = true, .family = ip->family};
    memcpy(best->address, ip->destination, ip->family == 4 ? 4 : 16);
    best->until_ns = core->now_ns + NF_WAITING_NS;
    waiting->used_count++;
    if (best->until_ns < waiting->next_ns) {
        set_deadline(core, best->until_ns);
    }
    return best;
}

/* False if there is no room: the next packet tells. */
static bool tell_unrouted(nf_core *core, const uint8_t *address, size_t length, int32_t code)
{
    netron_event *event = core->pending_unrouted < NF_UNROUTED_EVENTS_MAX
                              ? nf_event_add(core, NETRON_EVENT_UNROUTED)
                              : NULL;
    if (event == NULL) {
        return false;
    }
    core->pending_unrouted++;
    event->code = code;
    event->length = (uint32_t)length;
    memcpy(event->bytes, address, length);
    return true;
}

static void tell(nf_core *core, uint32_t peer, destination *d)
{
    if (d->told_ns != 0 && core->now_ns < d->told_ns + NF_UNROUTED_REPEAT_NS) {
        return;
    }
    if (peer != NF_NO_PEER && core->peers[peer].used) {
        d->told_ns = core->now_ns;
        nf_dial_again(core, peer);
    } else if (tell_unrouted(core, d->address, d->family == 4 ? 4 : 16, NETRON_UNROUTED_ONE)) {
        d->told_ns = core->now_ns;
    }
}

void nf_waiting_to_all(nf_core *core, const uint8_t *address, size_t length)
{
    if (length == 4 || length == 16) {
        (void)tell_unrouted(core, address, length, NETRON_UNROUTED_ALL);
    }
}

void nf_waiting_add(nf_core *core, uint32_t peer, uint8_t *packet, size_t length)
{
    struct nf_waiting *waiting = core->waiting;
    nf_ip ip;
    if (!nf_ip_parse(&ip, packet, length)) {
        nf_core_drop(core, NETRON_DROP_BAD_INNER);
        return;
    }
    if (try_send(core, &ip, packet, length)) {
        return;
    }
    destination *d = find(waiting, &ip);
    d = d == NULL ? take(core, &ip) : d;
    tell(core, peer, d);
    if (d->negative) {
        answer(core, packet, length);
        return;
    }
    if (d->count == NF_WAITING_PER_DESTINATION_MAX || waiting->free_count == 0) {
        nf_core_drop(core, NETRON_DROP_QUEUE_FULL);
        return;
    }
    uint16_t number = waiting->free_cells[--waiting->free_count];
    waiting->cells[number].length = (uint16_t)length;
    memcpy(waiting->cells[number].bytes, packet, length);
    d->cells[d->count++] = number;
}

static bool send_cell(nf_core *core, uint16_t number)
{
    cell *c = &core->waiting->cells[number];
    nf_ip ip;
    return nf_ip_parse(&ip, c->bytes, c->length) && try_send(core, &ip, c->bytes, c->length);
}

void nf_waiting_release(nf_core *core)
{
    struct nf_waiting *waiting = core->waiting;
    for (unsigned i = 0; waiting->used_count > 0 && i < NF_WAITING_DESTINATIONS_MAX; i++) {
        destination *d = &waiting->destinations[i];
        if (!d->used || (d->count == 0 && !d->negative)) {
            continue;
        }
        if (d->negative) {
            forget(waiting, d); /* who comes up now may have it */
            continue;
        }
        uint8_t sent = 0;
        while (sent < d->count && send_cell(core, d->cells[sent])) {
            sent++;
        }
        release_cells(waiting, d, sent);
        if (d->count == 0) {
            forget(waiting, d);
        }
    }
}

void nf_waiting_timeout(nf_core *core)
{
    struct nf_waiting *waiting = core->waiting;
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; waiting->used_count > 0 && i < NF_WAITING_DESTINATIONS_MAX; i++) {
        destination *d = &waiting->destinations[i];
        if (d->used && core->now_ns >= d->until_ns) {
            if (d->negative) {
                forget(waiting, d);
                continue;
            }
            for (uint8_t n = 0; n < d->count; n++) {
                const cell *c = &waiting->cells[d->cells[n]];
                answer(core, c->bytes, c->length);
            }
            release_cells(waiting, d, d->count);
            d->negative = true;
            d->until_ns = core->now_ns + NF_NEGATIVE_NS;
        }
        if (d->used && d->until_ns < next) {
            next = d->until_ns;
        }
    }
    set_deadline(core, next);
}
