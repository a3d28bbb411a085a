# SPDX-License-Identifier: Apache-2.0
"""The packet core and peer.py as members of one network, over loopback.

    peer.py  127.0.0.1:x  ---- UDP ----  127.0.0.1:y  echo_peer (the packet core, engine.h)
"""

import os
import select
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest

import peer
from peer import AES, CHACHA, CONTROL, DATA, FRAGMENT, LANE_CONTROL, LINK, Identity, Network, Peer

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/interop/echo_peer"
SECRET = b"what every member of the test knows"
WALL_MS = 1_800_000_000_000
MALFORMED, REPLAYED, FORGED, REFUSED = -4, -6, -7, -14  # of include/netron/error.h
SUITES = [pytest.param(CHACHA, id="chacha20"), pytest.param(AES, id="aes256")]


@pytest.fixture(scope="session", autouse=True)
def program():
    subprocess.run(["make", "--no-print-directory", "-s", "-C", Path(__file__).parent], check=True)


class Core:
    """The packet core in a process of its own."""

    def __init__(self, suites=0, wall_ms=WALL_MS, secret=SECRET):
        self.identity = Identity.new()
        self.process = subprocess.Popen(
            [PROGRAM, secret.hex(), self.identity.seed.hex(), str(suites), str(wall_ms)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        self.text = b""
        first = self.line().split()
        if first == ["unsupported"]:
            pytest.skip("the processor has no instructions for this suite")
        assert first[0] == "ready"
        self.address = "127.0.0.1", int(first[1])
        assert first[2] == self.identity.id.hex()

    def order(self, *words):
        self.process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self.process.stdin.flush()

    def line(self):
        while b"\n" not in self.text:
            out = self.process.stdout
            assert select.select([out], [], [], peer.BOUND)[0], "the core says no more"
            more = os.read(out.fileno(), 65536)
            assert more, "the core ended"
            self.text += more
        line, self.text = self.text.split(b"\n", 1)
        return line.decode()

    def said(self, word):
        """The rest of the next line that begins so."""
        while True:
            words = self.line().split()
            if words[0] == word:
                return words[1:]

    def drops(self):
        self.order("drops")
        return {name: int(count) for name, count in (w.split("=") for w in self.said("drops"))}

    def settle(self, one):
        """Returns when all that `one` sent so far was taken: a datagram of no type is the last."""
        one.transmit(b"\x09", self.address)
        while self.said("dropped") != [str(MALFORMED)]:
            pass

    def close(self):
        self.process.stdin.close()
        self.process.wait(peer.BOUND)
        assert self.process.returncode == 0


@pytest.fixture
def make():
    """Makes cores and peers, and ends them."""
    made = []

    def make(what, *arguments, **options):
        made.append(what(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def network(wall_ms=WALL_MS, secret=SECRET):
    return Network(secret, wall_ms=wall_ms)


def pair(make, suites=0, mine=CHACHA | AES, lanes=1):
    """A core, a peer, and the session that the peer dialled."""
    core = make(Core, suites)
    one = make(Peer, network(), suites=mine, lanes=lanes)
    return core, one, one.dial(core.address)


def inner(payload=b"payload", source=bytes([10, 9, 0, 2]), destination=bytes([10, 9, 0, 1]), tos=0):
    """An IPv4 packet with UDP; nobody on the way looks at its checksums."""
    udp = struct.pack(">HHHH", 7, 7, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH", 0x45, tos, 20 + len(udp), 0, 0, 64, 17, 0)
    return head + source + destination + udp


def inner6(source, destination, payload=b"payload"):
    return struct.pack(">IHBB", 6 << 28, len(payload), 59, 64) + source + destination + payload


def returned(packet):
    """What the core makes of it: the addresses exchanged."""
    at, length = (12, 4) if packet[0] >> 4 == 4 else (8, 16)
    source, destination = packet[at : at + length], packet[at + length : at + 2 * length]
    return packet[:at] + destination + source + packet[at + 2 * length :]


# --- the handshake --------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", SUITES)
def test_the_peer_dials(make, suite):
    core, one, session = pair(make, mine=suite)
    assert core.said("up") == [one.identity.id.hex()]
    assert session.suite == suite
    assert session.remote_id == core.identity.id


@pytest.mark.parametrize("suite", SUITES)
def test_the_core_dials(make, suite):
    core = make(Core, suite)
    one = make(Peer, network())
    core.order("dial", one.address[1], one.identity.id.hex())
    session = one.wait("session")
    assert core.said("up") == [one.identity.id.hex()]
    assert session.suite == suite
    assert session.remote_id == core.identity.id


def test_of_both_suites_aes_is_picked(make):
    core, _, session = pair(make, AES | CHACHA)
    assert session.suite == AES
    assert core.said("up")


def test_without_a_clock_the_clockless_key_serves_both_ways(make):
    timed, timeless = make(Core), make(Core, wall_ms=0)
    one = make(Peer, network(wall_ms=0))
    assert one.dial(timed.address).remote_id == timed.identity.id
    timeless.order("dial", one.address[1])
    assert one.wait("session").remote_id == timeless.identity.id


@pytest.mark.parametrize("step", [-1, 1])
def test_the_epochs_beside_the_current_are_taken(make, step):
    core = make(Core)
    one = make(Peer, network(WALL_MS + step * 3_600_000))
    assert one.dial(core.address).remote_id == core.identity.id


@pytest.mark.parametrize(
    "other",
    [network(WALL_MS + 2 * 3_600_000), network(WALL_MS - 2 * 3_600_000), network(secret=b"x" * 16)],
    ids=["two epochs later", "two epochs earlier", "another network"],
)
def test_others_are_dropped_without_an_answer(make, other):
    core = make(Core)
    one = make(Peer, other)
    handshake = one.handshake()
    one.transmit(handshake.write1(peer.new_ephemeral()), core.address)
    assert core.said("dropped") == [str(FORGED)]
    assert core.drops()["wrong_network"] == 1
    core.settle(one)
    assert not one.receive(0.01)  # an answer would lie here by now


def test_a_first_message_is_answered_once(make):
    core = make(Core)
    one = make(Peer, network())
    handshake = one.handshake()
    one.dialling[handshake.index] = handshake, core.address
    message = handshake.write1(peer.new_ephemeral())
    one.transmit(message, core.address)
    one.wait("session")
    one.transmit(message, core.address)
    assert core.said("dropped") == [str(REPLAYED)]
    assert core.drops()["repeated"] == 1


def test_a_repeat_of_message_3_is_confirmed_again(make):
    core, one, session = pair(make)
    assert core.said("up")
    before = session.next[LANE_CONTROL]
    one.transmit(session.message3, core.address)
    while session.next[LANE_CONTROL] == before:
        assert one.receive(peer.BOUND)


def test_who_answers_with_another_id_is_not_taken(make):
    core = make(Core)
    one = make(Peer, network())
    core.order("dial", one.address[1], Identity.new().id.hex())
    assert one.receive(peer.BOUND)
    assert core.said("failed") == [str(REFUSED)]


def test_the_core_brings_the_cookie_that_the_peer_asks_for(make):
    core = make(Core)
    one = make(Peer, network())
    one.cookie_secret = bytes(range(32))
    core.order("dial", one.address[1])
    asked = one.wait("asked for a cookie")
    assert asked.remote_cookie == bytes(16)
    assert one.wait("session").remote_id == core.identity.id


def test_the_peer_brings_the_cookie_that_a_busy_core_asks_for(make):
    core = make(Core)
    one = make(Peer, network())

    def say(cookie):
        handshake = one.handshake()
        handshake.cookie = cookie
        one.dialling[handshake.index] = handshake, core.address
        one.transmit(handshake.write1(peer.new_ephemeral()), core.address)

    cookie = None
    for _ in range(2000):  # far more than the burst
        say(bytes(16))
        cookie = cookie or one.look_for("cookie", 1e-6)
        if cookie:
            break
    cookie = cookie or one.wait("cookie")
    one.dialling.clear()
    one.events.clear()
    # Who brings it is asked for no other, however busy the core is.
    core.settle(one)
    asked = core.drops()["cookies"]
    for _ in range(20):
        say(cookie)
    one.dialling.clear()
    one.dial(core.address, cookie)
    assert core.drops()["cookies"] == asked


# --- packets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("lane", [0, LANE_CONTROL])
def test_packets_go_both_ways(make, suite, lane):
    core, one, session = pair(make, mine=suite)
    for number in range(100):
        packet = inner(bytes([number]) * (1 + 11 * number))
        one.send(session, DATA, packet, lane)
        assert core.said("packet") == [packet.hex()]
        # The first may have waited for the core's user, who gives out addresses: then its path
        # through the core is another one, but what comes back is the same.
        assert one.wait("data")[2] == returned(packet)


def test_own_addresses_are_routed(make):
    core, one, session = pair(make)
    net = network()
    packet = inner6(net.address(one.identity.id), net.address(core.identity.id))
    one.send(session, DATA, packet)
    assert core.said("packet") == [packet.hex()]
    assert one.wait("data")[2] == returned(packet)


def test_a_source_that_is_not_the_senders_is_dropped(make):
    core, one, session = pair(make)
    assert core.said("up")
    one.send(session, DATA, inner(source=bytes([10, 9, 0, 3])))
    assert core.said("dropped") == [str(REFUSED)]
    one.send(session, DATA, inner6(network().address(core.identity.id), bytes(16)))
    assert core.said("dropped") == [str(REFUSED)]
    assert core.drops()["spoofed"] == 2


def test_a_counter_is_taken_once_in_any_order(make):
    core, one, session = pair(make)
    assert core.said("up")
    datagrams = [session.seal(DATA, inner(bytes([n]))) for n in range(8)]
    for datagram in reversed(datagrams):
        one.transmit(datagram, core.address)
        assert core.said("packet")
    for datagram in datagrams:
        one.transmit(datagram, core.address)
        assert core.said("dropped") == [str(REPLAYED)]


@pytest.mark.parametrize("lanes, late", [(1, 8128), (2, 4032), (3, 1984), (4, 1984)])
def test_the_window_of_a_lane(make, lanes, late):
    core, one, session = pair(make, lanes=lanes)
    assert core.said("up")
    newest = 100_000
    lane = lanes - 1
    for sequence, is_taken in [
        (newest, True), (newest + 1 - late, True), (newest - late - 64, False), (newest + 1, True),
    ]:
        counter = lane << 61 | sequence
        one.transmit(session.seal_as(DATA, inner(), counter), core.address)
        said = core.said("packet" if is_taken else "dropped")
        assert is_taken or said == [str(REPLAYED)]


def test_a_lane_that_was_not_told_is_dropped(make):
    core, one, session = pair(make, lanes=2)
    assert core.said("up")
    one.send(session, DATA, inner(), lane=1)
    assert core.said("packet")
    one.send(session, DATA, inner(), lane=2)
    assert core.said("dropped") == [str(REPLAYED)]


@pytest.mark.parametrize("at", [1, 4, 8, 16, -1])
def test_a_changed_byte_is_dropped(make, at):
    core, one, session = pair(make)
    assert core.said("up")
    datagram = bytearray(session.seal(DATA, inner()))
    datagram[at] ^= 1  # flags, index, counter, text, tag
    one.transmit(bytes(datagram), core.address)
    assert core.said("dropped")
    whole = inner(b"another")
    one.send(session, DATA, whole)
    assert one.wait("data")[2] == returned(whole)


def test_the_checksum_flag_goes_with_data_alone(make):
    core, one, session = pair(make)
    assert core.said("up")
    one.send(session, DATA, inner(), flags=1)
    assert core.said("packet")
    one.send(session, CONTROL, b"\x01\x63", flags=1)
    assert core.said("dropped") == [str(MALFORMED)]


# --- fragments ------------------------------------------------------------------------------------


@pytest.mark.parametrize("count, length", [(2, 1300), (3, 3400)])
@pytest.mark.parametrize("order", ["as cut", "last first"])
def test_pieces_make_a_packet(make, count, length, order):
    core, one, session = pair(make)
    packet = inner(os.urandom(length - 28))
    pieces = session.cut(packet, 7, count)
    for piece in pieces if order == "as cut" else reversed(pieces):
        one.send(session, FRAGMENT, piece)
    assert core.said("packet") == [packet.hex()]


def test_a_path_that_passes_no_more_gets_pieces(make):
    core = make(Core)
    one = make(Peer, network())
    one.answers_probes = False
    session = one.dial(core.address)
    packet = inner(os.urandom(1272))
    one.send(session, DATA, packet)
    assert one.wait("data")[2] == returned(packet)
    assert one.wait("piece")[1][5] == 2


def test_a_path_that_passes_more_is_found(make):
    core, one, session = pair(make)
    # The largest goes out first: MTU 1400, 32 of the session, 8 kept for a relay.
    assert one.wait("probe")[1] == 1440
    packet = inner(os.urandom(1372))
    # Its reply is on the way before this packet, so the answer is whole.
    one.send(session, DATA, packet)
    assert one.wait("data")[2] == returned(packet)
    assert one.look_for("piece", 0.01) is None


# --- the link -------------------------------------------------------------------------------------


def test_echoes_go_both_ways(make):
    core, one, session = pair(make)
    assert core.said("up")
    opaque = os.urandom(16)
    one.send(session, LINK, bytes([peer.ECHO, 0, 0, 0]) + opaque, LANE_CONTROL)
    assert one.wait("echo reply")[1] == opaque
    core.order("ping", one.identity.id.hex())
    one.wait("echo")
    assert core.said("pong") == [one.identity.id.hex()]


def test_a_probe_is_answered_with_its_size_and_search(make):
    core, one, session = pair(make)
    for size, search in ((36, 0), (1200, 7), (1500, 255)):
        body = struct.pack("<BBH", peer.PROBE, search, size) + bytes(size - 36)
        one.send(session, LINK, body, LANE_CONTROL)
        assert one.wait("probe reply")[1:] == (size, search)
    one.send(session, LINK, struct.pack("<BBHI", peer.PROBE, 0, 41, 0), LANE_CONTROL)
    one.send(session, LINK, struct.pack("<BBH", peer.PROBE, 0, 36), LANE_CONTROL)
    assert one.wait("probe reply")[1] == 36  # and no 41 before it


def test_a_move_is_challenged_before_it_counts(make):
    core, one, session = pair(make)
    assert core.said("up")
    old = one.socket
    one.socket = None
    one.move()
    packet = inner()
    one.send(session, DATA, packet)
    assert core.said("packet")
    one.wait("challenge")
    assert core.said("moved") == [one.identity.id.hex(), str(one.address[1])]
    # The answer to the first packet went to where we were.
    old.settimeout(peer.BOUND)
    while old.recv(2048)[0] != DATA:
        pass
    old.close()
    one.send(session, DATA, packet)
    assert one.wait("data")[2] == returned(packet)


def test_goodbye_ends_it_from_either_side(make):
    core, one, session = pair(make)
    assert core.said("up")
    one.send(session, LINK, bytes([peer.GOODBYE, peer.LEAVING, 0, 0]), LANE_CONTROL)
    assert core.said("down") == [one.identity.id.hex(), "1"]
    again = one.dial(core.address)
    core.order("goodbye")
    assert one.wait("goodbye") == (again, peer.LEAVING)


@pytest.mark.parametrize("reason, code", [(peer.IDLE, "4"), (2, "1"), (255, "1")])
def test_a_goodbye_says_why(make, reason, code):
    core, one, session = pair(make)
    assert core.said("up")
    one.send(session, LINK, bytes([peer.GOODBYE, reason, 0, 0]), LANE_CONTROL)
    assert core.said("down") == [one.identity.id.hex(), code]


def test_the_core_learns_what_the_peers_clock_shows(make):
    core = make(Core)
    one = make(Peer, network(WALL_MS + 1_000_000))
    one.dial(core.address)
    heard = int(core.said("clock")[0])
    assert 0 <= heard - (WALL_MS + 1_000_000) < 1000 * peer.BOUND
    dialled = make(Peer, network(WALL_MS + 2_000_000))
    core.order("dial", dialled.address[1])
    dialled.wait("session")
    assert 0 <= int(core.said("clock")[0]) - (WALL_MS + 2_000_000) < 1000 * peer.BOUND
    without = make(Peer, network(0))
    without.dial(core.address)
    assert core.said("clock") == ["0"]


# --- sessions -------------------------------------------------------------------------------------


def test_of_two_handshakes_at_once_the_smaller_ids_session_is_used(make):
    core = make(Core)
    one = make(Peer, network())
    mine = one.handshake()
    one.dialling[mine.index] = mine, core.address
    core.order("dial", one.address[1], one.identity.id.hex())
    theirs, caller = b"", None
    while theirs[:1] != bytes([peer.MESSAGE1]):
        theirs, caller = one.socket.recvfrom(2048)
    # Both are begun before either ends.
    one.transmit(mine.write1(peer.new_ephemeral()), core.address)
    one.take(theirs, caller)
    sessions = [one.wait("session"), one.wait("session")]
    assert core.said("up") == [one.identity.id.hex()]
    dialled = next(s for s in sessions if s.index == mine.index)
    taken = next(s for s in sessions if s is not dialled)
    smaller = dialled if one.identity.id < core.identity.id else taken
    # Until both are established on its side the core may use the other one.
    end = time.monotonic() + peer.BOUND
    while time.monotonic() < end:
        core.order("message", one.identity.id.hex(), "0163")
        if one.wait("control")[0] is smaller:
            break
    else:
        raise AssertionError("the core stays with the session that the larger id began")


def test_after_a_new_handshake_the_session_before_is_still_opened(make):
    core, one, first = pair(make)
    second = one.dial(core.address)
    one.send(first, CONTROL, b"\x01\x63 old")
    assert one.wait("control") == (second, b"\x01\x63 old")
    one.send(second, CONTROL, b"\x01\x63 new")
    assert one.wait("control") == (second, b"\x01\x63 new")


# --- control messages -----------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 1150])
def test_control_messages_go_both_ways(make, length):
    core, one, session = pair(make)
    message = os.urandom(length)
    one.send(session, CONTROL, message, LANE_CONTROL)
    assert core.said("message") == [one.identity.id.hex(), message.hex()]
    assert one.wait("control")[1] == message


def test_a_control_message_that_is_too_long_is_dropped(make):
    core, one, session = pair(make)
    one.send(session, CONTROL, bytes(1151), LANE_CONTROL)
    one.send(session, CONTROL, b"\x01\x63", LANE_CONTROL)
    assert core.said("message") == [one.identity.id.hex(), "0163"]
    assert core.drops()["malformed"] == 1


# --- strangers ------------------------------------------------------------------------------------


def test_nothing_is_said_to_what_is_no_message(make):
    core = make(Core)
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind(("127.0.0.1", 0))
    random = [bytes([type]) + os.urandom(158) + b"\0" for type in range(256)]
    random += [bytes([type, 0, type < 5, 0]) + os.urandom(156) for type in range(1, 9)]
    for datagram in random:
        stranger.sendto(datagram, core.address)
        assert core.said("dropped")
    stranger.settimeout(0.01)
    with pytest.raises(socket.timeout):
        stranger.recv(2048)
    stranger.close()


def test_a_message_of_the_hash_table_shares_the_port(make):
    core = make(Core)
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind(("127.0.0.1", 0))
    stranger.settimeout(peer.BOUND)
    query = b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"  # of BEP 5
    stranger.sendto(query, core.address)
    assert stranger.recvfrom(2048) == (query, core.address)
    stranger.sendto(query[:-1], core.address)
    assert core.said("dropped") == [str(MALFORMED)]
    stranger.close()
