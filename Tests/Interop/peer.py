#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""peer - a member of a network in Python, written from docs/protocol.md alone.

It shares no code with the packet core, so that what both agree on is what the document says.
Section numbers are those of docs/protocol.md. Beside Python's own library it needs `cryptography`
(Debian: python3-cryptography). It is for tests: secrets are neither wiped nor compared in constant
time.

    peer.py vectors            writes Tests/Vectors/protocol.json and the figures in protocol.md
    peer.py vectors --check    says whether they are what this program gives
"""

import base64
import hashlib
import hmac
import os
import socket
import struct
import sys
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization import PublicFormat

MESSAGE1, MESSAGE2, MESSAGE3, COOKIE, DATA, CONTROL, LINK, FRAGMENT = range(1, 9)
ECHO, ECHO_REPLY, CHALLENGE, RESPONSE, PROBE, PROBE_REPLY, GOODBYE = range(1, 8)
LEAVING, IDLE = 0, 1  # why a goodbye was said
LENGTHS = {MESSAGE1: 160, MESSAGE2: 152, MESSAGE3: 112, COOKIE: 64}
VERSION = 1
CLOCKLESS = 4  # flags
CHACHA, AES = 1, 2  # suites
LANE_CONTROL = 7
HEADER, TAG = 16, 16
WINDOW = 960  # packets of a lane that may come late
PACKETS_MAX = 1 << 28  # of one lane and key
BOUND = 20  # seconds within which an answer must come; far more than it takes


class Refused(Exception):
    """What came is dropped, and why."""


# --- 2: the network and its secrets ---------------------------------------------------------------


def hkdf_extract(salt, material):
    return hmac.new(salt, material, hashlib.sha256).digest()


def hkdf_expand(key, info, length):
    out, block, number = b"", b"", 1
    while len(out) < length:
        block = hmac.new(key, block + info + bytes([number]), hashlib.sha256).digest()
        out += block
        number += 1
    return out[:length]


def hkdf(salt, material, info, length):
    return hkdf_expand(hkdf_extract(salt or bytes(32), material), info, length)


def network_secret(crypto_key, dht_key, room, rendezvous, mdns):
    """Of the config's five texts (2.2)."""
    texts = [text.encode() for text in (crypto_key, dht_key, room, rendezvous, mdns)]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


class Network:
    """What follows from the network secret (2.3); `wall_ms` 0 is a clock that cannot be right."""

    def __init__(self, secret, epoch_seconds=3600, wall_ms=0):
        self.root = hkdf_extract(b"netron/1", secret)
        self.psk3 = self.purpose("psk3")
        self.id = self.purpose("network id")
        self.wall_ms = wall_ms
        self.epoch = wall_ms // 1000 // epoch_seconds

    def purpose(self, label, epoch=0):
        rotating = b"\0" + struct.pack("<Q", epoch) if epoch > 0 else b""
        return hkdf_expand(self.root, b"netron/1 " + label.encode() + rotating, 32)

    def psk0(self, flags):
        """The key that first messages with these flags are made with."""
        if flags == CLOCKLESS:
            return self.purpose("clockless")
        for epoch in range(max(1, self.epoch - 1), self.epoch + 2):
            if self.epoch > 0 and epoch % 4 == flags:
                return self.purpose("psk0", epoch)
        raise Refused("epoch")

    @property
    def flags(self):
        """Those of our own first messages."""
        return self.epoch % 4 if self.epoch > 0 else CLOCKLESS

    def cookie_key(self, flags):
        return hkdf(b"", self.psk0(flags), b"netron/1 cookie", 32)

    def address(self, id):
        short = hashlib.blake2b(id, key=self.id, digest_size=16).digest()
        return b"\xfd" + self.id[:5] + short[:10]


# --- 3: members -----------------------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a, b):
    """Points of Ed25519 in extended coordinates (X, Y, Z, T): RFC 8032, section 5.1.4."""
    (x1, y1, z1, t1), (x2, y2, z2, t2) = a, b
    minus, plus = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    c, d = 2 * t1 * t2 * D, 2 * z1 * z2
    e, f, g, h = plus - minus, d - c, d + c, plus + minus
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def is_neutral(point):
    x, y, z, _ = point
    return x % P == 0 and (y - z) % P == 0


def point_of(y):
    """The point with that y and an even x, or None."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        return None
    x = P - x if x & 1 else x
    return x, y, 1, x * y % P


def static_key_of(id):
    """The X25519 form of an id; refuses what is no id."""
    y = int.from_bytes(id, "little")
    if len(id) != 32 or y >= P:  # the sign bit is 2^255, and so too large as well
        raise Refused("id")
    point = point_of(y)
    if point is None or is_neutral(point) or not is_neutral(multiply(ORDER, point)):
        raise Refused("id")
    u = (1 + y) * pow(1 - y, -1, P) % P
    if u == 0:
        raise Refused("id")
    return u.to_bytes(32, "little")


def clamp(scalar):
    return bytes([scalar[0] & 248]) + scalar[1:31] + bytes([scalar[31] & 127 | 64])


class Identity:
    def __init__(self, seed):
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
        self.seed = seed
        self.id = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.static = static_key_of(self.id)
        self.secret = clamp(hashlib.sha512(seed).digest()[:32])

    @classmethod
    def new(cls):
        while True:
            try:
                return cls(os.urandom(32))
            except Refused:
                continue  # the sign bit was set

    @property
    def text(self):
        return base64.b32encode(self.id).decode().lower().rstrip("=")


# --- 5: the handshake -----------------------------------------------------------------------------


def public_of(secret):
    key = X25519PrivateKey.from_private_bytes(secret).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def new_ephemeral():
    key = X25519PrivateKey.generate()
    return key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())


def exchange(secret, public):
    try:
        return X25519PrivateKey.from_private_bytes(secret).exchange(
            X25519PublicKey.from_public_bytes(public)
        )
    except ValueError:
        raise Refused("a Diffie-Hellman result of zeros") from None


class Noise:
    """Noise_XXpsk0+psk3_25519_ChaChaPoly_SHA256, revision 34 of the framework."""

    NAME = b"Noise_XXpsk0+psk3_25519_ChaChaPoly_SHA256"
    PROLOGUE = b"netron" + bytes([MESSAGE1, VERSION])

    def __init__(self, psk0, psk3):
        self.psk3 = psk3
        self.h = self.ck = hashlib.sha256(self.NAME).digest()
        self.k, self.n = None, 0
        self.mix_hash(self.PROLOGUE)
        self.mix_key_and_hash(psk0)

    def mix_hash(self, data):
        self.h = hashlib.sha256(self.h + data).digest()

    def mix_key(self, material):
        out = hkdf(self.ck, material, b"", 64)
        self.ck, self.k, self.n = out[:32], out[32:], 0

    def mix_key_and_hash(self, material):
        out = hkdf(self.ck, material, b"", 96)
        self.ck, self.k, self.n = out[:32], out[64:], 0
        self.mix_hash(out[32:64])

    def nonce(self):
        self.n += 1
        return struct.pack("<IQ", 0, self.n - 1)

    def seal(self, text):
        out = ChaCha20Poly1305(self.k).encrypt(self.nonce(), text, self.h)
        self.mix_hash(out)
        return out

    def open(self, sealed):
        try:
            text = ChaCha20Poly1305(self.k).decrypt(self.nonce(), sealed, self.h)
        except InvalidTag:
            raise Refused("tag") from None
        self.mix_hash(sealed)
        return text

    def e(self, public):
        self.mix_hash(public)
        self.mix_key(public)

    def split(self):
        out = hkdf(self.ck, b"", b"", 64)
        return out[:32], out[32:]


def header(type, flags, index=None):
    out = bytes([type, flags, VERSION, 0])
    return out if index is None else out + struct.pack("<I", index)


def check_header(message, type, flags=None, index=None):
    if len(message) != LENGTHS[type] or message[1] > CLOCKLESS:
        raise Refused("length or flags")
    flags = message[1] if flags is None else flags
    wanted = header(type, flags, index)
    if message[: len(wanted)] != wanted:
        raise Refused("header")


def check_lanes(lanes):
    if not 1 <= lanes <= 4:
        raise Refused("lanes")
    return lanes


class Handshake:
    """What both sides keep: 5.2 the initiator, 5.3 the responder. A failed read changes nothing."""

    def __init__(self, network, identity, index, suites, lanes=1):
        self.network, self.identity = network, identity
        self.index, self.suites, self.lanes = index, suites, lanes
        self.cookie = bytes(16)

    # The initiator.

    def write1(self, ephemeral):
        self.flags, self.e = self.network.flags, ephemeral
        self.noise = Noise(self.network.psk0(self.flags), self.network.psk3)
        self.noise.e(public_of(ephemeral))
        sealed = struct.pack("<IBBH", self.index, self.suites, self.lanes, 0)
        sealed += self.cookie + struct.pack("<Q", self.network.wall_ms)
        sealed = self.noise.seal(sealed + bytes(108 - len(sealed)))
        self.message1 = header(MESSAGE1, self.flags) + public_of(ephemeral) + sealed
        return self.message1

    def read2(self, message):
        check_header(message, MESSAGE2, self.flags, self.index)
        noise = self.copy_noise()
        re = message[8:40]
        noise.e(re)
        noise.mix_key(exchange(self.e, re))
        rs = noise.open(message[40:88])
        noise.mix_key(exchange(self.e, rs))
        payload = noise.open(message[88:])
        index, suite, lanes, zero, self.wall_ms = struct.unpack("<IBBHQ", payload[:16])
        if zero != 0 or suite not in (CHACHA, AES) or suite & self.suites == 0:
            raise Refused("message 2")
        if static_key_of(payload[16:]) != rs:
            raise Refused("id")
        self.remote_lanes = check_lanes(lanes)
        self.noise, self.re, self.remote_index, self.suite = noise, re, index, suite
        self.remote_id = payload[16:]

    def write3(self):
        sealed = self.noise.seal(self.identity.static)
        self.noise.mix_key(exchange(self.identity.secret, self.re))
        self.noise.mix_key_and_hash(self.noise.psk3)
        sealed += self.noise.seal(self.identity.id + bytes(8))
        return header(MESSAGE3, self.flags, self.remote_index) + sealed

    # The responder.

    def read1(self, message):
        check_header(message, MESSAGE1)
        self.flags = message[1]
        self.noise = Noise(self.network.psk0(self.flags), self.network.psk3)
        self.re = message[4:36]
        self.noise.e(self.re)
        payload = self.noise.open(message[36:])
        index, suites, lanes, zero = struct.unpack("<IBBH", payload[:8])
        if suites == 0 or zero != 0 or any(payload[32:]):
            raise Refused("message 1")
        self.remote_lanes = check_lanes(lanes)
        self.remote_index, self.remote_suites = index, suites
        self.remote_cookie = payload[8:24]
        self.remote_wall_ms = struct.unpack("<Q", payload[24:32])[0]

    def write2(self, ephemeral):
        both = self.suites & self.remote_suites
        if both & (AES | CHACHA) == 0:
            raise Refused("no suite that both have")
        self.suite = AES if both & AES else CHACHA
        self.e = ephemeral
        self.noise.e(public_of(ephemeral))
        self.noise.mix_key(exchange(ephemeral, self.re))
        sealed = self.noise.seal(self.identity.static)
        self.noise.mix_key(exchange(self.identity.secret, self.re))
        payload = struct.pack(
            "<IBBHQ", self.index, self.suite, self.lanes, 0, self.network.wall_ms
        )
        sealed += self.noise.seal(payload + self.identity.id)
        return header(MESSAGE2, self.flags, self.remote_index) + public_of(ephemeral) + sealed

    def read3(self, message):
        check_header(message, MESSAGE3, self.flags, self.index)
        noise = self.copy_noise()
        rs = noise.open(message[8:56])
        noise.mix_key(exchange(self.e, rs))
        noise.mix_key_and_hash(noise.psk3)
        payload = noise.open(message[56:])
        if any(payload[32:]) or static_key_of(payload[:32]) != rs:
            raise Refused("message 3")
        self.noise, self.remote_id = noise, payload[:32]

    # Both.

    def copy_noise(self):
        copy = Noise.__new__(Noise)
        copy.__dict__ = dict(self.noise.__dict__)
        return copy

    def data_keys(self):
        """Of the initiator's packets, and of the responder's (6.1)."""
        return tuple(
            hkdf(b"", key, b"netron/1 data" + bytes([self.suite, direction]), 32)
            for direction, key in enumerate(self.noise.split())
        )


# --- 5.4: cookies ---------------------------------------------------------------------------------


def xchacha(key, nonce):
    """XChaCha20-Poly1305: the cipher of HChaCha20's key, and the nonce that is left."""
    stream = Cipher(algorithms.ChaCha20(key, nonce[:16]), mode=None).encryptor().update(bytes(64))
    # The first and the last row of the block, without the state that ChaCha20 adds at its end.
    first = zip(struct.unpack("<4I", stream[:16]), struct.unpack("<4I", b"expand 32-byte k"))
    last = zip(struct.unpack("<4I", stream[48:]), struct.unpack("<4I", nonce[:16]))
    words = [(a - b) % 2**32 for a, b in (*first, *last)]
    return ChaCha20Poly1305(struct.pack("<8I", *words)), bytes(4) + nonce[16:]


def cookie_for(secret, address, port):
    """What this member puts into a cookie; `address` has 16 bytes."""
    where = address + struct.pack("<H", port)
    return hashlib.blake2b(where, key=secret, digest_size=16).digest()


def write_cookie(network, message1, index, cookie, nonce):
    head = header(COOKIE, message1[1], index)
    cipher, short = xchacha(network.cookie_key(message1[1]), nonce)
    return head + nonce + cipher.encrypt(short, cookie, head + message1[4:36])


def read_cookie(network, message, message1, index):
    check_header(message, COOKIE, message1[1], index)
    cipher, short = xchacha(network.cookie_key(message1[1]), message[8:32])
    try:
        return cipher.decrypt(short, message[32:], message[:8] + message1[4:36])
    except InvalidTag:
        raise Refused("cookie") from None


# --- 6: sessions ----------------------------------------------------------------------------------


class Session:
    def __init__(self, handshake, initiator, address):
        first, second = handshake.data_keys()
        send, receive = (first, second) if initiator else (second, first)
        cipher = AESGCM if handshake.suite == AES else ChaCha20Poly1305
        self.send, self.receive = cipher(send), cipher(receive)
        self.suite, self.index = handshake.suite, handshake.index
        self.remote_index, self.remote_id = handshake.remote_index, handshake.remote_id
        self.address = address
        self.confirmed = not initiator
        self.sequences = {}
        self.next = {lane: 0 for lane in (*range(handshake.remote_lanes), LANE_CONTROL)}
        self.taken = set()
        self.pieces = {}

    def seal(self, type, body=b"", lane=0, flags=0):
        assert self.confirmed, "nothing is sealed before the session is confirmed"
        sequence = self.sequences.get(lane, 0)
        assert sequence < PACKETS_MAX
        self.sequences[lane] = sequence + 1
        return self.seal_as(type, body, lane << 61 | sequence, flags)

    def seal_as(self, type, body, counter, flags=0):
        head = struct.pack("<BBHIQ", type, flags, 0, self.remote_index, counter)
        return head + self.send.encrypt(bytes(4) + head[8:], body, head)

    def open(self, datagram):
        """The type, the flags and what was sealed."""
        type, flags, zero, index, counter = struct.unpack("<BBHIQ", datagram[:HEADER])
        if zero != 0 or flags > 1 or (flags == 1 and type != DATA) or index != self.index:
            raise Refused("header")
        try:
            body = self.receive.decrypt(
                bytes(4) + datagram[8:HEADER], datagram[HEADER:], datagram[:HEADER]
            )
        except InvalidTag:
            raise Refused("tag") from None
        self.take(counter)
        self.confirmed = True
        return type, flags, body

    def take(self, counter):
        lane, sequence = counter >> 61, counter & (1 << 61) - 1
        if lane not in self.next or counter in self.taken:
            raise Refused("counter")
        if sequence + WINDOW < self.next[lane]:
            raise Refused("too old")
        self.taken.add(counter)
        self.next[lane] = max(self.next[lane], sequence + 1)

    def join(self, piece):
        """A packet whose last piece this is, or None (7.4)."""
        id, index, count, flags = struct.unpack("<IBBB", piece[:7])
        if not 2 <= count <= 3 or index >= count or len(piece) <= 8:
            raise Refused("piece")
        pieces = self.pieces.setdefault((id, count, flags), {})
        if index in pieces:
            raise Refused("piece")
        pieces[index] = piece[8:]
        if len(pieces) < count:
            return None
        del self.pieces[id, count, flags]
        return b"".join(pieces[number] for number in range(count))

    @staticmethod
    def cut(packet, id, count, flags=0):
        share = -(-len(packet) // count)
        return [
            struct.pack("<IBBBB", id, index, count, flags, 0)
            + packet[index * share : (index + 1) * share]
            for index in range(count)
        ]


# --- 10: control messages -------------------------------------------------------------------------


def write_text(text):
    return bytes([len(text.encode())]) + text.encode()


def write_address(address):
    return bytes([4 if len(address) == 4 else 6]) + address


def write_hello(name, version, platform, claims):
    """`claims`: pairs of an address, 4 or 16 bytes, and since when."""
    out = b"\x01\x01" + write_text(name) + write_text(version) + write_text(platform)
    out += bytes([len(claims)])
    for address, since in sorted(claims, key=lambda claim: (len(claim[0]), claim[0])):
        out += write_address(address) + struct.pack(">Q", since)
    return out


def write_observed(address, port):
    return b"\x01\x04" + write_address(address) + struct.pack(">H", port)


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, count):
        if len(self.data) < count:
            raise Refused("truncated")
        out, self.data = self.data[:count], self.data[count:]
        return out

    def number(self, bytes):
        return int.from_bytes(self.take(bytes), "big")

    def text(self):
        return self.take(self.number(1)).decode()

    def address(self):
        family = self.number(1)
        if family not in (4, 6):
            raise Refused("family")
        return self.take(4 if family == 4 else 16)

    def endpoint(self):
        return self.address(), self.number(2)


def read_control(data):
    """The kind and what it says; None for a kind that is not known."""
    reader = Reader(data)
    version, kind = reader.number(1), reader.number(1)
    if version != 1 or not 1 <= kind <= 4:
        return None  # also kind 5, who is a member: a session needs none of it
    if kind == 1:
        said = {key: reader.text() for key in ("name", "version", "platform")}
        said["claims"] = [(reader.address(), reader.number(8)) for _ in range(reader.number(1))]
    elif kind == 2:
        said = read_gossip(reader)
    elif kind == 3:
        said = (reader.address(), reader.take(32))
    else:
        said = reader.endpoint()
    if reader.data:
        raise Refused("trailing")
    return ("hello", "gossip", "contested", "observed")[kind - 1], said


def read_gossip(reader):
    """What it is and the hints in it, by id; of those without hints the rest as it is."""
    kind = reader.number(1)
    if kind == 2:
        reader.take(1)  # the steps that are left
    if kind not in (1, 2):
        return GOSSIP.get(kind, kind), reader.take(len(reader.data))
    hints = {}
    for _ in range(reader.number(1)):
        id = reader.take(32)
        hints[id] = [reader.endpoint() for _ in range(reader.number(1))]
    return GOSSIP[kind], hints


GOSSIP = {1: "join", 2: "forward_join", 3: "neighbour", 4: "answer"}


def write_hint(id, address, port):
    return b"\x01" + id + b"\x01" + write_address(address) + struct.pack(">H", port)


def write_join(id, address, port):
    return b"\x01\x02\x01" + write_hint(id, address, port)


def write_forward_join(id, address, port):
    return b"\x01\x02\x02\x00" + write_hint(id, address, port)


def write_answer(accepted):
    return b"\x01\x02\x04" + bytes([accepted])


# --- a member on a socket -------------------------------------------------------------------------


class Peer:
    """Answers as it must; what is left to its user comes out of `wait`, one event after another."""

    def __init__(self, network, identity=None, suites=CHACHA | AES, lanes=1):
        self.network = network
        self.identity = identity or Identity.new()
        self.suites, self.lanes = suites, lanes
        self.index = 0x01000000
        self.dialling, self.half_open, self.sessions = {}, {}, {}
        self.ephemerals = set()
        self.events = []
        self.answers_probes = True
        self.cookie_secret = None  # with one, first messages must bring a cookie
        self.socket = None
        self.move()

    def move(self):
        """Goes on from another port."""
        if self.socket:
            self.socket.close()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = self.socket.getsockname()

    def close(self):
        self.socket.close()

    def handshake(self):
        self.index += 1
        return Handshake(self.network, self.identity, self.index, self.suites, self.lanes)

    # What goes out.

    def transmit(self, datagram, address):
        self.socket.sendto(datagram, address)

    def send(self, session, type, body=b"", lane=0, flags=0):
        datagram = session.seal(type, body, lane, flags)
        self.transmit(datagram, session.address)
        return datagram

    def dial(self, address, cookie=bytes(16)):
        """The confirmed session with whoever answers there (5.2)."""
        handshake = self.handshake()
        handshake.cookie = cookie
        self.dialling[handshake.index] = handshake, address
        pause, end = 0.4, time.monotonic() + BOUND
        while time.monotonic() < end:
            self.transmit(handshake.write1(new_ephemeral()), address)
            session = self.look_for("session", pause)
            if session:
                return session
            pause *= 2
        raise AssertionError("nobody answers the dial")

    def look_for(self, kind, seconds):
        """The next event of that kind, or None when the time is over."""
        end = time.monotonic() + seconds
        while True:
            for number, event in enumerate(self.events):
                if event[0] == kind:
                    del self.events[number]
                    return event[1] if len(event) == 2 else event[1:]
            if not self.receive(end - time.monotonic()):
                return None

    def wait(self, kind):
        event = self.look_for(kind, BOUND)
        assert event is not None, f"no {kind} within {BOUND} s; there are {self.events}"
        return event

    # What comes in.

    def receive(self, seconds):
        """Takes one datagram; False if none came in time."""
        if seconds <= 0:
            return False
        self.socket.settimeout(seconds)
        try:
            datagram, address = self.socket.recvfrom(65536)
        except socket.timeout:
            return False
        try:
            self.take(datagram, address)
        except Refused as why:
            self.events.append(("refused", str(why)))
        return True

    def take(self, datagram, address):
        type = datagram[0] if datagram else 0
        if type in LENGTHS and len(datagram) != LENGTHS[type]:
            raise Refused("length")
        if type == MESSAGE1:
            self.take_message1(datagram, address)
        elif type == MESSAGE2:
            self.take_message2(datagram)
        elif type == MESSAGE3:
            self.take_message3(datagram)
        elif type == COOKIE:
            self.take_cookie(datagram, address)
        elif DATA <= type <= FRAGMENT and len(datagram) >= HEADER + TAG:
            self.take_packet(datagram, address)
        else:
            raise Refused("type")

    def take_message1(self, message, address):
        handshake = self.handshake()
        handshake.read1(message)
        if handshake.re in self.ephemerals:
            raise Refused("repeated")
        self.ephemerals.add(handshake.re)
        if self.cookie_secret:
            host = bytes(10) + b"\xff\xff" + socket.inet_aton(address[0])
            cookie = cookie_for(self.cookie_secret, host, address[1])
            if handshake.remote_cookie != cookie:
                answer = write_cookie(
                    self.network, message, handshake.remote_index, cookie, os.urandom(24)
                )
                self.transmit(answer, address)
                self.events.append(("asked for a cookie", handshake))
                return
        self.half_open[handshake.index] = handshake
        handshake.address = address
        self.transmit(handshake.write2(new_ephemeral()), address)

    def take_message2(self, message):
        index = struct.unpack("<I", message[4:8])[0]
        if index not in self.dialling:
            raise Refused("index")
        handshake, dialled = self.dialling[index]
        handshake.read2(message)
        if handshake.remote_id == self.identity.id:
            raise Refused("it is me")
        del self.dialling[index]
        message3 = handshake.write3()
        session = Session(handshake, True, dialled)
        session.message3 = message3  # for repeats, byte for byte
        self.sessions[index] = session
        self.transmit(message3, dialled)

    def take_message3(self, message):
        index = struct.unpack("<I", message[4:8])[0]
        if index in self.half_open:
            handshake = self.half_open[index]
            handshake.read3(message)
            del self.half_open[index]
            self.sessions[index] = Session(handshake, False, handshake.address)
            self.events.append(("session", self.sessions[index]))
        elif index not in self.sessions:
            raise Refused("index")
        self.send(self.sessions[index], DATA, lane=LANE_CONTROL)

    def take_cookie(self, message, address):
        index = struct.unpack("<I", message[4:8])[0]
        if index not in self.dialling or self.dialling[index][1] != address:
            raise Refused("index")
        handshake, _ = self.dialling[index]
        is_first = not any(handshake.cookie)
        handshake.cookie = read_cookie(self.network, message, handshake.message1, index)
        self.events.append(("cookie", handshake.cookie))
        if is_first:
            self.transmit(handshake.write1(new_ephemeral()), address)

    def take_packet(self, datagram, address):
        index = struct.unpack("<I", datagram[4:8])[0]
        if index not in self.sessions:
            raise Refused("index")
        session = self.sessions[index]
        was_confirmed = session.confirmed
        type, flags, body = session.open(datagram)
        if not was_confirmed:
            self.events.append(("session", session))
        if type == DATA and body:
            self.events.append(("data", session, flags, body))
        elif type == CONTROL:
            self.events.append(("control", session, body))
        elif type == FRAGMENT:
            packet = session.join(body)
            self.events.append(("piece", session, body))
            if packet:
                self.events.append(("data", session, body[6], packet))
        elif type == LINK:
            self.take_link(session, body, len(datagram), address)

    def take_link(self, session, body, size, address):
        kind = body[0] if len(body) >= 4 else 0
        if kind == ECHO and len(body) == 20:
            self.send(session, LINK, bytes([ECHO_REPLY]) + body[1:], LANE_CONTROL)
            self.events.append(("echo", session))
        elif kind == ECHO_REPLY and len(body) == 20:
            self.events.append(("echo reply", session, body[4:]))
        elif kind == CHALLENGE and len(body) == 12:
            answer = session.seal(LINK, bytes([RESPONSE]) + body[1:], LANE_CONTROL)
            self.transmit(answer, address)
            self.events.append(("challenge", session))
        elif kind == PROBE and struct.unpack("<H", body[2:4])[0] == size:
            if self.answers_probes:
                reply = struct.pack("<BBH", PROBE_REPLY, body[1], size)
                self.send(session, LINK, reply, LANE_CONTROL)
            self.events.append(("probe", session, size))
        elif kind == PROBE_REPLY:
            search, size = struct.unpack("<BH", body[1:4])
            self.events.append(("probe reply", session, size, search))
        elif kind == GOODBYE:
            for other in [s for s in self.sessions.values() if s.remote_id == session.remote_id]:
                del self.sessions[other.index]
            self.events.append(("goodbye", session, IDLE if body[1] == IDLE else LEAVING))
        else:
            raise Refused("link")


class TCPPeer(Peer):
    """The same over a connection that it makes to one place (8.2)."""

    def __init__(self, network, place):
        self.place = place
        super().__init__(network)

    def move(self):
        """Goes on by another connection."""
        if self.socket:
            self.socket.close()
        self.came = b""
        self.socket = socket.create_connection(self.place, BOUND)
        self.address = self.socket.getsockname()

    def transmit(self, datagram, address):
        self.socket.sendall(struct.pack(">H", len(datagram)) + datagram)

    def receive(self, seconds):
        if seconds <= 0:
            return False
        self.socket.settimeout(seconds)
        length = 0
        while len(self.came) < 2 or len(self.came) < 2 + (length := self.length()):
            try:
                came = self.socket.recv(65536)
            except socket.timeout:
                return False
            assert came, "the connection was closed"
            self.came += came
        datagram, self.came = self.came[2 : 2 + length], self.came[2 + length :]
        try:
            self.take(datagram, self.place)
        except Refused as why:
            self.events.append(("refused", str(why)))
        return True

    def length(self):
        return struct.unpack(">H", self.came[:2])[0]


if __name__ == "__main__":
    import vectors

    sys.exit(vectors.main(sys.argv[1:]))
