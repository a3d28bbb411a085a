// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire

// A world that begins at rest.
extension World where Node == MachineNode {
    /// Has all nodes that run know all others, as after a long time.
    ///
    /// They found their neighbours by events as ever, and said nothing of themselves
    /// (`WorldSettings.beginsAtRest`). What they are known by is what they would have said last; it
    /// was said at times by chance, so that renewals are spread as in a network that grew long ago.
    package func rest() {
        precondition(settings.beginsAtRest && !hasRested, "a world comes to rest once")
        hasRested = true
        let live = self.live
        let statements = live.compactMap { number in
            perform(on: number) { node, now, _ in node.statement(among: live.count, at: now) }
                ?? nil
        }
        let first = live.first.flatMap { number in
            perform(on: number) { node, now, _ in node.machine.shared(statements, at: now) } ?? nil
        }
        guard let first else { return }
        for number in live {
            perform(on: number) { $0.rest(with: first, at: $1, into: &$2) }
        }
    }
}
