// SPDX-License-Identifier: Apache-2.0

package import NetronWire

// What the network's authorities say: which of their certificates do not hold any more.
extension NodeMachine {
    /// Takes the authorities that the config names, and what an earlier life kept of them; what is
    /// kept of others goes.
    mutating func beginTrust(_ authorities: [NodeID], into effects: inout [Effect]) {
        trust.begin(authorities)
        do throws(StoreError) {
            var strange: [[UInt8]] = []
            for record in try ledger.trustRecords() where !trust.resume(record.value) {
                strange.append(record.key)
            }
            if !strange.isEmpty { try ledger.dropTrust(strange) }
        } catch {
            effects.append(.tell(.ledgerFailed(error)))
        }
    }

    /// Tells the machine of trust objects what happened, and does what it asks for.
    mutating func keepTrust(
        _ event: TrustEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        var asked: [TrustEffect] = []
        trust.handle(event, at: now, into: &asked)
        for effect in asked { carryOut(effect, at: now, into: &effects) }
    }

    /// Takes in what was broadcast of an authority; it has no lease, so that no time is needed.
    mutating func judgeTrust(
        _ payload: [UInt8],
        from teller: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) -> GossipEvent.Verdict {
        var asked: [TrustEffect] = []
        let isPassedOn = trust.judge(payload, from: teller, at: now, into: &asked)
        for effect in asked { carryOut(effect, at: now, into: &effects) }
        return isPassedOn ? .accept : .refuse
    }

    private mutating func carryOut(
        _ effect: TrustEffect,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch effect {
        case .send(let message, let id): post(.trust(message), to: id, into: &effects)
        case .broadcast(let payload): overlay(.broadcast(payload), at: now, into: &effects)
        case .keep(let object):
            if let error = keepOnDisk(object, at: now, into: &effects) {
                effects.append(.tell(.ledgerFailed(error)))
                keepTrust(.notKept(object.authority), at: now, into: &effects)
            }
        case .changed(let head):
            effects.append(
                .tell(.revocations(by: head.authority, serial: head.serial, count: head.count))
            )
        case .equivocated(let authority, let serial):
            effects.append(.tell(.twoLists(by: authority, serial: serial)))
        case .wake(let instant):
            trustDue = instant
            wake(at: instant)
        }
    }

    /// Puts an object on disk; answers why not.
    private mutating func keepOnDisk(
        _ object: TrustObject,
        at now: Instant,
        into effects: inout [Effect]
    ) -> StoreError? {
        var asked: [LedgerEffect] = []
        var failure: StoreError?
        do throws(StoreError) {
            try ledger.keepTrust(object, into: &asked)
        } catch {
            failure = error
        }
        for effect in asked { carryOut(effect, at: now, into: &effects) }
        return failure
    }
}

// Publishing and reading.
extension NodeMachine {
    /// Publishes what an authority signed; with nil it is on disk, and on its way to the others.
    package mutating func publish(
        _ bytes: [UInt8],
        at now: Instant,
        into effects: inout [Effect]
    ) -> TrustRefusal? {
        precondition(own != nil, "a node that does not run publishes nothing")
        let object: TrustObject
        do throws(TrustRefusal) {
            object = try trust.check(bytes, wall: time.wall(at: now))
        } catch {
            return error
        }
        if let error = keepOnDisk(object, at: now, into: &effects) { return .storage(error) }
        var asked: [TrustEffect] = []
        trust.publish(object, at: now, into: &asked)
        for effect in asked { carryOut(effect, at: now, into: &effects) }
        finish(at: now, into: &effects)
        return nil
    }

    /// Whose lists hold, in ascending order, each with the newest one that is here.
    package var trustObjects: [(authority: NodeID, object: TrustObject?)] {
        trust.shelf.authorities.map { ($0, trust.shelf[$0]) }
    }

    package var trustCounters: TrustCounters { trust.counters }

    /// Network time in milliseconds since 1970; nil while it is not known.
    package func networkMilliseconds(at now: Instant) -> UInt64? { time.wall(at: now) }
}
