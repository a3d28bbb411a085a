#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints how two members reach each other, by what stands before each of them.

    hub (public, dual-stack, UDP and TCP) ---+
    what stands before ada ---------- ada ---+--- net (a router; no multicast passes)
    what stands before bob ---------- bob ---+

Only hub is named, by --peer. A cell tells the path that the pair comes to rest on, how long its
first ping took from when both knew each other, and after how long the path stood. The rule that
says which pairs can be direct is `wanted`; a cell that breaks it ends with `!`, and so does the
run, by exit code 1. Two of the kind "same" are behind one restricted gate, without hairpin; one
beside another kind has such a gate of its own. Needs root, nftables, miniupnpd and `make build`.
"""

import argparse
import itertools
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # root leaves no files in the source tree

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "Tests", "Namespaces"))

from dht_lab import Internet  # noqa: E402
from lab import Lab, until  # noqa: E402
from node import NETRON, PORT, Node, environment, meet  # noqa: E402
from router_lab import Router  # noqa: E402

KINDS = (
    "public", "forwarded", "restricted", "same", "symmetric", "double", "upnp", "pcp", "v6",
    "blocked",
)
SETTLE_SECONDS = 20
KNOW_SECONDS = 60
NO_UDP = """
table inet blocked {
    chain in {
        type filter hook input priority 0
        iifname { lo, netron0 } accept
        meta l4proto udp drop
        tcp dport 7000 ct state new drop
    }
    chain out {
        type filter hook output priority 0
        oifname { lo, netron0 } accept
        meta l4proto udp drop
    }
}
"""
INNER_GATE = """
table ip inner {
    chain out { type nat hook postrouting priority srcnat; oifname "%s" masquerade; }
    chain in { type nat hook prerouting priority dstnat; }
    chain pass { type filter hook forward priority filter; iifname "%s" ct state new drop; }
}
"""


def wanted(one, other):
    """The path that a pair has in the end."""
    kinds = {one, other}
    if "blocked" in kinds:
        return "tcp" if "public" in kinds else "relayed"
    if "v6" in kinds:
        return "direct" if kinds <= {"v6", "public"} else "relayed"
    return "relayed" if kinds == {"symmetric"} else "direct"


def behind_two(internet, name):
    """A host behind two gates, of which each hides it and lets in answers alone."""
    gate, inner = internet.home(f"{name}-in")
    inner.sysctl("net.ipv4.ip_forward", 1)
    outer = inner.device_to(gate.name)
    inner.nft(INNER_GATE % (outer, outer))
    host = internet.lab.host(name)
    internet.lab.join(host, "172.16.0.2/24", inner, "172.16.0.1/24")
    host.ip("route add default via 172.16.0.1")
    return host


def place(internet, name, kind):
    """A host of that kind."""
    if kind in ("public", "v6", "blocked"):
        host = internet.host(name)
        if kind == "v6":
            host.ip(f"-4 address flush dev {host.device_to('net')}")
        if kind == "blocked":
            host.nft(NO_UDP)
        return host
    if kind == "double":
        return behind_two(internet, name)
    if kind in ("upnp", "pcp"):
        return Router(internet, name, {"upnp": "UPnP", "pcp": "PCP"}[kind]).start().host
    gate, host = internet.home(
        name, translation="masquerade random" if kind == "symmetric" else "masquerade")
    if kind == "forwarded":
        internet.forward(gate, PORT)
    return host


def places(internet, kinds):
    """The hosts of a pair."""
    if kinds == ("same", "same"):
        return internet.home("ada", "bob")[1:]
    return [place(internet, name, kind) for name, kind in zip(("ada", "bob"), kinds)]


def start(internet, token, kinds):
    hub = Node(internet.host("hub"), token, "10.1.0.1/24", more=["--no-dht"]).start()
    ways = [f"{internet.address['hub']}:{PORT}", f"[{internet.address6['hub']}]:{PORT}"]
    pair = [
        Node(host, token, f"10.1.0.{n}/24", more=["--no-dht"],
             peers=ways[1:] if kind == "v6" else ways[:1]).start()
        for n, (host, kind) in enumerate(zip(places(internet, kinds), kinds), 11)
    ]
    for one, other in itertools.permutations([hub, *pair], 2):
        until(lambda: one.peer(other) is not None, f"{one.name} knows {other.name}", KNOW_SECONDS)
    return pair


def cell(token, kinds):
    lab = Lab()
    try:
        ada, bob = start(Internet(lab), token, kinds)
        begun = time.monotonic()
        ada.host.ping(bob.address, "-W", "0.2")
        first = time.monotonic() - begun
        path = settled = None
        while time.monotonic() - begun < SETTLE_SECONDS and path != wanted(*kinds):
            ada.host.pings(bob.address, "2")
            path, settled = ada.peer(bob)["path"], time.monotonic() - begun
        mark = "" if path == wanted(*kinds) else " !"
        return f"{path} {first:.2f}/{settled:.2f}{mark}"
    except AssertionError as error:
        print(error, file=sys.stderr)
        return "none !"
    finally:
        lab.close()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", "--kinds", default=",".join(KINDS), help="default: %(default)s")
    parser.add_argument("-o", "--only", help="the cells of this kind alone")
    options = parser.parse_args()
    kinds = options.kinds.split(",")
    made = subprocess.run([NETRON, "-g", "-b"], env=environment(), check=True, capture_output=True)
    token = made.stdout.decode().strip()
    print("Seconds to the first ping / until the path stands.\n")
    print("| | " + " | ".join(kinds) + " |\n|---" + "|---" * len(kinds) + "|", flush=True)
    broken = False
    for row, one in enumerate(kinds):
        cells = ["" for _ in kinds[:row]] + [
            cell(token, (one, other)) if options.only in (None, one, other) else ""
            for other in kinds[row:]
        ]
        broken = broken or any(text.endswith("!") for text in cells)
        print(f"| {one} | " + " | ".join(cells) + " |", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
