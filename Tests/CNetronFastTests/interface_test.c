/* SPDX-License-Identifier: Apache-2.0 */
/* interface_test.c - what rtnetlink is asked for is what the kernel then has. */
#include "linux/interface.h"
#include "linux/tun.h"
#include "namespace.h"

#include "netron/device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

enum { MTU = 1400, QUEUE = 777 };

static nf_tun tun;

static int make_interface(void **state)
{
    (void)state;
    if (nf_tun_open(&tun, "net0", 1, 0) != 0) {
        return -1;
    }
    return nf_link_up(tun.index, MTU, QUEUE);
}

static int remove_interface(void **state)
{
    (void)state;
    nf_tun_close(&tun);
    return 0;
}

static struct ifreq ask(unsigned long request)
{
    struct ifreq answer = {0};
    snprintf(answer.ifr_name, sizeof(answer.ifr_name), "%s", tun.name);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(ioctl(fd, request, &answer), 0);
    close(fd);
    return answer;
}

static size_t mask_bits(const struct sockaddr *mask)
{
    size_t size = mask->sa_family == AF_INET ? 4 : 16, bits = 0;
    const uint8_t *bytes =
        mask->sa_family == AF_INET
            ? (const uint8_t *)&((const struct sockaddr_in *)(const void *)mask)->sin_addr
            : (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)mask)->sin6_addr;
    for (size_t i = 0; i < size; i++) {
        bits += (size_t)__builtin_popcount(bytes[i]);
    }
    return bits;
}

/* How often the interface has the address with the length. */
static size_t occurrences(const netron_prefix *wanted)
{
    struct ifaddrs *all = NULL;
    size_t count = 0;
    assert_int_equal(getifaddrs(&all), 0);
    for (struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        int family = wanted->family == 4 ? AF_INET : AF_INET6;
        if (one->ifa_addr == NULL || one->ifa_addr->sa_family != family ||
            strcmp(one->ifa_name, tun.name) != 0) {
            continue;
        }
        const void *address =
            family == AF_INET
                ? (const void *)&((struct sockaddr_in *)(void *)one->ifa_addr)->sin_addr
                : (const void *)&((struct sockaddr_in6 *)(void *)one->ifa_addr)->sin6_addr;
        if (memcmp(address, wanted->address, wanted->family == 4 ? 4 : 16) == 0 &&
            mask_bits(one->ifa_netmask) == wanted->length) {
            count++;
        }
    }
    freeifaddrs(all);
    return count;
}

/* Whether a packet to `text` would leave by the interface: the kernel picks its address for it. */
static bool routed(const char *text, const netron_prefix *own)
{
    bool v4 = own->family == 4;
    struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
    assert_int_equal(inet_pton(v4 ? AF_INET : AF_INET6, text,
                               v4 ? (void *)&to4.sin_addr : (void *)&to6.sin6_addr),
                     1);
    int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    int result = v4 ? connect(fd, (struct sockaddr *)&to4, sizeof(to4))
                    : connect(fd, (struct sockaddr *)&to6, sizeof(to6));
    bool same = false;
    if (result == 0) {
        socklen_t length = v4 ? sizeof(to4) : sizeof(to6);
        void *name = v4 ? (void *)&to4 : (void *)&to6;
        assert_int_equal(getsockname(fd, name, &length), 0);
        same = v4 ? memcmp(&to4.sin_addr, own->address, 4) == 0
                  : memcmp(&to6.sin6_addr, own->address, 16) == 0;
    }
    close(fd);
    return same;
}

static void a_link_gets_its_mtu_and_queue_length_and_is_up(void **state)
{
    (void)state;
    assert_int_equal(ask(SIOCGIFMTU).ifr_mtu, MTU);
    assert_int_equal(ask(SIOCGIFTXQLEN).ifr_qlen, QUEUE);
    assert_true((ask(SIOCGIFFLAGS).ifr_flags & IFF_UP) != 0);
}

/* Nobody in the network knows whose the one that the kernel would choose is. */
static void a_link_has_no_address_of_its_own(void **state)
{
    (void)state;
    struct ifaddrs *all = NULL;
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        bool is_address = one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET6;
        assert_false(is_address && strcmp(one->ifa_name, tun.name) == 0);
    }
    freeifaddrs(all);
}

static void a_link_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    netron_prefix address = prefix_of("10.1.0.1", 24);
    assert_int_equal(nf_link_up(4711, MTU, QUEUE), -ENODEV);
    assert_int_equal(nf_address_add(4711, &address), -ENODEV);
    assert_int_equal(nf_route_add(4711, RT_TABLE_MAIN, &address), -EINVAL);
    assert_int_equal(nf_link_up(tun.index, 1u << 20, QUEUE), -EINVAL);
}

static void an_address_comes_with_its_networks_route_and_goes(void **state)
{
    (void)state;
    const struct {
        const char *own, *neighbour;
        uint8_t length;
    } rows[] = {
        {"10.1.0.11", "10.1.0.200", 24},
        {"10.2.0.1", "10.2.255.254", 16},
        {"fd00:1::11", "fd00:1::200", 64},
        {"fd00:2::1", "fd00:2:ffff::1", 32},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        netron_prefix own = prefix_of(rows[i].own, rows[i].length);
        assert_false(routed(rows[i].neighbour, &own));
        assert_int_equal(nf_address_add(tun.index, &own), 0);
        assert_int_equal(occurrences(&own), 1);
        assert_true(routed(rows[i].neighbour, &own));
        assert_int_equal(nf_address_remove(tun.index, &own), 0);
        assert_int_equal(occurrences(&own), 0);
        assert_false(routed(rows[i].neighbour, &own));
    }
}

/* The flags of the interface's IPv6 address whose 32 hexadecimal digits are `digits`. */
static unsigned flags_of(const char *digits)
{
    FILE *table = fopen("/proc/self/net/if_inet6", "re");
    char address[40], name[24];
    unsigned flags = 0, found = 0;
    assert_non_null(table);
    while (fscanf(table, "%39s %*x %*x %*x %x %23s", address, &flags, name) == 3) {
        if (strcmp(address, digits) == 0 && strcmp(name, tun.name) == 0) {
            found = flags;
        }
    }
    fclose(table);
    return found;
}

static void an_ipv6_address_skips_duplicate_detection_and_can_be_bound_at_once(void **state)
{
    (void)state;
    netron_prefix own = prefix_of("fd00:3::1", 64);
    assert_int_equal(nf_address_add(tun.index, &own), 0);
    unsigned flags = flags_of("fd000003000000000000000000000001");
    assert_int_equal(flags & (IFA_F_NODAD | IFA_F_TENTATIVE), IFA_F_NODAD);
    struct sockaddr_in6 name = {.sin6_family = AF_INET6};
    memcpy(&name.sin6_addr, own.address, 16);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    close(fd);
    assert_int_equal(nf_address_remove(tun.index, &own), 0);
}

static void an_address_that_is_there_is_added_again_without_error(void **state)
{
    (void)state;
    const char *own[] = {"10.3.0.1", "fd00:4::1"};
    for (size_t i = 0; i < 2; i++) {
        netron_prefix address = prefix_of(own[i], 32);
        assert_int_equal(nf_address_add(tun.index, &address), 0);
        assert_int_equal(nf_address_add(tun.index, &address), 0);
        assert_int_equal(occurrences(&address), 1);
        assert_int_equal(nf_address_remove(tun.index, &address), 0);
        assert_int_equal(nf_address_remove(tun.index, &address), -EADDRNOTAVAIL);
    }
}

static void a_prefix_that_cannot_be_is_refused(void **state)
{
    (void)state;
    netron_prefix rows[] = {
        {.family = 4, .length = 33}, {.family = 6, .length = 129}, {.family = 0}, {.family = 5}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(nf_address_add(tun.index, &rows[i]), -EINVAL);
        assert_int_equal(nf_address_remove(tun.index, &rows[i]), -EINVAL);
        assert_int_equal(nf_route_add(tun.index, RT_TABLE_MAIN, &rows[i]), -EINVAL);
        assert_int_equal(nf_route_remove(tun.index, RT_TABLE_MAIN, &rows[i]), -EINVAL);
    }
}

static void a_route_is_added_once_and_removed(void **state)
{
    (void)state;
    const struct {
        const char *own, *network, *inside, *outside;
        uint8_t own_length, length;
    } rows[] = {
        {"10.4.0.1", "10.5.6.0", "10.5.6.77", "10.5.7.77", 32, 24},
        {"10.4.0.1", "0.0.0.0", "192.0.2.1", NULL, 32, 0},
        {"fd00:5::1", "fd00:6::", "fd00:6::77", "fd00:7::77", 128, 64},
        {"fd00:5::1", "::", "2001:db8::1", NULL, 128, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        netron_prefix own = prefix_of(rows[i].own, rows[i].own_length);
        netron_prefix network = prefix_of(rows[i].network, rows[i].length);
        assert_int_equal(nf_address_add(tun.index, &own), 0);
        assert_false(routed(rows[i].inside, &own));
        assert_int_equal(nf_route_add(tun.index, RT_TABLE_MAIN, &network), 0);
        assert_true(routed(rows[i].inside, &own));
        assert_true(rows[i].outside == NULL || !routed(rows[i].outside, &own));
        assert_int_equal(nf_route_add(tun.index, RT_TABLE_MAIN, &network), -EEXIST);
        assert_int_equal(nf_route_remove(tun.index, RT_TABLE_MAIN, &network), 0);
        assert_false(routed(rows[i].inside, &own));
        assert_int_equal(nf_route_remove(tun.index, RT_TABLE_MAIN, &network), -ESRCH);
        assert_int_equal(nf_address_remove(tun.index, &own), 0);
    }
}

static void a_watch_tells_links_addresses_and_the_default_route_alone(void **state)
{
    (void)state;
    netron_prefix own = prefix_of("10.8.0.1", 32), network = prefix_of("10.9.0.0", 16);
    netron_prefix all = prefix_of("0.0.0.0", 0);
    int fd = nf_netlink_watch();
    assert_true(fd >= 0);
    assert_false(nf_netlink_changed(fd));
    assert_int_equal(nf_route_add(tun.index, RT_TABLE_MAIN, &network), 0);
    assert_true(readable(fd));
    assert_false(nf_netlink_changed(fd));
    assert_int_equal(nf_address_add(tun.index, &own), 0);
    assert_true(readable(fd));
    assert_true(nf_netlink_changed(fd));
    assert_false(nf_netlink_changed(fd));
    assert_int_equal(nf_link_up(tun.index, MTU - 1, QUEUE), 0);
    assert_true(nf_netlink_changed(fd));
    assert_int_equal(nf_route_add(tun.index, RT_TABLE_MAIN, &all), 0);
    assert_true(nf_netlink_changed(fd));
    assert_int_equal(nf_route_remove(tun.index, RT_TABLE_MAIN, &all), 0);
    assert_true(nf_netlink_changed(fd));
    /* The route first: the kernel drops all IPv4 routes with an interface's last address. */
    assert_int_equal(nf_route_remove(tun.index, RT_TABLE_MAIN, &network), 0);
    assert_false(nf_netlink_changed(fd));
    assert_int_equal(nf_address_remove(tun.index, &own), 0);
    assert_true(nf_netlink_changed(fd));
    close(fd);
}

/* More notices than the socket holds: that some are lost is a change as well. */
static void a_watch_that_overflows_tells_a_change(void **state)
{
    (void)state;
    netron_prefix network = prefix_of("10.9.0.0", 16);
    int fd = nf_netlink_watch(), least = 1;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)), 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(nf_route_add(tun.index, RT_TABLE_MAIN, &network), 0);
        assert_int_equal(nf_route_remove(tun.index, RT_TABLE_MAIN, &network), 0);
    }
    assert_true(nf_netlink_changed(fd));
    assert_false(nf_netlink_changed(fd));
    close(fd);
}

static void calls_leave_no_descriptor_open(void **state)
{
    (void)state;
    netron_prefix own = prefix_of("10.8.0.1", 32);
    size_t before = open_descriptors();
    assert_int_equal(nf_address_add(tun.index, &own), 0);
    assert_int_equal(nf_address_remove(tun.index, &own), 0);
    assert_int_not_equal(nf_address_remove(tun.index, &own), 0);
    assert_int_equal(open_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_gets_its_mtu_and_queue_length_and_is_up),
        cmocka_unit_test(a_link_has_no_address_of_its_own),
        cmocka_unit_test(a_link_that_is_not_there_is_an_error),
        cmocka_unit_test(an_address_comes_with_its_networks_route_and_goes),
        cmocka_unit_test(an_ipv6_address_skips_duplicate_detection_and_can_be_bound_at_once),
        cmocka_unit_test(an_address_that_is_there_is_added_again_without_error),
        cmocka_unit_test(a_prefix_that_cannot_be_is_refused),
        cmocka_unit_test(a_route_is_added_once_and_removed),
        cmocka_unit_test(a_watch_tells_links_addresses_and_the_default_route_alone),
        cmocka_unit_test(a_watch_that_overflows_tells_a_change),
        cmocka_unit_test(calls_leave_no_descriptor_open),
    };
    return namespace_enter() ? cmocka_run_group_tests(tests, make_interface, remove_interface)
                             : namespace_refused();
}
