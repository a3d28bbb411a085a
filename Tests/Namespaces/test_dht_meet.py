# SPDX-License-Identifier: Apache-2.0
"""Members that share nothing but the token find each other by BitTorrent's DHT.

    table (20 nodes of libtorrent) ---+
    ada, bob, carol, dora          ---+--- net (a router; no multicast passes)
    a gate --- erin, finn          ---+

Nobody is named by --peer, and nobody runs mDNS.
"""

import socket
import time

import pytest

from dht_lab import DHT_PORT, HOME, Aria, Member, Table, Transmission, ask, endpoint
from dht_lab import network_of, rendezvous, start
from lab import until
from node import PORT, meet
from traffic import tcp_both_ways

BOUND = 60  # far more than it takes
NAT_BOUND = 150  # a lookup a minute, and one may be missed
OTHERS_BOUND = 180  # transmission waits a minute before it asks
ALL_FRAMES = 3  # ETH_P_ALL
SO_RCVBUFFORCE = 33


def two(internet, token, bootstrap, **options):
    hosts = internet.host("ada"), internet.host("bob")
    return [Member(host, token, n, bootstrap, **options) for n, host in enumerate(hosts, 1)]


def ping_both_ways(one, other):
    one.host.ping(other.address)
    other.host.ping(one.address)
    one.host.ping(other.ula)


def test_two_hosts_meet_by_the_dht_alone(internet, token, capsys):
    table = internet.table()
    one, other = two(internet, token, table.bootstrap(0, 7))
    begun = time.monotonic()
    start(one, other)
    one.host.ping(other.address, "-W", "0.1", bound=BOUND)
    took = time.monotonic() - begun
    meet(one, other)
    ping_both_ways(one, other)
    tcp_both_ways(one.host, other.host, other.address)
    with capsys.disabled():
        print(f"\nfirst ping by the DHT after {took:.2f} s", end=" ")


def test_a_late_member_finds_those_who_have_long_met(internet, token):
    table = internet.table()
    one, other = two(internet, token, table.bootstrap())
    start(one, other)
    meet(one, other, bound=BOUND)
    late = Member(internet.host("carol"), token, 3, table.bootstrap(13)).start()
    meet(one, other, late, bound=BOUND)
    late.host.ping(one.address)


def test_another_token_on_the_same_dht_is_never_met(internet, token, other_token):
    table = internet.table()
    one, other = two(internet, token, table.bootstrap())
    stranger = Member(internet.host("carol"), other_token, 3, table.bootstrap())
    start(one, other, stranger)
    meet(one, other, bound=BOUND)
    place = (internet.address["carol"], PORT)
    table.finds(rendezvous(other_token), place, bound=BOUND)
    asked = table.asked(rendezvous(other_token))
    until(lambda: table.asked(rendezvous(other_token)) > asked, "the stranger looks again", BOUND)
    assert table.lookup(rendezvous(other_token)) == {place}
    assert place not in table.lookup(rendezvous(token))
    assert stranger.status()["peers"]["known"] == 0
    assert one.status()["peers"]["known"] == other.status()["peers"]["known"] == 1
    # They did not even try.
    assert not stranger.drops("wrong_network") + one.drops("wrong_network")


def test_libtorrent_finds_what_netron_announced(internet, token):
    table = internet.table()
    ada = Member(internet.host("ada"), token, 1, table.bootstrap()).start()
    place = (internet.address["ada"], PORT)
    table.finds(rendezvous(token), place, node=11, bound=BOUND)
    # The nearer neighbour of the epoch has it too, and no other key has.
    neighbours = [rendezvous(token, -1), rendezvous(token, 1)]
    until(lambda: any(place in table.announced(key) for key in neighbours), "the other epoch",
          BOUND)
    told = {of for node in table.ask(do="heard") for of, *at in node["announced"]
            if tuple(at) == place}
    assert len(told) == 2
    assert told < {key.hex() for key in (rendezvous(token), *neighbours)}
    assert ada.discovery["dht"] == "ready"
    assert ada.discovery["public_endpoint"] == endpoint(*place)


def test_a_node_of_the_dht_learns_nothing_of_the_network(internet, token):
    """What passes the router names neither the member nor its network."""
    table = internet.table()
    with internet.net.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_FRAMES)) as tap:
        tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        ada = Member(internet.host("ada"), token, 1, table.bootstrap()).start()
        table.finds(rendezvous(token), (internet.address["ada"], PORT), bound=BOUND)
        passed = all_that_came(tap)
    assert rendezvous(token) in passed
    network, _ = network_of(token)
    texts = ada.name, ada.id, ada.status()["network"], ada.address, token[:16]
    for secret in (network.root, network.id, *(text.encode() for text in texts)):
        assert secret not in passed


def all_that_came(tap):
    tap.setblocking(False)
    frames = []
    try:
        while True:
            frames.append(tap.recv(65536))
    except BlockingIOError:
        return b"\n".join(frames)


def test_netron_finds_what_libtorrent_announced(internet, token):
    """libtorrent at erin's announces the port that the gate forwards to finn, who has no DHT."""
    table = internet.table()
    gate, erin, finn = internet.home("erin", "finn")
    internet.forward(gate, PORT, number=3)
    seed = Table(erin, [f"{HOME}.2"], PORT)
    seed.join(table.addresses[4])
    seed.announce(rendezvous(token))
    table.finds(rendezvous(token), (internet.address["erin"], PORT), bound=BOUND)
    found = Member(finn, token, 2, dht=False).start()
    one = Member(internet.host("ada"), token, 1, table.bootstrap()).start()
    meet(one, found, bound=BOUND)
    ping_both_ways(one, found)


def test_netron_finds_what_aria2_announced(internet, token):
    table = internet.table()
    bob = internet.host("bob")
    Aria(bob, rendezvous(token), table.bootstrap(3), PORT)
    table.finds(rendezvous(token), (internet.address["bob"], PORT), bound=BOUND)
    found = Member(bob, token, 2, dht=False).start()
    one = Member(internet.host("ada"), token, 1, table.bootstrap()).start()
    meet(one, found, bound=BOUND)


@pytest.mark.parametrize("program", [Aria, Transmission])
def test_others_find_what_netron_announced(internet, token, program):
    """They call the announced place by TCP, where we listen in its stead."""
    table = internet.table()
    ada, carol = internet.host("ada"), internet.host("carol")
    with ada.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind((internet.address["ada"], PORT))
        listener.listen()
        listener.settimeout(OTHERS_BOUND)
        Member(ada, token, 1, table.bootstrap()).start()
        table.finds(rendezvous(token), (internet.address["ada"], PORT), bound=BOUND)
        program(carol, rendezvous(token), table.bootstrap(*range(8)), PORT + 1)
        caller, place = listener.accept()
        caller.close()
    assert place[0] == internet.address["carol"]


def test_a_lonely_member_serves_the_dht(internet, token):
    table = internet.table()
    Member(internet.host("ada"), token, 1, table.bootstrap()).start()
    place = (internet.address["ada"], PORT)
    until(lambda: table.knows(*place), "the node is in tables of the DHT", BOUND)
    asker = internet.host("carol")
    said = ask(asker, place, "find_node", target=rendezvous(token))
    assert socket.inet_ntoa(said[b"ip"][:4]) == internet.address["carol"]
    assert said[b"r"][b"nodes"] and len(said[b"r"][b"nodes"]) % 26 == 0


def test_strangers_can_announce_at_a_member_and_others_find_it_there(internet, token):
    table = internet.table()
    Member(internet.host("ada"), token, 1, table.bootstrap()).start()
    place, key = (internet.address["ada"], PORT), bytes(range(20))
    asker, other = internet.host("carol"), internet.host("dora")
    until(lambda: table.knows(*place), "the node is in tables of the DHT", BOUND)
    ticket = ask(asker, place, "get_peers", info_hash=key)[b"r"][b"token"]
    said = ask(asker, place, "announce_peer", info_hash=key, port=4242, token=ticket)
    assert said[b"y"] == b"r"
    values = ask(other, place, "get_peers", info_hash=key)[b"r"][b"values"]
    assert values == [socket.inet_aton(internet.address["carol"]) + (4242).to_bytes(2, "big")]
    # A token is worth nothing in other hands.
    said = ask(other, place, "announce_peer", info_hash=key, port=4242, token=ticket)
    assert said[b"y"] == b"e"


def test_members_of_a_closed_network_need_no_dht_but_their_own(internet, token):
    """Nobody but members: one of them is the way in for the others."""
    hosts = [internet.host(name) for name in ("ada", "bob", "carol", "dora")]
    way_in = [endpoint(internet.address["ada"], PORT)]
    nodes = [Member(host, token, n, way_in) for n, host in enumerate(hosts, 1)]
    start(*nodes)
    meet(*nodes, bound=BOUND)
    nodes[2].host.ping(nodes[3].address)


def test_a_closed_network_meets_at_a_node_of_another_network(internet, token, other_token):
    """It serves because it was told of a place to begin, if only its own."""
    hosts = [internet.host(name) for name in ("ada", "bob", "carol", "dora")]
    way_in = [endpoint(internet.address["ada"], PORT)]
    host = Member(hosts[0], other_token, 9, way_in).start()
    nodes = [Member(one, token, n, way_in) for n, one in enumerate(hosts[1:], 1)]
    start(*nodes)
    meet(*nodes, bound=BOUND)
    assert host.status()["peers"]["known"] == 0


def test_hosts_with_ipv6_alone_meet(internet, token):
    table = internet.table(families=6)
    hosts = internet.host("ada"), internet.host("bob")
    for host in hosts:
        host.ip(f"-4 address flush dev {host.device_to('net')}")
    one, other = (Member(h, token, n, table.bootstrap()) for n, h in enumerate(hosts, 1))
    start(one, other)
    meet(one, other, bound=BOUND)
    ping_both_ways(one, other)
    assert one.peer(other)["endpoint"] == endpoint(internet.address6["bob"], PORT)


@pytest.mark.parametrize("first", ["hidden", "reachable"])
def test_a_hidden_and_a_reachable_member_meet(internet, token, first):
    table = internet.table()
    _, erin = internet.home("erin")
    hidden = Member(erin, token, 1, table.bootstrap())
    reachable = Member(internet.host("ada"), token, 2, table.bootstrap(5))
    older, younger = (hidden, reachable) if first == "hidden" else (reachable, hidden)
    older.start()
    address = internet.address[older.host.name]
    until(lambda: any(a == address for a, _ in table.announced(rendezvous(token))),
          "the older one is announced", BOUND)
    younger.start()
    meet(one := hidden, other := reachable, bound=NAT_BOUND)
    ping_both_ways(one, other)
    assert hidden.discovery["reachable"] is False
    assert reachable.discovery["reachable"] is True


def test_two_hidden_members_meet_where_both_gates_keep_ports(internet, token):
    table = internet.table()
    (_, erin), (_, finn) = internet.home("erin"), internet.home("finn")
    one, other = Member(erin, token, 1, table.bootstrap()), Member(finn, token, 2,
                                                                   table.bootstrap(5))
    start(one, other)
    meet(one, other, bound=NAT_BOUND)
    ping_both_ways(one, other)


def test_a_way_into_the_dht_is_named_by_a_host_name(internet, token):
    """Also when the name means something only later."""
    table = internet.table()
    one, other = two(internet, token, [f"way.example:{DHT_PORT}"])
    names = internet.lab.file("names", "127.0.0.1 localhost\n")
    for node in (one, other):
        node.host.run(["mount", "--bind", names, "/etc/hosts"])
    start(one, other)
    assert one.discovery["dht"] == "joining"
    names.write_text(f"127.0.0.1 localhost\n{table.addresses[2]} way.example\n")
    meet(one, other, bound=2 * BOUND)


def test_without_the_dht_nothing_is_announced_or_asked(internet, token):
    table = internet.table()
    silent = Member(internet.host("ada"), token, 1, table.bootstrap(), dht=False).start()
    other = Member(internet.host("bob"), token, 2, table.bootstrap()).start()
    place = (internet.address["bob"], PORT)
    table.finds(rendezvous(token), place, bound=BOUND)
    assert table.lookup(rendezvous(token)) == {place}
    assert silent.discovery["dht"] == "off"
    assert silent.status()["peers"]["known"] == other.status()["peers"]["known"] == 0
