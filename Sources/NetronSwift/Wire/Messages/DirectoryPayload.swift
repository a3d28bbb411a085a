// SPDX-License-Identifier: Apache-2.0

/// What is broadcast about members; the first byte of a payload tells which it is.
///
/// A kind that this node does not know is neither believed nor passed on, since nobody could say
/// who signed it.
package enum DirectoryPayload: UInt8, Sendable {
    /// See `Presence`.
    case presence = 1
    /// See `Suspicion`.
    case suspicion = 2
    /// See `LedgerBlock`.
    case block = 3
    /// See `TrustObject`.
    case trust = 4
    /// See `TrustHead`.
    case trustHead = 5

    /// How many bytes the id of a network has, which every signature covers.
    package static let networkByteCount = 8

    /// The kind of a payload, or nil for one that this node does not know.
    package init?(of payload: [UInt8]) {
        guard let kind = payload.first else { return nil }
        self.init(rawValue: kind)
    }

    /// The bytes that a signature is made of, so that one for this purpose and network is good for
    /// no other.
    static func signedMessage(
        _ purpose: StaticString,
        _ body: some Collection<UInt8>,
        network: [UInt8]
    ) -> [UInt8] {
        precondition(network.count == networkByteCount, "a network's id of \(network.count) bytes")
        var message: [UInt8] = []
        message.reserveCapacity(purpose.utf8CodeUnitCount + network.count + body.count)
        message.append(contentsOf: purpose.description.utf8)
        message.append(contentsOf: network)
        message.append(contentsOf: body)
        return message
    }
}
