# SPDX-License-Identifier: Apache-2.0
"""Hosts in network namespaces, joined by veth pairs, and the processes that run in them.

    a 10.99.1.1 ------ 10.99.1.2 b 10.99.2.2 ------ 10.99.2.3 c      (c only where it is asked for)

Inner addresses are 10.88.0.1 to 10.88.0.3. All that a stage makes has its own name, and goes when
the stage is left, whatever happened on it.
"""

import atexit
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time

PREFIX = "nfbench"
STOP_SECONDS = 3
COMMAND_SECONDS = 30
OUTPUT_SHOWN = 600  # characters of what a process said, in an error
PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class StageError(Exception):
    """What went wrong on a stage, in a sentence."""


def find(program):
    """The path of a program, or None."""
    return shutil.which(program, path=PATH)


def outside(*argv, input=None, cwd=None):
    """Runs a command outside the namespaces; its output."""
    done = subprocess.run(argv, input=input, cwd=cwd, capture_output=True, text=True,
                          timeout=COMMAND_SECONDS, env={**os.environ, "PATH": PATH})
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-OUTPUT_SHOWN:]
        raise StageError(f"{' '.join(argv[:3])}: {said}")
    return done.stdout


def _end_with_us():
    """Even when this run is killed without a chance to clean up, what it started ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """One program on a host, with what it says in a file."""

    def __init__(self, host, argv, log, env):
        self.host = host
        self.log = log
        with open(log, "wb") as file:
            self.popen = subprocess.Popen(
                host.inside(argv), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                env={**os.environ, "PATH": PATH, **env}, cwd=host.stage.folder,
                start_new_session=True, preexec_fn=_end_with_us)

    @property
    def pid(self):
        return self.popen.pid  # `ip netns exec` becomes the program

    def said(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def runs(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.runs():
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                pass

    def stop(self):
        """Ends it; what it said."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.signal(number)
            try:
                self.popen.wait(STOP_SECONDS)
                break
            except subprocess.TimeoutExpired:
                pass
        return self.said()


class Host:
    """One namespace."""

    def __init__(self, stage, name):
        self.stage = stage
        self.name = name
        self.number = "abc".index(name) + 1
        self.namespace = f"{PREFIX}-{os.getpid()}-{name}"
        self.inner = f"10.88.0.{self.number}"
        self.daemons = []  # the processes whose CPU and memory are measured

    def outer(self, other):
        """The own address on the link to another host."""
        link = min(self.number, other.number)
        return f"10.99.{link}.{self.number}"

    def inside(self, argv):
        return ["ip", "netns", "exec", self.namespace, *argv]

    def run(self, *argv, seconds=COMMAND_SECONDS, check=True):
        """Runs a command to its end; its output."""
        try:
            done = subprocess.run(self.inside(argv), capture_output=True, text=True,
                                  timeout=seconds, preexec_fn=_end_with_us,
                                  env={**os.environ, "PATH": PATH})
        except subprocess.TimeoutExpired:
            raise StageError(f"{argv[0]} took longer than {seconds} s") from None
        if check and done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip())[-OUTPUT_SHOWN:]
            raise StageError(f"{' '.join(argv[:4])} on {self.name}: {said}")
        return done.stdout

    def start(self, *argv, daemon=False, env=None):
        """Starts a program; a daemon is one that is measured."""
        stage = self.stage
        log = os.path.join(stage.folder, f"{self.name}-{len(stage.processes)}.log")
        process = Process(self, list(argv), log, env or {})
        stage.processes.append(process)
        if daemon:
            self.daemons.append(process)
        return process

    def folder(self, name):
        """A folder of its own, made when it is not there."""
        path = os.path.join(self.stage.folder, f"{name}-{self.name}")
        os.makedirs(path, mode=0o700, exist_ok=True)
        return path

    def has_interface(self, name):
        return bool(self.run("ip", "-o", "link", "show", name, check=False))


class Stage:
    """Use with `with`."""

    def __init__(self, names="ab", mtu=1500, offloads=True):
        self.mtu = mtu
        self.offloads = offloads
        self.names = names
        self.hosts = []
        self.processes = []
        self.folder = None

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix=f"{PREFIX}-")
        atexit.register(self.close)
        try:
            for name in self.names:
                host = Host(self, name)
                outside("ip", "netns", "add", host.namespace)
                self.hosts.append(host)
                host.run("ip", "link", "set", "lo", "up")
            for one, other in zip(self.hosts, self.hosts[1:]):
                self._join(one, other)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _join(self, one, other):
        ends = ((one, other, f"to-{other.name}"), (other, one, f"to-{one.name}"))
        outside("ip", "link", "add", ends[0][2], "netns", one.namespace,
                "type", "veth", "peer", "name", ends[1][2], "netns", other.namespace)
        for host, peer, link in ends:
            # Nobody else is there whose address it could be: no second of waiting.
            host.run("sysctl", "-qw", f"net.ipv6.conf.{link}.accept_dad=0")
            host.run("ip", "addr", "add", f"{host.outer(peer)}/24", "dev", link)
            host.run("ip", "link", "set", link, "mtu", str(self.mtu), "up")
            if not self.offloads:
                for offload in ("tso", "gso", "gro", "tx-udp-segmentation"):
                    host.run("ethtool", "-K", link, offload, "off")

    def others(self, host):
        """The hosts that it has a link to."""
        return [other for other in self.hosts if abs(other.number - host.number) == 1]

    def daemons(self):
        return [daemon for host in self.hosts for daemon in host.daemons]

    def wait(self, condition, what, seconds=10):
        """Polls until it holds."""
        end = time.monotonic() + seconds
        while not condition():
            ended = [daemon for daemon in self.daemons() if not daemon.runs()]
            if time.monotonic() > end or ended:
                raise StageError(f"waited in vain for {what}; {self.last_words(ended)}")
            time.sleep(0.02)

    def last_words(self, processes=()):
        of = list(processes) or self.daemons()
        words = [f"{p.host.name}: {p.said().strip()[-OUTPUT_SHOWN:]}" for p in of]
        return " | ".join(words) or "nothing was said"

    def check(self):
        """Raises when a daemon has ended by itself."""
        ended = [daemon for daemon in self.daemons() if not daemon.runs()]
        if ended:
            raise StageError(f"a daemon ended; {self.last_words(ended)}")

    def close(self):
        atexit.unregister(self.close)
        for process in self.processes:
            process.signal(signal.SIGTERM)
        for process in self.processes:
            process.stop()
        self.processes = []
        for host in self.hosts:
            subprocess.run(["ip", "netns", "del", host.namespace], capture_output=True)
        self.hosts = []
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
