# SPDX-License-Identifier: Apache-2.0
"""How the command ends: 1 failed, 2 wrong usage, 3 no node, 4 not permitted; one sentence each.

    ada, alone
"""

import pytest

from node import NETRON, Node, environment, netron

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]
WITHOUT_NET_ADMIN = ["setpriv", "--bounding-set", "-net_admin", "--"]


@pytest.fixture
def ada(lab):
    return lab.host("ada")


def assert_sentence(done, code, *words):
    assert done.returncode == code, done
    assert done.stdout == "", done
    said = done.stderr.strip()
    assert said.startswith("netron: ") and len(said.splitlines()) == 1, done
    for word in words:
        assert word in said, done


@pytest.mark.parametrize("drop", [NOBODY, WITHOUT_NET_ADMIN], ids=["nobody", "no CAP_NET_ADMIN"])
def test_without_the_right_to_make_an_interface(lab, ada, token, drop):
    lab.folder.chmod(0o755)
    state = lab.folder / "state"
    state.mkdir(0o700)
    if drop is NOBODY:
        # The command may lie where others may not go.
        copy = lab.folder / "netron"
        ada.run(["cp", NETRON, copy])
        ada.run(["chown", "65534:65534", state])
    program = lab.folder / "netron" if drop is NOBODY else NETRON
    done = ada.run(
        [*drop, program, "--no-mdns", "--state-dir", state],
        check=False, env=environment(NETRONTOKEN=token, HOME=lab.folder),
    )
    assert_sentence(done, 4, "netron0", "root", "setcap")
    assert "netron0" not in ada.run(["ip", "-o", "link"]).stdout


@pytest.mark.parametrize("command", [["status"], ["peers"], ["ping", "bob"]])
def test_no_node_is_running(lab, ada, command):
    missing = lab.folder / "nowhere"
    assert_sentence(
        netron(ada, *command, "--state-dir", missing), 3, "no node is running", "--state-dir"
    )
    assert_sentence(netron(ada, *command, "--interface", "netron7"), 3, "netron7")
    assert not missing.exists()


def test_a_killed_node_is_not_running(lab, ada, token):
    node = Node(ada, token).start()
    node.kill()
    assert_sentence(node.command("status"), 3, "no node is running")


def test_another_users_node_is_not_told_of(lab, ada, token):
    lab.folder.chmod(0o755)
    copy = lab.folder / "netron"
    ada.run(["cp", NETRON, copy])
    node = Node(ada, token).start()
    done = ada.run(
        [*NOBODY, copy, "status", "--state-dir", node.state], check=False, env=environment()
    )
    assert_sentence(done, 4)


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["--no-such-flag"], "no-such-flag"),
        (["no-such-command"], "no-such-command"),
        (["--mtu", "1279"], "mtu"),
        (["--mtu", "3501"], "mtu"),
        (["--mtu", "many"], "mtu"),
        (["--port", "65536"], "port"),
        (["--port", "-1"], "port"),
        (["--lanes", "0"], "lanes"),
        (["--lanes", "5"], "lanes"),
        (["--address", "10.1.0.11/33"], "address"),
        (["--address", "10.1.0.0/24"], "address"),
        (["--address", "10.1.0.255/24"], "address"),
        (["--address", "0.0.0.0/0"], "address"),
        (["--address", "ten"], "address"),
        (["--address", "10.1.0.1/24", "--address", "10.1.0.1/16"], "address"),
        (["--address", "ff02::1/64"], "address"),
        (["--peer", "192.0.2.1"], "peer"),
        (["--peer", "192.0.2.1:0"], "peer"),
        (["--peer", ":7000"], "peer"),
        (["--interface", "a/b"], "interface"),
        (["--interface", "sixteen-letters-"], "interface"),
        (["--log-level", "loud"], "log-level"),
        (["--log-format", "xml"], "log-format"),
        (["--state-dir", ""], "state-dir"),
        (["-b"], "-g"),
        (["start", "--address", "10.1.0.1/24"], "--address"),
        (["status", "--port", "7000"], "--port"),
        (["ping"], "node"),
        (["ping", "bob", "--count", "-1"], "count"),
    ],
    ids=" ".join,
)
def test_wrong_usage(ada, token, arguments, word):
    done = netron(ada, *arguments, env={"NETRONTOKEN": token, "NETRONMDNS": "false"})
    assert_sentence(done, 2, word)


@pytest.mark.parametrize(
    "variable, value, word",
    [
        ("NETRONMTU", "12", "mtu"),
        ("NETRONPORT", "x", "port"),
        ("ADDRESS", "10.1.0.1/24,what", "address"),
        ("NETRONPEER", "192.0.2.1:7000, nobody", "peer"),
        ("NETRONMDNS", "perhaps", "mdns"),
        ("NETRONEPHEMERAL", "perhaps", "ephemeral"),
        ("IFACE", "a b", "interface"),
    ],
)
def test_wrong_variables(ada, token, variable, value, word):
    done = netron(ada, env={"NETRONTOKEN": token, variable: value})
    assert_sentence(done, 2, word)


def test_help_and_version_are_no_failure(ada):
    said = netron(ada, "--help")
    assert said.returncode == 0 and said.stderr == ""
    for word in ("NETRONTOKEN", "NETRONCONFIG", "ADDRESS", "IFACE", "--peer", "--state-dir",
                 "netron0", "1400", "status", "peers", "ping", "start"):
        assert word in said.stdout
    version = netron(ada, "--version")
    assert version.returncode == 0 and version.stdout.strip()
    for command in ("start", "status", "peers", "ping"):
        assert netron(ada, command, "--help").returncode == 0
