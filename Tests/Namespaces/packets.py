# SPDX-License-Identifier: Apache-2.0
"""packets - IP packets made and read by hand, and what passes an interface.

Packets go out through AF_PACKET sockets, so that no checksum or field is set by the kernel, and
are seen the same way: no capture program is needed.
"""

import ipaddress
import select
import socket
import struct
import time

ETH_P_ALL = 0x0003
ETH_P_IP = 0x0800
ETH_P_IPV6 = 0x86DD
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
CAPTURE_BUFFER_BYTES = 32 << 20

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
ECT0, CE = 2, 3


def packed(address):
    return ipaddress.ip_address(address).packed


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo_header(source, destination, protocol, length):
    if ipaddress.ip_address(source).version == 4:
        return packed(source) + packed(destination) + struct.pack("!BBH", 0, protocol, length)
    return packed(source) + packed(destination) + struct.pack("!IHBB", length, 0, 0, protocol)


def ip(source, destination, protocol, payload, tos=0, ttl=64, ident=0):
    """An IPv4 or IPv6 packet, as the addresses say."""
    if ipaddress.ip_address(source).version == 6:
        head = struct.pack("!IHBB", 6 << 28 | tos << 20, len(payload), protocol, ttl)
        return head + packed(source) + packed(destination) + payload
    head = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(payload), ident, 0x4000, ttl, protocol, 0)
    head += packed(source) + packed(destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(source, destination, source_port, port, payload, spoil=0, **fields):
    """A UDP packet; `spoil` is added to its checksum to make it wrong."""
    head = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0)
    pseudo = pseudo_header(source, destination, UDP, 8 + len(payload))
    right = checksum(pseudo + head + payload) or 0xFFFF
    head = head[:6] + struct.pack("!H", spoiled(right, spoil))
    return ip(source, destination, UDP, head + payload, **fields)


def tcp(source, destination, ports, sequence, payload, spoil=0, **fields):
    """A TCP segment amid an established connection (ACK alone, as in bulk)."""
    head = struct.pack("!HHIIBBHHH", *ports, sequence, 1, 0x50, 0x10, 1000, 0, 0)
    pseudo = pseudo_header(source, destination, TCP, 20 + len(payload))
    right = checksum(pseudo + head + payload)
    head = head[:16] + struct.pack("!H", spoiled(right, spoil)) + head[18:]
    return ip(source, destination, TCP, head + payload, **fields)


def spoiled(right, by):
    """A checksum that is wrong by `by`, and never 0, which in UDP means that there is none."""
    wrong = (right + by) & 0xFFFF
    return wrong or 0x5555


class Packet:
    """An IP packet that was seen, read as far as tests need it."""

    def __init__(self, data, outgoing=False):
        self.bytes = data
        self.outgoing = outgoing
        self.version = data[0] >> 4
        if self.version == 4:
            self.tos, self.ttl, self.protocol = data[1], data[8], data[9]
            self.source, self.destination = data[12:16], data[16:20]
            self.payload = data[(data[0] & 15) * 4 : struct.unpack("!H", data[2:4])[0]]
        else:
            self.tos = struct.unpack("!H", data[:2])[0] >> 4 & 0xFF
            self.protocol, self.ttl = data[6], data[7]
            self.source, self.destination = data[8:24], data[24:40]
            self.payload = data[40 : 40 + struct.unpack("!H", data[4:6])[0]]
        self.source = str(ipaddress.ip_address(self.source))
        self.destination = str(ipaddress.ip_address(self.destination))

    @property
    def ports(self):
        return struct.unpack("!HH", self.payload[:4])

    @property
    def data(self):
        """What a UDP or TCP packet carries."""
        if self.protocol == UDP:
            return self.payload[8:]
        return self.payload[(self.payload[12] >> 4) * 4 :]

    @property
    def sequence(self):
        """Of a TCP packet."""
        return struct.unpack("!I", self.payload[4:8])[0]

    def is_checksum_right(self):
        pseudo = pseudo_header(self.source, self.destination, self.protocol, len(self.payload))
        return checksum(pseudo + self.payload) == 0

    def __repr__(self):
        way = "out" if self.outgoing else "in"
        head = f"{way} {self.source} > {self.destination} protocol {self.protocol}"
        ports = f" ports {self.ports}" if self.protocol in (TCP, UDP) else ""
        return f"<{head}{ports} tos {self.tos:#04x} {len(self.payload)} bytes>"


class Capture:
    """All IP packets that pass a device from now on."""

    def __init__(self, host, device):
        self.socket = host.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, CAPTURE_BUFFER_BYTES)
        # Bound only now, so that no packet of another device is seen.
        self.socket.bind((device, ETH_P_ALL))
        self.socket.setblocking(False)
        self.waiting = []

    def packets(self):
        """What passed since the last call."""
        seen, self.waiting = self.waiting, []
        while True:
            try:
                data, address = self.socket.recvfrom(1 << 17)
            except BlockingIOError:
                return seen
            if address[1] in (ETH_P_IP, ETH_P_IPV6):
                seen.append(Packet(data, address[2] == PACKET_OUTGOING))

    def incoming(self):
        """The same, without what the host sent."""
        return [packet for packet in self.packets() if not packet.outgoing]

    def wait(self, wanted, what, bound=10):
        """The first packet that is wanted; those before it are passed over."""
        end = time.monotonic() + bound
        others = []
        while True:
            seen = self.packets()
            for number, packet in enumerate(seen):
                if wanted(packet):
                    self.waiting = seen[number + 1 :]
                    return packet
            others += seen
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"not seen within {bound} s: {what}; but {others[-20:]}")
            select.select([self.socket], [], [], left)

    def collect(self, wanted, count, what, bound=10):
        """The first `count` packets that are wanted."""
        return [self.wait(wanted, f"{what} ({n + 1} of {count})", bound) for n in range(count)]

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def inject(host, device, packets, link=b""):
    """Sends packets out of a device as they are; into a TUN that is what its program reads.

    `link` is the link address of whom they go to, on a device where hosts have one.
    """
    with host.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as sender:
        for packet in packets:
            protocol = ETH_P_IP if packet[0] >> 4 == 4 else ETH_P_IPV6
            sender.sendto(packet, (device, protocol, 0, 0, link))
