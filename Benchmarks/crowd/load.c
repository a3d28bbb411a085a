/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - seals a load beforehand, sends it in bursts, and counts what the gateway takes. */
#include "../relay/cipher.h"
#include "crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BATCH = 64,         /* messages of one call */
    BURST = 4096,       /* packets: 9.4 MB of a socket's buffer, as the kernel counts */
    HOLD_NS = 2000000,  /* until all threads of the gateway stand still */
    TICK_NS = 20000,    /* between two looks at its counters */
    SEALED_MAX = 16384, /* packets that are sealed before members are served again */
    COUNTERS_BYTES = 4096,
    INNER_HEAD_BYTES = 40,
    NO_NEXT_HEADER = 59, /* RFC 8200, 4.7: the host takes it and asks nobody */
};

static const uint64_t lost_ns = 200000000; /* nothing arrives so long: the rest was lost */
static const double ns_per_second = 1e9;

struct load {
    uint8_t *bytes; /* datagrams in the order of sending, DATAGRAM_BYTES each */
    uint64_t count;
    uint32_t senders, train;
};

struct arrived {
    uint64_t packets, bytes;
};

/* What went in at the gateway's TUN so far. */
static struct arrived look(const struct crowd *crowd)
{
    char text[COUNTERS_BYTES];
    struct arrived arrived = {0};
    ssize_t length = pread(crowd->counters, text, sizeof(text) - 1, 0);
    if (length <= 0) {
        crowd_die("counters of the gateway");
    }
    text[length] = '\0';
    const char *line = strstr(text, crowd->interface);
    if (!line || sscanf(line + strlen(crowd->interface), ": %lu %lu", &arrived.bytes,
                        &arrived.packets) != 2) {
        fprintf(stderr, "crowd: the gateway has no interface %s\n", crowd->interface);
        exit(1);
    }
    return arrived;
}

static uint32_t sender_of(const struct load *load, uint64_t datagram)
{
    return (uint32_t)(datagram / load->train % load->senders);
}

static void seal_all(struct crowd *crowd, struct load *load)
{
    uint8_t packet[PACKET_BYTES] = {0x60};
    uint16_t payload = htons(PACKET_BYTES - INNER_HEAD_BYTES);
    memcpy(packet + 4, &payload, sizeof(payload));
    packet[6] = NO_NEXT_HEADER;
    packet[7] = 64;
    memcpy(packet + 24, crowd->destination, sizeof(crowd->destination));
    for (uint64_t i = 0; i < load->count; i++) {
        uint32_t sender = sender_of(load, i);
        uint8_t *out = load->bytes + i * DATAGRAM_BYTES;
        if (i % SEALED_MAX == 0) {
            members_serve(crowd);
        }
        memcpy(packet + 8, crowd->members[sender].address, 16);
        if (crowd->cipher) {
            cipher_seal(crowd->cipher, out, packet, PACKET_BYTES);
        } else {
            members_seal(crowd, sender, packet, out);
        }
    }
}

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
};

/* Whose the message is, and where the kernel cuts it. */
static void say_source(struct msghdr *message, union control *control, uint32_t number)
{
    struct in_pktinfo source = {.ipi_spec_dst.s_addr = htonl(crowd_address(number))};
    uint16_t segment = DATAGRAM_BYTES;
    message->msg_control = control;
    message->msg_controllen = sizeof(control->bytes);
    struct cmsghdr *next = CMSG_FIRSTHDR(message);
    next->cmsg_level = IPPROTO_IP;
    next->cmsg_type = IP_PKTINFO;
    next->cmsg_len = CMSG_LEN(sizeof(source));
    memcpy(CMSG_DATA(next), &source, sizeof(source));
    next = CMSG_NXTHDR(message, next);
    next->cmsg_level = SOL_UDP;
    next->cmsg_type = UDP_SEGMENT;
    next->cmsg_len = CMSG_LEN(sizeof(segment));
    memcpy(CMSG_DATA(next), &segment, sizeof(segment));
}

/* Sends the trains from `first` on, at most `room` packets of them; how many packets that were. */
static uint64_t
send_batch(struct crowd *crowd, const struct load *load, uint64_t first, uint64_t room)
{
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    static union control controls[BATCH];
    uint64_t left = load->count - first;
    uint64_t trains = (left < room ? left : room) / load->train;
    unsigned count = trains < BATCH ? (unsigned)trains : BATCH, gone = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t datagram = first + (uint64_t)i * load->train;
        struct msghdr *message = &messages[i].msg_hdr;
        pieces[i] = (struct iovec){load->bytes + datagram * DATAGRAM_BYTES,
                                   (size_t)load->train * DATAGRAM_BYTES};
        *message = (struct msghdr){.msg_name = &crowd->gateway,
                                   .msg_namelen = sizeof(crowd->gateway),
                                   .msg_iov = &pieces[i],
                                   .msg_iovlen = 1};
        /* The relay knows one address only. */
        say_source(message, &controls[i], crowd->cipher ? 0 : sender_of(load, datagram));
    }
    while (gone < count) {
        int now = sendmmsg(crowd->udp, messages + gone, count - gone, 0);
        if (now < 0 && errno != ENOBUFS && errno != ECONNREFUSED) {
            crowd_die("sendmmsg");
        }
        gone += now > 0 ? (unsigned)now : 1; /* one that is refused was sent and lost */
    }
    return (uint64_t)count * load->train;
}

static void tell(const struct crowd *crowd, int number)
{
    if (kill(crowd->pid, number) != 0) {
        crowd_die("gateway");
    }
}

/* Waits until a burst is taken, or no more of it comes; when its last packet came. */
static uint64_t wait_taken(const struct crowd *crowd, const struct arrived *before, uint64_t wanted)
{
    struct arrived last = *before;
    uint64_t moved = crowd_now();
    while (last.packets - before->packets < wanted) {
        struct arrived now = look(crowd);
        uint64_t at = crowd_now();
        if (now.packets != last.packets) {
            moved = at;
        } else if (at - moved > lost_ns) {
            break;
        }
        last = now;
        crowd_pause(TICK_NS);
    }
    return moved;
}

/* Each burst waits in the gateway's socket before the gateway may take it, so that the time is the
 * gateway's alone, however fast this program sends. */
static void send_all(struct crowd *crowd, const struct load *load)
{
    struct arrived first = look(crowd);
    uint64_t sent = 0, taken_ns = 0;
    while (sent < load->count) {
        struct arrived before = look(crowd);
        uint64_t burst = 0, more;
        tell(crowd, SIGSTOP);
        crowd_pause(HOLD_NS);
        while ((more = send_batch(crowd, load, sent + burst, BURST - burst)) > 0) {
            burst += more;
        }
        uint64_t begun = crowd_now();
        tell(crowd, SIGCONT);
        taken_ns += wait_taken(crowd, &before, burst) - begun;
        sent += burst;
        members_serve(crowd);
    }
    struct arrived last = look(crowd);
    printf("{\"sent\": %lu, \"arrived\": %lu, \"bytes\": %lu, \"seconds\": %.6f}\n", sent,
           last.packets - first.packets, last.bytes - first.bytes,
           (double)taken_ns / ns_per_second);
}

void load_send(struct crowd *crowd, uint32_t senders, uint32_t train, uint64_t bytes)
{
    uint64_t turn = (uint64_t)senders * train;
    struct load load = {.senders = senders, .train = train};
    load.count = (bytes / PACKET_BYTES + turn - 1) / turn * turn;
    size_t room = load.count * DATAGRAM_BYTES;
    load.bytes = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (load.bytes == MAP_FAILED) {
        crowd_die("memory");
    }
    madvise(load.bytes, room, MADV_HUGEPAGE);
    seal_all(crowd, &load);
    send_all(crowd, &load);
    munmap(load.bytes, room);
}
