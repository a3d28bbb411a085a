// SPDX-License-Identifier: Apache-2.0

// Names of others end in terminals and logs, so what steers these is kept out at the border. The
// list is fixed, since two members must agree on it and Unicode's own tables grow.
extension Unicode.Scalar {
    /// Whether the character only stands for itself: no control, line break or writing direction.
    fileprivate var isPlain: Bool {
        switch value {
        case 0x00...0x1F, 0x7F...0x9F: false  // controls
        case 0x61C, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: false  // directions
        case 0x200B...0x200D, 0x2060...0x2065, 0x206A...0x206F, 0xFEFF: false  // invisible
        case 0x2028...0x2029: false  // line and paragraph separators
        case 0xFFF9...0xFFFB, 0xE0000...0xE007F: false  // annotations, tags
        default: true
        }
    }
}

extension ArraySlice<UInt8> {
    /// Whether the bytes are UTF-8 of which no character can steer a terminal.
    package var isPlainText: Bool {
        // Nearly all texts are of these characters, which need no closer look.
        if allSatisfy({ (0x20...0x7E).contains($0) }) { return true }
        return String(validating: self, as: UTF8.self)?.isPlain ?? false
    }
}

extension StringProtocol {
    /// Whether no character of the text can steer a terminal.
    package var isPlain: Bool { unicodeScalars.allSatisfy(\.isPlain) }

    /// The text without such characters, cut between characters to at most `most` bytes.
    package func plain(bytesMax most: Int) -> String {
        var text = String.UnicodeScalarView()
        var count = 0
        for scalar in unicodeScalars where scalar.isPlain {
            count += UTF8.width(scalar)
            if count > most { break }
            text.append(scalar)
        }
        return String(text)
    }
}
