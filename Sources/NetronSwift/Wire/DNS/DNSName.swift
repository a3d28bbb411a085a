// SPDX-License-Identifier: Apache-2.0

/// A domain name: labels of arbitrary bytes, the most special first.
///
/// Two names are the same if they differ in the case of ASCII letters alone (RFC 1035 section
/// 2.3.3, RFC 6762 section 16).
package struct DNSName: Sendable {
    /// How many bytes a name has at most, with the length of each label and the root's zero.
    package static let bytesMax = 255

    /// How many bytes a label has at most.
    package static let labelBytesMax = 63

    /// The name uncompressed: each label behind its length, and a zero.
    let wire: [UInt8]

    /// Takes a name from its uncompressed bytes, which must be well-formed.
    init(wire: [UInt8]) {
        precondition(wire.count <= Self.bytesMax && wire.last == 0, "a name of \(wire.count) bytes")
        self.wire = wire
    }

    /// Makes a name of labels, or nil if one is empty or too long, or all together are.
    package init?(labels: some Sequence<[UInt8]>) {
        var wire: [UInt8] = []
        for label in labels {
            guard (1...Self.labelBytesMax).contains(label.count) else { return nil }
            wire.append(UInt8(label.count))
            wire += label
            guard wire.count < Self.bytesMax else { return nil }
        }
        self.init(wire: wire + [0])
    }

    /// The name with one more label in front, or nil if that is too long.
    package func prefixed(by label: some Sequence<UInt8>) -> Self? {
        Self(labels: [[UInt8](label)] + labels)
    }

    /// The labels, the most special first; none for the root.
    package var labels: [[UInt8]] {
        var labels: [[UInt8]] = []
        var rest = wire[...]
        while let length = rest.popFirst(), length > 0 {
            labels.append([UInt8](rest.prefix(Int(length))))
            rest = rest.dropFirst(Int(length))
        }
        return labels
    }

    /// The name without its first label; the root's is nil.
    package var parent: Self? {
        guard let length = wire.first, length > 0 else { return nil }
        return Self(wire: [UInt8](wire.dropFirst(Int(length) + 1)))
    }

    /// The first label; the root has none.
    package var firstLabel: [UInt8]? {
        guard let length = wire.first, length > 0 else { return nil }
        return [UInt8](wire.dropFirst().prefix(Int(length)))
    }
}

extension DNSName: Hashable {
    // A length is below 64 and so never taken for a letter: 'A' is 65.
    private static func fold(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.wire.count == right.wire.count
            && zip(left.wire, right.wire).allSatisfy { fold($0) == fold($1) }
    }

    package func hash(into hasher: inout Hasher) {
        for byte in wire { hasher.combine(Self.fold(byte)) }
    }
}

extension DNSName: ExpressibleByStringLiteral {
    /// Makes a name of a text of ours, with dots between the labels.
    package init(stringLiteral text: String) {
        guard let name = Self(labels: text.split(separator: ".").map { [UInt8]($0.utf8) }) else {
            preconditionFailure("\(text) is no domain name")
        }
        self = name
    }
}
