// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// A value as it is stored: its bytes, then the CRC-32C of key and value, least significant byte
/// first.
enum StoreRecord {
    static let checksumBytes = 4

    /// How many bytes a stored value has at most.
    static let bytesMax = LedgerTable.valueBytesMax + checksumBytes

    /// How many of the stored bytes are the value; nil if they or the key are damaged.
    static func valueBytes(of stored: Span<UInt8>, key: Span<UInt8>) -> Int? {
        let count = stored.count - checksumBytes
        guard count >= 0 else { return nil }
        var checksum: UInt32 = 0
        for index in (0..<checksumBytes).reversed() {
            checksum = checksum << 8 | UInt32(stored[count + index])
        }
        return CRC32C.checksum(key, stored.extracting(0..<count)) == checksum ? count : nil
    }
}

extension LedgerTable {
    /// The table's name in the file.
    var name: String {
        switch self {
        case .heads: "heads"
        case .states: "states"
        case .index: "index"
        case .tree: "tree"
        case .meta: "meta"
        case .trust: "trust"
        }
    }
}
