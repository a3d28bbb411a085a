# SPDX-License-Identifier: Apache-2.0
"""A gate that forgets a silent session soon is learned, and a member behind it stays within reach.

    hub (public) ---+
    ada (public) ---+--- net (a router; no multicast passes, no way leads out)
    gate --- bob ---+

The gate lets in answers alone, and only for TIMEOUT seconds after something passed it.
"""

import time

from lab import until
from node import PORT, Node, meet

TIMEOUT = 20  # seconds; less than the 25 after which a silent peer is asked at first
LEARNED_BOUND = 480
SILENCES = (21, 23, 24.5)  # seconds; less than 25, so that a fixed time would not have been enough


def memory(node):
    return node.ask("GET", "/v1/netcheck")["ipv4"]["silence_s_min"]


def test_a_member_behind_a_gate_that_forgets_soon_is_reached_at_any_time(internet, token, capsys):
    hub = Node(internet.host("hub"), token, "10.1.0.1/24", more=["--no-dht"]).start()
    contact = [f"{internet.address['hub']}:{PORT}"]
    gate, host = internet.home("bob")
    for name in ("udp_timeout", "udp_timeout_stream"):
        gate.sysctl(f"net.netfilter.nf_conntrack_{name}", TIMEOUT)
    ada = Node(internet.host("ada"), token, "10.1.0.11/24", peers=contact, more=["--no-dht"])
    bob = Node(host, token, "10.1.0.12/24", peers=contact, more=["--no-dht"])
    meet(hub, ada.start(), bob.start())
    begun = time.monotonic()
    # Until then longer times are tried, and the member that they are tried with may be shut out.
    until(lambda: (memory(bob) or 0) >= TIMEOUT - 2, "the gate is known", LEARNED_BOUND)
    assert memory(bob) < TIMEOUT
    with capsys.disabled():
        print(f"\n{memory(bob)} s known after {time.monotonic() - begun:.0f} s", end=" ")
    assert memory(hub) is None and memory(ada) is None
    # The silence is that of the kernel's clock, which no test turns.
    for seconds in SILENCES:
        for node in (hub, ada):
            node.host.run(["ping", "-n", "-c", "1", "-W", "1", bob.address])
        end = time.monotonic() + seconds
        until(lambda: time.monotonic() >= end, "silence", 2 * seconds)
    for node in (hub, ada):
        node.host.run(["ping", "-n", "-c", "1", "-W", "1", bob.address])
