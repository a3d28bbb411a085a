// SPDX-License-Identifier: Apache-2.0

/// How two members find a way to each other, by relays at first.
///
///     kind 1  open        circuit, origin, target, count (1 byte, at most 2), then as many relays
///     kind 2  opened      circuit (of who asked), circuit (of who answers)
///     kind 3  refused     circuit (of who asked), reason (1 byte)
///     kind 4  close       circuit (of the receiver)
///     kind 5  candidates  heard (1 byte: 1 if those of the receiver came, else 0), count (1 byte,
///                         at most 16), then as many endpoints, none twice
///
///     circuit   4 bytes, not 0; what its owner wants to see on the datagrams of the circuit
///     origin    the id of the member that the circuit is for
///     target    the id of the member at its other end
///     relay     the id of a member that passed the request on, the first one first
package enum PathMessage: Hashable, Sendable {
    case open(Opening)
    case opened(CircuitID, by: CircuitID)
    case refused(CircuitID, Refusal)
    case close(CircuitID)
    /// Where the sender may be reached, and whether it knows that of the receiver.
    case candidates([Endpoint], hasHeard: Bool)

    /// Relays of one circuit.
    package static let relaysMax = 2

    /// Endpoints in one message.
    package static let candidatesMax = 16

    /// A request to be an end of a circuit, or to relay it.
    package struct Opening: Hashable, Sendable {
        package let circuit: CircuitID
        package let origin: NodeID
        package let target: NodeID
        /// Who passed it on, none twice.
        package let relays: [NodeID]

        package init(
            _ circuit: CircuitID,
            from origin: NodeID,
            to target: NodeID,
            through relays: [NodeID] = []
        ) {
            precondition(relays.count <= relaysMax, "\(relays.count) relays of one circuit")
            (self.circuit, self.origin, self.target) = (circuit, origin, target)
            self.relays = relays
        }
    }

    /// Why there is no circuit.
    package enum Refusal: UInt8, Error, Hashable, Sendable {
        /// The one who refuses has no session with the target, nor with anybody nearer to it.
        case noWay = 1
        /// It relays as much as it may.
        case busy = 2
        /// It relays for nobody.
        case unwilling = 3
    }

    private enum Kind: UInt8 {
        case open = 1
        case opened = 2
        case refused = 3
        case close = 4
        case candidates = 5
    }
}

extension PathMessage {
    func write(to writer: inout ByteWriter) {
        switch self {
        case .open(let opening):
            writer.write(Kind.open.rawValue)
            writer.write(opening.circuit.number)
            writer.write(opening.origin.bytes)
            writer.write(opening.target.bytes)
            writer.write(count: opening.relays.count)
            for relay in opening.relays { writer.write(relay.bytes) }
        case .opened(let circuit, let other):
            writer.write(Kind.opened.rawValue)
            writer.write(circuit.number)
            writer.write(other.number)
        case .refused(let circuit, let refusal):
            writer.write(Kind.refused.rawValue)
            writer.write(circuit.number)
            writer.write(refusal.rawValue)
        case .close(let circuit):
            writer.write(Kind.close.rawValue)
            writer.write(circuit.number)
        case .candidates(let endpoints, let hasHeard):
            writer.write(Kind.candidates.rawValue)
            writer.write(UInt8(hasHeard ? 1 : 0))
            writer.write(count: endpoints.count)
            for endpoint in endpoints { writer.write(endpoint) }
        }
    }

    /// Takes a message, or nil for a kind or reason that this node does not know; what follows is
    /// then left.
    init?(from reader: inout ByteReader) throws(WireError) {
        guard let kind = Kind(rawValue: try reader.read(UInt8.self)) else { return nil }
        switch kind {
        case .open: self = .open(try Opening(from: &reader))
        case .opened: self = .opened(try reader.readCircuit(), by: try reader.readCircuit())
        case .refused:
            let circuit = try reader.readCircuit()
            guard let refusal = Refusal(rawValue: try reader.read(UInt8.self)) else { return nil }
            self = .refused(circuit, refusal)
        case .close: self = .close(try reader.readCircuit())
        case .candidates:
            let heard = try reader.read(UInt8.self)
            guard heard <= 1 else { throw .notCanonical }
            self = .candidates(try Self.readEndpoints(from: &reader), hasHeard: heard == 1)
        }
    }

    private static func readEndpoints(
        from reader: inout ByteReader
    ) throws(WireError) -> [Endpoint] {
        var endpoints: [Endpoint] = []
        for _ in 0..<(try reader.read(countUpTo: candidatesMax)) {
            let endpoint = try reader.readEndpoint()
            guard !endpoints.contains(endpoint) else { throw .notCanonical }
            endpoints.append(endpoint)
        }
        return endpoints
    }
}

extension PathMessage.Opening {
    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        let circuit = try reader.readCircuit()
        let origin = try reader.readNodeID()
        let target = try reader.readNodeID()
        guard origin != target else { throw .notCanonical }
        var relays: [NodeID] = []
        for _ in 0..<(try reader.read(countUpTo: PathMessage.relaysMax)) {
            let relay = try reader.readNodeID()
            guard relay != origin, relay != target, !relays.contains(relay) else {
                throw .notCanonical
            }
            relays.append(relay)
        }
        self.init(circuit, from: origin, to: target, through: relays)
    }
}

extension ByteReader {
    fileprivate mutating func readCircuit() throws(WireError) -> CircuitID {
        guard let circuit = CircuitID(try read(UInt32.self)) else { throw .notCanonical }
        return circuit
    }
}
