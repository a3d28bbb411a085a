/* SPDX-License-Identifier: Apache-2.0 */
/* device_tcp_test.c - devices whose UDP is dropped on the way (sides.h) reach each other by TCP on
 * the same port number; what strangers may do to that. */
#include "flows.h"
#include "machine/limits.h"
#include "machine/wire.h"
#include "namespace.h"
#include "sides.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { A = 0, B = 1, PROXY_PORT = 8080 };

static side sides[2];

/* --- what passes between the sides ------------------------------------------------------------ */

static void block(int number, const char *what)
{
    char command[200];
    enter_side(number);
    snprintf(command, sizeof(command), "nft add rule ip test in iifname 'v*' %s", what);
    run_command(command);
}

static void pass_all(int number)
{
    enter_side(number);
    run_command("nft flush chain ip test in");
}

static int make_filtered_sides(void **state)
{
    make_sides(state);
    for (int i = 0; i < 2; i++) {
        enter_side(i);
        run_command("nft add table ip test && nft 'add chain ip test in "
                    "{ type filter hook input priority 0; }'");
    }
    return 0;
}

static int drop_udp(void **state)
{
    (void)state;
    block(A, "meta l4proto udp drop");
    block(B, "meta l4proto udp drop");
    return 0;
}

static int drop_nothing(void **state)
{
    (void)state;
    pass_all(A);
    pass_all(B);
    return 0;
}

static netron_endpoint tcp_of(const char *address, uint16_t port)
{
    netron_endpoint endpoint = endpoint_of(address, port);
    endpoint.kind = NETRON_ENDPOINT_TCP;
    return endpoint;
}

/* B dials A; each routes the other's inner address. */
static void meet_by_tcp(void)
{
    netron_endpoint to = tcp_of("10.99.0.1", PORT);
    assert_int_equal(netron_device_dial(sides[B].device, &to, sides[A].id), NETRON_OK);
    for (int i = A; i <= B; i++) {
        netron_event event;
        await_event(&sides[i], NETRON_EVENT_PEER_UP, &event);
        assert_memory_equal(event.id, sides[1 - i].id, NETRON_ID_BYTES);
        assert_int_equal(event.endpoint.kind,
                         i == A ? NETRON_ENDPOINT_TCP_IN : NETRON_ENDPOINT_TCP);
        netron_prefix prefix = {.address = {10, 1, 0, (uint8_t)(2 - i)}, .family = 4, .length = 32};
        assert_int_equal(netron_device_set_prefixes(sides[i].device, event.id, &prefix, 1),
                         NETRON_OK);
    }
}

static void start_both(uint32_t lanes, const netron_endpoint *proxy)
{
    start_tcp_side(&sides[A], A, lanes, NULL);
    start_tcp_side(&sides[B], B, lanes, proxy);
}

static void stop_both(void)
{
    for (int i = A; i <= B; i++) {
        netron_counters counters;
        netron_device_counters(sides[i].device, &counters);
        assert_int_equal(counters.drops[NETRON_DROP_MALFORMED], 0);
        assert_int_equal(counters.drops[NETRON_DROP_FORGED], 0);
    }
    netron_device_stop(sides[A].device);
    netron_device_stop(sides[B].device);
}

static uint16_t kind_at(int number)
{
    netron_peer_info info;
    assert_int_equal(netron_device_peers(sides[number].device, &info, 1), 1);
    return info.endpoint.kind;
}

static void ping(int number)
{
    await_pong(&sides[number], sides[1 - number].id);
}

/* --- flows ------------------------------------------------------------------------------------ */

static void flows_pass_by_tcp(void **state)
{
    (void)state;
    for (uint32_t lanes = 1; lanes <= 3; lanes += 2) {
        start_both(lanes, NULL);
        meet_by_tcp();
        carry_flows();
        assert_int_equal(kind_at(A), NETRON_ENDPOINT_TCP_IN);
        assert_int_equal(kind_at(B), NETRON_ENDPOINT_TCP);
        stop_both();
    }
}

static void flows_move_to_udp_and_back(void **state)
{
    (void)state;
    start_both(2, NULL);
    meet_by_tcp();
    drop_nothing(NULL);
    netron_endpoint udp = endpoint_of("10.99.0.1", PORT);
    assert_int_equal(netron_device_try_path(sides[B].device, sides[A].id, &udp), NETRON_OK);
    for (int i = A; i <= B; i++) {
        netron_event event;
        await_event(&sides[i], NETRON_EVENT_MOVED, &event);
        assert_int_equal(event.endpoint.kind, NETRON_ENDPOINT_UDP);
    }
    carry_flows();
    assert_int_equal(kind_at(A), NETRON_ENDPOINT_UDP);
    drop_udp(NULL);
    carry_flows();
    assert_int_equal(kind_at(A), NETRON_ENDPOINT_TCP_IN);
    assert_int_equal(kind_at(B), NETRON_ENDPOINT_TCP);
    stop_both();
}

/* --- connections that end --------------------------------------------------------------------- */

static void await_moved_from(int number, const netron_endpoint *old)
{
    netron_event event;
    do {
        await_event(&sides[number], NETRON_EVENT_MOVED, &event);
    } while (memcmp(&event.endpoint, old, sizeof(*old)) == 0);
}

static void a_connection_that_is_cut_is_made_again(void **state)
{
    (void)state;
    start_both(1, NULL);
    meet_by_tcp();
    ping(B);
    netron_peer_info before, after;
    assert_int_equal(netron_device_peers(sides[A].device, &before, 1), 1);
    block(A, "tcp dport 7000 reject with tcp reset");
    /* What B sends is answered by a reset; until it is let through again so is each new try. */
    assert_int_equal(netron_device_ping(sides[B].device, sides[A].id, 7), NETRON_OK);
    struct pollfd nothing = {.fd = -1};
    (void)poll(&nothing, 1, 1500);
    pass_all(A);
    drop_udp(NULL);
    await_moved_from(A, &before.endpoint);
    ping(A);
    ping(B);
    assert_int_equal(netron_device_peers(sides[A].device, &after, 1), 1);
    assert_int_not_equal(after.endpoint.port, before.endpoint.port);
    carry_flows();
    netron_event event;
    while (netron_device_next_event(sides[A].device, &event) != 0) {
        assert_int_not_equal(event.kind, NETRON_EVENT_PEER_DOWN);
    }
    stop_both();
}

/* --- a proxy ---------------------------------------------------------------------------------- */

/* A proxy in B's network: it agrees to CONNECT, in pieces, then passes on bytes in small pieces. */
typedef struct proxy {
    int listener;
    pthread_t thread;
    _Atomic bool stalls, ends;
    size_t piece_max;
    _Atomic uint64_t passed;
} proxy;

static bool pass_piece(proxy *p, int from, int to, size_t piece)
{
    uint8_t bytes[4096];
    ssize_t n = recv(from, bytes, piece < sizeof(bytes) ? piece : sizeof(bytes), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) {
        return true;
    }
    if (n <= 0) {
        return false;
    }
    atomic_fetch_add(&p->passed, (uint64_t)n);
    return send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n;
}

static int take_request(int client)
{
    char request[512] = {0};
    size_t length = 0;
    while (strstr(request, "\r\n\r\n") == NULL && length < sizeof(request) - 1) {
        ssize_t n = recv(client, request + length, sizeof(request) - 1 - length, 0);
        if (n <= 0) {
            return -1;
        }
        length += (size_t)n;
    }
    assert_non_null(strstr(request, "CONNECT 10.99.0.1:7000 HTTP/1.1\r\n"));
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    to.sin_addr.s_addr = htonl(0x0a630001u);
    int server = socket_in(B, SOCK_STREAM);
    if (connect(server, (struct sockaddr *)&to, sizeof(to)) != 0) {
        close(server);
        return -1; /* A has ended */
    }
    static const char *const answer[] = {"HTTP/1.", "1 200 Connec", "tion made\r\nVia: x\r\n\r",
                                         "\n"};
    for (size_t i = 0; i < 4; i++) {
        (void)send(client, answer[i], strlen(answer[i]), MSG_NOSIGNAL);
    }
    return server;
}

static void *run_proxy(void *context)
{
    proxy *p = context;
    enter_side(B);
    int client = -1, server = -1;
    while (!atomic_load(&p->ends)) {
        struct pollfd wait[3] = {
            {p->listener, POLLIN, 0}, {client, POLLIN, 0}, {server, POLLIN, 0}};
        bool stalls = atomic_load(&p->stalls);
        (void)poll(wait, stalls ? 1 : 3, 20);
        if ((wait[0].revents & POLLIN) != 0) {
            client = accept(p->listener, NULL, NULL);
            server = take_request(client);
        }
        bool there = stalls || client < 0 ||
                     (pass_piece(p, client, server, p->piece_max) &&
                      pass_piece(p, server, client, p->piece_max));
        if (!there || server < 0) {
            close(client);
            close(server);
            client = server = -1;
        }
    }
    close(client);
    close(server);
    return NULL;
}

static netron_endpoint start_proxy(proxy *p, size_t piece_max)
{
    memset(p, 0, sizeof(*p));
    p->piece_max = piece_max;
    p->listener = socket_in(B, SOCK_STREAM);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PROXY_PORT)};
    at.sin_addr.s_addr = htonl(0x0a630002u);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(p->listener, 4), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, run_proxy, p), 0);
    return endpoint_of("10.99.0.2", PROXY_PORT);
}

static void end_proxy(proxy *p)
{
    atomic_store(&p->ends, true);
    pthread_join(p->thread, NULL);
    close(p->listener);
}

static void a_proxy_that_cuts_frames_is_no_hindrance(void **state)
{
    (void)state;
    proxy p;
    netron_endpoint at = start_proxy(&p, 7);
    start_both(1, &at);
    meet_by_tcp();
    for (int i = 0; i < 20; i++) {
        ping(i % 2);
    }
    assert_true(atomic_load(&p.passed) > 500);
    stop_both();
    end_proxy(&p);
}

static uint64_t dropped_full(int number)
{
    netron_counters counters;
    netron_device_counters(sides[number].device, &counters);
    return counters.drops[NETRON_DROP_QUEUE_FULL];
}

/* UDP packets through the tunnel, which nobody waits for. */
static void pour(int number, uint64_t bytes)
{
    static const uint8_t payload[1300];
    int fd = socket_in(number, SOCK_DGRAM);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(0x0a010001u + (uint32_t)(1 - number));
    for (uint64_t sent = 0; sent < bytes; sent += sizeof(payload)) {
        (void)sendto(fd, payload, sizeof(payload), 0, (struct sockaddr *)&to, sizeof(to));
    }
    close(fd);
}

static void what_a_full_queue_does_not_take_is_lost_and_counted(void **state)
{
    (void)state;
    proxy p;
    netron_endpoint at = start_proxy(&p, 4096);
    start_both(1, &at);
    meet_by_tcp();
    ping(B);
    atomic_store(&p.stalls, true);
    for (int i = 0; i < 200 && dropped_full(B) == 0; i++) {
        pour(B, 1 << 20);
    }
    assert_true(dropped_full(B) > 0);
    atomic_store(&p.stalls, false);
    ping(B);
    ping(A);
    stop_both();
    end_proxy(&p);
}

/* --- strangers -------------------------------------------------------------------------------- */

static int stranger(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    to.sin_addr.s_addr = htonl(0x0a630001u);
    int fd = socket_in(B, SOCK_STREAM);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Waits for the end of a connection. @return false if a byte came before it */
static bool ends_without_a_word(int fd)
{
    uint8_t byte;
    assert_true(readable(fd) || readable(fd));
    ssize_t n = recv(fd, &byte, 1, 0);
    close(fd);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

static void strangers_are_told_nothing_and_closed_in_time(void **state)
{
    (void)state;
    start_tcp_side(&sides[A], A, 1, NULL);
    uint64_t begun_ms = now_ms();
    int silent = stranger(), garbage = stranger(), half = stranger(), slow = stranger();
    int forged = stranger();
    static const uint8_t noise[2000] = {0xff, 0xff, 1};
    uint8_t first[2 + NF_MESSAGE1_BYTES] = {0, NF_MESSAGE1_BYTES, NF_TYPE_MESSAGE1, 0, NF_VERSION};
    assert_int_equal(send(garbage, noise, sizeof(noise), 0), sizeof(noise));
    assert_int_equal(send(half, first, 50, 0), 50);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(send(forged, first, sizeof(first), 0), sizeof(first));
    }
    for (size_t i = 0; i < 8; i++) { /* bytes in time, but no message */
        assert_int_equal(send(slow, first + i, 1, 0), 1);
        assert_false(poll(&(struct pollfd){slow, POLLIN, 0}, 1, 500) > 0);
    }
    int all[] = {silent, garbage, half, slow, forged};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        assert_true(ends_without_a_word(all[i]));
    }
    uint64_t took_ms = now_ms() - begun_ms;
    assert_in_range(took_ms, 4500, 7000);
    netron_device_stop(sides[A].device);
}

static void a_flood_of_strangers_displaces_itself(void **state)
{
    (void)state;
    start_both(1, NULL);
    int held[NF_STREAMS_STRANGERS_MAX + 20];
    size_t count = sizeof(held) / sizeof(held[0]);
    for (size_t i = 0; i < count; i++) {
        held[i] = stranger();
    }
    for (size_t i = 0; i < 20; i++) { /* the oldest, at once */
        struct pollfd end = {held[i], POLLIN, 0};
        assert_int_equal(poll(&end, 1, 2000), 1);
    }
    meet_by_tcp();
    ping(B);
    for (size_t i = 0; i < count; i++) {
        close(held[i]);
    }
    stop_both();
}

/* --- options ---------------------------------------------------------------------------------- */

static void without_tcp_nothing_listens_or_dials(void **state)
{
    (void)state;
    start_side(&sides[A], A, 1, 0);
    netron_device_info info;
    netron_device_get_info(sides[A].device, &info);
    assert_int_equal(info.tcp, NETRON_TCP_OFF);
    netron_endpoint to = tcp_of("10.99.0.2", PORT);
    assert_int_equal(netron_device_dial(sides[A].device, &to, NULL), NETRON_E_UNSUPPORTED);
    assert_int_equal(netron_device_try_path(sides[A].device, sides[B].id, &to),
                     NETRON_E_UNSUPPORTED);
    int fd = socket_in(A, SOCK_STREAM);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
    netron_device_stop(sides[A].device);
    /* A program that has the number of TCP hinders no device, which still dials. */
    assert_int_equal(listen(fd, 1), 0);
    start_tcp_side(&sides[A], A, 1, NULL);
    netron_device_get_info(sides[A].device, &info);
    assert_int_equal(info.tcp, NETRON_TCP_DIALS);
    netron_device_stop(sides[A].device);
    close(fd);
    start_tcp_side(&sides[A], A, 1, NULL);
    netron_device_get_info(sides[A].device, &info);
    assert_int_equal(info.tcp, NETRON_TCP_LISTENS);
    netron_device_stop(sides[A].device);
}

static void nothing_stays_open(void **state)
{
    (void)state;
    size_t before = open_descriptors();
    start_both(1, NULL);
    meet_by_tcp();
    int fd = stranger();
    stop_both();
    close(fd);
    assert_int_equal(open_descriptors(), before);
}

int main(void)
{
    if (!namespace_enter()) {
        return namespace_refused();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(flows_pass_by_tcp, drop_udp, drop_nothing),
        cmocka_unit_test_setup_teardown(flows_move_to_udp_and_back, drop_udp, drop_nothing),
        cmocka_unit_test_setup_teardown(a_connection_that_is_cut_is_made_again, drop_udp,
                                        drop_nothing),
        cmocka_unit_test_setup_teardown(a_proxy_that_cuts_frames_is_no_hindrance, drop_udp,
                                        drop_nothing),
        cmocka_unit_test_setup_teardown(what_a_full_queue_does_not_take_is_lost_and_counted,
                                        drop_udp, drop_nothing),
        cmocka_unit_test(strangers_are_told_nothing_and_closed_in_time),
        cmocka_unit_test(a_flood_of_strangers_displaces_itself),
        cmocka_unit_test(without_tcp_nothing_listens_or_dials),
        cmocka_unit_test_setup_teardown(nothing_stays_open, drop_udp, drop_nothing),
    };
    return cmocka_run_group_tests(tests, make_filtered_sides, NULL);
}
