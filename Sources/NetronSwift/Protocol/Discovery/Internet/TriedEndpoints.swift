// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Which endpoints were tried of late because the DHT named them.
struct TriedEndpoints {
    private struct Try {
        let endpoint: Endpoint
        var pause: Duration
        var until: Instant
    }

    /// In the order in which they were tried.
    private var tries: [Try] = []

    /// Whether an endpoint is to be tried now; it is taken as tried then.
    mutating func take(_ endpoint: Endpoint, at now: Instant) -> Bool {
        var pause = InternetLimits.triedPauseFirst
        if let index = tries.firstIndex(where: { $0.endpoint == endpoint }) {
            guard tries[index].until <= now else { return false }
            pause = min(tries.remove(at: index).pause * 2, InternetLimits.triedPauseMax)
        }
        put(endpoint, pause: pause, until: now + pause)
        return true
    }

    /// What was tried belongs to a member of our overlay, who need not be tried there.
    mutating func met(at endpoint: Endpoint, now: Instant) {
        guard let index = tries.firstIndex(where: { $0.endpoint == endpoint }) else { return }
        tries.remove(at: index)
        let pause = InternetLimits.triedPauseFirst
        put(endpoint, pause: pause, until: now + InternetLimits.metPause)
    }

    mutating func startOver() { tries = [] }

    private mutating func put(_ endpoint: Endpoint, pause: Duration, until: Instant) {
        if tries.count >= InternetLimits.triedMax { tries.removeFirst() }
        tries.append(Try(endpoint: endpoint, pause: pause, until: until))
    }
}
