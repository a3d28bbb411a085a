# SPDX-License-Identifier: Apache-2.0
"""Hosts that have IPv6 alone are a network for both families.

    ada  2001:db8:1::1/64 --- way (a router) --- 2001:db8:2::2/64  bob, dials ada
"""

import pytest

from node import PORT, Node, meet
from traffic import tcp_both_ways, udp_both_ways

MTU = 1400
BULK = 16 << 20


@pytest.fixture
def two(lab, token):
    ada, way, bob = lab.host("ada"), lab.router("way"), lab.host("bob")
    lab.join(ada, "2001:db8:1::1/64", way, "2001:db8:1::ff/64")
    lab.join(bob, "2001:db8:2::2/64", way, "2001:db8:2::ff/64")
    ada.ip("route add default via 2001:db8:1::ff")
    bob.ip("route add default via 2001:db8:2::ff")
    one = Node(ada, token, ["10.1.0.1/24", "fd00:1::1/64"]).start()
    other = Node(
        bob, token, ["10.1.0.2/24", "fd00:1::2/64"], peers=[f"[2001:db8:1::1]:{PORT}"]
    ).start()
    meet(one, other)
    return one, other


def test_all_inner_addresses_are_reached(two):
    ada, bob = two
    assert ada.peer(bob)["endpoint"] == f"[2001:db8:2::2]:{PORT}"
    for address in ("10.1.0.2", "fd00:1::2", bob.ula):
        ada.host.ping(address)
        tcp_both_ways(ada.host, bob.host, address)
        udp_both_ways(ada.host, bob.host, address, 1300)


def test_packets_of_full_size_pass(two):
    ada, bob = two
    assert ada.host.pings("10.1.0.2", "20", "-s", str(MTU - 28), "-M", "do") == 20
    assert bob.host.pings("fd00:1::1", "20", "-s", str(MTU - 48), "-M", "do") == 20


def test_bulk_moves(two):
    ada, bob = two
    tcp_both_ways(ada.host, bob.host, "10.1.0.2", BULK)
    tcp_both_ways(bob.host, ada.host, "fd00:1::1", BULK)


def test_a_link_local_contact_will_do(lab, token):
    ada, bob = lab.all("ada", "bob")
    lab.join(ada, "fe80::1/64", bob, "fe80::2/64")
    one = Node(ada, token, "10.1.0.1/24").start()
    other = Node(bob, token, "10.1.0.2/24", peers=[f"[fe80::1%to-ada]:{PORT}"]).start()
    meet(one, other)
    bob.ping(one.address)
