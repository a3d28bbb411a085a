// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// Which statements are believed.
extension Directory {
    /// Takes a statement in if it is news.
    ///
    /// What costs least is asked first: nearly all that is no news is told by its beginning, and
    /// the signature is looked at only when nothing else speaks against it.
    mutating func take(
        _ bytes: [UInt8],
        at moment: Moment,
        into effects: inout [Effect]
    ) -> DirectoryVerdict {
        guard let header = try? PresenceHeader(bytes) else {
            let isKnown = bytes.count > 1 && bytes[1] == Presence.form
            return .refuse(isKnown ? .malformed : .unknown)
        }
        let slot = members.find(header.author)
        if let slot {
            let held = members.said[slot].bytes
            if header.order < Presence.order(of: held) || bytes == held { return .known }
        }
        if let refusal = refusal(of: header, at: moment) { return .refuse(refusal) }
        if header.author == id { return takeOwn(bytes, at: moment, into: &effects) }
        let tick = UInt32(truncatingIfNeeded: moment.instant.nanoseconds / 100_000_000)
        let tired = slot.map { members.said[$0].tired } ?? 0
        if slot != nil, isTooOften(tired, at: tick) {
            // It may be the last one for long, and came too early only since others were held up.
            goOnSoon(at: moment.instant)
            return .refuse(.tooOften)
        }
        guard let presence = try? Presence(bytes: bytes) else { return .refuse(.malformed) }
        if let slot, !replaces(presence, in: slot) { return .known }
        guard presence.isSigned(by: cryptography, network: network) else {
            return .refuse(.forged)
        }
        if slot == nil, !makeRoom(for: presence, at: moment.instant, into: &effects) {
            return .relay
        }
        let taken = install(presence, at: moment, into: &effects)
        members.setTired(tiredness(after: tired, at: tick), of: taken)
        return .accept
    }

    private func replaces(_ presence: Presence, in slot: Int) -> Bool {
        let held = Presence.order(of: members.said[slot].bytes)
        return presence.order > held || presence.replaces(members.presence(slot))
    }

    /// What speaks against a statement at that time.
    private func refusal(
        of header: PresenceHeader,
        at moment: Moment
    ) -> DirectoryVerdict.Refusal? {
        let latest = moment.wall + Presence.skewMilliseconds
        if header.time > latest || header.order.incarnation > latest { return .early }
        let end = UInt64(slot(endingAt: header.end)) * DirectoryLimits.slotMilliseconds
        return end <= moment.wall ? .expired : nil
    }

    /// Puts a statement in the place of an older one, or adds it.
    @discardableResult
    mutating func install(
        _ presence: Presence,
        at moment: Moment,
        into effects: inout [Effect]
    ) -> Int {
        let author = presence.author
        let fingerprint = self.fingerprint(of: presence)
        let end = slot(endingAt: presence.end)
        var flags: MemberTable.Flags = presence.isLeaving ? .leaving : []
        if presence.isReachable { flags.insert(.reachable) }
        var isNews = true
        var isRanked = false
        let slot: Int
        if let known = members.find(author) {
            let before = members.said[known].flags
            let isSame = Presence.saySame(members.said[known].bytes, presence.bytes)
            isNews = !isSame || !before.isDisjoint(with: [.suspect, .offline])
            if before.contains(.leaving) { leavingCount -= 1 }
            if before.contains(.offline) { offlineCount -= 1 }
            members.replace(known, with: presence, fingerprint: fingerprint, end: end)
            suspects.clear(author)
            isRanked = before == flags
            slot = known
        } else {
            slot = members.insert(
                presence,
                at: place(of: author),
                ula: cryptography.networkAddress(author),
                fingerprint: fingerprint,
                end: end
            )
        }
        if presence.isLeaving { leavingCount += 1 }
        members.setFlags(flags, of: slot)
        if presence.isLeaving { went(slot) }
        if author != id { schedule(end: end, at: moment) }
        if !isRanked { rank(slot) }
        if isNews {
            effects.append(.changed(author))
        } else if presence.hasLedger {
            effects.append(.renewed(author))
        }
        return slot
    }

    func place(of id: NodeID) -> DirectoryPlace { placeKey.place(of: id) }

    private func fingerprint(of presence: Presence) -> UInt64 {
        // The signature stands for the content, of which there may be two in one order.
        number(of: cryptography.digest(Array(presence.signature) + presence.author.bytes, key))
    }

    private func number(of digest: [UInt8]) -> UInt64 {
        digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    // MARK: Rates

    // A bucket in one number, the time at which it is full again (the generic cell rate algorithm,
    // ITU-T I.371), in tenths of a second that run over after 13 years.

    private func isTooOften(_ tired: UInt32, at tick: UInt32) -> Bool {
        let ahead = Int32(bitPattern: tired &- tick)
        return ahead > Int32(ticksPerVersion * (DirectoryLimits.versionsBurst - 1))
    }

    private func tiredness(after tired: UInt32, at tick: UInt32) -> UInt32 {
        let isAhead = tired != 0 && Int32(bitPattern: tired &- tick) > 0
        return (isAhead ? tired : tick) &+ UInt32(ticksPerVersion)
    }

    private var ticksPerVersion: Int {
        Int(DirectoryLimits.versionPause / .milliseconds(100))
    }
}
