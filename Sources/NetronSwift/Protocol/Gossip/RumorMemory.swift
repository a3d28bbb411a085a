// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// The rumors of the last minutes, so that none is taken twice, and payloads to be asked for.
///
/// A queue in the order of arrival with an index by id: what is too much or too old goes in front.
struct RumorMemory {
    enum State: UInt8 {
        case pending
        case accepted
        case refused
    }

    struct Entry {
        let id: RumorID
        let at: Instant
        var payload: [UInt8]
        /// Which link it came by, 0 for none.
        let link: UInt16
        let hops: UInt8
        var state: State
    }

    private var entries: [Entry] = []
    /// How many of `entries` are forgotten, and how many were before.
    private var first = 0
    private var base = 0
    private var numbers: [RumorID: Int] = [:]
    /// The number of the oldest entry that may still have its payload.
    private var cached = 0

    /// How many bytes of payload are kept.
    private(set) var payloadBytes = 0

    var count: Int { numbers.count }

    /// Where a rumor is; true until the next `insert`.
    func index(of id: RumorID) -> Int? {
        guard let number = numbers[id] else { return nil }
        return number - base
    }

    subscript(index: Int) -> Entry { entries[index] }

    mutating func insert(_ entry: Entry) {
        forget(before: entry.at)
        numbers[entry.id] = base + entries.count
        entries.append(entry)
        payloadBytes += entry.payload.count
        dropPayloads(at: entry.at)
    }

    /// Keeps a payload whose rumor was accepted, as long as there is room.
    mutating func keep(_ payload: [UInt8], at index: Int, now: Instant) {
        // An older one would be behind the mark up to where payloads are gone.
        guard base + index >= cached else { return }
        payloadBytes += payload.count - entries[index].payload.count
        entries[index].payload = payload
        dropPayloads(at: now)
    }

    mutating func setState(_ state: State, at index: Int) { entries[index].state = state }

    private mutating func forget(before now: Instant) {
        while first < entries.count {
            let isOld = entries[first].at + GossipLimits.rumorForgottenAfter <= now
            guard isOld || entries.count - first >= GossipLimits.rumorsMax else { break }
            dropPayload(first)
            numbers[entries[first].id] = nil
            first += 1
        }
        guard first > 32, first > entries.count / 2 else { return }
        entries.removeFirst(first)
        base += first
        first = 0
    }

    private mutating func dropPayloads(at now: Instant) {
        while cached < base + entries.count {
            let index = cached - base
            if index >= first {
                let isOld = entries[index].at + GossipLimits.payloadForgottenAfter <= now
                guard isOld || payloadBytes > GossipLimits.payloadBytesMax else { return }
                dropPayload(index)
            }
            cached += 1
        }
    }

    private mutating func dropPayload(_ index: Int) {
        payloadBytes -= entries[index].payload.count
        entries[index].payload = []
    }
}
