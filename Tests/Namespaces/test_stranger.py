# SPDX-License-Identifier: Apache-2.0
"""Who does not have the token gets no answer, and costs nothing.

    ada  192.0.2.1/24 ---+
    bob  192.0.2.2/24 ---+--- lan (a switch)
    eve  192.0.2.9/24 ---+    no node, no token; it has seen all that ada and bob said

bob dials ada.
"""

import random
import socket

import pytest

from lab import until
from node import PORT, Node, meet
from packets import ICMP, UDP, Capture, inject, udp

DATAGRAMS = 10_000
BATCH = 1000  # fits the receive buffer
GROWTH_BYTES_MAX = 1 << 20
TYPES = range(1, 9)
SIZES = [160, 152, 112, 64, 32, 33, 100, 1432]
HANDSHAKE_SIZES = {1: 160, 2: 152, 3: 112, 4: 64}


@pytest.fixture
def scene(lab, token):
    """The two nodes, the host of eve, and what she saw of their handshake and first words."""
    ada, bob, eve = lab.all("ada", "bob", "eve")
    lab.switch("lan", {ada: "192.0.2.1/24", bob: "192.0.2.2/24", eve: "192.0.2.9/24"})
    one = Node(ada, token, "10.1.0.1/24").start()
    other = Node(bob, token, "10.1.0.2/24", peers=[f"192.0.2.1:{PORT}"])
    with Capture(bob, "to-lan") as wire:
        other.start()
        meet(one, other)
        ada.ping(other.address)
        assert bob.pings(one.address, "20") == 20
        passed = [seen for seen in wire.packets() if seen.protocol == UDP]
    return one, other, eve, passed


def garbage(count, seed=1):
    """Random bytes, of which most look like messages at first."""
    chance = random.Random(seed)
    for number in range(count):
        kind = number % 4
        size = chance.choice(SIZES)
        body = bytearray(chance.randbytes(size if kind else chance.randrange(1, 1400)))
        if kind == 1:  # a first message, a second, a third, a cookie
            step = chance.choice(list(HANDSHAKE_SIZES))
            body[:] = chance.randbytes(HANDSHAKE_SIZES[step])
            body[:4] = bytes([step, chance.randrange(8), 1, 0])
        elif kind == 2:  # a packet of some session
            body[:4] = bytes([chance.randrange(5, 9), 0, 0, 0])
            body[4:8] = chance.randrange(1 << 12).to_bytes(4, "little")
        elif kind == 3:
            body[0] = chance.choice([*TYPES, ord("d"), 0, 255])
        yield bytes(body)


def total_drops(node):
    return sum(node.status()["drops"].values())


def throw(eve, node, address, datagrams):
    """Sends datagrams from eve in batches, each after the one before was dropped and counted."""
    with eve.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((address, PORT))
        for begin in range(0, len(datagrams), BATCH):
            batch = datagrams[begin : begin + BATCH]
            before = total_drops(node)
            for datagram in batch:
                sender.send(datagram)
            # A third message of late is answered to its true sender, who may have missed that.
            count = sum(1 for datagram in batch if datagram[0] != 3)
            until(
                lambda: total_drops(node) >= before + count, f"{node.name} counts {count} drops"
            )


def answers(seen):
    """Whether it is a datagram or an error from a host with a node."""
    return not seen.outgoing and seen.protocol in (UDP, ICMP)


def test_garbage_is_dropped_without_an_answer_or_growth(scene):
    ada, bob, eve, _ = scene
    datagrams = list(garbage(DATAGRAMS))
    with Capture(eve, "to-lan") as heard:
        # What is set up at the first of a kind does not count.
        throw(eve, ada, "192.0.2.1", list(garbage(500, seed=2)))
        before = ada.resident_bytes()
        throw(eve, ada, "192.0.2.1", datagrams)
        assert ada.resident_bytes() - before <= GROWTH_BYTES_MAX
        assert not [seen for seen in heard.packets() if answers(seen)]
    drops = ada.status()["drops"]
    for reason in ("malformed", "wrong_network", "unknown_index"):
        assert drops[reason] > DATAGRAMS / 50, drops
    assert ada.status()["peers"]["known"] == 1
    assert bob.host.pings(ada.address, "20") == 20


def test_what_was_seen_is_not_taken_again(scene):
    """Replays: handshakes and sealed packets, from the stranger's own address."""
    ada, bob, eve, passed = scene
    counters = {node: node.status()["counters"] for node in (ada, bob)}
    delivered = [Capture(node.host, "netron0") for node in (ada, bob)]
    with Capture(eve, "to-lan") as heard:
        for node, address in ((ada, "192.0.2.1"), (bob, "192.0.2.2")):
            to_it = [seen.data for seen in passed if seen.destination == address]
            assert {data[0] for data in to_it} & {1, 2}, "no handshake was seen"
            throw(eve, node, address, to_it)
            throw(eve, node, address, to_it)
        # And those that were for the other one.
        throw(eve, ada, "192.0.2.1", [p.data for p in passed if p.destination == "192.0.2.2"])
        assert not [seen for seen in heard.packets() if answers(seen)]
    for capture in delivered:
        assert not [seen for seen in capture.packets() if not seen.outgoing]
        capture.close()
    for node, other, endpoint in ((ada, bob, "192.0.2.2"), (bob, ada, "192.0.2.1")):
        assert node.status()["peers"]["known"] == 1
        assert node.peer(other)["endpoint"] == f"{endpoint}:{PORT}"
        after = node.status()["counters"]
        assert after["handshakes_done"] == counters[node]["handshakes_done"]
        assert after["handshakes_taken"] == counters[node]["handshakes_taken"]
    assert ada.drops("repeated") >= 2
    assert ada.drops("replayed") > 0 and bob.drops("replayed") > 0
    assert ada.host.pings(bob.address, "20") == 20


def test_replays_in_the_name_of_the_peer_change_nothing(scene):
    """The same with the true sender's address, which a stranger on the LAN can write."""
    ada, bob, eve, passed = scene
    to_ada = [seen.data for seen in passed if seen.destination == "192.0.2.1"]
    forged = [udp("192.0.2.2", "192.0.2.1", PORT, PORT, data) for data in to_ada]
    before, taken = total_drops(ada), ada.status()["counters"]["handshakes_taken"]
    inject(eve, "to-lan", forged, link=link_address(eve, "192.0.2.1"))
    count = sum(1 for data in to_ada if data[0] != 3)
    until(lambda: total_drops(ada) >= before + count, "each replay is dropped")
    assert ada.status()["counters"]["handshakes_taken"] == taken
    assert ada.host.pings(bob.address, "20") == 20


def link_address(host, address):
    host.ping(address)
    said = host.run(["ip", "neigh", "show", address]).stdout.split()
    return bytes.fromhex(said[said.index("lladdr") + 1].replace(":", ""))
