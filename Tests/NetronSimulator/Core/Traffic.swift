// SPDX-License-Identifier: Apache-2.0

/// What a node sent and received, in bytes with IP and UDP headers and in datagrams.
package struct Traffic: Hashable, Sendable {
    /// What a datagram is for.
    package enum Kind: Int, CaseIterable, Sendable {
        /// Messages 1, 2 and 3, and the confirmation.
        case handshake
        /// Echoes and their answers.
        case keepalive
        /// How large a datagram may be, and where a peer moved to.
        case path
        case goodbye
        /// Datagrams of the distributed hash table.
        case dht
        /// Packets of the inner network.
        case data
        /// Control messages; split further by their family.
        case control
    }

    /// How many families of control messages are told apart by their second byte.
    ///
    /// Those above share the last row.
    package static let familiesMax = 32

    private static let rowCount = Kind.allCases.count + familiesMax

    // A row is a kind, or a family of control messages.
    private var sentBytes: [39 of UInt64] = .init(repeating: 0)
    private var receivedBytes: [39 of UInt64] = .init(repeating: 0)

    /// All bytes that were sent, and that were received.
    package private(set) var allSentBytes: UInt64 = 0
    package private(set) var allReceivedBytes: UInt64 = 0
    package private(set) var sentCount: UInt64 = 0
    package private(set) var receivedCount: UInt64 = 0

    package init() { precondition(sentBytes.count == Self.rowCount) }

    /// Bytes in both directions.
    package var bytes: UInt64 { allSentBytes + allReceivedBytes }

    package func sent(_ kind: Kind) -> UInt64 { sentBytes[kind.rawValue] }

    package func received(_ kind: Kind) -> UInt64 { receivedBytes[kind.rawValue] }

    /// Bytes in both directions.
    package func bytes(_ kind: Kind) -> UInt64 { sent(kind) + received(kind) }

    /// Bytes of one family of control messages, in both directions.
    package func bytes(family: Int) -> UInt64 {
        let row = Kind.allCases.count + family
        return sentBytes[row] + receivedBytes[row]
    }

    mutating func send(_ load: Load) {
        allSentBytes += UInt64(load.bytes)
        sentCount += 1
        sentBytes[load.kind.rawValue] += UInt64(load.bytes)
        if load.kind == .control { sentBytes[load.row] += UInt64(load.bytes) }
    }

    mutating func receive(_ load: Load) {
        allReceivedBytes += UInt64(load.bytes)
        receivedCount += 1
        receivedBytes[load.kind.rawValue] += UInt64(load.bytes)
        if load.kind == .control { receivedBytes[load.row] += UInt64(load.bytes) }
    }

    /// Adds what another node did.
    package mutating func add(_ other: Self) {
        for row in 0..<Self.rowCount {
            sentBytes[row] += other.sentBytes[row]
            receivedBytes[row] += other.receivedBytes[row]
        }
        allSentBytes += other.allSentBytes
        allReceivedBytes += other.allReceivedBytes
        sentCount += other.sentCount
        receivedCount += other.receivedCount
    }

    /// What was added since an earlier figure of the same node.
    package func since(_ before: Self) -> Self {
        var difference = self
        for row in 0..<Self.rowCount {
            difference.sentBytes[row] -= before.sentBytes[row]
            difference.receivedBytes[row] -= before.receivedBytes[row]
        }
        difference.allSentBytes -= before.allSentBytes
        difference.allReceivedBytes -= before.allReceivedBytes
        difference.sentCount -= before.sentCount
        difference.receivedCount -= before.receivedCount
        return difference
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.allSentBytes == right.allSentBytes && left.allReceivedBytes == right.allReceivedBytes
            && (0..<rowCount).allSatisfy {
                left.sentBytes[$0] == right.sentBytes[$0]
                    && left.receivedBytes[$0] == right.receivedBytes[$0]
            }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(allSentBytes)
        hasher.combine(allReceivedBytes)
    }

    /// One datagram, as traffic.
    struct Load {
        let kind: Kind
        /// With IP and UDP headers.
        var bytes: Int
        /// The family, if it is a control message.
        var family = 0

        var row: Int { Kind.allCases.count + min(family, Traffic.familiesMax - 1) }
    }
}
