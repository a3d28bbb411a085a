#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Simulates idle networks of several sizes and says what a node of each sends and receives.

    Benchmarks/traffic.py [--nodes 10,30,100,300,1000] [--hours 2] [--settled]
                          [--svg docs/traffic.svg]

One line of a table a size, and with --svg a plot. Traffic is of one node, both directions with IP
and UDP headers, without the DHT. With --settled the nodes know each other when the hours begin:
that 10,000 get to know each other takes too long. Everything is computed (`netron simulate`):
nothing is sent, and the figures are the same on every machine.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NETRON = os.environ.get("NETRON", str(ROOT / ".build/release/netron"))
BUDGET = [(2, 125), (100, 125), (100, 4096), (20_000, 4096)]  # bytes a second, by nodes
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 380, 70, 50, 20, 20
NODES, BYTES = (5, 20_000), (30, 10_000)  # what the axes reach


def simulate(nodes, hours, settled):
    command = [NETRON, "simulate", "--nodes", str(nodes), "--hours", str(hours), "--json"]
    if settled:
        command.append("--settled")
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


def place(nodes, rate):
    def part(value, ends):
        low, high = (math.log10(end) for end in ends)
        return (math.log10(value) - low) / (high - low)

    x = LEFT + part(nodes, NODES) * (WIDTH - LEFT - RIGHT)
    y = HEIGHT - BOTTOM - part(rate, BYTES) * (HEIGHT - BOTTOM - TOP)
    return f"{x:.1f}", f"{y:.1f}"


def line(points, style):
    path = " ".join(",".join(place(max(n, NODES[0]), rate)) for n, rate in points)
    return f'<polyline points="{path}" fill="none" {style}/>'


def text(x, y, words, anchor="middle"):
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{words}</text>'


def draw(measured):
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for nodes in (10, 100, 1000, 10_000):
        x, _ = place(nodes, BYTES[0])
        parts.append(line([(nodes, BYTES[0]), (nodes, BYTES[1])], 'stroke="#ddd"'))
        parts.append(text(x, HEIGHT - BOTTOM + 18, f"{nodes:,}"))
    for rate in (100, 1000, 10_000):
        _, y = place(NODES[0], rate)
        parts.append(line([(NODES[0], rate), (NODES[1], rate)], 'stroke="#ddd"'))
        parts.append(text(LEFT - 8, float(y) + 4, f"{rate:,}", "end"))
    parts.append(line(BUDGET, 'stroke="#c33" stroke-dasharray="5 4"'))
    for key, colour in (("p99", "#9bd"), ("mean", "#036")):
        parts.append(line([(n, row[key]) for n, row in measured], f'stroke="{colour}"'))
        for nodes, row in measured:
            x, y = place(nodes, row[key])
            parts.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>')
    parts += [
        text(WIDTH / 2, HEIGHT - 10, "members of the network"),
        text(LEFT, 14, "bytes a second of an idle node: mean, 99th percentile, budget (dashed)",
             "start"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--nodes", default="10,30,100,300,1000")
    parser.add_argument("--hours", type=float, default=2)
    parser.add_argument("--settled", action="store_true")
    parser.add_argument("--svg", type=Path)
    given = parser.parse_args()
    measured = []
    print("| members | mean B/s | p99 B/s | handshakes | keepalives | messages | simulated in |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for nodes in (int(word) for word in given.nodes.split(",")):
        report = simulate(nodes, given.hours, given.settled)
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
