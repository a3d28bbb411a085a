# SPDX-License-Identifier: Apache-2.0
"""What `netron netcheck` says of the network, and what a member carries for others, or does not.

    hub, carol (public) ---+
    gate --- ada ----------+--- net (a router; no multicast passes, no way leads out)
    gate --- bob ----------+

A "restricted" gate keeps source ports and lets in answers alone; a "symmetric" one shows each host
another port. Only hub is named, by --peer.
"""

import json
import time

import pytest

from lab import until
from node import PORT, ROOT, Node, netron
from traffic import Stream, noise

GATES = {"restricted": "masquerade", "symmetric": "masquerade random"}
RATE = 512 << 10  # bytes a second
SHAPE = {
    "version", "udp", "port", "port_chosen", "ipv4", "ipv6", "port_mapping", "reachable", "dht",
    "dht_nodes",
    "relays", "relaying", "peers", "advice",
}
NAT = {"addresses", "public_endpoint", "observers", "mapping", "filtering", "silence_s_min"}
RELAY = {"id", "name", "rtt_ms", "reachable", "members"}
RELAYING = {"circuits", "circuits_max", "bytes_per_s_max"}


def public(internet, token, name, number, *more, peers=()):
    host = internet.host(name)
    more = ["--no-dht", *more]
    return Node(host, token, f"10.1.0.{number}/24", peers=list(peers), more=more).start()


def hidden(internet, token, name, number, kind, contact):
    host = internet.home(name, translation=GATES[kind])[1]
    return Node(host, token, f"10.1.0.{number}/24", peers=[contact], more=["--no-dht"]).start()


def contact(internet, node):
    return f"{internet.address[node.name]}:{PORT}"


def netcheck(node):
    return node.ask("GET", "/v1/netcheck")


def codes(node):
    return [line["code"] for line in netcheck(node)["advice"]]


def know(*nodes):
    for node in nodes:
        for other in nodes:
            if other is not node:
                until(lambda: node.peer(other) is not None, f"{node.name} knows {other.name}")


def test_each_kind_of_nat_is_named(internet, token):
    hub = public(internet, token, "hub", 1)
    there = contact(internet, hub)
    carol = public(internet, token, "carol", 2, peers=[there])
    ada = hidden(internet, token, "ada", 11, "restricted", there)
    bob = hidden(internet, token, "bob", 12, "symmetric", there)
    kinds = {hub: "none", carol: "none", ada: "endpoint_independent", bob: "address_dependent"}
    for node, kind in kinds.items():
        until(lambda: netcheck(node)["ipv4"]["mapping"] == kind, f"{node.name} sees: {kind}")
        report = netcheck(node)
        assert report["udp"] == "works"
        assert report["ipv4"]["public_endpoint"].startswith(f"{internet.address[node.name]}:")
        assert report["ipv4"]["observers"] > 0
        assert report["dht"] == "off" and report["port"] == PORT and not report["port_chosen"]
    for node in (hub, carol):
        until(lambda: netcheck(node)["reachable"] is True, f"{node.name} is reachable")
        until(lambda: codes(node) == [], f"nothing would help {node.name}")
    for node in (ada, bob):
        until(
            lambda: {hub.id, carol.id} <= {relay["id"] for relay in netcheck(node)["relays"]},
            f"{node.name} has relays",
        )
        assert netcheck(node)["ipv4"]["filtering"] in (None, "restricted")
        until(lambda: codes(node) == ["port"], f"a port would help {node.name}")
        assert all(relay["rtt_ms"] > 0 for relay in netcheck(node)["relays"])
        assert netcheck(node)["ipv4"]["addresses"] == ["192.168.0.2"]
    text = bob.command("netcheck").stdout
    for words in ("UDP          works", "NAT that shows each host another port", "hub (", "help: "):
        assert words in text, text
    assert "NAT that shows everybody one port" in ada.command("netcheck").stdout
    assert "no NAT" in hub.command("netcheck").stdout


def test_the_report_has_the_keys_that_are_documented(internet, token):
    hub = public(internet, token, "hub", 1)
    ada = hidden(internet, token, "ada", 11, "restricted", contact(internet, hub))
    carol = public(internet, token, "carol", 2, peers=[contact(internet, hub)])
    until(lambda: netcheck(ada)["relays"], "relays")
    done = ada.command("netcheck", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    documented = (ROOT / "docs/api.md").read_text()
    parts = [report, report["ipv4"], report["ipv6"], report["relays"][0], report["relaying"]]
    for part, shape in zip(parts, (SHAPE, NAT, NAT, RELAY, RELAYING)):
        assert set(part) == shape
        for key in shape:
            assert f"`{key}`" in documented, key
    carol.stop()


def test_without_a_node_it_ends_with_3(lab):
    ada = lab.host("ada")
    (lab.folder / "nobody").mkdir()
    done = netron(ada, "netcheck", "--state-dir", lab.folder / "nobody")
    assert done.returncode == 3 and done.stdout == ""


def test_where_udp_does_not_come_back_it_says_so(internet, token):
    ada = internet.host("ada")
    nobody = internet.host("nobody")
    node = Node(
        ada, token, "10.1.0.11/24", peers=[f"{internet.address[nobody.name]}:{PORT}"],
        more=["--no-dht"],
    ).start()
    assert netcheck(node)["udp"] is None
    until(lambda: netcheck(node)["udp"] == "no_answer", "no answer")
    assert codes(node) == ["udp"]


def test_who_relays_nothing_is_no_relay(internet, token):
    hub = public(internet, token, "hub", 1, "--no-relay")
    there = contact(internet, hub)
    ada = hidden(internet, token, "ada", 11, "symmetric", there)
    bob = hidden(internet, token, "bob", 12, "symmetric", there)
    know(hub, ada, bob)
    assert netcheck(hub)["relaying"]["circuits_max"] == 0
    for _ in range(2):
        done = ada.command("ping", "-c", "1", bob.id)
        assert done.returncode == 1 and "netron netcheck" in done.stderr, done
    assert ada.peer(bob)["path"] is None and ada.peer(bob)["online"]
    for node in (ada, bob):
        until(lambda: "no_relay" in node.health(), f"{node.name} says that nobody relays")
        assert netcheck(node)["relays"] == [] and "relay" in codes(node)
    carol = public(internet, token, "carol", 2, peers=[there])
    know(hub, ada, bob, carol)
    until(
        lambda: ada.command("ping", "-c", "1", bob.id).returncode == 0,
        "a ping through carol", bound=60,
    )
    assert ada.peer(bob)["path"] == "relayed" and ada.peer(bob)["relay"] == carol.id
    assert "no_relay" not in ada.health()
    done = ada.command("ping", bob.id, "--until-direct", "-c", "2", "-i", "0.01")
    assert done.returncode == 1 and f"relayed via {carol.id[:8]}" in done.stdout, done
    assert hub.status()["counters"]["relayed_packets"] == 0


@pytest.mark.parametrize("rate", [None, RATE], ids=["free", "limited"])
def test_what_is_relayed_keeps_to_the_rate(internet, token, rate, capsys):
    hub = public(internet, token, "hub", 1, *(["--relay-rate", str(rate)] if rate else []))
    there = contact(internet, hub)
    ada = hidden(internet, token, "ada", 11, "symmetric", there)
    bob = hidden(internet, token, "bob", 12, "symmetric", there)
    know(hub, ada, bob)
    ada.host.ping(bob.address, "-W", "0.2")
    relaying = netcheck(hub)["relaying"]
    # Each of the two may have opened one.
    assert relaying["circuits"] in (1, 2)
    assert (relaying["circuits_max"], relaying["bytes_per_s_max"]) == (512, rate)
    data = noise(5 * RATE)
    before = hub.status()["counters"]["relayed_bytes"]
    with Stream(ada.host, bob.host, bob.address) as stream:
        begun = time.monotonic()
        stream.carry(data, bound=60)
        took = time.monotonic() - begun
    relayed = hub.status()["counters"]["relayed_bytes"] - before
    with capsys.disabled():
        print(f"\n{relayed} bytes relayed in {took:.2f} s, {relayed / took:.0f}/s", end=" ")
    assert relayed > len(data)
    if rate is None:
        assert took < 3
    else:
        assert 4 < took < 12 and relayed / took < 1.2 * rate
        assert hub.drops("relay_limited") > 0
