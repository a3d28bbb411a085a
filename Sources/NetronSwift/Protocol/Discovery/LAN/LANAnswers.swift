// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// How others' questions are answered (RFC 6762 sections 5.4, 6 and 7).
extension LANLink {
    /// Takes a question and answers at once what need not wait.
    ///
    /// Nothing is answered before the names are ours.
    mutating func answer(
        _ query: DNSMessage,
        from asker: Endpoint,
        as identity: LANIdentity,
        at now: Instant,
        with random: inout some RandomNumberGenerator
    ) -> LANEffect? {
        guard isClaimed else { return nil }
        guard asker.port == LANLimits.port else {
            return answerLegacy(query, from: asker, as: identity, at: now)
        }
        let known = known(query.answers, as: identity)
        // He may list more of what he knows than one message holds (section 7.2).
        withdraw(known, askedBy: asker)
        var toAll: LANRecords = []
        var toAsker: LANRecords = []
        // Several programs of a host share the port, and only multicast reaches each of them.
        let isOurHost = interface.addresses.contains { $0.address == asker.address }
        for question in query.questions {
            let records = identity.asked(by: question, on: interface).subtracting(known)
            if question.wantsUnicast && !isOurHost {
                toAsker.formUnion(records)
            } else {
                toAll.formUnion(records)
            }
        }
        toAll.formUnion(overdue(toAsker, as: identity, at: now))
        toAsker.subtract(toAll)
        if !toAll.isEmpty {
            let isDefence = !query.authorities.isEmpty
            let delay = isDefence ? .zero : delay(toAll, of: query, with: &random)
            let asker = query.isTruncated ? asker : nil
            enqueue(
                Pending(records: toAll, due: now + delay, asker: asker, isDefence: isDefence)
            )
        }
        guard !toAsker.isEmpty, takeUnicast(at: now) else { return nil }
        return .send(
            response(toAsker, as: identity).encoded(),
            interface: interface.index,
            family: family,
            to: asker
        )
    }

    /// Multicasts the answers that are due, and puts off records that were just multicast.
    mutating func flushAnswers(
        as identity: LANIdentity,
        at now: Instant,
        into effects: inout [LANEffect]
    ) {
        var ready: LANRecords = []
        for answer in takeDue(at: now) {
            let interval =
                answer.isDefence ? LANLimits.defenceInterval : LANLimits.multicastInterval
            for record in answer.records.single {
                guard hasMulticast(record, within: interval, at: now) else {
                    ready.insert(record)
                    continue
                }
                let turn = (lastMulticast(record) ?? now) + interval
                enqueue(
                    Pending(records: record, due: turn, asker: nil, isDefence: answer.isDefence)
                )
            }
        }
        if !ready.isEmpty { multicast(ready, as: identity, at: now, into: &effects) }
        // What went out now need not go out again for an earlier asker.
        withdraw(ready, askedBy: nil)
    }

    /// Answers somebody who knows plain DNS alone, as he expects it (section 6.7).
    private mutating func answerLegacy(
        _ query: DNSMessage,
        from asker: Endpoint,
        as identity: LANIdentity,
        at now: Instant
    ) -> LANEffect? {
        let records = query.questions.map { identity.asked(by: $0, on: interface) }
        let answers = LANRecords(records)
        guard !answers.isEmpty, takeUnicast(at: now) else { return nil }
        var message = response(answers, as: identity)
        message.id = query.id
        message.questions = zip(query.questions, records).filter { !$0.1.isEmpty }.map {
            DNSQuestion($0.0.name, $0.0.type)
        }
        message.answers = message.answers.map(\.forLegacy)
        message.additionals = message.additionals.map(\.forLegacy)
        return .send(
            message.encoded(compressesHosts: false),
            interface: interface.index,
            family: family,
            to: asker
        )
    }

    private func response(_ records: LANRecords, as identity: LANIdentity) -> DNSMessage {
        var message = DNSMessage()
        message.flags = DNSMessage.responseFlag | DNSMessage.authoritativeFlag
        message.answers = identity.records(records, on: interface)
        let companions = identity.companions(of: records, on: interface)
        message.additionals = identity.records(companions, on: interface)
        return message
    }

    /// Which of our records the asker has, for at least half their time (section 7.1).
    private func known(_ listed: [DNSRecord], as identity: LANIdentity) -> LANRecords {
        guard !listed.isEmpty else { return [] }
        let all = LANRecords(rawValue: .max)
        return LANRecords(
            all.single.filter { kind in
                let ours = identity.records(kind, on: interface)
                return !ours.isEmpty
                    && ours.allSatisfy { mine in
                        listed.contains {
                            $0.name == mine.name && $0.data == mine.data
                                && $0.seconds >= mine.seconds / 2
                        }
                    }
            }
        )
    }

    /// Which of the records all should hear once more, though one alone asked (section 5.4).
    private func overdue(
        _ records: LANRecords,
        as identity: LANIdentity,
        at now: Instant
    ) -> LANRecords {
        LANRecords(
            records.single.filter { record in
                let seconds = identity.records(record, on: interface).first?.seconds ?? 0
                let quarter = Duration.seconds(Int64(seconds / 4))
                return !hasMulticast(record, within: quarter, at: now)
            }
        )
    }

    private func delay(
        _ records: LANRecords,
        of query: DNSMessage,
        with random: inout some RandomNumberGenerator
    ) -> Duration {
        if query.isTruncated {
            return random.duration(LANLimits.truncatedDelayMin, LANLimits.truncatedDelayMax)
        }
        guard !records.isDisjoint(with: .shared) else { return .zero }
        return random.duration(LANLimits.answerDelayMin, LANLimits.answerDelayMax)
    }
}

extension DNSRecord {
    /// The record for one who knows neither multicast nor the flush bit.
    fileprivate var forLegacy: Self {
        Self(name, data, seconds: min(seconds, LANLimits.legacySeconds))
    }
}
