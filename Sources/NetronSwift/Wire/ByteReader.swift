// SPDX-License-Identifier: Apache-2.0

/// Takes values out of bytes that a stranger may have made.
///
/// Every method either takes all that it needs or throws and takes nothing.
package struct ByteReader {
    private var rest: ArraySlice<UInt8>

    package init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// How many bytes are left.
    package var count: Int { rest.count }

    package mutating func read(bytes count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= rest.count else { throw .truncated }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    package mutating func read<Number: FixedWidthInteger & UnsignedInteger>(
        _ type: Number.Type
    ) throws(WireError) -> Number {
        let bytes = try read(bytes: Number.bitWidth / 8)
        return bytes.reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }

    /// Reads a count or length of one byte.
    package mutating func read(countUpTo most: Int) throws(WireError) -> Int {
        guard let count = rest.first else { throw .truncated }
        guard count <= most else { throw .tooMany }
        rest = rest.dropFirst()
        return Int(count)
    }

    /// Reads a text of at most `most` bytes that a terminal can be given (see `isPlain`).
    package mutating func read(textUpTo most: Int) throws(WireError) -> String {
        let saved = rest
        do throws(WireError) {
            let length = try read(countUpTo: most)
            let bytes = try read(bytes: length)
            guard let text = String(validating: bytes, as: UTF8.self), text.isPlain else {
                throw .notText
            }
            return text
        } catch {
            rest = saved
            throw error
        }
    }

    /// Refuses bytes that nobody read.
    package func finish() throws(WireError) {
        guard rest.isEmpty else { throw .trailing }
    }
}
