#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two nodes in one process shake hands and pass a packet each way, through the C library.

No compiler is needed: ctypes loads libnetronfast.so.0 (LD_LIBRARY_PATH where it lies elsewhere).
"""

import ctypes
import socket
import struct
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint8, c_void_p
from ctypes import c_int32, c_uint16, c_uint32, c_uint64

ROUNDS_MAX = 64
MESSAGE_BYTES_MAX = 1150
EVENT_PEER_UP = 1


class Endpoint(ctypes.Structure):
    _fields_ = [("address", c_uint8 * 16), ("scope", c_uint32), ("port", c_uint16),
                ("reserved", c_uint16)]


class Prefix(ctypes.Structure):
    _fields_ = [("address", c_uint8 * 16), ("family", c_uint8), ("length", c_uint8),
                ("reserved", c_uint8 * 2)]


class Options(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("peers_max", c_uint32), ("suites", c_uint32),
                ("lanes", c_uint32), ("mtu", c_uint32), ("backend", c_uint32),
                ("identity_seed", c_uint8 * 32), ("network_secret", c_char_p),
                ("network_secret_length", c_size_t), ("epoch_seconds", c_uint64),
                ("random_seed", c_uint64), ("datagrams", c_uint32), ("idle_ends", c_uint32)]


class Event(ctypes.Structure):
    _fields_ = [("kind", c_uint32), ("code", c_int32), ("id", c_uint8 * 32),
                ("endpoint", Endpoint), ("token", c_uint64), ("rtt_ns", c_uint64),
                ("wall_ms", c_uint64), ("length", c_uint32), ("reserved", c_uint32),
                ("bytes", c_uint8 * (MESSAGE_BYTES_MAX + 2))]


def load():
    library = ctypes.CDLL("libnetronfast.so.0")
    engine, octets = c_void_p, c_void_p
    signatures = {
        "netron_error_text": (c_char_p, c_int),
        "netron_identity_new": (None, octets),
        "netron_engine_new": (c_int, POINTER(engine), POINTER(Options)),
        "netron_engine_free": (None, engine),
        "netron_engine_id": (None, engine, octets),
        "netron_engine_set_time": (None, engine, c_uint64, c_uint64),
        "netron_engine_dial": (c_int, engine, POINTER(Endpoint), octets, c_uint64),
        "netron_engine_set_prefixes":
            (c_int, engine, octets, POINTER(Prefix), c_size_t, c_uint64),
        "netron_engine_receive":
            (c_int, engine, octets, c_size_t, POINTER(Endpoint), c_uint8, c_uint64),
        "netron_engine_send_packet": (c_int, engine, octets, c_size_t, c_uint64),
        "netron_engine_poll_datagram":
            (c_int, engine, octets, c_size_t, POINTER(Endpoint), POINTER(c_uint8)),
        "netron_engine_poll_packet": (c_int, engine, octets, c_size_t),
        "netron_engine_poll_event": (c_int, engine, POINTER(Event)),
        "netron_engine_tick": (None, engine, c_uint64),
    }
    for name, (result, *arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


netron = load()


def check(result):
    """`result`, unless it is an error."""
    if result < 0:
        raise RuntimeError(netron.netron_error_text(result).decode())
    return result


class Node:
    """An engine, and what this program knows of it."""

    def __init__(self, name, number, now):
        secret = b"a secret of at least 16 bytes"
        options = Options(size=ctypes.sizeof(Options), network_secret=secret,
                          network_secret_length=len(secret))
        netron.netron_identity_new(options.identity_seed)
        self.engine = c_void_p()
        check(netron.netron_engine_new(byref(self.engine), byref(options)))
        netron.netron_engine_set_time(self.engine, 1_790_000_000_000, now)
        self.name, self.up = name, False
        self.id = (c_uint8 * 32)()
        netron.netron_engine_id(self.engine, self.id)
        outside = socket.inet_pton(socket.AF_INET6, f"::ffff:192.0.2.{number}")
        self.endpoint = Endpoint((c_uint8 * 16)(*outside), 0, 4242, 0)
        self.inside = Prefix((c_uint8 * 16)(10, 1, 0, number), 4, 32)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        netron.netron_engine_free(self.engine)

    def carry(self, other, now):
        """Hands our datagrams to `other`, and looks at what happened to us."""
        buffer, target, tos = (c_uint8 * 4096)(), Endpoint(), c_uint8()
        while length := check(netron.netron_engine_poll_datagram(
                self.engine, buffer, len(buffer), byref(target), byref(tos))):
            check(netron.netron_engine_receive(
                other.engine, buffer, length, byref(self.endpoint), tos, now))
        event = Event()
        while netron.netron_engine_poll_event(self.engine, byref(event)):
            if event.kind == EVENT_PEER_UP:
                print(f"{self.name}: session, round trip {event.rtt_ns / 1e6:.1f} ms")
                self.up = True
                check(netron.netron_engine_set_prefixes(
                    self.engine, event.id, byref(other.inside), 1, now))

    def packet_to(self, other, text):
        """IPv4 with a UDP datagram in it (without a checksum, which IPv4 allows)."""
        source, target = bytes(self.inside.address[:4]), bytes(other.inside.address[:4])
        total = 28 + len(text)
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, total, 0, 0, 64, 17, 0, source, target)
        total = sum(struct.unpack("!10H", header))
        total = (total & 0xFFFF) + (total >> 16)
        checksum = ~(total + (total >> 16)) & 0xFFFF
        header = header[:10] + struct.pack("!H", checksum) + header[12:]
        return header + struct.pack("!HHHH", 9, 9, 8 + len(text), 0) + text


def main():
    now = 1_000_000_000  # a clock of our own, in nanoseconds
    with Node("ada", 1, now) as ada, Node("bob", 2, now) as bob:
        check(netron.netron_engine_dial(ada.engine, byref(bob.endpoint), bob.id, now))
        for _ in range(ROUNDS_MAX):
            now += 1_000_000  # a way takes 1 ms
            for one, other in ((ada, bob), (bob, ada)):
                one.carry(other, now)
                netron.netron_engine_tick(one.engine, now)
            if ada.up and bob.up:
                break
        else:
            sys.exit("no session came about")

        for one, other in ((ada, bob), (bob, ada)):
            packet = one.packet_to(other, f"hello, {other.name}".encode())
            check(netron.netron_engine_send_packet(one.engine, packet, len(packet), now))
            buffer, length = (c_uint8 * 2048)(), 0
            for _ in range(ROUNDS_MAX):
                now += 1_000_000
                one.carry(other, now)
                other.carry(one, now)
                length = check(netron.netron_engine_poll_packet(other.engine, buffer, len(buffer)))
                if length:
                    break
            if bytes(buffer[:length]) != packet:
                sys.exit("the packet did not arrive as it was sent")
            print(f"{one.name} to {other.name}: {packet[28:].decode()}")


if __name__ == "__main__":
    main()
