# SPDX-License-Identifier: Apache-2.0
"""vectors - fixed seeds, clocks and ephemeral keys to every byte of the protocol, by peer.py."""

import hashlib
import json
import struct
import textwrap
from pathlib import Path

import peer
from peer import AES, CHACHA, CLOCKLESS, DATA, Handshake, Identity, Network, Session

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "Tests/Vectors/protocol.json"
DOCUMENT = ROOT / "docs/protocol.md"
BEGIN, END = "<!-- vectors -->\n", "<!-- end of vectors -->"

# What docs/protocol.md shows of the first vector.
SHOWN = """
network_secret root epoch psk0 psk3 cookie_key network_id initiator_seed initiator_id
initiator_static initiator_address responder_seed responder_id initiator_ephemeral
responder_ephemeral message1 message2 message3 handshake_hash initiator_key responder_key packet
datagram cookie cookie_message
""".split()

CONFIG = {
    "crypto_key": "a crypto key for tests", "dht_key": "a dht key that is for tests",
    "room": "room", "rendezvous": "rendezvous", "mdns": "mdns",
}
YAML = """\
otp:
  dht:
    interval: 360
    key: a dht key that is for tests
    length: 43
  crypto:
    interval: 7200
    key: a crypto key for tests
    length: 43
room: room
rendezvous: rendezvous
mdns: mdns
max_message_size: 20971520
"""
CASES = [
    {
        "name": "AES-256-GCM in an epoch", "wall_ms": 1_800_000_000_000, "suites": (3, 3),
        "lanes": (1, 1), "indices": (0x00080008, 0x12345678), "cookie": bytes(16),
        "lane": 0, "sequence": 0, "flags": 1,
    },
    {
        "name": "ChaCha20-Poly1305 without a clock, with a cookie", "wall_ms": 0,
        "suites": (1, 3), "lanes": (4, 2), "indices": (0xFFFFFFFF, 1), "cookie": None,
        "lane": 7, "sequence": peer.PACKETS_MAX - 1, "flags": 0,
    },
]


def fixed(label):
    """32 bytes that anybody can make again."""
    return hashlib.sha256(b"netron test vector: " + label.encode()).digest()


def identity(label):
    """The first of numbered seeds whose id has no sign bit."""
    number = 0
    while True:
        try:
            return Identity(fixed(f"{label} {number}"))
        except peer.Refused:
            number += 1


def refused_ids():
    """What is no id, each for another reason (section 3)."""
    good = identity("initiator").id
    point = peer.point_of(int.from_bytes(good, "little"))
    mixed = peer.add(point, (0, peer.P - 1, 1, 0))  # plus the point of order 2: y changes its sign
    y = mixed[1] * pow(mixed[2], -1, peer.P) % peer.P
    numbers = [
        int.from_bytes(good, "little") | 1 << 255,  # the sign bit
        peer.P + 1 + 2,  # not below p; 3 is another name of this y
        2,  # no point has this y
        1,  # the neutral element
        peer.P - 1,  # order 2
        0,  # order 4
        y,  # a point outside the subgroup of prime order
    ]
    return [number.to_bytes(32, "little").hex() for number in numbers]


def inner_packet():
    """An IPv4 packet with an ICMP echo request and right checksums."""

    def checksum(data):
        total = sum(struct.unpack(f">{len(data) // 2}H", data))
        return struct.pack(">H", 0xFFFF ^ (total % 0xFFFF or 0xFFFF))

    echo = struct.pack(">BBHHH", 8, 0, 0, 1, 1) + b"echo"
    echo = echo[:2] + checksum(echo) + echo[4:]
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(echo), 1, 0, 64, 1, 0)
    head += bytes([10, 1, 0, 11]) + bytes([10, 1, 0, 12])
    return head[:10] + checksum(head) + head[12:] + echo


def vector(case):
    secret = peer.network_secret(**CONFIG)
    network = Network(secret, 7200, case["wall_ms"])
    flags = network.flags
    a, b = identity("initiator"), identity("responder")
    address = bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 1])
    cookie = peer.cookie_for(fixed("cookie secret"), address, 4242)

    initiator = Handshake(network, a, case["indices"][0], case["suites"][0], case["lanes"][0])
    responder = Handshake(network, b, case["indices"][1], case["suites"][1], case["lanes"][1])
    initiator.cookie = cookie if case["cookie"] is None else case["cookie"]
    message1 = initiator.write1(fixed("initiator's ephemeral"))
    responder.read1(message1)
    message2 = responder.write2(fixed("responder's ephemeral"))
    initiator.read2(message2)
    message3 = initiator.write3()
    responder.read3(message3)
    keys = initiator.data_keys()
    assert keys == responder.data_keys() and responder.remote_id == a.id

    session = Session(initiator, True, None)
    counter = case["lane"] << 61 | case["sequence"]
    datagram = session.seal_as(DATA, inner_packet(), counter, case["flags"])
    assert Session(responder, False, None).open(datagram)[2] == inner_packet()
    sealed_cookie = peer.write_cookie(
        network, message1, initiator.index, cookie, fixed("cookie nonce")[:24]
    )
    first, second = initiator.noise.split()
    row = {
        "name": case["name"],
        "network_secret": secret, "epoch_seconds": 7200, "wall_ms": case["wall_ms"],
        "epoch": network.epoch, "flags": flags,
        "root": network.root, "psk0": network.psk0(flags), "psk3": network.psk3,
        "cookie_key": network.cookie_key(flags), "network_id": network.id,
        "network_name": network.purpose("network name")[:4],
    }
    for side, who in (("initiator", a), ("responder", b)):
        row |= {
            f"{side}_seed": who.seed, f"{side}_id": who.id, f"{side}_static": who.static,
            f"{side}_address": network.address(who.id),
            f"{side}_ephemeral": fixed(f"{side}'s ephemeral"),
        }
    row |= {
        "initiator_index": initiator.index, "responder_index": responder.index,
        "initiator_suites": case["suites"][0], "responder_suites": case["suites"][1],
        "initiator_lanes": case["lanes"][0], "responder_lanes": case["lanes"][1],
        "suite": initiator.suite, "initiator_cookie": initiator.cookie,
        "message1": message1, "message2": message2, "message3": message3,
        "handshake_hash": initiator.noise.h, "split_first": first, "split_second": second,
        "initiator_key": keys[0], "responder_key": keys[1],
        "packet": inner_packet(), "packet_lane": case["lane"],
        "packet_sequence": case["sequence"], "packet_flags": case["flags"], "datagram": datagram,
        "cookie_secret": fixed("cookie secret"), "cookie_address": address, "cookie_port": 4242,
        "cookie": cookie, "cookie_nonce": fixed("cookie nonce")[:24],
        "cookie_message": sealed_cookie,
    }
    return {key: value.hex() if isinstance(value, bytes) else str(value)
            for key, value in row.items()}


def control():
    """Control messages, and what they say; the layer above the packet core reads them."""
    id = identity("responder")
    claims = [(bytes([10, 1, 0, 11]), 1_800_000_000_000), (bytes([253]) + bytes(15), 2**64 - 1)]
    return {
        "id_text": id.text,
        "hello": peer.write_hello("host", "0.1.0", "linux x86_64", claims).hex(),
        "join": peer.write_join(id.id, bytes([192, 0, 2, 1]), 4242).hex(),
        "contested": (b"\x01\x03" + peer.write_address(bytes([10, 1, 0, 11])) + id.id).hex(),
        "observed": peer.write_observed(bytes([192, 0, 2, 1]), 4242).hex(),
    }


def table():
    assert {CHACHA, AES} == {1, 2} and CLOCKLESS == 4
    return {
        "about": "the protocol from fixed seeds, clocks and ephemeral keys",
        "source": "Tests/Interop/peer.py, by docs/protocol.md",
        "config": {"yaml": YAML, "network_secret": peer.network_secret(**CONFIG).hex()},
        "control": control(),
        "vectors": [vector(case) | {"refused_ids": refused_ids()} for case in CASES],
    }


def figures(row):
    """The main ones, for people."""
    lines = ["```"]
    for key in SHOWN:
        chunks = textwrap.wrap(row[key], 64)
        lines += [f"{key if n == 0 else '':22}{chunk}" for n, chunk in enumerate(chunks)]
    return "\n".join(lines) + "\n```\n"


def main(arguments):
    if arguments not in (["vectors"], ["vectors", "--check"]):
        print(peer.__doc__)
        return 2
    new = table()
    text = json.dumps(new, indent=2) + "\n"
    page = DOCUMENT.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    new_page = head + BEGIN + figures(new["vectors"][0]) + END + rest.split(END)[1]
    if arguments == ["vectors"]:
        TABLE.write_text(text, encoding="utf-8")
        DOCUMENT.write_text(new_page, encoding="utf-8")
        return 0
    stale = [path.name for path, is_old in
             ((TABLE, not TABLE.exists() or TABLE.read_text(encoding="utf-8") != text),
              (DOCUMENT, page != new_page)) if is_old]
    if stale:
        print(f"{', '.join(stale)}: not what peer.py gives; run Tests/Interop/peer.py vectors")
    return 1 if stale else 0
