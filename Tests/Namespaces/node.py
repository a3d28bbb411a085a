# SPDX-License-Identifier: Apache-2.0
"""node - the `netron` command on a host of the lab: started, watched, asked and stopped."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

from lab import BOUND, until

ROOT = Path(__file__).resolve().parents[2]
NETRON = os.environ.get("NETRON", str(ROOT / ".build/release/netron"))
PORT = 7000


def environment(**variables):
    """What a command finds: none of the tests' own settings, and those that are not None."""
    foreign = re.compile(
        r"NETRON|IFACE$|ADDRESS$|DHCP$|API$|APILISTEN$|XDG_STATE_HOME$|https_proxy$|HTTPS_PROXY$"
    )
    clean = {name: value for name, value in os.environ.items() if not foreign.match(name)}
    return clean | {name: str(value) for name, value in variables.items() if value is not None}


def netron(host, *arguments, **options):
    """Runs the command on a host to its end; `env` are variables that it finds."""
    variables = options.pop("env", {})
    return host.run(
        [NETRON, *arguments], check=False, env=environment(**variables), **options
    )


class ControlSocket(http.client.HTTPConnection):
    """HTTP over the Unix socket of a node."""

    def __init__(self, path):
        super().__init__("localhost", timeout=BOUND)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(BOUND)
        self.sock.connect(self.path)


class Node:
    """One node: its options, and its process if it runs."""

    def __init__(self, host, token, addresses=(), **options):
        self.host, self.token = host, token
        self.addresses = [addresses] if isinstance(addresses, str) else list(addresses)
        self.name = options.pop("name", host.name)
        self.port = options.pop("port", PORT)
        self.peers = options.pop("peers", [])
        self.mdns = options.pop("mdns", False)
        self.more = options.pop("more", [])
        self.env = options.pop("env", {})
        self.state = options.pop("state", host.lab.folder / f"{self.name}.state")
        assert not options, options
        self.log = host.lab.folder / f"{self.name}.log"
        self.process = None
        host.lab.nodes.append(self)

    @property
    def arguments(self):
        words = ["--state-dir", self.state, "--port", self.port]
        for address in self.addresses:
            words += ["--address", address]
        for peer in self.peers:
            words += ["--peer", peer]
        return words + ["--mdns" if self.mdns else "--no-mdns", *self.more]

    def start(self):
        """Starts the process, and waits until the node runs."""
        self.launch()
        until(self.answers, f"the start of {self.name}")
        return self

    def launch(self):
        """Starts the process."""
        assert self.process is None, f"{self.name} runs already"
        for learnt in ("_id", "_ula"):
            self.__dict__.pop(learnt, None)
        variables = environment(NETRONTOKEN=self.token) | self.env
        with self.log.open("a") as log:
            self.process = self.host.spawn(
                [NETRON, *self.arguments], env=variables, stdout=log, stderr=log
            )
        return self

    def answers(self):
        """Whether the node answers; fails if it ended."""
        code = self.process.poll()
        assert code is None, f"{self.name} ended with {code}: {self.said()}"
        try:
            return self.ask("GET", "/v1/peers") is not None
        except OSError:
            return False

    def ask(self, method, path, body=None):
        """What the node answers to a request."""
        connection = ControlSocket(self.state / "control.sock")
        try:
            connection.request(method, path, body and json.dumps(body))
            response = connection.getresponse()
            text = response.read()
            assert response.status == 200, f"{path}: {response.status} {text}"
            return json.loads(text)
        finally:
            connection.close()

    def status(self):
        return self.ask("GET", "/v1/status")

    def peer(self, other):
        """What the node knows of another; None if nothing."""
        return next((p for p in self.ask("GET", "/v1/peers") if p["id"] == other.id), None)

    def is_up(self, other):
        peer = self.peer(other)
        return peer is not None and peer["path"] is not None

    def drops(self, reason):
        return self.status()["drops"].get(reason, 0)

    def health(self):
        return {line["code"]: line["text"] for line in self.status()["health"]}

    @property
    def id(self):
        if not hasattr(self, "_id"):
            self.learn()
        return self._id

    @property
    def ula(self):
        if not hasattr(self, "_ula"):
            self.learn()
        return self._ula

    def learn(self):
        status = self.status()
        self._id, self._ula = status["id"], status["ula"]

    @property
    def address(self):
        """The first inner address, without its length."""
        return self.addresses[0].split("/")[0]

    def command(self, *arguments, **options):
        """Runs a command that talks to this node."""
        return netron(self.host, *arguments, "--state-dir", self.state, **options)

    def said(self):
        """What the node logged."""
        return self.log.read_text() if self.log.exists() else ""

    def says(self, words, bound=BOUND):
        """Waits until the node logs the words; they may be a pattern."""
        found = until(
            lambda: re.search(words, self.said()), f"{self.name} says {words!r}", bound
        )
        return found.group()

    def resident_bytes(self):
        """Private memory of the process (RssAnon)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1)) * 1024

    def remembers(self, other):
        """Waits until the node has written down where another is, for its next start."""
        file, wanted = self.state / "peers", other.id
        until(
            lambda: file.exists() and wanted in file.read_text(),
            f"{self.name} remembers {other.name}",
        )

    @contextlib.contextmanager
    def held(self):
        """Stands still meanwhile, so that it finds all that came at once."""
        self.process.send_signal(signal.SIGSTOP)
        threads = Path(f"/proc/{self.process.pid}/task")
        try:
            until(
                lambda: all(
                    (thread / "stat").read_text().rpartition(")")[2].split()[0] == "T"
                    for thread in threads.iterdir()
                ),
                f"{self.name} stands still",
            )
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def stop(self, bound=BOUND):
        """Ends the node as a user does, and answers its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended(bound)

    def kill(self):
        """Ends the node so that it cannot say goodbye."""
        self.process.kill()
        return self.ended()

    def ended(self, bound=BOUND):
        """Waits for the end of the process, and answers its exit code."""
        try:
            code = self.process.wait(bound)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {bound} s: {self.said()}")
        self.process = None
        return code

    def abandon(self):
        """Takes the process away at the end of a test, whatever it does."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def meet(*nodes, bound=BOUND):
    """Waits until each of the nodes has a session with each other, and knows its addresses."""
    for node in nodes:
        for other in nodes:
            if other is not node:
                wanted = {address.split("/")[0] for address in other.addresses}
                until(
                    lambda: node.is_up(other) and wanted <= known_addresses(node, other),
                    f"{node.name} has a session with {other.name} and knows {wanted}",
                    bound,
                )


def reach(*nodes):
    """Waits until packets pass between all of them: who has met knows more than its core for some
    milliseconds, as changes of routes gather. For tests that send a packet but once."""
    for node in nodes:
        for other in nodes:
            if other is not node:
                node.host.ping(other.address, "-W", "0.1")


def known_addresses(node, other):
    return {address.split("/")[0] for address in node.peer(other)["addresses"]}


def pair(lab, token, mtu=1500, **options):
    """The usual two hosts on one wire, each with a node that runs; they have met."""
    ada, bob = lab.all("ada", "bob")
    lab.join(
        ada, "192.0.2.1/24 2001:db8::1/64", bob, "192.0.2.2/24 2001:db8::2/64", mtu=mtu
    )
    one = Node(ada, token, "10.1.0.11/24", **options).start()
    other = Node(bob, token, "10.1.0.12/24", peers=[f"192.0.2.1:{PORT}"], **options).start()
    meet(one, other)
    reach(one, other)
    return one, other
