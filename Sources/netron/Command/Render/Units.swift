// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI

/// Numbers as people read them.
enum Units {
    /// 999 B, 1.0 kB, 12.3 MB.
    static func bytes(_ count: UInt64) -> String { scaled(Double(count), "B") }

    /// 999 bit/s, 1.0 kbit/s, 12.3 Mbit/s.
    static func bitRate(bytes count: UInt64) -> String { scaled(Double(count) * 8, "bit/s") }

    /// 0.412 ms, 12.3 ms, 1234 ms.
    static func milliseconds(_ value: Double) -> String {
        let digits = value < 10 ? 3 : value < 100 ? 1 : 0
        return "\(fixed(value, digits: digits)) ms"
    }

    /// 5 s, 12 min 5 s, 3 h 12 min, 2 d 3 h.
    static func time(seconds: UInt64) -> String {
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400)
        return switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(minutes) min \(seconds % 60) s"
        case ..<86_400: "\(hours) h \(minutes % 60) min"
        default: "\(days) d \(hours % 24) h"
        }
    }

    static func ago(_ moment: Timestamp, at now: Timestamp) -> String {
        "\(time(seconds: moment.seconds(until: now))) ago"
    }

    /// A number with so many digits behind the point.
    static func fixed(_ value: Double, digits: Int) -> String {
        let scale = UInt64((0..<digits).reduce(1) { product, _ in product * 10 })
        // Numbers come from a node's answer; what has no room here is shown as the largest.
        let scaled = min(max(0, value * Double(scale)), 1e15)
        let whole = UInt64(scaled.isNaN ? 0 : scaled.rounded())
        guard digits > 0 else { return "\(whole)" }
        let fraction = String(whole % scale)
        let zeroes = String(repeating: "0", count: digits - fraction.utf8.count)
        return "\(whole / scale).\(zeroes)\(fraction)"
    }

    private static func scaled(_ value: Double, _ unit: String) -> String {
        guard value >= 1000 else { return "\(fixed(value, digits: 0)) \(unit)" }
        var value = value / 1000
        var prefixes = ["k", "M", "G", "T", "P", "E"][...]
        // 999.95 would be shown as 1000.0.
        while value >= 999.95, prefixes.count > 1 {
            value /= 1000
            prefixes = prefixes.dropFirst()
        }
        return "\(fixed(value, digits: 1)) \(prefixes.first ?? "")\(unit)"
    }
}
