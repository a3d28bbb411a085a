// SPDX-License-Identifier: Apache-2.0

/// A text that must not end in a log.
///
/// Two secrets are equal when their bytes are: Swift takes texts for equal that Unicode takes for
/// equal, but keys are made of the bytes.
package struct Secret: Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }
}

extension Secret: Hashable {
    package static func == (left: Self, right: Self) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
}

extension Secret: CustomStringConvertible, CustomReflectable {
    package var description: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
