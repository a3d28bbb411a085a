# SPDX-License-Identifier: Apache-2.0
"""Where UDP is blocked, members are reached by TCP on the same port number.

    hub (public) -----------+
    ada (UDP is dropped) ---+--- net (a router; no multicast passes, no way leads out)
    gate --- carol ---------+
    proxy ------------------+
"""

import contextlib
import socket
import threading
import time

from lab import until
from node import PORT, Node, known_addresses
from traffic import tcp_both_ways

JOIN_BOUND = 20  # seconds; 3 of them are for UDP alone
UDP_BOUND = 90  # UDP is tried again after up to 60 s
PROXY_PORT = 3128

BLOCK = """
table inet test {
    chain in { type filter hook input priority 0; iifname { lo, netron0 } accept; %s }
    chain out { type filter hook output priority 0; oifname { lo, netron0 } accept; %s }
}
"""
NO_UDP = "meta l4proto udp drop;"
NO_CALLERS = "tcp dport 7000 ct state new drop;"


def path(node, other):
    return node.peer(other)["path"]


def await_path(node, other, wanted, bound):
    """Lets packets flow until a path is the one that is wanted."""

    def is_there():
        node.host.pings(other.address, "1", "-W", "1")
        return path(node, other) == wanted

    until(is_there, f"a {wanted} path from {node.name} to {other.name}", bound)


def start_hub(internet, token):
    return Node(internet.host("hub"), token, "10.1.0.1/24", more=["--no-dht"]).start()


def test_who_has_no_udp_joins_by_tcp_and_moves_when_it_has(internet, token, capsys):
    hub = start_hub(internet, token)
    contact = f"{internet.address['hub']}:{PORT}"
    ada_host = internet.host("ada")
    ada_host.nft(BLOCK % (NO_UDP + NO_CALLERS, NO_UDP))
    ada = Node(ada_host, token, "10.1.0.11/24", peers=[contact], more=["--no-dht"]).start()
    begun = time.monotonic()
    until(lambda: ada.is_up(hub), "ada joined", JOIN_BOUND)
    joined = time.monotonic() - begun
    assert path(ada, hub) == path(hub, ada) == "tcp"
    assert ada.peer(hub)["endpoint"] == f"tcp://{contact}"
    assert hub.peer(ada)["endpoint"].startswith(f"tcp://{internet.address['ada']}:")
    assert "tcp" in ada.command("peers").stdout
    ada_host.ping(hub.address)
    tcp_both_ways(ada_host, hub.host, hub.address)
    assert hub.status()["peers"]["direct"] == 1

    _, carol_host = internet.home("carol", translation="masquerade")
    carol = Node(carol_host, token, "10.1.0.12/24", peers=[contact], more=["--no-dht"]).start()
    until(lambda: ada.peer(carol) and carol.address in known_addresses(ada, carol), "ada knows")
    ada_host.ping(carol.address)
    assert path(ada, carol) == path(carol, ada) == "relayed"
    tcp_both_ways(ada_host, carol_host, carol.address)

    ada_host.nft("flush ruleset")
    begun = time.monotonic()
    for one, other in ((ada, hub), (hub, ada), (ada, carol)):
        await_path(one, other, "direct", UDP_BOUND)
    moved = time.monotonic() - begun
    tcp_both_ways(ada_host, hub.host, hub.address)
    tcp_both_ways(ada_host, carol_host, carol.address)
    assert ada.peer(hub)["endpoint"] == contact
    with capsys.disabled():
        print(f"\nby TCP after {joined:.1f} s, by UDP {moved:.1f} s after it passed", end=" ")


def test_who_loses_udp_goes_on_by_tcp(internet, token, capsys):
    hub = start_hub(internet, token)
    ada_host = internet.host("ada")
    contact = f"tcp://{internet.address['hub']}:{PORT}"
    ada = Node(ada_host, token, "10.1.0.11/24", peers=[contact], more=["--no-dht"]).start()
    until(lambda: ada.is_up(hub), "ada joined", JOIN_BOUND)
    await_path(ada, hub, "direct", UDP_BOUND)
    ada_host.nft(BLOCK % (NO_UDP, NO_UDP))
    begun = time.monotonic()
    ada_host.ping(hub.address, "-W", "0.2")
    took = time.monotonic() - begun
    assert path(ada, hub) == "tcp"
    with capsys.disabled():
        print(f"\ntraffic again after {took:.2f} s", end=" ")


def test_no_tcp_means_none(internet, token):
    hub = Node(
        internet.host("hub"), token, "10.1.0.1/24", more=["--no-dht", "--no-tcp"]
    ).start()
    with hub.host.inside(), socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", PORT)) != 0
    done = hub.command("status")
    assert done.returncode == 0


class Proxy:
    """An HTTP proxy that knows CONNECT alone."""

    def __init__(self, host):
        self.host = host
        self.asked = []
        self.listener = host.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("0.0.0.0", PROXY_PORT))
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.connect, args=(client,), daemon=True).start()

    def connect(self, client):
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(4096)
        method, place, _ = request.split(b" ", 2)
        self.asked.append((method.decode(), place.decode()))
        address, port = place.decode().rsplit(":", 1)
        server = self.host.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.connect((address, int(port)))
        client.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")
        threading.Thread(target=self.carry, args=(server, client), daemon=True).start()
        self.carry(client, server)

    def carry(self, source, sink):
        with contextlib.suppress(OSError):
            while said := source.recv(65536):
                sink.sendall(said)
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.close()


def test_a_proxy_leads_to_a_member(internet, token):
    hub = start_hub(internet, token)
    proxy_host = internet.host("proxy")
    ada_host = internet.host("ada")
    place = f"{internet.address['proxy']}:{PROXY_PORT}"
    to_proxy = f"ip daddr {internet.address['proxy']} tcp dport {PROXY_PORT} accept;"
    ada_host.nft(BLOCK % (NO_UDP, f"{to_proxy} drop;"))
    with contextlib.closing(Proxy(proxy_host)) as proxy:
        contact = f"{internet.address['hub']}:{PORT}"
        ada = Node(
            ada_host, token, "10.1.0.11/24", peers=[contact], more=["--no-dht"],
            env={"https_proxy": f"http://{place}"},
        ).start()
        until(lambda: ada.is_up(hub), "ada joined", JOIN_BOUND)
        assert proxy.asked[0] == ("CONNECT", contact)
        assert path(ada, hub) == "tcp"
        assert hub.peer(ada)["endpoint"].startswith(f"tcp://{internet.address['proxy']}:")
        tcp_both_ways(ada_host, hub.host, hub.address)


def test_a_proxy_that_is_none_keeps_no_node_from_starting(internet, token):
    ada = Node(
        internet.host("ada"), token, "10.1.0.11/24", more=["--no-dht"],
        env={"HTTPS_PROXY": "http://user:secret@proxy.example:1"},
    ).start()
    assert "HTTPS_PROXY is not used" in ada.said()
    assert "secret" not in ada.said()
