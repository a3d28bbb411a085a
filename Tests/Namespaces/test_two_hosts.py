# SPDX-License-Identifier: Apache-2.0
"""Two hosts with one token are one network, for every kind of packet.

    ada                                        bob
    netron0 10.1.0.11/24                       netron0 10.1.0.12/24
    to-bob  192.0.2.1/24 -------------------- to-ada  192.0.2.2/24, dials ada
"""

import pytest

from lab import until
from node import pair
from packets import CE, ECT0, TCP, UDP, Capture, Packet, inject, tcp, udp
from traffic import iperf, tcp_both_ways, udp_both_ways

INTERFACE = "netron0"
MTU = 1400
DSCP_EF = 46 << 2
BULK = 256 << 20
RETRANSMITS_MAX = 0.02  # of all segments; there is no loss here but by full queues


@pytest.fixture
def two(lab, token):
    return pair(lab, token)


def test_a_ping_is_answered_both_ways_by_both_families(two):
    ada, bob = two
    for asker, asked in ((ada, bob), (bob, ada)):
        for address in (asked.address, asked.ula):
            asker.host.ping(address)
            assert asker.host.pings(address, "20") == 20


def test_tcp_and_udp_pass_both_ways_by_both_families(two):
    ada, bob = two
    for client, server in ((ada, bob), (bob, ada)):
        for address in (server.address, server.ula):
            tcp_both_ways(client.host, server.host, address)
            udp_both_ways(client.host, server.host, address)


def test_packets_of_every_size_up_to_the_interface_pass_whole(two):
    ada, bob = two
    for address, headers in ((bob.address, 28), (bob.ula, 48)):
        for size in (0, 1, 7, 64, 1000, MTU - headers - 1, MTU - headers):
            assert ada.host.pings(address, "3", "-s", str(size), "-M", "do") == 3, size
        too_long = ada.host.run(
            ["ping", "-c", "1", "-s", str(MTU - headers + 1), "-M", "do", address], check=False
        )
        assert "too long" in too_long.stdout + too_long.stderr
        # What is larger goes in fragments of IP, which a tunnel carries like any packet.
        assert ada.host.pings(address, "3", "-s", "4000") == 3


def test_large_datagrams_of_udp_pass(two):
    ada, bob = two
    for address in (bob.address, bob.ula):
        for length in (1, 1300, 1373, 8000, 60_000):
            udp_both_ways(ada.host, bob.host, address, length)


@pytest.mark.parametrize("streams", [1, 4])
def test_bulk_moves_both_ways_with_few_repetitions(two, streams):
    ada, bob = two
    for direction in ([], ["-R"]):
        end = iperf(
            ada.host, bob.host, bob.address, "-P", str(streams), "-n", str(BULK), *direction
        )
        # It ends when all is sent; what is on the way then is not counted.
        assert end["sum_received"]["bytes"] >= BULK / 2
        assert end["sum_sent"]["retransmits"] <= end["sum_sent"]["bytes"] / MTU * RETRANSMITS_MAX


def test_wrong_checksums_stay_wrong(two):
    """A tunnel that put them right would hide what went wrong before."""
    ada, bob = two
    source, destination = ada.address, bob.address
    sent = [
        udp(source, destination, 1000, 2000, bytes([n]) * 50, spoil=n % 2 * n) for n in range(8)
    ]
    # Wrong segments amid a run that offloads join.
    sent += [
        tcp(source, destination, (1001, 2001), 1 + n * 100, bytes([n]) * 100, spoil=n % 5 == 2)
        for n in range(20)
    ]
    wrong = {packet for packet in sent if not Packet(packet).is_checksum_right()}
    assert len(wrong) == 8
    right = {1 + n * 100 for n in range(20) if n % 5 != 2}
    with Capture(bob.host, INTERFACE) as arriving:
        with ada.held():
            inject(ada.host, INTERFACE, sent)
        arrived = []
        until(
            lambda: arrived.extend(arriving.incoming()) or whole(arrived, wrong) == right,
            "the right segments arrive, joined or not",
        )
        until(
            lambda: arrived.extend(arriving.incoming()) or wrong <= {p.bytes for p in arrived},
            "the wrong packets arrive, each as it was sent",
        )
    assert whole(arrived, wrong) == right


def whole(arrived, wrong):
    """Where the segments of 100 bytes begin that arrived as right ones."""
    return {
        begin
        for packet in arrived
        if packet.protocol == TCP and packet.bytes not in wrong
        for begin in range(packet.sequence, packet.sequence + len(packet.data), 100)
    }


def test_a_wrong_checksum_of_ipv6_stays_wrong(two):
    ada, bob = two
    wrong = udp(ada.ula, bob.ula, 1000, 2000, b"wrong", spoil=7)
    with Capture(bob.host, INTERFACE) as arriving:
        inject(ada.host, INTERFACE, [wrong])
        arriving.wait(lambda seen: seen.bytes == wrong, "the packet as it was sent")


def from_port(port):
    return lambda seen: seen.protocol == UDP and not seen.outgoing and seen.ports[0] == port


def test_dscp_and_ecn_are_carried_and_shown_outside(two):
    """RFC 2983 and RFC 6040: the outer packet has what the inner one has."""
    ada, bob = two
    marks = [0, DSCP_EF, ECT0, DSCP_EF | ECT0, CE, DSCP_EF | CE]
    inner, outer = Capture(bob.host, INTERFACE), Capture(bob.host, "to-ada")
    for number, tos in enumerate(marks):
        packet = udp(ada.address, bob.address, 3000 + number, 2000, b"x" * 700, tos=tos)
        inject(ada.host, INTERFACE, [packet])
        arrived = inner.wait(from_port(3000 + number), f"a packet with TOS {tos:#x}")
        assert arrived.tos == tos
        carrier = outer.wait(
            # Larger ones search the size of the path.
            lambda seen: not seen.outgoing and 700 < len(seen.payload) < 1000,
            "the datagram around it",
        )
        # Congestion that was met before is told outside as what it can bear, not as met again.
        assert carrier.tos in ({tos, tos & ~CE | ECT0} if tos & 3 == CE else {tos})


def test_congestion_met_outside_is_told_inside(two):
    """RFC 6040, section 4.2: a mark set on the way ends up in the inner packet."""
    ada, bob = two
    bob.host.nft("add table ip way")
    bob.host.nft("add chain ip way in { type filter hook prerouting priority raw; }")
    bob.host.nft("add rule ip way in udp dport 7000 ip ecn set ce")
    with Capture(bob.host, INTERFACE) as arriving:
        able = udp(ada.address, bob.address, 3001, 2000, b"able", tos=DSCP_EF | ECT0)
        unable = udp(ada.address, bob.address, 3002, 2000, b"unable", tos=DSCP_EF)
        before = bob.drops("congested")
        inject(ada.host, INTERFACE, [unable, able])
        assert arriving.wait(from_port(3001), "the packet that bears marks").tos == DSCP_EF | CE
        assert not [seen for seen in arriving.packets() if from_port(3002)(seen)]
    # Who cannot be told must be dropped, as a router would have done.
    until(lambda: bob.drops("congested") > before, "the drop is counted")


def test_flows_of_tcp_arrive_in_order(two):
    """Also where the segments of several flows are cut and joined side by side."""
    ada, bob = two
    with Capture(bob.host, INTERFACE) as arriving:
        with ada.held():
            inject(ada.host, INTERFACE, [
                tcp(ada.address, bob.address, (4000 + n % 5, 2001), 1 + n // 5 * 100, b"y" * 100)
                for n in range(100)
            ])
        flows = {4000 + n: 1 for n in range(5)}
        while any(next_one < 2001 for next_one in flows.values()):
            seen = arriving.wait(
                lambda seen: seen.protocol == TCP and not seen.outgoing, "the rest of the flows"
            )
            assert seen.sequence == flows[seen.ports[0]], "a segment came out of order"
            flows[seen.ports[0]] += len(seen.data)
