# SPDX-License-Identifier: Apache-2.0
"""Members that were apart come back without help, and parts of a network become one.

    table (20 nodes of libtorrent) ---+
    west, east (10 nodes each)     ---+--- net (a router, which can part them)
    ada, bob | carol, dora         ---+
"""

import time

import pytest

from dht_lab import DHT_PORT, Member, endpoint, rendezvous, start
from lab import until
from node import PORT, meet

BOUND = 90  # far more than it takes
# Of two ends the one that does not keep their session sees that it is dead when nobody used it
# for 180 s; the other one asks after 25 s.
PART_BOUND = 240
SPLIT_BOUND = 240  # an interval, a minute, and what the DHT needs to become one
INTERVAL = 20
DEAD = [endpoint("62.200.0.1", DHT_PORT)]


@pytest.fixture
def table(internet):
    return internet.table()


@pytest.fixture
def pair(internet, token, table):
    hosts = internet.host("ada"), internet.host("bob")
    one, other = (Member(h, token, n, table.bootstrap()) for n, h in enumerate(hosts, 1))
    start(one, other)
    meet(one, other, bound=BOUND)
    one.remembers(other)
    other.remembers(one)
    return one, other


def restarted(*nodes):
    for node in nodes:
        assert node.stop() == 0


def test_both_come_back_without_the_dht(pair, table, capsys):
    one, other = pair
    restarted(one, other)
    table.stop()
    begun = time.monotonic()
    one.launch()
    other.launch()
    one.host.ping(other.address, "-W", "0.1", bound=BOUND)
    took = time.monotonic() - begun
    meet(one, other)
    with capsys.disabled():
        print(f"\nfirst ping by cached peers after {took:.2f} s", end=" ")


def test_one_comes_back_without_the_dht(pair, table):
    one, other = pair
    table.stop()
    other.kill()
    until(lambda: not one.is_up(other), "the other is missed", BOUND)
    other.start()
    meet(one, other, bound=BOUND)


def test_both_come_back_at_other_places_by_the_dht(pair, internet):
    """What they remember of each other is worth nothing."""
    one, other = pair
    restarted(one, other)
    for node in pair:
        internet.settle(node.host)
    start(one, other)
    meet(one, other, bound=BOUND)
    assert one.peer(other)["endpoint"] == endpoint(internet.address["bob"], PORT)


def test_one_comes_back_at_another_place_by_the_dht(pair, internet):
    one, other = pair
    restarted(one, other)
    internet.settle(other.host)
    other.port = 7001
    start(one, other)
    meet(one, other, bound=BOUND)
    one.host.ping(other.address)


def test_nodes_of_the_dht_are_remembered(pair, internet, token):
    """After a restart nobody answers of those that --bootstrap names, and a member is new."""
    one, other = pair
    restarted(one, other)
    one.bootstrap = DEAD
    one.start()
    late = Member(internet.host("carol"), token, 3, other.bootstrap).start()
    meet(one, late, bound=BOUND)


def test_what_is_remembered_may_be_broken(pair, internet):
    """A node whose files hold rubbish begins anew."""
    one, other = pair
    restarted(one, other)
    for file in one.state.iterdir():
        if file.is_file() and file.name in ("peers", "dht", "dht.nodes", "nodes"):
            file.write_bytes(b"\xff\x00 rubbish \n" * 500)
    start(one, other)
    meet(one, other, bound=BOUND)


@pytest.fixture
def halves(internet):
    return [internet.table(10, name=n, first=f) for n, f in (("west", 1), ("east", 11))]


def test_two_pairs_that_formed_apart_become_one(internet, token, halves):
    west, east = halves
    names = ("ada", "bob", "carol", "dora")
    hosts = [internet.host(name) for name in names]
    internet.part(east.host, *hosts[2:])
    nodes = [
        Member(host, token, n, (west if n < 3 else east).bootstrap(n), interval=INTERVAL)
        for n, host in enumerate(hosts, 1)
    ]
    start(*nodes)
    meet(*nodes[:2], bound=BOUND)
    meet(*nodes[2:], bound=BOUND)
    assert all(node.status()["peers"]["known"] == 1 for node in nodes)
    internet.join()
    west.join(*east.addresses)
    east.join(*west.addresses)
    meet(*nodes, bound=SPLIT_BOUND)
    nodes[0].host.ping(nodes[3].address)


@pytest.mark.parametrize("dht", [True, False], ids=["dht", "no-dht"])
def test_halves_that_were_parted_become_one_again(internet, token, halves, dht):
    """By the DHT, or by remembered endpoints alone."""
    west, east = halves
    west.join(*east.addresses)
    east.join(*west.addresses)
    hosts = [internet.host(name) for name in ("ada", "bob", "carol", "dora")]
    nodes = [
        Member(host, token, n, (west if n < 3 else east).bootstrap(n), interval=INTERVAL, dht=dht)
        for n, host in enumerate(hosts, 1)
    ]
    if not dht:
        for node in nodes[1:]:
            node.peers = [endpoint(internet.address["ada"], PORT)]
    start(*nodes)
    meet(*nodes, bound=BOUND)
    internet.part(east.host, *hosts[2:])
    for node in nodes[:2]:
        for other in nodes[2:]:
            until(lambda: not node.is_up(other) and not other.is_up(node), "they part", PART_BOUND)
    meet(*nodes[:2])
    meet(*nodes[2:])
    internet.join()
    meet(*nodes, bound=SPLIT_BOUND)
    nodes[1].host.ping(nodes[2].address)


def test_a_pair_that_was_cut_off_from_all_comes_back(pair, internet, token):
    """Its wire was out for a while; nobody was restarted."""
    one, other = pair
    internet.part(other.host)
    until(lambda: not one.is_up(other) and not other.is_up(one), "they part", PART_BOUND)
    internet.join()
    meet(one, other, bound=SPLIT_BOUND)
    assert rendezvous(token)
