# SPDX-License-Identifier: Apache-2.0
"""Members let their routers forward their port, and are reached by it.

    hub (public) --------------------------+
    gate-ada: miniupnpd, NAT --- ada ------+--- net (a router; no multicast passes)
    gate-bob: miniupnpd, NAT --- bob ------+

Each NAT shows every host another port (nftables' `masquerade random`), so that two members behind
two of them have a direct way by what a router forwards, and by nothing else: test_nat.py has them
relayed.
"""

import pytest

from dht_lab import Member, start
from lab import until
from node import PORT, Node, meet
from packets import UDP, Capture
from router_lab import PORT as ROUTER_PORT
from router_lab import Router
from test_nat import can_be_direct, settle

LIFETIME = 7200
RENEWAL_BOUND = 45


def mapping(node):
    return node.status()["discovery"]["port_mapping"]


def is_mapped(node, router, state="mapped"):
    said = mapping(node)
    return said["state"] == state and said["endpoint"] == f"{router.address}:{PORT}"


def member(host, token, number, internet, *more):
    contact = [f"{internet.address['hub']}:{PORT}"] if "hub" in internet.address else []
    return Node(
        host, token, f"10.1.0.{number}/24", peers=contact, more=["--no-dht", *more]
    )


def hub(internet, token):
    return Node(internet.host("hub"), token, "10.1.0.1/24", more=["--no-dht"]).start()


@pytest.mark.parametrize("protocol", ["PCP", "NAT-PMP", "UPnP"])
def test_two_behind_symmetric_gates_are_direct(internet, token, protocol):
    assert not can_be_direct("symmetric", "symmetric")
    one = hub(internet, token)
    routers = [Router(internet, name, protocol).start() for name in ("ada", "bob")]
    ada, bob = [
        member(router.host, token, number, internet).start()
        for number, router in enumerate(routers, 11)
    ]
    for node, router in zip((ada, bob), routers):
        until(lambda: is_mapped(node, router), f"the mapping of {node.name}: {mapping(node)}")
        said = mapping(node)
        assert said["protocol"] == protocol
        assert LIFETIME - 60 <= said["left_s"] <= LIFETIME
        assert router.forwards(PORT)
        line = f"mapped port  {router.address}:{PORT} by {protocol}, for 1 h 59 min"
        assert line in node.command("status").stdout
        until(lambda: node.status()["discovery"]["reachable"], f"{node.name} is reachable")
    meet(one, ada, bob)
    settle(ada, bob, "direct")
    assert ada.peer(bob)["path"] == bob.peer(ada)["path"] == "direct"
    # It ends with the node, and others' do not.
    assert ada.stop() == 0
    assert not routers[0].forwards(PORT) and routers[1].forwards(PORT)
    assert bob.stop() == 0
    assert not routers[1].forwards(PORT)


def test_one_mapping_is_enough(internet, token):
    one = hub(internet, token)
    router = Router(internet, "ada", "PCP").start()
    _, host = internet.home("bob", translation="masquerade random")
    ada, bob = member(router.host, token, 11, internet), member(host, token, 12, internet)
    ada.start()
    bob.start()
    meet(one, ada, bob)
    settle(ada, bob, "direct")
    assert bob.peer(ada)["endpoint"] == f"{router.address}:{PORT}"
    until(lambda: mapping(bob)["state"] == "none", "bob's router gives none")
    assert [line.split(":")[0] for line in mapping(bob)["failures"]] == ["PCP", "NAT-PMP", "UPnP"]


def test_members_meet_by_the_dht_alone(internet, token):
    """What is announced there is the port that the router forwards."""
    table = internet.table()
    routers = [Router(internet, name, "PCP").start() for name in ("ada", "bob")]
    ada, bob = [
        Member(router.host, token, number, table.bootstrap(number))
        for number, router in enumerate(routers, 11)
    ]
    start(ada, bob)
    meet(ada, bob, bound=90)
    ada.host.ping(bob.address)
    assert ada.peer(bob)["path"] == "direct"


def test_a_router_that_lost_all_is_asked_again(internet, token):
    """It grants 20 s at a time, of which half pass before it is asked again."""
    router = Router(internet, "ada", "PCP", lifetime_max=20).start()
    ada = member(router.host, token, 11, internet).start()
    until(lambda: router.forwards(PORT), "the mapping")
    assert mapping(ada)["left_s"] <= 20
    router.lose()
    assert not router.forwards(PORT)
    router.start()
    until(lambda: router.forwards(PORT), "the mapping again", RENEWAL_BOUND)
    until(lambda: is_mapped(ada, router), "ada knows")
    assert ada.stop() == 0
    assert not router.forwards(PORT)


def test_a_node_that_was_killed_has_its_mapping_again(internet, token):
    router = Router(internet, "ada", "PCP").start()
    ada = member(router.host, token, 11, internet).start()
    until(lambda: is_mapped(ada, router), "the mapping")
    ada.kill()
    assert router.forwards(PORT)
    ada.start()
    until(lambda: is_mapped(ada, router), "the mapping again")
    assert mapping(ada)["protocol"] == "PCP"
    assert ada.stop() == 0
    assert not router.forwards(PORT)


def test_a_way_out_that_comes_later_is_found(internet, token):
    router = Router(internet, "ada", "NAT-PMP").start()
    router.host.ip("route del default")
    ada = member(router.host, token, 11, internet).start()
    assert mapping(ada)["state"] == "no_router"
    router.host.ip("route add default via 192.168.0.1")
    until(lambda: is_mapped(ada, router), "the mapping")


def test_nobody_is_asked_who_need_not_be(internet, token):
    """A host with a public address, and one that was told not to."""
    router = Router(internet, "ada", "UPnP").start()
    public, hidden = internet.host("bob"), router.host
    for host, more, state in ((public, [], "needless"), (hidden, ["--no-natmap"], "off")):
        with Capture(host, host.device_to("net" if host is public else router.gate.name)) as seen:
            node = member(host, token, 11, internet, *more).start()
            assert mapping(node)["state"] == state
            assert node.stop() == 0
            asked = [p for p in seen.packets() if p.protocol == UDP and p.outgoing]
            assert not {p.ports[1] for p in asked} & {ROUTER_PORT, 1900}
    assert not router.forwards(PORT)


def test_what_the_user_announces_is_told(internet, token):
    """A port that ada's router was told to forward by its owner."""
    one = hub(internet, token)
    gate, host = internet.home("ada", translation="masquerade random")
    internet.forward(gate, PORT)
    place = f"{internet.address['ada']}:{PORT}"
    ada = member(host, token, 11, internet, "--no-natmap", "--announce", place).start()
    _, other = internet.home("bob", translation="masquerade random")
    bob = member(other, token, 12, internet, "--no-natmap").start()
    meet(one, ada, bob)
    settle(ada, bob, "direct")
    assert bob.peer(ada)["endpoint"] == place
    assert ada.status()["discovery"]["announced"] == [place]
    assert ada.status()["discovery"]["reachable"] is True
    assert f"announced: {place}" in ada.command("status").stdout
