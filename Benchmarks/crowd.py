#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what a gateway takes in from 1,000 peers: when one of them sends, 100, and all.

    gate 192.0.2.1 ------ 192.0.2.2 crowd, and 10.128.0.1, 10.128.1.1, ... of its peers

Two namespaces. `gate` runs the command with a TUN, as users get it; `crowd` runs crowd/, a process
with an engine of the packet core for each peer, an identity and an address of its own for each.
They seal full packets (1,400 bytes, inner IPv6, no TCP: nothing is joined) beforehand, and then
only send, trains of TRAIN datagrams for each peer in turn: with trains of one every datagram is
another peer's than the one before. A burst of 4,096 packets waits in the gateway's socket, while
the gateway stands still (SIGSTOP), before it may take it; so the time is the gateway's alone and
nothing is lost, however fast the crowd sends: on two CPUs a sender costs about what it measures.
What the kernel does before a datagram is in the socket is not in the figure, which is inner bytes
that the TUN took for each second of taking. The node has one lane.

What it is held against is `relay -m mmsg` with the cipher and library that the node used, in the
gateway's place on the same wire: the same packets, trains, bursts and count, sealed by the relay's
one key and sent from one address, since it knows one peer. It too is measured only at its receiving
end. Each round measures both, the order moves on, and ratios are of one round.

What the machine does besides lengthens that time. So there is a second figure: how long the thread
that reads had a CPU for each packet, of both.

Fairness is what the node counts for each peer: the least of the senders against their mean. Needs
root, and `make build`.
"""

import argparse
import base64
import json
import os
import re
import statistics
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # root leaves no files in the source tree

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
OUT = os.path.join(ROOT, "build", "bench")
sys.path.insert(0, os.path.join(ROOT, "Tests", "Namespaces"))

import machine  # noqa: E402
from lab import Lab, until  # noqa: E402
from node import NETRON, PORT, Node, environment  # noqa: E402
from ours import CIPHERS  # noqa: E402

GATE, CROWD, PEERS_NETWORK, FIRST_PEER = "192.0.2.1", "192.0.2.2", "10.128.0.0/9", "10.128.0.1"
READY_SECONDS = 90
SEND_SECONDS = 120
SETTLE_SECONDS = 3  # until a new crowd has been greeted
WARM_BYTES = 50_000_000
STARVED = 0.25  # of the mean
PACKET_BYTES = 1400


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-r", "--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument(
        "-n", "--peers", type=int, default=1000, help="of the gateway; default: %(default)s")
    parser.add_argument("-s", "--senders", default="1,100,1000", help="default: %(default)s")
    parser.add_argument(
        "-t", "--trains", default="1,16",
        help="datagrams of a peer in a row; default: %(default)s")
    parser.add_argument(
        "-m", "--megabytes", type=int, default=700, help="sent each time; default: %(default)s")
    parser.add_argument(
        "-q", "--quiet", type=int, default=20,
        help="seconds to wait for a quiet machine before each send; default: %(default)s")
    parser.add_argument(
        "--noise", type=float, default=10,
        help="percent of a CPU that others may use meanwhile; default: %(default)s")
    parser.add_argument(
        "--retries", type=int, default=4, help="of a disturbed send; default: %(default)s")
    options = parser.parse_args()
    options.senders = [int(one) for one in options.senders.split(",")]
    options.trains = [int(one) for one in options.trains.split(",")]
    if max(options.senders) > options.peers:
        parser.error("there are fewer peers than senders")
    return options


def secret_of(token):
    """The network secret of a token (docs/protocol.md, 2.1 and 2.2)."""
    part, values = "", {}
    for line in base64.b64decode(token, validate=True).decode().splitlines():
        name, value = re.fullmatch(r' *(\w+):(?: "?(\w+)"?)?', line).groups()
        part = name + "." if value is None else part if line.startswith("    ") else ""
        values[part + name] = value
    texts = [values[name].encode() for name in
             ("crypto.key", "dht.key", "room", "rendezvous", "mdns")]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


class Crowd:
    """The program at the other end of the wire."""

    def __init__(self, host, mode, pid, interface, *more):
        self.process = host.spawn(
            [os.path.join(OUT, "crowd"), mode, str(pid), interface, GATE, str(PORT), *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n", "the crowd did not gather"

    def send(self, senders, train, count):
        self.process.stdin.write(f"send {senders} {train} {count}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the crowd ended"
        return json.loads(line)

    def close(self):
        self.process.kill()
        self.process.wait()


def thread_times(pid):
    """Nanoseconds that each thread of a process had a CPU for."""
    times = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            times[thread] = int(file.read().split()[0])
    return times


def send_timed(crowd, pid, senders, train, count):
    """What came of it, with what each packet took of the thread that took most: the reader."""
    before = thread_times(pid)
    found = crowd.send(senders, train, count)
    took = max(time - before.get(thread, 0) for thread, time in thread_times(pid).items())
    found["ns"] = took / (found["bytes"] / PACKET_BYTES)
    return found


def send_undisturbed(crowd, options, pid, senders, train):
    """What came of it, the least disturbed time of some, with how many CPUs others used."""
    times = []
    for _ in range(1 + options.retries):
        machine.wait_until_quiet(options.quiet)
        watch = machine.Watch()
        found = send_timed(crowd, pid, senders, train, options.megabytes * 1_000_000)
        times.append((watch.read()[0], found))
        if 100 * times[-1][0] <= options.noise:
            break
    others, found = min(times, key=lambda time: time[0])
    return {"gbps": found["bytes"] * 8 / found["seconds"] / 1e9, "ns": found["ns"],
            "lost": 1 - found["arrived"] / found["sent"], "others": others}


def received(node):
    return {peer["id"]: peer["rx_bytes"] for peer in node.ask("GET", "/v1/peers")}


def measure_netron(lab, options, round_number, figures):
    """All cases with one node; its cipher."""
    made = subprocess.run([NETRON, "-g", "-b"], env=environment(), check=True, capture_output=True)
    token = made.stdout.decode().strip()
    node = Node(lab.gate, token, "10.1.0.1/24", name=f"gate{round_number}",
                more=["--no-dht", "--no-mdns", "--lanes", "1"])
    node.start()
    crowd = None
    try:
        crowd = Crowd(lab.crowd, "netron", node.process.pid, "netron0", str(options.peers),
                      secret_of(token).hex())
        time.sleep(SETTLE_SECONDS)
        warm = crowd.send(options.peers, 1, WARM_BYTES)
        assert warm["arrived"] == warm["sent"], f"not all are taken: {warm} {node.status()}"
        for train in options.trains:
            for senders in options.senders:
                before = received(node)
                found = send_undisturbed(crowd, options, node.process.pid, senders, train)
                after = received(node)
                got = sorted(after[id] - before.get(id, 0) for id in after)[-senders:]
                found["least"] = got[0] / statistics.mean(got)
                figures.setdefault((train, senders), []).append(found)
        return cipher_of(node.status()["aead"])
    finally:
        if crowd:
            crowd.close()
        node.abandon()


def cipher_of(aead):
    for cipher, (_, _, suite, backend) in CIPHERS.items():
        if (aead["suite"].lower(), aead["backend"]) == (suite.lower(), backend):
            return cipher
    raise AssertionError(f"the relay has no such cipher: {aead}")


def measure_relay(lab, options, cipher, figures):
    relay = lab.gate.spawn(
        [os.path.join(OUT, "relay"), "-i", "relay0", "-l", GATE, "-r", FIRST_PEER,
         "-p", str(PORT), "-m", "mmsg", "-e", cipher])
    crowd = None
    try:
        until(lambda: lab.gate.run(["ip", "link", "show", "relay0"], check=False).returncode == 0,
              "the relay's interface")
        lab.gate.ip("address add fd00::1/64 dev relay0 nodad", "link set relay0 up")
        crowd = Crowd(lab.crowd, "relay", relay.pid, "relay0", cipher)
        warm = crowd.send(options.peers, 1, WARM_BYTES)
        assert warm["arrived"] == warm["sent"], f"the relay does not take all: {warm}"
        for train in options.trains:
            found = send_undisturbed(crowd, options, relay.pid, max(options.senders), train)
            figures.setdefault((train, 0), []).append(found)
    finally:
        if crowd:
            crowd.close()
        relay.kill()
        relay.wait()
        lab.gate.processes.remove(relay)


def prepare(lab):
    """The two hosts, and the way to all addresses of the crowd."""
    lab.gate, lab.crowd = lab.all("gate", "crowd")
    lab.join(lab.gate, f"{GATE}/24", lab.crowd, f"{CROWD}/24")
    lab.gate.ip(f"route add {PEERS_NETWORK} via {CROWD}")
    lab.crowd.ip(f"route add local {PEERS_NETWORK} dev lo")


def ratios(figures, name, one, other):
    """Of the same rounds."""
    return [a[name] / b[name] for a, b in zip(figures[one], figures[other])]


def spread(values, digits=2):
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}..{high:.{digits}f})"


def of(figures, case, name):
    return [found[name] for found in figures[case]]


def print_table(options, cipher, figures):
    print(f"\n| trains of | who sends | Gb/s | of one peer's | of relay-mmsg:{cipher} "
          "| ns a packet | of the relay's | least / mean | lost % | others % |")
    print("|---:|---|---|---|---|---|---|---:|---:|---:|")
    for train in options.trains:
        for senders in (0, *options.senders):
            case = train, senders
            cells = [str(train), f"{senders:,} of {options.peers:,}" if senders else "to the relay",
                     spread(of(figures, case, "gbps"))]
            alone = train, min(options.senders)
            relay = train, 0
            cells.append(spread(ratios(figures, "gbps", case, alone)) if senders else "-")
            cells.append(spread(ratios(figures, "gbps", case, relay)) if senders else "-")
            cells.append(spread(of(figures, case, "ns"), digits=0))
            cells.append(spread(ratios(figures, "ns", case, relay)) if senders else "-")
            cells.append(f"{min(of(figures, case, 'least')):.2f}" if senders else "-")
            cells += [f"{100 * max(of(figures, case, 'lost')):.2f}",
                      f"{100 * max(of(figures, case, 'others')):.0f}"]
            print("|", " | ".join(cells), "|")


def print_starved(figures):
    starved = [case for case, found in figures.items()
               if case[1] and min(one["least"] for one in found) < STARVED]
    print("\nStarved in (train, senders):", *starved if starved else ["none"])


def main():
    options = parse()
    for program in ("relay", "crowd"):
        subprocess.run(["make", "--no-print-directory", "-s", "-C", os.path.join(HERE, program)],
                       check=True)
    figures, cipher = {}, "aes256"
    lab = Lab()
    try:
        prepare(lab)
        for number in range(options.rounds):
            if number % 2 == 1:
                measure_relay(lab, options, cipher, figures)
            cipher = measure_netron(lab, options, number, figures)
            if number % 2 == 0:
                measure_relay(lab, options, cipher, figures)
            said = (f"{train}/{senders} {found[-1]['gbps']:.2f}"
                    for (train, senders), found in figures.items())
            print(number + 1, *said, flush=True)
    finally:
        lab.close()
    print_table(options, cipher, figures)
    print_starved(figures)


if __name__ == "__main__":
    main()
