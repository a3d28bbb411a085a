# SPDX-License-Identifier: Apache-2.0
"""Members on a LAN find each other by multicast DNS, and tell nobody else who they are.

    ada    192.0.2.1/24 ---+
    bob    192.0.2.2/24 ---+--- lan (a switch)
    carol  192.0.2.3/24 ---+

Nobody is named by --peer. Where avahi runs, it has a bus of its own.
"""

import re
import time

import pytest

from avahi import start_avahi
from lab import until
from node import Node, meet, netron

ADDRESSES = {"ada": "192.0.2.1/24", "bob": "192.0.2.2/24", "carol": "192.0.2.3/24"}


@pytest.fixture
def hosts(lab):
    hosts = lab.all(*ADDRESSES)
    lab.switch("lan", {host: ADDRESSES[host.name] for host in hosts})
    return hosts


def member(host, token, number):
    return Node(host, token, f"10.1.0.{number}/24", mdns=True)


def test_two_hosts_meet_without_being_told_of_each_other(hosts, token, capsys):
    ada, bob, _ = hosts
    one, other = member(ada, token, 1), member(bob, token, 2)
    one.start()
    begun = time.monotonic()
    other.start()
    bob.ping(one.address, "-W", "0.1")
    took = time.monotonic() - begun
    meet(one, other)
    ada.ping(other.address)
    with capsys.disabled():
        print(f"\nfirst ping on a LAN after {took:.2f} s", end=" ")


def test_three_hosts_meet_when_they_start_at_once(hosts, token):
    nodes = [member(host, token, number).launch() for number, host in enumerate(hosts, 1)]
    for node in nodes:
        until(node.answers, f"the start of {node.name}")
    meet(*nodes)


def test_hosts_that_have_only_link_local_addresses_meet(lab, token):
    ada, bob = lab.all("ada", "bob")
    lab.switch("lan", {ada: "", bob: ""})
    one, other = member(ada, token, 1).start(), member(bob, token, 2).start()
    meet(one, other)
    bob.ping(one.address)
    assert one.peer(other)["endpoint"].startswith("[fe80:")


def test_another_network_on_the_lan_is_never_met(hosts, token, other_token):
    ada, bob, carol = hosts
    stranger = member(bob, other_token, 2).start()
    one, friend = member(ada, token, 1).start(), member(carol, token, 3).start()
    meet(one, friend)
    # They try each other, as names tell nothing, and the secret tells them apart.
    until(
        lambda: stranger.drops("wrong_network") + one.drops("wrong_network"),
        "the two networks tried each other",
    )
    assert stranger.status()["peers"]["known"] == 0
    assert one.status()["peers"]["known"] == friend.status()["peers"]["known"] == 1
    assert one.status()["network"] != stranger.status()["network"]


def browse(host):
    """What avahi has resolved: host, address, port and TXT of each instance, by its name."""
    said = host.run(["avahi-browse", "-p", "-t", "-r", "_netron._udp"], check=False).stdout
    found = {}
    for line in said.splitlines():
        fields = line.split(";")
        if fields[0] == "=":
            found.setdefault(fields[3], []).append(fields[6:])
    return found


def test_a_browser_sees_members_but_not_who_they_are(hosts, token):
    ada, bob, carol = hosts
    start_avahi(carol)
    nodes = [member(ada, token, 1).start(), member(bob, token, 2).start()]
    meet(*nodes)
    found = until(
        lambda: (seen := browse(carol)) and len(seen) == 2 and seen, "avahi resolves both members"
    )
    places = {fields[1] for resolved in found.values() for fields in resolved}
    assert {"192.0.2.1", "192.0.2.2"} & places
    for name, resolved in found.items():
        for host_name, _, port, text in (fields[:4] for fields in resolved):
            assert port == str(nodes[0].port)
            told = f"{name} {host_name} {text}".lower()
            for node in nodes:
                assert node.id[:8] not in told
                assert not re.search(rf"\b{node.host.name}\b", told)
            assert token[:16].lower() not in told
            assert nodes[0].status()["network"] not in told


def test_an_instance_has_another_name_after_a_restart(hosts, token):
    ada, _, carol = hosts
    start_avahi(carol)
    node = member(ada, token, 1).start()
    before = until(lambda: browse(carol), "avahi resolves the member")
    assert len(before) == 1
    node.stop()
    # Its goodbye takes the name away at once.
    until(lambda: not browse(carol), "the name is gone after the end of the node")
    node.start()
    after = until(lambda: browse(carol), "avahi resolves the member again")
    assert not set(before) & set(after)


def test_without_mdns_nothing_is_announced(hosts, token):
    ada, bob, carol = hosts
    silent = Node(ada, token, "10.1.0.1/24").start()
    meet(member(bob, token, 2).start(), member(carol, token, 3).start())
    assert silent.status()["peers"]["known"] == 0
    assert netron(ada, "status", "--state-dir", silent.state).returncode == 0
