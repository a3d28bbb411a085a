# SPDX-License-Identifier: Apache-2.0
"""lab - hosts that are namespaces, and the wires between them.

A host has network, mount and host-name namespaces of its own, held by one process that dies with
the tests; so the kernel takes everything away, however the tests end. Nothing is ever made in the
machine's own namespaces: /var/lib and /run of a host are its own too, so that nodes of different
hosts share no lock, and system services of a host no bus.
"""

import contextlib
import ctypes
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PREFIX = "netron-lab"
BOUND = 20  # seconds within which an event must come; far more than it takes
PAUSE = 0.02  # seconds between two looks

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWNET = 0x00020000, 0x04000000, 0x40000000
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)

PREPARE = """
set -e
mount -t tmpfs -o mode=755 {name} /var/lib
mount -t tmpfs -o mode=755 {name} /run
mount -t sysfs {name} /sys
mkdir -p /run/lock /var/lib/dbus
hostname {host}
ip link set lo up
echo ready
exec sleep infinity
"""


def until(wanted, what, bound=BOUND):
    """Waits for `wanted()` to be true, and answers what it gave."""
    end = time.monotonic() + bound
    while True:
        found = wanted()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"did not come within {bound} s: {what}")
        time.sleep(PAUSE)


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def setns(descriptor, kind):
    if libc.setns(descriptor, kind) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Lab:
    """What one test makes; `close` ends all of it."""

    def __init__(self):
        remove_leftovers()
        self.name = f"{PREFIX}-{os.getpid()}"
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        self.hosts = []
        self.nodes = []
        self.numbers = itertools.count(1)

    def host(self, name):
        host = Host(self, name)
        self.hosts.append(host)
        return host

    def all(self, *names):
        return [self.host(name) for name in names]

    def wire(self, one, other, mtu=1500):
        """Joins two hosts by a pair of devices, each named after the host at its other end."""
        ends = one.device_to(other.name), other.device_to(one.name)
        one.run(
            ["ip", "link", "add", ends[0], "mtu", str(mtu), "type", "veth"]
            + ["peer", "name", ends[1], "netns", str(other.holder.pid), "mtu", str(mtu)]
        )
        one.ip(f"link set {ends[0]} up")
        other.ip(f"link set {ends[1]} up")
        return ends

    def join(self, one, its_addresses, other, other_addresses, mtu=1500):
        """A wire, and the addresses of its two ends, each as text with spaces between."""
        ends = self.wire(one, other, mtu)
        one.address(ends[0], its_addresses)
        other.address(ends[1], other_addresses)
        return ends

    def switch(self, name, members, mtu=1500):
        """A LAN: a switch with a wire to each host; `members` maps hosts to addresses."""
        switch = self.host(name)
        switch.run(["ip", "link", "add", "bridge", "type", "bridge", "mcast_snooping", "0"])
        switch.ip("link set bridge up")
        for host, addresses in members.items():
            inner, outer = self.join(host, addresses, switch, "", mtu)
            switch.ip(f"link set {outer} master bridge")
            assert inner == host.device_to(name)
        return switch

    def router(self, name):
        router = self.host(name)
        router.sysctl("net.ipv4.ip_forward", 1)
        router.sysctl("net.ipv6.conf.all.forwarding", 1)
        return router

    def file(self, name, text=""):
        path = self.folder / name
        path.write_text(text)
        return path

    def close(self):
        for node in self.nodes:
            node.abandon()
        for host in self.hosts:
            host.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Host:
    """A machine of the lab."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.processes = []
        script = PREPARE.format(name=f"{lab.name}-{name}", host=name)
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--uts", "--propagation", "private"]
            + ["sh", "-c", script, f"{lab.name}-{name}"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=die_with_parent,
        )
        said = self.holder.stdout.readline()
        assert said == "ready\n", f"{name}: {said}{self.holder.stdout.read()}"
        folder = f"/proc/{self.holder.pid}/ns"
        self.network = os.open(f"{folder}/net", os.O_RDONLY | os.O_CLOEXEC)
        self.spaces = [
            (self.network, CLONE_NEWNET),
            (os.open(f"{folder}/uts", os.O_RDONLY | os.O_CLOEXEC), CLONE_NEWUTS),
            # The last one, since it changes what paths mean.
            (os.open(f"{folder}/mnt", os.O_RDONLY | os.O_CLOEXEC), CLONE_NEWNS),
        ]
        for family in ("all", "default"):
            self.sysctl(f"net.ipv6.conf.{family}.accept_dad", 0)
            self.sysctl(f"net.ipv6.conf.{family}.router_solicitations", 0)

    @contextlib.contextmanager
    def inside(self):
        """What is done meanwhile by this thread with sockets happens on the host."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        setns(self.network, CLONE_NEWNET)
        try:
            yield
        finally:
            setns(own, CLONE_NEWNET)
            os.close(own)

    def socket(self, *kind):
        with self.inside():
            return socket.socket(*kind)

    def sysctl(self, name, value):
        with self.inside():
            Path("/proc/sys", *name.split(".")).write_text(str(value))

    def spawn(self, command, **options):
        """Starts a program on the host; it ends with the host at the latest."""

        def enter():
            die_with_parent()
            for descriptor, kind in self.spaces:
                setns(descriptor, kind)

        process = subprocess.Popen(
            [str(word) for word in command],
            preexec_fn=enter, **({"stdin": subprocess.DEVNULL} | options),
        )
        self.processes.append(process)
        return process

    def run(self, command, check=True, bound=60, **options):
        """Runs a program on the host to its end, and answers its exit code and texts."""
        process = self.spawn(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )
        try:
            said, complained = process.communicate(timeout=bound)
        except subprocess.TimeoutExpired:
            process.kill()
            said, complained = process.communicate()
            raise AssertionError(f"{self.name}: {command} took over {bound} s: {said}{complained}")
        finally:
            self.processes.remove(process)
        done = subprocess.CompletedProcess(command, process.returncode, said, complained)
        assert not check or done.returncode == 0, f"{self.name}: {done}"
        return done

    def ip(self, *orders):
        """Runs orders of ip(8), each written as after its name."""
        for order in orders:
            self.run(["ip", *order.split()])

    def address(self, device, addresses):
        for address in addresses.split():
            nodad = " nodad" if ":" in address else ""
            self.ip(f"address add {address} dev {device}{nodad}")

    def device_to(self, name):
        """The name of the device whose wire leads there."""
        return f"to-{name}"[:15]

    def nft(self, rules):
        self.run(["nft", rules])

    def ping(self, address, *options, bound=BOUND):
        """Pings until an answer comes; the answered round trip in ms."""
        command = ["ping", "-n", "-c", "1", "-W", "1", *options, address]
        end = time.monotonic() + bound
        while True:
            done = self.run(command, check=False)
            found = re.search(r"time=([0-9.]+) ms", done.stdout)
            if done.returncode == 0 and found:
                return float(found.group(1))
            if time.monotonic() > end:
                raise AssertionError(f"{self.name}: no answer of {address}: {done}")

    def pings(self, address, count, *options):
        """How many of `count` pings in quick succession were answered."""
        command = ["ping", "-n", "-q", "-c", count, "-i", "0.01", "-W", "5", *options, address]
        said = self.run(command, check=False).stdout
        found = re.search(r"(\d+) received", said)
        assert found, said
        return int(found.group(1))

    def close(self):
        for process in [*self.processes, self.holder]:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        for descriptor, _ in self.spaces:
            os.close(descriptor)


def remove_leftovers():
    """Ends what earlier tests left behind whose process is gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}-*-*"):
        owner = folder.name.removeprefix(f"{PREFIX}-").split("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)
