/* SPDX-License-Identifier: Apache-2.0 */
/* device_test.c - two devices on real interfaces, each in a network of its own, in one process, so
 * that a sanitizer watches their threads.
 *
 *      namespace A                           namespace B
 *    netron0 10.1.0.1 ---------------------- netron0 10.1.0.2
 *         va 10.99.0.1 ======================= vb 10.99.0.2
 */
#include "netron/device.h"

#include "machine/wire.h"
#include "namespace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { PORT = 7000, BOUND_SECONDS = 30, FLOWS = 8, FLOW_BYTES = 4 << 20 };

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static int namespaces[2];

/* One side: its device, and the semaphore that wakes its caller. */
typedef struct side {
    netron_device *device;
    sem_t awake;
    uint8_t id[NETRON_ID_BYTES];
} side;

static void wake(void *context)
{
    side *s = context;
    sem_post(&s->awake);
}

static void run(const char *command)
{
    assert_int_equal(system(command), 0);
}

static int here(void)
{
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static void enter(int number)
{
    assert_int_equal(setns(namespaces[number], CLONE_NEWNET), 0);
}

static int make_namespaces(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(unshare(CLONE_NEWNET), 0);
        run("ip link set lo up");
        namespaces[i] = here();
    }
    enter(0);
    char command[160];
    snprintf(command, sizeof(command), "ip link add va type veth peer name vb netns /proc/%d/fd/%d",
             (int)getpid(), namespaces[1]);
    run(command);
    run("ip addr add 10.99.0.1/24 dev va && ip link set va up");
    enter(1);
    run("ip addr add 10.99.0.2/24 dev vb && ip link set vb up");
    return 0;
}

static void start(side *s, int number, uint32_t lanes, uint32_t offloads_off)
{
    static const uint8_t secret[] = "a secret of the two devices";
    sem_init(&s->awake, 0, 0);
    netron_prefix address = {
        .address = {10, 1, 0, (uint8_t)(number + 1)}, .family = 4, .length = 24};
    netron_device_options options = {
        .size = sizeof(options),
        .tun = 1,
        .addresses = &address,
        .addresses_count = 1,
        .port = PORT,
        .offloads_off = offloads_off,
        .wake = wake,
        .context = s,
    };
    options.engine = (netron_options){
        .size = sizeof(options.engine),
        .lanes = lanes,
        .network_secret = secret,
        .network_secret_length = sizeof(secret),
        .datagrams = 1,
    };
    netron_identity_new(options.engine.identity_seed);
    assert_int_equal(netron_identity_id(options.engine.identity_seed, s->id), NETRON_OK);
    enter(number);
    int error = 0;
    int result = netron_device_start(&s->device, &options, &error);
    if (result != NETRON_OK) {
        fail_msg("%s: %s", netron_error_text(result), strerror(error));
    }
}

/* Waits for an event of a kind; others pass by. */
static void await(side *s, uint32_t kind, netron_event *event)
{
    struct timespec bound;
    clock_gettime(CLOCK_REALTIME, &bound);
    bound.tv_sec += BOUND_SECONDS;
    for (;;) {
        while (netron_device_next_event(s->device, event) != 0) {
            if (event->kind == kind) {
                return;
            }
        }
        assert_int_equal(sem_timedwait(&s->awake, &bound), 0);
    }
}

static void meet(side sides[2])
{
    netron_endpoint to = endpoint_of("10.99.0.1", PORT);
    assert_int_equal(netron_device_dial(sides[1].device, &to, sides[0].id), NETRON_OK);
    for (int i = 0; i < 2; i++) {
        netron_event event;
        await(&sides[i], NETRON_EVENT_PEER_UP, &event);
        assert_memory_equal(event.id, sides[1 - i].id, NETRON_ID_BYTES);
        netron_prefix prefix = {.address = {10, 1, 0, (uint8_t)(2 - i)}, .family = 4, .length = 32};
        assert_int_equal(netron_device_set_prefixes(sides[i].device, event.id, &prefix, 1),
                         NETRON_OK);
    }
}

static int socket_in(int number, int type)
{
    enter(number);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    int on = 1; /* the ports of the flows before may still be in TIME_WAIT */
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    return fd;
}

static struct sockaddr_in inner(int number, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(0x0a010001u + (uint32_t)number);
    return address;
}

/* One TCP flow through the tunnel, both ends in this thread: bytes come out in order and whole. */
static void carry(int client, int server)
{
    static uint8_t out[65536], in[65536];
    size_t sent = 0, got = 0;
    while (got < FLOW_BYTES) {
        struct pollfd both[2] = {{server, POLLIN, 0}, {client, POLLOUT, 0}};
        assert_true(poll(both, sent < FLOW_BYTES ? 2 : 1, BOUND_SECONDS * 1000) > 0);
        if (sent < FLOW_BYTES && (both[1].revents & POLLOUT) != 0) {
            for (size_t i = 0; i < sizeof(out); i++) {
                out[i] = (uint8_t)((sent + i) % 251);
            }
            ssize_t n = send(client, out, sizeof(out), MSG_DONTWAIT);
            sent += n > 0 ? (size_t)n : 0;
        }
        if ((both[0].revents & POLLIN) != 0) {
            ssize_t n = recv(server, in, sizeof(in), 0);
            assert_true(n > 0);
            for (ssize_t i = 0; i < n; i++) {
                assert_int_equal(in[i], (got + (size_t)i) % 251);
            }
            got += (size_t)n;
        }
    }
}

/* Takes turns in which side the bytes come from. */
static void carry_flows(void)
{
    for (uint16_t flow = 0; flow < FLOWS; flow++) {
        int from = flow % 2;
        int listener = socket_in(1 - from, SOCK_STREAM);
        struct sockaddr_in address = inner(1 - from, (uint16_t)(5000 + flow));
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(listener, 1), 0);
        int client = socket_in(from, SOCK_STREAM);
        assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
        int server = accept(listener, NULL, NULL);
        assert_true(server >= 0);
        carry(client, server);
        close(client);
        close(server);
        close(listener);
    }
}

static void exchange(uint32_t lanes_a, uint32_t lanes_b, uint32_t offloads_off)
{
    side sides[2];
    start(&sides[0], 0, lanes_a, offloads_off);
    start(&sides[1], 1, lanes_b, offloads_off);
    meet(sides);
    carry_flows();
    netron_counters counters;
    netron_device_counters(sides[0].device, &counters);
    assert_int_equal(counters.drops[NETRON_DROP_REPLAYED], 0);
    assert_int_equal(counters.drops[NETRON_DROP_FORGED], 0);
    assert_int_equal(counters.drops[NETRON_DROP_SPOOFED], 0);
    assert_true(counters.rx_packets > 0);
    /* Goodbye: the other side notices at once. */
    netron_device_stop(sides[1].device);
    netron_event event;
    await(&sides[0], NETRON_EVENT_PEER_DOWN, &event);
    assert_int_equal(event.code, NETRON_DOWN_GOODBYE);
    netron_device_stop(sides[0].device);
}

static void one_lane_carries_flows_both_ways(void **state)
{
    (void)state;
    exchange(1, 1, 0);
}

static void four_lanes_carry_flows_to_one_and_back(void **state)
{
    (void)state;
    exchange(4, 1, 0);
}

static void four_lanes_carry_flows_to_four(void **state)
{
    (void)state;
    exchange(4, 4, 0);
}

static void nothing_depends_on_offloads(void **state)
{
    (void)state;
    exchange(1, 1,
             NETRON_OFFLOAD_VNET | NETRON_OFFLOAD_TSO | NETRON_OFFLOAD_USO |
                 NETRON_OFFLOAD_UDP_GSO | NETRON_OFFLOAD_UDP_GRO);
}

/* Each datagram comes alone there: the lane that hears most of one peer gets a socket for it. */
static void lone_datagrams_get_a_socket_of_their_own(void **state)
{
    (void)state;
    enter(0);
    run("ethtool -K va tso off gso off gro off tx-udp-segmentation off >/dev/null");
    enter(1);
    run("ethtool -K vb tso off gso off gro off tx-udp-segmentation off >/dev/null");
    side sides[2];
    start(&sides[0], 0, 1, 0);
    start(&sides[1], 1, 1, 0);
    meet(sides);
    size_t before = open_descriptors();
    for (unsigned round = 0; open_descriptors() == before && round < 20; round++) {
        carry_flows();
    }
    assert_true(open_descriptors() > before && open_descriptors() <= before + 2);
    carry_flows(); /* and through it, whole and in order */
    netron_counters counters;
    netron_device_counters(sides[1].device, &counters);
    assert_int_equal(counters.drops[NETRON_DROP_REPLAYED], 0);
    netron_device_stop(sides[0].device);
    netron_device_stop(sides[1].device);
    assert_true(open_descriptors() < before);
}

static void ask_often(side *s)
{
    netron_peer_info info;
    netron_counters counters;
    netron_device_info about;
    for (int i = 0; i < 200; i++) {
        (void)netron_device_peers(s->device, &info, 1);
        netron_device_counters(s->device, &counters);
        netron_device_get_info(s->device, &about);
    }
}

static void *ask(void *context)
{
    ask_often(context);
    return NULL;
}

static void calls_from_many_threads_meet_no_harm(void **state)
{
    (void)state;
    side sides[2];
    start(&sides[0], 0, 2, 0);
    start(&sides[1], 1, 2, 0);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &sides[i % 2]), 0);
    }
    meet(sides);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(netron_device_ping(sides[0].device, sides[1].id, 77), NETRON_OK);
    netron_event event;
    await(&sides[0], NETRON_EVENT_PONG, &event);
    assert_int_equal(event.token, 77);
    netron_device_stop(sides[0].device);
    netron_device_stop(sides[1].device);
}

/* --- datagrams of others ---------------------------------------------------------------------- */

/* Waits for a datagram. @return its length */
static int await_datagram(side *s, uint8_t *bytes, size_t capacity, netron_endpoint *from)
{
    struct timespec bound;
    clock_gettime(CLOCK_REALTIME, &bound);
    bound.tv_sec += BOUND_SECONDS;
    for (;;) {
        int length = netron_device_next_datagram(s->device, bytes, capacity, from);
        if (length != 0) {
            return length;
        }
        assert_int_equal(sem_timedwait(&s->awake, &bound), 0);
    }
}

/* Strangers send to the port of the packets; it answers from there. With four lanes the filter
 * brings them to control, which alone hears them. */
static void datagrams_of_others_come_and_go_by_the_same_port(void **state)
{
    (void)state;
    for (uint32_t lanes = 1; lanes <= 4; lanes += 3) {
        side node;
        start(&node, 0, lanes, 0);
        int fd = socket_in(1, SOCK_DGRAM);
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
        to.sin_addr.s_addr = htonl(0x0a630001u);
        assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
        uint8_t query[NETRON_DATAGRAM_BYTES_MAX], bytes[NETRON_DATAGRAM_BYTES_MAX];
        memset(query, 'q', sizeof(query));
        query[0] = 'd';
        query[sizeof(query) - 1] = 'e';
        for (uint8_t i = 0; i < 10; i++) {
            query[1] = i;
            assert_int_equal(send(fd, query, sizeof(query), 0), sizeof(query));
            netron_endpoint from;
            assert_int_equal(await_datagram(&node, bytes, sizeof(bytes), &from), sizeof(query));
            assert_memory_equal(bytes, query, sizeof(query));
            assert_int_equal(netron_device_send_datagram(node.device, &from, bytes, sizeof(bytes)),
                             NETRON_OK);
            memset(bytes, 0, sizeof(bytes));
            /* The socket is connected: it hears the port that it sent to, and no other. */
            assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), sizeof(query));
            assert_memory_equal(bytes, query, sizeof(query));
        }
        close(fd);
        netron_device_stop(node.device);
    }
}

/* A train goes to the lane of its first datagram, whatever comes behind it: that lane hands what is
 * not its own to control, and not so much that handshakes find no way. */
static void lanes_hand_on_what_a_train_brings_them(void **state)
{
    (void)state;
    enum { SEGMENT = 100, SEGMENTS = 40 };
    side sides[2];
    start(&sides[0], 0, 1, 0);
    start(&sides[1], 1, 1, 0);
    int fd = socket_in(1, SOCK_DGRAM);
    int segment = SEGMENT;
    if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) != 0) {
        skip();
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    to.sin_addr.s_addr = htonl(0x0a630001u);
    static uint8_t train[SEGMENTS * SEGMENT];
    memset(train, 'x', sizeof(train));
    train[0] = NF_TYPE_DATA;
    for (size_t at = SEGMENT; at < sizeof(train); at += SEGMENT) {
        train[at] = 'd';
        train[at + SEGMENT - 1] = 'e';
    }
    for (unsigned i = 0; i < 200; i++) {
        (void)sendto(fd, train, sizeof(train), 0, (struct sockaddr *)&to, sizeof(to));
    }
    meet(sides);
    uint8_t bytes[NETRON_DATAGRAM_BYTES_MAX];
    netron_endpoint from;
    assert_int_equal(await_datagram(&sides[0], bytes, sizeof(bytes), &from), SEGMENT);
    netron_counters counters;
    netron_device_counters(sides[0].device, &counters);
    assert_true(counters.drops[NETRON_DROP_DATAGRAM] > 0);
    assert_int_equal(counters.drops[NETRON_DROP_QUEUE_FULL], 0);
    close(fd);
    netron_device_stop(sides[0].device);
    netron_device_stop(sides[1].device);
}

/* --- clocks ----------------------------------------------------------------------------------- */

static void a_device_that_was_told_the_time_keeps_to_it(void **state)
{
    (void)state;
    side sides[2];
    start(&sides[0], 0, 1, 0);
    start(&sides[1], 1, 1, 0);
    const uint64_t told_ms = UINT64_C(1900000000000);
    struct timespec host;
    clock_gettime(CLOCK_REALTIME, &host);
    uint64_t host_ms = (uint64_t)host.tv_sec * 1000;
    for (unsigned round = 0; round < 2; round++) {
        uint64_t wanted_ms = round == 0 ? told_ms : host_ms;
        for (int i = 0; i < 2; i++) {
            netron_device_set_time(sides[i].device, round == 0 ? told_ms : 0);
        }
        netron_endpoint to = endpoint_of("10.99.0.1", PORT);
        assert_int_equal(netron_device_dial(sides[1].device, &to, sides[0].id), NETRON_OK);
        netron_event event;
        await(&sides[1], NETRON_EVENT_PEER_UP, &event);
        assert_in_range(event.wall_ms, wanted_ms, wanted_ms + 1000 * BOUND_SECONDS);
        assert_int_equal(netron_device_hang_up(sides[1].device, sides[0].id), NETRON_OK);
        await(&sides[0], NETRON_EVENT_PEER_DOWN, &event);
    }
    netron_device_stop(sides[0].device);
    netron_device_stop(sides[1].device);
}

/* --- the host --------------------------------------------------------------------------------- */

static void a_new_address_of_the_host_is_told(void **state)
{
    (void)state;
    side node;
    start(&node, 0, 1, 0);
    netron_event event;
    while (netron_device_next_event(node.device, &event) == 1) {
    }
    run("ip addr add 10.98.0.1/24 dev va");
    await(&node, NETRON_EVENT_HOST_CHANGED, &event);
    run("ip addr del 10.98.0.1/24 dev va");
    await(&node, NETRON_EVENT_HOST_CHANGED, &event);
    netron_device_stop(node.device);
}

static void a_port_or_an_interface_in_use_is_refused(void **state)
{
    (void)state;
    side first, second;
    start(&first, 0, 1, 0);
    static const uint8_t secret[] = "another secret of another one";
    netron_device_options options = {.size = sizeof(options), .port = PORT};
    options.engine = (netron_options){
        .size = sizeof(options.engine),
        .network_secret = secret,
        .network_secret_length = sizeof(secret),
    };
    netron_identity_new(options.engine.identity_seed);
    int error;
    assert_int_equal(netron_device_start(&second.device, &options, &error), NETRON_E_IN_USE);
    options.port = 0;
    options.tun = 1;
    assert_int_equal(netron_device_start(&second.device, &options, &error), NETRON_E_IN_USE);
    netron_device_stop(first.device);
}

int main(void)
{
    if (!namespace_enter()) {
        return namespace_refused();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_lane_carries_flows_both_ways),
        cmocka_unit_test(four_lanes_carry_flows_to_one_and_back),
        cmocka_unit_test(four_lanes_carry_flows_to_four),
        cmocka_unit_test(nothing_depends_on_offloads),
        cmocka_unit_test(calls_from_many_threads_meet_no_harm),
        cmocka_unit_test(datagrams_of_others_come_and_go_by_the_same_port),
        cmocka_unit_test(lanes_hand_on_what_a_train_brings_them),
        cmocka_unit_test(a_device_that_was_told_the_time_keeps_to_it),
        cmocka_unit_test(a_new_address_of_the_host_is_told),
        cmocka_unit_test(a_port_or_an_interface_in_use_is_refused),
        cmocka_unit_test(lone_datagrams_get_a_socket_of_their_own),
    };
    return cmocka_run_group_tests(tests, make_namespaces, NULL);
}
