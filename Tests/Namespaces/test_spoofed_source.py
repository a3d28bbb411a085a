# SPDX-License-Identifier: Apache-2.0
"""A member that sends in another's name is not heard.

    ada  192.0.2.1/24  10.1.0.11 -------------------- 192.0.2.2/24  10.1.0.12  bob, dials ada
"""

import pytest

from lab import until
from node import pair
from packets import Capture, inject, tcp, udp

INTERFACE = "netron0"


@pytest.fixture
def two(lab, token):
    return pair(lab, token)


def assert_dropped(ada, bob, packets):
    """What has a wrong source is counted by bob and does not arrive; what follows does."""
    before = bob.drops("spoofed")
    last = udp(ada.address, bob.address, 9, 9, b"the last one")
    with Capture(bob.host, INTERFACE) as arriving:
        inject(ada.host, INTERFACE, [*packets, last])
        seen = []
        arriving.wait(
            lambda packet: seen.append(packet.bytes) or packet.bytes == last, "the last packet"
        )
    assert not set(packets) & set(seen)
    until(lambda: bob.drops("spoofed") == before + len(packets), "each is counted")


@pytest.mark.parametrize("source", ["10.1.0.99", "10.1.0.12", "192.0.2.1", "127.0.0.1"])
def test_a_source_that_is_not_the_senders_is_dropped(two, source):
    ada, bob = two
    assert_dropped(ada, bob, [udp(source, bob.address, 1000, 2000, bytes([n])) for n in range(5)])


def test_another_ula_is_dropped(two):
    ada, bob = two
    foreign = ada.ula[:-1] + ("1" if ada.ula[-1] != "1" else "2")
    sent = [udp(source, bob.ula, 1000, 2000, b"x") for source in (foreign, bob.ula, "fd00::1")]
    assert_dropped(ada, bob, sent)


def test_one_false_packet_amid_a_run_is_dropped_alone(two):
    """Packets are checked before they are joined."""
    ada, bob = two
    run = [
        tcp("10.1.0.98" if n == 4 else ada.address, bob.address, (3000, 3001), 1 + n * 1000,
            bytes([n]) * 1000)
        for n in range(8)
    ]
    before = bob.drops("spoofed")
    with Capture(bob.host, INTERFACE) as arriving:
        with ada.held():
            inject(ada.host, INTERFACE, run)
        begins = set()
        while len(begins) < 7:
            seen = arriving.wait(
                lambda packet: not packet.outgoing and packet.data, "the rest of the run"
            )
            assert seen.source == ada.address
            begins |= set(range(seen.sequence, seen.sequence + len(seen.data), 1000))
    assert begins == {1 + n * 1000 for n in range(8) if n != 4}
    until(lambda: bob.drops("spoofed") == before + 1, "the false one is counted")
