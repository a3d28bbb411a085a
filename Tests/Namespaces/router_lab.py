# SPDX-License-Identifier: Apache-2.0
"""router_lab - home routers that forward ports when they are asked, by miniupnpd."""

import uuid
from pathlib import Path

from dht_lab import HOME
from lab import until

TABLE = "miniupnpd"
CHAIN = f"prerouting_{TABLE}"
DAEMON = "/usr/sbin/miniupnpd"
PORT = 5351  # of PCP and NAT-PMP
WORDS = {"PCP": ("yes", "no"), "NAT-PMP": ("yes", "no"), "UPnP": ("no", "yes")}


class Router:
    """miniupnpd on the gate of a home, which speaks one of PCP, NAT-PMP and UPnP.

    Its NAT shows each host another port, so that nobody gets in but by what it forwards.
    """

    def __init__(self, internet, name, protocol, lifetime_max=86400):
        self.lab, self.protocol, self.lifetime_max = internet.lab, protocol, lifetime_max
        self.gate, self.host = internet.home(name, translation="masquerade random")
        self.address = internet.address[name]
        outer = self.gate.device_to("net")
        self.gate.nft(f"""
            table inet {TABLE} {{
                chain {TABLE} {{ }}
                chain {CHAIN} {{ }}
                chain postrouting_{TABLE} {{ }}
                chain pass {{ type filter hook forward priority filter; jump {TABLE}; }}
                chain in {{ type nat hook prerouting priority dstnat; jump {CHAIN}; }}
                chain out {{
                    type nat hook postrouting priority srcnat - 1
                    jump postrouting_{TABLE}
                }}
            }}
            insert rule ip home pass iifname "{outer}" ct status dnat accept""")
        if protocol == "NAT-PMP":
            # The daemon speaks both on one port; older routers do not know version 2.
            self.gate.nft(f"insert rule ip home own udp dport {PORT} @th,64,8 2 drop")
        self.process = None

    def start(self):
        natpmp, upnp = WORDS[self.protocol]
        conf = self.lab.file(f"{self.gate.name}.conf", f"""
ext_ifname={self.gate.device_to("net")}
listening_ip={HOME}.1/24
ipv6_disable=yes
enable_natpmp={natpmp}
enable_upnp={upnp}
secure_mode=yes
system_uptime=no
min_lifetime={min(120, self.lifetime_max - 1)}
max_lifetime={self.lifetime_max}
upnp_table_name={TABLE}
upnp_nat_table_name={TABLE}
upnp_forward_chain={TABLE}
upnp_nat_chain={CHAIN}
upnp_nat_postrouting_chain=postrouting_{TABLE}
uuid={uuid.uuid4()}
allow 1024-65535 {HOME}.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
""")
        self.log = self.lab.folder / f"{self.gate.name}.log"
        with self.log.open("a") as log:
            self.process = self.gate.spawn(
                [DAEMON, "-d", "-f", conf, "-P", f"/run/{TABLE}.pid"], stdout=log, stderr=log
            )
        until(self.listens, f"the start of miniupnpd: {self.log.read_text()}")
        return self

    def listens(self):
        assert self.process.poll() is None, self.log.read_text()
        port = 1900 if self.protocol == "UPnP" else PORT
        table = Path(f"/proc/{self.process.pid}/net/udp").read_text()
        return f":{port:04X} " in table

    def lose(self):
        """Ends as by a power cut, and forgets all."""
        self.process.kill()
        self.process.wait()
        self.gate.processes.remove(self.process)
        self.gate.nft(f"flush chain inet {TABLE} {CHAIN}; flush chain inet {TABLE} {TABLE}")

    def forwards(self, port):
        """Whether it lets all in to that UDP port of its host."""
        rules = self.gate.run(["nft", "list", "chain", "inet", TABLE, CHAIN]).stdout
        return f"dnat ip to {HOME}.2:{port}" in rules or f"dnat to {HOME}.2:{port}" in rules
