# SPDX-License-Identifier: Apache-2.0
"""What another node or program of the host has is not shared: one sentence says so.

    ada  192.0.2.1/24, two nodes -------------------- 192.0.2.2/24  bob
"""

import socket

import pytest

from node import Node, meet, pair


@pytest.fixture
def two(lab, token):
    return pair(lab, token)


def assert_refused(node, *words):
    """The node ends with 1, having said one sentence."""
    node.launch()
    assert node.ended() == 1
    said = node.said().strip()
    assert len(said.splitlines()) == 1, said
    for word in words:
        assert word in said, said


def second(ada, **options):
    return Node(
        ada.host, ada.token, "10.1.0.99/24", name="second",
        more=["--interface", "netron1"], **options,
    )


def test_the_port_of_another_node_is_refused(two):
    ada, bob = two
    assert_refused(second(ada), "port 7000", "--port")
    # The first has lost nothing by it.
    ada.host.ping(bob.address)
    assert "netron1" not in ada.host.run(["ip", "-o", "link"]).stdout


@pytest.mark.parametrize("family, address", [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")])
def test_the_port_of_another_program_is_refused(two, family, address):
    ada, _ = two
    with ada.host.socket(family, socket.SOCK_DGRAM) as program:
        program.bind((address, 7100))
        assert_refused(second(ada, port=7100), "port 7100", "--port")


def test_a_port_that_other_programs_share_is_refused(two):
    ada, _ = two
    with ada.host.socket(socket.AF_INET6, socket.SOCK_DGRAM) as program:
        program.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        program.bind(("::", 7100))
        assert_refused(second(ada, port=7100), "port 7100", "--port")


def test_port_0_finds_a_free_one(two):
    ada, bob = two
    other = second(ada, port=0).start()
    assert other.status()["port"] not in (0, 7000)
    other.stop()
    other.peers = ["192.0.2.2:7000"]
    other.start()
    meet(bob, other)


def test_the_state_of_another_node_is_refused(two):
    ada, bob = two
    assert_refused(second(ada, port=7100, state=ada.state), "--state-dir")
    ada.host.ping(bob.address)
    assert ada.status()["state"] == "up"


def test_the_state_of_a_killed_node_is_free(two):
    ada, bob = two
    before = ada.id
    ada.remembers(bob)
    ada.kill()
    assert (ada.state / "control.sock").exists()
    heir = second(ada, state=ada.state).start()
    assert heir.id == before
    meet(heir, bob)


def test_an_interface_of_the_host_is_refused(two):
    ada, _ = two
    ada.host.ip("link add netron1 type bridge")
    assert_refused(second(ada, port=7100), "netron1", "--interface")
    assert "bridge" in ada.host.run(["ip", "-d", "link", "show", "netron1"]).stdout


def test_the_interface_of_another_node_is_refused(two):
    ada, bob = two
    rival = Node(ada.host, ada.token, "10.1.0.99/24", name="second", port=7100)
    assert_refused(rival, "netron0", "--interface")
    ada.host.ping(bob.address)
