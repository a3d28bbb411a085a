// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// The versions of IP that a host has.
package struct Families: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let v4 = Self(rawValue: 1)
    package static let v6 = Self(rawValue: 2)

    func contains(_ family: IPAddress.Family) -> Bool {
        contains(family == .v4 ? Self.v4 : Self.v6)
    }
}

/// What a node's host is like.
package struct NodeProfile: Hashable, Sendable {
    package var nat = NATKind.none
    /// Between 30 and 120 s where it was measured; RFC 4787 asks for 2 min at least.
    package var natTimeout = Duration.seconds(60)
    /// The number of a gateway that is shared, from `World.addSite`; else it has its own.
    package var site: Int?
    /// What it has without NAT; behind one it is IPv4.
    package var families = Families.v4
    package var port: UInt16 = 7000
    /// Whether it relays for others.
    package var relays = true
    package var clock = WallClock()
    /// Which network's token it has.
    package var network = 0

    package init() {}

    /// A host behind NAT, else like others.
    package static func behind(_ nat: NATKind, timeout: Duration = .seconds(60)) -> Self {
        var profile = Self()
        profile.nat = nat
        profile.natTimeout = timeout
        return profile
    }
}

/// How a host's wall clock errs.
package struct WallClock: Hashable, Sendable {
    /// What the clock was ahead when the world began, in milliseconds; negative when behind.
    package var offsetMilliseconds: Int64 = 0
    /// How much faster it runs than it should, in parts per million.
    package var driftPPM: Double = 0
    /// A clock that was never set: it shows 1970 and counts from the node's start.
    package var isUnset = false
    /// What the host says of it.
    package var isTrusted = true

    package init() {}

    package static func off(by offset: Duration) -> Self {
        var clock = Self()
        clock.offsetMilliseconds = offset.components.seconds * 1000
        return clock
    }

    package static var unset: Self {
        var clock = Self()
        clock.isUnset = true
        clock.isTrusted = false
        return clock
    }

    /// What it shows.
    ///
    /// - Parameters:
    ///   - truth: what a right clock shows.
    ///   - elapsed: nanoseconds since the world began.
    ///   - uptime: nanoseconds since the host started.
    /// - Returns: milliseconds since 1970.
    func shows(truth: UInt64, elapsed: UInt64, uptime: UInt64) -> UInt64 {
        guard !isUnset else { return uptime / 1_000_000 }
        let drifted = Int64(Double(elapsed) / 1e6 * driftPPM / 1e6)
        return UInt64(clamping: Int64(clamping: truth) + offsetMilliseconds + drifted)
    }
}
