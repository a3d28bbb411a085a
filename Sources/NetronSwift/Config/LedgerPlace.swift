// SPDX-License-Identifier: Apache-2.0

/// Where a node keeps what members say in the ledger.
package enum LedgerPlace: String, CaseIterable, Sendable {
    /// In its state directory; what it wrote itself is there again at the next start.
    case disk
    /// Until it ends.
    case memory
}
