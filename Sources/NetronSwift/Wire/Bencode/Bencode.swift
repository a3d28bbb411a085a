// SPDX-License-Identifier: Apache-2.0

/// A bencoded value (BEP 3) as a tree, for what is read seldom.
package enum Bencode: Hashable, Sendable {
    case integer(Int64)
    case string([UInt8])
    case list([Bencode])
    case dictionary([[UInt8]: Bencode])

    package static func string(_ text: String) -> Self { .string([UInt8](text.utf8)) }

    /// Takes a value from all of the bytes, or says why they are none.
    package init(_ bytes: [UInt8]) throws(BencodeError) {
        var reader = BencodeReader(bytes)
        self = try Self.read(from: &reader, depth: 0)
        try reader.finish()
    }

    /// The one right encoding; keys go in the order of their bytes.
    package var encoded: [UInt8] {
        var writer = BencodeWriter()
        write(to: &writer)
        return writer.bytes
    }

    /// What the dictionary has under a key, or nil.
    package subscript(_ key: String) -> Bencode? {
        guard case .dictionary(let values) = self else { return nil }
        return values[[UInt8](key.utf8)]
    }

    private func write(to writer: inout BencodeWriter) {
        switch self {
        case .integer(let number): writer.write(number)
        case .string(let bytes): writer.write(bytes)
        case .list(let values):
            writer.beginList()
            for value in values { value.write(to: &writer) }
            writer.end()
        case .dictionary(let values):
            writer.beginDictionary()
            let sorted = values.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            for (key, value) in sorted {
                writer.write(key)
                value.write(to: &writer)
            }
            writer.end()
        }
    }

    private static func read(
        from reader: inout BencodeReader,
        depth: Int
    ) throws(BencodeError) -> Self {
        switch reader.next {
        case .integer: return .integer(try reader.readInteger())
        case .list:
            guard depth < BencodeLimits.depthMax else { throw .tooDeep }
            try reader.beginList()
            var values: [Bencode] = []
            while try reader.hasElement() {
                values.append(try read(from: &reader, depth: depth + 1))
            }
            return .list(values)
        case .dictionary:
            guard depth < BencodeLimits.depthMax else { throw .tooDeep }
            var keys = try reader.beginDictionary()
            var values: [[UInt8]: Bencode] = [:]
            while let key = try reader.nextKey(&keys) {
                values[[UInt8](reader.bytes[key])] = try read(from: &reader, depth: depth + 1)
            }
            return .dictionary(values)
        case .string, .end, nil:
            let range = try reader.readString()
            return .string([UInt8](reader.bytes[range]))
        }
    }
}
