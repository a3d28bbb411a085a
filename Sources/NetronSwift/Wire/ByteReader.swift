// SPDX-License-Identifier: Apache-2.0

/// Takes values out of bytes that a stranger may have made.
///
/// Every method either takes all that it needs or throws and takes nothing.
package struct ByteReader {
    private let bytes: [UInt8]
    private var position: Int

    package init(_ bytes: [UInt8]) { self.init(bytes, at: 0) }

    /// Reads from a place on.
    init(_ bytes: [UInt8], at position: Int) { (self.bytes, self.position) = (bytes, position) }

    /// How many bytes are left.
    package var count: Int { bytes.count - position }

    package mutating func read(bytes count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= self.count else { throw .truncated }
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    package mutating func read<Number: FixedWidthInteger & UnsignedInteger>(
        _ type: Number.Type
    ) throws(WireError) -> Number {
        let end = position + Number.bitWidth / 8
        guard end <= bytes.count else { throw .truncated }
        var number: Number = 0
        while position < end {
            number = number << 8 | Number(truncatingIfNeeded: bytes[position])
            position += 1
        }
        return number
    }

    /// Reads a count or length of one byte.
    package mutating func read(countUpTo most: Int) throws(WireError) -> Int {
        guard position < bytes.count else { throw .truncated }
        let count = Int(bytes[position])
        guard count <= most else { throw .tooMany }
        position += 1
        return count
    }

    /// Reads a text of at most `most` bytes that a terminal can be given (see `isPlain`).
    package mutating func read(textUpTo most: Int) throws(WireError) -> String {
        String(decoding: try read(plainTextUpTo: most), as: UTF8.self)
    }

    /// Reads such a text as the bytes that it is.
    package mutating func read(plainTextUpTo most: Int) throws(WireError) -> ArraySlice<UInt8> {
        let saved = position
        do throws(WireError) {
            let length = try read(countUpTo: most)
            let text = try read(bytes: length)
            guard text.isPlainText else { throw .notText }
            return text
        } catch {
            position = saved
            throw error
        }
    }

    /// Refuses bytes that nobody read.
    package func finish() throws(WireError) {
        guard position == bytes.count else { throw .trailing }
    }
}
