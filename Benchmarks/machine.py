# SPDX-License-Identifier: Apache-2.0
"""What the machine and its processes did, as /proc tells it."""

import os
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
KERNEL_THREADS = 2  # the process whose children they are
QUIET_SHARE = 0.05  # of one CPU, used by others
QUIET_LOOK_SECONDS = 1


def _stat(pid):
    """The fields of /proc/PID/stat after the command's name, or None without such a process."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def process_cpu(pid):
    """Seconds of user and system time of all threads of a process."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND if fields else 0.0


def process_memory(pid):
    """MiB that are resident, and how much of that is anonymous."""
    found = {"VmRSS": 0, "RssAnon": 0}
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key in found:
                    found[key] = int(value.split()[0]) / 1024
    except OSError:
        pass
    return found["VmRSS"], found["RssAnon"]


def _others():
    """Ticks of all processes but this run's and the kernel's, with those of children that ended.

    What an ended process used moves to its parent, so the sum never falls behind."""
    parents, ticks = {}, {}
    for name in os.listdir("/proc"):
        fields = _stat(name) if name.isdigit() else None
        if fields:
            parents[int(name)] = int(fields[1])
            ticks[int(name)] = sum(map(int, fields[11:15]))
    return sum(used for pid, used in ticks.items() if not _is_ours(pid, parents))


def _is_ours(pid, parents):
    own = os.getpid()
    while pid not in (0, 1, own, KERNEL_THREADS):
        pid = parents.get(pid, 0)
    return pid in (own, KERNEL_THREADS)


def _whole():
    """Ticks of all CPUs: busy, stolen by the host, and all."""
    with open("/proc/stat") as file:
        ticks = [int(field) for field in file.readline().split()[1:9]]
    user, nice, system, idle, iowait, hard, soft, stolen = ticks
    return user + nice + system + hard + soft, stolen, sum(ticks)


class Watch:
    """What others did to the machine since it was made."""

    def __init__(self):
        self.began = time.monotonic()
        self.whole = _whole()
        self.others = _others()

    def read(self):
        """(CPUs that processes other than this run's used, percent of time stolen by the host)."""
        seconds = max(time.monotonic() - self.began, 1e-3)
        used = max(0, _others() - self.others) / TICKS_PER_SECOND
        _, stolen, whole = (after - before for before, after in zip(self.whole, _whole()))
        return min(used / seconds, os.cpu_count()), 100 * stolen / max(whole, 1)


def wait_until_quiet(limit_seconds):
    """Waits until others use next to nothing, `limit_seconds` at most."""
    end = time.monotonic() + limit_seconds
    while time.monotonic() < end:
        watch = Watch()
        time.sleep(QUIET_LOOK_SECONDS)
        if watch.read()[0] <= QUIET_SHARE:
            return True
    return limit_seconds == 0


class Busy:
    """CPU seconds of the whole machine since it was made."""

    def __init__(self):
        self.before = _whole()[0]

    def read(self):
        return (_whole()[0] - self.before) / TICKS_PER_SECOND


def describe():
    """What a table of figures means little without."""
    model = "unknown processor"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    kernel = os.uname()
    return {"processor": model, "cpus": os.cpu_count(), "kernel": kernel.release}
