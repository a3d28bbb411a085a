// SPDX-License-Identifier: Apache-2.0

package import NetronWire

extension HybridTime {
    /// The time of a write that knows of all writes up to `greatest`, when the clock shows `wall`.
    ///
    /// - Parameters:
    ///   - greatest: The greatest time that counts for the key or was used by this writer.
    ///   - wall: Milliseconds since 1970 in network time.
    /// - Returns: The clock's time, or where others were ahead the first one after theirs. Nil if
    ///   that is further ahead than others believe (`Presence.skewMilliseconds`): then the writer
    ///   has to wait until its clock comes near, since each time that it may use now loses to what
    ///   it knows of.
    package static func next(after greatest: Self?, at wall: UInt64) -> Self? {
        let now = Self(milliseconds: wall)
        guard let greatest, greatest >= now else { return now }
        guard greatest.number < .max else { return nil }
        let next = Self(number: greatest.number + 1)
        return next.isAhead(of: wall) ? nil : next
    }
}
