// SPDX-License-Identifier: Apache-2.0

/// Puts values into bencoded bytes (BEP 3), one by one.
///
/// Who writes a dictionary writes its keys in order; `Bencode` sorts them itself.
package struct BencodeWriter {
    /// What was written so far.
    package private(set) var bytes: [UInt8] = []

    package init(reserving count: Int = 256) { bytes.reserveCapacity(count) }

    package mutating func write(_ number: Int64) {
        bytes.append(UInt8(ascii: "i"))
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        bytes.append(decimal: number.magnitude)
        bytes.append(UInt8(ascii: "e"))
    }

    package mutating func write(_ string: some Collection<UInt8>) {
        bytes.append(decimal: UInt64(string.count))
        bytes.append(UInt8(ascii: ":"))
        bytes.append(contentsOf: string)
    }

    package mutating func write(_ text: String) { write(text.utf8) }

    /// Begins a string of that many bytes, which `append` gives.
    package mutating func beginString(_ count: Int) {
        bytes.append(decimal: UInt64(count))
        bytes.append(UInt8(ascii: ":"))
    }

    /// Appends bytes as they are: a value that is encoded already, or a part of a string.
    package mutating func append(_ raw: some Sequence<UInt8>) { bytes.append(contentsOf: raw) }

    package mutating func append(bigEndian number: some FixedWidthInteger & UnsignedInteger) {
        bytes.append(bigEndian: number)
    }

    package mutating func beginList() { bytes.append(UInt8(ascii: "l")) }

    package mutating func beginDictionary() { bytes.append(UInt8(ascii: "d")) }

    /// Ends a list or dictionary.
    package mutating func end() { bytes.append(UInt8(ascii: "e")) }
}

extension [UInt8] {
    fileprivate mutating func append(decimal number: UInt64) {
        guard number >= 10 else {
            append(UInt8(ascii: "0") + UInt8(number))
            return
        }
        append(decimal: number / 10)
        append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}
