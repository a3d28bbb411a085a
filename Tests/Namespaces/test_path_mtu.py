# SPDX-License-Identifier: Apache-2.0
"""Full-size packets pass every way, and go on when the way changes.

    a chain    ada --- one --- two --- bob      who is in the middle forwards nothing but circuits

    a hub      ada  192.0.2.1/24    ---+
               bob  198.51.100.2/24 ---+--- way (a router that tells nobody of packets too big)
               hub  203.0.113.3/24  ---+

    pods       pod 10.42.1.2 --- ada --- bob --- pod 10.42.2.2    VXLAN over netron0, as by flannel
"""

import contextlib
import re
import time

import pytest

from lab import until
from node import PORT, Node, meet
from packets import UDP, Capture
from traffic import tcp_both_ways, udp_both_ways

MTU = 1400
IP_UDP_BYTES = 28
SHIM_BYTES = 8
OVERHEAD_BYTES = 32
BULK = 4 << 20
FRAGMENT = 8  # types of datagrams
DATA = 5
PING_GAP = 0.05  # seconds
ROUND = 0.5  # seconds, of probes


def full_size_both_ways(one, other):
    for here, there in ((one, other), (other, one)):
        for address, headers in ((there.address, 28), (there.ula, 48)):
            options = ("-s", str(MTU - headers), "-M", "do")
            here.host.ping(address, *options)
            # On a busy machine one may be lost; where there is a black hole all are.
            assert here.host.pings(address, "20", *options) >= 18
        udp_both_ways(here.host, there.host, there.address, 8000)
        tcp_both_ways(here.host, there.host, there.address, BULK)
        tcp_both_ways(here.host, there.host, there.ula, BULK)


@pytest.mark.parametrize("mtu", [1280, 1492, 1500])
def test_any_wire_passes_full_packets(lab, token, mtu):
    ada, bob = lab.all("ada", "bob")
    lab.join(ada, "192.0.2.1/24", bob, "192.0.2.2/24", mtu=mtu)
    one = Node(ada, token, "10.1.0.11/24").start()
    other = Node(bob, token, "10.1.0.12/24", peers=[f"192.0.2.1:{PORT}"]).start()
    meet(one, other)
    full_size_both_ways(one, other)
    for node, peer in ((one, other), (other, one)):
        assert node.peer(peer)["path_mtu"] <= mtu - IP_UDP_BYTES
        if mtu >= 1492:
            assert node.peer(peer)["path_mtu"] >= MTU + OVERHEAD_BYTES


@pytest.mark.parametrize("wires", [(1500, 1500, 1500), (1492, 1500, 1280), (1280, 1500, 1492),
                                   (1500, 1280, 1500)], ids=str)
def test_two_relays_in_a_row_pass_full_packets(lab, token, wires):
    ada, one, two, bob = hosts = lab.all("ada", "one", "two", "bob")
    for number, (left, right, mtu) in enumerate(zip(hosts, hosts[1:], wires), 1):
        lab.join(left, f"192.0.{number}.1/24", right, f"192.0.{number}.2/24", mtu=mtu)
    contacts = [[], ["192.0.1.1"], ["192.0.2.1"], ["192.0.3.1"]]
    nodes = [
        Node(host, token, f"10.1.0.{number}/24", more=["--no-dht"],
             peers=[f"{place}:{PORT}" for place in contacts[number - 1]]).start()
        for number, host in enumerate(hosts, 1)
    ]
    first, *_, last = nodes
    until(lambda: first.peer(last) and last.peer(first), "the ends know each other")
    first.host.ping(last.address)
    full_size_both_ways(first, last)
    for node, peer in ((first, last), (last, first)):
        known = node.peer(peer)
        assert known["path"] == "relayed"
        assert known["path_mtu"] <= min(wires) - IP_UDP_BYTES - SHIM_BYTES
    for middle in nodes[1:3]:
        assert middle.status()["counters"]["relayed_packets"] > 1000


class Pings:
    """Pings of one size, one after the other until it is stopped."""

    def __init__(self, host, address, size):
        self.log = host.lab.folder / f"pings-{host.name}-{size}"
        self.output = self.log.open("w")
        self.process = host.spawn(
            ["ping", "-n", "-D", "-i", PING_GAP, "-s", size, "-M", "do", address],
            stdout=self.output, stderr=self.output,
        )

    def answers(self):
        """When the answers came."""
        lines = re.findall(r"\[([0-9.]+)\] \d+ bytes", self.log.read_text())
        return [float(at) for at in lines]

    def longest_gap(self, since):
        times = [since, *(at for at in self.answers() if at > since), time.time()]
        return max(later - earlier for earlier, later in zip(times, times[1:]))

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.output.close()


@contextlib.contextmanager
def pinging(one, other):
    """Small and full-size pings at once."""
    both = Pings(one.host, other.address, 56), Pings(one.host, other.address, MTU - 28)
    try:
        yield both
    finally:
        for pings in both:
            pings.stop()


def go_on(small, full, since, what):
    """Waits until both come again, and fails if full-size ones came back a round later."""
    until(lambda: time.time() - since > 4 and small.answers()[-1] > time.time() - 0.5
          and full.answers()[-1] > time.time() - 0.5, what)
    gaps = small.longest_gap(since), full.longest_gap(since)
    assert gaps[1] <= gaps[0] + ROUND + 4 * PING_GAP, f"{what}: {gaps}"
    return gaps


def test_full_packets_go_on_between_direct_and_relayed(lab, token, capsys):
    ada, way, bob, hub = lab.host("ada"), lab.router("way"), lab.host("bob"), lab.host("hub")
    nets = {"ada": "192.0.2", "bob": "198.51.100", "hub": "203.0.113"}
    for number, host in enumerate((ada, bob, hub), 1):
        net = nets[host.name]
        lab.join(host, f"{net}.{number}/24", way, f"{net}.254/24")
        host.ip(f"route add default via {net}.254")
    way.nft("add table ip way")
    way.nft("add chain ip way pass { type filter hook forward priority filter; }")
    way.nft("add chain ip way out { type filter hook output priority filter; }")
    way.nft("add rule ip way out icmp type destination-unreachable drop")
    # What goes to the hub and from it, the router passes only in a narrow size.
    way.ip("link set to-hub mtu 1300")
    hub.ip("link set to-way mtu 1300")
    third = Node(hub, token, "10.1.0.3/24", more=["--no-dht"]).start()
    contact = [f"203.0.113.3:{PORT}"]
    one = Node(ada, token, "10.1.0.1/24", peers=contact, more=["--no-dht"]).start()
    other = Node(bob, token, "10.1.0.2/24", peers=contact, more=["--no-dht"]).start()
    meet(third, one, other)
    one.host.ping(other.address)
    until(lambda: one.peer(other)["path"] == "direct", "a direct path")
    with pinging(one, other) as (small, full):
        until(lambda: small.answers() and full.answers(), "pings of both sizes")
        gaps = []
        for block in (True, False):
            begun = time.time()
            if block:
                way.nft("add rule ip way pass ip saddr 192.0.2.1 ip daddr 198.51.100.2 drop")
                way.nft("add rule ip way pass ip saddr 198.51.100.2 ip daddr 192.0.2.1 drop")
            else:
                way.nft("flush chain ip way pass")
            wanted = "relayed" if block else "direct"
            until(lambda: one.peer(other)["path"] == other.peer(one)["path"] == wanted,
                  f"a {wanted} path", 60)
            gaps.append(go_on(small, full, begun, f"pings by a {wanted} path"))
        begun = time.time()
        way.ip("link set to-bob mtu 1280")  # a black hole amid the direct way
        bob.ip("link set to-way mtu 1280")
        until(lambda: one.peer(other)["path_mtu"] <= 1252, "the narrow way is found", 30)
        until(lambda: full.answers()[-1] > time.time() - 0.5, "full-size pings", 30)
        gaps.append((small.longest_gap(begun), full.longest_gap(begun)))
    assert gaps[-1][1] < 13
    with capsys.disabled():
        shown = ", ".join(f"{a:.2f}/{b:.2f}" for a, b in gaps)
        print(f"\nlongest gaps of small/full-size pings: {shown} s", end=" ")


def vxlan(host, number, mine, other, its_mac):
    """What flannel makes: a device that carries frames in UDP between inner addresses."""
    mac = f"02:00:00:00:00:{number:02x}"
    far = 3 - number
    host.ip(
        f"link add flannel.1 address {mac} mtu {MTU - 50} type vxlan id 1 local {mine} "
        "dev netron0 dstport 8472 nolearning",
        f"address add 10.42.{number}.0/32 dev flannel.1",
        "link set flannel.1 up",
        f"route add 10.42.{far}.0/24 via 10.42.{far}.0 dev flannel.1 onlink",
        f"neighbour add 10.42.{far}.0 lladdr {its_mac} dev flannel.1",
    )
    host.run(["bridge", "fdb", "append", its_mac, "dev", "flannel.1", "dst", other])
    host.sysctl("net.ipv4.ip_forward", 1)


class Tally:
    """Whose datagrams of which type passed a device, and that none of them was cut by IP."""

    def __init__(self, capture):
        self.types, self.capture = {}, capture

    def take(self):
        for packet in self.capture.packets():
            assert packet.version == 4
            assert not int.from_bytes(packet.bytes[6:8], "big") & 0x3FFF, "a fragment of IP"
            if packet.protocol == UDP and PORT in packet.ports:
                kind = packet.data[0]
                self.types[kind] = self.types.get(kind, 0) + 1
        return self.types


@pytest.mark.parametrize("mtu", [1280, 1492, 1500])
def test_pods_behind_two_hosts_speak_tcp(lab, token, mtu, capsys):
    ada, bob, left, right = lab.all("ada", "bob", "left", "right")
    lab.join(ada, "192.0.2.1/24", bob, "192.0.2.2/24", mtu=mtu)
    one = Node(ada, token, "10.1.0.1/24").start()
    other = Node(bob, token, "10.1.0.2/24", peers=[f"192.0.2.1:{PORT}"]).start()
    meet(one, other)
    vxlan(ada, 1, "10.1.0.1", "10.1.0.2", "02:00:00:00:00:02")
    vxlan(bob, 2, "10.1.0.2", "10.1.0.1", "02:00:00:00:00:01")
    for number, pod, host in ((1, left, ada), (2, right, bob)):
        net = f"10.42.{number}"
        lab.join(pod, f"{net}.2/24", host, f"{net}.1/24", mtu=MTU - 50)
        pod.ip(f"route add default via {net}.1")
    left.ping("10.42.2.2")
    # The largest inner packet, whole, both ways; then none of it is cut on its way but by Netron.
    for here, there in ((left, "10.42.2.2"), (right, "10.42.1.2")):
        assert here.pings(there, "20", "-s", str(MTU - 50 - 28), "-M", "do") == 20
    for node in (ada, bob):  # one datagram, one packet: what a program would see with a sniffer
        node.run(["ethtool", "-K", "to-ada" if node is bob else "to-bob", "gso", "off",
                  "tso", "off", "gro", "off", "tx-udp-segmentation", "off"], check=False)
    with Capture(ada, "to-bob") as passing:
        tally = Tally(passing)
        for _ in range(4):
            tcp_both_ways(left, right, "10.42.2.2", BULK // 4)
            tally.take()
        types = tally.take()
    pieces = types.get(FRAGMENT, 0)
    segments = 2 * BULK / (MTU - 50 - 40)  # both ways; their acknowledgements are small
    if mtu >= 1492:
        assert pieces == 0, types
    else:
        assert pieces <= 2.2 * segments, types
    assert one.drops("fragment") == other.drops("fragment") == 0
    with capsys.disabled():
        print(f"\n{types.get(DATA, 0)} datagrams whole, {pieces} pieces", end=" ")
