# SPDX-License-Identifier: Apache-2.0
"""Members carry traffic for networks that are no members', and others send it to them.

                              web  203.0.113.2/24  2001:db8:3::2/64
                               |
    ada  198.51.100.2/24 ---- net ---- 192.0.2.2/24     gate  192.168.50.1/24 ---- inside
         2001:db8:1::2/64      |       2001:db8:2::2/64       fd50::1/64           192.168.50.2/24
                               |                                                   fd50::2/64
    bob  198.51.101.2/24 ------'
         2001:db8:4::2/64

net is a router, and the way out of ada, bob and gate; web knows the way to gate alone. gate is
inside's way out. All but net, web and inside run a node; ada and bob dial gate.
"""

import socket

import pytest

from lab import BOUND, until
from node import PORT, Node, meet, reach
from packets import Capture, inject, udp
from traffic import Stream, noise, tcp_both_ways

INTERFACE = "netron0"
INSIDE, INSIDE6 = "192.168.50.2", "fd50::2"
WEB, WEB6 = "203.0.113.2", "2001:db8:3::2"
GATE, GATE6 = "192.0.2.2", "2001:db8:2::2"
LAN = ["--advertise", "192.168.50.0/24", "--advertise", "fd50::/64"]
ALL = ["--advertise", "0.0.0.0/0", "--advertise", "::/0"]
ACCEPT = ["--accept-routes"]


class Place:
    """The hosts of the picture."""

    def __init__(self, lab, token):
        self.lab, self.token = lab, token
        self.net = lab.router("net")
        self.gate = lab.router("gate")
        self.ada, self.bob, self.web, self.inside = lab.all("ada", "bob", "web", "inside")
        for host, network, network6 in [
            (self.ada, "198.51.100", "2001:db8:1"), (self.bob, "198.51.101", "2001:db8:4"),
            (self.gate, "192.0.2", "2001:db8:2"), (self.web, "203.0.113", "2001:db8:3"),
        ]:
            lab.join(
                host, f"{network}.2/24 {network6}::2/64",
                self.net, f"{network}.1/24 {network6}::1/64",
            )
            if host is not self.web:
                host.ip(
                    f"route add default via {network}.1", f"-6 route add default via {network6}::1"
                )
        self.web.ip(
            "route add 192.0.2.0/24 via 203.0.113.1",
            "-6 route add 2001:db8:2::/64 via 2001:db8:3::1",
        )
        lab.join(
            self.gate, "192.168.50.1/24 fd50::1/64", self.inside, f"{INSIDE}/24 {INSIDE6}/64"
        )
        self.inside.ip("route add default via 192.168.50.1", "-6 route add default via fd50::1")

    def node(self, host, number, *more):
        contact = [] if host is self.gate else [f"{GATE}:{PORT}"]
        addresses = [f"10.1.0.{number}/24", f"fd10::{number}/64"]
        return Node(host, self.token, addresses, peers=contact, more=list(more))

    def masquerade(self):
        self.gate.nft(
            f"table inet out {{ chain post {{ type nat hook postrouting priority srcnat;"
            f' iifname "{INTERFACE}" oifname != "{INTERFACE}" masquerade; }}; }}'
        )


@pytest.fixture
def place(lab, token):
    return Place(lab, token)


def routes(node):
    return {route["prefix"]: route["gateway"] for route in node.status()["routes"]}


def accepts(node, gateway, *prefixes):
    wanted = dict.fromkeys(prefixes, gateway.id)
    until(lambda: routes(node) == wanted, f"{node.name} accepts {prefixes}: {routes(node)}")


def rules(host):
    """The lines of both families' rules that are of Netron."""
    return [
        line for family in ("-4", "-6")
        for line in host.run(["ip", family, "rule", "show"]).stdout.splitlines() if "0x4e" in line
    ]


def device_to(host, address):
    """By which device a packet leaves; nothing where there is no way."""
    said = host.run(["ip", "route", "get", address], check=False).stdout
    return said.partition(" dev ")[2].split(" ")[0]


def test_a_network_behind_a_gateway_is_reached_by_who_accepts_it_and_by_nobody_else(place):
    gate = place.node(place.gate, 1, *LAN).start()
    ada = place.node(place.ada, 2, *ACCEPT).start()
    bob = place.node(place.bob, 3).start()
    meet(gate, ada, bob)
    accepts(ada, gate, "192.168.50.0/24", "fd50::/64")
    for address in (INSIDE, INSIDE6):
        place.ada.ping(address)
        tcp_both_ways(place.ada, place.inside, address)
        assert device_to(place.ada, address) == INTERFACE
        assert device_to(place.bob, address) != INTERFACE
    # From there it begins as well.
    for address in ("10.1.0.2", "fd10::2"):
        place.inside.ping(address)
        tcp_both_ways(place.inside, place.ada, address)
    # bob did not ask for it: what comes from there is forged to it.
    before = bob.drops("spoofed")
    place.inside.run(["ping", "-c", "3", "-i", "0.2", "-W", "1", "10.1.0.3"], check=False)
    until(lambda: bob.drops("spoofed") >= before + 3, "bob drops what comes from inside")
    assert not rules(place.bob) and not routes(bob)
    # All see who carries what.
    said = "192.168.50.0/24 fd50::/64"
    for node in (ada, bob):
        assert node.peer(gate)["advertised"] == said.split()
        assert node.command("ledger", "get", "gateways", gate.id).stdout == f"{said}\n"
        assert said.replace(" ", ",") in node.command("peers").stdout
    assert gate.status()["advertised"] == said.split()
    assert f"192.168.50.0/24 through {gate.id[:8]}" in ada.command("status").stdout


def test_a_way_out_takes_all_but_what_the_node_itself_sends(place):
    place.masquerade()
    gate = place.node(place.gate, 1, *ALL).start()
    ada = place.node(place.ada, 2, *ACCEPT).start()
    meet(gate, ada)
    accepts(ada, gate, "0.0.0.0/0", "::/0")
    for address, seen in ((WEB, GATE), (WEB6, GATE6)):
        assert device_to(place.ada, address) == INTERFACE
        with Capture(place.ada, place.ada.device_to("net")) as outside:
            place.ada.ping(address)
            with Stream(place.ada, place.web, address) as stream:
                assert stream.server.getpeername()[0] == seen
                stream.carry(noise(300_000))
                stream.carry(noise(300_000, seed=2), reverse=True)
            # Its datagrams, to an address that the routes take, went as they did before.
            assert {packet.protocol for packet in outside.packets()} <= {socket.IPPROTO_UDP}
    # The session was not lost on the way, and a new one can be made.
    assert "is down" not in ada.said()
    gate.stop()
    until(lambda: not routes(ada), "the routes are gone with the gateway")
    assert device_to(place.ada, WEB) == place.ada.device_to("net")
    gate.start()
    accepts(ada, gate, "0.0.0.0/0", "::/0")
    place.ada.ping(WEB)
    # The host's own neighbours are reached as ever.
    place.ada.ping("198.51.100.1")
    assert device_to(place.ada, "198.51.100.1") == place.ada.device_to("net")


def test_rules_go_with_the_node_and_those_that_a_killed_one_left_are_replaced(place):
    place.masquerade()
    gate = place.node(place.gate, 1, *ALL).start()
    ada = place.node(place.ada, 2, *ACCEPT).start()
    accepts(ada, gate, "0.0.0.0/0", "::/0")
    assert len(rules(place.ada)) == 4
    for _ in range(2):
        ada.kill()
        # What is left leads nowhere.
        assert len(rules(place.ada)) == 4
        place.ada.ping("192.0.2.2")
        ada.start()
        accepts(ada, gate, "0.0.0.0/0", "::/0")
        assert len(rules(place.ada)) == 4
        place.ada.ping(WEB)
    ada.stop()
    assert not rules(place.ada)
    place.ada.ping("192.0.2.2")


def test_the_hosts_own_network_stays_its_own(place):
    """bob has a LAN with the numbers of inside's."""
    printer = place.lab.host("printer")
    place.lab.join(
        place.bob, "192.168.50.7/24 fd50::7/64", printer, "192.168.50.2/24 fd50::2/64"
    )
    gate = place.node(place.gate, 1, *LAN).start()
    bob = place.node(place.bob, 3, *ACCEPT).start()
    meet(gate, bob)
    accepts(bob, gate, "192.168.50.0/24", "fd50::/64")
    for address in (INSIDE, INSIDE6):
        assert device_to(place.bob, address) == place.bob.device_to("printer")
        tcp_both_ways(place.bob, printer, address)


def test_of_two_gateways_the_first_has_the_range_and_then_the_other(place):
    gate = place.node(place.gate, 1, "--advertise", "192.168.50.0/24").start()
    bob = place.node(place.bob, 3, "--advertise", "192.168.50.0/24").start()
    meet(gate, bob)
    ada = place.node(place.ada, 2, *ACCEPT).start()
    meet(gate, bob, ada)
    accepts(ada, gate, "192.168.50.0/24")
    place.ada.ping(INSIDE)
    gate.stop()
    accepts(ada, bob, "192.168.50.0/24")


def test_a_router_gets_what_comes_to_the_interface_for_nobody(place):
    place.masquerade()
    gate = place.node(place.gate, 1).start()
    ada = place.node(place.ada, 2, "--router", "10.1.0.1").start()
    meet(gate, ada)
    place.ada.ip(f"route add {WEB} dev {INTERFACE}", f"-6 route add {WEB6} dev {INTERFACE}")
    for address in (WEB, WEB6):
        place.ada.ping(address)
        tcp_both_ways(place.ada, place.web, address)
    assert ada.status()["router"] == "10.1.0.1" and not rules(place.ada)
    # An address of the network that nobody has is not the router's.
    with Capture(place.gate, INTERFACE) as arriving:
        place.ada.run(["ping", "-c", "2", "-W", "1", "10.1.0.77"], check=False)
        assert "10.1.0.77" not in {packet.destination for packet in arriving.packets()}


def test_what_a_member_sends_from_a_range_of_another_is_dropped_and_counted(place):
    gate = place.node(place.gate, 1, *LAN).start()
    ada = place.node(place.ada, 2, *ACCEPT).start()
    bob = place.node(place.bob, 3).start()
    meet(gate, ada, bob)
    accepts(ada, gate, "192.168.50.0/24", "fd50::/64")
    reach(ada, bob)
    before = ada.drops("spoofed")
    forged = [
        udp("192.168.50.9", "10.1.0.2", 1, 2, b"forged"),
        udp("fd50::9", "fd10::2", 1, 2, b"forged"),
        udp("203.0.113.9", "10.1.0.2", 1, 2, b"forged"),
    ]
    last = udp("10.1.0.3", "10.1.0.2", 1, 2, b"own")
    with Capture(place.ada, INTERFACE) as arriving:
        inject(place.bob, INTERFACE, [*forged, last])
        arriving.wait(lambda packet: packet.bytes == last, "the last packet")
        assert not set(forged) & {packet.bytes for packet in arriving.packets()}
    until(lambda: ada.drops("spoofed") == before + len(forged), "each is counted")


def test_a_gateway_whose_host_forwards_nothing_says_so(place):
    place.gate.sysctl("net.ipv4.ip_forward", 0)
    gate = place.node(place.gate, 1, *LAN).start()
    assert set(gate.health()) & {"no_forwarding", "no_forwarding6"} == {"no_forwarding"}
    assert "sysctl -w net.ipv4.ip_forward=1" in gate.health()["no_forwarding"]
    gate.says(r"sysctl -w net\.ipv4\.ip_forward=1", BOUND)
    place.gate.sysctl("net.ipv4.ip_forward", 1)
    until(lambda: "no_forwarding" not in gate.health(), "it forwards now")


def test_who_did_not_ask_for_it_has_no_record_of_an_earlier_life(place):
    gate = place.node(place.gate, 1, *LAN).start()
    bob = place.node(place.bob, 3).start()
    meet(gate, bob)
    until(lambda: bob.peer(gate)["advertised"], "bob knows what gate carries")
    gate.stop()
    gate.more = []
    gate.start()
    meet(gate, bob)
    until(lambda: not bob.peer(gate)["advertised"], "bob knows that gate carries nothing")
    assert gate.command("ledger", "get", "gateways", gate.id).returncode == 1
