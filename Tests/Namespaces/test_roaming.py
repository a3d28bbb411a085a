# SPDX-License-Identifier: Apache-2.0
"""A host that gets another address stays a member, and its connections live on.

    ada  192.0.2.1/24 --- way (a router) --+-- 198.51.100.2/24  bob, dials ada
                                           +-- 203.0.113.2/24   bob, on a second wire
"""

import pytest

from lab import until
from node import PORT, Node, meet
from traffic import Stream, noise

FIRST, NEIGHBOUR, SECOND = "198.51.100.2", "198.51.100.77", "203.0.113.2"


@pytest.fixture
def two(lab, token):
    ada, way, bob = lab.host("ada"), lab.router("way"), lab.host("bob")
    lab.join(ada, "192.0.2.1/24", way, "192.0.2.254/24")
    lab.join(bob, f"{FIRST}/24", way, "198.51.100.254/24")
    bob.run(
        ["ip", "link", "add", "second", "type", "veth"]
        + ["peer", "name", "to-bob-2", "netns", str(way.holder.pid)]
    )
    way.ip("link set to-bob-2 up")
    way.address("to-bob-2", "203.0.113.254/24")
    ada.ip("route add default via 192.0.2.254")
    bob.ip("route add default via 198.51.100.254")
    one = Node(ada, token, "10.1.0.1/24").start()
    other = Node(bob, token, "10.1.0.2/24", peers=[f"192.0.2.1:{PORT}"]).start()
    meet(one, other)
    return one, other


def get_another_address(bob):
    bob.ip(f"address del {FIRST}/24 dev to-way", f"address add {NEIGHBOUR}/24 dev to-way")
    bob.ip("route add default via 198.51.100.254")
    return NEIGHBOUR


def go_to_another_network(bob):
    bob.ip("link set to-way down", "link set second up")
    bob.address("second", f"{SECOND}/24")
    bob.ip("route add default via 203.0.113.254")
    return SECOND


def count_sessions(node):
    counters = node.status()["counters"]
    return counters["handshakes_done"] + counters["handshakes_taken"]


@pytest.mark.parametrize("move", [get_another_address, go_to_another_network])
def test_a_connection_outlives_a_move(two, move):
    ada, bob = two
    with Stream(ada.host, bob.host, bob.address) as stream:
        stream.carry(noise(100_000))
        sessions = count_sessions(ada)
        address = move(bob.host)
        stream.carry(noise(100_000, seed=2), reverse=True)
        stream.carry(noise(100_000, seed=3))
        until(
            lambda: ada.peer(bob)["endpoint"] == f"{address}:{PORT}",
            "ada knows where bob is now",
        )
        # The session itself moved; no other had to be made.
        assert count_sessions(ada) == sessions
    ada.host.ping(bob.address)


def test_a_member_that_only_listens_is_found_again(two):
    """It notices that it moved, and says so before anybody misses it."""
    ada, bob = two
    go_to_another_network(bob.host)
    ada.host.ping(bob.address)


def test_the_contact_itself_may_move(two):
    ada, bob = two
    ada.host.ip("address add 192.0.2.99/24 dev to-way", "address del 192.0.2.1/24 dev to-way")
    ada.host.run(["ip", "address", "replace", "192.0.2.99/24", "dev", "to-way"])
    ada.host.ip("route replace default via 192.0.2.254")
    ada.host.ping(bob.address)
    bob.host.ping(ada.address)
    until(lambda: bob.peer(ada)["endpoint"] == f"192.0.2.99:{PORT}", "bob knows the new place")
