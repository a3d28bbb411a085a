# SPDX-License-Identifier: Apache-2.0
"""The lines by which users make a network, exactly as documented, and the ways to name it.

    ada                                        bob
    netron0 10.1.0.11/24                       netron0 10.1.0.12/24
    to-bob  192.0.2.1/24 -------------------- to-ada  192.0.2.2/24, dials ada
"""

import base64
import shutil

import pytest

from node import NETRON, Node, environment, meet, netron

ONE_SENTENCE_LINES = 1


@pytest.fixture
def ada(lab):
    """A host whose PATH has `netron`, and where it may write files."""
    host = lab.host("ada")
    (lab.folder / "bin").mkdir()
    (lab.folder / "bin/netron").symlink_to(shutil.which(NETRON))
    (lab.folder / "home").mkdir()
    return host


def shell(host, line, **variables):
    """Runs a line as a user types it."""
    folder = host.lab.folder
    env = environment(**variables)
    env["PATH"] = f"{folder}/bin:{env['PATH']}"
    line = f"cd {folder}/home && {line}"
    return host.run(["bash", "-e", "-o", "pipefail", "-c", line], env=env).stdout


def assert_refused(done, *words):
    """Usage: exit code 2, one sentence that names the matter, nothing printed."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == ONE_SENTENCE_LINES, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def joined(lab, ada, one, other):
    """Whether two nodes that name the network so are in the same."""
    bob = lab.host("bob")
    lab.join(ada, "192.0.2.1/24", bob, "192.0.2.2/24")
    first = Node(ada, None, "10.1.0.11/24", **one).start()
    second = Node(bob, None, "10.1.0.12/24", peers=["192.0.2.1:7000"], **other).start()
    meet(first, second)
    ada.ping(second.address)


def test_a_config_file_and_its_base64_are_the_same_network(lab, ada):
    shell(ada, "netron -g > config.yaml")
    config = lab.folder / "home/config.yaml"
    for field in ("otp:", "dht:", "crypto:", "interval:", "key:", "length:", "room:",
                  "rendezvous:", "mdns:", "max_message_size:"):
        assert field in config.read_text()
    token = base64.b64encode(config.read_bytes()).decode()
    joined(lab, ada, {"env": {"NETRONCONFIG": str(config)}}, {"env": {"NETRONTOKEN": token}})


def test_the_token_of_g_b_is_one_line(lab, ada):
    said = shell(ada, 'NETRONTOKEN=$(netron -g -b); echo "$NETRONTOKEN"')
    assert len(said.splitlines()) == 1
    token = said.strip()
    assert b"rendezvous:" in base64.b64decode(token, validate=True)
    joined(lab, ada, {"more": ["--token", token]}, {"env": {"NETRONTOKEN": token}})


def test_tee_and_base64_give_the_token_of_the_file(lab, ada):
    line = 'NETRONTOKEN=$(netron -g | tee config.yaml | base64 -w0); echo "$NETRONTOKEN"'
    token = shell(ada, line).strip()
    config = lab.folder / "home/config.yaml"
    assert base64.b64decode(token) == config.read_bytes()
    joined(lab, ada, {"more": ["--config", str(config)]}, {"env": {"NETRONTOKEN": token}})


def test_two_networks_are_never_the_same(ada):
    assert shell(ada, "netron -g") != shell(ada, "netron -g")


def test_a_token_and_a_config_that_are_equal_are_one_network(lab, ada):
    token = shell(ada, "netron -g | tee config.yaml | base64 -w0").strip()
    config = str(lab.folder / "home/config.yaml")
    both = {"env": {"NETRONTOKEN": token, "NETRONCONFIG": config}}
    joined(lab, ada, both, {"env": {"NETRONTOKEN": token}})


def test_a_token_and_a_config_that_differ_are_refused(lab, ada, token):
    shell(ada, "netron -g > config.yaml")
    config = str(lab.folder / "home/config.yaml")
    done = netron(ada, "--no-mdns", env={"NETRONTOKEN": token, "NETRONCONFIG": config})
    assert_refused(done, "token", "config")


@pytest.mark.parametrize(
    "spoil, word",
    [
        (lambda yaml: b"\xff\xfe not base64 !", "token"),
        (lambda yaml: base64.b64encode(b"{not: [yaml"), "token"),
        (lambda yaml: base64.b64encode(b"- a\n- list\n"), "token"),
        (lambda yaml: base64.b64encode(yaml.replace(b"rendezvous:", b"elsewhere:")), "rendezvous"),
        (lambda yaml: base64.b64encode(yaml.replace(b"interval: ", b"interval: x")), "interval"),
        (lambda yaml: base64.b64encode(yaml + b"#" * (1 << 20)), "token"),
    ],
    ids=["no base64", "no yaml", "a list", "a field is missing", "no number", "far too long"],
)
def test_a_bad_token_is_refused_in_one_sentence(lab, ada, spoil, word):
    yaml = shell(ada, "netron -g").encode()
    # Over a file, since an environment has a limit of its own.
    bad = spoil(yaml)
    if len(bad) > 100_000:
        path = lab.folder / "long.yaml"
        path.write_bytes(base64.b64decode(bad))
        assert_refused(netron(ada, "--no-mdns", "--config", path), str(path.name))
        return
    done = netron(ada, "--no-mdns", "--token", bad.decode("latin-1"))
    assert_refused(done, word)


def test_a_config_that_cannot_be_read_is_refused(lab, ada):
    missing = lab.folder / "missing.yaml"
    assert_refused(netron(ada, "--no-mdns", "--config", missing), "missing.yaml")


def test_no_network_at_all_is_refused(ada):
    assert_refused(netron(ada, "--no-mdns"), "token", "config", "netron -g")
