# SPDX-License-Identifier: Apache-2.0
"""dht_liars - nodes of a DHT that mean harm, each on an address of its own.

    dht_liars.py WAY,WAY... KNOWN ADDRESS...    they join by the nodes that KNOWN lists with commas

They answer pings as they should and have ids that fit their addresses, so that all let them in.
What else they say is wrong: each of them lies in one of the ways, which are functions of `Liar`.
Whoever asks them is asked back.
Standard output gets one line a second with how often each way was used. They end when standard
input does.
"""

import json
import random
import select
import socket
import sys
import time

from dht_words import ID_BYTES, PORT, bdecode, bencode, compact, node_id

TICK_SECONDS = 1
ASKED_A_TICK = 20  # who is asked, of all liars together; enough to stay in every table
GUESTS_MAX = 100
DATAGRAM_MAX = 65507
NOWHERE = "47.{}.{}.{}"  # no host of the lab has such an address


class Liar:
    """One of them."""

    def __init__(self, address, way, others):
        self.address, self.way, self.others = address, way, others
        self.id = node_id(address, 1)
        self.chance = random.Random(address)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, PORT))
        self.socket.setblocking(False)
        self.guests = []

    def send(self, data, place):
        try:
            self.socket.sendto(data[:DATAGRAM_MAX], place)
        except OSError:
            pass  # the kernel's buffer is full, or the place is gone

    def ask(self, place):
        target = self.chance.randbytes(ID_BYTES)
        self.send(bencode({
            "t": b"li", "y": "q", "q": "find_node", "a": {"id": self.id, "target": target},
        }), place)

    def heard(self, data, place):
        """Answers one datagram; whether it lied."""
        try:
            query = bdecode(data)
            if query.get(b"y") != b"q":
                return False
            asked = query[b"a"].get(b"info_hash") or query[b"a"].get(b"target")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return False
        if place not in self.guests and len(self.guests) < GUESTS_MAX:
            self.guests.append(place)
        reply = {"t": query.get(b"t", b""), "y": "r", "r": {"id": self.id},
                 "ip": compact(*place)}
        if not asked or query[b"q"] == b"announce_peer":
            self.send(bencode(reply), place)
            return False
        self.way(self, reply, asked, place)
        return True

    # --- ways to lie -----------------------------------------------------------------------------

    def near(self, key, shared=18):
        """An id that begins as the key does."""
        return key[:shared] + self.chance.randbytes(ID_BYTES - shared)

    def nowhere(self):
        numbers = [self.chance.randrange(1, 255) for _ in range(3)]
        return compact(NOWHERE.format(*numbers), self.chance.randrange(1024, 65536))

    def dead_nodes(self, reply, key, place):
        """The nearest nodes are where nobody is."""
        reply["r"] |= {"nodes": b"".join(self.near(key) + self.nowhere() for _ in range(8)),
                       "token": b"1234"}
        self.send(bencode(reply), place)

    def ring(self, reply, key, place):
        """The nearest nodes are we, with ids made for this key."""
        chosen = self.chance.sample(self.others, min(8, len(self.others)))
        reply["r"] |= {"nodes": b"".join(self.near(key) + compact(a) for a in chosen),
                       "token": b"1234"}
        self.send(bencode(reply), place)

    def huge(self, reply, key, place):
        """All that fits in a datagram."""
        reply["r"] |= {"nodes": b"".join(self.near(key) + self.nowhere() for _ in range(1000)),
                       "values": [self.nowhere() for _ in range(4000)],
                       "token": self.chance.randbytes(1000)}
        self.send(bencode(reply), place)

    def false_values(self, reply, key, place):
        """Members are where nobody is."""
        reply["r"] |= {"values": [self.nowhere() for _ in range(50)], "token": b"1234"}
        self.send(bencode(reply), place)

    def bad_token(self, reply, key, place):
        """A token that nobody can use, or none; and what is announced is lost."""
        reply["r"]["nodes"] = b"".join(node_id(a, 1) + compact(a) for a in self.others[:8])
        token = self.chance.choice([b"", 17, [b"1"], None, bytes(600)])
        if token is not None:
            reply["r"]["token"] = token
        self.send(bencode(reply), place)

    def garbage(self, reply, key, place):
        """What is no message, in a message's place."""
        whole = bencode(reply | {"r": {"id": self.id, "nodes": bytes(8 * 26 + 5)}})
        for data in (
            whole[:-3], b"d" + b"l" * 1400, b"d1:y1:r1:t2:" + b"9" * 30 + b":e",
            bencode(reply | {"r": {"id": b"short", "values": b"nodes"}}), whole,
            bencode(reply | {"t": b"??"}), bencode({"t": reply["t"], "y": "e", "e": [203]}),
        ):
            self.send(data, place)


def main():
    ways = [getattr(Liar, name) for name in sys.argv[1].split(",")]
    known = sys.argv[2].split(",")
    addresses = sys.argv[3:]
    liars = [Liar(address, ways[i % len(ways)], addresses) for i, address in enumerate(addresses)]
    by_socket = {liar.socket: liar for liar in liars}
    lies = {way.__name__: 0 for way in ways}
    for liar in liars:
        for address in known:
            liar.ask((address, PORT))
    print(json.dumps(lies), flush=True)
    due = time.monotonic() + TICK_SECONDS
    while True:
        wait = max(0, due - time.monotonic())
        ready, _, _ = select.select([sys.stdin, *by_socket], [], [], wait)
        if sys.stdin in ready:
            return
        for one in ready:
            liar = by_socket[one]
            try:
                data, place = one.recvfrom(DATAGRAM_MAX)
            except OSError:
                continue  # an answer that somebody's host refused
            lies[liar.way.__name__] += liar.heard(data, place)
        if time.monotonic() >= due:
            due += TICK_SECONDS
            guests = [(liar, place) for liar in liars for place in liar.guests]
            for liar, place in random.sample(guests, min(ASKED_A_TICK, len(guests))):
                liar.ask(place)
            print(json.dumps(lies), flush=True)


if __name__ == "__main__":
    main()
