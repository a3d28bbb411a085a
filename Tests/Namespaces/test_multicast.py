# SPDX-License-Identifier: Apache-2.0
"""What a host sends to all, each other member gets once.

    ada    192.0.2.1/24    10.1.0.1/24 ---+
    bob    198.51.100.2/24 10.1.0.2/24 ---+--- way (a router, so that there is no other way for it)
    carol  203.0.113.3/24  10.1.0.3/24 ---+

bob and carol know ada alone.
"""

import contextlib
import ipaddress
import select
import socket
import struct
import time

import pytest

from avahi import start_avahi
from lab import until
from node import PORT, Node, meet, reach
from packets import Capture, inject, udp

INTERFACE = "netron0"
GROUPS = ["224.0.0.251", "239.255.42.42", "ff02::fb", "ff12::8384", "ff05::2"]
BROADCASTS = ["255.255.255.255", "10.1.0.255"]
GROUP_PORT = 5353
PLACES = {"ada": "192.0.2", "bob": "198.51.100", "carol": "203.0.113"}


@pytest.fixture
def hosts(lab):
    way = lab.router("way")
    hosts = lab.all(*PLACES)
    for number, host in enumerate(hosts, 1):
        net = PLACES[host.name]
        lab.join(host, f"{net}.{number}/24", way, f"{net}.254/24")
        host.ip(f"route add default via {net}.254")
    return hosts


def start(hosts, token, off=()):
    contact = [f"192.0.2.1:{PORT}"]
    nodes = [
        Node(
            host, token, f"10.1.0.{number}/24", peers=contact if number > 1 else [],
            more=["--no-multicast"] if host in off else [],
        ).start()
        for number, host in enumerate(hosts, 1)
    ]
    meet(*nodes)
    reach(*nodes)
    return nodes


@pytest.fixture
def three(hosts, token):
    return start(hosts, token)


def index_of(host):
    with host.inside():
        return socket.if_nametoindex(INTERFACE)


def is_six(address):
    return ipaddress.ip_address(address).version == 6


def hears(stack, host, address):
    """A socket that hears what is sent to the group or broadcast address by the interface."""
    family = socket.AF_INET6 if is_six(address) else socket.AF_INET
    ear = stack.enter_context(host.socket(family, socket.SOCK_DGRAM))
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, INTERFACE.encode())
    ear.bind(("", GROUP_PORT))
    group = ipaddress.ip_address(address)
    if group.is_multicast and is_six(address):
        joined = group.packed + struct.pack("@I", index_of(host))
        ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, joined)
    elif group.is_multicast:
        joined = struct.pack("@4s4si", group.packed, bytes(4), index_of(host))
        ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
    return ear


def speaks(stack, host, address):
    """A socket whose multicast and broadcast leave by the interface, as far as a link."""
    family = socket.AF_INET6 if is_six(address) else socket.AF_INET
    mouth = stack.enter_context(host.socket(family, socket.SOCK_DGRAM))
    mouth.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    mouth.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, INTERFACE.encode())
    if is_six(address):
        mouth.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index_of(host))
    return mouth


def heard(ear, seconds):
    """All that comes within that time: bytes and sender's address."""
    found, end = [], time.monotonic() + seconds
    while select.select([ear], [], [], max(0, end - time.monotonic()))[0]:
        data, source = ear.recvfrom(1 << 16)
        found.append((data, source[0]))
    return found


def test_each_member_hears_what_one_sends_to_all(three):
    for address in GROUPS + BROADCASTS:
        for speaker in three:
            with contextlib.ExitStack() as stack:
                others = [node for node in three if node is not speaker]
                ears = [hears(stack, node.host, address) for node in others]
                words = [f"{speaker.name} {address} {n}".encode() for n in range(20)]
                words.append(words[0] + bytes(3000))  # in pieces
                mouth = speaks(stack, speaker.host, address)
                for word in words:
                    mouth.sendto(word, (address, GROUP_PORT))
                source = speaker.ula if is_six(address) else speaker.address
                for ear in ears:
                    seen = heard(ear, 0.3)
                    assert [data for data, _ in seen] == words, address
                    assert {at for _, at in seen} == {source}, address
    for node in three:
        assert node.drops("spoofed") == node.drops("multicast") == 0
        assert node.drops("unrouted") == node.drops("all_limited") == 0


def test_the_hops_stay_and_no_copy_comes_back(three):
    ada, bob, _ = three
    sent = udp(ada.address, "239.1.2.3", 9, 9, b"hello", ttl=1)
    last = udp(ada.address, bob.address, 9, 9, b"the last one")
    with Capture(bob.host, INTERFACE) as arriving, Capture(ada.host, INTERFACE) as back:
        inject(ada.host, INTERFACE, [sent, last])
        seen = []
        arriving.wait(
            lambda packet: seen.append(packet.bytes) or packet.bytes == last, "the last packet"
        )
        assert seen.count(sent) == 1
        answer = udp(bob.address, ada.address, 9, 9, b"the last one back")
        inject(bob.host, INTERFACE, [answer])
        seen = []
        back.wait(
            lambda packet: seen.append(packet) or packet.bytes == answer, "the last packet back"
        )
        assert all(packet.outgoing for packet in seen if packet.bytes == sent)


def test_a_false_source_is_not_heard(three):
    ada, bob, carol = three
    before = bob.drops("spoofed"), carol.drops("spoofed")
    inject(ada.host, INTERFACE, [udp("10.1.0.3", "224.0.0.251", 5353, 5353, b"x")])
    until(
        lambda: (bob.drops("spoofed"), carol.drops("spoofed")) == (before[0] + 1, before[1] + 1),
        "both count it",
    )


def test_a_flood_is_cut(three):
    ada, bob, _ = three
    with contextlib.ExitStack() as stack:
        ear = hears(stack, bob.host, "239.9.9.9")
        mouth = speaks(stack, ada.host, "239.9.9.9")
        begun = time.monotonic()
        for n in range(20_000):
            mouth.sendto(b"x" * 100, ("239.9.9.9", GROUP_PORT))
        seconds = time.monotonic() - begun
        count = len(heard(ear, 0.5))
    assert 100 <= count <= 4 * (100 + 200 * (seconds + 1))
    until(lambda: ada.drops("all_limited") > 10_000, "what is too much is counted")
    ada.host.ping(bob.address)


def test_those_who_want_none_neither_hear_nor_are_heard(hosts, token):
    ada, bob, carol = start(hosts, token, off=[hosts[2]])
    for address in ("224.0.0.251", "10.1.0.255", "ff02::fb"):
        with contextlib.ExitStack() as stack:
            ears = [hears(stack, node.host, address) for node in (ada, bob, carol)]
            for node in (ada, carol):
                speaks(stack, node.host, address).sendto(
                    node.name.encode(), (address, GROUP_PORT)
                )
            said = [{data for data, _ in heard(ear, 0.3)} for ear in ears]
            # The own host hears its own words in the kernel, if it is in the group.
            assert said[1] == {b"ada"}, address
            assert b"carol" not in said[0] and b"ada" not in said[2], address
    assert carol.drops("multicast") >= 6
    carol.host.ping(ada.address)


def test_those_without_a_session_hear_the_next_word(lab, token):
    """A node has five neighbours; with the others it gets sessions when its host sends to all."""
    hosts = lab.all(*(f"host{number}" for number in range(1, 13)))
    lab.switch("lan", {host: f"192.0.2.{number}/24" for number, host in enumerate(hosts, 1)})
    nodes = [
        Node(
            host, token, f"10.1.0.{number}/24", more=["--no-dht"],
            peers=[f"192.0.2.{number - 1}:{PORT}"] if number > 1 else [],
        ).start()
        for number, host in enumerate(hosts, 1)
    ]
    last, *others = reversed(nodes)
    until(lambda: all(last.peer(node) for node in others), "the last one knows all")
    assert not all(last.is_up(node) for node in others)
    with contextlib.ExitStack() as stack:
        ears = [hears(stack, node.host, "224.0.0.251") for node in others]
        mouth = speaks(stack, last.host, "224.0.0.251")

        def is_heard_by_all():
            mouth.sendto(b"hello", ("224.0.0.251", GROUP_PORT))
            return all(heard(ear, 0.1) for ear in ears)

        until(is_heard_by_all, "all hear it")
    assert all(last.is_up(node) for node in others)


def test_avahi_finds_the_other_hosts_by_name(three):
    """The interface is a point-to-point one to the kernel, which avahi has to be told to use."""
    ada, bob, carol = three
    for node in three:
        start_avahi(node.host, f"allow-point-to-point=yes\nallow-interfaces={INTERFACE}")

    def resolved(asker, kind, name):
        done = asker.host.run(["avahi-resolve", kind, "-n", f"{name}.local"], check=False)
        fields = done.stdout.split()
        return fields[1] if len(fields) == 2 else None

    for asker in three:
        for asked in three:
            if asked is not asker:
                assert until(lambda: resolved(asker, "-4", asked.name), "v4") == asked.address
                assert until(lambda: resolved(asker, "-6", asked.name), "v6") == asked.ula
    ada.host.ping(resolved(ada, "-4", "carol"))
