// SPDX-License-Identifier: Apache-2.0

/// What a store is opened with.
package struct StoreOptions: Hashable, Sendable {
    /// How many bytes the identity of a network has at most; it has one at least.
    package static let networkBytesMax = 64

    /// The least that a file can be held to: below that its pages are mostly overhead.
    package static let fileBytesLeast = 512 << 10

    /// The most that a file can be held to: so much of the address space is reserved, not memory.
    package static let fileBytesMost = 64 << 30

    /// What tells the network from all others; a file of another one is refused.
    package let network: [UInt8]

    /// How many bytes the file may have.
    package let fileBytesMax: Int

    /// Whether a write is on the disk when it returns.
    ///
    /// Without it a write survives the process, but neither it nor the file is sure to survive a
    /// loss of power.
    package let isDurable: Bool

    /// A limit of the file outside of `fileBytesLeast` and `fileBytesMost` is moved there.
    package init(network: [UInt8], fileBytesMax: Int, isDurable: Bool = true) {
        precondition((1...Self.networkBytesMax).contains(network.count), "the network's identity")
        self.network = network
        self.fileBytesMax = min(max(fileBytesMax, Self.fileBytesLeast), Self.fileBytesMost)
        self.isDurable = isDurable
    }

    /// How much of the file only removals may use.
    ///
    /// LMDB never writes over a page that is in use, so a removal needs pages too: a store that is
    /// full could otherwise not be emptied.
    var reserveBytes: Int { min(max(fileBytesMax / 8, 128 << 10), 2 << 20) }
}
