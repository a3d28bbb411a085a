# SPDX-License-Identifier: Apache-2.0
"""Other VPNs, each as its package sets it up, with the MTU that just fits the underlay.

A peer is told of a stage once (`prepare`: keys and files), then starts on each host (`start`). Its
daemons' CPU and memory are counted. `missing` is a sentence when it cannot be run here.
"""

import os
import re
import subprocess

from stage import PATH, find, outside

READY_SECONDS = 30
WIREGUARD_GO_NEW = "NETRON_BENCH_WIREGUARD_GO_NEW"


def version_of(*argv):
    """The first line of what a program says of itself that has a number in it."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=5,
                              env={**os.environ, "PATH": PATH})
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    for line in (done.stdout + done.stderr).splitlines():
        if re.search(r"\d+\.\d+|\bv\d+", line):
            return line.strip()[:70]
    return "unknown"


def write(path, text, mode=0o600):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    return path


class Peer:
    name = ""
    notes = ""
    programs = ()  # (program, Debian package) that it needs
    debian = False  # one of those that Netron is measured against
    ours = False  # Netron, or a part of it
    passes_on = False  # whether a middle node carries packets between two others
    settle_seconds = 0.5  # after the first reply

    def missing(self):
        for program, package in self.programs:
            if not find(program):
                return f"{self.name}: {program} is not installed (Debian: {package})"
        return None

    def version(self):
        return ""

    def prepare(self, stage):
        """Makes what all hosts share."""

    def start(self, host):
        """Starts the daemon of a host, and its interface."""

    def address(self, host):
        """Where the others reach it through the tunnel."""
        return host.inner

    def finish(self, stage):
        """Figures that the daemons themselves give, at the end of a stage."""
        return {}


class WireguardGo(Peer):
    name = "wireguard-go"
    notes = "ChaCha20-Poly1305, defaults"
    program = "wireguard-go"
    programs = (("wireguard-go", "wireguard-go"), ("wg", "wireguard-tools"))
    debian = True
    overhead = 80  # what wg-quick leaves for IPv6

    def version(self):
        return version_of(self.program, "--version")

    def prepare(self, stage):
        self.keys = {}
        for host in stage.hosts:
            private = outside("wg", "genkey")
            path = write(os.path.join(host.folder("wireguard"), "key"), private)
            self.keys[host.name] = path, outside("wg", "pubkey", input=private).strip()

    @staticmethod
    def interface(host):
        # The control socket's path is of the whole machine, so the name must be too.
        return f"wg{os.getpid()}{host.name}"

    def start(self, host):
        name = self.interface(host)
        host.start(self.program, "-f", name, daemon=True,
                   env={"WG_PROCESS_FOREGROUND": "1", "LOG_LEVEL": "error"})
        host.stage.wait(lambda: os.path.exists(f"/var/run/wireguard/{name}.sock"), "wireguard-go")
        host.run("wg", "set", name, "private-key", self.keys[host.name][0], "listen-port", "51820")
        for other in host.stage.others(host):
            host.run("wg", "set", name, "peer", self.keys[other.name][1],
                     "allowed-ips", f"{other.inner}/32",
                     "endpoint", f"{other.outer(host)}:51820")
        host.run("ip", "addr", "add", f"{host.inner}/24", "dev", name)
        host.run("ip", "link", "set", name, "mtu", str(host.stage.mtu - self.overhead), "up")


class WireguardGoNew(WireguardGo):
    """A later build, with offloads; Debian 13 has one (0.0.20231211)."""

    name = "wireguard-go-new"
    notes = f"the build that {WIREGUARD_GO_NEW} names, with TUN and UDP offloads"
    programs = (("wg", "wireguard-tools"),)
    debian = False

    @property
    def program(self):
        return os.environ.get(WIREGUARD_GO_NEW, "")

    def missing(self):
        if not self.program:
            return f"{self.name}: {WIREGUARD_GO_NEW} does not name one"
        if not find(self.program):
            return f"{self.name}: there is no program {self.program}"
        return super().missing()


class Nebula(Peer):
    name = "nebula"
    notes = "AES-256-GCM, 2 routines, batches of 64, 10 MB buffers"
    programs = (("nebula", "nebula"), ("nebula-cert", "nebula"))
    debian = True

    def version(self):
        return version_of("nebula", "-version")

    def prepare(self, stage):
        self.folder = stage.hosts[0].folder("nebula")
        outside("nebula-cert", "ca", "-name", "bench", cwd=self.folder)
        for host in stage.hosts:
            outside("nebula-cert", "sign", "-name", host.name, "-ip", f"{host.inner}/24",
                    cwd=self.folder)

    def start(self, host):
        others = host.stage.others(host)
        where = "".join(f'\n  "{o.inner}": ["{o.outer(host)}:4242"]' for o in others)
        write(os.path.join(self.folder, f"{host.name}.yml"), f"""\
pki:
  ca: {self.folder}/ca.crt
  cert: {self.folder}/{host.name}.crt
  key: {self.folder}/{host.name}.key
static_host_map:{where}
lighthouse:
  am_lighthouse: false
  hosts: [{", ".join(f'"{o.inner}"' for o in others)}]
listen:
  host: 0.0.0.0
  port: 4242
  batch: 64
  read_buffer: 10485760
  write_buffer: 10485760
cipher: aes
routines: 2
tun:
  dev: nebula0
  mtu: {host.stage.mtu - 60}
  tx_queue: 1000
logging:
  level: error
firewall:
  outbound: [{{port: any, proto: any, host: any}}]
  inbound: [{{port: any, proto: any, host: any}}]
""")
        host.start("nebula", "-config", f"{self.folder}/{host.name}.yml", daemon=True)


class Tinc(Peer):
    name = "tinc"
    notes = "router mode, AES-128-CBC and SHA-256 (1.0 has no AEAD), no compression"
    programs = (("tincd", "tinc"), ("openssl", "openssl"))
    debian = True
    settle_seconds = 3  # until it knows the path's MTU it sends over TCP

    def version(self):
        return version_of("tincd", "--version")

    def prepare(self, stage):
        public = {}
        for host in stage.hosts:
            folder = host.folder("tinc")
            os.makedirs(os.path.join(folder, "hosts"))
            key = outside("openssl", "genrsa", "-traditional", "2048")
            write(os.path.join(folder, "rsa_key.priv"), key[key.index("-----BEGIN"):])
            text = outside("openssl", "rsa", "-RSAPublicKey_out", input=key)
            public[host.name] = text[text.index("-----BEGIN"):]
        for host in stage.hosts:
            folder = host.folder("tinc")
            for known in stage.hosts:
                links = "".join(f"Address = {known.outer(o)} 655\n" for o in stage.others(known))
                write(os.path.join(folder, "hosts", known.name),
                      f"{links}Subnet = {known.inner}/32\nCipher = aes-128-cbc\n"
                      f"Digest = sha256\nCompression = 0\n{public[known.name]}")
            connect = [f"ConnectTo = {o.name}\n" for o in stage.others(host) if o.name < host.name]
            write(os.path.join(folder, "tinc.conf"),
                  f"Name = {host.name}\nInterface = tinc0\nDeviceType = tun\nMode = router\n"
                  f"AddressFamily = ipv4\nUDPRcvBuf = 8388608\nUDPSndBuf = 8388608\n"
                  + "".join(connect))
            write(os.path.join(folder, "tinc-up"),
                  f"#!/bin/sh\nip addr add {host.inner}/24 dev $INTERFACE\n"
                  f"ip link set $INTERFACE mtu {stage.mtu - 82} txqueuelen 1000 up\n", 0o700)

    def start(self, host):
        folder = host.folder("tinc")
        host.start("tincd", "-D", "-c", folder, f"--pidfile={folder}/pid", daemon=True)


class Fastd(Peer):
    name = "fastd"
    notes = "TUN, salsa2012+umac (its fastest that keeps secrets)"
    programs = (("fastd", "fastd"),)
    debian = True

    def version(self):
        return version_of("fastd", "--version")

    def prepare(self, stage):
        self.keys = {}
        for host in stage.hosts:
            made = outside("fastd", "--generate-key")
            self.keys[host.name] = [re.search(rf"{kind}: (\w+)", made)[1]
                                    for kind in ("Secret", "Public")]

    def start(self, host):
        # One of two dials: when both do, they may miss each other for half a minute.
        peers = ""
        for other in host.stage.others(host):
            remote = f"remote {other.outer(host)}:10000;" if other.name < host.name else ""
            peers += f'peer "{other.name}" {{ key "{self.keys[other.name][1]}"; {remote} }}\n'
        path = write(os.path.join(host.folder("fastd"), "conf"), f"""\
log level error;
mode tun;
interface "fastd0";
method "salsa2012+umac";
bind 0.0.0.0:10000;
mtu {host.stage.mtu - 52};
secret "{self.keys[host.name][0]}";
on up "ip addr add {host.inner}/24 dev $INTERFACE; ip link set $INTERFACE txqueuelen 1000 up";
{peers}""")
        host.start("fastd", "-c", path, daemon=True)


class Openvpn(Peer):
    name = "openvpn"
    notes = "UDP, TLS, AES-256-GCM, in user space (no DCO), fast-io, 4 MB buffers"
    programs = (("openvpn", "openvpn"), ("openssl", "openssl"))
    debian = True
    settle_seconds = 2

    def version(self):
        return version_of("openvpn", "--version")

    def prepare(self, stage):
        self.prints = {}
        for host in stage.hosts:
            folder = host.folder("openvpn")
            outside("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={host.name}", "-days", "2",
                    "-keyout", f"{folder}/key", "-out", f"{folder}/crt")
            shown = outside("openssl", "x509", "-in", f"{folder}/crt", "-noout", "-sha256",
                            "-fingerprint")
            self.prints[host.name] = shown.partition("=")[2].strip()

    def start(self, host):
        (other,) = host.stage.others(host)
        folder = host.folder("openvpn")
        role = ("--tls-server", "--dh", "none") if host.name < other.name else ("--tls-client",)
        host.start("openvpn", *role, "--dev", "ovpn0", "--dev-type", "tun", "--topology", "p2p",
                   "--proto", "udp", "--lport", "1194", "--remote", other.outer(host), "1194",
                   "--ifconfig", host.inner, other.inner, "--cert", f"{folder}/crt",
                   "--key", f"{folder}/key", "--peer-fingerprint", self.prints[other.name],
                   "--data-ciphers", "AES-256-GCM", "--disable-dco", "--fast-io",
                   "--sndbuf", "4194304", "--rcvbuf", "4194304", "--txqueuelen", "1000",
                   "--tun-mtu", str(host.stage.mtu - 52), "--mssfix", "0", "--verb", "1",
                   daemon=True)


class N2n(Peer):
    name = "n2n"
    notes = "TAP, Twofish, straight between the two; its supernode is not counted"
    programs = (("edge", "n2n"), ("supernode", "n2n"))
    debian = True
    settle_seconds = 5  # until the two go straight

    def version(self):
        return version_of("edge", "-h")

    def prepare(self, stage):
        self.meeting = stage.hosts[0]
        self.meeting.start("supernode", "-l", "7654")

    def start(self, host):
        (other,) = host.stage.others(host)
        own = host is self.meeting
        meeting = self.meeting.outer(other if own else host)
        host.start("edge", "-d", "n2n0", "-a", host.inner, "-s", "255.255.255.0", "-c", "bench",
                   "-k", "measured-with", "-M", str(host.stage.mtu - 200), "-l", f"{meeting}:7654",
                   daemon=True)


DEBIAN = [WireguardGo, Nebula, Tinc, Fastd, Openvpn, N2n]
