// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("instant") struct InstantTests {
    @Test("a duration leads from one moment to the next and back") func addsAndSubtracts() {
        let start = Instant(nanoseconds: 5_000_000_000)
        let end = start + .milliseconds(1500)
        #expect(end.nanoseconds == 6_500_000_000)
        #expect(end - start == .milliseconds(1500))
        #expect(start - end == .milliseconds(-1500))
        #expect(start < end)
    }

    @Test("a sum stops at the clock's start and at never") func saturates() {
        let start = Instant(nanoseconds: 10)
        #expect(start + .seconds(-1) == Instant(nanoseconds: 0))
        #expect(Instant(nanoseconds: .max - 1) + .nanoseconds(7) == .never)
        #expect(start + .seconds(Int64.max) == .never)
        #expect(start + .seconds(Int64.min) == Instant(nanoseconds: 0))
    }

    @Test("never stays never") func neverStays() {
        #expect(Instant.never + .seconds(-100) == .never)
        #expect(Instant.never + .seconds(1) == .never)
        #expect(Instant(nanoseconds: 0) - .never < .zero)
    }

    @Test("less than a nanosecond is dropped") func truncates() {
        let sum = Instant(nanoseconds: 1) + Duration(secondsComponent: 0, attosecondsComponent: 999)
        #expect(sum.nanoseconds == 1)
    }
}
