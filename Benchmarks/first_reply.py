# SPDX-License-Identifier: Apache-2.0
"""first_reply.py ADDRESS SECONDS: prints when the first echo comes back.

Sends an ICMP echo every few milliseconds, from before there is a way to the address. Says "ready",
then the monotonic time of the first reply in nanoseconds; exits 1 if there is none.
"""

import os
import select
import socket
import struct
import sys
import time

EVERY_SECONDS = 0.004
ECHO_REQUEST, ECHO_REPLY = 8, 0


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo(identifier, sequence):
    head = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, identifier, sequence)
    return head[:2] + struct.pack("!H", checksum(head)) + head[4:]


def main():
    address, seconds = sys.argv[1], float(sys.argv[2])
    identifier = os.getpid() & 0xFFFF
    icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    print("ready", flush=True)
    end = time.monotonic() + seconds
    sequence = 0
    while time.monotonic() < end:
        sequence = (sequence + 1) & 0xFFFF
        try:
            icmp.sendto(echo(identifier, sequence), (address, 0))
        except OSError:
            pass  # no route yet
        again = time.monotonic() + EVERY_SECONDS
        while (left := again - time.monotonic()) > 0:
            if not select.select([icmp], [], [], left)[0]:
                break
            packet, (sender, _) = icmp.recvfrom(2048)
            now = time.monotonic_ns()
            offset = (packet[0] & 0x0F) * 4
            kind, _, _, whose, _ = struct.unpack_from("!BBHHH", packet, offset)
            if sender == address and kind == ECHO_REPLY and whose == identifier:
                print(now, flush=True)
                return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
