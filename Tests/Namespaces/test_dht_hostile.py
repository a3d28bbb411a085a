# SPDX-License-Identifier: Apache-2.0
"""Members meet on a DHT that is broken, late, or half full of liars.

    table (20 nodes of libtorrent) ---+
    liars (20 who mean harm)       ---+--- net (a router)
    ada, bob                       ---+
"""

import pytest

from dht_lab import DHT_PORT, Member, endpoint, rendezvous, start
from lab import until
from node import PORT, meet

BOUND = 120  # far more than it takes
MEMORY_MAX = 48 * 2**20  # bytes; nothing grows with what strangers send
NOBODY = "62.200.0.1"  # no host has it
WRONG = ("dead_nodes", "huge", "bad_token", "garbage")
AIMED = (*WRONG, "ring", "false_values")


def two(internet, token, *bootstraps):
    hosts = internet.host("ada"), internet.host("bob")
    return [Member(h, token, n, b) for n, (h, b) in enumerate(zip(hosts, bootstraps), 1)]


def test_a_dead_way_in_beside_one_that_works(internet, token):
    table = internet.table()
    deaf = internet.host("carol")  # it is there, and says that nobody listens
    dead = [endpoint(NOBODY, DHT_PORT), endpoint(internet.address[deaf.name], DHT_PORT)]
    one, other = two(internet, token, dead + table.bootstrap(), dead + table.bootstrap(9))
    start(one, other)
    meet(one, other, bound=BOUND)
    one.host.ping(other.address)


def test_a_dht_that_comes_later_than_the_members(internet, token):
    way_in = [endpoint("45.1.0.1", DHT_PORT)]
    one, other = two(internet, token, way_in, way_in)
    start(one, other)
    assert one.discovery["dht"] == other.discovery["dht"] == "joining"
    table = internet.table()
    assert table.addresses[0] == "45.1.0.1"
    meet(one, other, bound=BOUND)


def test_a_dht_that_loses_half_of_its_nodes(internet, token):
    """Who has met stays together; who comes then finds them by the rest."""
    halves = [internet.table(10, name=n, first=f) for n, f in (("west", 1), ("east", 11))]
    halves[0].join(*halves[1].addresses)
    halves[1].join(*halves[0].addresses)
    one, other = two(internet, token, halves[0].bootstrap(), halves[0].bootstrap(3))
    start(one, other)
    meet(one, other, bound=BOUND)
    halves[1].stop()
    late = Member(internet.host("carol"), token, 3, halves[0].bootstrap(5)).start()
    meet(one, other, late, bound=BOUND)


@pytest.mark.parametrize("ways", [WRONG, AIMED], ids=["wrong", "aimed"])
def test_half_of_the_dht_lies(internet, token, ways):
    """The way in is a liar and an honest node, in this order for one, and the other for the other.

    Aimed lies are made for the very key that is asked for: nodes near it, and members under it.
    """
    table = internet.table()
    liars = internet.liars(table, ways)
    until(lambda: sum(table.knows(a, DHT_PORT) > 0 for a in liars.addresses) >= 10,
          "half of the liars are in some table")
    one, other = two(internet, token, liars.bootstrap(0) + table.bootstrap(0),
                     table.bootstrap(1) + liars.bootstrap(2))
    start(one, other)
    meet(one, other, bound=BOUND)
    one.host.ping(other.address)
    assert any(liars.told().values())
    for node in (one, other):
        assert node.resident_bytes() < MEMORY_MAX


@pytest.mark.parametrize("ways", [WRONG, AIMED], ids=["wrong", "aimed"])
def test_liars_alone_do_no_harm(internet, token, ways):
    """Nobody meets on them; but the nodes live on, stay small, and meet when they can."""
    table = internet.table(size=2)
    liars = internet.liars(table, ways)
    one, other = two(internet, token, liars.bootstrap(*range(8)), liars.bootstrap(*range(8, 16)))
    start(one, other)
    told = sum(liars.told().values())
    until(lambda: sum(liars.told().values()) >= told + 100, "the liars were asked", BOUND)
    for node in (one, other):
        assert node.answers() and node.resident_bytes() < MEMORY_MAX
    other.stop()
    other.peers = [endpoint(internet.address["ada"], PORT)]
    other.start()
    meet(one, other, bound=BOUND)
    one.host.ping(other.address)


def test_loss_on_the_way_delays_but_does_not_part(internet, token):
    """One datagram in four is lost, between any two hosts."""
    table = internet.table()
    one, other = two(internet, token, table.bootstrap(), table.bootstrap(7))
    internet.net.nft("""
        table inet loss {
            chain some {
                type filter hook forward priority filter
                numgen random mod 4 == 0 drop
            }
        }""")
    start(one, other)
    table.finds(rendezvous(token), (internet.address["ada"], PORT), bound=BOUND)
    meet(one, other, bound=BOUND)
