# SPDX-License-Identifier: Apache-2.0
"""Tables of what was measured: medians of the rounds, with the lowest and highest."""

import statistics
from collections import Counter

from targets import TARGETS, WIRED, judge

# (title, figure, factor, decimals)
COLUMNS = {
    "Throughput": [
        ("TCP 1 Gb/s", "tcp1_gbps", 1, 2), ("reverse", "tcp1r_gbps", 1, 2),
        ("TCP 4 Gb/s", "tcp4_gbps", 1, 2), ("daemons s/GB", "tcp1_s_per_gb", 1, 2),
        ("machine s/GB", "tcp1_machine_s_per_gb", 1, 2),
    ],
    "Packets and delay": [
        ("64 B kpps", "udp64_pps", 1e-3, 0), ("us/packet", "udp64_cpu_us", 1, 1),
        ("ping us", "ping_us", 1, 0), ("p99", "ping_p99_us", 1, 0),
        ("loaded us", "pingload_us", 1, 0), ("p99", "pingload_p99_us", 1, 0),
    ],
    "Memory": [
        ("RSS idle MiB", "rss_idle_mib", 1, 1), ("RssAnon", "anonymous_idle_mib", 1, 1),
        ("RSS after", "rss_after_mib", 1, 1), ("RssAnon", "anonymous_after_mib", 1, 1),
        ("long RSS", "long_rss_mib", 1, 1), ("RssAnon", "long_anonymous_mib", 1, 1),
        ("grown", "long_grown_mib", 1, 2),
    ],
    "Three hosts, and the first ping": [
        ("1 lane Gb/s", "lanes1_gbps", 1, 2), ("4 lanes Gb/s", "lanes4_gbps", 1, 2),
        ("through, 1 lane", "lanes1_through_gbps", 1, 2),
        ("through, 4", "lanes4_through_gbps", 1, 2),
        ("1 lane s/GB", "lanes1_s_per_gb", 1, 2), ("4 lanes s/GB", "lanes4_s_per_gb", 1, 2),
        ("disordered", "lanes4_disordered", 1, 0),
        ("through", "lanes4_through_disordered", 1, 0), ("first ping ms", "formation_ms", 1, 0),
    ],
}
WIRES = ("", WIRED)


def figures_of(rounds):
    """{figure: its values}; of a disturbed measure only where there is no undisturbed one."""
    kept = {}
    for found in rounds:
        for name, value in found.get("figures", {}).items():
            if isinstance(value, (int, float)):
                clean = name.partition("_")[0] not in found.get("disturbed", ())
                kept.setdefault(name, []).append((clean, value))
    return {name: [v for clean, v in values if clean] or [v for _, v in values]
            for name, values in kept.items()}


def medians_of(document, wire):
    """{peer: {figure: median}} of one kind of underlay."""
    medians = {}
    for name, case in document["peers"].items():
        rounds = case["rounds"].get(wire, [])
        medians[name] = {key: statistics.median(values)
                         for key, values in figures_of(rounds).items()}
        ciphers = [found["figures"]["cipher"] for found in rounds
                   if "cipher" in found.get("figures", {})]
        if ciphers:
            medians[name]["cipher"] = ciphers[-1]
    return medians


def cell(values, factor, decimals):
    if not values:
        return "-"
    low, middle, high = (factor * pick(values) for pick in (min, statistics.median, max))
    text = f"{middle:.{decimals}f}"
    spread = f"{low:.{decimals}f}..{high:.{decimals}f}"
    return text if len(values) == 1 or low == high else f"{text} ({spread})"


def tables(document):
    """[(title, rows)] of everything that has figures."""
    made = []
    for wire in WIRES:
        for title, columns in COLUMNS.items():
            found = {name: figures_of(case["rounds"].get(wire, []))
                     for name, case in document["peers"].items()}
            used = [column for column in columns
                    if any(column[1] in figures for figures in found.values())]
            rows = [[name] + [cell(figures.get(key), factor, decimals)
                              for _, key, factor, decimals in used]
                    for name, figures in found.items() if any(c[1] in figures for c in used)]
            if rows:
                head = ["peer"] + [column[0] for column in used]
                made.append((f"{title}, {wire}" if wire else title, [head, *rows]))
    return made


def number(value, unit):
    return f"{value:.2f}x" if unit == "x" else f"{value:.4g} {unit}"


def target_rows(document):
    """What Netron, or the core alone, reached of each target."""
    debian = [name for name, case in document["peers"].items() if case["debian"]]
    medians = {wire: medians_of(document, wire) for wire in WIRES}
    rows = []
    for subject, case in document["peers"].items():
        if not case["ours"]:
            continue
        for target in TARGETS:
            verdict = judge(target, subject, medians[target.wire], debian)
            if verdict is None:
                continue
            reached, against, enough = verdict
            at_least = target.least is not None
            bound = target.least if at_least else target.most
            wanted = f"{'>=' if at_least else '<='} {number(bound, target.unit)}"
            rows.append([subject, target.text, against or "-", wanted,
                         number(reached, target.unit), "yes" if enough else "no"])
    return [["of", "what", "against", "target", "reached", "enough"], *rows] if rows else []


def all_tables(document):
    made = tables(document)
    rows = target_rows(document)
    return made + ([("Targets", rows)] if rows else [])


def remarks_of(at, rounds):
    """Of one peer on one underlay: what was disturbed, and what went wrong."""
    disturbed = Counter(test for found in rounds for test in found.get("disturbed", ()))
    if disturbed:
        tests = ", ".join(f"{test} ({times})" for test, times in disturbed.items())
        yield f"{at}: others used the CPU, in so many of {len(rounds)} rounds: {tests}"
    for index, found in enumerate(rounds, 1):
        for test, error in found.get("errors", {}).items():
            yield f"{at}, round {index}: {test}: {error[:300]}"


def notes(document):
    """What to know when reading: disturbances, errors, who was left out."""
    lines, stolen = [], []
    for name, case in document["peers"].items():
        for wire, rounds in case["rounds"].items():
            lines += remarks_of(f"{name}, {wire}" if wire else name, rounds)
            stolen += [found["stolen_percent"] for found in rounds]
    if stolen:
        lines.append(f"time stolen by the host: {max(stolen):.1f}% in the worst round")
    return lines + document["left_out"]


def as_text(document):
    """For a terminal."""
    lines = []
    for title, rows in all_tables(document):
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines += ["", title]
        for row in rows:
            lines.append("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
    remarks = notes(document)
    return "\n".join(lines + ([""] + remarks if remarks else []))


def as_markdown(document):
    """For docs/benchmarks.md."""
    machine, settings = document["machine"], document["settings"]
    lines = [f"{machine['cpus']} CPUs, {machine['processor']}, Linux {machine['kernel']}; "
             f"underlay MTU {settings['mtu']}, {settings['congestion']}, "
             f"{settings['rounds']} rounds, {settings['seconds']} s a TCP test, "
             f"{document['date'][:10]}. Medians, with (lowest..highest).", ""]
    lines += ["| peer | version | how it is set up |", "|---|---|---|"]
    for name, case in document["peers"].items():
        lines.append(f"| {name} | {case['version'] or '-'} | {case['notes']} |")
    for title, rows in all_tables(document):
        lines += ["", f"### {title}", "", "| " + " | ".join(rows[0]) + " |",
                  "|" + "---|" * len(rows[0])]
        lines += ["| " + " | ".join(row) + " |" for row in rows[1:]]
    remarks = notes(document)
    if remarks:
        lines += [""] + [f"- {remark}" for remark in remarks]
    return "\n".join(lines)
