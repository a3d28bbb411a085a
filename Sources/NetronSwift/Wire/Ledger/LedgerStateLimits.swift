// SPDX-License-Identifier: Apache-2.0

/// How much each member of a network may say in the ledger.
///
/// All members of a network have the same limits, since a block that breaks them is invalid.
package struct LedgerStateLimits: Hashable, Sendable {
    /// What holds where a network says nothing else.
    package static let standard = Self(within: 64, bytes: 4_096)

    /// The most that a network can allow.
    package static let most = Self(within: 1_024, bytes: 65_536)

    /// How many records a state may have.
    package let entries: Int

    /// How many bytes the records of a state may take.
    package let bytes: Int

    /// Makes the limits, or nil if one is below 1 or above `most`.
    package init?(entries: Int = standard.entries, bytes: Int = standard.bytes) {
        guard (1...Self.most.entries).contains(entries), (1...Self.most.bytes).contains(bytes)
        else { return nil }
        self.init(within: entries, bytes: bytes)
    }

    private init(within entries: Int, bytes: Int) {
        self.entries = entries
        self.bytes = bytes
    }
}
