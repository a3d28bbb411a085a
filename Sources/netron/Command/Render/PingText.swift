// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronWire

/// Echoes, a line each, and what they come to.
enum PingText {
    static func line(_ pong: PingReport) -> String {
        let id = String(pong.id.prefix(8))
        let who = pong.name.map { "\($0.plain(bytesMax: 64)) (\(id))" } ?? id
        let place = pong.endpoint.map { " at \($0)" } ?? ""
        let through = pong.relay.map { " via \($0.prefix(8))" } ?? ""
        let path = pong.path.map { ", \($0.rawValue)\(through)" } ?? ""
        let answer = pong.rttMilliseconds.map(Units.milliseconds) ?? "no answer in time"
        return "\(who)\(place)\(path): \(answer)"
    }

    /// Sums up the round trips, in milliseconds; nil for an echo that did not come.
    static func summary(_ trips: [Double?]) -> String {
        let answered = trips.compactMap(\.self)
        let lost = trips.count - answered.count
        let share = trips.isEmpty ? 0 : 100 * Double(lost) / Double(trips.count)
        let counts =
            "\(trips.count) sent, \(answered.count) answered, "
            + "\(Units.fixed(share, digits: 0)) % lost"
        guard let least = answered.min(), let most = answered.max() else { return counts }
        let average = answered.reduce(0, +) / Double(answered.count)
        let three = [least, average, most].map { Units.fixed($0, digits: 3) }
        return "\(counts); least, average and most \(three.joined(separator: " / ")) ms"
    }
}
