// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// How much one machine sent and received, by kind; bytes as the messages are written, without
/// what is around them.
package struct GossipCounters: Hashable, Sendable {
    package struct Traffic: Hashable, Sendable {
        package var messages: UInt64 = 0
        package var bytes: UInt64 = 0

        mutating func add(_ message: GossipMessage) {
            messages += 1
            bytes += UInt64(message.byteCount)
        }
    }

    private var sent = [Traffic](repeating: Traffic(), count: GossipMessage.Kind.allCases.count)
    private var received = [Traffic](repeating: Traffic(), count: GossipMessage.Kind.allCases.count)

    /// Payloads that came once more.
    package internal(set) var duplicates: UInt64 = 0

    package func sent(_ kind: GossipMessage.Kind) -> Traffic { sent[Int(kind.rawValue) - 1] }

    package func received(_ kind: GossipMessage.Kind) -> Traffic {
        received[Int(kind.rawValue) - 1]
    }

    mutating func countSent(_ message: GossipMessage) {
        sent[Int(message.kind.rawValue) - 1].add(message)
    }

    mutating func countReceived(_ message: GossipMessage) {
        received[Int(message.kind.rawValue) - 1].add(message)
    }
}
