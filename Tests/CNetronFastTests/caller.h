/* SPDX-License-Identifier: Apache-2.0 */
/* caller.h - a member that is nothing but handshakes, for tests that need thousands of them. */
#ifndef NF_TEST_CALLER_H
#define NF_TEST_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/handshake.h"

typedef struct caller {
    nf_identity identity;
    nf_network network;
    nf_handshake handshake; /* of the last message 1 */
    uint8_t message1[NF_MESSAGE1_BYTES];
    uint64_t ephemerals; /* drawn so far */
    uint64_t sequence;   /* of the next packet it seals */
    uint8_t send_key[32], receive_key[32];
} caller;

/** A member of the network with that secret, by its number, whose clock shows `wall_ms`; 0: it has
 *  no clock. */
void caller_init(caller *caller, uint32_t number, const char *secret, uint64_t wall_ms);

/** Another identity with the same token. */
void caller_rename(caller *caller, uint32_t number);

/** Makes `message1`, with a cookie or without one (NULL). */
void caller_begin(caller *caller, uint32_t index, const uint8_t *cookie);

/** Opens the cookie that answers `message1`. */
bool caller_take_cookie(const caller *caller, const uint8_t *bytes, size_t length, uint8_t out[16]);

/** Answers a message 2. @return false if it is none for `message1` */
bool caller_answer(caller *caller,
                   const uint8_t *message2,
                   size_t length,
                   uint8_t message3[NF_MESSAGE3_BYTES]);

/** Seals a message of the session, in ChaCha20-Poly1305, which is all that it offers.
 *  @return the datagram's length */
size_t caller_seal(caller *caller, uint8_t type, const uint8_t *bytes, size_t length, uint8_t *out);

/** Opens a datagram of the session. @return the length of what was sealed, or -1 */
long caller_open(const caller *caller, const uint8_t *datagram, size_t length, uint8_t *out);

#endif
