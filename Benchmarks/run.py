#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures Netron beside other VPNs and beside a bare relay, on this machine alone.

Two hosts (or three) are network namespaces; nothing leaves them. Every peer has its turn once a
round, in an order that moves on from round to round, so that what the machine does meanwhile
strikes all alike. Needs root. See README.md beside this file.
"""

import argparse
import datetime
import json
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # root leaves no files in the source tree

import machine  # noqa: E402
import measures  # noqa: E402
import report  # noqa: E402
from ours import CIPHERS, Programs, every_peer  # noqa: E402
from peers import READY_SECONDS  # noqa: E402
from stage import Stage, StageError, find  # noqa: E402
from targets import WIRED  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
NETRON_PLACES = (".build/release/netron", "build/netron")
BUILD_SECONDS = 300
LONG_SECONDS = 600
LANES = (1, 4)

TESTS = {
    "ping": measures.ping,
    "tcp1": lambda bench: measures.tcp(bench, "tcp1"),
    "tcp1r": lambda bench: measures.tcp(bench, "tcp1r", "-R"),
    "tcp4": lambda bench: measures.tcp(bench, "tcp4", "-P", "4"),
    "pingload": measures.loaded_ping,
    "udp64": lambda bench: measures.udp(bench, 64),
}
OURS_ALONE = ("lanes", "formation")
WIRED_TESTS = ("tcp1", "tcp4")
GROUPS = {
    "debian": ["wireguard-go", "nebula", "tinc", "fastd", "openvpn", "n2n"],
    "relays": [f"relay:{cipher}" for cipher in ("none", *CIPHERS)] + ["relay-mmsg:aes256"],
    "devices": [f"device:{cipher}" for cipher in CIPHERS],
}
USUAL = ["none", "relay:aes256", "debian", "wireguard-go-new", "netron"]


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("-p", "--peers", default=",".join(USUAL), metavar="LIST",
        help=f"comma-separated; also {', '.join(GROUPS)}, all (default: %(default)s)")
    add("-t", "--tests", default=",".join([*TESTS, *OURS_ALONE]), metavar="LIST",
        help="of %(default)s")
    add("-r", "--rounds", type=int, default=5, help="default: %(default)s")
    add("-s", "--seconds", type=int, default=4, help="of a TCP test (default: %(default)s)")
    add("--wire", choices=("both", "offloaded", "plain"), default="both",
        help="the underlay with its offloads, as a plain wire (each packet of its own; TCP "
        "alone), or both in turn (default)")
    add("--underlay-mtu", type=int, default=1500, metavar="BYTES", help="default: %(default)s")
    add("--mtu", type=int, metavar="BYTES", help="Netron's; default: what Netron chooses")
    add("--congestion", default="cubic", metavar="NAME", help="of TCP (default: %(default)s)")
    add("--netron", metavar="PATH", help=f"default: {' or '.join(NETRON_PLACES)}, or in PATH")
    add("--netron-argument", action="append", default=[], metavar="TEXT",
        help="one more argument for netron; may be given again")
    add("--long", type=int, nargs="?", const=LONG_SECONDS, metavar="SECONDS",
        help=f"also measure memory over so long a load ({LONG_SECONDS} s), once a peer of ours")
    add("--quiet", type=int, default=0, metavar="SECONDS",
        help="wait so long at most for others to leave the CPUs alone, before each stage")
    add("--noise", type=float, default=10, metavar="PERCENT",
        help="of a CPU; a test with more of others' work is made again, and marked "
        "(default: %(default)s)")
    add("--retries", type=int, default=1, help="of a disturbed test (default: %(default)s)")
    add("--json", metavar="PATH", help="where the figures go (default: build/bench/TIME.json)")
    add("--markdown", action="store_true", help="print the tables as Markdown")
    add("--report", metavar="PATH", help="measure nothing: print the tables of that JSON file")
    return parser.parse_args(arguments)


def choose_peers(text, known):
    names = []
    for word in filter(None, text.split(",")):
        names += list(known) if word == "all" else GROUPS.get(word, [word])
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"run.py: there is no peer {unknown[0]}; there are {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)]


def choose_tests(text):
    tests = [word for word in text.split(",") if word]
    for test in tests:
        if test not in TESTS and test not in OURS_ALONE:
            sys.exit(f"run.py: there is no test {test}; there are "
                     f"{', '.join([*TESTS, *OURS_ALONE])}")
    return tests


def find_netron(path):
    if path:
        return os.path.abspath(path)
    for place in NETRON_PLACES:
        if os.access(os.path.join(ROOT, place), os.X_OK):
            return os.path.join(ROOT, place)
    return find("netron")


def build(out, names):
    """Makes the programs that are needed; says which cannot be made, and goes on."""
    wanted = ["flood"] + [p for p in ("relay", "device") if any(n.startswith(p) for n in names)]
    for program in wanted:
        done = subprocess.run(["make", "-s", "-C", os.path.join(HERE, program), f"OUT={out}"],
                              capture_output=True, text=True, timeout=BUILD_SECONDS)
        if done.returncode != 0:
            print(f"run.py: {program} cannot be built: {done.stderr.strip()[-400:]}",
                  file=sys.stderr)
            if program == "flood":
                sys.exit(1)


def tool_missing():
    for tool, package in (("ip", "iproute2"), ("ss", "iproute2"), ("ethtool", "ethtool"),
                          ("iperf3", "iperf3"), ("ping", "iputils-ping"), ("make", "make")):
        if not find(tool):
            return f"run.py: {tool} is not installed (Debian: {package})"
    return None if os.path.exists("/dev/net/tun") else "run.py: there is no /dev/net/tun here"


class Run:
    """One run of the benchmark, and what it found so far."""

    def __init__(self, options, peers, tests, programs):
        self.options = options
        self.peers = peers
        self.tests = tests
        self.programs = programs
        self.path = options.json or os.path.join(
            ROOT, "build", "bench", time.strftime("%Y%m%d-%H%M%S.json"))
        self.document = {
            "date": datetime.datetime.now().isoformat(timespec="seconds"),
            "machine": machine.describe(),
            "settings": {"mtu": options.underlay_mtu, "congestion": options.congestion,
                         "rounds": options.rounds, "seconds": options.seconds},
            "peers": {}, "left_out": [],
        }

    def leave_out_missing(self):
        for peer in list(self.peers):
            why = peer.missing()
            if why:
                self.document["left_out"].append(f"left out: {why}")
                print(f"left out: {why}", file=sys.stderr)
                self.peers.remove(peer)
            else:
                self.document["peers"][peer.name] = {
                    "version": peer.version(), "notes": peer.notes, "debian": peer.debian,
                    "ours": peer.ours, "rounds": {}}

    def save(self):
        os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
        with open(self.path, "w") as file:
            json.dump(self.document, file, indent=1)

    def wires(self):
        return {"both": ("", WIRED), "offloaded": ("",), "plain": (WIRED,)}[self.options.wire]

    def everything(self):
        for index in range(self.options.rounds):
            for wire in self.wires():
                turn = index % max(len(self.peers), 1)
                for peer in self.peers[turn:] + self.peers[:turn]:
                    self.one_round(peer, wire, index)
        if self.options.long:
            for peer in self.peers:
                if peer.ours:
                    self.one_round(peer, "", -1)

    def one_round(self, peer, wire, index):
        if self.options.quiet:
            machine.wait_until_quiet(self.options.quiet)
        found = {"figures": {}, "errors": {}, "disturbed": []}
        began, watch = time.monotonic(), machine.Watch()
        if index < 0:
            self.tunnel(peer, wire, found, [], self.options.long)
        else:
            tests = [t for t in self.tests if t in TESTS and (not wire or t in WIRED_TESTS)]
            if tests:
                self.tunnel(peer, wire, found, tests)
            if peer.ours and not wire:
                self.of_ours(peer, found)
        found["others_cpus"], found["stolen_percent"] = watch.read()
        self.document["peers"][peer.name]["rounds"].setdefault(wire, []).append(found)
        self.save()
        self.tell(peer, wire, index, found, time.monotonic() - began)

    def tell(self, peer, wire, index, found, seconds):
        shown = ("tcp1_gbps", "tcp4_gbps", "udp64_pps", "ping_us", "lanes4_gbps", "formation_ms",
                 "long_grown_mib")
        figures = [f"{key} {found['figures'][key]:.4g}" for key in shown if key in found["figures"]]
        trouble = [f"{test}: {error[:200]}" for test, error in found["errors"].items()]
        which = f"{index + 1}/{self.options.rounds}" if index >= 0 else "long"
        name = f"{peer.name}, {wire}" if wire else peer.name
        print(f"[{which}] {name}, {seconds:.0f} s: {', '.join(figures + trouble)}",
              file=sys.stderr, flush=True)

    def is_disturbed(self, watch):
        return 100 * watch.read()[0] > self.options.noise

    def attempt(self, found, test, action):
        """Runs one test, again when others disturbed it; an error costs this test only."""
        for left in range(self.options.retries, -1, -1):
            watch = machine.Watch()
            try:
                figures = action()
            except (StageError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
                found["errors"][test] = f"{type(error).__name__}: {error}"[:1000]
                return
            disturbed = self.is_disturbed(watch)
            if not disturbed or left == 0:
                found["figures"].update(figures)
                if disturbed:
                    found["disturbed"].append(test)
                return
            machine.wait_until_quiet(self.options.quiet)

    def on_stage(self, peer, stage):
        """Starts the peer on all hosts, and waits until the neighbours reach each other."""
        options = self.options
        peer.prepare(stage)
        for host in stage.hosts:
            peer.start(host)
        for one, other in zip(stage.hosts, stage.hosts[1:]):
            stage.wait(lambda: "1 received" in one.run(
                "ping", "-n", "-c", "1", "-W", "1", peer.address(other), check=False),
                "the first ping", READY_SECONDS)
        time.sleep(peer.settle_seconds)
        bench = measures.Bench(stage, peer, options.seconds, options.congestion,
                               self.programs.flood)
        bench.serve()
        return bench

    def tunnel(self, peer, wire, found, tests, long=None):
        """Two hosts and a tunnel between them."""
        def use():
            with Stage("ab", self.options.underlay_mtu, offloads=not wire) as stage:
                bench = self.on_stage(peer, stage)
                found["figures"].update(measures.memory(bench, "idle"))
                for test in tests:
                    self.attempt(found, test, lambda: TESTS[test](bench))
                    stage.check()
                if long:
                    return measures.long_memory(bench, long)
                return {**measures.memory(bench, "after"), **peer.finish(stage)}

        self.guard(found, "tunnel", use)

    def of_ours(self, peer, found):
        """What is measured of Netron alone: lanes in the middle of three, and the first ping."""
        if "lanes" in self.tests:
            for count in LANES:
                watch = machine.Watch()
                self.guard(found, f"lanes{count}", lambda: self.lanes(peer, count))
                if self.is_disturbed(watch):
                    found["disturbed"].append(f"lanes{count}")
        if "formation" in self.tests and hasattr(peer, "mdns"):
            peer.mdns = True
            try:
                self.attempt(found, "formation", self.formation(peer))
            finally:
                peer.mdns = False

    def lanes(self, peer, count):
        peer.lanes, name = count, f"lanes{count}"
        try:
            with Stage("abc", self.options.underlay_mtu) as stage:
                figures = measures.lanes(self.on_stage(peer, stage), name)
                figures[f"{name}_dropped_replayed"] = 0
                for key, value in peer.finish(stage).items():
                    if key.startswith("dropped_"):
                        figures[f"{name}_{key}"] = value
                return figures
        finally:
            peer.lanes = None

    def formation(self, peer):
        def use():
            with Stage("ab", self.options.underlay_mtu) as stage:
                return measures.formation(stage, peer)

        return use

    def guard(self, found, what, action):
        """A stage that fails costs this round of this peer, and no more."""
        try:
            found["figures"].update(action())
        except (StageError, subprocess.TimeoutExpired, ValueError, KeyError, OSError) as error:
            found["errors"][what] = f"{type(error).__name__}: {error}"[:2000]


def leave(number, _):
    """A signal ends the run as an error does, so that everything is cleaned up."""
    sys.exit(128 + number)


def main():
    options = parse(sys.argv[1:])
    show = report.as_markdown if options.markdown else report.as_text
    if options.report:
        with open(options.report) as file:
            print(show(json.load(file)))
        return 0
    tests = choose_tests(options.tests)
    out = os.path.join(ROOT, "build", "bench")
    programs = Programs(out, find_netron(options.netron))
    peers = choose_peers(options.peers, every_peer(programs, options.mtu, options.netron_argument))
    if os.geteuid() != 0:
        sys.exit("run.py: making namespaces and interfaces needs root; try it with sudo")
    if missing := tool_missing():
        sys.exit(missing)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it came in ignored
    build(out, [peer.name for peer in peers])
    run = Run(options, peers, tests, programs)
    run.leave_out_missing()
    result = 0
    try:
        run.everything()
    except KeyboardInterrupt:
        print("run.py: interrupted; what is there so far:", file=sys.stderr)
        result = 128 + signal.SIGINT
    run.save()
    print(show(run.document))
    print(f"\nAll figures: {run.path}", file=sys.stderr)
    return result


if __name__ == "__main__":
    sys.exit(main())
