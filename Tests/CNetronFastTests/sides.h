/* SPDX-License-Identifier: Apache-2.0 */
/* sides.h - two devices on real interfaces, each in a network of its own, in one process, so that a
 * sanitizer watches their threads.
 *
 *      namespace A                           namespace B
 *    netron0 10.1.0.1 ---------------------- netron0 10.1.0.2
 *         va 10.99.0.1 ======================= vb 10.99.0.2
 */
#ifndef NF_TEST_SIDES_H
#define NF_TEST_SIDES_H

#include <semaphore.h>
#include <stdint.h>

#include "netron/device.h"

enum { PORT = 7000, BOUND_SECONDS = 30 };

/** One side: its device, and the semaphore that wakes its caller. */
typedef struct side {
    netron_device *device;
    sem_t awake;
    uint8_t id[NETRON_ID_BYTES];
} side;

/** A fixture for cmocka: makes the two networks; the program is in B then. */
int make_sides(void **state);

/** Moves the calling thread to the network of a side. */
void enter_side(int number);

/** Runs a command of the shell; fails the test if it fails. */
void run_command(const char *command);

/** A socket in the network of a side. */
int socket_in(int number, int type);

/** Starts the device of a side; fails the test if that does not work. */
void start_side(side *s, int number, uint32_t lanes, uint32_t offloads_off);

/** The same with TCP too; `proxy` may be NULL. */
void start_tcp_side(side *s, int number, uint32_t lanes, const netron_endpoint *proxy);

/** The same without an interface, on another port: who only carries for others. */
void start_relay(side *s, int number, uint32_t lanes, uint16_t port);

/** Waits for an event of a kind; others pass by. */
void await_event(side *s, uint32_t kind, netron_event *event);

/** Pings a peer until it answers, as a ping may be lost like any packet (in a full queue, say). */
void await_pong(side *s, const uint8_t id[32]);

/** B dials A; each routes the other's inner address. */
void meet_sides(side sides[2]);

#endif
