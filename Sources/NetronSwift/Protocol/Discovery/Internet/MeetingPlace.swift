// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// A rendezvous that is in use: the key of one epoch.
struct MeetingPlace {
    let epoch: UInt64
    let key: [UInt8]
    /// Whether members announce there; else they only look, as their clock may be wrong.
    var isAnnounced = false
    /// When to announce there again.
    var announceDue: Instant
    /// Until then an answer of the DHT is waited for.
    var busyUntil = Instant(nanoseconds: 0)
    /// Whether what is waited for announces.
    var isAnnouncing = false
    /// How many more endpoints are tried because of the last lookup.
    var triesLeft = 0

    init(epoch: UInt64, key: [UInt8], at now: Instant) {
        self.epoch = epoch
        self.key = key
        announceDue = now
    }

    mutating func begin(isAnnouncing: Bool, at now: Instant) {
        busyUntil = now + InternetLimits.lookupMax
        self.isAnnouncing = isAnnouncing
        triesLeft = InternetLimits.triesPerLookupMax
    }
}
