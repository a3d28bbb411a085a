# SPDX-License-Identifier: Apache-2.0
"""Members that are given no address take one by themselves, each its own, and keep it.

    ada    192.0.2.1/24 ---+
    bob    192.0.2.2/24 ---+--- lan (a switch)
    carol  192.0.2.3/24 ---+

All are started with --dhcp; bob and carol dial ada.
"""

import ipaddress
import json

import pytest

from lab import until
from node import PORT, Node, netron

RANGE = "10.7.0.0/29"


@pytest.fixture
def hosts(lab):
    hosts = lab.all("ada", "bob", "carol")
    lab.switch("lan", {host: f"192.0.2.{n}/24" for n, host in enumerate(hosts, 1)})
    return hosts


def member(host, token, *arguments, **options):
    contact = [] if host.name == "ada" else [f"192.0.2.1:{PORT}"]
    return Node(host, token, peers=contact, more=["--dhcp", *arguments], **options)


def leases(node):
    """What the node's status says of its addresses."""
    return node.status()["addresses"]


def leased(node):
    """Waits for the address that the node takes, and answers it."""
    return until(lambda: leases(node), f"{node.name} takes an address")[0].split("/")[0]


def on_interface(node):
    """The addresses that the kernel has on the node's interface."""
    shown = json.loads(
        node.host.run(["ip", "-json", "-4", "address", "show", "dev", "netron0"]).stdout
    )
    return [f"{a['local']}/{a['prefixlen']}" for link in shown for a in link.get("addr_info", [])]


def pings(host, address):
    return host.run(["ping", "-c", "1", "-W", "1", address], check=False).returncode == 0


def test_each_takes_an_address_of_its_own_and_reaches_the_others(hosts, token):
    nodes = [member(host, token, "--address", RANGE).start() for host in hosts]
    taken = [leased(node) for node in nodes]
    assert len(set(taken)) == 3, taken
    for node, address in zip(nodes, taken):
        assert ipaddress.ip_address(address) in ipaddress.ip_network(RANGE).hosts()
        assert on_interface(node) == [f"{address}/29"]
    for host in hosts:
        for address in taken:
            until(lambda: pings(host, address), f"{host.name} reaches {address}")


def test_it_is_the_same_after_a_restart_and_free_after_a_goodbye(hosts, token):
    ada, bob = (member(host, token).start() for host in hosts[:2])
    before = [leased(node) for node in (ada, bob)]
    assert all(address.startswith("10.1.0.") for address in before)
    bob.kill()
    bob.start()
    assert leased(bob) == before[1]
    until(lambda: pings(hosts[0], before[1]), "ada reaches bob again")
    assert (bob.state / "leases").read_text() == f"{before[1]}/24\n"
    # Who comes with the same wish while bob is there gets another one.
    carol = member(hosts[2], token)
    carol.state.mkdir(mode=0o700)
    (carol.state / "leases").write_text(f"{before[1]}/24\n")
    carol.start()
    until(lambda: leased(carol) != before[1], "carol gives bob's address up")
    address = leased(carol)
    assert address not in before
    until(lambda: on_interface(carol) == [f"{address}/24"], "carol's interface follows")
    assert leased(bob) == before[1] and on_interface(bob) == [f"{before[1]}/24"]
    until(lambda: pings(hosts[0], address), "ada reaches carol")


def test_a_full_range_is_said(hosts, token):
    nodes = [member(host, token, "--address", "10.7.0.0/31").start() for host in hosts[:2]]
    assert len({leased(node) for node in nodes}) == 2
    carol = member(hosts[2], token, "--address", "10.7.0.0/31").start()
    line = until(lambda: carol.health().get("no_lease"), "carol's status says so", 60)
    assert "10.7.0.0/31" in line and not leases(carol)
    nodes[1].stop()
    assert leased(carol)


def test_ranges_that_cannot_be(hosts, token):
    for ranges, words in (
        (["10.1.0.0/24", "10.1.0.9/24"], "twice"),
        (["0.0.0.0/0"], "10.1.0.0/24"),
        (["224.0.0.0/8"], "10.1.0.0/24"),
    ):
        flags = [word for text in ranges for word in ("--address", text)]
        done = netron(hosts[0], "--dhcp", *flags, env={"NETRONTOKEN": token})
        assert done.returncode == 2 and words in done.stderr, done.stderr
