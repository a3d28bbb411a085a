/* SPDX-License-Identifier: Apache-2.0 */
/* sockets.h - two groups of sockets on the loopback, and what goes from one to the other. */
#ifndef NF_TEST_SOCKETS_H
#define NF_TEST_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "linux/udp.h"

enum { SOCKETS_PAYLOAD_BYTES = NF_UDP_TRAIN_BYTES_MAX };

/* Addresses of the loopback, IPv4 and IPv6: its own, and others that it was given. */
extern const char *const families[2];
extern const char *const others[2];

/* Each has one socket, unless a test opens it anew. */
extern nf_udp_group here, there;
extern nf_receiver *receiver;
extern uint8_t payload[SOCKETS_PAYLOAD_BYTES];

/* Fixtures for cmocka: of a group of tests, and of each one. */
int open_sockets(void **state);
int close_sockets(void **state);
int each(void **state);

/** Opens both groups anew, without some offloads. */
void reopen(uint32_t here_off, uint32_t there_off);

/** The first bytes of `payload`, to the port of `there`. */
nf_departure departure_to(const char *address, uint32_t length, uint32_t segment);

/** What came of sending from `here`. */
typedef struct outcome {
    int done;
    uint32_t refused;
    bool too_big;
} outcome;

outcome send_all(const nf_departure *messages, uint32_t count);

/** Fails the test unless all goes well. */
void send_well(const nf_departure *message);

/** Waits for the arrivals of one call. @return how many there are, at least one */
int receive_some(nf_udp *udp, nf_arrival **arrivals);

/** Waits for the only arrival. */
nf_arrival receive_one(nf_udp *udp);

/** Takes a train of `there` in whatever pieces it comes. @return the number of arrivals */
int receive_train(const nf_departure *train);

/** Which socket of the group gets `length` bytes from `here`; it must be one alone. */
uint32_t steered_to(nf_udp_group *group, const char *address, const void *bytes, uint32_t length);

#endif
