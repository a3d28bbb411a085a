#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how fast members find each other through BitTorrent's DHT, and what that costs.

The Internet is namespaces, the DHT 20 nodes of libtorrent (Tests/Namespaces/dht_lab.py); nothing
leaves them. Every round has an Internet, a network and nodes of its own. Needs root.

    cold            two new nodes start at once
    dead            the same, when every other node of the DHT has just gone without a word
    reachable       a new node, while the other has been up and alone for --settle seconds
    hidden          the same, and the other is behind NAT
    both-hidden     two new nodes start at once, each behind NAT
    warm            both start at once again, remember each other, and there is no DHT any more
    traffic         what two nodes that have met send and receive while nothing happens

The wires have no delay. On the Internet each of the few steps of a lookup takes a round trip more.
An hour cannot be waited. A node that is alone looks for others after pauses that double up to the
longest, a minute; they have reached it after two minutes. So --settle stands for an hour, and
rounds of `hidden` begin evenly spread over the minute between two looks.
"""

import argparse
import concurrent.futures
import contextlib
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True  # root leaves no files in the source tree

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "Tests", "Namespaces"))

import machine  # noqa: E402
from dht_lab import DHT_PORT, SIZE, Internet, Member, rendezvous  # noqa: E402
from lab import Lab, until  # noqa: E402
from node import NETRON, environment, meet  # noqa: E402

PROBE = os.path.join(HERE, "first_reply.py")
PING_SECONDS = 180
MEET_SECONDS = 180
HIDDEN_LOOKS_SECONDS = 60  # between two looks of a node behind NAT
CALM_SECONDS = 60  # after two have met, until they count as settled
DHT_BYTE = "0x64"  # 'd', with which each datagram of the DHT begins
WAYS = ("sent_dht", "received_dht", "sent_rest", "received_rest")


def parse(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("-m", "--measures", default=",".join(MEASURES), metavar="LIST", help="of %(default)s")
    add("-r", "--rounds", type=int, default=10, help="default: %(default)s")
    add("--settle", type=int, default=150, metavar="SECONDS", help="default: %(default)s")
    add("--idle", type=int, default=600, metavar="SECONDS",
        help="for which traffic is counted (default: %(default)s)")
    add("--parallel", type=int, default=5, metavar="COUNT",
        help="rounds at the same time of what mostly waits (default: %(default)s)")
    add("--json", metavar="PATH", help="where the figures go (default: build/bench/NAME.json)")
    options = parser.parse_args(arguments)
    options.measures = [word for word in options.measures.split(",") if word]
    for word in options.measures:
        if word not in MEASURES:
            sys.exit(f"discovery.py: there is no measure {word}; there are {', '.join(MEASURES)}")
    return options


# --- one round ------------------------------------------------------------------------------------


class Round:
    """An Internet, a DHT and two nodes that were not started yet."""

    def __init__(self, lab, hidden=(), dead=False):
        self.lab = lab
        self.internet = Internet(lab)
        self.table = self.internet.table()
        if dead:
            gone = self.internet.table(name="gone", first=SIZE + 1)
            self.table.join(*gone.addresses)
            gone.join(*self.table.addresses)
            until(lambda: sum(self.table.knows(a, DHT_PORT) > 0 for a in gone.addresses)
                  > SIZE / 2, "the tables know each other")
            gone.stop()
        done = subprocess.run([NETRON, "-g", "-b"], env=environment(), check=True, text=True,
                              capture_output=True)
        self.token = done.stdout.strip()
        self.members = []
        for number, name in enumerate(("ada", "bob"), 1):
            if name in hidden:
                host = self.internet.home(name)[1]
            else:
                host = self.internet.host(name)
            ways_in = self.table.bootstrap(*range(number, 20, 7))
            self.members.append(Member(host, self.token, number, ways_in))
        for number, member in enumerate(self.members):
            self.count(number, self.internet.net.device_to(self.outer(member)))

    def outer(self, member):
        """The name of the host whose wire ends at the router."""
        gate = f"gate-{member.host.name}"
        return gate if gate in self.internet.address else member.host.name

    def count(self, number, device):
        """Counts what a node sends and receives, on the router."""
        rules = []
        ways = (("received", f'oifname "{device}"'), ("sent", f'iifname "{device}"'))
        for direction, chain in ways:
            rules += [f"{chain} udp length > 8 @th,64,8 {DHT_BYTE} "
                      f"counter name {direction}_dht{number} return",
                      f"{chain} meta l4proto udp counter name {direction}_rest{number}"]
        names = "".join(f"counter {way}{number} {{}}\n" for way in WAYS)
        self.internet.net.nft(f"""
            table inet bytes{number} {{
                {names}
                chain pass {{
                    type filter hook forward priority filter - 5
                    {chr(10).join(rules)}
                }}
            }}""")

    def counted(self, number):
        """Packets and bytes with headers, by way."""
        said = self.internet.net.run(["nft", "-j", "list", "counters", "table", "inet",
                                      f"bytes{number}"]).stdout
        found = {}
        for item in json.loads(said)["nftables"]:
            if "counter" in item:
                counter = item["counter"]
                found[counter["name"][:-1]] = counter["packets"], counter["bytes"]
        return found

    @contextlib.contextmanager
    def first_ping(self, found):
        """Measures from the start of the block to the first reply to ada of bob."""
        ada, bob = self.members
        watcher = ada.host.spawn([sys.executable, PROBE, bob.address, str(PING_SECONDS)],
                                 stdout=subprocess.PIPE, text=True)
        assert watcher.stdout.readline() == "ready\n"
        began = time.monotonic_ns()
        yield
        until(lambda: watcher.poll() is not None or self.one_ended(), "a ping", PING_SECONDS + 5)
        said = watcher.stdout.readline() if watcher.poll() == 0 else None
        assert said, f"no ping within {PING_SECONDS} s, or a node ended"
        found["seconds"] = (int(said) - began) / 1e9

    def one_ended(self):
        return any(node.process and node.process.poll() is not None for node in self.members)

    def announced(self, member):
        address = self.internet.address[member.host.name]
        return any(at == address for at, _ in self.table.announced(rendezvous(self.token)))


def begin_at_once(made, found):
    with made.first_ping(found):
        for member in made.members:
            member.launch()


def cold(made, number, options, found):
    begin_at_once(made, found)
    for at, member in enumerate(made.members):
        for way, (packets, octets) in made.counted(at).items():
            found[f"{way}_packets"] = found.get(f"{way}_packets", 0) + packets / 2
            found[f"{way}_bytes"] = found.get(f"{way}_bytes", 0) + octets / 2


def dead(made, number, options, found):
    cold(made, number, options, found)


def late(made, number, options, found):
    ada, bob = made.members
    bob.start()
    until(lambda: made.announced(bob), "the older node is announced", MEET_SECONDS)
    wait = options.settle + HIDDEN_LOOKS_SECONDS * number / options.rounds
    time.sleep(wait)
    found["waited_seconds"] = wait
    with made.first_ping(found):
        ada.launch()


def warm(made, number, options, found):
    for member in made.members:
        member.start()
    meet(*made.members, bound=MEET_SECONDS)
    ada, bob = made.members
    ada.remembers(bob)
    bob.remembers(ada)
    for member in made.members:
        member.stop()
    made.table.stop()
    begin_at_once(made, found)


def traffic(made, number, options, found):
    """While they form, until they are calm; and then, for --idle seconds."""
    for member in made.members:
        member.start()
    meet(*made.members, bound=MEET_SECONDS)
    time.sleep(CALM_SECONDS)
    formed = [made.counted(at) for at in range(2)]
    time.sleep(options.idle)
    idle = [made.counted(at) for at in range(2)]
    found["idle_seconds"] = options.idle
    for way in WAYS:
        found[f"{way}_forming_bytes"] = statistics.mean(node[way][1] for node in formed)
        found[f"{way}_idle_bps"] = statistics.mean(
            after[way][1] - before[way][1] for before, after in zip(formed, idle)) / options.idle
    found["discovery"] = [member.discovery for member in made.members]


# (what is done, who is hidden, whether rounds may run beside each other, title)
MEASURES = {
    "cold": (cold, (), False, "both new"),
    "dead": (dead, (), False, "both new, every other node of the DHT dead"),
    "reachable": (late, (), True, "the other settled, reachable"),
    "hidden": (late, ("bob",), True, "the other settled, behind NAT"),
    "both-hidden": (cold, ("ada", "bob"), True, "both new, both behind NAT"),
    "warm": (warm, (), False, "both known to each other, no DHT"),
    "traffic": (traffic, (), True, "two that have met"),
}
ROUNDS_OF = {"traffic": 1}
# Seconds, of the medians.
TARGETS = {"cold": 10, "dead": 10, "reachable": 10, "hidden": 70, "warm": 2}


def one_round(measure, number, options):
    """Never raises: what went wrong is a finding."""
    action, hidden, _, _ = MEASURES[measure]
    found, watch = {}, machine.Watch()
    lab = Lab()
    try:
        action(Round(lab, hidden, action is dead), number, options, found)
    except Exception as error:  # a round that fails costs this round only
        said = " | ".join(f"{node.name}: {node.said()[-400:]}" for node in lab.nodes)
        found["error"] = f"{type(error).__name__}: {error} {said}"
        found["trace"] = traceback.format_exc()[-1000:]
    finally:
        lab.close()
    found["others_cpus"] = watch.read()[0]
    return found


# --- all of them ----------------------------------------------------------------------------------


def run(measure, options, tell):
    rounds = ROUNDS_OF.get(measure, options.rounds)
    width = options.parallel if MEASURES[measure][2] else 1
    results = [None] * rounds
    # Processes, since each end of a process takes its namespaces along.
    with concurrent.futures.ProcessPoolExecutor(width) as pool:
        tasks = {pool.submit(one_round, measure, i, options): i for i in range(rounds)}
        for task in concurrent.futures.as_completed(tasks):
            results[tasks[task]] = task.result()
            tell(measure, tasks[task], rounds, task.result())
    return results


def tell(measure, number, rounds, found):
    said = f"{found['seconds']:.2f} s to the first ping" if "seconds" in found else "done"
    print(f"[{number + 1}/{rounds}] {measure}: {found.get('error', said)[:1000]}",
          file=sys.stderr, flush=True)


def spread(values, decimals):
    if not values:
        return "-"
    middle = f"{statistics.median(values):.{decimals}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.{decimals}f}..{max(values):.{decimals}f})"


def figures(results, name):
    return [found[name] for found in results if name in found]


def tables(document):
    """[(title, rows)] for a terminal or Markdown."""
    formed = [["first ping through the DHT", "seconds", "rounds", "target", "enough"]]
    for measure, results in document["measures"].items():
        seconds = figures(results, "seconds")
        if measure == "traffic":
            continue
        target = TARGETS.get(measure)
        reached = len(seconds) == len(results) and statistics.median(seconds) < (target or 1e9)
        formed.append([
            MEASURES[measure][3], spread(seconds, 2), f"{len(seconds)} of {len(results)}",
            f"< {target} s" if target else "-", ("yes" if reached else "no") if target else "-",
        ])
    made = [("Finding each other", formed)] if len(formed) > 1 else []
    cost = [["bytes of a node, with headers of IP and UDP", "DHT sent", "received",
             "all else sent", "received"]]
    for measure, results in document["measures"].items():
        if measure in ("cold", "dead", "both-hidden"):
            cost.append([f"until the first ping, {MEASURES[measure][3]}"]
                        + [spread(figures(results, f"{way}_bytes"), 0) for way in WAYS])
        if measure == "traffic":
            cost.append([f"until {CALM_SECONDS} s after they met"]
                        + [spread(figures(results, f"{way}_forming_bytes"), 0) for way in WAYS])
            seconds = figures(results, "idle_seconds")
            cost.append([f"then, a second, over {spread(seconds, 0)} s"]
                        + [spread(figures(results, f"{way}_idle_bps"), 1) for way in WAYS])
    return made + ([("What it costs", cost)] if len(cost) > 1 else [])


def show(document):
    for title, rows in tables(document):
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        print(f"\n{title}")
        for row in rows:
            print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
    for measure, results in document["measures"].items():
        for number, found in enumerate(results, 1):
            if "error" in found:
                said = re.sub(r"\s+", " ", found["error"])
                print(f"{measure}, round {number}: {said[:300]}")


def main():
    options = parse(sys.argv[1:])
    if os.geteuid() != 0:
        sys.exit("discovery.py: it makes network namespaces: run it as root")
    if not os.access(NETRON, os.X_OK):
        sys.exit(f"discovery.py: there is no {NETRON}: run `make build`, or set NETRON")
    path = options.json or os.path.join(
        ROOT, "build", "bench", time.strftime("discovery-%Y%m%d-%H%M%S.json"))
    document = {
        "date": datetime.datetime.now().isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "settings": {"rounds": options.rounds, "settle": options.settle, "idle": options.idle},
        "measures": {},
    }
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    for measure in options.measures:
        document["measures"][measure] = run(measure, options, tell)
        with open(path, "w") as file:
            json.dump(document, file, indent=1)
    show(document)
    print(f"\nAll figures: {path}")
    failed = any("error" in found for of in document["measures"].values() for found in of)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
