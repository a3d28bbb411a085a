// SPDX-License-Identifier: Apache-2.0

/// What a member's statement says of its state, which others ask for when they lack it.
package struct StateSummary: Hashable, Sendable {
    /// What the state is.
    package let root: StateRoot

    /// How many bytes it has when it is written, see LedgerState.
    package let byteCount: Int

    /// How many bytes a state can have: the count of its records, and these.
    package static let byteCounts = 3...(2 + LedgerStateLimits.most.bytes)

    /// Makes the summary of a state; nil if it has no records, as who says nothing sums nothing up.
    package init?(of state: LedgerState, with cryptography: Cryptography) {
        guard !state.isEmpty else { return nil }
        root = StateTree(of: state, with: cryptography).root
        byteCount = 2 + state.byteCount
    }

    /// Takes what was written; nil if no state has so many bytes.
    init?(root: StateRoot, byteCount: Int) {
        guard Self.byteCounts.contains(byteCount) else { return nil }
        (self.root, self.byteCount) = (root, byteCount)
    }

    /// The state that these bytes are, or nil if it is another one or none.
    package func state(_ bytes: [UInt8], with cryptography: Cryptography) -> LedgerState? {
        guard bytes.count == byteCount, let state = try? LedgerState(bytes: bytes),
            StateTree(of: state, with: cryptography).root == root
        else { return nil }
        return state
    }
}
