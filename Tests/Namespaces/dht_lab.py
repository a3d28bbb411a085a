# SPDX-License-Identifier: Apache-2.0
"""dht_lab - an Internet of namespaces, and BitTorrent's DHT on it by programs that are not ours.

                            net (a router; no multicast passes, no way leads out)
          ___________________|______________________________
         |         |                  |                     |
       table      ada               gate (NAT)            liars
     45.1.0.1   62.2.0.1            62.3.0.1             46.1.0.1
        ...                            |                    ...
     45.20.0.1                   bob 192.168.0.2         46.20.0.1

Each host is in a subnet of its own. Addresses are such as the public Internet has, because DHT
nodes take no others: one node for an address, and few for a subnet.
"""

import base64
import http.client
import json
import re
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

from dht_words import PORT as DHT_PORT
from dht_words import bdecode, bencode, node_id
from lab import BOUND, until
from node import Node

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Interop"))
import peer  # noqa: E402

PYTHON = "/usr/bin/python3"  # the one that Debian's libtorrent is for
SIZE = 20  # nodes of a table
ANSWER_BOUND = 30
KEY_BYTES = 20
HOME = "192.168.0"
TRANSMISSION_PORT = 9091
TICKET = "X-Transmission-Session-Id"


class Internet:
    """The router between all, and who is where."""

    def __init__(self, lab):
        self.lab = lab
        self.net = lab.router("net")
        self.numbers = 0
        self.address, self.address6 = {}, {}

    def host(self, name, router=False):
        """A host in a subnet of its own."""
        host = self.lab.router(name) if router else self.lab.host(name)
        self.lab.wire(host, self.net)
        self.settle(host)
        return host

    def settle(self, host):
        """Gives a host a place that it never had; what it had before is gone."""
        self.numbers += 1
        mine, theirs = host.device_to("net"), self.net.device_to(host.name)
        for side, device in ((host, mine), (self.net, theirs)):
            side.run(["ip", "address", "flush", "dev", device, "scope", "global"])
        place, place6 = f"62.{self.numbers}.0", f"2a02:{self.numbers:x}::"
        host.address(mine, f"{place}.1/24 {place6}1/64")
        self.net.address(theirs, f"{place}.254/24 {place6}fe/64")
        host.ip(f"route replace default via {place}.254",
                f"-6 route replace default via {place6}fe")
        self.address[host.name], self.address6[host.name] = f"{place}.1", f"{place6}1"

    def crowd(self, name, first, count, block):
        """A host with many addresses, each of a subnet of its own, and these addresses."""
        host = self.host(name)
        numbers = range(first, first + count)
        addresses = [f"{block}.{n}.0.1" for n in numbers]
        addresses6 = [f"2a{block}:{n:x}::1" for n in numbers]
        device = self.net.device_to(name)
        host.sysctl("net.ipv6.ip_nonlocal_bind", 1)
        # No device has them, or libtorrent would hear nothing but what comes in by that device.
        lines = [f"route add local {a} dev lo" for a in addresses + addresses6]
        host.run(["ip", "-batch", self.lab.file(f"{name}.ip", "\n".join(lines))])
        lines = [f"route add {a} via {self.address[name]} dev {device}" for a in addresses]
        lines += [f"route add {a} via {self.address6[name]} dev {device}" for a in addresses6]
        self.net.run(["ip", "-batch", self.lab.file(f"{name}.routes", "\n".join(lines))])
        return host, addresses, addresses6

    def table(self, size=SIZE, name="table", first=1, families=4):
        """The DHT, settled."""
        host, addresses, addresses6 = self.crowd(name, first, size, 45)
        places = {4: addresses, 6: addresses6}.get(
            families, [",".join(pair) for pair in zip(addresses, addresses6)]
        )
        return Table(host, places)

    def liars(self, table, ways, count=SIZE):
        """As many who mean harm, in the same DHT; `ways` are those of dht_liars.py."""
        host, addresses, _ = self.crowd("liars", 1, count, 46)
        return Liars(host, table, ways, addresses)

    def home(self, name, *others, translation="masquerade"):
        """A host, or several, behind a gate that hides them, and lets in only answers.

        It keeps source ports where it can, as most homes' gates do; `masquerade random` does not.
        A way in lasts as long as Linux has it: 30 s, or 120 s after a second answer.
        """
        gate = self.host(f"gate-{name}", router=True)
        outer = gate.device_to("net")
        gate.nft(f"""
            table ip home {{
                chain out {{
                    type nat hook postrouting priority srcnat
                    oifname "{outer}" {translation}
                }}
                chain in {{ type nat hook prerouting priority dstnat; }}
                chain pass {{
                    type filter hook forward priority filter
                    iifname "{outer}" ct state new drop
                }}
                chain own {{
                    type filter hook input priority filter
                    iifname "{outer}" ct state new drop
                }}
            }}""")
        gate.sysctl("net.netfilter.nf_conntrack_udp_timeout", 30)
        gate.sysctl("net.netfilter.nf_conntrack_udp_timeout_stream", 120)
        hosts = self.lab.all(name, *others)
        for number, host in enumerate(hosts, 2):
            self.lab.join(host, f"{HOME}.{number}/32", gate, "")
            inner, device = gate.device_to(host.name), host.device_to(gate.name)
            gate.ip(f"address add {HOME}.1/32 dev {inner}",
                    f"route add {HOME}.{number}/32 dev {inner}")
            host.ip(f"route add {HOME}.1/32 dev {device}", f"route add default via {HOME}.1")
            self.address[host.name] = self.address[gate.name]
        return gate, *hosts

    def forward(self, gate, port, number=2):
        """Lets all in to a UDP port of the home's host with that number, as its user may set."""
        outer = gate.device_to("net")
        gate.nft(f"""
            insert rule ip home pass iifname "{outer}" udp dport {port} accept
            add rule ip home in iifname "{outer}" udp dport {port} dnat to {HOME}.{number}""")

    def part(self, *side):
        """Lets nothing pass between these hosts and all others."""
        devices = ", ".join(f'"{self.net.device_to(host.name)}"' for host in side)
        self.net.nft(f"""
            table inet parted {{
                chain between {{
                    type filter hook forward priority filter
                    iifname {{ {devices} }} oifname != {{ {devices} }} drop
                    iifname != {{ {devices} }} oifname {{ {devices} }} drop
                }}
            }}""")

    def join(self):
        """Undoes `part`."""
        self.net.nft("delete table inet parted")


class Program:
    """A program of the lab that answers lines with lines."""

    def __init__(self, host, script, *arguments):
        self.host, self.name = host, f"{script} on {host.name}"
        self.log = host.lab.folder / f"{host.name}.log"
        with self.log.open("w") as log:
            self.process = host.spawn(
                [PYTHON, "-B", "-W", "ignore", HERE / script, *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0,
            )
        self.rest = b""

    def line(self, bound=ANSWER_BOUND):
        end = time.monotonic() + bound
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], end - time.monotonic())
            came = self.process.stdout.read(1 << 16) if ready else None
            if not came:
                why = f"ended ({self.process.wait()})" if came == b"" else f"is mute for {bound} s"
                raise AssertionError(f"{self.name} {why}: {self.log.read_text()}")
            self.rest += came
        line, _, self.rest = self.rest.partition(b"\n")
        return json.loads(line)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        said = self.line()
        assert "error" not in said, f"{self.name}: {request}: {said}"
        return said["answer"]

    def stop(self):
        """Takes it away at once, as by a power cut."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.host.processes.remove(self.process)


class Table(Program):
    """libtorrent's nodes of a DHT, which know each other."""

    def __init__(self, host, places, port=DHT_PORT):
        self.places = [place.split(",") for place in places]
        self.addresses = [address for place in self.places for address in place]
        super().__init__(host, "dht_libtorrent.py", host.lab.folder, port, *places)
        assert self.line()["answer"] == "ready"
        least = min(8, len(self.places) - 1)
        until(lambda: min(self.sizes()) >= least, f"{self.name} settles")

    def sizes(self):
        return self.ask(do="sizes")

    def join(self, *others):
        """Tells all nodes of those at these addresses."""
        for other in others:
            self.ask(do="join", at=[other, DHT_PORT])

    def knows(self, address, port):
        """How many nodes have that one in their table."""
        return len(self.ask(do="knows", at=[address, port]))

    def announce(self, key, node=0):
        self.ask(do="announce", node=node, key=key.hex())

    def lookup(self, key, node=0, seconds=3):
        """The endpoints that a node finds."""
        found = self.ask(do="lookup", node=node, key=key.hex(), seconds=seconds)
        return {tuple(place) for place in found}

    def finds(self, key, *places, node=0, bound=BOUND):
        """Looks up until these (address, port) were found."""
        until(lambda: set(places) <= self.lookup(key, node, seconds=1),
              f"{self.name} finds {places}", bound)

    def announced(self, key):
        """The endpoints that were announced to any of the nodes, with their right or not."""
        return {
            (address, port) for node in self.ask(do="heard")
            for of, address, port in node["announced"] if of == key.hex()
        }

    def asked(self, key):
        """How often the nodes were asked for it."""
        return sum(node["asked"].get(key.hex(), 0) for node in self.ask(do="heard"))

    def bootstrap(self, *numbers):
        """The nodes with these numbers, as `--bootstrap` names them."""
        return [endpoint(self.addresses[number], DHT_PORT) for number in numbers or (0,)]


class Liars(Program):
    """Those who mean harm."""

    def __init__(self, host, table, ways, addresses):
        self.addresses = addresses
        known = ",".join(table.addresses)
        super().__init__(host, "dht_liars.py", ",".join(ways), known, *addresses)
        self.lies = self.line()
        table.join(*addresses)

    def told(self):
        """How often each way of lying was used by now."""
        while b"\n" in self.rest or select.select([self.process.stdout], [], [], 0)[0]:
            self.lies = self.line()
        return self.lies

    def bootstrap(self, *numbers):
        return [endpoint(self.addresses[number], DHT_PORT) for number in numbers or (0,)]


class Aria:
    """aria2, a DHT node by other people, that announces itself under a key and looks it up.

    What it finds it calls by TCP, as a torrent's peers do. It announces `port`.
    """

    def __init__(self, host, key, bootstrap, port):
        self.host = host
        folder = host.lab.folder / f"{host.name}.aria"
        folder.mkdir()
        with (folder / "log").open("w") as log:
            self.process = host.spawn(
                ["aria2c", "--no-conf", f"--dir={folder}", "--bt-enable-lpd=false",
                 "--enable-dht=true", "--enable-dht6=false", f"--dht-listen-port={DHT_PORT}",
                 f"--dht-entry-point={bootstrap[0]}", f"--dht-file-path={folder}/dht.dat",
                 f"--listen-port={port}", f"magnet:?xt=urn:btih:{key.hex()}"],
                stdout=log, stderr=log,
            )


class Transmission:
    """transmission, whose DHT is by yet other people; it does as aria2 does, within two minutes.

    It announces the port that it has in the DHT.
    """

    def __init__(self, host, key, bootstrap, port):
        self.host = host
        folder = host.lab.folder / f"{host.name}.transmission"
        folder.mkdir()
        ways_in = [place.rpartition(":") for place in bootstrap]
        (folder / "dht.bootstrap").write_text("".join(f"{a} {p}\n" for a, _, p in ways_in))
        with (folder / "log").open("w") as log:
            self.process = host.spawn(
                ["transmission-daemon", "-f", "-g", folder, "-w", folder, "-P", port, "--dht",
                 "--no-lpd", "--no-portmap", "--no-utp", "-T", "-r", "127.0.0.1",
                 "-p", TRANSMISSION_PORT],
                stdout=log, stderr=log,
            )
        self.ticket = ""
        until(lambda: self.add(f"magnet:?xt=urn:btih:{key.hex()}"), "transmission takes the key")

    def add(self, magnet):
        """Whether it took it; its first answer is but a ticket."""
        asked = json.dumps({"method": "torrent-add", "arguments": {"filename": magnet}})
        with self.host.inside():
            line = http.client.HTTPConnection("127.0.0.1", TRANSMISSION_PORT, timeout=BOUND)
            try:
                line.request("POST", "/transmission/rpc", asked, {TICKET: self.ticket})
                said = line.getresponse()
                self.ticket = said.getheader(TICKET, self.ticket)
                return said.status == 200 and json.loads(said.read())["result"] == "success"
            except OSError:
                return False
            finally:
                line.close()


class Member(Node):
    """A node that is told of nobody, and finds the others by the DHT."""

    def __init__(self, host, token, number, bootstrap=(), **options):
        self.bootstrap = list(bootstrap)
        self.dht = options.pop("dht", True)
        self.interval = options.pop("interval", None)
        super().__init__(host, token, f"10.1.0.{number}/24", **options)

    @property
    def arguments(self):
        words = [word for word in super().arguments if word not in ("--dht", "--no-dht")]
        words.append("--dht" if self.dht else "--no-dht")
        # They say nothing without the DHT, and are refused.
        for place in self.bootstrap if self.dht else ():
            words += ["--bootstrap", place]
        if self.interval and self.dht:
            words += ["--discovery-interval", self.interval]
        return words

    @property
    def discovery(self):
        return self.status()["discovery"]


def ask(host, place, query, bound=5, **arguments):
    """One question to a node of the DHT, and its answer."""
    family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
    with host.socket(family, socket.SOCK_DGRAM) as one:
        one.settimeout(bound)
        own = {"id": node_id(place[0], 2)}
        one.sendto(bencode({"t": "aa", "y": "q", "q": query, "a": own | arguments}), place)
        return bdecode(one.recvfrom(65536)[0])


def start(*members):
    """Starts all at once, and waits until they run."""
    for member in members:
        member.launch()
    for member in members:
        until(member.answers, f"the start of {member.name}")


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def network_of(token):
    """The network's secrets, by section 2.1 of docs/protocol.md, and the seconds of its epochs."""
    values, part = {}, ""
    for line in base64.b64decode(token, validate=True).decode().splitlines():
        name, value = re.fullmatch(r' *(\w+):(?: "?(\w+)"?)?', line).groups()
        part = name + "." if value is None else part if line.startswith("    ") else ""
        values[part + name] = value
    names = ["crypto.key", "dht.key", "room", "rendezvous", "mdns"]
    secret = peer.network_secret(*(values[name] for name in names))
    seconds = max(int(values["crypto.interval"]), 3600)
    return peer.Network(secret, seconds, time.time_ns() // 1_000_000), seconds


def rendezvous(token, epochs_later=0):
    """The key under which members announce themselves."""
    network, _ = network_of(token)
    return network.purpose("rendezvous", network.epoch + epochs_later)[:KEY_BYTES]


def clock(lab, seconds):
    """Variables by which a program finds a wall clock that is ahead by so many seconds."""
    library = lab.folder / "wrong_clock.so"
    if not library.exists():
        source = HERE / "wrong_clock.c"
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return {"LD_PRELOAD": str(library), "WRONG_CLOCK": str(int(seconds))}
