# SPDX-License-Identifier: Apache-2.0
"""An address has one owner: a live one is not displaced, and both are told.

    ada    192.0.2.1/24  10.1.0.1       ---+
    bob    192.0.2.2/24  10.1.0.2       ---+--- lan (a switch)
    carol  192.0.2.3/24  10.1.0.2 too   ---+

bob and carol dial ada.
"""

import socket

import pytest

from lab import until
from node import PORT, Node, meet

DISPUTED = "10.1.0.2"


@pytest.fixture
def three(lab, token):
    """ada and bob have met; carol has not started."""
    hosts = lab.all("ada", "bob", "carol")
    lab.switch("lan", {host: f"192.0.2.{n}/24" for n, host in enumerate(hosts, 1)})
    contact = [f"192.0.2.1:{PORT}"]
    ada = Node(hosts[0], token, "10.1.0.1/24").start()
    bob = Node(hosts[1], token, f"{DISPUTED}/24", peers=contact).start()
    carol = Node(hosts[2], token, f"{DISPUTED}/24", peers=contact)
    meet(ada, bob)
    return ada, bob, carol


def who_answers(asker, members):
    """The member that has the disputed address in the eyes of `asker`: it gets what is sent."""
    sockets = {}
    try:
        for member in members:
            sockets[member] = member.host.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sockets[member].bind((DISPUTED, 5000))
            sockets[member].setblocking(False)
        with asker.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:

            def taken_by():
                sender.sendto(b"who has this?", (DISPUTED, 5000))
                for member, receiver in sockets.items():
                    try:
                        receiver.recv(100)
                        return member
                    except BlockingIOError:
                        pass
                return None

            return until(taken_by, f"somebody gets what {asker.name} sends")
    finally:
        for opened in sockets.values():
            opened.close()


def start_the_rival(ada, bob, carol):
    carol.start()
    for node, other in ((ada, carol), (carol, ada), (bob, carol), (carol, bob)):
        until(lambda: node.is_up(other), f"{node.name} has a session with {other.name}")
    until(lambda: "address_taken" in carol.health(), "the rival's status says so")
    until(lambda: "address_claimed" in bob.health(), "the owner's status says so")


def test_both_are_told(three):
    ada, bob, carol = three
    start_the_rival(*three)
    assert DISPUTED in carol.health()["address_taken"]
    assert bob.id[:8] in carol.health()["address_taken"]
    assert DISPUTED in bob.health()["address_claimed"]
    assert carol.id[:8] in bob.health()["address_claimed"]
    carol.says(f"the address {DISPUTED} is held by")
    bob.says(f"claims the address {DISPUTED}")
    assert not {"address_taken", "address_claimed"} & set(ada.health())


def test_the_owner_is_not_displaced(three):
    ada, bob, carol = three
    start_the_rival(*three)
    for _ in range(3):
        assert who_answers(ada, [bob, carol]) is bob
    # The rival is a member all the same, under the address that nobody can take.
    ada.host.ping(carol.ula)
    bob.host.ping(carol.ula)


def test_the_rival_gets_it_when_the_owner_leaves(three):
    ada, bob, carol = three
    start_the_rival(*three)
    bob.stop()
    until(lambda: "address_taken" not in carol.health(), "the rival has nothing to complain of")
    carol.says(f"the address {DISPUTED} is this node's")
    assert who_answers(ada, [carol]) is carol
    # Who comes back finds it taken.
    bob.start()
    until(lambda: "address_taken" in bob.health(), "the former owner is told")
    until(lambda: "address_claimed" in carol.health(), "the present owner is told")
    assert who_answers(ada, [bob, carol]) is carol


def test_the_rival_gets_it_when_the_owner_is_killed(three):
    ada, bob, carol = three
    start_the_rival(*three)
    ula = bob.ula
    bob.kill()
    assert who_answers_at_last(ada, carol, ula) is carol


def who_answers_at_last(ada, carol, bob_ula):
    """As above, with the time that it takes to see that the owner is dead."""
    for node in (ada, carol):
        # What is sent to the dead one shows that it is dead.
        node.host.run(["ping", "-c", "3", "-i", "0.1", "-W", "0.1", bob_ula], check=False)
    until(lambda: "address_taken" not in carol.health(), "the owner is given up", bound=60)
    return who_answers(ada, [carol])
