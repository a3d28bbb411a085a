# SPDX-License-Identifier: Apache-2.0
"""A disk is copied with the node's key on it, and both copies run.

    ada     192.0.2.1/24  10.1.0.1       ---+
    bob     192.0.2.2/24  10.1.0.2       ---+--- lan (a switch)
    copy    192.0.2.3/24  10.1.0.2 too   ---+   with bob's state directory

bob and the copy dial ada, the only one who can tell them of each other, and ping her.
"""

import shutil

from lab import until
from node import PORT, Node, meet

IDENTITY_IN_USE = 78  # which service managers do not start again after


def test_a_key_that_runs_twice_gives_up_and_says_why(lab, token):
    hosts = lab.all("ada", "bob", "copy")
    lab.switch("lan", {host: f"192.0.2.{n}/24" for n, host in enumerate(hosts, 1)})
    contact = [f"192.0.2.1:{PORT}"]
    ada = Node(hosts[0], token, "10.1.0.1/24").start()
    bob = Node(hosts[1], token, "10.1.0.2/24", peers=contact).start()
    meet(ada, bob)
    bob.stop()
    copy = Node(hosts[2], token, "10.1.0.2/24", peers=contact)
    shutil.copytree(bob.state, copy.state)
    twins = (bob, copy)
    for node in twins:
        node.start()
        node.host.spawn(["ping", "-q", "-i", "0.2", ada.address])

    until(lambda: any(node.process.poll() is not None for node in twins),
          "one of the two gives up", bound=240)
    for node in twins:
        if node.process.poll() is not None:
            assert node.process.returncode == IDENTITY_IN_USE, node.said()
            node.says("another node runs with this node's identity, so this one has ended")
