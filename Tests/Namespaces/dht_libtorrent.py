# SPDX-License-Identifier: Apache-2.0
"""dht_libtorrent - nodes of the Mainline DHT by libtorrent, each on an address of its own.

    dht_libtorrent.py FOLDER PORT ADDRESS...    `ADDRESS,ADDRESS` is one node with IPv4 and IPv6

Each line of standard input is a request in JSON, each line of standard output its answer:

    {"do": "sizes"}                                 how many nodes are in the table of each
    {"do": "join", "at": ["192.0.2.1", 6881]}       all are told of one more node
    {"do": "knows", "at": ["192.0.2.1", 6881]}      which of them have it in their table
    {"do": "announce", "node": 0, "key": "…"}       announces the node itself, as a torrent does
    {"do": "lookup", "node": 0, "key": "…", "seconds": 3}     the endpoints that it finds
    {"do": "heard"}                                 what others announced, asked and sent so far

It ends when standard input does. The nodes have libtorrent's own limits and rules.
"""

import faulthandler
import json
import os
import select
import sys
import time

import libtorrent as lt

import dht_words

START_SECONDS = 10
ANSWER_SECONDS = 5
LOOK_SECONDS = 0.02
PIPE_BYTES = 1 << 16
SETTINGS = {
    "enable_dht": False,  # until it listens: before, libtorrent forgets whom it was told of
    "dht_bootstrap_nodes": "",
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_lsd": False,
    "enable_incoming_utp": False,  # so the announced port is the one it says, not the seen one
    "aio_threads": 1,
    "hashing_threads": 1,
    "alert_queue_size": 10000,
    "alert_mask": int(
        lt.alert.category_t.error_notification
        | lt.alert.category_t.status_notification
        | lt.alert.category_t.dht_notification
        | lt.alert.category_t.dht_operation_notification
    ),
}


def hash_of(key):
    return lt.sha1_hash(bytes.fromhex(key))


class Node:
    """One session, which is a node for each of its addresses."""

    def __init__(self, addresses, port, others):
        self.addresses = addresses
        self.ids = [dht_words.node_id(address, 0) for address in addresses]
        state = {"node-id": [
            bytes(id) + dht_words.compact(address)[:-2]
            for id, address in zip(self.ids, addresses)
        ]}
        for key, colon in (("nodes", False), ("nodes6", True)):
            state[key] = [dht_words.compact(a, port) for a in others if (":" in a) == colon]
        parameters = lt.read_session_params(dht_words.bencode({"dht state": state}))
        places = [f"[{a}]" if ":" in a else a for a in addresses]
        parameters.settings = SETTINGS | {
            "listen_interfaces": ",".join(f"{place}:{port}" for place in places)
        }
        self.session = lt.session(parameters)
        # The alert that wait_for_alert gives may move while Python looks at it: libtorrent's own
        # threads make room for more. So a pipe tells that there are some.
        self.bell, rung = os.pipe()
        os.set_blocking(self.bell, False)
        os.set_blocking(rung, False)
        self.session.set_alert_fd(rung)
        self.announced, self.asked, self.found = [], {}, {}

    def begin(self):
        end = time.monotonic() + START_SECONDS
        listening = 0
        while listening < len(self.addresses):
            for alert in self.alerts():
                if isinstance(alert, lt.listen_failed_alert):
                    raise RuntimeError(alert.message())
                # One each for TCP and UDP.
                listening += "[UDP]" in alert.message() or "[uTP]" in alert.message()
            if time.monotonic() > end:
                raise RuntimeError(f"{self.addresses} does not listen")
        self.session.apply_settings({"enable_dht": True})

    def alerts(self):
        """Notes what matters later, and answers all that came, good until it is called again."""
        if select.select([self.bell], [], [], LOOK_SECONDS)[0]:
            os.read(self.bell, PIPE_BYTES)
        came = self.session.pop_alerts()
        for alert in came:
            if isinstance(alert, lt.dht_announce_alert):
                self.announced.append([str(alert.info_hash), str(alert.ip), alert.port])
            elif isinstance(alert, lt.dht_get_peers_alert):
                key = str(alert.info_hash)
                self.asked[key] = self.asked.get(key, 0) + 1
            elif isinstance(alert, lt.dht_get_peers_reply_alert):
                places = self.found.setdefault(str(alert.info_hash), [])
                places += [list(p) for p in alert.peers() if list(p) not in places]
        return came

    def answers(self, kind, count, read):
        """What is read from the next alerts of a kind."""
        found, end = [], time.monotonic() + ANSWER_SECONDS
        while len(found) < count and time.monotonic() < end:
            found += [read(alert) for alert in self.alerts() if isinstance(alert, kind)]
        return found

    def sizes(self):
        self.session.post_dht_stats()
        return self.answers(
            lt.dht_stats_alert, len(self.addresses),
            lambda alert: sum(bucket["num_nodes"] for bucket in alert.routing_table),
        )

    def knows(self, address, port):
        for id in self.ids:
            self.session.dht_live_nodes(lt.sha1_hash(id))
        tables = self.answers(
            lt.dht_live_nodes_alert, len(self.ids),
            lambda alert: [node["endpoint"] for node in alert.nodes],
        )
        return any((address, port) in table for table in tables)

    def announce(self, key, folder):
        torrent = lt.add_torrent_params()
        torrent.info_hashes = lt.info_hash_t(hash_of(key))
        torrent.save_path = folder
        torrent.flags = lt.torrent_flags.update_subscribe
        self.session.add_torrent(torrent)

    def lookup(self, key, seconds):
        """What is found until the first answers have come, or nothing within the time."""
        self.found.pop(key, None)
        self.session.dht_get_peers(hash_of(key))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.alerts()
            if key in self.found:
                end = min(end, time.monotonic() + 0.5)
        return self.found.get(key, [])


class Table:
    """All of the nodes."""

    def __init__(self, folder, port, places):
        self.folder = folder
        groups = [place.split(",") for place in places]
        self.nodes = [
            Node(group, port, [a for other in groups if other is not group for a in other])
            for group in groups
        ]
        for node in self.nodes:
            node.begin()

    def answer(self, request):
        do = request["do"]
        if do == "sizes":
            return [size for node in self.nodes for size in node.sizes()]
        if do == "join":
            for node in self.nodes:
                node.session.add_dht_node(tuple(request["at"]))
            return None
        if do == "knows":
            return [i for i, node in enumerate(self.nodes) if node.knows(*request["at"])]
        if do == "announce":
            return self.nodes[request["node"]].announce(request["key"], self.folder)
        if do == "lookup":
            return self.nodes[request["node"]].lookup(request["key"], request["seconds"])
        if do == "heard":
            for node in self.nodes:
                node.alerts()
            return [{"announced": node.announced, "asked": node.asked} for node in self.nodes]
        raise ValueError(f"there is no {do}")


def main():
    faulthandler.enable()  # a crash of libtorrent says where it came from
    table = Table(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
    print(json.dumps({"answer": "ready"}), flush=True)
    for line in sys.stdin:
        try:
            said = {"answer": table.answer(json.loads(line))}
        except Exception as error:  # what is wrong belongs to who asked
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)
    # libtorrent would take its leave of every torrent first, for seconds.
    os._exit(0)


if __name__ == "__main__":
    main()
