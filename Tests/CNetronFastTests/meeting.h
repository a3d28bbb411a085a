/* SPDX-License-Identifier: Apache-2.0 */
/* meeting.h - two members and the three messages between them, a step at a time. */
#ifndef NF_TEST_MEETING_H
#define NF_TEST_MEETING_H

#include <stdint.h>

#include "machine/handshake.h"
#include "netron/types.h"

enum {
    EPOCH_SECONDS = 3600,
    EPOCH = 100,
    NOISE1_AT = 4, /* where what Noise makes begins, in message 1 and in the others */
    NOISE23_AT = 8,
    BOTH = NETRON_SUITE_CHACHA20_POLY1305 | NETRON_SUITE_AES256_GCM,
};

typedef struct member {
    nf_identity identity;
    nf_network network;
    nf_hello hello;
    uint8_t ephemeral[32];
    nf_handshake handshake;
} member;

/** Two members, and their messages so far. */
typedef struct meeting {
    member a, b; /* initiator, responder */
    uint8_t message1[NF_MESSAGE1_BYTES];
    uint8_t message2[NF_MESSAGE2_BYTES];
    uint8_t message3[NF_MESSAGE3_BYTES];
} meeting;

/** The first seed from `seed` on that gives an id. */
void make_identity(nf_identity *identity, uint8_t seed);

/** A member of the one network of all meetings, in that epoch; 0: it has no clock. */
member make_member(uint8_t number, uint64_t epoch);

/** Two members that have not said anything. */
meeting begin_meeting(void);

/* The six steps, in their order. A message that is read is the one that the other wrote. */
void write1(meeting *m);
nf_handshake_result read1(meeting *m);
nf_handshake_result write2(meeting *m);
nf_handshake_result read2(meeting *m);
nf_handshake_result write3(meeting *m);
nf_handshake_result read3(meeting *m);

/** Runs the first `steps` of the six; all must go well. */
meeting meet(unsigned steps);

/** Fails the test unless what one sends with is what the other receives with. */
void assert_keys_agree(const meeting *m);

#endif
