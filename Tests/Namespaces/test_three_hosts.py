# SPDX-License-Identifier: Apache-2.0
"""One contact is enough: members tell each other where the others are.

    ada    192.0.2.1/24    ---+
    bob    198.51.100.2/24 ---+--- way (a router)
    carol  203.0.113.3/24  ---+

bob and carol know ada alone.
"""

import pytest

from lab import until
from node import PORT, Node, meet
from traffic import tcp_both_ways

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


@pytest.fixture
def three(hosts, token):
    contact = [f"192.0.2.1:{PORT}"]
    nodes = [
        Node(host, token, f"10.1.0.{number}/24", peers=contact if number > 1 else [])
        for number, host in enumerate(hosts, 1)
    ]
    for node in nodes:
        node.start()
    meet(*nodes)
    return nodes


def test_members_of_one_contact_reach_each_other_directly(three):
    ada, bob, carol = three
    assert bob.peer(carol)["endpoint"] == f"203.0.113.3:{PORT}"
    assert carol.peer(bob)["endpoint"] == f"198.51.100.2:{PORT}"
    assert bob.peer(carol)["path"] == carol.peer(bob)["path"] == "direct"
    for asker in three:
        for asked in three:
            if asker is not asked:
                asker.host.ping(asked.address)
                asker.host.ping(asked.ula)
    tcp_both_ways(bob.host, carol.host, carol.address)


def test_the_others_go_on_when_the_contact_is_gone(three):
    ada, bob, carol = three
    ada.kill()
    assert bob.host.pings(carol.address, "20") == 20
    tcp_both_ways(bob.host, carol.host, carol.ula)


def test_a_late_member_meets_all_by_one_contact(hosts, token):
    """The contact tells the newcomer of the others, and the others of the newcomer."""
    ada, bob, carol = (
        Node(host, token, f"10.1.0.{number}/24") for number, host in enumerate(hosts, 1)
    )
    bob.peers = [f"192.0.2.1:{PORT}"]
    carol.peers = [f"198.51.100.2:{PORT}"]
    ada.start()
    bob.start()
    meet(ada, bob)
    carol.start()
    meet(ada, bob, carol)
    until(lambda: ada.status()["peers"]["direct"] == 2, "ada counts two direct peers")


def test_a_contact_is_named_by_a_host_name(hosts, token):
    """Also when the name begins to mean something only later, or means something else then."""
    ada, bob, _ = hosts
    names = bob.lab.file("names", "127.0.0.1 localhost\n")
    bob.run(["mount", "--bind", names, "/etc/hosts"])
    one = Node(ada, token, "10.1.0.1/24").start()
    other = Node(bob, token, "10.1.0.2/24", peers=[f"ada.example:{PORT}"]).start()
    assert not other.is_up(one)
    names.write_text("127.0.0.1 localhost\n192.0.2.1 ada.example\n")
    meet(one, other)
    bob.ping(one.address)
