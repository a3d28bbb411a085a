#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Simulates idle networks of several sizes and says what a node of each sends and receives.

    Benchmarks/traffic.py [--nodes 10,30,100,300,1000] [--hours 2] [--settled]
                          [--records] [--svg docs/traffic.svg]

One line of a table a size, and with --svg a plot. Traffic is of one node, both directions with IP
and UDP headers, without the DHT. With --settled the nodes know each other when the hours begin:
that 10,000 get to know each other takes too long. With --records each has an address, and one in
ten a service in the ledger. Everything is computed (`netron simulate`):
nothing is sent, and the figures are the same on every machine.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from plot import Plot

ROOT = Path(__file__).resolve().parents[1]
NETRON = os.environ.get("NETRON", str(ROOT / ".build/release/netron"))
BUDGET = [(2, 125), (100, 125), (100, 4096), (20_000, 4096)]  # bytes a second, by nodes
NODES, BYTES = (5, 20_000), (30, 10_000)  # what the axes reach


def simulate(nodes, hours, flags):
    command = [NETRON, "simulate", "--nodes", str(nodes), "--hours", str(hours), "--json"]
    command += flags
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"netron simulate --nodes {nodes}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def figures(report):
    """Means of all rows but the first, in which the nodes still get to know each other."""
    rows = report["rows"][1:] or report["rows"]

    def mean(value):
        return sum(value(row) for row in rows) / len(rows)

    kinds = "traffic_by_kind_bytes_per_s"
    return {
        "mean": mean(lambda row: row["traffic_mean_bytes_per_s"]),
        "p99": mean(lambda row: row["traffic_p99_bytes_per_s"]),
        "handshakes": mean(lambda row: row[kinds]["handshake"]),
        "keepalives": mean(lambda row: row[kinds]["keepalive"]),
        "messages": mean(lambda row: row[kinds]["control"]),
    }


def draw(measured):
    names = [{value: f"{value:,}" for value in values}
             for values in ((10, 100, 1000, 10_000), (100, 1000, 10_000))]
    plot = Plot(NODES, BYTES, *names)
    plot.limit([(max(nodes, NODES[0]), rate) for nodes, rate in BUDGET])
    for key, colour in (("p99", "#9bd"), ("mean", "#036")):
        plot.curve([(nodes, row[key]) for nodes, row in measured], colour)
    return plot.picture(
        "bytes a second of an idle node: mean, 99th percentile, budget (dashed)",
        "members of the network",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--nodes", default="10,30,100,300,1000")
    parser.add_argument("--hours", type=float, default=2)
    parser.add_argument("--settled", action="store_true")
    parser.add_argument("--records", action="store_true")
    parser.add_argument("--svg", type=Path)
    given = parser.parse_args()
    measured = []
    print("| members | mean B/s | p99 B/s | handshakes | keepalives | messages | simulated in |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for nodes in (int(word) for word in given.nodes.split(",")):
        flags = [f"--{name}" for name in ("settled", "records") if getattr(given, name)]
        report = simulate(nodes, given.hours, flags)
        if report["failure"]:
            sys.exit(f"{nodes} nodes: {report['failure']}")
        row = figures(report)
        measured.append((nodes, row))
        cells = [f"{value:.0f}" for value in row.values()] + [f"{report['wall_s']:.0f} s"]
        print(f"| {nodes:,} | " + " | ".join(cells) + " |", flush=True)
    if given.svg:
        given.svg.write_text(draw(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
