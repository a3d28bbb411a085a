/* SPDX-License-Identifier: Apache-2.0 */
/* tun_test.c - the interface, its offloads and what it falls back to, its packets. */
#include "linux/interface.h"
#include "linux/tun.h"
#include "machine/segment.h"
#include "machine/wire.h"
#include "namespace.h"

#include "netron/device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    VNET = NETRON_OFFLOAD_VNET,
    TSO = NETRON_OFFLOAD_TSO,
    USO = NETRON_OFFLOAD_USO,
    ALL = VNET | TSO | USO,
    USO_BITS = 0x60, /* TUN_F_USO4 and _USO6 */
    TSO_BITS = TUN_F_TSO4 | TUN_F_TSO6,
    MTU = 1400,
    IP_BYTES = 20,
    HEADERS_BYTES = IP_BYTES + 8,
    PACKET_BYTES_MAX = NF_VNET_BYTES + 65536,
};

static const char *const own_address = "10.20.0.1", *const other_address = "10.20.0.2";

/* Whether the kernel may hand this kind of unfinished packet to the interface. */
static bool feature(const nf_tun *tun, uint32_t command)
{
    struct ethtool_value value = {.cmd = command};
    struct ifreq request = {.ifr_data = (void *)&value};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", tun->name);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(ioctl(fd, SIOCETHTOOL, &request), 0);
    close(fd);
    return value.data != 0;
}

static int16_t flags_of(int fd)
{
    struct ifreq request = {0};
    assert_int_equal(ioctl(fd, TUNGETIFF, &request), 0);
    return request.ifr_flags;
}

static void offloads_are_all_but_those_that_are_off(void **state)
{
    (void)state;
    const struct {
        uint32_t off, on;
    } rows[] = {
        {0, ALL},  {USO, VNET | TSO}, {TSO, VNET | USO}, {TSO | USO, VNET},
        {VNET, 0}, {VNET | TSO, 0},   {ALL, 0},          {NETRON_OFFLOAD_UDP_GSO, ALL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        nf_tun tun;
        assert_int_equal(nf_tun_open(&tun, "tun0", 1, rows[i].off), 0);
        assert_int_equal(tun.offloads, rows[i].on);
        assert_int_equal((flags_of(tun.fd[0]) & IFF_VNET_HDR) != 0, (rows[i].on & VNET) != 0);
        assert_int_equal(feature(&tun, ETHTOOL_GTXCSUM), (rows[i].on & VNET) != 0);
        assert_int_equal(feature(&tun, ETHTOOL_GTSO), (rows[i].on & TSO) != 0);
        nf_tun_close(&tun);
    }
}

/* The offloads that are left on a kernel that does not take some TUNSETOFFLOAD bits. */
static int offloads_without(uint32_t bits, uint32_t off)
{
    nf_tun tun;
    const refusal refusal = {.number = SYS_ioctl,
                             .argument = 2,
                             .bits = bits,
                             .also = (uint32_t)TUNSETOFFLOAD,
                             .error = EINVAL};
    size_t before = open_descriptors();
    if (!refuse_calls(&refusal) || nf_tun_open(&tun, "tun0", 2, off) != 0 || tun.queues != 2 ||
        open_descriptors() != before + 2) {
        return 100;
    }
    uint32_t offloads = tun.offloads;
    bool header = (flags_of(tun.fd[1]) & IFF_VNET_HDR) != 0;
    nf_tun_close(&tun);
    return header == ((offloads & VNET) != 0) && open_descriptors() == before ? (int)offloads : 99;
}

static int without_uso(void)
{
    return offloads_without(USO_BITS, 0);
}

static int without_tso(void)
{
    return offloads_without(USO_BITS | TSO_BITS, 0);
}

static int without_any(void)
{
    return offloads_without(TUN_F_CSUM, 0);
}

static int without_any_but_uso_tried(void)
{
    return offloads_without(USO_BITS, TSO);
}

static void a_kernel_that_knows_less_gets_less(void **state)
{
    (void)state;
    assert_int_equal(in_child(without_uso), VNET | TSO);
    assert_int_equal(in_child(without_tso), VNET);
    assert_int_equal(in_child(without_any), 0);
    assert_int_equal(in_child(without_any_but_uso_tried), VNET);
}

static int without_permission(void)
{
    nf_tun tun;
    const refusal refusal = {.number = SYS_ioctl,
                             .argument = 1,
                             .bits = (uint32_t)TUNSETIFF,
                             .exact = true,
                             .error = EPERM};
    size_t before = open_descriptors();
    if (!refuse_calls(&refusal) || nf_tun_open(&tun, "tun0", 4, 0) != -EPERM) {
        return 1;
    }
    return open_descriptors() == before && tun.fd[0] == -1 && tun.queues == 0 ? 0 : 2;
}

static void what_is_not_permitted_is_said_and_leaves_nothing_open(void **state)
{
    (void)state;
    assert_int_equal(in_child(without_permission), 0);
}

static void a_queue_a_lane_and_one_alone_is_plain(void **state)
{
    (void)state;
    for (uint32_t queues = 1; queues <= NETRON_LANES_MAX; queues++) {
        nf_tun tun;
        assert_int_equal(nf_tun_open(&tun, "tun0", queues, 0), 0);
        assert_int_equal(tun.queues, queues);
        assert_int_equal(tun.index, if_nametoindex("tun0"));
        assert_string_equal(tun.name, "tun0");
        for (uint32_t i = 0; i < queues; i++) {
            assert_int_equal((flags_of(tun.fd[i]) & IFF_MULTI_QUEUE) != 0, queues > 1);
            assert_true((fcntl(tun.fd[i], F_GETFL) & O_NONBLOCK) != 0);
            assert_true((fcntl(tun.fd[i], F_GETFD) & FD_CLOEXEC) != 0);
        }
        nf_tun_close(&tun);
        assert_int_equal(if_nametoindex("tun0"), 0);
    }
}

static void a_name_that_is_taken_is_busy(void **state)
{
    (void)state;
    size_t before = open_descriptors();
    nf_tun first, second;
    for (uint32_t queues = 1; queues <= 2; queues++) {
        assert_int_equal(nf_tun_open(&first, "tun0", queues, 0), 0);
        assert_int_equal(nf_tun_open(&second, "tun0", queues, 0), -EBUSY);
        assert_int_equal(nf_tun_open(&second, "lo", queues, 0), -EBUSY);
        nf_tun_close(&first);
    }
    assert_int_equal(open_descriptors(), before);
}

static void an_interface_that_somebody_prepared_is_not_taken_over(void **state)
{
    (void)state;
    nf_tun first, second;
    assert_int_equal(nf_tun_open(&first, "tun0", 1, 0), 0);
    int fd = first.fd[0];
    assert_int_equal(ioctl(fd, TUNSETPERSIST, 1), 0);
    nf_tun_close(&first);
    assert_int_equal(nf_tun_open(&second, "tun0", 1, 0), -EBUSY);
    fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    struct ifreq request = {.ifr_name = "tun0", .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
    assert_int_equal(ioctl(fd, TUNSETPERSIST, 0), 0);
    close(fd);
}

static void a_name_that_cannot_be_is_refused(void **state)
{
    (void)state;
    const char *const names[] = {"", "sixteen-letters!", "a/b", "..", "a b"};
    size_t before = open_descriptors();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        nf_tun tun;
        assert_int_equal(nf_tun_open(&tun, names[i], 1, 0), -EINVAL);
    }
    nf_tun tun;
    assert_int_equal(nf_tun_open(&tun, "fifteen-letters", 1, 0), 0);
    nf_tun_close(&tun);
    assert_int_equal(open_descriptors(), before);
}

typedef struct bench {
    nf_tun tun;
    int udp; /* bound to the own address */
    uint16_t port;
} bench;

static void begin(bench *bench, uint32_t off)
{
    netron_prefix own = prefix_of(own_address, 24);
    assert_int_equal(nf_tun_open(&bench->tun, "tun0", 1, off), 0);
    assert_int_equal(nf_link_up(bench->tun.index, MTU, 1000), 0);
    assert_int_equal(nf_address_add(bench->tun.index, &own), 0);
    struct sockaddr_in name = {.sin_family = AF_INET};
    memcpy(&name.sin_addr, own.address, 4);
    socklen_t length = sizeof(name);
    bench->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(bench->udp, (struct sockaddr *)&name, length), 0);
    assert_int_equal(getsockname(bench->udp, (struct sockaddr *)&name, &length), 0);
    bench->port = ntohs(name.sin_port);
}

static void end(bench *bench)
{
    close(bench->udp);
    nf_tun_close(&bench->tun);
}

static size_t header_bytes(const bench *bench)
{
    return (bench->tun.offloads & VNET) != 0 ? NF_VNET_BYTES : 0;
}

/* Sends `length` bytes to the other address, cut to `segment` by the kernel if it is not 0. */
static void send_through(const bench *bench, const uint8_t *bytes, size_t length, int segment)
{
    netron_prefix other = prefix_of(other_address, 24);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    memcpy(&to.sin_addr, other.address, 4);
    assert_int_equal(setsockopt(bench->udp, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)), 0);
    assert_int_equal(sendto(bench->udp, bytes, length, 0, (struct sockaddr *)&to, sizeof(to)),
                     length);
}

/* The next IPv4 packet from the interface; the kernel's own IPv6 chatter is passed over. */
static size_t read_packet(const bench *bench, nf_vnet *vnet, uint8_t *packet)
{
    static uint8_t bytes[PACKET_BYTES_MAX];
    for (;;) {
        assert_true(readable(bench->tun.fd[0]));
        ssize_t length = read(bench->tun.fd[0], bytes, sizeof(bytes));
        size_t skip_bytes = header_bytes(bench);
        assert_true(length > (ssize_t)skip_bytes);
        memset(vnet, 0, sizeof(*vnet));
        memcpy(vnet, bytes, skip_bytes);
        if (bytes[skip_bytes] >> 4 == 4) {
            memcpy(packet, bytes + skip_bytes, (size_t)length - skip_bytes);
            return (size_t)length - skip_bytes;
        }
    }
}

static void packets_come_out_with_and_without_the_vnet_header(void **state)
{
    (void)state;
    const uint32_t offs[] = {0, USO, TSO | USO, VNET};
    static uint8_t packet[PACKET_BYTES_MAX];
    for (size_t i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
        bench bench;
        nf_vnet vnet;
        begin(&bench, offs[i]);
        send_through(&bench, (const uint8_t *)"through", 7, 0);
        assert_int_equal(read_packet(&bench, &vnet, packet), HEADERS_BYTES + 7);
        assert_memory_equal(packet + HEADERS_BYTES, "through", 7);
        assert_int_equal(nf_load_be16(packet + IP_BYTES), bench.port);
        assert_int_equal(vnet.flags, (offs[i] & VNET) == 0 ? NF_VNET_NEEDS_CSUM : 0);
        assert_int_equal(vnet.gso_type, NF_VNET_GSO_NONE);
        end(&bench);
    }
}

static void a_train_comes_whole_with_uso_and_cut_without(void **state)
{
    (void)state;
    static uint8_t packet[PACKET_BYTES_MAX], train[2500];
    nf_vnet vnet;
    for (size_t i = 0; i < sizeof(train); i++) {
        train[i] = (uint8_t)(i * 7);
    }
    bench bench;
    begin(&bench, 0);
    send_through(&bench, train, sizeof(train), 1000);
    assert_int_equal(read_packet(&bench, &vnet, packet), HEADERS_BYTES + sizeof(train));
    assert_memory_equal(packet + HEADERS_BYTES, train, sizeof(train));
    assert_int_equal(vnet.gso_type, NF_VNET_GSO_UDP_L4);
    assert_int_equal(vnet.gso_size, 1000);
    end(&bench);
    begin(&bench, USO);
    send_through(&bench, train, sizeof(train), 1000);
    for (size_t offset = 0; offset < sizeof(train); offset += 1000) {
        size_t left = sizeof(train) - offset, length = left < 1000 ? left : 1000;
        assert_int_equal(read_packet(&bench, &vnet, packet), HEADERS_BYTES + length);
        assert_memory_equal(packet + HEADERS_BYTES, train + offset, length);
        assert_int_equal(vnet.gso_type, NF_VNET_GSO_NONE);
    }
    end(&bench);
}

static uint16_t header_checksum(const uint8_t *header)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < IP_BYTES; i += 2) {
        sum += nf_load_be16(header + i);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~((sum & 0xffff) + (sum >> 16));
}

static void a_packet_that_is_written_reaches_its_socket(void **state)
{
    (void)state;
    const uint32_t offs[] = {0, VNET};
    for (size_t i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
        bench bench;
        begin(&bench, offs[i]);
        uint8_t written[NF_VNET_BYTES + HEADERS_BYTES + 5] = {0}, *packet = written + NF_VNET_BYTES;
        netron_prefix own = prefix_of(own_address, 24), other = prefix_of(other_address, 24);
        packet[0] = 0x45;
        nf_store_be16(packet + 2, HEADERS_BYTES + 5);
        packet[8] = 64;
        packet[9] = IPPROTO_UDP;
        memcpy(packet + 12, other.address, 4);
        memcpy(packet + 16, own.address, 4);
        nf_store_be16(packet + 10, header_checksum(packet));
        nf_store_be16(packet + IP_BYTES, 9);
        nf_store_be16(packet + IP_BYTES + 2, bench.port);
        nf_store_be16(packet + IP_BYTES + 4, 8 + 5); /* no UDP checksum */
        memcpy(packet + HEADERS_BYTES, "hello", 5);
        size_t skip_bytes = NF_VNET_BYTES - header_bytes(&bench);
        ssize_t length = (ssize_t)(sizeof(written) - skip_bytes);
        assert_int_equal(write(bench.tun.fd[0], written + skip_bytes, (size_t)length), length);
        char text[16];
        assert_true(readable(bench.udp));
        assert_int_equal(recv(bench.udp, text, sizeof(text), 0), 5);
        assert_memory_equal(text, "hello", 5);
        end(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offloads_are_all_but_those_that_are_off),
        cmocka_unit_test(a_kernel_that_knows_less_gets_less),
        cmocka_unit_test(what_is_not_permitted_is_said_and_leaves_nothing_open),
        cmocka_unit_test(a_queue_a_lane_and_one_alone_is_plain),
        cmocka_unit_test(a_name_that_is_taken_is_busy),
        cmocka_unit_test(an_interface_that_somebody_prepared_is_not_taken_over),
        cmocka_unit_test(a_name_that_cannot_be_is_refused),
        cmocka_unit_test(packets_come_out_with_and_without_the_vnet_header),
        cmocka_unit_test(a_train_comes_whole_with_uso_and_cut_without),
        cmocka_unit_test(a_packet_that_is_written_reaches_its_socket),
    };
    return namespace_enter() ? cmocka_run_group_tests(tests, NULL, NULL) : namespace_refused();
}
