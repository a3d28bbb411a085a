/* SPDX-License-Identifier: Apache-2.0 */
/* owners.c - which peer has a prefix: an index over the lists that the peers have.
 *
 * Open addressing with linear probing and no tombstones, at most half full. An entry is a hash and
 * a peer; whether it is of the prefix that is looked for, the peer's own list says. */
#include "machine/core.h"

#include "machine/assert.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    uint32_t hash;
    uint32_t peer_plus_1; /* 0: free */
} entry;

struct nf_owners {
    uint32_t mask;
    entry entries[];
};

bool nf_owners_init(nf_core *core, uint32_t peers_max)
{
    uint32_t buckets = 16;
    while (buckets < 2 * peers_max * NETRON_PREFIXES_PER_PEER_MAX) {
        buckets *= 2;
    }
    core->owners = calloc(1, sizeof(*core->owners) + buckets * sizeof(entry));
    if (core->owners == NULL) {
        return false;
    }
    core->owners->mask = buckets - 1;
    return true;
}

void nf_owners_free(nf_core *core)
{
    free(core->owners);
    core->owners = NULL;
}

bool nf_prefix_equal(const netron_prefix *a, const netron_prefix *b)
{
    return a->family == b->family && a->length == b->length &&
           memcmp(a->address, b->address, a->family == 4 ? 4 : 16) == 0;
}

static uint32_t hash_of(const nf_core *core, const netron_prefix *prefix)
{
    uint8_t bytes[18] = {prefix->family, prefix->length};
    uint8_t hash[crypto_shorthash_BYTES];
    memcpy(bytes + 2, prefix->address, prefix->family == 4 ? 4 : 16);
    crypto_shorthash(hash, bytes, sizeof(bytes), core->hash_key);
    return nf_load_le32(hash);
}

static bool has(const nf_peer *peer, const netron_prefix *prefix)
{
    for (uint8_t i = 0; i < peer->prefix_count; i++) {
        if (nf_prefix_equal(&peer->prefixes[i], prefix)) {
            return true;
        }
    }
    return false;
}

uint32_t nf_owners_find(const nf_core *core, const netron_prefix *prefix)
{
    const struct nf_owners *owners = core->owners;
    uint32_t hash = hash_of(core, prefix);
    for (uint32_t at = hash & owners->mask; owners->entries[at].peer_plus_1 != 0;
         at = (at + 1) & owners->mask) {
        uint32_t peer = owners->entries[at].peer_plus_1 - 1;
        if (owners->entries[at].hash == hash && has(&core->peers[peer], prefix)) {
            return peer;
        }
    }
    return NF_NO_PEER;
}

void nf_owners_add(nf_core *core, uint32_t peer, const netron_prefix *prefix)
{
    struct nf_owners *owners = core->owners;
    uint32_t hash = hash_of(core, prefix);
    uint32_t at = hash & owners->mask;
    while (owners->entries[at].peer_plus_1 != 0) {
        at = (at + 1) & owners->mask;
    }
    owners->entries[at] = (entry){hash, peer + 1};
}

void nf_owners_remove(nf_core *core, uint32_t peer, const netron_prefix *prefix)
{
    struct nf_owners *owners = core->owners;
    uint32_t mask = owners->mask, hash = hash_of(core, prefix);
    uint32_t hole = hash & mask;
    while (owners->entries[hole].hash != hash || owners->entries[hole].peer_plus_1 != peer + 1) {
        nf_assert(owners->entries[hole].peer_plus_1 != 0);
        hole = (hole + 1) & mask;
    }
    owners->entries[hole].peer_plus_1 = 0;
    for (uint32_t at = (hole + 1) & mask; owners->entries[at].peer_plus_1 != 0;
         at = (at + 1) & mask) {
        uint32_t home = owners->entries[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            owners->entries[hole] = owners->entries[at];
            owners->entries[at].peer_plus_1 = 0;
            hole = at;
        }
    }
}
