# SPDX-License-Identifier: Apache-2.0
"""The lab's own DHT: what other tests take for granted holds, with no node of ours.

    table (20 nodes of libtorrent) ---+--- net (a router)
    liars (20 who mean harm)       ---+
    ada, bob (hosts)               ---+
    carol, behind a gate           ---+
"""

import os
import socket
import time

import pytest

from dht_lab import DHT_PORT, HOME, PYTHON, Aria, Table, ask, clock
from dht_words import bdecode, bencode, node_id
from lab import until
from node import environment

KEY = bytes(range(100, 120))
WAYS = ("dead_nodes", "ring", "huge", "false_values", "bad_token", "garbage")


@pytest.mark.parametrize("address, seed, expected", [
    ("124.31.75.21", 1, "5fbfbff10c5d6a4ec8a88e4c6ab4c28b95eee401"),
    ("21.75.31.124", 86, "5a3ce9c14e7a08645677bbd1cfe7d8f956d53256"),
    ("65.23.51.170", 22, "a5d43220bc8f112a3d426c84764f8c2a1150e616"),
    ("84.124.73.14", 65, "1b0321dd1bb1fe518101ceef99462b947a01ff41"),
    ("43.213.53.83", 90, "e56f6cbf5b7c4be0237986d5243b87aa6d51305a"),
])
def test_ids_fit_their_addresses_as_bep_42_has_it(address, seed, expected, monkeypatch):
    monkeypatch.setattr("random.Random.randrange", lambda self, end: seed % end)
    made, wanted = node_id(address, 0), bytes.fromhex(expected)
    assert made[:2] == wanted[:2] and made[2] & 0xF8 == wanted[2] & 0xF8
    assert made[19] == wanted[19]


def test_bencode_reads_what_it_writes():
    value = {b"a": [1, -20, b"x", {b"": []}], b"b": b"\x00" * 300}
    assert bdecode(bencode(value)) == value
    for broken in (b"", b"i1", b"l", b"d1:ae", b"5:abcd", b"i1ei2e", b"l" * 100, b"x"):
        with pytest.raises(ValueError):
            bdecode(broken)


def test_libtorrent_finds_what_libtorrent_announced(internet):
    table = internet.table()
    assert len(table.sizes()) == 20
    assert table.lookup(KEY, node=3) == set()
    table.announce(KEY, node=5)
    place = (table.addresses[5], DHT_PORT)
    for node in (0, 3, 19):
        table.finds(KEY, place, node=node)
    assert table.announced(KEY) == {place}
    assert table.asked(KEY) > 0
    assert table.lookup(bytes(20), node=3, seconds=1) == set()


def test_libtorrent_finds_over_ipv6_too(internet):
    table = internet.table(size=10, families=6)
    table.announce(KEY, node=5)
    table.finds(KEY, (table.addresses[5], DHT_PORT), node=2)


def test_a_host_reaches_the_table_and_is_told_its_address(internet):
    table = internet.table(size=10)
    ada = internet.host("ada")
    said = ask(ada, (table.addresses[4], DHT_PORT), "find_node", target=KEY)
    assert len(said[b"r"][b"nodes"]) % 26 == 0 and said[b"r"][b"nodes"]
    assert socket.inet_ntoa(said[b"ip"][:4]) == internet.address["ada"]


def test_a_home_hides_its_host(internet):
    """carol is seen as her gate, and nobody who was not asked gets in."""
    table = internet.table(size=2)
    gate, carol = internet.home("carol")
    ada = internet.host("ada")
    with carol.socket(socket.AF_INET, socket.SOCK_DGRAM) as inner:
        inner.bind((f"{HOME}.2", 7000))
        inner.settimeout(5)
        inner.sendto(bencode({"t": "aa", "y": "q", "q": "ping", "a": {"id": KEY}}),
                     (table.addresses[0], DHT_PORT))
        said = bdecode(inner.recvfrom(65536)[0])
        seen = socket.inet_ntoa(said[b"ip"][:4]), int.from_bytes(said[b"ip"][4:], "big")
        assert seen == (internet.address["carol"], 7000)
        with ada.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"let me in", seen)
            inner.settimeout(1)
            with pytest.raises(TimeoutError):
                inner.recv(100)
            # Who was written to may answer.
            inner.sendto(b"hello", (internet.address["ada"], stranger.getsockname()[1]))
            stranger.settimeout(5)
            stranger.sendto(b"let me in", stranger.recvfrom(100)[1])
            assert inner.recv(100) == b"let me in"


def test_a_home_lets_in_where_its_user_says_so(internet):
    """Two hosts share an address and a port: erin's datagrams are answered, finn is reached."""
    table = internet.table()
    gate, erin, finn = internet.home("erin", "finn")
    internet.forward(gate, 7000, number=3)
    seed = Table(erin, [f"{HOME}.2"], 7000)
    seed.join(table.addresses[4])
    seed.announce(KEY)
    place = (internet.address["erin"], 7000)
    table.finds(KEY, place, bound=60)
    ada = internet.host("ada")
    with finn.socket(socket.AF_INET, socket.SOCK_DGRAM) as inner, \
            ada.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        inner.bind((f"{HOME}.3", 7000))
        for one in (inner, stranger):
            one.settimeout(5)
        stranger.sendto(b"hello", place)
        said, back = inner.recvfrom(100)
        assert said == b"hello"
        inner.sendto(b"you", back)
        assert stranger.recvfrom(100) == (b"you", place)
    assert seed.lookup(KEY) == {place}


def test_nothing_leads_out_of_the_lab(internet):
    ada = internet.host("ada")
    assert "default" not in internet.net.run(["ip", "route"]).stdout
    done = ada.run(["ping", "-c", "1", "-W", "1", "198.41.0.4"], check=False)
    assert "Network is unreachable" in done.stdout + done.stderr or done.returncode != 0


def test_no_multicast_passes_between_subnets(internet):
    ada, bob = internet.host("ada"), internet.host("bob")
    group = ("224.0.0.251", 5353)
    with bob.socket(socket.AF_INET, socket.SOCK_DGRAM) as inner:
        inner.bind(("", group[1]))
        request = socket.inet_aton(group[0]) + socket.inet_aton(internet.address["bob"])
        inner.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        with ada.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            own = socket.inet_aton(internet.address["ada"])
            stranger.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
            stranger.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 32)
            stranger.sendto(b"anybody?", group)
            stranger.sendto(b"you", (internet.address["bob"], group[1]))
        inner.settimeout(5)
        assert inner.recv(100) == b"you"


def test_halves_that_are_parted_find_nothing_of_each_other(internet):
    west, east = (
        internet.table(10, name=name, first=first) for name, first in (("west", 1), ("east", 11))
    )
    internet.part(east.host)
    west.announce(KEY)
    place = (west.addresses[0], DHT_PORT)
    west.finds(KEY, place, node=7)
    west.join(east.addresses[0])
    assert east.lookup(KEY) == set()
    internet.join()
    west.join(east.addresses[0])
    east.join(west.addresses[0])
    east.finds(KEY, place)


def test_a_host_that_moved_is_reached_at_its_new_place_only(internet):
    ada, bob = internet.host("ada"), internet.host("bob")
    before = internet.address["bob"]
    ada.ping(before)
    internet.settle(bob)
    ada.ping(internet.address["bob"])
    assert ada.run(["ping", "-c", "1", "-W", "1", before], check=False).returncode != 0


def test_liars_get_in_and_lie(internet):
    table = internet.table()
    liars = internet.liars(table, WAYS)
    until(lambda: sum(table.knows(a, DHT_PORT) > 0 for a in liars.addresses) >= 10,
          "half of the liars are in some table")
    table.lookup(KEY, node=3)
    until(lambda: sorted(told := liars.told()) == sorted(WAYS) and all(told.values()),
          "each lie was told")


def test_aria2_announces_and_is_an_ordinary_node(internet):
    """The port that it announces is not the one it has in the DHT."""
    table = internet.table()
    ada = internet.host("ada")
    Aria(ada, KEY, table.bootstrap(3), 7000)
    address = internet.address["ada"]
    until(lambda: (address, 7000) in table.announced(KEY), "aria2 announced itself", 60)
    table.finds(KEY, (address, 7000), node=9)
    assert table.knows(address, DHT_PORT)


def test_a_program_that_is_gone_is_noticed(internet):
    table = internet.table(size=2)
    os.kill(table.process.pid, 9)
    with pytest.raises((AssertionError, BrokenPipeError)):
        table.sizes()


def test_the_clock_of_a_host_is_ours_to_set(internet):
    ada = internet.host("ada")
    asked = [PYTHON, "-c", "import time; print(int(time.time()), int(time.monotonic()))"]
    said = ada.run(asked, env=environment(**clock(ada.lab, 10 - time.time()))).stdout.split()
    assert 10 <= int(said[0]) < 100
    assert abs(int(said[1]) - time.monotonic()) < 100
