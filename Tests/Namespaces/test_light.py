# SPDX-License-Identifier: Apache-2.0
"""A node with the least budget takes part like any other, and its file stays within it.

    ada    192.0.2.1/24 ---+
    bob    192.0.2.2/24 ---+
    carol  192.0.2.3/24 ---+--- lan (a switch)
    dave   192.0.2.4/24 ---+

All dial ada; carol has --light. They have 10.7.0.1 to 10.7.0.4.
"""

import pytest

from lab import until
from node import PORT, ControlSocket, Node

BUDGET = 1 << 20
# The records of one author have 4,096 bytes at most.
KEYS, VALUE_BYTES, ROUNDS = 3, 1_000, 40


@pytest.fixture
def members(lab, token):
    hosts = lab.all("ada", "bob", "carol", "dave")
    lab.switch("lan", {host: f"192.0.2.{n}/24" for n, host in enumerate(hosts, 1)})
    nodes = []
    for number, host in enumerate(hosts, 1):
        contact = [] if host.name == "ada" else [f"192.0.2.1:{PORT}"]
        more = ["--light"] if host.name == "carol" else []
        node = Node(host, token, f"10.7.0.{number}/24", peers=contact, more=more).start()
        nodes.append(node)
    for node in nodes[1:]:
        until(lambda: node.is_up(nodes[0]), f"{node.name} meets ada")
    return nodes


def file_bytes(node):
    return (node.state / "ledger.mdb").stat().st_size


def put(node, path, value):
    """Writes a record, and waits until that is acknowledged."""
    connection = ControlSocket(node.state / "control.sock")
    try:
        connection.request("PUT", path, value)
        response = connection.getresponse()
        assert response.status == 200, response.read()
    finally:
        connection.close()


def pings(node, address):
    words = ["ping", "-c", "1", "-W", "1", address]
    return node.host.run(words, check=False).returncode == 0


def test_it_reaches_members_by_address_and_they_reach_it(members):
    carol = members[2]
    for other, address in zip(members, ("10.7.0.1", "10.7.0.2", "", "10.7.0.4")):
        if other is not carol:
            until(lambda: pings(carol, address), f"carol reaches {other.name}")
            until(lambda: pings(other, "10.7.0.3"), f"{other.name} reaches carol")


def test_it_reads_what_others_write_and_they_read_what_it_writes(members):
    carol = members[2]
    for other in members:
        done = other.command("ledger", "put", "notes", f"by-{other.name}", other.name)
        assert done.returncode == 0, done.stderr
    for reader in members:
        for other in members:
            key = f"by-{other.name}"
            until(
                lambda: reader.command("ledger", "get", "notes", key).stdout == f"{other.name}\n",
                f"{reader.name} reads what {other.name} wrote",
            )
    until(lambda: carol.ask("GET", "/v1/ledger-stats")["complete"], "carol has all")


def test_its_file_stays_within_the_budget_while_others_write(members):
    carol = members[2]
    most = 0
    for number in range(ROUNDS):
        value = f"{number} ".ljust(VALUE_BYTES, "x")
        for other in members:
            for key in range(KEYS):
                put(other, f"/v1/ledger/own-{other.name}/{key}", value)
            most = max(most, file_bytes(carol))
    last = f"{ROUNDS - 1} ".ljust(VALUE_BYTES, "x")
    for other in members:
        for key in range(KEYS):
            words = ("ledger", "get", f"own-{other.name}", str(key))
            until(
                lambda: carol.command(*words).stdout == f"{last}\n",
                f"carol reads the last word of {other.name}",
            )
            most = max(most, file_bytes(carol))
    assert most <= BUDGET, most
    stats = carol.ask("GET", "/v1/ledger-stats")
    assert stats["budget_bytes"] == BUDGET and stats["file_bytes"] <= BUDGET, stats
    assert stats["states"] == 4 and stats["records"] == 4 * KEYS, stats
    assert (stats["member_bits"], stats["state_bits"]) == (0, 0), stats
    text = carol.command("ledger", "stats").stdout
    assert "of 1.0 MB that it may have" in text and "room for all that members say" in text, text
    assert carol.command("ledger", "verify").returncode == 0
    # It is the same after a life that ended in the midst of it.
    carol.kill()
    carol.start()
    until(
        lambda: carol.ask("GET", "/v1/ledger-stats")["records"] == 4 * KEYS, "carol has all again"
    )
    assert file_bytes(carol) <= BUDGET
