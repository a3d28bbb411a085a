# SPDX-License-Identifier: Apache-2.0
"""dht_words - what is said on BitTorrent's Mainline DHT: bencode, compact endpoints, node ids.

Written from BEP 5, BEP 32 and BEP 42, and only for tests. Runs in Debian's own Python, in programs
that have no other part of the lab.
"""

import ipaddress
import random

PORT = 6881
ID_BYTES = 20
NESTING_MAX = 16


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        return bencode(value.encode())
    if isinstance(value, (bytes, bytearray)):
        return b"%d:%s" % (len(value), bytes(value))
    if isinstance(value, (list, tuple)):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    words = {key.encode() if isinstance(key, str) else key: item for key, item in value.items()}
    return b"d" + b"".join(bencode(key) + bencode(words[key]) for key in sorted(words)) + b"e"


def bdecode(data):
    """The one value that the bytes are; ValueError if they are not."""
    value, end = _bdecode(data, 0, 0)
    if end != len(data):
        raise ValueError("more than one value")
    return value


def _bdecode(data, at, depth):
    if depth > NESTING_MAX:
        raise ValueError("too deep")
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind in (b"l", b"d"):
        items, at = [], at + 1
        while data[at:at + 1] != b"e":
            item, at = _bdecode(data, at, depth + 1)
            items.append(item)
        if kind == b"l":
            return items, at + 1
        return dict(zip(items[::2], items[1::2], strict=True)), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    if end > len(data):
        raise ValueError("cut off")
    return data[colon + 1:end], end


def compact(address, port=PORT):
    """An endpoint as 6 bytes, or 18 of IPv6."""
    return ipaddress.ip_address(address).packed + port.to_bytes(2, "big")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def node_id(address, seed):
    """An id that BEP 42 lets that address have; the same seed gives the same id."""
    chance = random.Random(f"{address} {seed}")
    packed = ipaddress.ip_address(address).packed
    mask = bytes([0x03, 0x0F, 0x3F, 0xFF])
    if len(packed) > 4:
        mask = bytes([0x01, 0x03, 0x07, 0x0F, 0x1F, 0x3F, 0x7F, 0xFF])
    number = chance.randrange(256)
    masked = bytearray(byte & bits for byte, bits in zip(packed, mask))
    masked[0] |= (number & 7) << 5
    crc = crc32c(masked)
    return (
        bytes([crc >> 24, crc >> 16 & 0xFF, crc >> 8 & 0xF8 | chance.randrange(8)])
        + chance.randbytes(ID_BYTES - 4)
        + bytes([number])
    )
