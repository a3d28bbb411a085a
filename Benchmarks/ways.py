#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures a stream of TCP through the tunnel: directly, and through a relay.

    hub ---+
    ada ---+--- one switch, no delay
    bob ---+

Three namespaces with a node each, all on this machine. For `relayed` bob drops all that comes from
ada herself. Each round measures one way after the other, between the same nodes, and the ratio to
`direct` is of the same round. Needs root, iperf3 and `make build`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True  # root leaves no files in the source tree

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "Tests", "Namespaces"))

from lab import Lab, until  # noqa: E402
from node import NETRON, PORT, Node, environment, meet  # noqa: E402

NETWORK = "192.0.2."
CHAIN = "table inet ways {{ chain in {{ type filter hook input priority 0; {rule} }}; }}"
FORBIDDEN = {
    "direct": "accept;",
    "relayed": f"iifname != netron0 ip saddr {NETWORK}2 drop;",
}
PATH_SECONDS = 90


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-r", "--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument(
        "-s", "--seconds", type=int, default=5, help="of each; default: %(default)s")
    return parser.parse_args()


def start(lab):
    made = subprocess.run([NETRON, "-g", "-b"], env=environment(), check=True, capture_output=True)
    token = made.stdout.decode().strip()
    names = ("hub", "ada", "bob")
    hosts = lab.all(*names)
    lab.switch("net", {host: f"{NETWORK}{n}/24" for n, host in enumerate(hosts, 1)})
    hub, ada, bob = (
        Node(host, token, f"10.1.0.{n}/24", more=["--no-dht", "--no-mdns"],
             peers=[f"{NETWORK}1:{PORT}"] if n > 1 else [])
        for n, host in enumerate(hosts, 1)
    )
    for node in (hub, ada, bob):
        node.start()
    meet(hub, ada)
    meet(hub, bob)
    return ada, bob


def choose(way, ada, bob):
    """Forbids other ways, and waits until both ends use this one."""
    bob.host.run(["nft", "delete", "table", "inet", "ways"], check=False)
    bob.host.nft(CHAIN.format(rule=FORBIDDEN[way]))

    def is_chosen():
        ada.host.pings(bob.address, "2")
        return is_way(way, ada, bob)
    until(is_chosen, f"the way is {way}", PATH_SECONDS)


def is_way(way, ada, bob):
    return all(one.peer(other)["path"] == way for one, other in ((ada, bob), (bob, ada)))


def measure(ada, bob, seconds):
    """Bits a second that arrive by one stream."""
    server = bob.host.spawn(["iperf3", "-s", "-1"], stdout=subprocess.DEVNULL)
    until(lambda: ":5201 " in bob.host.run(["ss", "-ltn"]).stdout, "iperf3 listens")
    said = ada.host.run(
        ["iperf3", "-J", "-c", bob.address, "-t", str(seconds)], bound=seconds + 60).stdout
    server.wait(timeout=30)
    return json.loads(said)["end"]["sum_received"]["bits_per_second"]


def main():
    options = parse()
    lab = Lab()
    try:
        ada, bob = start(lab)
        found = {way: [] for way in FORBIDDEN}
        for number in range(options.rounds):
            for way in FORBIDDEN:
                choose(way, ada, bob)
                found[way].append(measure(ada, bob, options.seconds))
                assert is_way(way, ada, bob), f"the way is {way} no more"
            said = (f"{way} {found[way][-1] / 1e6:.0f}" for way in FORBIDDEN)
            print(number + 1, *said, flush=True)
    finally:
        lab.close()
    print("\n| way | Mbit/s, median (lowest..highest) | of direct, median |\n|---|---:|---:|")
    for way, values in found.items():
        parts = [value / direct for value, direct in zip(values, found["direct"])]
        print(f"| {way} | {statistics.median(values) / 1e6:,.0f} ({min(values) / 1e6:,.0f}.."
              f"{max(values) / 1e6:,.0f}) | {100 * statistics.median(parts):.0f} % |")


if __name__ == "__main__":
    main()
