// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// What was noted of late, for so long each; of too many the one that was noted first goes.
struct Recent<Element: Equatable & Sendable>: Sendable {
    private let span: Duration
    private let most: Int
    /// In the order in which they were noted last.
    private var list: [(element: Element, until: Instant)] = []

    init(for span: Duration, atMost most: Int) {
        (self.span, self.most) = (span, most)
    }

    mutating func note(_ element: Element, at now: Instant) {
        list.removeAll { $0.element == element || $0.until <= now }
        if list.count >= most { list.removeFirst() }
        list.append((element, now + span))
    }

    func contains(_ element: Element, at now: Instant) -> Bool {
        list.contains { $0.element == element && now < $0.until }
    }

    /// Whether one more would make another one go.
    func isFull(at now: Instant) -> Bool { list.count { now < $0.until } >= most }
}
