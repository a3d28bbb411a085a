/* SPDX-License-Identifier: Apache-2.0 */
/* fragment_fuzz.c - pieces in any order, good and bad.
 * Input: commands of 8 bytes. A command gives a piece of a packet that was cut rightly, or one
 * with a header of its own. A packet that comes out whole is one that pieces went in for, in full;
 * with right pieces alone, it is the packet that was cut. */
#include "machine/assert.h"
#include "machine/fragment.h"
#include "machine/wire.h"

#include <stdlib.h>
#include <string.h>

enum { COMMAND_BYTES = 8, PACKET_MAX = NF_FRAGMENT_PACKET_BYTES_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each byte tells its packet and place. */
static void fill(uint8_t *packet, size_t length, uint32_t id)
{
    for (size_t i = 0; i < length; i++) {
        packet[i] = (uint8_t)(id * 151 + i * 7 + (i >> 8));
    }
}

/* A right piece of packet `id`, whose length and flags follow from the id. */
static size_t make_right(uint32_t id, uint8_t index, uint8_t *piece)
{
    uint8_t packet[PACKET_MAX];
    size_t length = 2 + (id * 613) % 4300;
    unsigned count = nf_fragment_count(length, 9 + length / 2);
    if (count < 2 || count > NF_FRAGMENT_PIECES_MAX) {
        count = 2 + id % 2;
    }
    fill(packet, length, id);
    if (length < 5 ||
        (length + count - 1) / count + NF_FRAGMENT_HEADER_BYTES > NF_FRAGMENT_PIECE_BYTES_MAX) {
        return 0;
    }
    return nf_fragment_cut(packet, length, id, index % count, count, (uint8_t)(id & 1), piece);
}

static size_t make_any(const uint8_t *command, uint8_t *piece)
{
    size_t bytes = nf_load_le16(command + 4);
    if (bytes > 2000) {
        bytes %= 2000;
    }
    nf_store_le32(piece, command[1] % 20U);
    piece[4] = command[2] & 3;
    piece[5] = command[3] & 7;
    piece[6] = command[6] & 1;
    piece[7] = command[7];
    memset(piece + NF_FRAGMENT_HEADER_BYTES, command[1], bytes);
    size_t length = NF_FRAGMENT_HEADER_BYTES + bytes;
    return (command[2] & 0x80) != 0 ? length % NF_FRAGMENT_HEADER_BYTES : length;
}

static void check_whole(uint64_t session, bool right, uint8_t *packet, size_t length, uint32_t id)
{
    nf_assert(length >= 2 && length <= PACKET_MAX);
    if (right) {
        uint8_t expected[PACKET_MAX];
        nf_assert(session == 1 && length == 2 + (id * 613) % 4300);
        fill(expected, length, id);
        nf_assert(memcmp(packet, expected, length) == 0);
    } else {
        for (size_t i = 0; i < length; i++) {
            nf_assert(packet[i] % 20 == id);
        }
    }
    memset(packet, 0xee, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nf_reassembly *reassembly = nf_reassembly_new();
    uint64_t now_ns = 0;
    for (; size >= COMMAND_BYTES; size -= COMMAND_BYTES, data += COMMAND_BYTES) {
        /* Right pieces and others come in sessions of their own, and share the places. */
        bool right = (data[0] & 1) != 0;
        uint8_t room[NF_FRAGMENT_HEADER_BYTES + 2000];
        now_ns += (uint64_t)(data[0] >> 1) * (data[0] >> 1) * 200000;
        size_t length = right ? make_right(data[1], data[2], room) : make_any(data, room);
        uint8_t *piece = malloc(length + (length == 0));
        memcpy(piece, room, length);
        uint8_t *packet = NULL, flags = 0, tos = data[0];
        size_t packet_length = 0;
        uint64_t session = right ? 1 : 2;
        if (nf_reassembly_add(reassembly, session, piece, length, now_ns, &packet, &packet_length,
                              &flags, &tos) == NF_FRAGMENT_WHOLE) {
            uint32_t id = nf_load_le32(piece);
            nf_assert(flags == piece[6]);
            check_whole(session, right, packet, packet_length, id);
        }
        free(piece);
    }
    nf_reassembly_free(reassembly);
    return 0;
}
