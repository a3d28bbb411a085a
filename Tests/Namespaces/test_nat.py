# SPDX-License-Identifier: Apache-2.0
"""Members behind gates reach each other: through another member at first, directly where it can be.

    hub (public) ---+
    gate --- ada ---+--- net (a router; no multicast passes, no way leads out)
    gate --- bob ---+

A "restricted" gate keeps source ports and lets in answers alone; a "symmetric" one shows each host
another port. Only hub is named, by --peer.
"""

import itertools
import time

import pytest

from lab import until
from node import PORT, Node, meet
from traffic import tcp_both_ways

RELAYED_FIRST_PING = 2  # seconds; what is promised for members that are up and known
DIRECT_BOUND = 15
GATES = {"public": None, "restricted": "masquerade", "symmetric": "masquerade random"}


def member(internet, token, name, kind, number, peers):
    host = internet.host(name) if kind == "public" else internet.home(
        name, translation=GATES[kind]
    )[1]
    return Node(host, token, f"10.1.0.{number}/24", peers=peers, more=["--no-dht"])


def world(internet, token, *kinds):
    """hub, and a member of each kind, which know each other though nobody named them."""
    hub = Node(internet.host("hub"), token, "10.1.0.1/24", more=["--no-dht"]).start()
    contact = [f"{internet.address['hub']}:{PORT}"]
    others = [
        member(internet, token, name, kind, number, contact).start()
        for number, (name, kind) in enumerate(zip(("ada", "bob", "carol"), kinds), 11)
    ]
    for node, other in itertools.permutations([hub, *others], 2):
        until(lambda: node.peer(other) is not None, f"{node.name} knows {other.name}")
    return hub, *others


def path(node, other):
    return node.peer(other)["path"]


def settle(one, other, wanted):
    """Lets packets flow until both ends see the path that is wanted."""
    def is_settled():
        one.host.pings(other.address, "2")
        return path(one, other) == path(other, one) == wanted
    until(is_settled, f"a {wanted} path between {one.name} and {other.name}", DIRECT_BOUND)


def can_be_direct(*kinds):
    """Not where both sides show every host another port."""
    return kinds != ("symmetric", "symmetric")


@pytest.mark.parametrize("kinds", itertools.combinations_with_replacement(GATES, 2), ids="-".join)
def test_any_two_reach_each_other(internet, token, kinds, capsys):
    hub, ada, bob = world(internet, token, *kinds)
    begun = time.monotonic()
    ada.host.ping(bob.address, "-W", "0.2")
    took = time.monotonic() - begun
    settle(ada, bob, "direct" if can_be_direct(*kinds) else "relayed")
    settled = time.monotonic() - begun
    ada.host.ping(bob.ula)
    bob.host.ping(ada.address)
    tcp_both_ways(ada.host, bob.host, bob.address)
    with capsys.disabled():
        print(f"\nfirst ping {took:.2f} s, {path(ada, bob)} after {settled:.2f} s", end=" ")
    if not can_be_direct(*kinds):
        assert ada.peer(bob)["relay"] == bob.peer(ada)["relay"] == hub.id
        assert ada.peer(bob)["endpoint"] is None
        assert hub.status()["counters"]["relayed_packets"] > 100
        said = ada.command("ping", "-c", "1", bob.id).stdout
        assert f"relayed via {hub.id[:8]}" in said, said


def test_two_in_one_home_meet_there(internet, token):
    hub = Node(internet.host("hub"), token, "10.1.0.1/24", more=["--no-dht"]).start()
    gate, *hosts = internet.home("ada", "bob")
    contact = [f"{internet.address['hub']}:{PORT}"]
    ada, bob = [
        Node(host, token, f"10.1.0.{number}/24", peers=contact, more=["--no-dht"]).start()
        for number, host in enumerate(hosts, 11)
    ]
    meet(hub, ada, bob)
    settle(ada, bob, "direct")
    assert ada.peer(bob)["endpoint"].startswith("192.168.0.")


def test_a_relay_that_dies_is_replaced(internet, token, capsys):
    hub, ada, bob, carol = world(internet, token, "symmetric", "symmetric", "public")
    settle(ada, bob, "relayed")
    relay = next(node for node in (hub, carol) if node.id == ada.peer(bob)["relay"])
    other = carol if relay is hub else hub
    # Both have to know the other one by now.
    until(lambda: ada.is_up(other) and bob.is_up(other), f"sessions with {other.name}")
    relay.kill()
    begun = time.monotonic()
    ada.host.ping(bob.address, "-W", "0.2", bound=60)
    with capsys.disabled():
        print(f"\nanother relay after {time.monotonic() - begun:.2f} s", end=" ")
    assert ada.peer(bob)["relay"] == other.id
