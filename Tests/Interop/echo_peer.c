/* SPDX-License-Identifier: Apache-2.0 */
/* echo_peer.c - the packet core on a loopback socket, for tests that speak with it as strangers do.
 *
 *   echo_peer SECRET-HEX SEED-HEX SUITES WALL-MS
 *
 * SUITES is a mask (0: all), WALL-MS what the wall clock shows (0: it is not known). Whoever comes
 * up has its own address and 10.9.0.2; each inner packet goes back with its addresses exchanged,
 * each control message and each datagram of the DHT as it came. A line of standard output is a
 * fact, a line of standard input an order:
 *
 *   ready PORT ID | up ID | down ID CODE | moved ID PORT | message ID HEX | packet HEX | pong ID
 *   failed CODE   | dropped CODE         | drops NAME=N ... | unsupported  | clock WALL-MS
 *
 *   dial PORT [ID] | ping ID | message ID HEX | drops | goodbye      the end of input: goodbye too
 *
 * The clock is that of who comes up in the line behind.
 */
#include <netron/engine.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    SECRET_BYTES_MAX = 4096,
    DATAGRAM_BYTES_MAX = 65536,
    LINE_BYTES_MAX = 8192,
    POLL_MS_MAX = 1000,
};

static netron_engine *engine;
static int udp;
static uint8_t secret[SECRET_BYTES_MAX];
static size_t secret_length;
static uint8_t buffer[DATAGRAM_BYTES_MAX];

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

__attribute__((noreturn)) static void give_up(const char *why)
{
    fprintf(stderr, "echo_peer: %s\n", why);
    exit(2);
}

/* --- text ------------------------------------------------------------------------------------- */

static size_t from_hex(const char *text, uint8_t *out, size_t capacity)
{
    size_t length = strlen(text) / 2;
    if (strlen(text) % 2 != 0 || length > capacity) {
        give_up("odd or too much hexadecimal");
    }
    for (size_t i = 0; i < length; i++) {
        unsigned byte;
        if (sscanf(text + 2 * i, "%2x", &byte) != 1) {
            give_up("not hexadecimal");
        }
        out[i] = (uint8_t)byte;
    }
    return length;
}

static void print_hex(const uint8_t *bytes, size_t length)
{
    putchar(' ');
    for (size_t i = 0; i < length; i++) {
        printf("%02x", bytes[i]);
    }
}

/* --- the socket ------------------------------------------------------------------------------- */

static netron_endpoint loopback(uint16_t port)
{
    netron_endpoint endpoint = {.port = port};
    static const uint8_t address[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
    memcpy(endpoint.address, address, sizeof(address));
    return endpoint;
}

static uint16_t open_socket(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (udp < 0 || bind(udp, (struct sockaddr *)&address, length) != 0 ||
        getsockname(udp, (struct sockaddr *)&address, &length) != 0) {
        give_up("no socket");
    }
    return ntohs(address.sin_port);
}

static void send_datagrams(void)
{
    netron_endpoint to;
    uint8_t tos;
    int length;
    while ((length = netron_engine_poll_datagram(engine, buffer, sizeof(buffer), &to, &tos)) > 0) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(to.port)};
        memcpy(&address.sin_addr, to.address + 12, 4);
        /* A port that is closed meanwhile is what a lost datagram is. */
        (void)!sendto(udp, buffer, (size_t)length, 0, (struct sockaddr *)&address, sizeof(address));
    }
}

static void receive_datagram(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    ssize_t length = recvfrom(udp, buffer, sizeof(buffer), 0, (struct sockaddr *)&address, &size);
    if (length < 0) {
        return; /* an ICMP error of something that was sent */
    }
    netron_endpoint from = loopback(ntohs(address.sin_port));
    int result = netron_engine_receive(engine, buffer, (size_t)length, &from, 0, now());
    if (result < 0) {
        printf("dropped %d\n", result);
    }
}

/* --- what came -------------------------------------------------------------------------------- */

static void swap(uint8_t *a, uint8_t *b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = a[i];
        a[i] = b[i];
        b[i] = byte;
    }
}

static void send_packets_back(void)
{
    int length;
    while ((length = netron_engine_poll_packet(engine, buffer, sizeof(buffer))) > 0) {
        printf("packet");
        print_hex(buffer, (size_t)length);
        putchar('\n');
        bool v4 = buffer[0] >> 4 == 4;
        swap(buffer + (v4 ? 12 : 8), buffer + (v4 ? 16 : 24), v4 ? 4 : 16);
        /* One that is longer than the MTU here stays. */
        (void)!netron_engine_send_packet(engine, buffer, (size_t)length, now());
    }
}

static void send_foreign_back(void)
{
    netron_endpoint from;
    int length;
    while ((length = netron_engine_next_datagram(engine, buffer, sizeof(buffer), &from)) > 0) {
        (void)!netron_engine_send_datagram(engine, &from, buffer, (size_t)length, now());
    }
}

static void welcome(const uint8_t id[NETRON_ID_BYTES])
{
    netron_prefix prefixes[2] = {
        {.family = 6, .length = 128},
        {.address = {10, 9, 0, 2}, .family = 4, .length = 32},
    };
    netron_network_address(secret, secret_length, id, prefixes[0].address);
    if (netron_engine_set_prefixes(engine, id, prefixes, 2, now()) != NETRON_OK) {
        give_up("no prefixes for a peer that is up");
    }
}

static void report(const netron_event *event)
{
    switch (event->kind) {
    case NETRON_EVENT_PEER_UP:
        welcome(event->id);
        printf("clock %llu\nup", (unsigned long long)event->wall_ms);
        break;
    case NETRON_EVENT_PEER_DOWN:
        printf("down");
        break;
    case NETRON_EVENT_MOVED:
        printf("moved");
        break;
    case NETRON_EVENT_MESSAGE:
        printf("message");
        break;
    case NETRON_EVENT_PONG:
        printf("pong");
        break;
    case NETRON_EVENT_DIAL_FAILED:
        printf("failed %d\n", event->code);
        return;
    default:
        return;
    }
    print_hex(event->id, sizeof(event->id));
    if (event->kind == NETRON_EVENT_PEER_DOWN) {
        printf(" %d", event->code);
    } else if (event->kind == NETRON_EVENT_MOVED) {
        printf(" %u", event->endpoint.port);
    } else if (event->kind == NETRON_EVENT_MESSAGE) {
        print_hex(event->bytes, event->length);
        (void)!netron_engine_send_message(engine, event->id, event->bytes, event->length, now());
    }
    putchar('\n');
}

static void report_drops(void)
{
    netron_counters counters;
    netron_engine_counters(engine, &counters);
    printf("drops");
    for (uint32_t reason = 0; netron_drop_name(reason) != NULL; reason++) {
        printf(" %s=%llu", netron_drop_name(reason), (unsigned long long)counters.drops[reason]);
    }
    printf(" cookies=%llu\n", (unsigned long long)counters.cookies_sent);
}

/* --- orders ----------------------------------------------------------------------------------- */

/* @return false when there will be no more */
static bool take_order(char *line)
{
    char *rest = line;
    const char *word = strtok_r(rest, " \n", &rest);
    const char *first = word == NULL ? NULL : strtok_r(NULL, " \n", &rest);
    const char *second = first == NULL ? NULL : strtok_r(NULL, " \n", &rest);
    uint8_t id[NETRON_ID_BYTES] = {0};
    int result = NETRON_OK;
    if (word == NULL || strcmp(word, "goodbye") == 0) {
        return false;
    }
    if (strcmp(word, "drops") == 0) {
        report_drops();
    } else if (first == NULL) {
        give_up("an order lacks its words");
    } else if (strcmp(word, "dial") == 0) {
        netron_endpoint to = loopback((uint16_t)strtoul(first, NULL, 10));
        if (second != NULL) {
            from_hex(second, id, sizeof(id));
        }
        result = netron_engine_dial(engine, &to, second != NULL ? id : NULL, now());
    } else if (strcmp(word, "ping") == 0) {
        from_hex(first, id, sizeof(id));
        result = netron_engine_ping(engine, id, 1, now());
    } else if (strcmp(word, "message") == 0 && second != NULL) {
        from_hex(first, id, sizeof(id));
        size_t length = from_hex(second, buffer, sizeof(buffer));
        result = netron_engine_send_message(engine, id, buffer, length, now());
    } else {
        give_up("an order that is not known");
    }
    if (result != NETRON_OK) {
        give_up(netron_error_text(result));
    }
    return true;
}

/* --- the whole -------------------------------------------------------------------------------- */

static void settle(void)
{
    netron_event event;
    netron_engine_tick(engine, now());
    while (netron_engine_poll_event(engine, &event)) {
        report(&event);
    }
    send_packets_back();
    send_foreign_back();
    send_datagrams();
    fflush(stdout);
}

static int wait_ms(void)
{
    uint64_t deadline = netron_engine_deadline(engine);
    uint64_t at = now();
    uint64_t ms = deadline <= at ? 0 : (deadline - at) / 1000000 + 1;
    return ms < POLL_MS_MAX ? (int)ms : POLL_MS_MAX;
}

static void serve(void)
{
    struct pollfd wanted[] = {{.fd = udp, .events = POLLIN},
                              {.fd = STDIN_FILENO, .events = POLLIN}};
    static char line[LINE_BYTES_MAX];
    setvbuf(stdin, NULL, _IONBF, 0); /* nothing may wait where poll() does not see it */
    for (;;) {
        settle();
        if (poll(wanted, 2, wait_ms()) < 0) {
            continue;
        }
        if (wanted[0].revents != 0) {
            receive_datagram();
        }
        if (wanted[1].revents != 0 &&
            (fgets(line, sizeof(line), stdin) == NULL || !take_order(line))) {
            netron_engine_close(engine, now());
            send_datagrams();
            return;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        give_up("usage: echo_peer SECRET-HEX SEED-HEX SUITES WALL-MS");
    }
    netron_options options = {.size = sizeof(options), .datagrams = 1};
    secret_length = from_hex(argv[1], secret, sizeof(secret));
    options.network_secret = secret;
    options.network_secret_length = secret_length;
    from_hex(argv[2], options.identity_seed, sizeof(options.identity_seed));
    options.suites = (uint32_t)strtoul(argv[3], NULL, 10);
    uint64_t wall_ms = strtoull(argv[4], NULL, 10);
    int result = netron_engine_new(&engine, &options);
    if (result == NETRON_E_UNSUPPORTED) {
        puts("unsupported");
        return 0;
    }
    if (result != NETRON_OK) {
        give_up(netron_error_text(result));
    }
    if (wall_ms != 0) {
        netron_engine_set_time(engine, wall_ms, now());
    }
    uint8_t id[NETRON_ID_BYTES];
    netron_engine_id(engine, id);
    printf("ready %u", open_socket());
    print_hex(id, sizeof(id));
    putchar('\n');
    serve();
    netron_engine_free(engine);
    return 0;
}
