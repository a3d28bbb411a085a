// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// The peers that others announced here (BEP 5).
struct DHTPeerStore {
    private struct Peer {
        let endpoint: Endpoint
        var expires: Instant
    }

    // Of a key, the one announced last at the end. No choice depends on the order of the keys.
    private var keys: [DHTID: [Peer]] = [:]
    private(set) var count = 0

    /// Up to that many peers of a family, beginning at any one.
    func peers(
        of key: DHTID,
        _ family: IPAddress.Family,
        upTo most: Int,
        at now: Instant,
        using random: inout some RandomNumberGenerator
    ) -> [Endpoint] {
        guard most > 0, let all = keys[key] else { return [] }
        let peers = all.filter { $0.expires > now && $0.endpoint.address.family == family }
        guard peers.count > most else { return peers.map(\.endpoint) }
        let start = Int.random(in: 0..<peers.count, using: &random)
        return (0..<most).map { peers[(start + $0) % peers.count].endpoint }
    }

    /// Takes up a peer, or prolongs its time.
    ///
    /// When there are too many keys or peers, the key that is farthest from the own id goes.
    mutating func add(_ endpoint: Endpoint, to key: DHTID, near own: DHTID, at now: Instant) {
        var peers = keys[key] ?? []
        count -= peers.count
        peers.removeAll { $0.expires <= now || $0.endpoint == endpoint }
        let neighbours = peers.indices.filter {
            peers[$0].endpoint.address == endpoint.address
        }
        if neighbours.count >= DHTLimits.peersPerAddressMax, let oldest = neighbours.first {
            peers.remove(at: oldest)
        } else if peers.count >= DHTLimits.peersPerKeyMax {
            peers.removeFirst()
        }
        peers.append(Peer(endpoint: endpoint, expires: now + DHTLimits.peerLifetime))
        keys[key] = peers
        count += peers.count
        guard keys.count > DHTLimits.keysMax || count > DHTLimits.peersMax else { return }
        purge(at: now)
        while keys.count > DHTLimits.keysMax || count > DHTLimits.peersMax,
            let farthest = keys.keys.max(by: { $0 ^ own < $1 ^ own })
        {
            count -= keys.removeValue(forKey: farthest)?.count ?? 0
        }
    }

    private mutating func purge(at now: Instant) {
        keys = keys.mapValues { peers in peers.filter { $0.expires > now } }
            .filter { !$0.value.isEmpty }
        count = keys.values.reduce(0) { $0 + $1.count }
    }
}
