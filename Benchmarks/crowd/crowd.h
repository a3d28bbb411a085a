/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.h - what the parts of the crowd share: who is in it, and the one socket that all speak by.
 */
#ifndef CROWD_H
#define CROWD_H

#include <netron/engine.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    PACKET_BYTES = NETRON_MTU_DEFAULT, /* each inner packet is a full one */
    DATAGRAM_BYTES = PACKET_BYTES + NETRON_OVERHEAD_BYTES,
    PEERS_MAX = NETRON_PEERS_MAX,
    TRAIN_MAX = 45, /* datagrams of one send: 64 KiB */
};

struct cipher;

struct member {
    netron_engine *engine;
    bool is_up;
    uint8_t address[16]; /* inner */
};

/* Peers differ by their addresses; a message of the socket says whose it is. */
struct crowd {
    int udp;
    struct sockaddr_in gateway;
    uint32_t count; /* of members */
    struct member *members;
    const uint8_t *secret; /* of the network */
    size_t secret_length;
    uint8_t gateway_id[NETRON_ID_BYTES];
    uint8_t destination[16]; /* inner, of the gateway */
    struct cipher *cipher;   /* of the relay, when that stands in the gateway's place */
    pid_t pid;               /* of the gateway */
    int counters;            /* its net/dev in /proc */
    const char *interface;   /* its TUN */
};

/* Outer address of a member: a network of its own for each, so that none is taken for another. */
static inline uint32_t crowd_address(uint32_t number)
{
    const uint32_t first = 0x0a800001; /* 10.128.0.1 */
    return first + (number << 8);
}

_Noreturn void crowd_die(const char *what);
uint64_t crowd_now(void);
void crowd_pause(long ns);

/* members.c: makes the members; brings all to the gateway, with paths that take full packets. */
void members_make(struct crowd *crowd);
void members_gather(struct crowd *crowd);
/* Takes and says what is due. */
void members_serve(struct crowd *crowd);
/* Seals one packet of a member into DATAGRAM_BYTES. */
void members_seal(struct crowd *crowd, uint32_t number, const uint8_t *packet, uint8_t *out);

/* load.c: seals `bytes` of inner packets, `train` of them at a time for each of the first `senders`
 * members in turn, then sends them, and prints what arrived as a line of JSON. */
void load_send(struct crowd *crowd, uint32_t senders, uint32_t train, uint64_t bytes);

#endif
