// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

@Suite("Rendezvous") struct RendezvousTests {
    private let rendezvous = Rendezvous(
        epochSeconds: 3_600,
        cryptography: InternetScript.cryptography
    )
    private let hour: UInt64 = 3_600_000

    @Test("an epoch is an hour, or as long as the user's interval if that is longer")
    func length() {
        #expect(Rendezvous.epochSeconds(interval: 360) == 3_600)
        #expect(Rendezvous.epochSeconds(interval: 3_600) == 3_600)
        #expect(Rendezvous.epochSeconds(interval: 3_601) == 3_601)
        let longer = Rendezvous(epochSeconds: 7_200, cryptography: InternetScript.cryptography)
        #expect(longer.epoch(at: 7_199_999 + 7_200_000) == 1)
    }

    @Test("the nearer neighbour is the previous epoch in the first half and the next in the second")
    func neighbours() {
        #expect(rendezvous.announced(at: 100 * hour) == [100, 99])
        #expect(rendezvous.announced(at: 100 * hour + hour / 2 - 1) == [100, 99])
        #expect(rendezvous.announced(at: 100 * hour + hour / 2) == [100, 101])
        #expect(rendezvous.announced(at: 101 * hour - 1) == [100, 101])
        #expect(rendezvous.announced(at: 101 * hour) == [101, 100])
    }

    @Test("one whose clock may be wrong looks in the previous, the current and the next epoch")
    func untrusted() {
        #expect(rendezvous.sought(at: 100 * hour, isTrusted: false) == [100, 99, 101])
        #expect(rendezvous.sought(at: 101 * hour - 1, isTrusted: false) == [100, 101, 99])
        #expect(rendezvous.sought(at: 100 * hour, isTrusted: true) == [100, 99])
    }

    @Test("there is no epoch 0, whose key would not rotate")
    func first() {
        #expect(rendezvous.epoch(at: 0) == 1)
        for wall in [0, hour / 2, hour, 2 * hour - 1] {
            #expect(!rendezvous.sought(at: wall, isTrusted: false).contains(0))
        }
        #expect(rendezvous.announced(at: hour) == [1])
    }

    @Test("the epochs in use change at the middle and at the end of each")
    func changes() {
        #expect(rendezvous.change(after: 100 * hour) == 100 * hour + hour / 2)
        #expect(rendezvous.change(after: 100 * hour + hour / 2 - 1) == 100 * hour + hour / 2)
        #expect(rendezvous.change(after: 100 * hour + hour / 2) == 101 * hour)
    }

    @Test("a key has 20 bytes, those of the network's secret for that epoch")
    func keys() {
        let secret = InternetScript.cryptography.derive("rendezvous", 100)
        #expect(rendezvous.key(of: 100) == Array(secret.prefix(20)))
        #expect(rendezvous.key(of: 100).count == 20)
        #expect(rendezvous.key(of: 100) != rendezvous.key(of: 101))
    }

    @Test("a clock that is up to an hour off has a key in common with one that is right")
    func overlap() {
        for minutes in stride(from: 0, to: 120, by: 1) {
            let right = 100 * hour + UInt64(minutes) * 60_000
            let announced = keys(of: rendezvous.announced(at: right))
            for off in [-60, -50, -30, -1, 1, 30, 50, 60] {
                let wrong = UInt64(Int64(right) + Int64(off) * 60_000)
                let theirs = keys(of: rendezvous.announced(at: wrong))
                #expect(!announced.isDisjoint(with: theirs), "\(off) min off at \(minutes)")
            }
        }
    }

    @Test("a clock that is 50 minutes fast or slow uses the keys that were computed by hand")
    func fiftyMinutes() {
        // At ten past, one that is fast believes that the hour is full, one that is slow that it
        // is twenty past of the hour before.
        let right = 100 * hour + 10 * 60_000
        #expect(rendezvous.announced(at: right) == [100, 99])
        #expect(rendezvous.announced(at: right + 50 * 60_000) == [101, 100])
        #expect(rendezvous.announced(at: right - 50 * 60_000) == [99, 98])
        // At a quarter to: 35 past of the next hour, and five to of the one before.
        let late = 100 * hour + 45 * 60_000
        #expect(rendezvous.announced(at: late) == [100, 101])
        #expect(rendezvous.announced(at: late + 50 * 60_000) == [101, 102])
        #expect(rendezvous.announced(at: late - 50 * 60_000) == [99, 100])
    }

    @Test("one that is untrusted and up to an hour and a half off still finds who is right")
    func untrustedOverlap() {
        for minutes in 0..<60 {
            let right = 100 * hour + UInt64(minutes) * 60_000
            let announced = keys(of: rendezvous.announced(at: right))
            for off in stride(from: -90, through: 90, by: 5) {
                let wrong = UInt64(Int64(right) + Int64(off) * 60_000)
                let sought = keys(of: rendezvous.sought(at: wrong, isTrusted: false))
                #expect(!announced.isDisjoint(with: sought), "\(off) min off at \(minutes)")
            }
        }
    }

    private func keys(of epochs: [UInt64]) -> Set<[UInt8]> {
        Set(epochs.map { rendezvous.key(of: $0) })
    }
}
