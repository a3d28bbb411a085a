# SPDX-License-Identifier: Apache-2.0
"""What is measured on a stage whose tunnel is up. Each measure gives named figures.

Names end in their unit: gbps (1e9 bits a second), s_per_gb (seconds for 1e9 bytes), us, ms, mib.
"""

import json
import math
import os
import re
import statistics
import sys
import time

from machine import Busy, process_cpu, process_memory
from stage import StageError

IPERF_PORT = 5201
FLOOD_PORT = 5999
ANSWER_SECONDS = 30  # beyond its own time that a measure may take

PING_COUNT = 200
PING_EVERY_SECONDS = 0.005
LOADED_PING_COUNT = 200
LOADED_PING_EVERY_SECONDS = 0.01
LOAD_BEFORE_SECONDS = 0.7  # until TCP has its window

LOSS_MAX = 0.01
SENT_MIN = 0.97  # of what was wanted; less says that the sender is at its end
RATE_FIRST = 30000
RATE_LEAST = 1000
RATE_MOST = 3000000
RATE_STEP = 1.6
RATE_EXACT = 1.05  # between the highest rate that held and the lowest that did not
TRIES = 2  # of a rate, since one hiccup is not its end

FORMATION_SECONDS = 20
SETTLED_SECONDS = 3  # an older node is done with its first announcements by then

MEMORY_EVERY_SECONDS = 10

# Enough to fill batches, little enough to lose nothing.
ORDER_BYTES = 200
ORDER_RATE = 40000
ORDER_SECONDS = 1
ORDER_FLOWS = 8


class Bench:
    """A stage, the peer on it, and how long to measure."""

    def __init__(self, stage, peer, seconds, congestion, flood):
        self.stage = stage
        self.peer = peer
        self.seconds = seconds
        self.congestion = congestion
        self.flood = flood

    def serve(self):
        """Starts what answers on every host."""
        for host in self.stage.hosts:
            host.start("iperf3", "-s", "-p", str(IPERF_PORT))
            host.start(self.flood, "count", str(FLOOD_PORT))
        for host in self.stage.hosts:
            self.stage.wait(lambda: f":{IPERF_PORT}" in host.run("ss", "-ltn"), "iperf3")
            self.stage.wait(lambda: f":{FLOOD_PORT}" in host.run("ss", "-lun"), "flood")

    def cpu(self):
        return sum(process_cpu(daemon.pid) for daemon in self.stage.daemons())

    def iperf_arguments(self, to, *arguments, seconds=None):
        return ["iperf3", "-c", self.peer.address(to), "-p", str(IPERF_PORT), "-J",
                "-t", str(seconds or self.seconds), "-C", self.congestion, *arguments]

    def iperf(self, start, to, *arguments, seconds=None):
        """Runs it; (bytes that arrived, bits a second, retransmitted segments)."""
        limit = (seconds or self.seconds) + ANSWER_SECONDS
        text = start.run(*self.iperf_arguments(to, *arguments, seconds=seconds), seconds=limit,
                         check=False)
        return read_iperf(text)


def read_iperf(text):
    try:
        end = json.loads(text)["end"]
        arrived = end["sum_received"]
        return arrived["bytes"], arrived["bits_per_second"], end["sum_sent"].get("retransmits", 0)
    except (ValueError, KeyError):
        raise StageError(f"iperf3: {text.strip()[-300:]}") from None


def tcp(bench, name, *arguments):
    """TCP from the first host to the second, and what the daemons and the machine spent on it."""
    one, other = bench.stage.hosts[:2]
    cpu, busy = bench.cpu(), Busy()
    arrived, rate, again = bench.iperf(one, other, *arguments)
    gigabytes = max(arrived, 1) / 1e9
    found = {f"{name}_gbps": rate / 1e9, f"{name}_retransmits": again,
             f"{name}_machine_s_per_gb": busy.read() / gigabytes}
    if bench.stage.daemons():
        found[f"{name}_s_per_gb"] = (bench.cpu() - cpu) / gigabytes
    return found


def echoes(bench, name, count, every):
    """Round trips of `count` pings."""
    one, other = bench.stage.hosts[:2]
    text = one.run("ping", "-n", "-c", str(count), "-i", str(every), "-W", "1",
                   bench.peer.address(other), seconds=count * every + ANSWER_SECONDS, check=False)
    times = sorted(float(ms) for ms in re.findall(r"time=([\d.]+)", text))
    if not times:
        raise StageError(f"no ping came back: {text.strip()[-200:]}")
    return {f"{name}_us": 1e3 * statistics.mean(times),
            f"{name}_p99_us": 1e3 * times[int(0.99 * (len(times) - 1))],
            f"{name}_lost": count - len(times)}


def ping(bench):
    return echoes(bench, "ping", PING_COUNT, PING_EVERY_SECONDS)


def loaded_ping(bench):
    """The same while one TCP stream fills the tunnel."""
    one, other = bench.stage.hosts[:2]
    # As long as the pings may take, for they take longer where the load leaves them no CPU; it is
    # ended when they are done. iperf3 takes whole seconds.
    pings = LOADED_PING_COUNT * LOADED_PING_EVERY_SECONDS + ANSWER_SECONDS
    load = one.start(*bench.iperf_arguments(other, seconds=math.ceil(LOAD_BEFORE_SECONDS + pings)))
    time.sleep(LOAD_BEFORE_SECONDS)
    try:
        found = echoes(bench, "pingload", LOADED_PING_COUNT, LOADED_PING_EVERY_SECONDS)
        if not load.runs():
            said = load.said().strip()[-200:]
            raise StageError(f"the load ended before the pings did: {said}")
        return found
    finally:
        load.stop()


def flood(bench, size, rate, seconds, start=None, to=None, flows=1):
    """One run of the flood; what it found, with the daemons' CPU seconds."""
    start, to = start or bench.stage.hosts[0], to or bench.stage.hosts[1]
    cpu = bench.cpu()
    found = json.loads(start.run(bench.flood, "send", bench.peer.address(to), str(FLOOD_PORT),
                                 str(size), str(int(rate)), str(seconds), str(flows),
                                 seconds=seconds + ANSWER_SECONDS))
    found["cpu"] = bench.cpu() - cpu
    found["loss"] = 1 - found["arrived"] / max(found["sent"], 1)
    return found


def udp(bench, size):
    """The highest rate with at most 1% loss, found by steps and then by halving."""
    name, seconds = f"udp{size}", max(0.4, min(1.0, bench.seconds / 5))

    def holds(rate):
        for _ in range(TRIES):
            try:
                found = flood(bench, size, rate, seconds)
            except StageError:
                bench.stage.check()
                continue  # so flooded that even the question was lost
            if found["loss"] <= LOSS_MAX and found["sent"] >= SENT_MIN * found["wanted"]:
                return found
        return None

    low, high, best = RATE_LEAST, RATE_MOST, None
    rate = RATE_FIRST
    while high / low > RATE_EXACT:
        found = holds(rate)
        if found:
            low, best = rate, found
        else:
            high = rate
        rate = min(rate * RATE_STEP, RATE_MOST) if high == RATE_MOST else (low * high) ** 0.5
    if not best:
        raise StageError(f"even {RATE_LEAST} packets a second are lost")
    figures = {f"{name}_pps": best["arrived"] / best["seconds"],
               f"{name}_disordered": best["disordered"]}
    if bench.stage.daemons():
        figures[f"{name}_cpu_us"] = 1e6 * best["cpu"] / best["arrived"]
    return figures


def memory(bench, when):
    """The larger of the daemons, each."""
    taken = [process_memory(daemon.pid) for daemon in bench.stage.daemons()]
    if not taken:
        return {}
    return {f"rss_{when}_mib": max(rss for rss, _ in taken),
            f"anonymous_{when}_mib": max(anonymous for _, anonymous in taken)}


def long_memory(bench, seconds):
    """Memory over minutes of load, and how much it grew after the first look."""
    one, other = bench.stage.hosts[:2]
    before = memory(bench, "x")
    load = one.start(*bench.iperf_arguments(other, seconds=seconds))
    highest = before
    while load.runs():
        time.sleep(MEMORY_EVERY_SECONDS)
        bench.stage.check()
        now = memory(bench, "x")
        highest = {key: max(highest[key], now[key]) for key in now}
    after = memory(bench, "x")
    _, rate, _ = read_iperf(load.said())
    return {"long_seconds": seconds, "long_gbps": rate / 1e9,
            "long_rss_mib": after["rss_x_mib"], "long_anonymous_mib": after["anonymous_x_mib"],
            "long_rss_highest_mib": highest["rss_x_mib"],
            "long_grown_mib": after["anonymous_x_mib"] - before["anonymous_x_mib"]}


def formation(stage, peer):
    """From the start of the later of two nodes to the first reply, found by mDNS alone."""
    older, newer = stage.hosts
    peer.prepare(stage)
    peer.start(older)
    stage.wait(lambda: peer.is_up(older), "the older node", FORMATION_SECONDS)
    time.sleep(SETTLED_SECONDS)
    probe = os.path.join(os.path.dirname(os.path.abspath(__file__)), "first_reply.py")
    watcher = newer.start(sys.executable, probe, older.inner, str(FORMATION_SECONDS))
    stage.wait(lambda: "ready" in watcher.said(), "the probe")
    began = time.monotonic_ns()
    peer.start(newer)
    while watcher.runs():
        time.sleep(0.05)
        stage.check()
    lines = watcher.said().split()
    if len(lines) != 2:
        raise StageError(f"no reply in {FORMATION_SECONDS} s; {stage.last_words()}")
    return {"formation_ms": (int(lines[1]) - began) / 1e6}


def streams(bench, *pairs):
    """Four streams between the hosts of each pair, all at once; what iperf3 says of each pair."""
    loads = [start.start(*bench.iperf_arguments(to, "-P", "4")) for start, to in pairs]
    end = time.monotonic() + bench.seconds + ANSWER_SECONDS
    while any(load.runs() for load in loads) and time.monotonic() < end:
        time.sleep(0.05)
        bench.stage.check()
    return [read_iperf(load.stop()) for load in loads]


def lanes(bench, name):
    """Streams into and out of the middle of three hosts at once, and the order of packets."""
    first, middle, last = bench.stage.hosts
    cpu = bench.cpu()
    results = streams(bench, (first, middle), (middle, last))
    gigabytes = sum(arrived for arrived, _, _ in results) / 1e9
    found = {f"{name}_gbps": sum(rate for _, rate, _ in results) / 1e9,
             f"{name}_retransmits": sum(again for _, _, again in results),
             f"{name}_s_per_gb": (bench.cpu() - cpu) / max(gigabytes, 1e-9)}
    found[f"{name}_disordered"] = disordered(bench, (first, middle), (middle, last))
    if bench.peer.passes_on:
        for setting in ("ip_forward=1", "conf.all.send_redirects=0"):
            middle.run("sysctl", "-qw", f"net.ipv4.{setting}")
        ((_, rate, _),) = streams(bench, (first, last))
        found[f"{name}_through_gbps"] = rate / 1e9
        found[f"{name}_through_disordered"] = disordered(bench, (first, last))
    return found


def disordered(bench, *pairs):
    """How many packets came after a later one of their flow."""
    return sum(
        flood(bench, ORDER_BYTES, ORDER_RATE, ORDER_SECONDS, start, to, ORDER_FLOWS)["disordered"]
        for start, to in pairs)
