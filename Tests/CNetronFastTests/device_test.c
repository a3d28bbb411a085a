/* SPDX-License-Identifier: Apache-2.0 */
/* device_test.c - what a device does besides carrying packets: calls from many threads, datagrams
 * of others, clocks, and what changes on its host. */
#include "netron/device.h"

#include "machine/wire.h"
#include "namespace.h"
#include "sides.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* --- calls ------------------------------------------------------------------------------------ */

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
    start_side(&sides[0], 0, 2, 0);
    start_side(&sides[1], 1, 2, 0);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &sides[i % 2]), 0);
    }
    meet_sides(sides);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(netron_device_ping(sides[0].device, sides[1].id, 77), NETRON_OK);
    netron_event event;
    await_event(&sides[0], NETRON_EVENT_PONG, &event);
    assert_int_equal(event.token, 77);
    netron_device_stop(sides[0].device);
    netron_device_stop(sides[1].device);
}

/* --- multicast -------------------------------------------------------------------------------- */

/* Four lanes copy at once what hosts say to all, while peers come and go. */
static void what_is_for_all_comes_out_on_the_other_side(void **state)
{
    (void)state;
    static const char *const groups[] = {"224.0.0.251", "10.1.0.255", "255.255.255.255"};
    side sides[2];
    start_side(&sides[0], 0, 4, 0);
    start_side(&sides[1], 1, 4, 0);
    meet_sides(sides);
    int hears = socket_in(1, SOCK_DGRAM), says = socket_in(0, SOCK_DGRAM), on = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(5353)};
    struct ip_mreqn group = {.imr_address = {htonl(0x0a010002u)}};
    struct timeval bound = {.tv_usec = 100000};
    assert_int_equal(bind(hears, (struct sockaddr *)&to, sizeof(to)), 0);
    inet_pton(AF_INET, groups[0], &group.imr_multiaddr);
    assert_int_equal(setsockopt(hears, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)), 0);
    assert_int_equal(setsockopt(hears, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound)), 0);
    assert_int_equal(setsockopt(says, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)), 0);
    assert_int_equal(setsockopt(says, SOL_SOCKET, SO_BINDTODEVICE, "netron0", 8), 0);
    for (unsigned round = 0; round < 30; round++) {
        inet_pton(AF_INET, groups[round % 3], &to.sin_addr);
        uint8_t word = (uint8_t)(1 + round), heard = 0;
        for (unsigned tries = 0; heard != word; tries++) { /* until the source is known there */
            assert_true(tries < 100);
            assert_int_equal(sendto(says, &word, 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
            (void)recv(hears, &heard, 1, 0);
        }
        if (round % 10 == 9) {
            netron_event event;
            assert_int_equal(netron_device_hang_up(sides[0].device, sides[1].id), NETRON_OK);
            await_event(&sides[1], NETRON_EVENT_PEER_DOWN, &event);
            meet_sides(sides);
        }
    }
    close(hears);
    close(says);
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
        start_side(&node, 0, lanes, 0);
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
    start_side(&sides[0], 0, 1, 0);
    start_side(&sides[1], 1, 1, 0);
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
    meet_sides(sides);
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
    start_side(&sides[0], 0, 1, 0);
    start_side(&sides[1], 1, 1, 0);
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
        await_event(&sides[1], NETRON_EVENT_PEER_UP, &event);
        assert_in_range(event.wall_ms, wanted_ms, wanted_ms + 1000 * BOUND_SECONDS);
        assert_int_equal(netron_device_hang_up(sides[1].device, sides[0].id), NETRON_OK);
        await_event(&sides[0], NETRON_EVENT_PEER_DOWN, &event);
    }
    netron_device_stop(sides[0].device);
    netron_device_stop(sides[1].device);
}

/* --- the host --------------------------------------------------------------------------------- */

static void a_new_address_of_the_host_is_told(void **state)
{
    (void)state;
    side node;
    start_side(&node, 0, 1, 0);
    netron_event event;
    while (netron_device_next_event(node.device, &event) == 1) {
    }
    run_command("ip addr add 10.98.0.1/24 dev va");
    await_event(&node, NETRON_EVENT_HOST_CHANGED, &event);
    run_command("ip addr del 10.98.0.1/24 dev va");
    await_event(&node, NETRON_EVENT_HOST_CHANGED, &event);
    netron_device_stop(node.device);
}

static void a_port_or_an_interface_in_use_is_refused(void **state)
{
    (void)state;
    side first, second;
    start_side(&first, 0, 1, 0);
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
        cmocka_unit_test(calls_from_many_threads_meet_no_harm),
        cmocka_unit_test(what_is_for_all_comes_out_on_the_other_side),
        cmocka_unit_test(datagrams_of_others_come_and_go_by_the_same_port),
        cmocka_unit_test(lanes_hand_on_what_a_train_brings_them),
        cmocka_unit_test(a_device_that_was_told_the_time_keeps_to_it),
        cmocka_unit_test(a_new_address_of_the_host_is_told),
        cmocka_unit_test(a_port_or_an_interface_in_use_is_refused),
    };
    return cmocka_run_group_tests(tests, make_sides, NULL);
}
