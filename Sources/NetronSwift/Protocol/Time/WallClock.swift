// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Network time, as it was told last.
struct WallClock: Sendable {
    private(set) var isTrusted = false
    private(set) var isKnown = false
    private var wallMilliseconds: UInt64 = 0
    private var told = Instant(nanoseconds: 0)

    init() {}

    init(_ wallMilliseconds: UInt64, isTrusted: Bool, at now: Instant) {
        isKnown = true
        self.wallMilliseconds = wallMilliseconds
        self.isTrusted = isTrusted
        told = now
    }

    /// In milliseconds since 1970, so little that sums with it fit; before the time is known, since
    /// the host's clock began.
    func wall(at moment: Instant) -> UInt64 {
        let wall = Int128(wallMilliseconds) + Int128(moment.milliseconds - told.milliseconds)
        return UInt64(Int64(clamping: max(0, wall)))
    }
}
