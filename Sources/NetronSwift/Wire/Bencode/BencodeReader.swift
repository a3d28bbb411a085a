// SPDX-License-Identifier: Apache-2.0

/// What bounds a decoder of bencoding, whatever a stranger sends.
package enum BencodeLimits {
    /// How deep lists and dictionaries may lie in a value that is skipped or made a tree.
    package static let depthMax = 16
    /// How many values and keys one run of bytes may have; more are refused.
    package static let itemsMax = 512
}

/// Why bytes are not bencoded as they should be.
package enum BencodeError: Error, Hashable, Sendable {
    /// They end too early, or a string is said to be longer than they are.
    case truncated
    /// They go on behind the end.
    case trailing
    /// Another kind of value is wanted, or none begins so.
    case unexpected
    /// A number has leading zeros, is -0 or exceeds 64 bits.
    case badNumber
    /// A key is not greater than the one before it.
    case unsorted
    /// Lists and dictionaries lie too deep.
    case tooDeep
    /// There are too many values.
    case tooMany
}

/// The last key that was read of a dictionary: the next must be greater.
package struct BencodeKeys {
    fileprivate var last: Range<Int>?
}

/// Reads bencoded values (BEP 3) one by one, without copying or recursion.
///
/// Strings are ranges of the bytes. Only the one right encoding of a value is taken, so keys must
/// be sorted and unique. That is what libtorrent, uTorrent, Transmission (jech), BiglyBT and
/// anacrolix send; an implementation that sends unsorted keys was not found.
package struct BencodeReader {
    /// What comes next.
    package enum Kind: Sendable {
        case integer
        case string
        case list
        case dictionary
        /// The end of a list or dictionary.
        case end
    }

    /// All bytes.
    package let bytes: [UInt8]
    /// Where the next value begins.
    package private(set) var position = 0
    private var itemsLeft: Int

    /// Begins to read; `itemsMax` bounds how many values and keys there may be.
    package init(_ bytes: [UInt8], itemsMax: Int = BencodeLimits.itemsMax) {
        self.bytes = bytes
        itemsLeft = itemsMax
    }

    /// What comes next, or nil at the end of the bytes or if nothing begins so.
    package var next: Kind? {
        guard position < bytes.count else { return nil }
        switch bytes[position] {
        case UInt8(ascii: "i"): return .integer
        case UInt8(ascii: "l"): return .list
        case UInt8(ascii: "d"): return .dictionary
        case UInt8(ascii: "e"): return .end
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return .string
        default: return nil
        }
    }

    /// Refuses bytes behind the value that was read.
    package func finish() throws(BencodeError) {
        guard position == bytes.count else { throw .trailing }
    }

    package mutating func readInteger() throws(BencodeError) -> Int64 {
        try begin(.integer)
        position += 1
        let isNegative = position < bytes.count && bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let magnitude = try digits(upTo: isNegative ? 1 << 63 : UInt64(Int64.max))
        guard !isNegative || magnitude != 0 else { throw .badNumber }
        guard position < bytes.count else { throw .truncated }
        guard bytes[position] == UInt8(ascii: "e") else { throw .badNumber }
        position += 1
        return isNegative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(magnitude)
    }

    /// Reads a string: where in the bytes it is.
    package mutating func readString() throws(BencodeError) -> Range<Int> {
        try begin(.string)
        let length = try digits(upTo: UInt64(Int32.max))
        guard position < bytes.count else { throw .truncated }
        guard bytes[position] == UInt8(ascii: ":") else { throw .badNumber }
        let start = position + 1
        guard Int(length) <= bytes.count - start else { throw .truncated }
        position = start + Int(length)
        return start..<position
    }

    package mutating func beginList() throws(BencodeError) {
        try begin(.list)
        position += 1
    }

    /// Whether a list that was begun goes on; its end is read.
    package mutating func hasElement() throws(BencodeError) -> Bool {
        guard position < bytes.count else { throw .truncated }
        guard bytes[position] == UInt8(ascii: "e") else { return true }
        position += 1
        return false
    }

    package mutating func beginDictionary() throws(BencodeError) -> BencodeKeys {
        try begin(.dictionary)
        position += 1
        return BencodeKeys()
    }

    /// Reads the next key of a dictionary, whose value must be read then, or nil for its end.
    package mutating func nextKey(
        _ keys: inout BencodeKeys
    ) throws(BencodeError) -> Range<Int>? {
        guard try hasElement() else { return nil }
        let key = try readString()
        if let last = keys.last {
            guard bytes[last].lexicographicallyPrecedes(bytes[key]) else { throw .unsorted }
        }
        keys.last = key
        return key
    }

    /// Reads a value of any kind: where in the bytes it is.
    @discardableResult
    package mutating func skip() throws(BencodeError) -> Range<Int> {
        let start = position
        // What is open: a dictionary's keys, or nil for a list.
        var open: [BencodeKeys?] = []
        repeat {
            if let last = open.last {
                var isOver: Bool
                if var keys = last {
                    isOver = try nextKey(&keys) == nil
                    open[open.count - 1] = keys
                } else {
                    isOver = try !hasElement()
                }
                if isOver {
                    open.removeLast()
                    continue
                }
            }
            switch next {
            case .integer: _ = try readInteger()
            case .string: _ = try readString()
            case .list:
                guard open.count < BencodeLimits.depthMax else { throw .tooDeep }
                try beginList()
                open.append(nil)
            case .dictionary:
                guard open.count < BencodeLimits.depthMax else { throw .tooDeep }
                open.append(try beginDictionary())
            case .end: throw .unexpected
            case nil: throw position < bytes.count ? .unexpected : .truncated
            }
        } while !open.isEmpty
        return start..<position
    }

    private mutating func begin(_ kind: Kind) throws(BencodeError) {
        guard next == kind else { throw position < bytes.count ? .unexpected : .truncated }
        guard itemsLeft > 0 else { throw .tooMany }
        itemsLeft -= 1
    }

    /// Reads digits without leading zeros.
    private mutating func digits(upTo most: UInt64) throws(BencodeError) -> UInt64 {
        let start = position
        var number: UInt64 = 0
        while position < bytes.count {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            guard position == start || number != 0 else { throw .badNumber }
            let (product, overflows) = number.multipliedReportingOverflow(by: 10)
            let (sum, carries) = product.addingReportingOverflow(UInt64(digit))
            guard !overflows, !carries, sum <= most else { throw .badNumber }
            number = sum
            position += 1
        }
        guard position > start else { throw position < bytes.count ? .badNumber : .truncated }
        return number
    }
}
