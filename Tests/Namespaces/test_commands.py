# SPDX-License-Identifier: Apache-2.0
"""What `netron status`, `peers` and `ping` say of a running node, as text and as JSON.

    ada  192.0.2.1/24 -------------------- 192.0.2.2/24  bob, dials ada
"""

import ipaddress
import json
import re

import pytest

from lab import until
from node import ROOT, Node, netron, pair

NUMBER, TEXT, LIST, OBJECT = (int, float), str, list, dict
ID = r"[a-z2-7]{52}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"

STATUS = {
    "version": int, "netron": TEXT, "state": TEXT, "id": TEXT, "name": TEXT, "network": TEXT,
    "interface": TEXT, "addresses": LIST, "ula": TEXT, "advertised": LIST,
    "routes": LIST, "router": type(None), "port": int, "mtu": int, "uptime_s": int,
    "peers": OBJECT, "discovery": OBJECT, "aead": OBJECT, "offloads": LIST, "lanes": int,
    "rates": OBJECT,
    "counters": OBJECT, "drops": OBJECT, "health": LIST,
}
STATUS_PEERS = {
    "known": int, "online": int, "up": int, "direct": int, "relayed": int, "rtt_ms": NUMBER,
    "last_handshake": TEXT,
}
DISCOVERY = {
    "neighbours": int, "reserve": int, "dht": TEXT, "dht_nodes": int, "dht_bytes": int,
    "announcing": bool, "public_endpoint": (TEXT, type(None)), "reachable": (bool, type(None)),
    "clock": TEXT, "port_mapping": OBJECT, "announced": LIST,
}
PORT_MAPPING = {
    "state": TEXT, "protocol": (TEXT, type(None)), "endpoint": (TEXT, type(None)),
    "left_s": (int, type(None)), "router": (TEXT, type(None)), "failures": LIST,
}
RATES = {
    "rx_bytes_per_s": int, "rx_packets_per_s": int, "tx_bytes_per_s": int, "tx_packets_per_s": int,
}
COUNTERS = {
    "rx_bytes": int, "rx_packets": int, "tx_bytes": int, "tx_packets": int,
    "handshakes_begun": int, "handshakes_done": int, "handshakes_taken": int, "cookies_sent": int,
    "relayed_packets": int, "relayed_bytes": int,
}
PEER = {
    "id": TEXT, "name": TEXT, "addresses": LIST, "ula": TEXT, "advertised": LIST,
    "online": bool, "path": TEXT,
    "endpoint": TEXT, "relay": type(None),
    "rtt_ms": NUMBER, "loss": (int, float, type(None)), "last_handshake": TEXT,
    "last_heard_s": int, "suite": TEXT, "path_mtu": int,
    "rx_bytes": int, "rx_packets": int, "tx_bytes": int, "tx_packets": int, "version": TEXT,
    "os": TEXT, "arch": TEXT,
}
PING = {
    "version": int, "id": TEXT, "name": TEXT, "path": TEXT, "endpoint": TEXT, "relay": type(None),
    "rtt_ms": NUMBER,
}


@pytest.fixture
def two(lab, token):
    return pair(lab, token)


def assert_shape(report, shape):
    """All keys are there, no others, each of its kind."""
    assert set(report) == set(shape)
    for key, kind in shape.items():
        assert isinstance(report[key], kind), f"{key}: {report[key]!r}"


def answer(node, *arguments):
    """What a command prints that succeeds, without a word of complaint."""
    done = node.command(*arguments)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def test_status_as_json(two):
    ada, bob = two
    ada.host.ping(bob.address)
    status = json.loads(answer(ada, "status", "--json"))
    assert_shape(status, STATUS)
    assert_shape(status["peers"], STATUS_PEERS)
    assert_shape(status["discovery"], DISCOVERY)
    assert_shape(status["discovery"]["port_mapping"], PORT_MAPPING)
    assert_shape(status["rates"], RATES)
    assert_shape(status["counters"], COUNTERS)
    assert_shape(status["aead"], {"suite": TEXT, "backend": TEXT})
    for line in status["health"]:
        assert_shape(line, {"code": TEXT, "severity": TEXT, "text": TEXT})
        assert line["severity"] in ("error", "warning", "info")
    assert status["version"] == 1
    assert status["state"] == "up"
    assert re.fullmatch(ID, status["id"])
    assert re.fullmatch(r"[0-9a-f]{8}", status["network"])
    assert (status["name"], status["interface"]) == ("ada", "netron0")
    assert (status["addresses"], status["port"], status["mtu"]) == (["10.1.0.11/24"], 7000, 1400)
    assert ipaddress.ip_address(status["ula"]) in ipaddress.ip_network("fd00::/8")
    assert [status["peers"][key] for key in ("known", "up", "direct")] == [1, 1, 1]
    assert status["peers"]["rtt_ms"] > 0
    assert re.fullmatch(TIME, status["peers"]["last_handshake"])
    done = status["counters"]
    assert done["handshakes_done"] + done["handshakes_taken"] == 1
    assert status["counters"]["tx_packets"] > 0 and status["counters"]["rx_packets"] > 0
    assert set(status["offloads"]) <= {"vnet", "tso", "uso", "udp-gso", "udp-gro"}


def test_peers_as_json(two):
    ada, bob = two
    peers = json.loads(answer(ada, "peers", "--json"))
    assert len(peers) == 1
    peer = peers[0]
    assert_shape(peer, PEER)
    assert (peer["id"], peer["ula"], peer["name"]) == (bob.id, bob.ula, "bob")
    assert [a.split("/")[0] for a in peer["addresses"]] == ["10.1.0.12"]
    assert (peer["path"], peer["endpoint"]) == ("direct", "192.0.2.2:7000")
    assert re.fullmatch(TIME, peer["last_handshake"])
    assert peer["suite"] in ("AES-256-GCM", "ChaCha20-Poly1305")
    assert peer["path_mtu"] >= 1200
    assert peer["os"].lower() == "linux"


def test_the_counts_of_a_peer_are_those_of_the_packets(two):
    ada, bob = two
    until(lambda: ada.host.pings(bob.address, "1") == 1, "bob answers")
    before = ada.peer(bob)
    assert ada.host.pings(bob.address, "10", "-s", "972") == 10
    after = ada.peer(bob)
    for way in ("tx", "rx"):
        assert after[f"{way}_packets"] - before[f"{way}_packets"] >= 10
        assert after[f"{way}_bytes"] - before[f"{way}_bytes"] >= 10_000


@pytest.mark.parametrize("by", ["id", "beginning", "name", "address", "ula"])
def test_ping_by_every_way_to_name_a_member(two, by):
    ada, bob = two
    node = {
        "id": bob.id, "beginning": bob.id[:6], "name": "bob", "address": bob.address,
        "ula": bob.ula,
    }[by]
    said = answer(ada, "ping", node, "--json", "-c", "3", "-i", "0.01")
    pongs = [json.loads(line) for line in said.splitlines()]
    assert len(pongs) == 3
    for pong in pongs:
        assert_shape(pong, PING)
        assert (pong["id"], pong["name"], pong["path"]) == (bob.id, "bob", "direct")
        assert 0 < pong["rtt_ms"] < 10_000


def test_echoes_that_do_not_come_are_counted(two):
    ada, bob = two
    assert ada.command("ping", "bob", "-c", "4", "-i", "0.01").returncode == 0
    assert ada.peer(bob)["loss"] == 0
    with bob.held():
        assert ada.command("ping", "bob", "-c", "1").returncode == 1
    assert 0 < ada.peer(bob)["loss"] <= 0.5


def test_ping_of_nobody_fails(two):
    ada, _ = two
    for node in ("nobody", "10.1.0.77", "zzzz"):
        done = ada.command("ping", node, "-c", "1")
        assert done.returncode == 1 and done.stdout == ""
        assert done.stderr.startswith("netron: no member") and "netron peers" in done.stderr


def test_the_texts_tell_the_same(two):
    ada, bob = two
    status = answer(ada, "status")
    assert re.match(r"state +up: 1 of 1 known member online, 1 with a session, 1 directly", status)
    for word in (ada.id, "netron0", "10.1.0.11/24", ada.ula, "UDP port 7000", "MTU 1400"):
        assert word in status, status
    head, row = answer(ada, "peers").splitlines()
    assert head.split()[:5] == ["NAME", "ID", "ADDRESSES", "PATH", "ENDPOINT"]
    assert row.split()[:2] == ["bob", bob.id[:8]]
    for word in ("10.1.0.12", "direct", "192.0.2.2:7000"):
        assert word in row.split()[2] + row, row
    lines = answer(ada, "ping", "bob", "-c", "2", "-i", "0.01").splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"bob ({bob.id[:8]}) at 192.0.2.2:7000") for line in lines[:2])
    assert lines[2].startswith("2 sent, 2 answered, 0 % lost")


def test_alone_it_says_so(lab, token):
    ada = Node(lab.host("ada"), token, "10.1.0.11/24").start()
    status = json.loads(answer(ada, "status", "--json"))
    assert_shape(status, STATUS)
    assert status["state"] == "alone"
    assert status["peers"] == {
        "known": 0, "online": 0, "up": 0, "direct": 0, "relayed": 0, "rtt_ms": None,
        "last_handshake": None,
    }
    assert answer(ada, "status").startswith("state")
    assert "alone: no member is known yet" in answer(ada, "status")
    assert json.loads(answer(ada, "peers", "--json")) == []
    assert answer(ada, "peers") == "No member is known yet.\n"


def test_two_nodes_of_a_host_are_told_apart(two):
    ada, _ = two
    other = Node(
        ada.host, ada.token, "10.1.0.99/24", name="second", port=7100,
        more=["--interface", "netron1"],
    ).start()
    assert json.loads(answer(ada, "status", "--json"))["id"] == ada.id
    assert json.loads(answer(other, "status", "--json"))["id"] == other.id != ada.id


def test_without_a_state_dir_a_node_is_found_by_its_interface(lab, token):
    ada = lab.host("ada")
    node = Node(ada, token, "10.1.0.11/24", state=lab.folder / "usual")
    ada.run(["mkdir", "-p", "/var/lib/netron/netron5"])
    ada.run(["chmod", "700", "/var/lib/netron/netron5"])
    node.state.mkdir()
    # The usual place of the host is its own; it is seen from here through another name.
    ada.run(["mount", "--bind", node.state, "/var/lib/netron/netron5"])
    ada.run(["chmod", "700", "/var/lib/netron/netron5"])
    node.more = ["--interface", "netron5", "--state-dir", "/var/lib/netron/netron5"]
    node.start()
    for options in (["--interface", "netron5"], ["--state-dir", "/var/lib/netron/netron5"]):
        done = netron(ada, "status", "--json", *options)
        assert done.returncode == 0, done
        assert json.loads(done.stdout)["interface"] == "netron5"
    assert netron(ada, "status", "--json", env={"IFACE": "netron5"}).returncode == 0


def test_every_key_is_documented():
    text = (ROOT / "docs/api.md").read_text()
    for shape in (STATUS, STATUS_PEERS, RATES, COUNTERS, PEER, PING):
        for key in shape:
            assert f"`{key}`" in text or f'"{key}"' in text, key


def test_the_log_is_json_when_asked(lab, token):
    ada = Node(lab.host("ada"), token, "10.1.0.11/24", more=["--log-format", "json"]).start()
    ada.stop()
    lines = [json.loads(line) for line in ada.said().splitlines()]
    assert lines and all(isinstance(line, dict) for line in lines)
