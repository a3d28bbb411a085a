// SPDX-License-Identifier: Apache-2.0

/// How two members find a way to each other, by relays at first.
///
///     kind 1  open        circuit, origin, target, count (1 byte, at most 2), then as many relays
///     kind 2  opened      circuit (of who asked), circuit (of who answers)
///     kind 3  refused     circuit (of who asked), reason (1 byte)
///     kind 4  close       circuit (of the receiver)
///     kind 5  candidates  marks (1 byte: 1 if those of the receiver came, and 2 if the sender now
///                         has many ports open to the receiver), count (1 byte, at most 16), then
///                         as many endpoints, none twice; then the sender's gate (`Gate`)
///     kind 6  keepalive   marks (1 byte: 1 if the sender keeps the session, 2 if something stands
///                         before it that forgets, and 4 if this answers a keepalive), seconds
///                         (1 byte, not 0)
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
    case candidates(Candidates)
    /// How long the session with the receiver may be silent.
    case keepalive(Keepalive)

    /// Relays of one circuit.
    package static let relaysMax = 2

    /// Endpoints in one message.
    package static let candidatesMax = 16

    /// Where a member may be reached.
    package struct Candidates: Hashable, Sendable {
        package var endpoints: [Endpoint]
        /// What stands before it.
        package var gate: Gate
        /// Whether the sender knows the candidates of the receiver.
        package var hasHeard: Bool
        /// Whether the sender's gate has many ports open to the receiver, which is to try them.
        package var isSearching: Bool

        package init(
            _ endpoints: [Endpoint],
            gate: Gate = Gate(),
            hasHeard: Bool,
            isSearching: Bool = false
        ) {
            precondition(endpoints.count <= candidatesMax, "\(endpoints.count) candidates")
            (self.endpoints, self.gate) = (endpoints, gate)
            (self.hasHeard, self.isSearching) = (hasHeard, isSearching)
        }
    }

    /// How long a session may be silent for its sender's sake.
    package struct Keepalive: Hashable, Sendable {
        /// Until one end asks the other for an echo.
        package let seconds: UInt8
        /// Whether the sender wants the session even while nobody uses it.
        package let isKept: Bool
        /// Whether something stands before the sender that lets the receiver in only as long as it
        /// remembers what was sent to it.
        package let isGated: Bool
        /// Whether the receiver said its own before.
        package var isAnswer: Bool

        package init(seconds: UInt8, isKept: Bool, isGated: Bool, isAnswer: Bool = false) {
            precondition(seconds > 0, "no time at all")
            (self.seconds, self.isKept) = (seconds, isKept)
            (self.isGated, self.isAnswer) = (isGated, isAnswer)
        }
    }

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
        case keepalive = 6
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
        case .candidates(let candidates):
            writer.write(Kind.candidates.rawValue)
            candidates.write(to: &writer)
        case .keepalive(let keepalive):
            writer.write(Kind.keepalive.rawValue)
            keepalive.write(to: &writer)
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
        case .candidates: self = .candidates(try Candidates(from: &reader))
        case .keepalive: self = .keepalive(try Keepalive(from: &reader))
        }
    }
}

extension PathMessage.Candidates {
    private static let heardMark: UInt8 = 1
    private static let searchingMark: UInt8 = 2

    fileprivate func write(to writer: inout ByteWriter) {
        let marks =
            (hasHeard ? Self.heardMark : 0) | (isSearching ? Self.searchingMark : 0)
        writer.write(marks)
        writer.write(count: endpoints.count)
        for endpoint in endpoints { writer.write(endpoint) }
        gate.write(to: &writer)
    }

    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        let marks = try reader.read(UInt8.self)
        guard marks <= Self.heardMark | Self.searchingMark else { throw .notCanonical }
        hasHeard = marks & Self.heardMark != 0
        isSearching = marks & Self.searchingMark != 0
        endpoints = []
        for _ in 0..<(try reader.read(countUpTo: PathMessage.candidatesMax)) {
            let endpoint = try reader.readEndpoint()
            guard !endpoints.contains(endpoint) else { throw .notCanonical }
            endpoints.append(endpoint)
        }
        gate = try Gate(from: &reader)
    }
}

extension PathMessage.Keepalive {
    private static let keptMark: UInt8 = 1
    private static let gatedMark: UInt8 = 2
    private static let answerMark: UInt8 = 4

    fileprivate func write(to writer: inout ByteWriter) {
        writer.write(
            (isKept ? Self.keptMark : 0) | (isGated ? Self.gatedMark : 0)
                | (isAnswer ? Self.answerMark : 0)
        )
        writer.write(seconds)
    }

    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        let marks = try reader.read(UInt8.self)
        let seconds = try reader.read(UInt8.self)
        guard marks <= Self.keptMark | Self.gatedMark | Self.answerMark, seconds > 0 else {
            throw .notCanonical
        }
        self.init(
            seconds: seconds,
            isKept: marks & Self.keptMark != 0,
            isGated: marks & Self.gatedMark != 0,
            isAnswer: marks & Self.answerMark != 0
        )
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
