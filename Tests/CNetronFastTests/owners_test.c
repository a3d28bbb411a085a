/* SPDX-License-Identifier: Apache-2.0 */
/* owners_test.c - which peer has a prefix, while lists change and peers come and go. */
#include "pair.h"

#include "machine/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { PEERS = 12, POOL = 60, STEPS = 4000, NOBODY = 0 };

static pair_world *world;
static unsigned owner[POOL]; /* what must be so: a node, or NOBODY */

static netron_prefix prefix_of(unsigned number)
{
    netron_prefix prefix = number % 2 == 0 ? pair_prefix4(number / 4) : pair_prefix6(number / 4);
    if (number % 4 >= 2) { /* one address in two lengths is two prefixes */
        prefix.length = (uint8_t)(prefix.length - 8);
        prefix.address[prefix.family == 4 ? 3 : 15] = 0;
        prefix.address[prefix.family == 4 ? 2 : 14] = (uint8_t)(number / 4);
    }
    return prefix;
}

static void set_some(unsigned node)
{
    netron_prefix list[NETRON_PREFIXES_PER_PEER_MAX];
    unsigned count = pair_random(world, NETRON_PREFIXES_PER_PEER_MAX + 1);
    for (unsigned i = 0; i < POOL; i++) {
        owner[i] = owner[i] == node ? NOBODY : owner[i];
    }
    for (unsigned i = 0; i < count; i++) { /* also the same twice */
        unsigned number = pair_random(world, POOL);
        list[i] = prefix_of(number);
        owner[number] = node;
    }
    assert_int_equal(netron_engine_set_prefixes(world->nodes[0].engine, world->nodes[node].id, list,
                                                count, world->now_ns),
                     NETRON_OK);
}

static void leave_and_return(unsigned node)
{
    assert_int_equal(
        netron_engine_hang_up(world->nodes[0].engine, world->nodes[node].id, world->now_ns),
        NETRON_OK);
    pair_connect(world, 0, node);
    for (unsigned i = 0; i < POOL; i++) {
        owner[i] = owner[i] == node ? NOBODY : owner[i];
    }
}

static void assert_owners(void)
{
    const nf_core *core = pair_core(world, 0);
    for (unsigned i = 0; i < POOL; i++) {
        netron_prefix prefix = prefix_of(i);
        uint32_t wanted =
            owner[i] == NOBODY ? NF_NO_PEER : nf_peers_find(core, world->nodes[owner[i]].id);
        assert_int_equal(nf_owners_find(core, &prefix), wanted);
    }
}

static void each_prefix_has_the_owner_that_took_it_last(void **state)
{
    (void)state;
    world = pair_new(1 + PEERS);
    world->nodes[0].by_hand = true;
    for (unsigned node = 1; node <= PEERS; node++) {
        pair_connect(world, 0, node);
    }
    memset(owner, 0, sizeof(owner));
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned node = 1 + pair_random(world, PEERS);
        if (pair_random(world, 10) == 0) {
            leave_and_return(node);
        } else {
            set_some(node);
        }
        assert_owners();
    }
    pair_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_prefix_has_the_owner_that_took_it_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
