/* SPDX-License-Identifier: Apache-2.0 */
/* udp_wire_test.c - what the sockets put on a device, frame by frame, and what they do when it is
 * full.
 *
 *     nf_udp ---- kernel ---- tap0 (10.30.0.1 and .9) ---- frames that the test reads
 *
 * Nobody answers for a neighbour until the test says where it is: until then the kernel holds the
 * datagrams, and they count against the socket's buffer. */
#include "linux/interface.h"
#include "linux/udp.h"
#include "machine/wire.h"
#include "namespace.h"

#include "netron/device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    MTU = 1500,
    FRAME_BYTES_MAX = 14 + MTU,
    ETHERNET_BYTES = 14,
    SEGMENT = 1000,
    SEGMENTS = 40,
    SEND_BUFFER_BYTES = 16384, /* less than the train, and than what a neighbour's queue holds */
};

static const uint8_t neighbour[6] = {2, 0, 0, 0, 0, 2};

static nf_udp_group group;
static int tap;
static uint8_t payload[SEGMENT * SEGMENTS];

static int prepare(void **state)
{
    (void)state;
    struct ifreq request = {.ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI};
    netron_prefix v4 = prefix_of("10.30.0.1", 24), second = prefix_of("10.30.0.9", 24);
    tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (tap < 0 || ioctl(tap, TUNSETIFF, &request) != 0) {
        return -1;
    }
    uint32_t index = if_nametoindex("tap0");
    for (size_t i = 0; i < sizeof(payload); i++) {
        payload[i] = (uint8_t)(i / SEGMENT);
    }
    return nf_link_up(index, MTU, 1000) != 0 || nf_address_add(index, &v4) != 0 ||
                   nf_address_add(index, &second) != 0
               ? -1
               : 0;
}

static int finish(void **state)
{
    (void)state;
    close(tap);
    return 0;
}

static struct arpreq entry(uint8_t host, int flags)
{
    struct arpreq entry = {.arp_flags = flags, .arp_dev = "tap0"};
    const uint8_t address[4] = {10, 30, 0, host};
    struct sockaddr_in name = {.sin_family = AF_INET};
    memcpy(&name.sin_addr, address, 4);
    memcpy(&entry.arp_pa, &name, sizeof(name));
    entry.arp_ha.sa_family = ARPHRD_ETHER;
    memcpy(entry.arp_ha.sa_data, neighbour, sizeof(neighbour));
    return entry;
}

/* Tells the kernel where the neighbour is, so that it lets go of what it holds. */
static void answer_for(uint8_t host)
{
    struct arpreq neighbours = entry(host, ATF_COM | ATF_PERM);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(ioctl(fd, SIOCSARP, &neighbours), 0);
    close(fd);
}

/* The next UDP packet over IPv4 from the group; NULL if there is none. */
static const uint8_t *next_packet(bool wait, size_t *length)
{
    static uint8_t frame[FRAME_BYTES_MAX];
    for (;;) {
        if (wait) {
            assert_true(readable(tap));
        }
        ssize_t got = read(tap, frame, sizeof(frame));
        if (got < 0) {
            return NULL;
        }
        const uint8_t *packet = frame + ETHERNET_BYTES;
        if (got > ETHERNET_BYTES + 28 && nf_load_be16(frame + 12) == 0x0800 &&
            packet[9] == IPPROTO_UDP && nf_load_be16(packet + 20) == group.port) {
            *length = (size_t)got - ETHERNET_BYTES;
            return packet;
        }
    }
}

static int send_one(const nf_departure *departure)
{
    uint32_t refused = 0;
    bool too_big = false;
    int done = nf_udp_send(&group.socket[0], departure, 1, &refused, &too_big);
    assert_int_equal(refused, 0);
    assert_false(too_big);
    return done;
}

static void a_packet_has_df_its_tos_and_the_local_address(void **state)
{
    (void)state;
    const uint32_t offs[] = {0, NETRON_OFFLOAD_UDP_GSO};
    const uint8_t local[4] = {10, 30, 0, 9};
    answer_for(3);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(nf_udp_open(&group, 0, 0, offs[i]), 0);
        netron_endpoint from = endpoint_of("10.30.0.9", 0);
        nf_departure train = {.bytes = payload,
                              .length = 2500,
                              .segment = SEGMENT,
                              .to = endpoint_of("10.30.0.3", 9),
                              .tos = 0xb9};
        memcpy(train.local.address, from.address, 16);
        assert_int_equal(send_one(&train), 1);
        for (uint32_t offset = 0; offset < train.length; offset += SEGMENT) {
            size_t length = 0;
            const uint8_t *packet = next_packet(true, &length);
            uint32_t left = train.length - offset;
            assert_int_equal(length, 28 + (left < SEGMENT ? left : SEGMENT));
            assert_int_equal(packet[1], 0xb9);
            assert_int_equal(nf_load_be16(packet + 6), 0x4000); /* DF, no fragment */
            assert_memory_equal(packet + 12, local, 4);
            assert_memory_equal(packet + 28, payload + offset, length - 28);
        }
        nf_udp_close(&group);
    }
}

static bool writable(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    return poll(&wait, 1, WAIT_MS) == 1;
}

/* Reads datagrams, which must bear the numbers from `*next` on. */
static void read_numbers(uint8_t *next, uint8_t until)
{
    while (*next < until) {
        size_t length = 0;
        const uint8_t *packet = next_packet(true, &length);
        assert_int_equal(length, 28 + SEGMENT);
        assert_int_equal(packet[28], *next);
        *next += 1;
    }
}

static void fill(uint8_t host, uint32_t off, nf_departure *train)
{
    int least = SEND_BUFFER_BYTES;
    char text[16];
    snprintf(text, sizeof(text), "10.30.0.%u", host);
    assert_int_equal(nf_udp_open(&group, 0, 0, off), 0);
    int fd = group.socket[0].fd;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
    *train = (nf_departure){.bytes = payload,
                            .length = sizeof(payload),
                            .segment = SEGMENT,
                            .to = endpoint_of(text, 9)};
}

/* Not one datagram is lost or sent twice, though the socket is full in the middle of the train. */
static void a_train_goes_on_where_the_socket_was_full(void **state)
{
    (void)state;
    nf_departure train;
    uint8_t number = 0;
    size_t length;
    fill(4, NETRON_OFFLOAD_UDP_GSO, &train);
    assert_int_equal(send_one(&train), 0);
    assert_int_equal(send_one(&train), 0);
    assert_true(group.socket[0].sent_bytes > 0);
    assert_true(group.socket[0].sent_bytes < train.length);
    assert_null(next_packet(false, &length));
    answer_for(4);
    assert_true(writable(group.socket[0].fd));
    assert_int_equal(send_one(&train), 1);
    read_numbers(&number, SEGMENTS);
    assert_int_equal(send_one(&train), 1);
    number = 0;
    read_numbers(&number, SEGMENTS);
    assert_null(next_packet(false, &length));
    nf_udp_close(&group);
}

static void another_train_begins_at_its_beginning(void **state)
{
    (void)state;
    nf_departure train;
    uint8_t number = 0;
    size_t length;
    fill(5, NETRON_OFFLOAD_UDP_GSO, &train);
    assert_int_equal(send_one(&train), 0);
    uint8_t held = (uint8_t)(group.socket[0].sent_bytes / SEGMENT);
    answer_for(5);
    assert_true(writable(group.socket[0].fd));
    read_numbers(&number, held);
    nf_departure other = train;
    other.bytes = payload + SEGMENT;
    other.length = train.length - SEGMENT;
    assert_int_equal(send_one(&other), 1);
    number = 1;
    read_numbers(&number, SEGMENTS);
    assert_null(next_packet(false, &length));
    nf_udp_close(&group);
}

static void whole_messages_that_went_are_counted_when_the_socket_is_full(void **state)
{
    (void)state;
    nf_departure train, messages[SEGMENTS];
    uint32_t refused = 0;
    bool too_big = false;
    uint8_t number = 0;
    size_t length;
    fill(6, 0, &train);
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        messages[i] = train;
        messages[i].bytes = payload + i * SEGMENT;
        messages[i].length = SEGMENT;
    }
    nf_udp *udp = &group.socket[0];
    int done = nf_udp_send(udp, messages, SEGMENTS, &refused, &too_big);
    assert_true(done > 0 && done < SEGMENTS);
    assert_int_equal(
        nf_udp_send(udp, messages + done, SEGMENTS - (uint32_t)done, &refused, &too_big), 0);
    answer_for(6);
    assert_true(writable(udp->fd));
    assert_int_equal(
        nf_udp_send(udp, messages + done, SEGMENTS - (uint32_t)done, &refused, &too_big),
        SEGMENTS - done);
    assert_int_equal(refused, 0);
    read_numbers(&number, SEGMENTS);
    assert_null(next_packet(false, &length));
    nf_udp_close(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_has_df_its_tos_and_the_local_address),
        cmocka_unit_test(a_train_goes_on_where_the_socket_was_full),
        cmocka_unit_test(another_train_begins_at_its_beginning),
        cmocka_unit_test(whole_messages_that_went_are_counted_when_the_socket_is_full),
    };
    return namespace_enter() ? cmocka_run_group_tests(tests, prepare, finish) : namespace_refused();
}
