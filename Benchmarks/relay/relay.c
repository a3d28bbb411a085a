/* SPDX-License-Identifier: Apache-2.0 */
/* relay.c - the data path of a VPN without the VPN: a TUN, a UDP socket and a cipher.
 *
 *   relay -i INTERFACE -l LOCAL-ADDRESS -r REMOTE-ADDRESS [-p PORT] [-u UNDERLAY-MTU]
 *         [-m gso|mmsg] [-e none|aes256|chacha|sodiumaes|sodium]
 *
 * It has one peer, one fixed key, no handshake, no replay window, no routes: what is left is what
 * the kernel and the cipher cost, and so the speed that a VPN made this way cannot pass. Made for
 * measuring; it protects nothing.
 *
 *   gso    TSO and USO on the TUN; packets of one size leave in one UDP_SEGMENT send, come in by
 *          UDP_GRO, and TCP segments are joined again before they are written to the TUN
 *   mmsg   none of that: a read and a write a packet, sendmmsg and recvmmsg between
 */
#include "cipher.h"
#include "packets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>

/* Linux 6.2; the headers of Debian 12 are older. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

enum {
    READS_MAX = 64,    /* of the TUN, before the socket has its turn */
    SLOT_BYTES = 2048, /* of one datagram in mmsg mode */
    CACHE_LINE_BYTES = 64,
    APART_BYTES = 2048,     /* half a page between `in` and `out`: their lines do not alias */
    SUPER_BYTES = 65536,    /* of one read of the TUN, and of one receive */
    SEND_BYTES_MAX = 65000, /* of one UDP_SEGMENT send */
    RECEIVES_MAX = 8,       /* of SUPER_BYTES, in one recvmmsg */
    SOCKET_BUFFER_BYTES = 16 << 20,
    OUTER_BYTES = 20 + 8, /* IPv4 and UDP */
    FULL_WAIT_MS = 10,    /* then a full socket is tried again all the same */
};

struct relay {
    int tun, udp;
    bool offloads;
    struct cipher *sealing, *opening;
    uint8_t *in;  /* from the TUN */
    uint8_t *out; /* sealed, towards the socket */
    size_t out_bytes, segment_bytes;
    int segments; /* in out */
    bool full;    /* the last segment was a shorter one */
    uint8_t *received;
    struct train train;
};

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static void wait_writable(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLOUT};
    poll(&wanted, 1, FULL_WAIT_MS);
}

static bool is_full(int error)
{
    return error == EAGAIN || error == ENOBUFS || error == EINTR;
}

/* Sends the segments that wait as one. */
static void flush_segments(struct relay *relay)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control = {.bytes = {0}};
    struct iovec piece = {relay->out, relay->out_bytes};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (relay->segments == 0) {
        return;
    }
    if (relay->segments > 1) {
        uint16_t segment = (uint16_t)relay->segment_bytes;
        control.header.cmsg_level = SOL_UDP;
        control.header.cmsg_type = UDP_SEGMENT;
        control.header.cmsg_len = CMSG_LEN(sizeof(segment));
        memcpy(CMSG_DATA(&control.header), &segment, sizeof(segment));
        message.msg_control = &control;
        message.msg_controllen = sizeof(control.bytes);
    }
    while (sendmsg(relay->udp, &message, 0) < 0 && is_full(errno)) {
        wait_writable(relay->udp);
    }
    relay->segments = 0;
    relay->out_bytes = 0;
    relay->full = false;
}

/* All segments of a send are of one size; a shorter one may be the last. */
static void add_segment(struct relay *relay, const uint8_t *packet, size_t length)
{
    size_t bytes = length + cipher_overhead(relay->sealing);
    if (relay->full || relay->segments == SEGMENTS_MAX || bytes > relay->segment_bytes ||
        relay->out_bytes + bytes > SEND_BYTES_MAX) {
        flush_segments(relay);
    }
    if (relay->segments == 0) {
        relay->segment_bytes = bytes;
    }
    relay->full = bytes < relay->segment_bytes;
    cipher_seal(relay->sealing, relay->out + relay->out_bytes, packet, length);
    relay->out_bytes += bytes;
    relay->segments++;
}

static int send_offloaded(struct relay *relay)
{
    int reads = 0;
    for (; reads < READS_MAX; reads++) {
        ssize_t length = read(relay->tun, relay->in - VNET_BYTES, SUPER_BYTES + VNET_BYTES);
        if (length <= (ssize_t)VNET_BYTES) {
            break;
        }
        struct virtio_net_hdr vnet;
        uint8_t *packet = relay->in;
        size_t packet_bytes = (size_t)length - VNET_BYTES;
        memcpy(&vnet, relay->in - VNET_BYTES, VNET_BYTES);
        if (vnet.gso_type == VIRTIO_NET_HDR_GSO_NONE) {
            complete_checksum(&vnet, packet, packet_bytes);
            add_segment(relay, packet, packet_bytes);
            continue;
        }
        struct cut cut;
        if (!cut_begin(&cut, &vnet, packet, packet_bytes)) {
            continue;
        }
        while (cut_next(&cut, &packet, &packet_bytes)) {
            add_segment(relay, packet, packet_bytes);
        }
    }
    flush_segments(relay);
    return reads;
}

static int send_singly(struct relay *relay)
{
    struct mmsghdr messages[READS_MAX];
    struct iovec pieces[READS_MAX];
    int reads = 0, sent = 0;
    for (; reads < READS_MAX; reads++) {
        ssize_t length = read(relay->tun, relay->in, SLOT_BYTES - HEADER_BYTES - TAG_BYTES);
        if (length <= 0) {
            break;
        }
        uint8_t *slot = relay->out + (size_t)reads * SLOT_BYTES;
        pieces[reads].iov_base = slot;
        pieces[reads].iov_len = cipher_seal(relay->sealing, slot, relay->in, (size_t)length);
        messages[reads].msg_hdr = (struct msghdr){.msg_iov = &pieces[reads], .msg_iovlen = 1};
    }
    while (sent < reads) {
        int now = sendmmsg(relay->udp, messages + sent, (unsigned)(reads - sent), 0);
        if (now > 0) {
            sent += now;
        } else if (is_full(errno)) {
            wait_writable(relay->udp);
        } else {
            sent++; /* refused, for instance by a peer that is not there: lost */
        }
    }
    return reads;
}

/* The size of the datagrams that the kernel joined into one, or all of it. */
static size_t segment_of(struct msghdr *message, size_t length)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int segment;
            memcpy(&segment, CMSG_DATA(c), sizeof(segment));
            return segment > 0 ? (size_t)segment : length;
        }
    }
    return length;
}

static void deliver(struct relay *relay, uint8_t *bytes, size_t length, size_t segment)
{
    for (size_t at = 0; at < length; at += segment) {
        size_t left = length - at, packet_bytes;
        uint8_t *datagram = bytes + at;
        if (!cipher_open(relay->opening, datagram, left < segment ? left : segment,
                         &packet_bytes)) {
            continue;
        }
        if (relay->offloads) {
            train_add(&relay->train, datagram + HEADER_BYTES, packet_bytes);
        } else if (write(relay->tun, datagram + HEADER_BYTES, packet_bytes) < 0) {
            continue; /* lost, as on any link */
        }
    }
}

static int receive(struct relay *relay)
{
    struct mmsghdr messages[READS_MAX];
    struct iovec pieces[READS_MAX];
    char controls[RECEIVES_MAX][CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
    int count = relay->offloads ? RECEIVES_MAX : READS_MAX;
    size_t room = relay->offloads ? SUPER_BYTES : SLOT_BYTES;
    for (int i = 0; i < count; i++) {
        pieces[i] = (struct iovec){relay->received + (size_t)i * room, room};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
        if (relay->offloads) {
            messages[i].msg_hdr.msg_control = controls[i];
            messages[i].msg_hdr.msg_controllen = sizeof(controls[i]);
        }
    }
    count = recvmmsg(relay->udp, messages, (unsigned)count, 0, NULL);
    for (int i = 0; i < count; i++) {
        size_t length = messages[i].msg_len;
        deliver(relay, pieces[i].iov_base, length, segment_of(&messages[i].msg_hdr, length));
    }
    train_leave(&relay->train);
    return count;
}

static _Noreturn void run(struct relay *relay)
{
    struct pollfd wanted[] = {{.fd = relay->tun, .events = POLLIN},
                              {.fd = relay->udp, .events = POLLIN}};
    for (;;) {
        int sent = relay->offloads ? send_offloaded(relay) : send_singly(relay);
        int received = receive(relay);
        if (sent <= 0 && received <= 0) {
            poll(wanted, 2, -1);
        }
    }
}

static int open_tun(const char *name, bool offloads, int mtu)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (offloads) {
        request.ifr_flags |= IFF_VNET_HDR;
    }
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (tun < 0 || ioctl(tun, TUNSETIFF, &request) != 0) {
        die("TUN");
    }
    unsigned basic = TUN_F_CSUM | TUN_F_TSO4;
    if (offloads && ioctl(tun, TUNSETOFFLOAD, basic | TUN_F_USO4 | TUN_F_USO6) != 0 &&
        ioctl(tun, TUNSETOFFLOAD, basic) != 0) {
        die("TUN offloads");
    }
    request.ifr_mtu = mtu;
    if (any < 0 || ioctl(any, SIOCSIFMTU, &request) != 0) {
        die("MTU");
    }
    close(any);
    return tun;
}

static struct sockaddr_in address_of(const char *text, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (!text || inet_pton(AF_INET, text, &address.sin_addr) != 1) {
        fprintf(stderr, "relay: not an IPv4 address: %s\n", text ? text : "(none)");
        exit(2);
    }
    return address;
}

static int
open_udp(const struct sockaddr_in *local, const struct sockaddr_in *remote, bool offloads)
{
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int bytes = SOCKET_BUFFER_BYTES, on = 1;
    setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
    setsockopt(udp, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
    if (udp < 0 || bind(udp, (const struct sockaddr *)local, sizeof(*local)) != 0 ||
        connect(udp, (const struct sockaddr *)remote, sizeof(*remote)) != 0) {
        die("UDP");
    }
    if (offloads && setsockopt(udp, SOL_UDP, UDP_GRO, &on, sizeof(on)) != 0) {
        die("UDP_GRO");
    }
    return udp;
}

static uint8_t *buffer_new(size_t bytes)
{
    uint8_t *made = aligned_alloc(CACHE_LINE_BYTES, bytes);
    if (!made) {
        die("memory");
    }
    return made;
}

/* What the command line says. */
struct request {
    const char *interface, *cipher, *local, *remote;
    uint16_t port;
    int underlay_mtu;
    bool offloads;
};

static bool parse(int argc, char **argv, struct request *request)
{
    int option;
    while ((option = getopt(argc, argv, "i:l:r:p:u:m:e:")) != -1) {
        switch (option) {
        case 'i':
            request->interface = optarg;
            break;
        case 'l':
            request->local = optarg;
            break;
        case 'r':
            request->remote = optarg;
            break;
        case 'p':
            request->port = (uint16_t)strtoul(optarg, NULL, 10);
            break;
        case 'u':
            request->underlay_mtu = (int)strtol(optarg, NULL, 10);
            break;
        case 'm':
            request->offloads = strcmp(optarg, "mmsg") != 0;
            break;
        case 'e':
            request->cipher = optarg;
            break;
        default:
            return false;
        }
    }
    return optind == argc;
}

int main(int argc, char **argv)
{
    struct request request = {.interface = "relay0",
                              .cipher = "none",
                              .port = 7777,
                              .underlay_mtu = 1500,
                              .offloads = true};
    if (!parse(argc, argv, &request)) {
        return 2;
    }
    struct sockaddr_in from = address_of(request.local, request.port);
    struct sockaddr_in to = address_of(request.remote, request.port);
    struct relay relay = {.offloads = request.offloads};
    relay.sealing = cipher_new(request.cipher);
    relay.opening = cipher_new(request.cipher);
    if (!relay.sealing || !relay.opening) {
        fprintf(stderr, "relay: no cipher %s here\n", request.cipher);
        return 2;
    }
    int mtu = request.underlay_mtu - OUTER_BYTES - HEADER_BYTES - TAG_BYTES;
    if (!relay.offloads && mtu > SLOT_BYTES - HEADER_BYTES - TAG_BYTES) {
        mtu = SLOT_BYTES - HEADER_BYTES - TAG_BYTES;
    }
    relay.tun = relay.train.tun = open_tun(request.interface, relay.offloads, mtu);
    relay.udp = open_udp(&from, &to, relay.offloads);
    relay.in = buffer_new((size_t)2 * SUPER_BYTES) + APART_BYTES;
    relay.out = buffer_new((size_t)READS_MAX * SLOT_BYTES);
    relay.received = buffer_new((size_t)RECEIVES_MAX * SUPER_BYTES);
    run(&relay);
}
