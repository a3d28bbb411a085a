// SPDX-License-Identifier: Apache-2.0

/// What the records of a node are sorted into; each table has keys of its own.
package enum LedgerTable: Int, CaseIterable, Hashable, Sendable {
    /// The newest block of each member.
    case heads
    /// The state of each member.
    case states
    /// Who has which key.
    case index
    /// The tree that two nodes compare.
    case tree
    /// What a node notes for itself.
    case meta
    /// The trust object of each authority of the network.
    case trust

    /// How many bytes a key has at most; it has one at least.
    package static let keyBytesMax = 64

    /// How many bytes a value has at most.
    package static let valueBytesMax = 128 << 10

    /// Stops unless a record can have that key and value.
    ///
    /// The rules of the ledger see to sizes before anything is kept: others are a bug of ours.
    package static func check(key: [UInt8], value: [UInt8] = []) {
        precondition((1...keyBytesMax).contains(key.count), "a key of \(key.count) bytes")
        precondition(value.count <= valueBytesMax, "a value of \(value.count) bytes")
    }
}
