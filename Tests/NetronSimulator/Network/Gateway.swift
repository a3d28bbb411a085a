// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// A network address translator with the hosts behind it.
///
/// A mapping ends when nothing was sent out by it for the timeout; what comes in does not refresh
/// it (RFC 4787, REQ-6). A mapping that is made again has another port. Nothing is sent back in
/// that came from inside ("hairpin").
struct Gateway {
    /// Mappings and filters of all hosts behind it; when it is reached, those that ended are
    /// forgotten, and the limit is set anew.
    private static let entriesFirst = 256
    private static let portFirst: UInt16 = 10_000
    /// The lowest port of those that are chosen at random.
    private static let portLowest: UInt16 = 1_024

    private struct Inside: Hashable {
        let node: Int
        /// Which of its sockets; 0 for the one on its port.
        let door: Int
        /// Where it sends to; nil when mappings do not depend on it.
        let remote: Endpoint?
    }

    private struct Mapping {
        let inside: Inside
        var sent: UInt64
    }

    private struct Filter: Hashable {
        let port: UInt16
        let remote: Endpoint
    }

    let address: IPAddress
    let kind: NATKind
    /// Nanoseconds.
    let timeout: UInt64
    private var ports: [Inside: UInt16] = [:]
    private var mappings: [UInt16: Mapping] = [:]
    private var allowed: [Filter: UInt64] = [:]
    private var nextPort: UInt16
    private var random: SeededRandom
    private var entriesMax = entriesFirst

    init(_ address: IPAddress, kind: NATKind, timeout: UInt64, firstPort: UInt16) {
        precondition(kind != .none)
        self.address = address
        self.kind = kind
        self.timeout = timeout
        nextPort = max(Self.portFirst, firstPort)
        random = SeededRandom(seed: UInt64(firstPort))
    }

    /// A node sends to an endpoint outside: what its datagram's source is there.
    mutating func send(
        from node: Int,
        by door: Int,
        to remote: Endpoint,
        at now: UInt64
    ) -> Endpoint {
        let inside = Inside(node: node, door: door, remote: kind.isSymmetric ? remote : nil)
        let port = mapping(for: inside, at: now)
        if kind == .addressRestricted || kind == .portRestricted {
            allowed[filter(port, remote)] = now
            if allowed.count > entriesMax { forget(at: now) }
        }
        return Endpoint(address, port: port)
    }

    /// The node that a port belongs to now, and which of its sockets.
    func owner(of port: UInt16, at now: UInt64) -> (node: Int, door: Int)? {
        guard let mapping = mappings[port], now < mapping.sent + timeout else { return nil }
        return (mapping.inside.node, mapping.inside.door)
    }

    /// Whether a datagram from outside is let in at a port.
    func admits(_ port: UInt16, from remote: Endpoint, at now: UInt64) -> Bool {
        guard let mapping = mappings[port], now < mapping.sent + timeout else { return false }
        switch kind {
        case .none, .fullCone: return true
        case .symmetric, .symmetricRandom: return mapping.inside.remote == remote
        case .addressRestricted, .portRestricted:
            guard let sent = allowed[filter(port, remote)] else { return false }
            return now < sent + timeout
        }
    }

    private mutating func mapping(for inside: Inside, at now: UInt64) -> UInt16 {
        if let port = ports[inside], let mapping = mappings[port], now < mapping.sent + timeout {
            mappings[port]?.sent = now
            return port
        }
        if ports.count >= entriesMax { forget(at: now) }
        if let old = ports[inside] { mappings[old] = nil }
        // As many hosts are never behind one of these, that it would not find one.
        repeat { nextPort = portAfter(nextPort) } while mappings[nextPort] != nil
        ports[inside] = nextPort
        mappings[nextPort] = Mapping(inside: inside, sent: now)
        return nextPort
    }

    private mutating func portAfter(_ port: UInt16) -> UInt16 {
        guard kind == .symmetricRandom else { return port == .max ? Self.portFirst : port + 1 }
        return UInt16.random(in: Self.portLowest ... .max, using: &random)
    }

    private func filter(_ port: UInt16, _ remote: Endpoint) -> Filter {
        let anyPort = Endpoint(remote.address, port: 0)
        return Filter(port: port, remote: kind == .addressRestricted ? anyPort : remote)
    }

    private mutating func forget(at now: UInt64) {
        allowed = allowed.filter { now < $0.value + timeout }
        for (port, mapping) in mappings where mapping.sent + timeout <= now {
            mappings[port] = nil
            ports[mapping.inside] = nil
        }
        entriesMax = max(Self.entriesFirst, 2 * max(allowed.count, ports.count))
    }
}
