# SPDX-License-Identifier: Apache-2.0
"""Where the way is narrower than the packets, they pass all the same.

    wire of 1280   ada  192.0.2.1/24 ---------- 192.0.2.2/24  bob, dials ada

    black hole     ada  192.0.2.1/24 -- way --- 198.51.100.2/24  bob, dials ada
                   the router's wire to bob has 1300; it tells nobody that packets are too big
"""

import pytest

from lab import until
from node import PORT, Node, meet, pair
from traffic import tcp_both_ways, udp_both_ways

MTU = 1400
IP_UDP_BYTES = {4: 28, 6: 48}
BULK = 16 << 20


def on_a_narrow_wire(lab, token):
    ada, bob = pair(lab, token, mtu=1280)
    return ada, bob, 1280 - IP_UDP_BYTES[4]


def on_a_narrow_wire_of_ipv6(lab, token):
    ada, bob = lab.all("ada", "bob")
    lab.join(ada, "2001:db8::1/64", bob, "2001:db8::2/64", mtu=1280)
    one = Node(ada, token, "10.1.0.11/24").start()
    other = Node(bob, token, "10.1.0.12/24", peers=[f"[2001:db8::1]:{PORT}"]).start()
    meet(one, other)
    return one, other, 1280 - IP_UDP_BYTES[6]


def behind_a_black_hole(lab, token):
    ada, way, bob = lab.host("ada"), lab.router("way"), lab.host("bob")
    lab.join(ada, "192.0.2.1/24", way, "192.0.2.254/24")
    lab.join(bob, "198.51.100.2/24", way, "198.51.100.254/24")
    way.ip("link set to-bob mtu 1300")
    way.nft("add table ip way")
    way.nft("add chain ip way out { type filter hook output priority filter; }")
    way.nft("add rule ip way out icmp type destination-unreachable drop")
    ada.ip("route add default via 192.0.2.254")
    bob.ip("route add default via 198.51.100.254")
    one = Node(ada, token, "10.1.0.11/24").start()
    other = Node(bob, token, "10.1.0.12/24", peers=[f"192.0.2.1:{PORT}"]).start()
    meet(one, other)
    return one, other, 1300 - IP_UDP_BYTES[4]


@pytest.mark.parametrize(
    "underlay", [on_a_narrow_wire, on_a_narrow_wire_of_ipv6, behind_a_black_hole]
)
def test_everything_passes_a_narrow_way(lab, token, underlay):
    ada, bob, largest = underlay(lab, token)
    until(
        lambda: ada.peer(bob)["path_mtu"] <= largest and bob.peer(ada)["path_mtu"] <= largest,
        "both know what passes",
    )
    for address, headers in ((bob.address, 28), (bob.ula, 48)):
        for size in (1000, 1200, MTU - headers - 1, MTU - headers):
            options = ("-s", str(size), "-M", "do")
            ada.host.ping(address, *options)
            assert ada.host.pings(address, "10", *options) == 10, size
        udp_both_ways(ada.host, bob.host, address, 1350)
        udp_both_ways(bob.host, ada.host, ada.address, 8000)
        tcp_both_ways(ada.host, bob.host, address, BULK)


def test_a_wide_way_is_found_to_be_wide(lab, token):
    ada, bob = pair(lab, token)
    # A session is searched for its size when it carries a packet.
    ada.host.ping(bob.address)
    until(
        lambda: ada.peer(bob)["path_mtu"] >= MTU + 32 and bob.peer(ada)["path_mtu"] >= MTU + 32,
        "a full packet passes in one datagram",
    )
