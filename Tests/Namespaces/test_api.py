# SPDX-License-Identifier: Apache-2.0
"""The API on a port or socket that was asked for: who may ask, and what an answer is worth.

    ada  192.0.2.1/24 -------------------- 192.0.2.2/24  bob
"""

import contextlib
import http.client
import json
import re
import socket
import stat

import pytest

from lab import BOUND
from node import ControlSocket, Node


class Web(http.client.HTTPConnection):
    """HTTP from a host of the lab to a port."""

    def __init__(self, host, address, port):
        super().__init__(address, port, timeout=BOUND)
        self.host_of_lab = host

    def connect(self):
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.sock = self.host_of_lab.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(BOUND)
        self.sock.connect((self.host, self.port))


def ask(host, place, method, path, body=None, **headers):
    """Status and body of an answer; names of headers have _ for -."""
    address, _, port = place.rpartition(":")
    connection = Web(host, address.strip("[]"), int(port))
    with contextlib.closing(connection):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        return response.status, response.read()


def node(host, token, *more, address="10.1.0.11/24", peers=()):
    return Node(host, token, address, peers=list(peers), more=list(more))


def place(ada):
    """Where it listens, as it says."""
    said = ada.says(r"the API listens on \S+")
    return re.sub(r".* ", "", said)


@pytest.fixture
def ada(lab, token):
    one, other = lab.all("ada", "bob")
    lab.join(one, "192.0.2.1/24", other, "192.0.2.2/24")
    one.ip("link set lo up")
    return node(one, token, "--api-listen", "127.0.0.1:0").start()


def test_no_port_is_open_unless_it_was_asked_for(lab, token):
    host = lab.host("ada")
    host.ip("link set lo up")
    node(host, token).start()
    with pytest.raises(OSError):
        ask(host, "127.0.0.1:8080", "GET", "/v1/status")


def test_the_usual_place_is_the_hosts_alone(lab, token):
    host = lab.host("ada")
    host.ip("link set lo up")
    ada = node(host, token, "--api").start()
    assert place(ada) == "127.0.0.1:8080"
    status, body = ask(host, "127.0.0.1:8080", "GET", "/v1/status")
    assert status == 200 and json.loads(body)["id"] == ada.id
    assert "asks for no secret" not in ada.said()


def test_a_page_of_the_web_may_not_ask(ada):
    here, port = ada.host, place(ada).rpartition(":")[2]
    allowed = [
        {"Host": f"localhost:{port}"}, {"Host": "127.0.0.1"}, {"Host": "[::1]:1"},
        {"Host": "localhost:1", "Origin": "http://localhost:1"},
    ]
    refused = [
        ({"Host": "evil.example"}, 403),
        ({"Host": f"localhost:{port}", "Origin": "https://evil.example"}, 403),
        ({"Host": f"localhost:{port}", "Origin": "null"}, 403),
        ({"Host": ""}, 403),
    ]
    for headers in allowed:
        assert ask(here, place(ada), "GET", "/v1/peers", **headers)[0] == 200, headers
    for headers, code in refused:
        for method, path in [("GET", "/v1/peers"), ("PUT", "/v1/ledger/notes/a")]:
            status, body = ask(here, place(ada), method, path, "x", **headers)
            assert status == code, (headers, status)
            assert json.loads(body)["error"] == "forbidden"
    assert ada.command("ledger", "get", "notes", "a").returncode == 1


def test_a_value_is_the_body_whatever_bytes_it_has(ada):
    for value in [b"hello", b"", bytes(range(256)), b"x" * 2_048]:
        status, body = ask(ada.host, place(ada), "PUT", "/v1/ledger/notes/a%2Fb", value)
        assert status == 200 and json.loads(body) == {"done": True, "version": 1}
        shown = ada.ask("GET", "/v1/ledger/notes/a%2Fb")
        text = shown["value"]
        assert (text.encode() if text is not None else None) in (value, None)
        assert (text is None) == (value == bytes(range(256)))
    status, body = ask(ada.host, place(ada), "PUT", "/v1/ledger/notes/a", b"x" * 2_049)
    assert status == 413 and json.loads(body)["error"] == "too_large"
    status, body = ask(ada.host, place(ada), "PUT", "/api/ledger/notes/c", b'{"a": 1}')
    assert status == 200 and json.loads(body) == {"State": "Announcing"}
    status, body = ask(ada.host, place(ada), "GET", "/api/ledger/notes/c")
    assert json.loads(json.loads(body)) == {"a": 1}


def test_what_is_answered_with_200_is_on_the_disk(ada):
    """Whatever moment the node is killed at."""
    for number in range(20):
        path = f"/v1/ledger/notes/{number}"
        assert ask(ada.host, place(ada), "PUT", path, str(number))[0] == 200
        if number % 5 == 4:
            ada.kill()
            ada.log.write_text("")
            ada.start()
    for number in range(20):
        status, body = ask(ada.host, place(ada), "GET", f"/v1/ledger/notes/{number}")
        assert status == 200 and json.loads(body)["value"] == str(number)


def test_others_reach_an_address_of_theirs_and_the_node_warns(lab, token):
    one, other = lab.all("ada", "bob")
    lab.join(one, "192.0.2.1/24", other, "192.0.2.2/24")
    ada = node(one, token, "--api-listen", "0.0.0.0:8081").start()
    ada.says("asks for no secret")
    assert ask(other, "192.0.2.1:8081", "PUT", "/v1/ledger/notes/a", "x")[0] == 200
    assert ada.command("ledger", "get", "notes", "a").stdout == "x\n"
    status, _ = ask(other, "192.0.2.1:8081", "GET", "/v1/peers", Host="evil.example")
    assert status == 403


def test_a_socket_is_for_user_and_group(lab, token):
    host = lab.host("ada")
    path = lab.folder / "api.sock"
    ada = node(host, token, "--api-listen", f"unix://{path}").start()
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    connection = ControlSocket(path)
    with contextlib.closing(connection):
        # A browser cannot ask here, so that any name will do.
        connection.request("PUT", "/v1/ledger/notes/a", "x", {"Host": "anything.example"})
        assert connection.getresponse().status == 200
    assert ada.command("ledger", "get", "notes", "a").stdout == "x\n"
    ada.stop()
    assert not path.exists()


def test_a_port_in_use_is_refused_with_what_to_do(lab, token):
    host = lab.host("ada")
    host.ip("link set lo up")
    with host.socket(socket.AF_INET, socket.SOCK_STREAM) as program:
        program.bind(("127.0.0.1", 8080))
        program.listen()
        ada = node(host, token, "--api")
        ada.launch()
        assert ada.ended() == 1
    assert "the API cannot listen on 127.0.0.1:8080" in ada.said()
    assert "--api-listen" in ada.said()
