// SPDX-License-Identifier: Apache-2.0

/// What a state is, in 32 bytes: the root of its tree, see StateTree.
package struct StateRoot: Hashable, Sendable {
    package static let byteCount = Cryptography.digestByteCount

    package let bytes: [UInt8]

    /// Takes a root from its bytes, or nil if there are not 32.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }
}

/// The Merkle tree over the records of a state, in ascending order of their keys.
///
/// The tree of RFC 9162, section 2.1, with another hash:
///
///     HASH(m)    = BLAKE2b-32(key: "netron/1 state", m)
///     MTH({})    = HASH("")
///     MTH({d})   = HASH(0x00 || d)              d: the bytes of a record, see LedgerEntry
///     MTH(D[n])  = HASH(0x01 || MTH(D[0:k]) || MTH(D[k:n]))
///                  k: the largest power of two that is smaller than n
package struct StateTree: Sendable {
    /// The root, which says what the state is.
    package let root: StateRoot

    private let hash: StateHash
    private let leaves: [[UInt8]]
    private let state: LedgerState

    /// Hashes the records of a state.
    package init(of state: LedgerState, with cryptography: Cryptography) {
        var hash = StateHash(cryptography)
        let leaves = (0..<state.count).map { hash.leaf(state.record(at: $0)) }
        let bytes = hash.tree(over: leaves[...])
        guard let root = StateRoot(bytes: bytes) else {
            preconditionFailure("a digest of \(bytes.count) bytes")
        }
        (self.root, self.hash, self.leaves, self.state) = (root, hash, leaves, state)
    }

    /// What proves that the record of a key is in the state; nil if there is none.
    package func path(of key: LedgerKey) -> StatePath? {
        guard let index = state.index(of: key) else { return nil }
        var hash = hash
        var hashes: [[UInt8]] = []
        var rest = leaves[...]
        while rest.count > 1 {
            let (left, right) = StateHash.halves(of: rest)
            let isLeft = index < right.startIndex
            hashes.append(hash.tree(over: isLeft ? right : left))
            rest = isLeft ? left : right
        }
        return StatePath(index: index, count: leaves.count, hashes: hashes.reversed())
    }
}

/// What proves that a record is in a state whose root is known (RFC 9162, section 2.1.3).
package struct StatePath: Hashable, Sendable {
    /// How many hashes a path has at most: as often a state of 1,024 records can be halved.
    package static let hashesMax = 10

    /// Where the record is, and of how many it is one.
    ///
    /// The root does not vouch for these: they only say how the hashes are to be put together.
    package let index: Int
    package let count: Int

    /// The other halves of the tree, the nearest to the record first.
    package let hashes: [[UInt8]]

    package init(index: Int, count: Int, hashes: [[UInt8]]) {
        self.index = index
        self.count = count
        self.hashes = hashes
    }

    /// Whether the record is in the state that has the root.
    package func proves(
        _ entry: LedgerEntry,
        in root: StateRoot,
        with cryptography: Cryptography
    ) -> Bool {
        guard (1...LedgerStateLimits.most.entries).contains(count), (0..<count).contains(index),
            hashes.count <= Self.hashesMax,
            hashes.allSatisfy({ $0.count == StateRoot.byteCount })
        else { return false }
        var hash = StateHash(cryptography)
        var sum = hash.leaf(entry.encoded[...])
        // RFC 9162, section 2.1.3.2, with its names: where the record is on each level, and the
        // last place of that level.
        var (fn, sn) = (index, count - 1)
        for other in hashes {
            guard sn > 0 else { return false }
            if fn % 2 == 1 || fn == sn {
                sum = hash.node(other, sum)
                // A half without a partner goes up as it is.
                while fn % 2 == 0, fn > 0 { (fn, sn) = (fn / 2, sn / 2) }
            } else {
                sum = hash.node(sum, other)
            }
            (fn, sn) = (fn / 2, sn / 2)
        }
        return sn == 0 && sum == root.bytes
    }
}

/// The hash of the tree, for its leaves and for what is above them.
private struct StateHash: Sendable {
    private static let key = Array("netron/1 state".utf8)
    private static let leafPrefix: UInt8 = 0
    private static let nodePrefix: UInt8 = 1

    private let digest: @Sendable (_ message: [UInt8], _ key: [UInt8]) -> [UInt8]
    /// What is hashed; one for all, so that the memory is asked for once.
    private var message = ByteWriter(reserving: 256)

    init(_ cryptography: Cryptography) { digest = cryptography.digest }

    /// The hash of a part of the tree, by those of its records.
    mutating func tree(over leaves: ArraySlice<[UInt8]>) -> [UInt8] {
        guard leaves.count > 1 else { return leaves.first ?? digest([], Self.key) }
        let (left, right) = Self.halves(of: leaves)
        return node(tree(over: left), tree(over: right))
    }

    /// A part of two records or more, cut behind the largest power of two that is smaller.
    static func halves(
        of part: ArraySlice<[UInt8]>
    ) -> (left: ArraySlice<[UInt8]>, right: ArraySlice<[UInt8]>) {
        let split = 1 << (Int.bitWidth - 1 - (part.count - 1).leadingZeroBitCount)
        return (part.prefix(split), part.dropFirst(split))
    }

    /// The hash of a record, by its bytes.
    mutating func leaf(_ record: ArraySlice<UInt8>) -> [UInt8] {
        message.clear()
        message.write(Self.leafPrefix)
        message.write(record)
        return digest(message.bytes, Self.key)
    }

    mutating func node(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        message.clear()
        message.write(Self.nodePrefix)
        message.write(left)
        message.write(right)
        return digest(message.bytes, Self.key)
    }
}
