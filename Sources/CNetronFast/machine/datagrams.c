/* SPDX-License-Identifier: Apache-2.0 */
/* datagrams.c - what others say that share the port: the distributed hash table's messages.
 *
 * They come from anybody, so they have a queue of their own, of which one address gets a share, and
 * a rate, of which one network gets a share: a flood of them pushes out nothing but others like it.
 */
#include "machine/core.h"

#include <stdlib.h>
#include <string.h>

typedef struct datagram {
    netron_endpoint from;
    uint32_t length;
    uint8_t bytes[NETRON_DATAGRAM_BYTES_MAX];
} datagram;

struct nf_datagrams {
    nf_ring ring;
    nf_rate rate;
    nf_rates rates; /* by source network */
    datagram list[NF_DATAGRAMS_MAX];
};

_Static_assert((size_t)NETRON_DATAGRAM_BYTES_MAX <= (size_t)NF_LETTER_BODY_BYTES_MAX,
               "a lane can hand one on");
_Static_assert(NETRON_DATAGRAM_BYTES_MAX <= sizeof(((nf_outgoing *)0)->bytes), "it can be sent");

bool nf_datagrams_init(nf_core *core)
{
    core->datagrams = calloc(1, sizeof(*core->datagrams));
    if (core->datagrams == NULL) {
        return false;
    }
    core->datagrams->ring.capacity = NF_DATAGRAMS_MAX;
    return true;
}

void nf_datagrams_free(nf_core *core)
{
    free(core->datagrams);
    core->datagrams = NULL;
}

bool nf_datagrams_wait(const nf_core *core)
{
    return core->datagrams != NULL && core->datagrams->ring.count > 0;
}

/* How many wait that came from one address, whatever their port. */
static uint32_t count_of(const struct nf_datagrams *datagrams, const uint8_t address[16])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < datagrams->ring.count; i++) {
        uint32_t place = (datagrams->ring.first + i) % NF_DATAGRAMS_MAX;
        count += memcmp(datagrams->list[place].from.address, address, 16) == 0;
    }
    return count;
}

/* The shares first: who is over its own uses up nothing of the others'. */
static bool admit(nf_core *core, const nf_path *path)
{
    struct nf_datagrams *datagrams = core->datagrams;
    return count_of(datagrams, path->remote.address) < NF_DATAGRAMS_PER_SOURCE_MAX &&
           nf_rates_take(&datagrams->rates, nf_core_network_of(core, &path->remote),
                         NF_DATAGRAM_SOURCE_PER_SECOND, NF_DATAGRAM_SOURCE_BURST, core->now_ns) &&
           nf_rate_take(&datagrams->rate, NF_DATAGRAM_PER_SECOND, NF_DATAGRAM_BURST, core->now_ns);
}

int nf_datagrams_take(nf_core *core, const uint8_t *bytes, size_t length, const nf_path *path)
{
    struct nf_datagrams *datagrams = core->datagrams;
    uint32_t place = admit(core, path) ? nf_ring_push(&datagrams->ring) : UINT32_MAX;
    if (place == UINT32_MAX) {
        nf_core_drop(core, NETRON_DROP_DATAGRAM);
        return NETRON_E_AGAIN;
    }
    datagram *d = &datagrams->list[place];
    d->from = path->remote;
    d->length = (uint32_t)length;
    memcpy(d->bytes, bytes, length);
    return NETRON_OK;
}

int nf_core_next_datagram(nf_core *core, uint8_t *buffer, size_t capacity, netron_endpoint *from)
{
    if (!nf_datagrams_wait(core)) {
        return 0;
    }
    const datagram *d = &core->datagrams->list[core->datagrams->ring.first];
    if (d->length > capacity) {
        return NETRON_E_TOO_SHORT;
    }
    memcpy(buffer, d->bytes, d->length);
    *from = d->from;
    int length = (int)d->length;
    nf_ring_pop(&core->datagrams->ring);
    return length;
}

int nf_core_send_datagram(
    nf_core *core, const netron_endpoint *to, const uint8_t *bytes, size_t length, uint64_t now_ns)
{
    nf_core_advance(core, now_ns);
    if (core->datagrams == NULL || to->kind != NETRON_ENDPOINT_UDP || to->port == 0 ||
        !nf_is_foreign(bytes, length)) {
        return NETRON_E_INVALID;
    }
    if (core->outgoing_ring.count >= NF_OUTGOING_MAX / 2) {
        return NETRON_E_AGAIN; /* the rest of the queue is for members */
    }
    nf_path path = {.remote = *to};
    nf_outgoing *outgoing = nf_outgoing_add(core, &path);
    if (outgoing == NULL) {
        return NETRON_E_AGAIN;
    }
    memcpy(outgoing->bytes, bytes, length);
    outgoing->length = (uint16_t)length;
    return NETRON_OK;
}
