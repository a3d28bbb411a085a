# SPDX-License-Identifier: Apache-2.0
"""Members whose clocks are wrong meet those whose clocks are right.

    table (20 nodes of libtorrent) ---+
    ada, bob, carol                ---+--- net (a router)

A clock is wrong by a library that the node finds in LD_PRELOAD: the wall clock, and no other.
"""

import time

import pytest

from dht_lab import Member, clock, endpoint, network_of, rendezvous, start
from lab import until
from node import PORT, meet

BOUND = 90  # far more than it takes
LEFT = 15  # seconds of the epoch


@pytest.mark.parametrize("minutes", [50, -50])
def test_a_clock_that_is_50_minutes_off(internet, token, minutes):
    table = internet.table()
    right = Member(internet.host("ada"), token, 1, table.bootstrap())
    wrong = Member(internet.host("bob"), token, 2, table.bootstrap(5))
    wrong.env = clock(internet.lab, 60 * minutes)
    start(right, wrong)
    meet(right, wrong, bound=BOUND)
    right.host.ping(wrong.address)


def test_a_clock_in_1970_with_one_member_that_is_named(internet, token):
    table = internet.table()
    ada, bob, carol = (
        Member(internet.host(name), token, n, table.bootstrap())
        for n, name in enumerate(("ada", "bob", "carol"), 1)
    )
    carol.env = clock(internet.lab, 10 - time.time())
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
    ahead = int(seconds - now % seconds - LEFT)
    late = clock(internet.lab, ahead)
    ada, bob, carol = (
        Member(internet.host(name), token, n, table.bootstrap(), env=late)
        for n, name in enumerate(("ada", "bob", "carol"), 1)
    )
    turns = int((now + ahead) // seconds - now // seconds)
    before, after = rendezvous(token, turns), rendezvous(token, turns + 1)
    start(ada, bob)
    meet(ada, bob, bound=BOUND)
    # Both epochs were announced before the turn.
    places = {(internet.address["ada"], PORT), (internet.address["bob"], PORT)}
    for key in (before, after):
        until(lambda: places & table.lookup(key, seconds=1), "an announcement")
    until(lambda: time.time() > now + LEFT + 1, "the epoch is over")
    carol.start()
    meet(ada, bob, carol, bound=BOUND)
