# SPDX-License-Identifier: Apache-2.0
"""What an authority revokes: signed by the command, held by all, and there after a restart.

    ada    192.0.2.1/24 ---+
    bob    192.0.2.2/24 ---+--- lan (a switch)
    carol  192.0.2.3/24 ---+

bob and carol dial ada; carol comes later. The config of all names one authority.
"""

import base64
import json
import stat

import pytest

from lab import until
from node import PORT, Node, netron

CERTIFICATES = ["a" * 52, "b" * 51 + "a", "c" * 51 + "a"]


@pytest.fixture
def hosts(lab):
    hosts = lab.all("ada", "bob", "carol")
    lab.switch("lan", {host: f"192.0.2.{n}/24" for n, host in enumerate(hosts, 1)})
    return hosts


@pytest.fixture
def key(hosts, lab):
    """The file of an authority's key, and its public part."""
    file = lab.folder / "authority"
    made = netron(hosts[0], "trust", "key", str(file))
    assert made.returncode == 0, made.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return file, made.stdout.strip()


def with_authority(token, authority):
    """The token of the same network with an authority."""
    config = base64.b64decode(token).decode() + f"authorities: [{authority}]\n"
    return base64.b64encode(config.encode()).decode()


def member(host, token):
    contact = [] if host.name == "ada" else [f"192.0.2.1:{PORT}"]
    return Node(host, token, peers=contact)


def revoked(node):
    """The number of the authority's list, and the certificates in it."""
    listed = node.command("trust", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    (authority,) = json.loads(listed.stdout)["authorities"]
    return authority["serial"], [one["certificate"] for one in authority["revoked"]]


def revoke(node, file, *certificates):
    until_time = ("--until", "2100-01-01")
    done = node.command("trust", "revoke", "--key", str(file), *until_time, *certificates)
    assert done.returncode == 0, done.stderr


def test_a_revocation_reaches_all_who_come_later_too_and_stays(hosts, key, token):
    file, authority = key
    token = with_authority(token, authority)
    ada, bob, carol = (member(host, token) for host in hosts)
    ada.start()
    bob.start()
    until(lambda: bob.is_up(ada), "bob meets ada")
    assert revoked(ada) == (None, [])
    revoke(ada, file, CERTIFICATES[0])
    until(lambda: revoked(bob) == (1, CERTIFICATES[:1]), "bob has the list")
    # The next one may be signed at another node.
    revoke(bob, file, *CERTIFICATES[1:])
    until(lambda: revoked(ada) == (2, CERTIFICATES), "ada has the next list")
    carol.start()
    until(lambda: revoked(carol) == (2, CERTIFICATES), "carol has it, who came later")
    for node in (ada, bob):
        node.stop()
    carol.kill()
    carol.start()
    assert revoked(carol) == (2, CERTIFICATES)
    assert carol.command("ledger", "verify").returncode == 0
    shown = carol.command("ledger", "get", "trustzoneAuth", authority)
    assert shown.stdout == '{"Revoked":3,"Serial":2}\n'


def test_a_network_without_authorities_refuses_what_is_signed(hosts, key, token):
    file, authority = key
    ada = member(hosts[0], token).start()
    done = ada.command(
        "trust", "revoke", "--key", str(file), "--until", "2100-01-01", CERTIFICATES[0]
    )
    assert done.returncode == 1 and authority in done.stderr and len(done.stderr.splitlines()) == 1
