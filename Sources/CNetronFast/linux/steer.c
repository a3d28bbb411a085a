/* SPDX-License-Identifier: Apache-2.0 */
/* steer.c - the socket filter that brings a session message, or what a circuit carries, to the lane
 * that owns it. */
#include "linux/steer.h"

#include "machine/assert.h"
#include "machine/wire.h"
#include "netron/types.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>

enum {
    INDEX_OFFSET = 4, /* of the receiver index, or circuit id; its first byte is the lowest */
    STEER_LENGTH = 9,
};

/* The kernel runs the program on the UDP payload and takes the result as a position in the group. A
 * load past the end returns 0, so that a datagram cut short goes to control as well. Of a GRO train
 * it sees the first datagram only. */
int nf_steer_attach(int fd, uint32_t lanes)
{
    nf_assert(lanes >= 1 && lanes <= NETRON_LANES_MAX);
    struct sock_filter code[STEER_LENGTH] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, NF_TYPE_DATA, 0, 6),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, NF_TYPE_RELAY, 5, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, INDEX_OFFSET),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, NF_LANE_COUNT - 1),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, lanes),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
        BPF_STMT(BPF_RET | BPF_A, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = STEER_LENGTH, .filter = code};
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) != 0) {
        return -errno;
    }
    return 0;
}
