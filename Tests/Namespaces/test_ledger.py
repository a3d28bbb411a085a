# SPDX-License-Identifier: Apache-2.0
"""What members say: it is on disk when it is acknowledged, and reaches all, whatever happens.

    ada    192.0.2.1/24 ---+
    bob    192.0.2.2/24 ---+--- lan (a switch)
    carol  192.0.2.3/24 ---+

bob and carol dial ada.
"""

import http.client
import itertools
import json
import random
import threading

import pytest

from lab import until
from node import PORT, ControlSocket, Node

# How long all may take to agree once all links are there: a look around, and a round of comparison.
AGREED = 150


@pytest.fixture
def members(lab, token):
    hosts = lab.all("ada", "bob", "carol")
    lab.switch("lan", {host: f"192.0.2.{n}/24" for n, host in enumerate(hosts, 1)})
    nodes = [member(host, token).start() for host in hosts]
    for node in nodes[1:]:
        until(lambda: node.is_up(nodes[0]), f"{node.name} meets ada")
    return nodes


def member(host, token, *more):
    contact = [] if host.name == "ada" else [f"192.0.2.1:{PORT}"]
    return Node(host, token, peers=contact, more=list(more))


def records(node, bucket):
    """The values of a bucket, by key."""
    found = node.ask("GET", f"/v1/ledger/{bucket}")["records"]
    return {record["key"]: record["value"] for record in found}


def agree(nodes, bucket, wanted, bound=30):
    for node in nodes:
        until(lambda: wanted(records(node, bucket)), f"{node.name} knows {bucket}", bound)


def test_what_one_writes_the_others_read_and_may_delete(members):
    ada, bob, carol = members
    assert ada.command("ledger", "put", "notes", "greeting", "hello").returncode == 0
    agree(members, "notes", lambda all: all == {"greeting": "hello"})
    assert carol.command("ledger", "get", "notes", "greeting").stdout == "hello\n"
    assert bob.command("ledger", "delete", "notes", "greeting").returncode == 0
    agree(members, "notes", lambda all: all == {})
    missing = ada.command("ledger", "get", "notes", "greeting")
    assert missing.returncode == 1 and "there is no notes/greeting" in missing.stderr


def test_a_key_of_another_is_refused_and_free_when_its_owner_has_gone(members):
    ada, bob, carol = members
    assert bob.command("ledger", "put", "services", "ssh", "22").returncode == 0
    agree(members, "services", lambda all: all == {"ssh": "22"})
    refused = carol.command("ledger", "put", "services", "ssh", "2222")
    assert refused.returncode == 1 and bob.id[:8] in refused.stderr
    bob.stop()
    agree([ada, carol], "services", lambda all: all == {})
    assert carol.command("ledger", "put", "services", "ssh", "2222").returncode == 0
    # The old owner finds it taken.
    bob.start()
    agree(members, "services", lambda all: all == {"ssh": "2222"}, AGREED)


class Writer(threading.Thread):
    """Writes at one node as fast as it acknowledges, each time a greater number."""

    KEYS = 16

    def __init__(self, node, writes):
        super().__init__()
        self.node, self.writes = node, writes
        self.acknowledged = {}
        self.count = 0
        self.stopped = threading.Event()

    def run(self):
        numbers = itertools.count(1)
        connection = None
        while self.count < self.writes and not self.stopped.is_set():
            number = next(numbers)
            key = f"key {number % self.KEYS}"
            path = f"/v1/ledger/own-{self.node.name}/{key.replace(' ', '%20')}"
            try:
                connection = connection or ControlSocket(self.node.state / "control.sock")
                connection.request("PUT", path, str(number))
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                # The node was killed; what it did not acknowledge may be there or not.
                connection = None
                self.stopped.wait(0.05)
                continue
            if response.status == 200:
                self.acknowledged[key] = number
                self.count += 1
            else:
                # Too early: it does not know the time yet.
                self.stopped.wait(0.05)


def written(writer, more):
    """Waits until so many more writes are acknowledged, or all are."""
    wanted = min(writer.count + more, writer.writes)
    until(lambda: writer.count >= wanted, f"{writer.node.name} goes on writing")


def test_of_ten_thousand_acknowledged_writes_none_is_lost(members):
    """Three write at once, while nodes are killed and links are cut."""
    chance = random.Random(1)
    writers = [Writer(node, 3_400) for node in members]
    for writer in writers:
        writer.start()
    try:
        for _ in range(12):
            node = chance.choice(members)
            if chance.random() < 0.5:
                node.kill()
                node.start()
            else:
                device = node.host.device_to("lan")
                node.host.ip(f"link set {device} down")
                written(chance.choice(writers), 100)
                node.host.ip(f"link set {device} up")
        for writer in writers:
            writer.join(300)
    finally:
        for writer in writers:
            writer.stopped.set()
    assert sum(writer.count for writer in writers) >= 10_000
    for writer in writers:
        wanted = writer.acknowledged
        assert len(wanted) == Writer.KEYS
        agree(
            members,
            f"own-{writer.node.name}",
            # A later write may have been kept without being acknowledged.
            lambda all: all.keys() == wanted.keys()
            and all_at_least({key: int(value) for key, value in all.items()}, wanted),
            AGREED,
        )
    values = [[records(node, f"own-{writer.node.name}") for writer in writers] for node in members]
    assert values[0] == values[1] == values[2]
    for node in members:
        stats = node.ask("GET", "/v1/ledger-stats")
        assert stats["complete"] and stats["missing"] == 0
        assert stats["file_bytes"] <= 2 * stats["live_bytes"] + (256 << 10), stats
        assert node.command("ledger", "verify").returncode == 0


def all_at_least(values, wanted):
    return all(values[key] >= number for key, number in wanted.items())


def test_a_damaged_file_is_refused_and_kept_and_memory_does_without(members):
    ada, bob, _ = members
    assert bob.command("ledger", "put", "notes", "kept", "x" * 1_000).returncode == 0
    bob.stop()
    file = bob.state / "ledger.mdb"
    whole = file.read_bytes()
    place = whole.index(b"x" * 1_000) + 500
    damaged = whole[:place] + b"y" + whole[place + 1 :]
    file.write_bytes(damaged)
    bob.launch()
    assert bob.process.wait(30) == 1
    assert "ledger.mdb is damaged" in bob.said() and "--ledger memory" in bob.said()
    assert file.read_bytes() == damaged
    bob.process = None
    bob.more += ["--ledger", "memory"]
    bob.start()
    until(lambda: bob.is_up(ada), "bob meets ada again")
    assert file.read_bytes() == damaged
    bob.stop()
    file.write_bytes(whole)
    bob.more = []
    bob.start()
    assert bob.command("ledger", "get", "notes", "kept").stdout == "x" * 1_000 + "\n"


def test_the_paths_of_edgevpn_answer(members):
    ada, bob, _ = members
    assert ada.ask("PUT", "/api/ledger/notes/a/hello") == {"State": "Announcing"}
    until(lambda: bob.ask("GET", "/api/ledger/notes") == {"a": '"hello"'}, "bob reads it")
    assert bob.ask("GET", "/api/ledger")["notes"] == {"a": '"hello"'}
    assert bob.ask("GET", "/api/summary")["NodeID"] == bob.id
    assert {node["ID"] for node in bob.ask("GET", "/api/nodes")} >= {ada.id}
    machine = {"Address": "10.1.0.9", "Connected": True, "Online": True, "PeerID": ada.id}
    ada.stop()
    ada.addresses = ["10.1.0.9/24"]
    ada.start()
    until(lambda: machine.items() <= machines(bob).get("10.1.0.9", {}).items(), "bob knows it")
    kept = bob.ask("GET", "/api/ledger/machines")
    assert json.loads(kept["10.1.0.9"])["PeerID"] == ada.id
    assert bob.ask("GET", "/api/ledger/healthcheck").keys() >= {ada.id, bob.id}
    assert bob.command("ledger", "get", "machines", "10.1.0.9").stdout.strip() == kept["10.1.0.9"]
    refused = bob.command("ledger", "put", "machines", "10.1.0.9", "{}")
    assert refused.returncode == 1 and "nobody writes in the bucket machines" in refused.stderr


def put_from_file(node, bucket, key, value):
    """Writes what standard input has."""
    file = node.host.lab.folder / "value"
    file.write_text(value)
    with file.open() as given:
        assert node.command("ledger", "put", bucket, key, stdin=given).returncode == 0


def machines(node):
    return {machine["Address"]: machine for machine in node.ask("GET", "/api/machines")}


def test_what_was_said_before_is_kept_if_it_is_asked_for(members):
    ada, bob, _ = members
    bob.stop()
    bob.more += ["--ledger-history", "5"]
    bob.start()
    until(lambda: bob.is_up(ada), "bob meets ada again")
    for number in range(3):
        put_from_file(ada, "notes", "k", str(number))
        agree([bob], "notes", lambda all: all == {"k": str(number)})
    blocks = json.loads(bob.command("ledger", "blocks", ada.id, "--json").stdout)
    assert 3 <= len(blocks) <= 5 and len({block["root"] for block in blocks}) >= 3
    verified = bob.command("ledger", "verify")
    assert verified.returncode == 0 and verified.stdout == "All that is kept is whole.\n"
    assert len(json.loads(ada.command("ledger", "blocks", ada.id, "--json").stdout)) == 1
