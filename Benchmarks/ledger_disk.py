#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what `make bench-ledger ARGS="flat 3650"` printed: disk of a ledger against time.

    Benchmarks/ledger_disk.py FILE --svg docs/ledger.svg

FILE has the table. Beside it stands what EdgeVPN's ledger takes on the disk of each node in a
network of as many members, 0.55 MB a day times the square of their number: measured on its own
code, at its pace of publishing, with its ownership mode on.
"""

import argparse
import math
import sys
from pathlib import Path

MEMBERS = 100
EDGEVPN = 0.55e6 * MEMBERS**2 / 1024  # KiB a day
DAYS, SIZES = (1, 4_000), (10, 1e11)  # what the axes reach
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 380, 80, 50, 30, 20
NAMES = {100: "100 KiB", 100 << 10: "100 MiB", 100 << 20: "100 GiB", 100 << 30: "100 TiB"}


def rows(text):
    """Day and KiB of the file, of each line of the table."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if len(cells) == 6 and cells[0].isdigit():
            found.append((int(cells[0]), int(cells[3])))
    return found


def place(day, size):
    def part(value, ends):
        low, high = (math.log10(end) for end in ends)
        return (math.log10(value) - low) / (high - low)

    x = LEFT + part(day, DAYS) * (WIDTH - LEFT - RIGHT)
    y = HEIGHT - BOTTOM - part(size, SIZES) * (HEIGHT - BOTTOM - TOP)
    return f"{x:.1f}", f"{y:.1f}"


def line(points, style):
    path = " ".join(",".join(place(*point)) for point in points)
    return f'<polyline points="{path}" fill="none" {style}/>'


def text(x, y, words, anchor="middle"):
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{words}</text>'


def draw(measured):
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for day, name in ((1, "1"), (7, "7"), (30, "30"), (365, "365"), (3_650, "3,650")):
        x, _ = place(day, SIZES[0])
        parts.append(line([(day, SIZES[0]), (day, SIZES[1])], 'stroke="#ddd"'))
        parts.append(text(x, HEIGHT - BOTTOM + 18, name))
    for size, name in NAMES.items():
        _, y = place(DAYS[0], size)
        parts.append(line([(DAYS[0], size), (DAYS[1], size)], 'stroke="#ddd"'))
        parts.append(text(LEFT - 8, float(y) + 4, name, "end"))
    theirs = [(day, EDGEVPN * day) for day in (1, 3_650)]
    parts.append(line(theirs, 'stroke="#c33" stroke-dasharray="5 4"'))
    parts.append(line(measured, 'stroke="#036"'))
    for day, size in measured:
        x, y = place(day, size)
        parts.append(f'<circle cx="{x}" cy="{y}" r="3" fill="#036"/>')
    words = f"file of a node, of {MEMBERS} members and 10 % new ones a day; EdgeVPN's (dashed)"
    parts += [
        text(WIDTH / 2, HEIGHT - 10, "days"),
        text(LEFT, 18, words, "start"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--svg", type=Path, required=True)
    given = parser.parse_args()
    measured = rows(given.file.read_text(encoding="utf-8"))
    if not measured:
        sys.exit(f"{given.file} has no table of `flat`")
    given.svg.write_text(draw(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
