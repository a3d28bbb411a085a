// SPDX-License-Identifier: Apache-2.0

/// 32 bytes in one value: four words, most significant byte first, so that they compare as the
/// bytes do.
struct FourWords: Hashable, Sendable {
    static let byteCount = 32

    let first: UInt64
    let second: UInt64
    let third: UInt64
    let fourth: UInt64

    /// Nil if there are not 32 bytes.
    init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words: [4 of UInt64] = .init(repeating: 0)
        for (index, byte) in bytes.enumerated() {
            words[index / 8] = words[index / 8] << 8 | UInt64(byte)
        }
        (first, second, third, fourth) = (words[0], words[1], words[2], words[3])
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.append(bigEndian: first)
        bytes.append(bigEndian: second)
        bytes.append(bigEndian: third)
        bytes.append(bigEndian: fourth)
        return bytes
    }
}

extension FourWords: Comparable {
    static func < (left: Self, right: Self) -> Bool {
        (left.first, left.second, left.third, left.fourth)
            < (right.first, right.second, right.third, right.fourth)
    }
}
