// SPDX-License-Identifier: Apache-2.0

/// Puts values into bytes; numbers go most significant byte first.
package struct ByteWriter {
    /// What was written so far.
    package private(set) var bytes: [UInt8] = []

    package init(reserving count: Int = 0) { bytes.reserveCapacity(count) }

    package mutating func write(_ number: some FixedWidthInteger & UnsignedInteger) {
        bytes.append(bigEndian: number)
    }

    package mutating func write(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    package mutating func write(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    /// Forgets what was written, so that as much can be written without asking for memory.
    mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    /// Writes a count or length as one byte.
    package mutating func write(count: Int) {
        // Every list and text of ours is clipped where it is made.
        precondition((0...255).contains(count), "a count of \(count) in one byte")
        bytes.append(UInt8(count))
    }

    /// Writes the length in one byte, then the UTF-8 bytes.
    package mutating func write(text: String) {
        write(count: text.utf8.count)
        write(text.utf8)
    }
}

extension [UInt8] {
    /// Appends a number, most significant byte first.
    package mutating func append(bigEndian number: some FixedWidthInteger & UnsignedInteger) {
        append(addingCapacity: number.bitWidth / 8) { output in
            for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
                output.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
    }

    /// Appends a number, least significant byte first.
    package mutating func append(littleEndian number: some FixedWidthInteger & UnsignedInteger) {
        append(bigEndian: number.byteSwapped)
    }
}
