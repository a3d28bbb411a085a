/* SPDX-License-Identifier: Apache-2.0 */
/* all.c - multicast and broadcast: who gets it, and which addresses mean it. */
#include "machine/core.h"

#include "machine/assert.h"

#include <string.h>

/* --- who gets it ------------------------------------------------------------------------------ */

static _Atomic uint32_t *place_of(nf_core *core, uint32_t peer)
{
    for (unsigned i = 0; i < NF_ALL_PEERS_MAX; i++) {
        _Atomic uint32_t *place = &core->table.all.peers[i];
        if (atomic_load_explicit(place, memory_order_relaxed) == peer) {
            return place;
        }
    }
    return NULL;
}

void nf_all_join(nf_core *core, uint32_t peer)
{
    _Atomic uint32_t *place = core->peers[peer].in_all ? NULL : place_of(core, NF_NO_PEER);
    if (place != NULL) {
        core->peers[peer].in_all = true;
        atomic_store_explicit(place, peer, memory_order_relaxed);
    }
}

/* Whoever was left out and has a session, in turn. */
static uint32_t find_left_out(nf_core *core)
{
    for (uint32_t i = 0; i < core->peer_high; i++) {
        uint32_t peer = (core->next_left_out + i) % core->peer_high;
        const nf_peer *p = &core->peers[peer];
        if (p->used && !p->in_all && p->current != 0) {
            core->next_left_out = peer + 1;
            return peer;
        }
    }
    return NF_NO_PEER;
}

void nf_all_leave(nf_core *core, uint32_t peer)
{
    if (!core->peers[peer].in_all) {
        return;
    }
    _Atomic uint32_t *place = place_of(core, peer);
    nf_assert(place != NULL);
    core->peers[peer].in_all = false;
    uint32_t next = find_left_out(core);
    if (next != NF_NO_PEER) {
        core->peers[next].in_all = true;
    }
    atomic_store_explicit(place, next, memory_order_relaxed);
}

/* --- what means it ---------------------------------------------------------------------------- */

/* A network of two addresses has none (RFC 3021), and IPv6 has none at all. */
static bool has_broadcast(const netron_prefix *address)
{
    return address->family == 4 && address->length <= 30;
}

static netron_prefix broadcast_of(const netron_prefix *address)
{
    netron_prefix broadcast = {.family = 4, .length = 32};
    uint32_t hosts = UINT32_MAX >> address->length;
    nf_store_be32(broadcast.address, nf_load_be32(address->address) | hosts);
    return broadcast;
}

size_t nf_all_routes(const nf_core *core, nf_route out[NF_ALL_ROUTES_MAX])
{
    static const netron_prefix always[] = {
        {.address = {224}, .family = 4, .length = 4},
        {.address = {255, 255, 255, 255}, .family = 4, .length = 32},
        {.address = {0xff}, .family = 6, .length = 8},
    };
    size_t count = 0;
    for (; count < sizeof(always) / sizeof(always[0]); count++) {
        out[count] = (nf_route){always[count], NF_ALL_PEERS};
    }
    for (uint32_t i = 0; i < core->network_count; i++) {
        if (has_broadcast(&core->networks[i])) {
            out[count++] = (nf_route){broadcast_of(&core->networks[i]), NF_ALL_PEERS};
        }
    }
    return count;
}

int nf_core_set_address(nf_core *core, const netron_prefix *address, bool present, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    bool is_known = address->family == 4 || address->family == 6;
    if (!is_known || address->length > (address->family == 4 ? 32 : 128)) {
        return NETRON_E_INVALID;
    }
    uint32_t i = 0;
    while (i < core->network_count && !nf_prefix_equal(&core->networks[i], address)) {
        i++;
    }
    if (address->length == 0 || present == (i < core->network_count)) {
        return NETRON_OK;
    }
    if (present) {
        if (core->network_count == NF_NETWORKS_MAX) {
            return NETRON_E_FULL;
        }
        core->networks[core->network_count++] = *address;
    } else {
        core->networks[i] = core->networks[--core->network_count];
    }
    core->routes_changed = true;
    nf_peers_rebuild_routes(core);
    return NETRON_OK;
}
