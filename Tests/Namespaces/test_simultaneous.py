# SPDX-License-Identifier: Apache-2.0
"""Two that dial each other at the same time end up with one session that both use.

    ada  192.0.2.1/24, dials bob -------------------- 192.0.2.2/24  bob, dials ada
"""

from lab import until
from node import PORT, Node, meet
from traffic import tcp_both_ways

ROUNDS = 6


def test_two_that_dial_each_other_meet(lab, token):
    ada, bob = lab.all("ada", "bob")
    lab.join(ada, "192.0.2.1/24", bob, "192.0.2.2/24")
    one = Node(ada, token, "10.1.0.1/24", peers=[f"192.0.2.2:{PORT}"])
    other = Node(bob, token, "10.1.0.2/24", peers=[f"192.0.2.1:{PORT}"])
    for number in range(ROUNDS):
        # In turn, so that each is the first now and then.
        order = (one, other) if number % 2 == 0 else (other, one)
        for node in order:
            node.launch()
        for node in order:
            until(node.answers, f"the start of {node.name}")
        meet(one, other)
        ada.ping(other.address)
        bob.ping(one.address)
        assert ada.pings(other.address, "20") == bob.pings(one.address, "20") == 20
        for node in order:
            assert node.status()["peers"]["known"] == 1
        if number == 0:
            tcp_both_ways(ada, bob, other.address)
        for node in order:
            node.kill()
