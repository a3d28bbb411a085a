#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints how soon traffic flows again after what was used to reach a member is gone.

    hub (public) ------------------+
    carol (public, for relays) ----+--- net (a router; no multicast passes)
    [gate] ------------------ ada -+
    [gate] ------------------ bob -+    what happens, happens to bob, to his gate or to a relay

Only hub is named, by --peer, and there is no DHT. One pings the other ten times a second, before,
meanwhile and after. A gap is what passes from when traffic is possible again (the new address or
link is there, the process goes on, the relay died, the gate has forgotten) until the first answer
to a ping that was sent after that. Each cell has the median and the worst of all runs, in seconds,
and `!` where the worst is over what is allowed; then the run ends with exit code 1. A connection
of TCP that was opened before carries 200,000 bytes each way before and after, which are compared.
A run during which this machine stood still, as the pings show, is made again.

A gate "keeps" source ports and lets in answers alone, or is "symmetric" and shows each host
another port. Bob's gate has no hairpin. Needs root, nftables and `make build`.
"""

import argparse
import concurrent.futures
import itertools
import math
import os
import re
import socket
import statistics
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # root leaves no files in the source tree

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "Tests", "Namespaces"))

from dht_lab import Internet  # noqa: E402
from lab import Lab, until  # noqa: E402
from node import NETRON, PORT, Node, environment  # noqa: E402
from traffic import Stream, noise  # noqa: E402

AGAIN_SECONDS = 1.5  # what is allowed
# Section 9 of docs/protocol.md: of a session that is kept, before and after its gate is known, and
# how much later the end asks whose turn it is not.
FIRST_SECONDS, LEARNED_SECONDS, LAG_SECONDS = 25, 45, 2
IDLE_PACKETS, IDLE_SPAN = 1, 20  # so many packets of an idle peer in so many seconds
LINK = "@th,64,8 7"  # of a datagram: that its first byte says type 7, as that of keepalives

KNOW_SECONDS = 60
LEARN_SECONDS = 900  # until a gate is known
SETTLE_SECONDS = 30
GAP_SECONDS = 90  # a longer one is none
FLOW_SECONDS = 12  # packets flow so long before something happens
DOWN_SECONDS = 5
PACE = 0.1  # seconds between two pings; a kernel's clock stretches it
PACE_SLACK, STALL_SECONDS = 1.15, 1
AGAIN_TRIES = 3
STREAM_BYTES = 200_000
GATES = {"keeps": "masquerade", "symmetric": "masquerade random"}
NETLINK_NETFILTER, CONNTRACK_DELETE = 12, 1 << 8 | 2
NLM_REQUEST_ACK = 5
COUNT = """
table ip idle {{
    chain pass {{
        type filter hook forward priority filter - 10
        oifname "{outer}" meta l4proto udp ip daddr {peer} {which} counter
        iifname "{outer}" meta l4proto udp ip saddr {peer} {which} counter
    }}
}}"""


class Disturbed(Exception):
    """This machine stood still meanwhile."""


class Pings:
    """Pings without end, and when they were answered."""

    def __init__(self, host, address):
        self.log = host.lab.folder / f"pings-{host.name}-{time.monotonic_ns()}"
        self.begun = time.time()
        with self.log.open("w") as log:
            host.spawn(["ping", "-n", "-D", "-O", "-i", str(PACE), address], stdout=log, stderr=log)

    def answers(self):
        """Of each answer, when the ping was sent and when the answer came."""
        found = re.findall(r"^\[([0-9.]+)\] \d+ bytes .* time=([0-9.]+) ms", self.log.read_text(),
                           re.MULTILINE)
        return [(float(came) - float(took) / 1000, float(came)) for came, took in found]

    def gap_after(self, moment):
        """Seconds from then to the first answer of a ping that was sent later."""
        def first():
            return next((came for sent, came in self.answers() if sent >= moment), None)
        try:
            took = until(first, "an answer", GAP_SECONDS) - moment
        except AssertionError:
            took = math.inf
        self.check()
        return took

    def check(self):
        """Whether about as many were sent as there was time for."""
        seen = re.findall(r"^\[([0-9.]+)\] .*icmp_seq=(\d+)", self.log.read_text(), re.MULTILINE)
        if seen:
            last, number = float(seen[-1][0]), int(seen[-1][1])
            if last - self.begun > number * PACE * PACE_SLACK + STALL_SECONDS:
                raise Disturbed(f"{number} pings in {last - self.begun:.1f} s")


class Place:
    """Who takes part in one run."""

    def __init__(self, lab, options, token, ada="public", bob="public", relays=("hub",)):
        self.lab, self.options, self.token = lab, options, token
        self.internet = Internet(lab)
        self.gates = {}
        self.relays = [
            self.node(self.internet.host(name), number)
            for number, name in enumerate(relays, 1)
        ]
        hosts = self.hosts(ada, bob)
        self.ada, self.bob = (self.node(host, n) for n, host in enumerate(hosts, 11))
        self.know()

    def hosts(self, ada, bob):
        if ada == bob == "same":
            return self.internet.home("ada", "bob")[1:]
        return [self.host("ada", ada), self.host("bob", bob)]

    def host(self, name, kind):
        if kind == "public":
            return self.internet.host(name)
        self.gates[name], host = self.internet.home(name, translation=GATES[kind])
        return host

    def node(self, host, number):
        contact = [] if number == 1 else [f"{self.internet.address['hub']}:{PORT}"]
        more = ["--no-dht", "--log-level", self.options.log_level]
        return Node(host, self.token, f"10.1.0.{number}/24", peers=contact, more=more).start()

    def know(self):
        for one, other in itertools.permutations([*self.relays, self.ada, self.bob], 2):
            until(lambda: one.peer(other) is not None, f"{one.name} knows {other.name}",
                  KNOW_SECONDS)

    def settle(self, wanted="direct"):
        """Lets packets flow until both see that path; how long it took."""
        begun = time.monotonic()

        def is_settled():
            self.ada.host.pings(self.bob.address, "1", "-W", "1")
            return self.path(self.ada) == self.path(self.bob) == wanted
        until(is_settled, f"a {wanted} path", SETTLE_SECONDS)
        return time.monotonic() - begun

    def learn(self):
        """Lets bob find out how long his gate remembers a silent session."""
        def is_known():
            report = self.bob.ask("GET", "/v1/netcheck")
            return (report["ipv4"]["silence_s_min"] or 0) >= LEARNED_SECONDS
        until(is_known, "bob's gate is known", LEARN_SECONDS)

    def path(self, node):
        return node.peer(self.bob if node is self.ada else self.ada)["path"]

    def relay(self):
        """Who relays what ada sends to bob."""
        number = self.ada.peer(self.bob)["relay"]
        return next(node for node in self.relays if node.id == number)


# What happens. Each answers when traffic was possible again.


def change_address(place):
    place.internet.settle(place.bob.host)
    return time.time()


def change_link(place):
    """The first one goes, and another one comes."""
    bob, net = place.bob.host, place.internet.net
    bob.run(["ip", "link", "add", "second", "type", "veth", "peer", "name", "to-bob-2", "netns",
             str(net.holder.pid)])
    net.ip("link set to-bob-2 up")
    net.address("to-bob-2", "62.200.0.254/24")
    bob.ip(f"link set {bob.device_to('net')} down", "link set second up")
    bob.address("second", "62.200.0.1/24")
    bob.ip("route add default via 62.200.0.254")
    return time.time()


def flap(place):
    """The interface goes down and comes up, with its address and route."""
    bob, device, internet = place.bob.host, place.bob.host.device_to("net"), place.internet
    near, near6 = internet.address["bob"], internet.address6["bob"]
    bob.ip(f"link set {device} down")
    time.sleep(DOWN_SECONDS)
    bob.ip(f"link set {device} up", f"route replace default via {near.removesuffix('1')}254")
    bob.address(device, f"{near6}/64")  # IPv6 addresses go with the link
    bob.ip(f"-6 route replace default via {near6.removesuffix('1')}fe")
    return time.time()


def unplug(place):
    """The carrier goes and comes; addresses and routes stay."""
    net, device = place.internet.net, place.internet.net.device_to("bob")
    net.sysctl("net.ipv6.conf.all.keep_addr_on_down", 1)
    net.ip(f"link set {device} down")
    time.sleep(DOWN_SECONDS)
    net.ip(f"link set {device} up")
    return time.time()


def suspend(place):
    """The process stands still, and its gate forgets."""
    with place.bob.held():
        time.sleep(place.options.suspended)
        forget(place.gates["bob"])
    return time.time()


def rebind(place):
    """The gate shows other ports from now on; the host sees nothing of it."""
    gate = place.gates["bob"]
    outer = gate.device_to("net")
    gate.nft(f"""
        flush chain ip home out
        add rule ip home out oifname "{outer}" meta l4proto udp masquerade to :40000-40010""")
    forget(gate)
    return time.time()


def lose_family(place):
    """IPv4 or IPv6, whichever is used, passes no more between the two."""
    family, addresses = "ip", place.internet.address
    if place.ada.peer(place.bob)["endpoint"].startswith("["):
        family, addresses = "ip6", place.internet.address6
    place.internet.net.nft(f"""
        table inet lost {{
            chain between {{
                type filter hook forward priority filter
                {family} saddr {addresses["ada"]} {family} daddr {addresses["bob"]} drop
                {family} saddr {addresses["bob"]} {family} daddr {addresses["ada"]} drop
            }}
        }}""")
    return time.time()


def kill_relay(place):
    place.relay().kill()
    return time.time()


def forget(gate):
    """Makes the host forget all connections that pass it."""
    with gate.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as line:
        line.settimeout(5)
        line.send(struct.pack("=IHHIIBBH", 20, CONNTRACK_DELETE, NLM_REQUEST_ACK, 1, 0, 2, 0, 0))
        error = struct.unpack_from("=i", line.recv(4096), 16)[0]
    assert error == 0, f"conntrack was not flushed: {os.strerror(-error)}"


# The runs.


def gap(token, options, event, sender, ada, bob, relayed=False, flow=FLOW_SECONDS, known=False):
    """One gap, and whether the connection lived on."""
    lab = Lab()
    try:
        relays = ("hub", "carol") if relayed else ("hub",)
        place = Place(lab, options, token, ada, bob, relays)
        place.settle("relayed" if relayed else "direct")
        if known:
            place.learn()
        one, other = (place.bob, place.ada) if sender == "bob" else (place.ada, place.bob)
        with Stream(one.host, other.host, other.address) as stream:
            stream.carry(noise(STREAM_BYTES))
            stream.carry(noise(STREAM_BYTES, seed=2), reverse=True)
            # Who is suspended sends nothing meanwhile.
            waits = event is suspend and sender == "bob"
            pings = None if waits else Pings(one.host, other.address)
            time.sleep(flow)
            moment = event(place)
            pings = pings or Pings(one.host, other.address)
            took = pings.gap_after(moment)
            return took, took < math.inf and lives(stream)
    finally:
        keep(lab, options, f"{event.__name__}-{sender}-{ada}-{bob}")
        lab.close()


def lives(stream):
    try:
        stream.carry(noise(STREAM_BYTES, seed=3))
        stream.carry(noise(STREAM_BYTES, seed=4), reverse=True)
        return True
    except (AssertionError, OSError) as error:
        print(error, file=sys.stderr)
        return False


def same_gate(token, options):
    """How long it takes two behind one gate to reach each other directly, inside of it."""
    lab = Lab()
    try:
        place = Place(lab, options, token, "same", "same")
        took = place.settle()
        near = place.ada.peer(place.bob)["endpoint"].startswith("192.168.0.")
        return took, near
    finally:
        keep(lab, options, "same_gate")
        lab.close()


def idle(token, options, which):
    """Packets of an idle peer of a member behind a gate, of both directions, in IDLE_SPAN."""
    lab = Lab()
    try:
        place = Place(lab, options, token, "public", "keeps")
        place.settle()
        place.learn()
        time.sleep(options.idle_after)
        gate = place.gates["bob"]
        gate.nft(COUNT.format(
            outer=gate.device_to("net"), peer=place.internet.address["ada"], which=which))
        time.sleep(options.idle)
        said = gate.run(["nft", "list", "table", "ip", "idle"]).stdout
        counted = [int(number) for number in re.findall(r"counter packets (\d+)", said)]
        return sum(counted) * IDLE_SPAN / options.idle, True
    finally:
        keep(lab, options, "idle")
        lab.close()


def keep(lab, options, name):
    """Copies the logs of a run to where they are wanted."""
    if options.logs:
        for path in lab.folder.iterdir():
            if path.suffix == ".log" or path.name.startswith("pings-"):
                target = os.path.join(options.logs, f"{name}-{os.getpid()}-{path.name}")
                with open(target, "ab") as copy:
                    copy.write(path.read_bytes())


def moves(event, allowed=AGAIN_SECONDS, bob="public", senders=("bob", "ada")):
    """The measures of one event: by who stands before ada, and by who sends."""
    return [
        (ada, sender, allowed, lambda *a, ada=ada, s=sender: gap(*a, event, s, ada, bob))
        for ada in ("public", "keeps") for sender in senders
    ]


def rebound(allowed, ada, known=False):
    return [(ada, "ada", AGAIN_SECONDS + LAG_SECONDS + allowed,
             lambda *a: gap(*a, rebind, "ada", ada, "keeps", known=known))]


def deaths(flow):
    kinds = ("symmetric", "symmetric")
    return [("symmetric", "ada", AGAIN_SECONDS,
             lambda *a: gap(*a, kill_relay, "ada", *kinds, relayed=True, flow=flow))]


# Of each: what happens, and its measures: what stands before ada, who sends, what is allowed, and
# the run itself.
CASES = {
    "address": ("bob's address changes", moves(change_address)),
    "link": ("bob changes to another link", moves(change_link)),
    "flap": (f"bob's link is down for {DOWN_SECONDS} s", moves(flap)),
    "unplug": (f"bob's cable is out for {DOWN_SECONDS} s", moves(unplug)),
    "family": ("of IPv4 and IPv6, the one in use is lost", moves(lose_family)[:1]),
    "suspend": ("bob, behind a gate, is suspended", moves(suspend, bob="keeps")),
    "rebind": ("bob's gate changes its ports",
               moves(rebind, bob="keeps", senders=("bob",))
               + rebound(FIRST_SECONDS, "public") + rebound(FIRST_SECONDS, "keeps")),
    "rebound": ("the same, after his gate was learned",
                rebound(LEARNED_SECONDS, "public", known=True)),
    "death": (f"the relay dies after {FLOW_SECONDS} s", deaths(FLOW_SECONDS)),
    "early": ("the relay dies at once", deaths(0)),
    "same": ("both behind one gate: until direct", [("keeps", "ada", 15, same_gate)]),
    "idle": (f"idle: keepalives in {IDLE_SPAN} s",
             [("public", "nobody", IDLE_PACKETS, lambda *a: idle(*a, LINK))]),
    "all": (f"idle: all packets in {IDLE_SPAN} s",
            [("public", "nobody", math.inf, lambda *a: idle(*a, ""))]),
}


def run(case, number, token, options):
    for _ in range(AGAIN_TRIES):
        try:
            return CASES[case][1][number][3](token, options)
        except Disturbed as error:
            print(f"{case}: {error}", file=sys.stderr, flush=True)
        except (AssertionError, OSError) as error:
            print(f"{case}: {error}", file=sys.stderr, flush=True)
            break
    return None


def row(name, measure, results):
    ada, sender, allowed, _ = measure
    done = [result for result in results if result is not None]
    worst = max((took for took, _ in done), default=math.inf)
    lived = sum(well for _, well in done)
    broken = worst > allowed or lived < len(results)
    middle = statistics.median(took for took, _ in done) if done else math.inf
    figures = " | ".join(
        "-" if figure == math.inf else f"{figure:.2f}" for figure in (middle, worst, allowed))
    print(f"| {name} | {ada} | {sender} | {figures} | {lived} of {len(results)}"
          f"{' !' if broken else ''} |", flush=True)
    return broken


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-r", "--runs", type=int, default=5, help="default: %(default)s")
    parser.add_argument("-c", "--cases", default=",".join(CASES), help="default: %(default)s")
    parser.add_argument(
        "-j", "--jobs", type=int, default=1, help="runs at a time; default: %(default)s")
    parser.add_argument(
        "--suspended", type=float, default=600, help="seconds; default: %(default)s")
    parser.add_argument(
        "--idle", type=float, default=120, help="seconds to count in; default: %(default)s")
    parser.add_argument(
        "--idle-after", type=float, default=60, help="seconds before; default: %(default)s")
    parser.add_argument("--log-level", default="info", help="of the nodes; default: %(default)s")
    parser.add_argument("--logs", help="a folder that the logs of all runs are put in")
    return parser.parse_args()


def main():
    options = parse()
    made = subprocess.run([NETRON, "-g", "-b"], env=environment(), check=True, capture_output=True)
    token = made.stdout.decode().strip()
    print("Seconds.\n\n| what | before ada | who sends | median | worst | allowed | well |")
    print("|---|---|---|---:|---:|---:|---:|", flush=True)
    broken = False
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        waiting = [
            (name, measure, [pool.submit(run, case, number, token, options)
                             for _ in range(options.runs)])
            for case in options.cases.split(",") for name, measures in [CASES[case]]
            for number, measure in enumerate(measures)
        ]
        for name, measure, runs in waiting:
            broken = row(name, measure, [one.result() for one in runs]) or broken
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
