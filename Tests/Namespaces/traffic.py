# SPDX-License-Identifier: Apache-2.0
"""traffic - what programs on two hosts send each other: TCP, UDP, and iperf3 in bulk."""

import contextlib
import ipaddress
import json
import random
import select
import socket
import time

from lab import BOUND, until

CHUNK = 1 << 16


def family(address):
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET


def noise(length, seed=1):
    """Bytes that do not repeat."""
    return random.Random(seed).randbytes(length)


class Stream:
    """A TCP connection between two hosts, both of whose ends this process holds."""

    def __init__(self, client, server, address, port=5001):
        with server.socket(family(address), socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.listen(1)
            listener.settimeout(BOUND)
            self.client = client.socket(family(address), socket.SOCK_STREAM)
            self.client.settimeout(BOUND)
            self.client.connect((address, port))
            self.server, _ = listener.accept()
        self.server.settimeout(BOUND)

    def carry(self, data, reverse=False, bound=BOUND):
        """Sends data to the other end, and fails if anything else arrives, or not all of it."""
        sender, receiver = (self.server, self.client) if reverse else (self.client, self.server)
        received, sent = bytearray(), 0
        end = time.monotonic() + bound
        while len(received) < len(data):
            left = end - time.monotonic()
            assert left > 0, f"{len(received)} of {len(data)} bytes came within {bound} s"
            writing = [sender] if sent < len(data) else []
            readable, writable, _ = select.select([receiver], writing, [], left)
            if readable:
                got = receiver.recv(CHUNK)
                assert got, f"closed after {len(received)} of {len(data)} bytes"
                received += got
            if writable:
                sent += sender.send(data[sent : sent + CHUNK], socket.MSG_DONTWAIT)
        assert received == data, "other bytes arrived"

    def close(self):
        self.client.close()
        self.server.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def tcp_both_ways(client, server, address, length=300_000):
    with Stream(client, server, address) as stream:
        stream.carry(noise(length))
        stream.carry(noise(length, seed=2), reverse=True)


def udp_both_ways(client, server, address, length=100, port=5002):
    """One datagram there and one back; repeated as programs do, since UDP may lose it."""
    question, answer = noise(length), noise(length, seed=2)
    with contextlib.ExitStack() as stack:
        asked = stack.enter_context(server.socket(family(address), socket.SOCK_DGRAM))
        asked.bind((address, port))
        asker = stack.enter_context(client.socket(family(address), socket.SOCK_DGRAM))
        asker.connect((address, port))
        end = time.monotonic() + BOUND
        while time.monotonic() < end:
            asker.send(question)
            if not select.select([asked], [], [], 1)[0]:
                continue
            got, sender = asked.recvfrom(CHUNK)
            assert got == question, "another question arrived"
            asked.sendto(answer, sender)
            if select.select([asker], [], [], 1)[0]:
                assert asker.recv(CHUNK) == answer, "another answer arrived"
                return
    raise AssertionError(f"{address} did not answer over UDP")


def iperf(client, server, address, *options, port=5201, bound=60):
    """One run of iperf3 from client to server, and its figures."""
    log = server.lab.folder / f"iperf-{server.name}-{len(server.processes)}.log"
    with log.open("w") as output:
        listening = server.spawn(
            ["iperf3", "-s", "-1", "-B", address, "-p", port, "--forceflush"],
            stdout=output, stderr=output,
        )
    until(lambda: "listening" in log.read_text(), f"iperf3 listens: {log.read_text()}")
    done = client.run(
        ["iperf3", "-c", address, "-p", str(port), "--json", *options], check=False, bound=bound
    )
    listening.wait(BOUND)
    figures = json.loads(done.stdout)
    assert "error" not in figures, figures["error"]
    return figures["end"]
