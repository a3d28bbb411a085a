// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// A key that two nodes have: of a copied disk or image. Nobody can tell which of them is meant, so
// that packets for one get to the other.
extension NodeMachine {
    /// Somebody else made a statement with this node's key.
    ///
    /// One may be left of an earlier life. After another within ten minutes the node gives up: it
    /// has no address any more, says and writes nothing, and the shell ends it.
    mutating func sawTwin(at now: Instant, into effects: inout [Effect]) {
        guard !isDoubled else { return }
        effects.append(.tell(.twin))
        let isAgain = twinSeen.map { now - $0 <= NodeLimits.twinWindow } ?? false
        twinSeen = now
        guard isAgain else { return }
        isDoubled = true
        directory.hold()
        ownClaims = []
        announceClaims(at: now, into: &effects)
        effects.append(.tell(.doubled))
    }

    /// What a write is answered then.
    static var doubledFailure: StoreError {
        StoreError(.system, "another node runs with this node's identity; nothing is written")
    }
}
