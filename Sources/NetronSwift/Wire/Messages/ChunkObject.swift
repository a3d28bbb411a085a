// SPDX-License-Identifier: Apache-2.0

/// Which object is pulled: what kind it is of, and which one of these.
///
///     kind   1 byte; what the kinds are is the matter of those who offer objects
///     key    a length of 1 byte, at most 40, then as many bytes
package struct ChunkObject: Hashable, Sendable {
    package static let keyBytesMax = 40

    package let kind: UInt8
    package let key: [UInt8]

    package init(kind: UInt8, key: [UInt8]) {
        precondition(key.count <= Self.keyBytesMax, "a key of \(key.count) bytes")
        self.kind = kind
        self.key = key
    }
}

extension ChunkObject {
    package init(from reader: inout ByteReader) throws(WireError) {
        kind = try reader.read(UInt8.self)
        key = Array(try reader.read(bytes: try reader.read(countUpTo: Self.keyBytesMax)))
    }

    package func write(to writer: inout ByteWriter) {
        writer.write(kind)
        writer.write(count: key.count)
        writer.write(key)
    }
}
