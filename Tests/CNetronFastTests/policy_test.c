/* SPDX-License-Identifier: Apache-2.0 */
/* policy_test.c - which packets the wide routes take, and which never. */
#include "linux/policy.h"

#include "linux/interface.h"
#include "linux/tcp.h"
#include "linux/tun.h"
#include "linux/udp.h"
#include "namespace.h"

#include "netron/device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

#include <cmocka.h>

/* The inner network's interface, and the host's own with its LAN and its default routes:
 *
 *     inner   10.1.0.1/24       fd00:1::1/64
 *     outer   192.168.9.1/24    fd00:9::1/64     0.0.0.0/0, ::/0
 */
static nf_tun inner, outer;
enum { FAMILIES = 2 };
static const char *const own[FAMILIES] = {"10.1.0.1", "fd00:1::1"};
static const char *const lan[FAMILIES] = {"192.168.9.1", "fd00:9::1"};
static const char *const neighbour[FAMILIES] = {"192.168.9.7", "fd00:9::7"};
static const char *const far[FAMILIES] = {"198.51.100.7", "2001:db8::7"};
static const char *const all[FAMILIES] = {"0.0.0.0", "::"};
static const uint8_t lan_length[FAMILIES] = {24, 64};

static int make_interfaces(void **state)
{
    (void)state;
    if (nf_tun_open(&inner, "inner", 1, 0) != 0 || nf_tun_open(&outer, "outer", 1, 0) != 0 ||
        nf_link_up(inner.index, 1400, 500) != 0 || nf_link_up(outer.index, 1500, 500) != 0) {
        return -1;
    }
    for (int i = 0; i < FAMILIES; i++) {
        netron_prefix here = prefix_of(own[i], lan_length[i]);
        netron_prefix there = prefix_of(lan[i], lan_length[i]), any = prefix_of(all[i], 0);
        if (nf_address_add(inner.index, &here) != 0 || nf_address_add(outer.index, &there) != 0 ||
            nf_route_add(outer.index, RT_TABLE_MAIN, &any) != 0) {
            return -1;
        }
    }
    return 0;
}

static int remove_interfaces(void **state)
{
    (void)state;
    nf_tun_close(&inner);
    nf_tun_close(&outer);
    return 0;
}

/* Whether what a socket with the mark sends there leaves with the address. */
static bool leaves_with(const char *address, const char *to, uint32_t mark)
{
    netron_endpoint remote = endpoint_of(to, 9), local = endpoint_of(address, 0);
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    socklen_t length = sizeof(name);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), off = 0;
    memcpy(&name.sin6_addr, remote.address, 16);
    assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    close(fd);
    return memcmp(&name.sin6_addr, local.address, 16) == 0;
}

static nf_policy policy_of(const char *name)
{
    nf_policy policy;
    nf_policy_init(&policy, inner.index, name);
    return policy;
}

static void all_addresses_go_in_but_for_the_hosts_own_networks(void **state)
{
    (void)state;
    nf_policy policy = policy_of("inner");
    for (int i = 0; i < FAMILIES; i++) {
        netron_prefix any = prefix_of(all[i], 0);
        assert_true(leaves_with(lan[i], far[i], 0));
        assert_int_equal(nf_policy_set(&policy, &any, true), 0);
        assert_true(leaves_with(own[i], far[i], 0));
        assert_true(leaves_with(lan[i], neighbour[i], 0));
        assert_int_equal(nf_policy_set(&policy, &any, false), 0);
        assert_true(leaves_with(lan[i], far[i], 0));
    }
    nf_policy_close(&policy);
}

static void what_the_node_sends_never_goes_in(void **state)
{
    (void)state;
    nf_policy policy = policy_of("inner");
    for (int i = 0; i < FAMILIES; i++) {
        netron_prefix any = prefix_of(all[i], 0);
        assert_int_equal(nf_policy_set(&policy, &any, true), 0);
        assert_true(leaves_with(lan[i], far[i], NETRON_MARK_UNDERLAY));
        /* Of others' marks the other bits are theirs. */
        assert_true(leaves_with(lan[i], far[i], NETRON_MARK_UNDERLAY | 0xff00));
        assert_true(leaves_with(own[i], far[i], NETRON_MARK_UNDERLAY << 8));
        assert_int_equal(nf_policy_set(&policy, &any, false), 0);
    }
    nf_policy_close(&policy);
}

static void a_network_that_the_host_has_itself_stays_its_own(void **state)
{
    (void)state;
    nf_policy policy = policy_of("inner");
    for (int i = 0; i < FAMILIES; i++) {
        netron_prefix same = prefix_of(lan[i], lan_length[i]);
        netron_prefix one = prefix_of(neighbour[i], i == 0 ? 32 : 128);
        same.address[i == 0 ? 3 : 15] = 0;
        assert_int_equal(nf_policy_set(&policy, &same, true), 0);
        assert_int_equal(nf_policy_set(&policy, &one, true), 0);
        assert_true(leaves_with(lan[i], neighbour[i], 0));
        assert_int_equal(nf_policy_set(&policy, &same, false), 0);
        assert_int_equal(nf_policy_set(&policy, &one, false), 0);
    }
    nf_policy_close(&policy);
}

static void what_is_there_or_gone_already_is_no_error(void **state)
{
    (void)state;
    nf_policy policy = policy_of("inner");
    for (int i = 0; i < FAMILIES; i++) {
        netron_prefix any = prefix_of(all[i], 0);
        assert_int_equal(nf_policy_set(&policy, &any, false), 0);
        assert_int_equal(nf_policy_set(&policy, &any, true), 0);
        assert_int_equal(nf_policy_set(&policy, &any, true), 0);
        assert_int_equal(nf_policy_set(&policy, &any, false), 0);
        assert_int_equal(nf_policy_set(&policy, &any, false), 0);
    }
    nf_policy_close(&policy);
    netron_prefix none = {.family = 5};
    assert_int_equal(nf_policy_set(&policy, &none, true), -EINVAL);
    nf_policy_close(&policy);
}

static void rules_that_a_killed_node_left_are_replaced(void **state)
{
    (void)state;
    for (int i = 0; i < FAMILIES; i++) {
        netron_prefix any = prefix_of(all[i], 0);
        nf_policy lives[3] = {policy_of("inner"), policy_of("inner"), policy_of("inner")};
        for (int life = 0; life < 3; life++) {
            assert_int_equal(nf_policy_set(&lives[life], &any, true), 0);
            assert_true(leaves_with(own[i], far[i], 0));
        }
        nf_policy_close(&lives[2]); /* the route is still in its table, where nothing leads */
        assert_true(leaves_with(lan[i], far[i], 0));
        assert_int_equal(nf_policy_set(&lives[2], &any, false), 0);
        nf_policy_close(&lives[2]);
    }
}

static void two_interfaces_have_rules_of_their_own(void **state)
{
    (void)state;
    nf_policy one = policy_of("inner"), other = policy_of("inner0");
    netron_prefix any = prefix_of(all[0], 0);
    assert_int_not_equal(one.place, other.place);
    assert_int_equal(nf_policy_set(&one, &any, true), 0);
    assert_int_equal(nf_policy_set(&other, &any, true), 0);
    nf_policy_close(&other);
    assert_true(leaves_with(own[0], far[0], 0));
    nf_policy_close(&one);
    assert_true(leaves_with(lan[0], far[0], 0));
}

static uint32_t mark_of(int fd)
{
    uint32_t mark = 0;
    socklen_t length = sizeof(mark);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &length), 0);
    return mark;
}

static void all_sockets_of_a_node_have_the_mark(void **state)
{
    (void)state;
    for (uint32_t mark = 0; mark <= NETRON_MARK_UNDERLAY; mark += NETRON_MARK_UNDERLAY) {
        nf_udp_group group;
        nf_udp direct;
        netron_endpoint remote = endpoint_of("127.0.0.1", 9), here = endpoint_of("127.0.0.1", 0);
        nf_local local = {0};
        memcpy(local.address, here.address, sizeof(local.address));
        assert_int_equal(nf_udp_open(&group, 0, 2, 0), 0);
        if (mark != 0) {
            assert_int_equal(nf_udp_mark(&group, mark), 0);
        }
        assert_int_equal(nf_udp_open_direct(&direct, &group.socket[1], &remote, &local), 0);
        for (uint32_t i = 0; i < group.count; i++) {
            assert_int_equal(mark_of(group.socket[i].fd), mark);
        }
        assert_int_equal(mark_of(direct.fd), mark);
        int door = nf_udp_open_door(&group, 0);
        assert_int_equal(mark_of(door), mark);
        close(direct.fd);
        nf_udp_close(&group);
    }
}

static void connections_have_the_mark_from_their_beginning_and_when_accepted(void **state)
{
    (void)state;
    struct sockaddr_in6 name;
    socklen_t length = sizeof(name);
    int listener = nf_tcp_listen(0, NETRON_MARK_UNDERLAY);
    assert_true(listener >= 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&name, &length), 0);
    netron_endpoint to = endpoint_of("127.0.0.1", ntohs(name.sin6_port)), from;
    int one = nf_tcp_connect(&to, NETRON_MARK_UNDERLAY);
    assert_true(one >= 0 && readable(listener));
    int other = nf_tcp_accept(listener, &from);
    assert_int_equal(mark_of(one), NETRON_MARK_UNDERLAY);
    assert_int_equal(mark_of(other), NETRON_MARK_UNDERLAY);
    close(one);
    close(other);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_addresses_go_in_but_for_the_hosts_own_networks),
        cmocka_unit_test(what_the_node_sends_never_goes_in),
        cmocka_unit_test(a_network_that_the_host_has_itself_stays_its_own),
        cmocka_unit_test(what_is_there_or_gone_already_is_no_error),
        cmocka_unit_test(rules_that_a_killed_node_left_are_replaced),
        cmocka_unit_test(two_interfaces_have_rules_of_their_own),
        cmocka_unit_test(all_sockets_of_a_node_have_the_mark),
        cmocka_unit_test(connections_have_the_mark_from_their_beginning_and_when_accepted),
    };
    return namespace_enter() ? cmocka_run_group_tests(tests, make_interfaces, remove_interfaces)
                             : namespace_refused();
}
