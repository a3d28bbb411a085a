// SPDX-License-Identifier: Apache-2.0

/// What many nodes of a world hold each, once in memory.
///
/// A member's statement is held by all others: ten thousand nodes would hold a hundred million.
final class SharedBytes {
    private var known: [UInt64: [UInt8]] = [:]

    /// Bytes that are known at once; then it is begun anew, since old ones are held no longer.
    private static let countMax = 1 << 17

    init() {}

    /// The bytes, in the storage that equal ones had before.
    func share(_ bytes: [UInt8]) -> [UInt8] {
        // Statements end with their signature, by which they are told apart.
        let key = bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
        if let same = known[key], same == bytes { return same }
        if known.count >= Self.countMax { known.removeAll(keepingCapacity: true) }
        known[key] = bytes
        return bytes
    }
}
