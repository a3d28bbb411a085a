// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Whose store it is: the one record of the main tree that is no table.
///
/// Each transaction writes it anew.
///
/// ```
///   0        4             12       13
///   | format | transaction | length | network | CRC-32C of what is before
/// ```
///
/// The transaction is the one that the meta page names. LMDB has no checksum there: by this a meta
/// page whose number is damaged, which would bring the state of the transaction before back, shows.
struct StoreStamp: Hashable {
    /// The record's key.
    static let key = Array("netron".utf8)

    /// The format of what we write.
    static let format: UInt32 = 1

    private static let headBytes = 13
    private static let checksumBytes = 4

    let format: UInt32
    let transaction: UInt64
    let network: [UInt8]

    init(transaction: UInt64, network: [UInt8]) {
        format = Self.format
        self.transaction = transaction
        self.network = network
    }

    /// The stamp that `bytes` are; nil if they are damaged.
    init?(_ bytes: [UInt8]) {
        guard bytes.count > Self.headBytes + Self.checksumBytes else { return nil }
        let end = bytes.count - Self.checksumBytes
        guard CRC32C.checksum(bytes[..<end]) == bytes.number32(at: end) else { return nil }
        format = bytes.number32(at: 0)
        transaction = bytes.number64(at: 4)
        network = Array(bytes[Self.headBytes..<end])
        guard network.count == Int(bytes[Self.headBytes - 1]) else { return nil }
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: format)
        bytes.append(littleEndian: transaction)
        bytes.append(UInt8(network.count))
        bytes += network
        bytes.append(littleEndian: CRC32C.checksum(bytes))
        return bytes
    }
}
