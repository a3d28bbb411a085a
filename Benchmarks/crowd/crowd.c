/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.c - many peers of one gateway in one process, and how much of what they send arrives.
 *
 *   crowd netron PID INTERFACE GATEWAY PORT PEERS SECRET-HEX
 *   crowd relay  PID INTERFACE GATEWAY PORT CIPHER
 *
 * Each peer is an engine of the packet core with an identity and an address of its own. They make
 * their sessions with the node at GATEWAY:PORT; then the program says "ready" and takes orders from
 * its standard input:
 *
 *   send SENDERS TRAIN BYTES
 *
 * seals that many bytes of full inner packets, to the gateway's own address, TRAIN of each of the
 * first SENDERS peers in turn. Only then are they sent, a train by one UDP_SEGMENT send, in bursts:
 * the gateway, which is process PID, stands still while one fills its socket, and the time is
 * counted from when it goes on until its INTERFACE has taken the last packet. What came of it is a
 * line of JSON.
 *
 * With `relay` the same packets are sealed as Benchmarks/relay does, and come from one address; it
 * has one peer. Addresses of peers are 10.128.0.1, 10.128.1.1 and so on: the host has to have them
 * all. The end of the input ends it. */
#include "crowd.h"

#include "../relay/cipher.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    SECRET_BYTES_MAX = 4096,
    LINE_BYTES_MAX = 256,
    PATH_BYTES_MAX = 64,
    BUFFER_BYTES = 16 << 20,
    SERVE_MS = 2, /* between two looks at what is due */
};

_Noreturn void crowd_die(const char *what)
{
    perror(what);
    exit(1);
}

uint64_t crowd_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void crowd_pause(long ns)
{
    struct timespec time = {.tv_nsec = ns};
    nanosleep(&time, NULL);
}

static _Noreturn void refuse(const char *text)
{
    fprintf(stderr, "crowd: cannot take %s\n", text);
    exit(2);
}

static size_t from_hex(const char *text, uint8_t *out, size_t capacity)
{
    size_t length = strlen(text) / 2;
    if (strlen(text) % 2 != 0 || length > capacity) {
        refuse("the secret");
    }
    for (size_t i = 0; i < length; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return length;
}

static int open_socket(uint16_t port)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), bytes = BUFFER_BYTES, on = 1;
    setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
    setsockopt(udp, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
    if (udp < 0 || setsockopt(udp, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) != 0 ||
        bind(udp, (const struct sockaddr *)&any, sizeof(any)) != 0) {
        crowd_die("UDP");
    }
    return udp;
}

/* In the relay's place there is one member, who has no engine, and addresses of no network. */
static void make_relayed(struct crowd *crowd, const char *cipher)
{
    crowd->cipher = cipher_new(cipher);
    crowd->members = calloc(PEERS_MAX, sizeof(*crowd->members));
    if (!crowd->cipher || !crowd->members) {
        refuse(cipher);
    }
    for (uint32_t i = 0; i < PEERS_MAX; i++) {
        crowd->members[i].address[0] = 0xfd;
        crowd->members[i].address[15] = 2;
    }
    crowd->destination[0] = 0xfd;
    crowd->destination[15] = 1;
}

/* @return false if it was no order */
static bool take_order(struct crowd *crowd, const char *line)
{
    unsigned senders, train;
    unsigned long bytes;
    uint32_t most = crowd->cipher ? PEERS_MAX : crowd->count;
    if (sscanf(line, "send %u %u %lu", &senders, &train, &bytes) != 3 || senders < 1 ||
        senders > most || train < 1 || train > TRAIN_MAX) {
        return false;
    }
    load_send(crowd, senders, train, bytes);
    return true;
}

static int serve(struct crowd *crowd)
{
    struct pollfd wanted = {.fd = STDIN_FILENO, .events = POLLIN};
    char line[LINE_BYTES_MAX];
    setvbuf(stdin, NULL, _IONBF, 0); /* nothing may wait where poll() does not see it */
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (;;) {
        members_serve(crowd);
        if (poll(&wanted, 1, SERVE_MS) <= 0) {
            continue;
        }
        if (!fgets(line, sizeof(line), stdin)) {
            return 0;
        }
        if (!take_order(crowd, line)) {
            refuse(line);
        }
    }
}

int main(int argc, char **argv)
{
    static uint8_t secret[SECRET_BYTES_MAX];
    static struct crowd crowd;
    char counters[PATH_BYTES_MAX];
    bool relayed = argc == 7 && strcmp(argv[1], "relay") == 0;
    if (!relayed && (argc != 8 || strcmp(argv[1], "netron") != 0)) {
        fprintf(stderr, "usage: crowd netron PID INTERFACE GATEWAY PORT PEERS SECRET-HEX\n"
                        "       crowd relay PID INTERFACE GATEWAY PORT CIPHER\n");
        return 2;
    }
    uint16_t port = (uint16_t)strtoul(argv[5], NULL, 10);
    crowd.pid = (pid_t)strtol(argv[2], NULL, 10);
    snprintf(counters, sizeof(counters), "/proc/%s/net/dev", argv[2]);
    crowd.counters = open(counters, O_RDONLY | O_CLOEXEC);
    if (crowd.pid < 2 || crowd.counters < 0) {
        refuse(argv[2]);
    }
    crowd.interface = argv[3];
    crowd.gateway = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, argv[4], &crowd.gateway.sin_addr) != 1) {
        refuse(argv[4]);
    }
    crowd.udp = open_socket(port);
    if (relayed) {
        make_relayed(&crowd, argv[6]);
        return serve(&crowd);
    }
    crowd.count = (uint32_t)strtoul(argv[6], NULL, 10);
    crowd.secret = secret;
    crowd.secret_length = from_hex(argv[7], secret, sizeof(secret));
    if (crowd.count < 1 || crowd.count > PEERS_MAX) {
        refuse(argv[6]);
    }
    members_make(&crowd);
    members_gather(&crowd);
    return serve(&crowd);
}
