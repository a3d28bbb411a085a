# SPDX-License-Identifier: Apache-2.0
"""Members whose clocks are wrong meet those whose clocks are right.

    table (20 nodes of libtorrent) ---+
    ada, bob, carol                ---+--- net (a router)

Clocks are wrong by libfaketime, which the node finds in LD_PRELOAD: the wall clock alone.
"""

import time

import pytest

from dht_lab import Member, clock, endpoint, network_of, rendezvous, start
from node import PORT, meet

BOUND = 90  # far more than it takes


@pytest.mark.parametrize("offset", ["+50m", "-50m"])
def test_a_clock_that_is_50_minutes_off(internet, token, offset):
    table = internet.table()
    right = Member(internet.host("ada"), token, 1, table.bootstrap())
    wrong = Member(internet.host("bob"), token, 2, table.bootstrap(5), env=clock(offset))
    start(right, wrong)
    meet(right, wrong, bound=BOUND)
    right.host.ping(wrong.address)


def test_a_clock_in_1970_with_one_member_that_is_named(internet, token):
    table = internet.table()
    ada, bob, carol = (
        Member(internet.host(name), token, n, table.bootstrap())
        for n, name in enumerate(("ada", "bob", "carol"), 1)
    )
    carol.env = clock("@1970-01-01 00:00:10")
    carol.peers = [endpoint(internet.address["ada"], PORT)]
    start(ada, bob)
    meet(ada, bob, bound=BOUND)
    carol.start()
    meet(ada, bob, carol, bound=BOUND)
    carol.host.ping(bob.address)


def test_an_epoch_that_ends_while_they_run(internet, token):
    """All clocks show the last seconds of an epoch; who comes after its end meets the others."""
    table = internet.table()
    _, seconds = network_of(token)
    now = time.time()
    left = 15
    offset = seconds - now % seconds - left
    late = clock(f"+{offset:.0f}")
    ada, bob, carol = (
        Member(internet.host(name), token, n, table.bootstrap(), env=late)
        for n, name in enumerate(("ada", "bob", "carol"), 1)
    )
    before = rendezvous(token, int((now + offset) // seconds - now // seconds))
    after = rendezvous(token, int((now + offset) // seconds - now // seconds) + 1)
    start(ada, bob)
    meet(ada, bob, bound=BOUND)
    # Both epochs were announced before the turn.
    places = (internet.address["ada"], PORT), (internet.address["bob"], PORT)
    for key in (before, after):
        assert set(places) & table.lookup(key)
    end = now + left
    table.finds(after, places[0], bound=BOUND)
    while time.time() < end + 2:
        table.lookup(after, seconds=1)
    carol.start()
    meet(ada, bob, carol, bound=BOUND)
