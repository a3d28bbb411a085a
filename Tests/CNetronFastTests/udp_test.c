/* SPDX-License-Identifier: Apache-2.0 */
/* udp_test.c - sockets and control messages over the loopback, both families. */
#include "linux/interface.h"
#include "linux/udp.h"
#include "machine/wire.h"
#include "namespace.h"
#include "sockets.h"

#include "netron/device.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

enum { STRANGERS_PORT = 9 /* nobody listens there */ };

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &length), 0);
    return value;
}

static void a_group_is_one_port_that_never_trusts_the_kernels_path_mtu(void **state)
{
    (void)state;
    nf_udp_group group;
    assert_int_equal(nf_udp_open(&group, 0, NETRON_LANES_MAX, 0), 0);
    assert_int_equal(group.count, 1 + NETRON_LANES_MAX);
    assert_int_not_equal(group.port, 0);
    for (uint32_t i = 0; i < group.count; i++) {
        struct sockaddr_in6 name;
        socklen_t length = sizeof(name);
        int fd = group.socket[i].fd;
        assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
        assert_int_equal(ntohs(name.sin6_port), group.port);
        assert_true(group.socket[i].dual && group.socket[i].gso && group.socket[i].gro);
        assert_int_equal(option(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
        assert_int_equal(option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_PROBE);
        assert_int_equal(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 0);
        assert_int_equal(option(fd, SOL_SOCKET, SO_RCVBUF) / 2, group.receive_buffer);
        assert_int_equal(option(fd, SOL_SOCKET, SO_SNDBUF) / 2, group.send_buffer);
    }
    assert_true(group.receive_buffer <= NF_UDP_BUFFER_WANTED_BYTES);
    nf_udp_close(&group);
    assert_int_equal(group.count, 0);
    assert_int_equal(group.socket[0].fd, -1);
}

static int without_force(void)
{
    nf_udp_group group;
    const refusal refusal = {.number = SYS_setsockopt,
                             .argument = 2,
                             .bits = SO_RCVBUFFORCE,
                             .also = SOL_SOCKET,
                             .exact = true,
                             .error = EPERM};
    if (!refuse_calls(&refusal) || nf_udp_open(&group, 0, 1, 0) != 0) {
        return 1;
    }
    /* The send buffer is still forced; the receive buffer is what everybody may have. */
    bool right = group.send_buffer == NF_UDP_BUFFER_WANTED_BYTES && group.receive_buffer > 0 &&
                 group.receive_buffer <= NF_UDP_BUFFER_WANTED_BYTES;
    nf_udp_close(&group);
    return right ? 0 : 2;
}

static void buffers_are_what_was_granted(void **state)
{
    (void)state;
    assert_int_equal(here.receive_buffer, NF_UDP_BUFFER_WANTED_BYTES);
    assert_int_equal(here.send_buffer, NF_UDP_BUFFER_WANTED_BYTES);
    assert_int_equal(in_child(without_force), 0);
}

static void a_port_in_use_is_refused_and_leaves_nothing_open(void **state)
{
    (void)state;
    nf_udp_group first, second;
    for (uint32_t lanes = 0; lanes <= 2; lanes++) {
        assert_int_equal(nf_udp_open(&first, 0, lanes, 0), 0);
        size_t before = open_descriptors();
        for (uint32_t again = 0; again <= 2; again++) {
            assert_int_equal(nf_udp_open(&second, first.port, again, 0), -EADDRINUSE);
        }
        assert_int_equal(open_descriptors(), before);
        uint16_t port = first.port;
        nf_udp_close(&first);
        assert_int_equal(nf_udp_open(&second, port, lanes, 0), 0);
        assert_int_equal(second.port, port);
        nf_udp_close(&second);
    }
}

static void a_port_that_ipv4_uses_is_in_use(void **state)
{
    (void)state;
    nf_udp_group group;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(name);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    assert_int_equal(nf_udp_open(&group, ntohs(name.sin_port), 2, 0), -EADDRINUSE);
    close(fd);
}

static void a_datagram_tells_where_it_comes_from_and_came_to(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        nf_departure message = departure_to(families[i], 1200, 1200);
        send_well(&message);
        nf_arrival arrival = receive_one(&there.socket[0]);
        netron_endpoint from = endpoint_of(families[i], here.port);
        assert_int_equal(arrival.length, 1200);
        assert_int_equal(arrival.segment, 1200);
        assert_memory_equal(arrival.bytes, payload, 1200);
        assert_memory_equal(&arrival.from, &from, sizeof(from));
        assert_memory_equal(arrival.local.address, from.address, 16);
        assert_int_equal(arrival.local.interface, LOOPBACK_INDEX);
        assert_int_equal(arrival.tos, 0);
    }
}

static void an_answer_leaves_from_the_address_that_was_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        nf_departure message = departure_to(others[i], 100, 100);
        netron_endpoint asked = endpoint_of(others[i], there.port);
        send_well(&message);
        nf_arrival arrival = receive_one(&there.socket[0]);
        assert_memory_equal(arrival.local.address, asked.address, 16);
        nf_departure answer = {.bytes = payload,
                               .length = 3000,
                               .segment = 1000,
                               .to = endpoint_of(families[i], here.port),
                               .local = arrival.local};
        uint32_t refused = 0;
        bool too_big = false;
        assert_int_equal(nf_udp_send(&there.socket[0], &answer, 1, &refused, &too_big), 1);
        assert_int_equal(refused, 0);
        arrival = receive_one(&here.socket[0]);
        assert_memory_equal(&arrival.from, &asked, sizeof(asked));
    }
}

static void a_link_local_address_has_a_scope(void **state)
{
    (void)state;
    netron_prefix own = prefix_of("fe80::7", 64);
    assert_int_equal(nf_address_add(LOOPBACK_INDEX, &own), 0);
    assert_true(address_settled("fe80::7", LOOPBACK_INDEX));
    nf_departure message = departure_to("fe80::7", 100, 100);
    message.to.scope = LOOPBACK_INDEX;
    memcpy(message.local.address, own.address, 16);
    message.local.interface = LOOPBACK_INDEX;
    send_well(&message);
    nf_arrival arrival = receive_one(&there.socket[0]);
    assert_int_equal(arrival.from.scope, LOOPBACK_INDEX);
    assert_memory_equal(arrival.from.address, own.address, 16);
    assert_int_equal(nf_address_remove(LOOPBACK_INDEX, &own), 0);
}

static void tos_is_carried(void **state)
{
    (void)state;
    const uint8_t values[] = {1, 2, 3, 0xb8, 0xbb, 0xff, 0};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof(values); k++) {
            nf_departure message = departure_to(families[i], 2500, k % 2 == 0 ? 1000 : 2500);
            message.tos = values[k];
            send_well(&message);
            assert_int_equal(receive_one(&there.socket[0]).tos, values[k]);
        }
    }
}

static void an_unreachable_destination_does_not_wedge_the_socket(void **state)
{
    (void)state;
    nf_arrival *none;
    for (size_t i = 0; i < 2; i++) {
        nf_departure messages[] = {
            departure_to(families[i], 100, 100),   departure_to("203.0.113.1", 100, 100),
            departure_to("203.0.113.1", 200, 100), departure_to("2001:db8::1", 100, 100),
            departure_to(families[i], 200, 200),
        };
        messages[0].to.port = STRANGERS_PORT;
        outcome outcome = send_all(messages, 5);
        assert_int_equal(outcome.done, 5);
        assert_int_equal(outcome.refused, 3);
        assert_false(outcome.too_big);
        assert_int_equal(receive_one(&there.socket[0]).length, 200);
        assert_int_equal(nf_udp_receive(&here.socket[0], receiver, &none), 0);
        send_well(&messages[4]);
        assert_int_equal(receive_one(&there.socket[0]).length, 200);
    }
}

/* Even where the socket is told of ICMP errors, which is not how it is opened. */
static void an_icmp_error_is_read_away(void **state)
{
    (void)state;
    int on = 1, fd = here.socket[0].fd;
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);
    nf_departure message = departure_to(families[0], 100, 100);
    message.to.port = STRANGERS_PORT;
    assert_int_equal(send_all(&message, 1).done, 1);
    assert_true(readable(fd));
    nf_arrival *none;
    assert_int_equal(nf_udp_receive(&here.socket[0], receiver, &none), 0);
    message.to.port = there.port;
    send_well(&message);
    assert_int_equal(receive_one(&there.socket[0]).length, 100);
}

static void an_empty_datagram_is_nothing(void **state)
{
    (void)state;
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                              .sin6_port = htons(there.port)};
    nf_arrival *arrivals;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sendto(here.socket[0].fd, "", 0, 0, (struct sockaddr *)&to, sizeof(to)),
                         0);
    }
    assert_true(readable(there.socket[0].fd));
    assert_int_equal(nf_udp_receive(&there.socket[0], receiver, &arrivals), 0);
    assert_int_equal(sendto(here.socket[0].fd, "", 0, 0, (struct sockaddr *)&to, sizeof(to)), 0);
    nf_departure message = departure_to("::1", 1, 1);
    send_well(&message);
    assert_int_equal(receive_one(&there.socket[0]).length, 1);
}

static void what_is_a_doors_leaves_by_it_and_its_answer_comes_there(void **state)
{
    (void)state;
    enum { DOOR = 7, CLOSED = 8 };
    int door = nf_udp_open_door(&here, DOOR);
    assert_true(door >= 0);
    nf_departure messages[4];
    for (uint32_t i = 0; i < 4; i++) {
        messages[i] = departure_to(families[0], 40 + i, 40 + i);
    }
    messages[1].local.door = 1 + DOOR;
    messages[2].local.door = 1 + CLOSED;
    outcome outcome = send_all(messages, 4);
    assert_int_equal(outcome.done, 4);
    assert_int_equal(outcome.refused, 1);
    assert_false(outcome.too_big);
    netron_endpoint from[3];
    for (uint32_t i = 0; i < 3;) {
        nf_arrival *arrivals;
        int count = receive_some(&there.socket[0], &arrivals);
        for (int j = 0; j < count; j++, i++) {
            assert_true(i < 3);
            assert_int_equal(arrivals[j].length, i == 2 ? 43 : 40 + i);
            from[i] = arrivals[j].from;
        }
    }
    assert_int_equal(from[0].port, here.port);
    assert_int_equal(from[2].port, here.port);
    assert_int_not_equal(from[1].port, here.port);
    uint32_t refused = 0;
    bool too_big = false;
    nf_departure answer = departure_to(families[0], 50, 50);
    answer.to = from[1];
    assert_int_equal(nf_udp_send(&there.socket[0], &answer, 1, &refused, &too_big), 1);
    nf_udp heard = {.fd = door, .dual = here.socket[0].dual};
    assert_int_equal(receive_one(&heard).length, 50);
    assert_int_equal(nf_udp_take_door(&here, DOOR), door);
    assert_int_equal(close(door), 0);
    assert_int_equal(send_all(&messages[1], 1).refused, 1);
    assert_int_equal(nf_udp_take_door(&here, DOOR), -1);
}

static void closing_a_group_closes_its_doors(void **state)
{
    (void)state;
    size_t before = open_descriptors();
    for (uint32_t i = 0; i < NF_DOORS_MAX; i++) {
        assert_true(nf_udp_open_door(&here, i) >= 0);
    }
    assert_int_equal(open_descriptors(), before + NF_DOORS_MAX);
    nf_udp_close(&here);
    assert_int_equal(open_descriptors(), before - 1);
}

static void nothing_there_is_no_error(void **state)
{
    (void)state;
    nf_arrival *none;
    uint32_t refused = 0;
    bool too_big = false;
    assert_int_equal(nf_udp_receive(&here.socket[0], receiver, &none), 0);
    assert_int_equal(nf_udp_send(&here.socket[0], NULL, 0, &refused, &too_big), 0);
}

/* The same over IPv4 sockets, where the kernel has no IPv6. */
static int without_ipv6(void)
{
    const refusal refusal = {.number = SYS_socket,
                             .argument = 0,
                             .bits = AF_INET6,
                             .exact = true,
                             .error = EAFNOSUPPORT};
    if (!refuse_calls(&refusal)) {
        return 1;
    }
    reopen(0, 0);
    nf_departure messages[] = {departure_to("::1", 100, 100), departure_to("::1", 200, 100),
                               departure_to("10.7.0.2", 2500, 1000)};
    netron_endpoint local = endpoint_of("127.0.0.1", here.port);
    memcpy(messages[2].local.address, local.address, 16);
    messages[2].tos = 0xb9;
    outcome outcome = send_all(messages, 3);
    if (here.socket[0].dual || outcome.done != 3 || outcome.refused != 2) {
        return 2;
    }
    nf_arrival *arrival;
    if (!readable(there.socket[0].fd) ||
        nf_udp_receive(&there.socket[0], receiver, &arrival) != 1) {
        return 3;
    }
    bool right = arrival->length == 2500 && arrival->segment == 1000 && arrival->tos == 0xb9 &&
                 memcmp(arrival->bytes, payload, 2500) == 0 &&
                 memcmp(&arrival->from, &local, sizeof(local)) == 0 &&
                 memcmp(arrival->local.address, messages[2].to.address, 16) == 0 &&
                 arrival->local.interface == LOOPBACK_INDEX;
    nf_udp_group group;
    const uint8_t bytes[5] = {NF_TYPE_DATA, 0, 0, 0, 1};
    right = right && nf_udp_open(&group, 0, 3, 0) == 0 && !group.socket[3].dual &&
            steered_to(&group, "127.0.0.1", bytes, 5) == 2;
    return right ? 0 : 4;
}

static void without_ipv6_the_sockets_are_ipv4(void **state)
{
    (void)state;
    assert_int_equal(in_child(without_ipv6), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_group_is_one_port_that_never_trusts_the_kernels_path_mtu, each),
        cmocka_unit_test_setup(buffers_are_what_was_granted, each),
        cmocka_unit_test_setup(a_port_in_use_is_refused_and_leaves_nothing_open, each),
        cmocka_unit_test_setup(a_port_that_ipv4_uses_is_in_use, each),
        cmocka_unit_test_setup(a_datagram_tells_where_it_comes_from_and_came_to, each),
        cmocka_unit_test_setup(an_answer_leaves_from_the_address_that_was_asked, each),
        cmocka_unit_test_setup(a_link_local_address_has_a_scope, each),
        cmocka_unit_test_setup(tos_is_carried, each),
        cmocka_unit_test_setup(an_unreachable_destination_does_not_wedge_the_socket, each),
        cmocka_unit_test_setup(an_icmp_error_is_read_away, each),
        cmocka_unit_test_setup(an_empty_datagram_is_nothing, each),
        cmocka_unit_test_setup(what_is_a_doors_leaves_by_it_and_its_answer_comes_there, each),
        cmocka_unit_test_setup(closing_a_group_closes_its_doors, each),
        cmocka_unit_test_setup(nothing_there_is_no_error, each),
        cmocka_unit_test_setup(without_ipv6_the_sockets_are_ipv4, each),
    };
    return namespace_enter() ? cmocka_run_group_tests(tests, open_sockets, close_sockets)
                             : namespace_refused();
}
