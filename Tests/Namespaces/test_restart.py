# SPDX-License-Identifier: Apache-2.0
"""A node that was killed comes back as the same member, and the others take it back.

    ada  192.0.2.1/24 -------------------- 192.0.2.2/24  bob, dials ada
"""

import pytest

from lab import until
from node import meet, pair
from traffic import tcp_both_ways


@pytest.fixture
def two(lab, token):
    return pair(lab, token)


def assert_joined(ada, bob):
    meet(ada, bob)
    ada.host.ping(bob.address)
    bob.host.ping(ada.address)
    tcp_both_ways(ada.host, bob.host, bob.address)


@pytest.mark.parametrize("number", [0, 1], ids=["the contact", "who dialled"])
def test_one_side_is_killed_and_comes_back(two, number):
    node = two[number]
    before = node.id
    node.remembers(two[1 - number])
    node.kill()
    node.start()
    assert node.id == before
    assert_joined(*two)


def test_one_side_comes_back_while_the_other_sends(two):
    """What is sent to the dead session brings no error that outlives the restart."""
    ada, bob = two
    bob.kill()
    assert ada.host.pings(bob.address, "5", "-W", "0.1") == 0
    bob.start()
    ada.host.ping(bob.address)


def test_a_damaged_memory_of_members_does_no_harm(two):
    ada, bob = two
    place = "192.0.2.2:7000"
    for text in ("", "\0" * 100, f"{bob.id}\n", f"{bob.id} nowhere\n", f"x {place}\n" * 9999):
        ada.kill()
        (ada.state / "peers").write_text(text)
        ada.start()
        bob.host.ping(ada.address)
    meet(ada, bob)


def test_both_sides_are_killed_and_come_back(two):
    before = [node.id for node in two]
    for node in two:
        node.kill()
    for node in two:
        node.start()
    assert [node.id for node in two] == before
    assert_joined(*two)


def test_a_member_is_one_peer_however_often_it_restarts(two):
    ada, bob = two
    for _ in range(3):
        bob.kill()
        bob.start()
        meet(ada, bob)
    assert len(ada.ask("GET", "/v1/peers")) == 1


def test_an_ephemeral_node_is_another_at_each_start(two):
    ada, bob = two
    lasting = bob.id
    bob.stop()
    bob.more = ["--ephemeral"]
    seen = {lasting}
    for _ in range(2):
        bob.start()
        assert bob.id not in seen
        seen.add(bob.id)
        meet(ada, bob)
        bob.stop()
    # It has not overwritten who the node is without the flag.
    bob.more = []
    bob.start()
    assert bob.id == lasting


def test_the_identity_is_for_its_owner_alone(two):
    ada, _ = two
    assert ada.state.stat().st_mode & 0o777 == 0o700
    assert (ada.state / "identity").stat().st_mode & 0o777 == 0o600
    ada.stop()
    (ada.state / "identity").chmod(0o644)
    ada.launch()
    assert ada.ended() == 1
    assert "chmod 600" in ada.said()


def test_a_damaged_identity_is_refused_and_kept(two):
    ada, _ = two
    ada.stop()
    file = ada.state / "identity"
    file.write_text("not an identity\n")
    ada.launch()
    assert ada.ended() == 1
    assert "damaged" in ada.said()
    assert file.read_text() == "not an identity\n"


def test_nothing_is_left_after_the_end(two):
    ada, bob = two
    bob.stop()
    links = bob.host.run(["ip", "-o", "link"]).stdout
    assert "netron0" not in links
    assert not (bob.state / "control.sock").exists()
    until(lambda: not ada.is_up(bob), "ada lets bob go")
