// SPDX-License-Identifier: Apache-2.0

/// Why a text is not what it should be.
package struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rest of a sentence whose subject is the text, for instance "has no port".
    package let problem: String

    package init(_ problem: String) { self.problem = problem }

    package var description: String { problem }
}

/// The number that `text` writes in decimal: digits alone, no leading zero, at most `largest`.
package func decimal(_ text: some StringProtocol, upTo largest: UInt64) -> UInt64? {
    let digits = text.utf8
    guard let first = digits.first, digits.count <= 20 else { return nil }
    guard first != UInt8(ascii: "0") || digits.count == 1 else { return nil }
    guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
        return nil
    }
    guard let number = UInt64(text), number <= largest else { return nil }
    return number
}
