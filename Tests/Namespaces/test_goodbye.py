# SPDX-License-Identifier: Apache-2.0
"""Who leaves says so, and the others know at once.

    ada  192.0.2.1/24 -------------------- 192.0.2.2/24  bob, dials ada
"""

import signal

import pytest

from lab import until
from node import meet, pair

# Far below the time after which a silent member is given up.
AT_ONCE = 5


@pytest.fixture
def two(lab, token):
    return pair(lab, token)


@pytest.mark.parametrize("number", [0, 1], ids=["the contact", "who dialled"])
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_the_other_notices_at_once(two, number, stop):
    leaving, staying = two[number], two[1 - number]
    gone = leaving.id[:8]
    leaving.process.send_signal(stop)
    staying.says(rf"member {gone}\w* is down: it said goodbye", AT_ONCE)
    assert leaving.ended() == 0
    until(lambda: staying.status()["state"] == "alone", "nobody is there any more", AT_ONCE)
    leaving.start()
    meet(*two)
    staying.host.ping(leaving.address)


def test_a_member_that_is_killed_is_given_up_while_packets_are_sent_to_it(two):
    ada, bob = two
    gone = bob.id
    bob.kill()
    ada.host.run(["ping", "-c", "5", "-i", "0.1", "-W", "0.1", bob.address], check=False)
    until(
        lambda: not [p for p in ada.ask("GET", "/v1/peers") if p["id"] == gone and p["path"]],
        "the dead member is given up",
        bound=60,
    )
    ada.says(rf"member {gone[:8]}\w* is down: it no longer answers")


def test_a_second_signal_ends_it_without_ceremony(two):
    ada, _ = two
    ada.process.send_signal(signal.SIGTERM)
    ada.process.send_signal(signal.SIGTERM)
    assert ada.ended() in (0, 1)
