# SPDX-License-Identifier: Apache-2.0
"""No VPN at all, the bare relay, the packet core alone, and Netron: what Netron is held against
and Netron itself."""

import json
import os

from peers import DEBIAN, Peer, WireguardGoNew, version_of
from stage import StageError, find, outside

# Of one cipher: what the core calls its suite and backend, and what `netron status` says of them.
CIPHERS = {
    "aes256": (2, 2, "AES-256-GCM", "libcrypto"),
    "sodiumaes": (2, 1, "AES-256-GCM", "libsodium"),
    "chacha": (1, 2, "ChaCha20-Poly1305", "libcrypto"),
    "sodium": (1, 1, "ChaCha20-Poly1305", "libsodium"),
}
PORT = 7000


class Programs:
    """Where the programs are that this project makes."""

    def __init__(self, out, netron):
        self.relay = os.path.join(out, "relay")
        self.flood = os.path.join(out, "flood")
        self.device = os.path.join(out, "device")
        self.netron = netron


class Plain(Peer):
    name = "none"
    notes = "no VPN: what the two kernels and iperf3 do"

    def address(self, host):
        return host.outer(host.stage.others(host)[0])


class Relay(Peer):
    """The bare data path: what a VPN with this cipher cannot pass."""

    def __init__(self, programs, cipher, mode="gso"):
        self.programs_made = programs
        self.mode = mode
        self.cipher = cipher
        self.name = f"relay:{cipher}" if mode == "gso" else f"relay-{mode}:{cipher}"
        self.notes = f"relay -m {mode} -e {cipher}"

    def missing(self):
        path = self.programs_made.relay
        return None if os.path.exists(path) else f"{self.name}: {path} was not built"

    def start(self, host):
        (other,) = host.stage.others(host)
        host.start(self.programs_made.relay, "-i", "relay0", "-u", str(host.stage.mtu),
                   "-l", host.outer(other), "-r", other.outer(host), "-m", self.mode,
                   "-e", self.cipher, daemon=True)
        host.stage.wait(lambda: host.has_interface("relay0"), "the relay's interface")
        host.run("ip", "addr", "add", f"{host.inner}/24", "dev", "relay0")
        host.run("ip", "link", "set", "relay0", "txqueuelen", "1000", "up")


class Device(Peer):
    """The packet core without the command around it, with a cipher and lanes of our choice."""

    ours = True
    passes_on = True

    def __init__(self, programs, cipher, mtu=None):
        self.programs_made = programs
        self.cipher = cipher
        self.mtu = mtu
        self.lanes = None
        self.name = f"device:{cipher}"
        self.notes = f"the C core alone, {CIPHERS[cipher][2]} of {CIPHERS[cipher][3]}"

    def missing(self):
        path = self.programs_made.device
        return None if os.path.exists(path) else f"{self.name}: {path} was not built"

    def start(self, host):
        suite, backend, _, _ = CIPHERS[self.cipher]
        argv = ["-i", "netron0", "-a", f"{host.inner}/24", "-s", "measured with, no secret",
                "-p", str(PORT), "-c", str(suite), "-b", str(backend)]
        if self.mtu:
            argv += ["-m", str(self.mtu)]
        if self.lanes:
            argv += ["-l", str(self.lanes)]
        for other in host.stage.others(host):
            # All that lies beyond a neighbour is behind it, so that a middle node can pass it on.
            beyond = [h for h in host.stage.hosts
                      if (h.number > host.number) == (other.number > host.number) and h != host]
            for far in beyond:
                argv += ["-r", f"{other.outer(host)}={far.inner}/32"]
            if other.number < host.number:
                argv += ["-d", f"{other.outer(host)}:{PORT}"]
        host.start(self.programs_made.device, *argv, daemon=True)

    def finish(self, stage):
        """What each dropped: it says so when it ends."""
        drops = {}
        for daemon in stage.daemons():
            last = daemon.stop().strip().splitlines()[-1]
            for name, count in json.loads(last).items():
                if name not in ("sent", "received"):
                    drops[f"dropped_{name}"] = drops.get(f"dropped_{name}", 0) + count
        return {"cipher": self.cipher, **drops}


class Netron(Peer):
    """The command, as users get it."""

    name = "netron"
    ours = True
    notes = "defaults, --peer, --no-mdns"

    def __init__(self, programs, mtu=None, arguments=()):
        self.programs_made = programs
        self.mtu = mtu
        self.arguments = list(arguments)
        self.lanes = None
        self.mdns = False

    def missing(self):
        path = self.programs_made.netron
        if not path or not find(path):
            return f"{self.name}: there is no program {path or 'netron'} (`make build` makes it)"
        return None

    def version(self):
        return version_of(self.programs_made.netron, "--version")

    def prepare(self, stage):
        self.token = outside(self.programs_made.netron, "-g", "-b").strip()

    def start(self, host):
        argv = ["--address", f"{host.inner}/24", "--interface", "netron0",
                "--state-dir", host.folder("netron"), *self.arguments]
        if self.mtu:
            argv += ["--mtu", str(self.mtu)]
        if self.lanes:
            argv += ["--lanes", str(self.lanes)]
        if not self.mdns:
            argv += ["--port", str(PORT), "--no-mdns"]
            for other in host.stage.others(host):
                argv += ["--peer", f"{other.outer(host)}:{PORT}"]
        home = host.folder("home")
        host.start(self.programs_made.netron, *argv, daemon=True,
                   env={"NETRONTOKEN": self.token, "HOME": home})

    def status(self, host):
        text = host.run(self.programs_made.netron, "status", "--json", "--state-dir",
                        host.folder("netron"))
        return json.loads(text)

    def is_up(self, host):
        try:
            return self.status(host)["state"] != "starting"
        except (StageError, ValueError, KeyError):
            return False

    def finish(self, stage):
        """Its cipher, and what each dropped."""
        found = {}
        for host in stage.hosts:
            status = self.status(host)
            for name, count in status["drops"].items():
                found[f"dropped_{name}"] = found.get(f"dropped_{name}", 0) + count
            if status["aead"]:
                pair = status["aead"]["suite"].lower(), status["aead"]["backend"]
                for cipher, (_, _, suite, backend) in CIPHERS.items():
                    if pair == (suite.lower(), backend):
                        found["cipher"] = cipher
        return found


def every_peer(programs, mtu=None, netron_arguments=()):
    """All that there is, by name, in the order of the tables."""
    made = [Plain()]
    made += [Relay(programs, cipher) for cipher in ("none", *CIPHERS)]
    made += [Relay(programs, "aes256", "mmsg")]
    made += [kind() for kind in DEBIAN] + [WireguardGoNew()]
    made += [Device(programs, cipher, mtu) for cipher in CIPHERS]
    made += [Netron(programs, mtu, netron_arguments)]
    return {peer.name: peer for peer in made}
