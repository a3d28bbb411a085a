# SPDX-License-Identifier: Apache-2.0
"""A disk is copied with the node's key on it, and both copies run.

    ada     192.0.2.1/24  10.1.0.1       ---+
    carol   192.0.2.2/24  10.1.0.2       ---+--- lan (a switch)
    bob     192.0.2.3/24  10.1.0.3       ---+
    copy    192.0.2.4/24  10.1.0.3 too   ---+   with bob's state directory

bob dials ada, the copy carol, who dials ada.
"""

import shutil

from lab import until
from node import PORT, Node, meet

IDENTITY_IN_USE = 78  # which service managers do not start again after


def test_a_key_that_runs_twice_gives_up_and_says_why(lab, token):
    hosts = lab.all("ada", "carol", "bob", "copy")
    lab.switch("lan", {host: f"192.0.2.{n}/24" for n, host in enumerate(hosts, 1)})
    ada = Node(hosts[0], token, "10.1.0.1/24").start()
    carol = Node(hosts[1], token, "10.1.0.2/24", peers=[f"192.0.2.1:{PORT}"]).start()
    bob = Node(hosts[2], token, "10.1.0.3/24", peers=[f"192.0.2.1:{PORT}"]).start()
    meet(ada, bob)
    meet(ada, carol)
    bob.stop()
    copy = Node(hosts[3], token, "10.1.0.3/24", peers=[f"192.0.2.2:{PORT}"])
    shutil.copytree(bob.state, copy.state)
    twins = (bob.start(), copy.start())

    until(lambda: any(node.process.poll() is not None for node in twins),
          "one of the two gives up", bound=300)
    ended = [node for node in twins if node.process.poll() is not None]
    for node in ended:
        assert node.process.returncode == IDENTITY_IN_USE, node.said()
        node.says("another node runs with this node's identity, so this one has ended")
