// SPDX-License-Identifier: Apache-2.0

extension IPAddress: LosslessStringConvertible {
    /// Dotted decimal, or the text that RFC 5952 asks for.
    public var description: String {
        switch family {
        case .v4: bytes.map { String($0) }.joined(separator: ".")
        case .v6: text(of: groups)
        }
    }

    /// Takes an address from its text, in any form of RFC 4291, section 2.2; nil if it has none.
    ///
    /// Octets with leading zeros are refused, since some read them as octal. A zone (%eth0) is no
    /// part of an address.
    public init?(_ description: String) {
        // 45 characters are the longest, eight groups of which two are written as IPv4.
        guard (2...45).contains(description.utf8.count) else { return nil }
        if description.utf8.contains(UInt8(ascii: ":")) {
            guard let number = parseV6(description[...]) else { return nil }
            self.init(.v6, number: number)
        } else {
            guard let number = parseV4(description[...]) else { return nil }
            self.init(.v4, number: UInt128(number))
        }
    }

    private var groups: [UInt16] {
        (0..<8).map { UInt16(truncatingIfNeeded: number >> (112 - 16 * $0)) }
    }
}

private func parseV4(_ text: Substring) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var number: UInt32 = 0
    for part in parts {
        guard let octet = decimal(part, upTo: 255) else { return nil }
        number = number << 8 | UInt32(octet)
    }
    return number
}

private func parseV6(_ text: Substring) -> UInt128? {
    guard let gap = firstGap(in: text) else {
        guard let groups = parseGroups(text), groups.count == 8 else { return nil }
        return join(groups)
    }
    // What follows the first "::" must have no other: an empty group is refused below.
    let tailText = text[gap.upperBound...]
    let headText = text[..<gap.lowerBound]
    guard let head = headText.isEmpty ? [] : parseGroups(headText, isTail: false),
        let tail = tailText.isEmpty ? [] : parseGroups(tailText),
        head.count + tail.count < 8
    else { return nil }
    return join(head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail)
}

/// Where the first "::" stands.
private func firstGap(in text: Substring) -> Range<Substring.Index>? {
    let bytes = text.utf8
    let colon = UInt8(ascii: ":")
    for index in bytes.indices {
        let next = bytes.index(after: index)
        guard next < bytes.endIndex else { return nil }
        if bytes[index] == colon, bytes[next] == colon { return index..<bytes.index(after: next) }
    }
    return nil
}

/// The groups of `text`; the last two may be written as IPv4 when it is the address's tail.
private func parseGroups(_ text: Substring, isTail: Bool = true) -> [UInt16]? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 8 else { return nil }
    var groups: [UInt16] = []
    for (index, part) in parts.enumerated() {
        if isTail, index == parts.count - 1, part.utf8.contains(UInt8(ascii: ".")) {
            guard let number = parseV4(part) else { return nil }
            groups.append(UInt16(number >> 16))
            groups.append(UInt16(truncatingIfNeeded: number))
        } else {
            guard let group = parseGroup(part) else { return nil }
            groups.append(group)
        }
    }
    return groups
}

private func parseGroup(_ text: Substring) -> UInt16? {
    guard (1...4).contains(text.utf8.count) else { return nil }
    // UInt16(_:radix:) would also take a sign.
    guard text.utf8.first != UInt8(ascii: "+"), text.utf8.first != UInt8(ascii: "-") else {
        return nil
    }
    return UInt16(text, radix: 16)
}

private func join(_ groups: [UInt16]) -> UInt128 {
    groups.reduce(0) { $0 << 16 | UInt128($1) }
}

/// RFC 5952, section 4: the longest run of two or more zero groups, the first of equals, is "::".
private func text(of groups: [UInt16]) -> String {
    let gap = longestZeroRun(in: groups)
    func hex(_ groups: ArraySlice<UInt16>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
    }
    guard gap.count >= 2 else { return hex(groups[...]) }
    return hex(groups[..<gap.lowerBound]) + "::" + hex(groups[gap.upperBound...])
}

private func longestZeroRun(in groups: [UInt16]) -> Range<Int> {
    var longest = 0..<0
    var start = 0
    for (index, group) in groups.enumerated() {
        if group != 0 {
            start = index + 1
        } else if index + 1 - start > longest.count {
            longest = start..<(index + 1)
        }
    }
    return longest
}
