# SPDX-License-Identifier: Apache-2.0
"""What Netron is to reach, in one table, and whether it did."""

from dataclasses import dataclass

BEST = "best of Debian 12"
NEW = "wireguard-go-new"
RELAY = "relay of its cipher"
ALONE = "itself"

WIRED = "plain wire"  # the underlay without offloads


@dataclass(frozen=True)
class Target:
    """`figure` against the same of `against`, or against `other`, another figure of its own."""

    text: str
    figure: str
    against: str
    least: float = None  # of the ratio, or of the figure itself
    most: float = None
    wire: str = ""
    other: str = None
    unit: str = "x"


TARGETS = [
    Target("TCP, 1 stream", "tcp1_gbps", BEST, least=5.5),
    Target("TCP, 4 streams", "tcp4_gbps", BEST, least=5.5),
    Target("TCP, 1 stream", "tcp1_gbps", NEW, least=1.8),
    Target("TCP, 4 streams", "tcp4_gbps", NEW, least=1.8),
    Target("TCP, 1 stream", "tcp1_gbps", RELAY, least=0.85),
    Target("TCP, 4 streams", "tcp4_gbps", RELAY, least=0.85),
    Target("TCP, plain wire", "tcp1_gbps", BEST, least=2.5, wire=WIRED),
    Target("TCP, plain wire", "tcp1_gbps", RELAY, least=0.85, wire=WIRED),
    Target("packets a second, 64 bytes", "udp64_pps", RELAY, least=0.8),
    Target("CPU a packet, 64 bytes", "udp64_cpu_us", RELAY, most=1.3),
    Target("CPU seconds a gigabyte", "tcp1_s_per_gb", BEST, most=0.2),
    Target("ping, idle", "ping_us", RELAY, most=1.25),
    Target("ping, under load", "pingload_us", RELAY, most=1.3),
    Target("4 lanes to 1, middle of three", "lanes4_gbps", ALONE, least=0.8, other="lanes1_gbps"),
    Target("disordered with 4 lanes", "lanes4_disordered", ALONE, most=0, unit="packets"),
    Target("too old with 4 lanes", "lanes4_dropped_replayed", ALONE, most=0, unit="packets"),
    Target("RssAnon at start", "anonymous_idle_mib", ALONE, most=8, unit="MiB"),
    Target("RSS at start", "rss_idle_mib", ALONE, most=24, unit="MiB"),
    Target("RssAnon after minutes of load", "long_anonymous_mib", ALONE, most=8, unit="MiB"),
    Target("RSS after minutes of load", "long_rss_mib", ALONE, most=24, unit="MiB"),
    Target("RssAnon grown by then", "long_grown_mib", ALONE, most=1, unit="MiB"),
    Target("first ping on a LAN", "formation_ms", ALONE, most=1000, unit="ms"),
]


def opponent(target, subject, medians, debian):
    """(who, its figure) that a subject's is measured against, or None if it was not measured."""
    if target.against == ALONE:
        figure = medians[subject].get(target.other) if target.other else None
        return ("1 lane", figure) if figure else None
    if target.against == RELAY:
        who = [f"relay:{medians[subject].get('cipher')}"]
    else:
        who = [NEW] if target.against == NEW else debian
    figures = [(name, medians[name][target.figure]) for name in who
               if target.figure in medians.get(name, {})]
    choose = max if target.least is not None else min
    return choose(figures, key=lambda pair: pair[1], default=None)


def judge(target, subject, medians, debian):
    """(what was reached, against whom, whether it is enough), or None without the figures."""
    own = medians.get(subject, {}).get(target.figure)
    if own is None:
        return None
    against = ""
    if target.against != ALONE or target.other:
        found = opponent(target, subject, medians, debian)
        if not found or not found[1]:
            return None
        against, figure = found
        own /= figure
    enough = own >= target.least if target.least is not None else own <= target.most
    return own, against, enough
