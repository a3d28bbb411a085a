/* SPDX-License-Identifier: Apache-2.0 */
/* train.c - packets of one flow that come one behind the other, for tests of who joins them. */
#include "train.h"

#include <stdlib.h>
#include <string.h>

uint8_t *add_to_train(train *t, const recipe *r)
{
    static uint8_t room[PACKET_BYTES_MAX];
    size_t length = make_packet(room, r);
    uint8_t *packet = malloc(length);
    memcpy(packet, room, length);
    t->packets[t->count] = packet;
    t->lengths[t->count++] = length;
    return packet;
}

void make_train(train *t, const recipe *base, unsigned count, size_t last)
{
    recipe r = *base;
    for (unsigned i = 0; i < count; i++) {
        if (i == count - 1) {
            r.payload = last;
        }
        add_to_train(t, &r);
        r.sequence += (uint32_t)r.payload;
        r.id++;
    }
}

void free_train(train *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        free(t->packets[i]);
    }
    t->count = 0;
}

unsigned join_train(nf_joiner *joiner, const train *t, bool checksummed)
{
    unsigned taken = 0;
    while (taken < t->count &&
           nf_join_add(joiner, t->packets[taken], t->lengths[taken], checksummed)) {
        taken++;
    }
    return taken;
}
