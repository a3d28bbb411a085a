/* SPDX-License-Identifier: Apache-2.0 */
/* engine_parts.h - what an engine is made of: the control machine and one lane. Pure. */
#ifndef NF_ENGINE_PARTS_H
#define NF_ENGINE_PARTS_H

#include "machine/core.h"
#include "netron/engine.h"

enum {
    NF_ENGINE_PACKETS_MAX = 256, /* for the host, until they are polled */
    NF_ENGINE_PACKET_BYTES_MAX = 4416,
};

typedef struct nf_inner_packet {
    uint16_t length;
    uint8_t bytes[NF_ENGINE_PACKET_BYTES_MAX];
} nf_inner_packet;

struct netron_engine {
    nf_core *core;
    nf_lane lane;
    nf_mailbox *letters;
    nf_ring packet_ring;
    nf_inner_packet *packets;
    uint32_t sent_messages; /* of the outbox, polled whole */
    uint32_t sent_bytes;    /* of the message after them */
    uint8_t datagram[65536];
};

#endif
