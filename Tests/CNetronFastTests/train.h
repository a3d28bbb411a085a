/* SPDX-License-Identifier: Apache-2.0 */
/* train.h - packets of one flow that come one behind the other, for tests of who joins them. */
#ifndef NF_TEST_TRAIN_H
#define NF_TEST_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/join.h"
#include "packets.h"

enum {
    TRAIN_PACKETS_MAX = 80,
    PACKET_BYTES_MAX = 66000,
    LENGTH = 100, /* of the payload of most packets */
};

/** Each packet in memory of its own. */
typedef struct train {
    uint8_t *packets[TRAIN_PACKETS_MAX];
    size_t lengths[TRAIN_PACKETS_MAX];
    unsigned count;
} train;

/** Makes a packet, the last one. @return its bytes */
uint8_t *add_to_train(train *t, const recipe *r);

/** Adds `count` packets in sequence, the last with `last` bytes of payload. */
void make_train(train *t, const recipe *base, unsigned count, size_t last);

/** Leaves an empty one. */
void free_train(train *t);

/** Gives all of a train to a joiner. @return how many went in before one did not fit */
unsigned join_train(nf_joiner *joiner, const train *t, bool checksummed);

#endif
