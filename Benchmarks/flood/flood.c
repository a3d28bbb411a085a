/* SPDX-License-Identifier: Apache-2.0 */
/* flood.c - sends small UDP packets at a rate, and counts what arrives, lost or out of order.
 *
 *   flood count PORT
 *   flood send ADDRESS PORT BYTES PACKETS-PER-SECOND SECONDS [FLOWS]
 *
 * The counter runs until it is killed. The sender spreads its packets over FLOWS sockets (1), then
 * asks the counter over the same path what it saw, and prints that as one line of JSON. Packets
 * leave in batches, so that the sender costs less than what it measures. IPv4, one machine: both
 * ends write numbers in its byte order. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,
    PACKET_BYTES_MAX = 9000,
    FLOWS_MAX = 16,
    TICK_NS = 200000, /* between two looks at what is due */
    BUFFER_BYTES = 16 << 20,
    ASKED_MAX = 30, /* times that the sender asks */
    ANSWER_WAIT_MS = 200,
    SETTLE_NS = 100000000, /* between two questions */
};

static const double ns_per_second = 1e9;

enum kind { DATA = 0x6e46d001, QUESTION, ANSWER };

/* The beginning of every packet; those of DATA are filled up to their size. */
struct head {
    uint32_t kind;
    uint32_t run; /* tells this sender's packets from an earlier one's */
    uint32_t flow;
    uint32_t order; /* in the flow */
    uint64_t arrived, disordered;
};

/* What the counter knows of one run. */
struct tally {
    uint32_t run;
    uint32_t highest[FLOWS_MAX];
    uint64_t arrived, disordered;
};

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void pause_ns(long ns)
{
    struct timespec time = {.tv_nsec = ns};
    nanosleep(&time, NULL);
}

static int open_socket(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), bytes = BUFFER_BYTES;
    if (fd < 0) {
        die("socket");
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
    return fd;
}

/* Order in a flow is counted from 1, so that 0 stands before all. */
static void count_one(struct tally *tally, const struct head *head)
{
    if (head->run != tally->run) {
        memset(tally, 0, sizeof(*tally));
        tally->run = head->run;
    }
    uint32_t *highest = &tally->highest[head->flow % FLOWS_MAX];
    tally->arrived++;
    if (head->order < *highest) {
        tally->disordered++;
    } else {
        *highest = head->order;
    }
}

static _Noreturn void count(uint16_t port)
{
    static uint8_t buffers[BATCH][PACKET_BYTES_MAX];
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    struct sockaddr_in from[BATCH];
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct tally tally = {0};
    int fd = open_socket();
    if (bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0) {
        die("bind");
    }
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            pieces[i] = (struct iovec){buffers[i], PACKET_BYTES_MAX};
            messages[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                                  .msg_namelen = sizeof(from[i]),
                                                  .msg_iov = &pieces[i],
                                                  .msg_iovlen = 1};
        }
        int got = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < got; i++) {
            struct head head;
            if (messages[i].msg_len < sizeof(head)) {
                continue;
            }
            memcpy(&head, buffers[i], sizeof(head));
            if (head.kind == DATA) {
                count_one(&tally, &head);
            } else if (head.kind == QUESTION) {
                head.kind = ANSWER;
                head.arrived = head.run == tally.run ? tally.arrived : 0;
                head.disordered = head.run == tally.run ? tally.disordered : 0;
                sendto(fd, &head, sizeof(head), 0, (struct sockaddr *)&from[i], sizeof(from[i]));
            }
        }
    }
}

struct flood {
    int fds[FLOWS_MAX];
    uint32_t orders[FLOWS_MAX];
    uint32_t flows, run;
    size_t bytes;
    uint64_t sent;
};

/* Sends `due` packets, at most BATCH, as one flow's. */
static void send_batch(struct flood *flood, uint64_t due)
{
    static uint8_t buffers[BATCH][PACKET_BYTES_MAX];
    static uint64_t batches;
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    uint32_t flow = (uint32_t)(batches++ % flood->flows);
    unsigned count = due < BATCH ? (unsigned)due : BATCH, gone = 0;
    for (unsigned i = 0; i < count; i++) {
        struct head head = {.kind = DATA, .run = flood->run, .flow = flow};
        head.order = ++flood->orders[flow];
        memcpy(buffers[i], &head, sizeof(head));
        pieces[i] = (struct iovec){buffers[i], flood->bytes};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
    }
    while (gone < count) {
        int now = sendmmsg(flood->fds[flow], messages + gone, count - gone, 0);
        if (now < 0 && errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED) {
            die("sendmmsg");
        }
        gone += now > 0 ? (unsigned)now : 1; /* one that is refused was sent and lost */
    }
    flood->sent += count;
}

/* Asks until two answers in a row agree: then nothing is on its way any more. */
static bool ask(const struct flood *flood, struct head *answer)
{
    uint64_t before = UINT64_MAX;
    for (int i = 0; i < ASKED_MAX; i++) {
        struct head question = {.kind = QUESTION, .run = flood->run};
        struct pollfd wanted = {.fd = flood->fds[0], .events = POLLIN};
        pause_ns(SETTLE_NS);
        if (send(flood->fds[0], &question, sizeof(question), 0) < 0 ||
            poll(&wanted, 1, ANSWER_WAIT_MS) <= 0 ||
            recv(flood->fds[0], answer, sizeof(*answer), 0) != sizeof(*answer) ||
            answer->kind != ANSWER || answer->run != flood->run) {
            continue;
        }
        if (answer->arrived == before) {
            return true;
        }
        before = answer->arrived;
    }
    return false;
}

static int send_all(struct flood *flood, double rate, double seconds)
{
    uint64_t begun = now_ns(), wanted = (uint64_t)(rate * seconds);
    uint64_t latest = begun + (uint64_t)(seconds * 1.1 * ns_per_second);
    uint64_t now = begun;
    while (flood->sent < wanted && now < latest) {
        now = now_ns();
        uint64_t due = (uint64_t)((double)(now - begun) * rate / ns_per_second);
        due = due < wanted ? due : wanted;
        if (due > flood->sent) {
            send_batch(flood, due - flood->sent);
        } else {
            pause_ns(TICK_NS);
        }
    }
    double took = (double)(now_ns() - begun) / ns_per_second;
    struct head answer;
    if (!ask(flood, &answer)) {
        fprintf(stderr, "flood: the counter does not answer\n");
        return 1;
    }
    printf("{\"wanted\": %llu, \"sent\": %llu, \"arrived\": %llu, \"disordered\": %llu, "
           "\"seconds\": %.6f}\n",
           (unsigned long long)wanted, (unsigned long long)flood->sent,
           (unsigned long long)answer.arrived, (unsigned long long)answer.disordered, took);
    return 0;
}

static int start_sending(char **argv, int argc)
{
    struct flood flood = {.bytes = strtoul(argv[4], NULL, 10)};
    double rate = strtod(argv[5], NULL), seconds = strtod(argv[6], NULL);
    struct sockaddr_in to = {.sin_family = AF_INET};
    to.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10));
    flood.flows = argc > 7 ? (uint32_t)strtoul(argv[7], NULL, 10) : 1;
    flood.run = (uint32_t)now_ns() ^ (uint32_t)getpid();
    if (inet_pton(AF_INET, argv[2], &to.sin_addr) != 1 || flood.bytes < sizeof(struct head) ||
        flood.bytes > PACKET_BYTES_MAX || flood.flows < 1 || flood.flows > FLOWS_MAX || rate <= 0 ||
        seconds <= 0) {
        return 2;
    }
    for (uint32_t i = 0; i < flood.flows; i++) {
        flood.fds[i] = open_socket();
        if (connect(flood.fds[i], (struct sockaddr *)&to, sizeof(to)) != 0) {
            die("connect");
        }
    }
    return send_all(&flood, rate, seconds);
}

int main(int argc, char **argv)
{
    int result = 2;
    if (argc == 3 && strcmp(argv[1], "count") == 0) {
        count((uint16_t)strtoul(argv[2], NULL, 10));
    } else if ((argc == 7 || argc == 8) && strcmp(argv[1], "send") == 0) {
        result = start_sending(argv, argc);
    }
    if (result == 2) {
        fprintf(stderr, "usage: flood count PORT\n"
                        "       flood send ADDRESS PORT BYTES RATE SECONDS [FLOWS]\n");
    }
    return result;
}
