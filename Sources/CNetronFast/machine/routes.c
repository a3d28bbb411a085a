/* SPDX-License-Identifier: Apache-2.0 */
/* routes.c - one open-addressed table a prefix length in use, longest first.
 *
 * Addresses are compared as little-endian words with masks made the same way, so that a lookup
 * swaps no bytes. A slot holds its peer plus 1, or NOBODY; 0 is a free one, as memory comes. */
#include "machine/routes.h"

#include "machine/assert.h"
#include "machine/wire.h"

#include <sodium.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    LENGTHS4 = 33,
    LENGTHS6 = 129,
    HASH_KEYS = 4,
    ROUTES_MAX = 1 << 24, /* far above all peers with all their prefixes */
};
#define NOBODY (UINT32_MAX - 1) /* what a slot holds whose addresses no peer is to have */
_Static_assert(NF_ALL_PEERS + 1 == UINT32_MAX, "each kind of slot has a value of its own");

typedef struct slot4 {
    uint32_t key;
    uint32_t peer_plus_1;
} slot4;

typedef struct slot6 {
    uint64_t low, high;
    uint32_t peer_plus_1;
    uint32_t reserved;
} slot6;

typedef struct table4 {
    slot4 *slots;
    uint32_t last; /* slot; their number less 1 */
    uint32_t mask;
} table4;

typedef struct table6 {
    slot6 *slots;
    uint64_t low, high; /* mask */
    uint32_t last;
} table6;

struct nf_routes {
    uint64_t number;
    uint64_t key[HASH_KEYS];
    uint32_t count4, count6; /* tables in use, longest prefix first */
    table4 tables4[LENGTHS4];
    table6 tables6[LENGTHS6];
};

/* --- hash ----------------------------------------------------------------------------------------
 *
 * Two rounds of a folded 64 x 64 product, each with words of the key that nobody else knows and
 * whose result nobody else sees. A few cycles, where SipHash would take longer than the rest. */

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t hash(const nf_routes *routes, uint64_t low, uint64_t high)
{
    const uint64_t *key = routes->key;
    uint64_t first = fold(low ^ key[0], high ^ key[1]);
    return (uint32_t)fold(first ^ key[2], key[3]);
}

static void make_key(nf_routes *routes, uint64_t seed)
{
    uint8_t seed_bytes[8];
    uint8_t bytes[HASH_KEYS * 8];

    nf_store_le64(seed_bytes, seed);
    crypto_generichash(bytes, sizeof(bytes), seed_bytes, sizeof(seed_bytes), NULL, 0);
    for (size_t i = 0; i < HASH_KEYS; i++) {
        routes->key[i] = nf_load_le64(bytes + 8 * i);
    }
    routes->key[HASH_KEYS - 1] |= 1; /* a factor: never 0 */
}

/* --- search
 * --------------------------------------------------------------------------------------- */

/** The slot of a key, or the free one where it would go; tables are never full. */
static slot4 *probe4(const nf_routes *routes, const table4 *table, uint32_t key)
{
    uint32_t at = hash(routes, key, 0) & table->last;
    while (table->slots[at].peer_plus_1 != 0 && table->slots[at].key != key) {
        at = (at + 1) & table->last;
    }
    return &table->slots[at];
}

static slot6 *probe6(const nf_routes *routes, const table6 *table, uint64_t low, uint64_t high)
{
    uint32_t at = hash(routes, low, high) & table->last;
    while (table->slots[at].peer_plus_1 != 0 &&
           (table->slots[at].low != low || table->slots[at].high != high)) {
        at = (at + 1) & table->last;
    }
    return &table->slots[at];
}

static uint32_t peer_of(uint32_t found)
{
    return found == NOBODY ? NF_NO_PEER : found - 1;
}

uint32_t nf_routes_find4(const nf_routes *routes, const uint8_t address[4])
{
    uint32_t key = nf_load_le32(address);

    for (uint32_t i = 0; i < routes->count4; i++) {
        const table4 *table = &routes->tables4[i];
        uint32_t found = probe4(routes, table, key & table->mask)->peer_plus_1;
        if (found != 0) {
            return peer_of(found);
        }
    }
    return NF_NO_PEER;
}

uint32_t nf_routes_find6(const nf_routes *routes, const uint8_t address[16])
{
    uint64_t low = nf_load_le64(address);
    uint64_t high = nf_load_le64(address + 8);

    for (uint32_t i = 0; i < routes->count6; i++) {
        const table6 *table = &routes->tables6[i];
        uint32_t found = probe6(routes, table, low & table->low, high & table->high)->peer_plus_1;
        if (found != 0) {
            return peer_of(found);
        }
    }
    return NF_NO_PEER;
}

uint64_t nf_routes_number(const nf_routes *routes)
{
    return routes->number;
}

/* --- building --------------------------------------------------------------------------------- */

/** How many routes there are of each length, and then which table is theirs. */
typedef struct plan {
    uint32_t count4[LENGTHS4], count6[LENGTHS6];
    uint8_t table4[LENGTHS4], table6[LENGTHS6];
} plan;

static void count_lengths(plan *p, const nf_route *routes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const netron_prefix *prefix = &routes[i].prefix;
        nf_assert(routes[i].peer >= NF_ALL_PEERS || routes[i].peer < NOBODY - 1);
        if (prefix->family == 4) {
            nf_assert(prefix->length < LENGTHS4);
            p->count4[prefix->length]++;
        } else {
            nf_assert(prefix->family == 6 && prefix->length < LENGTHS6);
            p->count6[prefix->length]++;
        }
    }
}

/** A power of two, at most two thirds full. */
static uint32_t slots_for(uint32_t count)
{
    uint32_t slots = 2;
    while (slots * 2 < count * 3) {
        slots *= 2;
    }
    return slots;
}

static void mask_of(unsigned length, uint8_t mask[16])
{
    memset(mask, 0, 16);
    memset(mask, 0xff, length / 8);
    if (length % 8 != 0) {
        mask[length / 8] = (uint8_t)(0xff00U >> (length % 8));
    }
}

static bool make_tables4(nf_routes *routes, plan *p)
{
    for (unsigned length = LENGTHS4; length-- > 0;) {
        if (p->count4[length] == 0) {
            continue;
        }
        uint8_t mask[16];
        uint32_t slots = slots_for(p->count4[length]);
        table4 *table = &routes->tables4[routes->count4];
        table->slots = calloc(slots, sizeof(*table->slots));
        if (table->slots == NULL) {
            return false;
        }
        mask_of(length, mask);
        table->mask = nf_load_le32(mask);
        table->last = slots - 1;
        p->table4[length] = (uint8_t)routes->count4;
        routes->count4++;
    }
    return true;
}

static bool make_tables6(nf_routes *routes, plan *p)
{
    for (unsigned length = LENGTHS6; length-- > 0;) {
        if (p->count6[length] == 0) {
            continue;
        }
        uint8_t mask[16];
        uint32_t slots = slots_for(p->count6[length]);
        table6 *table = &routes->tables6[routes->count6];
        table->slots = calloc(slots, sizeof(*table->slots));
        if (table->slots == NULL) {
            return false;
        }
        mask_of(length, mask);
        table->low = nf_load_le64(mask);
        table->high = nf_load_le64(mask + 8);
        table->last = slots - 1;
        p->table6[length] = (uint8_t)routes->count6;
        routes->count6++;
    }
    return true;
}

static uint32_t slot_value(const nf_route *route)
{
    return route->peer == NF_NO_PEER ? NOBODY : route->peer + 1;
}

static void add4(nf_routes *routes, const table4 *table, const nf_route *route)
{
    uint32_t key = nf_load_le32(route->prefix.address) & table->mask;
    *probe4(routes, table, key) = (slot4){.key = key, .peer_plus_1 = slot_value(route)};
}

static void add6(nf_routes *routes, const table6 *table, const nf_route *route)
{
    uint64_t low = nf_load_le64(route->prefix.address) & table->low;
    uint64_t high = nf_load_le64(route->prefix.address + 8) & table->high;
    *probe6(routes, table, low, high) =
        (slot6){.low = low, .high = high, .peer_plus_1 = slot_value(route)};
}

nf_routes *nf_routes_new(const nf_route *routes, size_t count, uint64_t seed)
{
    plan p = {0};
    nf_assert(count <= ROUTES_MAX);
    count_lengths(&p, routes, count);

    nf_routes *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return NULL;
    }
    if (!make_tables4(made, &p) || !make_tables6(made, &p)) {
        nf_routes_free(made);
        return NULL;
    }
    made->number = seed;
    make_key(made, seed);
    for (size_t i = 0; i < count; i++) {
        const netron_prefix *prefix = &routes[i].prefix;
        if (prefix->family == 4) {
            add4(made, &made->tables4[p.table4[prefix->length]], &routes[i]);
        } else {
            add6(made, &made->tables6[p.table6[prefix->length]], &routes[i]);
        }
    }
    return made;
}

void nf_routes_free(nf_routes *routes)
{
    if (routes == NULL) {
        return;
    }
    for (uint32_t i = 0; i < routes->count4; i++) {
        free(routes->tables4[i].slots);
    }
    for (uint32_t i = 0; i < routes->count6; i++) {
        free(routes->tables6[i].slots);
    }
    free(routes);
}
