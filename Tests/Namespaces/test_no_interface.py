# SPDX-License-Identifier: Apache-2.0
"""`netron start` takes part without an interface and without any right.

    ada  192.0.2.1/24, no interface ---+
    bob  192.0.2.2/24  10.1.0.2     ---+--- lan (a switch)
    carol 192.0.2.3/24 10.1.0.3     ---+

bob and carol dial ada, who runs as an ordinary user.
"""

from lab import until
from node import NETRON, PORT, Node, environment, meet


def test_a_node_without_rights_introduces_the_others(lab, token):
    hosts = lab.all("ada", "bob", "carol")
    lab.switch("lan", {host: f"192.0.2.{n}/24" for n, host in enumerate(hosts, 1)})
    lab.folder.chmod(0o755)
    program, state = lab.folder / "netron", lab.folder / "plain.state"
    state.mkdir(0o700)
    hosts[0].run(["cp", NETRON, program])
    hosts[0].run(["chown", "65534:65534", state])
    ada = Node(hosts[0], token, state=state)
    with ada.log.open("a") as log:
        ada.process = hosts[0].spawn(
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]
            + [program, "start", *ada.arguments],
            env=environment(NETRONTOKEN=token, HOME=state), stdout=log, stderr=log,
        )
    until(ada.answers, "the start of ada")
    contact = [f"192.0.2.1:{PORT}"]
    bob = Node(hosts[1], token, "10.1.0.2/24", peers=contact).start()
    carol = Node(hosts[2], token, "10.1.0.3/24", peers=contact).start()
    meet(ada, bob, carol)
    hosts[1].ping(carol.address)
    status = ada.status()
    assert (status["interface"], status["state"]) == (None, "up")
    done = bob.command("ping", "ada", "-c", "1")
    assert done.returncode == 0, done
    assert ada.stop() == 0
    until(lambda: not bob.is_up(ada), "ada said goodbye")
