# SPDX-License-Identifier: Apache-2.0
"""A copied identity: whoever sees that its key runs twice says so, and ends for good.

    ada   192.0.2.1/24 ---+
    bob   192.0.2.2/24 ---+--- lan (a switch)
    copy  192.0.2.3/24 ---+      copy has bob's identity

Both dial ada.
"""

import shutil

from lab import until
from node import PORT, Node

# The exit code that service managers do not answer by starting again (EX_CONFIG).
IDENTITY_IN_USE = 78


def test_a_copied_identity_ends_with_a_code_of_its_own(lab, token):
    hosts = lab.all("ada", "bob", "copy")
    lab.switch("lan", {host: f"192.0.2.{n}/24" for n, host in enumerate(hosts, 1)})
    ada = Node(hosts[0], token, "10.1.0.1/24").start()
    bob = Node(hosts[1], token, "10.1.0.2/24", peers=[f"192.0.2.1:{PORT}"]).start()
    until(lambda: bob.is_up(ada), "bob meets ada")
    copy = Node(hosts[2], token, "10.1.0.3/24", peers=[f"192.0.2.1:{PORT}"])
    copy.state.mkdir(mode=0o700)
    shutil.copy(bob.state / "identity", copy.state / "identity")
    copy.launch()
    ended = until(
        lambda: [node for node in (bob, copy) if node.process.poll() is not None],
        "one of the two ends",
        240,
    )
    for node in ended:
        assert node.process.poll() == IDENTITY_IN_USE, node.said()
        assert "another node runs with this node's identity" in node.said()
        assert "netron0" not in node.host.run(["ip", "-o", "link"]).stdout
        node.process = None
    assert ada.process.poll() is None
