#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what `make bench-ledger ARGS="flat 3650"` printed: disk of a ledger against time.

    Benchmarks/ledger_disk.py FILE --svg docs/ledger.svg

FILE has the table. Beside it stands what EdgeVPN's ledger takes on the disk of each node in a
network of as many members, 0.55 MB a day times the square of their number: measured on its own
code, at its pace of publishing, with its ownership mode on.
"""

import argparse
import sys
from pathlib import Path

from plot import Plot

MEMBERS = 100
EDGEVPN = 0.55e6 * MEMBERS**2 / 1024  # KiB a day
DAYS = {1: "1", 7: "7", 30: "30", 365: "365", 3_650: "3,650"}
SIZES = {100: "100 KiB", 100 << 10: "100 MiB", 100 << 20: "100 GiB", 100 << 30: "100 TiB"}


def rows(text):
    """Day and KiB of the file, of each line of the table."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if len(cells) == 6 and cells[0].isdigit():
            found.append((int(cells[0]), int(cells[3])))
    return found


def draw(measured):
    plot = Plot((1, 4_000), (10, 1e11), DAYS, SIZES)
    plot.limit([(day, EDGEVPN * day) for day in (1, 3_650)])
    plot.curve(measured, "#036")
    return plot.picture(
        f"file of a node, of {MEMBERS} members and 10 % new ones a day; EdgeVPN's (dashed)", "days"
    )


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
