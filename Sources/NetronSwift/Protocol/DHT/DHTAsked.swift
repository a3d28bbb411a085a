// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Which hosts queries went to of late.
///
/// The gate of a home lets in whoever a datagram of ours went to, for as long as it remembers that;
/// so when such a host comes in, it does not prove that strangers can.
struct DHTAsked: Sendable {
    /// In the order in which they were asked last.
    private var hosts: [(address: IPAddress, until: Instant)] = []

    mutating func note(_ address: IPAddress, at now: Instant) {
        hosts.removeAll { $0.address == address || $0.until <= now }
        if hosts.count >= DHTLimits.askedMax { hosts.removeFirst() }
        hosts.append((address, now + DHTLimits.gateTime))
    }

    func contains(_ address: IPAddress, at now: Instant) -> Bool {
        hosts.contains { $0.address == address && now < $0.until }
    }
}
