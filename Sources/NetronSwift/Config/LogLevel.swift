// SPDX-License-Identifier: Apache-2.0

/// How much a log line matters; from the least to the most.
package enum LogLevel: String, CaseIterable, Comparable, Sendable {
    case trace
    case debug
    case info
    case notice
    case warning
    case error
    case critical

    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// What a log line looks like.
package enum LogFormat: String, CaseIterable, Sendable {
    case text
    case json
}
