# SPDX-License-Identifier: Apache-2.0
"""A host with several addresses answers from the one that was asked.

    ada, dials each address of bob       bob  to-ada  192.0.2.2/24    2001:db8::2/64
    192.0.2.1/24 2001:db8::1/64 -------       to-ada  192.0.2.3/24    2001:db8::3/64
                                              lo      203.0.113.9/32  2001:db8:9::9/128
"""

import pytest

from node import PORT, Node, meet
from packets import UDP, Capture


@pytest.mark.parametrize(
    "asked",
    ["192.0.2.2", "192.0.2.3", "203.0.113.9", "2001:db8::2", "2001:db8::3", "2001:db8:9::9"],
)
def test_answers_come_from_the_address_that_was_asked(lab, token, asked):
    ada, bob = lab.all("ada", "bob")
    lab.join(
        ada, "192.0.2.1/24 2001:db8::1/64",
        bob, "192.0.2.2/24 192.0.2.3/24 2001:db8::2/64 2001:db8::3/64",
    )
    bob.address("lo", "203.0.113.9/32 2001:db8:9::9/128")
    ada.ip("route add 203.0.113.9 via 192.0.2.2", "route add 2001:db8:9::9 via 2001:db8::2")
    other = Node(bob, token, "10.1.0.2/24").start()
    place = f"[{asked}]:{PORT}" if ":" in asked else f"{asked}:{PORT}"
    one = Node(ada, token, "10.1.0.1/24", peers=[place])
    with Capture(ada, "to-bob") as passing:
        one.start()
        meet(one, other)
        ada.ping(other.address)
        assert bob.pings(one.address, "10") == 10
        ours = [seen for seen in passing.packets() if seen.protocol == UDP]
    assert {seen.source for seen in ours if not seen.outgoing} == {asked}
    assert {seen.destination for seen in ours if seen.outgoing} == {asked}
    assert one.peer(other)["endpoint"] == place
