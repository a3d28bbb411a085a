# SPDX-License-Identifier: Apache-2.0
"""The `netron` command and peer.py in one network, over loopback: tokens and control messages.

    peer.py  127.0.0.1:x  ---- UDP ----  netron start --peer 127.0.0.1:x
    peer.py  127.0.0.1:z  ---- or TCP ------'
"""

import base64
import json
import os
import platform
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import peer
from peer import CONTROL, ECHO, LANE_CONTROL, LINK, Network, Peer, TCPPeer

ROOT = Path(__file__).resolve().parents[2]
NETRON = os.environ.get("NETRON", str(ROOT / ".build/release/netron"))
CLEAN = {k: v for k, v in os.environ.items() if not re.match(r"NETRON|IFACE$|ADDRESS$", k)}
SINCE = 1_800_000_000_000

pytestmark = pytest.mark.skipif(
    not os.access(NETRON, os.X_OK), reason=f"there is no {NETRON}: `make build` makes it"
)


def network_of(token):
    """By section 2.1, of what `netron -g -b` prints."""
    yaml = base64.b64decode(token, validate=True).decode()
    part, values = "", {}
    for line in yaml.splitlines():
        name, value = re.fullmatch(r' *(\w+):(?: "?(\w+)"?)?', line).groups()
        part = name + "." if value is None else part if line.startswith("    ") else ""
        values[part + name] = value
    names = ["crypto.key", "dht.key", "room", "rendezvous", "mdns"]
    secret = peer.network_secret(*(values[name] for name in names))
    epoch_seconds = max(int(values["crypto.interval"]), 3600)
    return Network(secret, epoch_seconds, time.time_ns() // 1_000_000)


class Node:
    def __init__(self, folder):
        self.folder = folder
        self.token = self.run("-g", "-b").stdout.strip()
        self.network = network_of(self.token)
        self.one = Peer(self.network)
        self.process = subprocess.Popen(
            [NETRON, "start", "--no-mdns", "--state-dir", folder, "--log-level", "error",
             "--peer", f"127.0.0.1:{self.one.address[1]}"],
            env=CLEAN | {"NETRONTOKEN": self.token},
        )

    def run(self, *arguments):
        return subprocess.run(
            [NETRON, *arguments], env=CLEAN, capture_output=True, text=True, check=True,
            timeout=peer.BOUND,
        )

    def peers(self):
        return json.loads(self.run("peers", "--json", "--state-dir", self.folder).stdout)

    def peer(self, id, *keys):
        """What the node says of a member, once it knows all of `keys`."""
        end = time.monotonic() + peer.BOUND
        while time.monotonic() < end:
            for one in self.peers():
                if one["id"] == id and all(one[key] for key in keys):
                    return one
        raise AssertionError(f"the node does not tell {keys} of {id}: {self.peers()}")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.one.close()


@pytest.fixture
def node(tmp_path):
    made = Node(tmp_path / "state")
    yield made
    made.close()


def hear(one, session, kind):
    """The next control message of that kind; greetings are answered on the way."""
    while True:
        came, message = one.wait("control")
        read = peer.read_control(message)
        if read is None:
            continue
        if read[0] == "hello":
            host, port = session.address
            one.send(came, CONTROL, peer.write_observed(socket.inet_aton(host), port), LANE_CONTROL)
        if read[0] == kind:
            return read[1]


def hear_gossip(one, session, kind):
    """The next message of the overlay of that kind."""
    while True:
        came, said = hear(one, session, "gossip")
        if came == kind:
            return said


def become_neighbour(one, session):
    """Takes up the node, which has nobody yet and so asks at once."""
    hear_gossip(one, session, "join")
    one.send(session, CONTROL, peer.write_answer(True), LANE_CONTROL)


def greet(one, session, name, claims):
    hello = peer.write_hello(name, "1", "linux python", claims)
    one.send(session, CONTROL, hello, LANE_CONTROL)


def test_a_member_by_the_document_is_a_member(node):
    one = node.one
    session = one.wait("session")
    hello = hear(one, session, "hello")
    assert hello["name"] == platform.node()
    assert hello["platform"] == f"linux {platform.machine()}"
    assert hello["claims"] == []
    greet(one, session, "python", [(bytes([10, 1, 0, 77]), SINCE)])
    assert hear(one, session, "observed") == (socket.inet_aton("127.0.0.1"), one.address[1])

    known = node.peer(one.identity.text, "name", "addresses")
    assert known["name"] == "python"
    assert known["addresses"] == ["10.1.0.77"]
    ula = socket.inet_ntop(socket.AF_INET6, node.network.address(one.identity.id))
    assert known["ula"] == ula
    assert known["endpoint"] == f"127.0.0.1:{one.address[1]}"

    ping = subprocess.Popen(
        [NETRON, "ping", "python", "-c", "1", "--json", "--state-dir", node.folder],
        env=CLEAN, stdout=subprocess.PIPE,
    )
    one.wait("echo")
    assert json.loads(ping.communicate(timeout=peer.BOUND)[0])["rtt_ms"] > 0
    assert ping.returncode == 0


def test_members_are_told_of_each_other_and_of_contests(node):
    one = node.one
    session = one.wait("session")
    become_neighbour(one, session)
    greet(one, session, "first", [(bytes([10, 1, 0, 77]), SINCE)])
    node.peer(one.identity.text, "addresses")

    other = Peer(node.network)
    try:
        # An earlier claim wins as long as the holder is new, a later one never does.
        second = other.dial(session.address)
        greet(other, second, "second", [(bytes([10, 1, 0, 77]), SINCE + 1)])
        address, holder = hear(other, second, "contested")
        assert address == bytes([10, 1, 0, 77])
        assert holder == one.identity.id
        assert node.peer(other.identity.text, "name")["addresses"] == []
        place = (socket.inet_aton("127.0.0.1"), other.address[1])
        other.send(second, CONTROL, peer.write_join(other.identity.id, *place), LANE_CONTROL)
        assert hear_gossip(one, session, "forward_join")[other.identity.id] == [place]
    finally:
        other.close()


def test_a_member_may_come_by_tcp_and_go_on_by_another_connection(node):
    place = node.one.wait("session").address
    other = TCPPeer(node.network, place)
    try:
        session = other.dial(place)
        greet(other, session, "second", [])
        # What it was seen at is of no use to anybody.
        assert hear(other, session, "observed") == (bytes(4), 0)
        for _ in range(2):
            known = node.peer(other.identity.text, "name")
            assert known["path"] == "tcp"
            assert known["endpoint"] == f"tcp://127.0.0.1:{other.address[1]}"
            other.move()
            # Who moves goes on sending: it is challenged at most ten times a second.
            for _ in range(20):
                other.send(session, LINK, bytes([ECHO]) + bytes(19), LANE_CONTROL)
                if other.look_for("challenge", 0.2):
                    break
            else:
                raise AssertionError("the new connection is not challenged")
            hear(other, session, "observed")
    finally:
        other.close()


def test_the_node_says_goodbye(node):
    hear(node.one, node.one.wait("session"), "hello")
    node.process.send_signal(signal.SIGTERM)
    node.one.wait("goodbye")
    assert node.process.wait(peer.BOUND) == 0


def test_who_joined_elsewhere_is_dialled(node):
    one = node.one
    session = one.wait("session")
    become_neighbour(one, session)
    other = Peer(node.network)
    try:
        place = (socket.inet_aton("127.0.0.1"), other.address[1])
        newcomer = peer.write_forward_join(other.identity.id, *place)
        one.send(session, CONTROL, newcomer, LANE_CONTROL)
        assert other.wait("session").remote_id == session.remote_id
        assert node.peer(other.identity.text, "endpoint")["path"] == "direct"
    finally:
        other.close()
