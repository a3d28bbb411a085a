/* SPDX-License-Identifier: Apache-2.0 */
/* sides.c - two devices on real interfaces, each in a network of its own, in one process. */
#include "sides.h"

#include "namespace.h"

#include <fcntl.h>
#include <sched.h>
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

static int namespaces[2];

static int here(void)
{
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

void run_command(const char *command)
{
    assert_int_equal(system(command), 0);
}

void enter_side(int number)
{
    assert_int_equal(setns(namespaces[number], CLONE_NEWNET), 0);
}

int make_sides(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(unshare(CLONE_NEWNET), 0);
        run_command("ip link set lo up");
        namespaces[i] = here();
    }
    enter_side(0);
    char command[160];
    snprintf(command, sizeof(command), "ip link add va type veth peer name vb netns /proc/%d/fd/%d",
             (int)getpid(), namespaces[1]);
    run_command(command);
    run_command("ip addr add 10.99.0.1/24 dev va && ip link set va up");
    enter_side(1);
    run_command("ip addr add 10.99.0.2/24 dev vb && ip link set vb up");
    return 0;
}

int socket_in(int number, int type)
{
    enter_side(number);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    int on = 1; /* the ports of the flows before may still be in TIME_WAIT */
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    return fd;
}

static void wake(void *context)
{
    side *s = context;
    sem_post(&s->awake);
}

static void start(side *s, int number, netron_device_options *options, uint32_t lanes)
{
    static const uint8_t secret[] = "a secret of the devices";
    sem_init(&s->awake, 0, 0);
    options->size = sizeof(*options);
    options->wake = wake;
    options->context = s;
    options->engine = (netron_options){
        .size = sizeof(options->engine),
        .lanes = lanes,
        .network_secret = secret,
        .network_secret_length = sizeof(secret),
        .datagrams = 1,
    };
    netron_identity_new(options->engine.identity_seed);
    assert_int_equal(netron_identity_id(options->engine.identity_seed, s->id), NETRON_OK);
    enter_side(number);
    int error = 0;
    int result = netron_device_start(&s->device, options, &error);
    if (result != NETRON_OK) {
        fail_msg("%s: %s", netron_error_text(result), strerror(error));
    }
}

void start_side(side *s, int number, uint32_t lanes, uint32_t offloads_off)
{
    netron_prefix address = {
        .address = {10, 1, 0, (uint8_t)(number + 1)}, .family = 4, .length = 24};
    netron_device_options options = {
        .tun = 1,
        .addresses = &address,
        .addresses_count = 1,
        .port = PORT,
        .offloads_off = offloads_off,
    };
    start(s, number, &options, lanes);
}

void start_tcp_side(side *s, int number, uint32_t lanes, const netron_endpoint *proxy)
{
    netron_prefix address = {
        .address = {10, 1, 0, (uint8_t)(number + 1)}, .family = 4, .length = 24};
    netron_device_options options = {
        .tun = 1, .addresses = &address, .addresses_count = 1, .port = PORT, .tcp = 1};
    if (proxy != NULL) {
        options.proxy = *proxy;
    }
    start(s, number, &options, lanes);
}

void start_relay(side *s, int number, uint32_t lanes, uint16_t port)
{
    netron_device_options options = {.port = port};
    start(s, number, &options, lanes);
}

static bool come(side *s, uint32_t kind, netron_event *event, uint64_t bound_ms)
{
    struct timespec bound;
    clock_gettime(CLOCK_REALTIME, &bound);
    uint64_t end_ns = (uint64_t)bound.tv_nsec + bound_ms * 1000000;
    bound.tv_sec += (time_t)(end_ns / 1000000000);
    bound.tv_nsec = (long)(end_ns % 1000000000);
    for (;;) {
        while (netron_device_next_event(s->device, event) != 0) {
            if (event->kind == kind) {
                return true;
            }
        }
        if (sem_timedwait(&s->awake, &bound) != 0) {
            return false;
        }
    }
}

void await_event(side *s, uint32_t kind, netron_event *event)
{
    assert_true(come(s, kind, event, BOUND_SECONDS * 1000));
}

void await_pong(side *s, const uint8_t id[32])
{
    netron_event event;
    for (int i = 0; i < BOUND_SECONDS * 4; i++) {
        assert_int_equal(netron_device_ping(s->device, id, 5), NETRON_OK);
        if (come(s, NETRON_EVENT_PONG, &event, 250)) {
            return;
        }
    }
    fail_msg("no pong in %d s", BOUND_SECONDS);
}

void meet_sides(side sides[2])
{
    netron_endpoint to = endpoint_of("10.99.0.1", PORT);
    assert_int_equal(netron_device_dial(sides[1].device, &to, sides[0].id), NETRON_OK);
    for (int i = 0; i < 2; i++) {
        netron_event event;
        await_event(&sides[i], NETRON_EVENT_PEER_UP, &event);
        assert_memory_equal(event.id, sides[1 - i].id, NETRON_ID_BYTES);
        netron_prefix prefix = {.address = {10, 1, 0, (uint8_t)(2 - i)}, .family = 4, .length = 32};
        assert_int_equal(netron_device_set_prefixes(sides[i].device, event.id, &prefix, 1),
                         NETRON_OK);
    }
}
