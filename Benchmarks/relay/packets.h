/* SPDX-License-Identifier: Apache-2.0 */
/* packets.h - cuts what TSO and USO hand over into packets, and joins TCP segments again. */
#ifndef RELAY_PACKETS_H
#define RELAY_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <linux/virtio_net.h>

enum {
    VNET_BYTES = sizeof(struct virtio_net_hdr),
    HEADERS_BYTES_MAX = 120, /* IPv4 and TCP with all their options */
    SEGMENTS_MAX = 64,       /* of one UDP_SEGMENT send, and of one train */
};

/* A super-packet on its way to be cut. The packet's bytes are overwritten: each piece gets its
 * header in front, over the payload of the one before. */
struct cut {
    uint8_t header[HEADERS_BYTES_MAX];
    uint8_t *packet;
    size_t length;      /* of the super-packet */
    size_t ip_bytes;    /* of the IP header */
    size_t both_bytes;  /* of the IP header and what follows it up to the payload */
    size_t payload_max; /* of a piece */
    size_t done;        /* where the next piece's payload begins */
    uint64_t pseudo;    /* sum of the pseudo-header but for the length */
    bool tcp;
};

/* False if that is no super-packet of IPv4 with TCP or UDP. */
bool cut_begin(struct cut *cut, const struct virtio_net_hdr *vnet, uint8_t *packet, size_t length);

/* The next piece, valid until the call after; false when there is none left. */
bool cut_next(struct cut *cut, uint8_t **packet, size_t *length);

/* Computes the checksum that the kernel left open. */
void complete_checksum(const struct virtio_net_hdr *vnet, uint8_t *packet, size_t length);

/* TCP segments of one flow that leave as one write to the TUN; the bytes are the caller's until
 * train_leave(). */
struct train {
    struct iovec pieces[SEGMENTS_MAX + 1]; /* vnet header, first packet, payloads */
    struct virtio_net_hdr vnet;
    int count; /* 0: empty */
    int tun;
    bool open; /* another segment may follow */
    size_t length;
    size_t header_bytes;
    size_t payload_max;
    uint32_t next_sequence;
};

/* Takes a packet, after it has sent off what this one does not follow. */
void train_add(struct train *train, uint8_t *packet, size_t length);

/* Writes what waits. */
void train_leave(struct train *train);

#endif
