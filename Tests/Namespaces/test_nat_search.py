# SPDX-License-Identifier: Apache-2.0
"""A gate that shows every host another port, by chance, and one that lets in answers alone.

    hub (public) -----------------+
    gate (masquerade random) ada -+--- net
    gate (masquerade) ------- bob +

Neither can be told the port of ada's gate that bob's will see. Ada opens many, bob tries many.
"""

import os
import time

from lab import until
from test_nat import path, settle, world
from traffic import tcp_both_ways

RUNS = int(os.environ.get("NETRON_SEARCH_RUNS", "4"))
PROMISED = 36 / 40  # of the runs
PROMISED_SECONDS = 10
KEPT_MAX = 8  # sockets of searches that a node still has a while later
SEARCH_SOCKETS = 256


def sockets(node):
    said = node.host.run(["ss", "-Huanp"]).stdout
    return sum(f"pid={node.process.pid}," in line for line in said.splitlines())


def run(ada, bob, first):
    """Begins anew; how long the two took from the first packet until both ends were direct.

    Bob has another port then, so that what its gate let in before means nothing.
    """
    for node in (ada, bob):
        node.stop()
    bob.port += 1
    for node in (bob, ada):
        node.start()
    until(lambda: ada.peer(bob) and bob.peer(ada), "ada and bob know each other")
    other = bob if first is ada else ada
    begun = time.monotonic()
    first.host.ping(other.address, "-W", "0.2")
    while path(ada, bob) != "direct" or path(bob, ada) != "direct":
        if time.monotonic() > begun + PROMISED_SECONDS:
            return None
        first.host.pings(other.address, "2")
    return time.monotonic() - begun


def test_it_is_passed_in_nearly_every_run(internet, token, capsys):
    _, ada, bob = world(internet, token, "symmetric", "restricted")
    times = [run(ada, bob, (ada, bob)[number % 2]) for number in range(RUNS)]
    with capsys.disabled():
        shown = " ".join("-" if took is None else f"{took:.1f}" for took in times)
        print(f"\ndirect after {shown} s", end=" ")
    passed = [took for took in times if took is not None]
    assert len(passed) >= int(RUNS * PROMISED), times


def test_the_path_that_was_found_carries_and_the_rest_is_closed(internet, token):
    _, ada, bob = world(internet, token, "symmetric", "restricted")
    before = sockets(ada)
    ada.host.ping(bob.address, "-W", "0.2")
    settle(ada, bob, "direct")
    tcp_both_ways(ada.host, bob.host, bob.address)
    bob.host.ping(ada.ula)
    until(lambda: sockets(ada) <= before + KEPT_MAX, "ada closes what it does not need")
    assert sockets(bob) <= before + KEPT_MAX
    assert ada.host.pings(bob.address, "50") == 50
    assert path(ada, bob) == path(bob, ada) == "direct"


def test_two_such_gates_leave_nothing_open(internet, token):
    _, ada, bob = world(internet, token, "symmetric", "symmetric")
    before = sockets(ada)
    ada.host.ping(bob.address, "-W", "0.2")
    until(lambda: sockets(ada) > before + KEPT_MAX or sockets(bob) > before + KEPT_MAX,
          "one of them opens ports")
    assert max(sockets(ada), sockets(bob)) <= before + SEARCH_SOCKETS + KEPT_MAX
    for node in (ada, bob):
        until(lambda: sockets(node) <= before + 1, f"{node.name} closes them")
    assert path(ada, bob) == "relayed"
    assert ada.host.pings(bob.address, "20") == 20
