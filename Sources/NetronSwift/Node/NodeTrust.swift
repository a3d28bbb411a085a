// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronEngine
internal import NetronProtocol
internal import NetronWire

/// A bucket that shows what authorities say, which nobody writes a key of.
enum TrustBucket: String, CaseIterable {
    /// Each certificate that is revoked.
    case trustzone
    /// Each authority.
    case trustzoneAuth

    /// The bucket of that name, if it is one of these.
    init?(_ name: LedgerName) { self.init(rawValue: name.description) }

    var name: LedgerName {
        guard let name = LedgerName(rawValue) else { preconditionFailure("no name: \(rawValue)") }
        return name
    }
}

// The buckets.
extension Node {
    func trustRecord(of key: LedgerKey, in bucket: TrustBucket) -> LedgerRecord? {
        trustRecords(of: bucket).first { $0.key == key }
    }

    /// Some records of a bucket, in the order of their keys; a cursor is the key that comes next.
    func trustPage(of bucket: TrustBucket, from cursor: [UInt8]?, limit: Int) -> LedgerPage {
        let all = trustRecords(of: bucket)
        let start = all.firstIndex { !$0.key.bytes.lexicographicallyPrecedes(cursor ?? []) }
        let rest = start.map { all[$0...] } ?? []
        return LedgerPage(
            records: Array(rest.prefix(limit)),
            next: rest.dropFirst(limit).first?.key.bytes
        )
    }

    private func trustRecords(of bucket: TrustBucket) -> [LedgerRecord] {
        let all = machine.trustObjects
        switch bucket {
        case .trustzoneAuth:
            return all.compactMap { authority, object in
                record(authority.description, TrustValues.list(object), in: bucket, by: authority)
            }
        case .trustzone:
            var latest: [CertificateID: (revocation: Revocation, authority: NodeID)] = [:]
            for case (let authority, let object?) in all {
                for new in object.revocations {
                    let known = latest[new.certificate]?.revocation.expiry
                    if known ?? 0 <= new.expiry { latest[new.certificate] = (new, authority) }
                }
            }
            return latest.values.sorted { $0.revocation.certificate < $1.revocation.certificate }
                .compactMap { revocation, authority in
                    record(
                        revocation.certificate.description,
                        TrustValues.entry(revocation, by: authority),
                        in: bucket,
                        by: authority
                    )
                }
        }
    }

    /// A record without a time, as what authorities say has none.
    private func record(
        _ text: String,
        _ value: [UInt8],
        in bucket: TrustBucket,
        by authority: NodeID
    ) -> LedgerRecord? {
        LedgerKey(bucket.name, text).map {
            LedgerRecord($0, value: value, by: authority, since: 0, time: HybridTime(number: 0))
        }
    }
}

/// What commands and the API may ask and publish, as long as there is a node.
struct NodeTrustAccess: TrustAccess {
    private weak let node: Node?

    init(_ node: Node) { self.node = node }

    func trust() async throws(ErrorReport) -> TrustReport {
        guard let node else { throw ErrorReport(.unavailable, "the node stops") }
        return await node.trustReport
    }

    func publish(_ object: [UInt8]) async throws(ErrorReport) {
        guard let node else { throw ErrorReport(.unavailable, "the node stops") }
        if let refusal = try await node.publish(object) {
            throw ErrorReport(refusal.code, refusal.sentence)
        }
    }
}

extension Node {
    fileprivate var trustReport: TrustReport {
        TrustReport(
            network: machine.networkName,
            time: machine.networkMilliseconds(at: Clock.now()),
            authorities: machine.trustObjects.map { .init($0.authority, $0.object) }
        )
    }

    /// Publishes what an authority signed; with nil it is on disk, and on its way to the others.
    fileprivate func publish(_ object: [UInt8]) throws(ErrorReport) -> TrustRefusal? {
        guard phase == .running else { throw ErrorReport(.unavailable, "the node does not run") }
        var effects: [NodeEffect] = []
        let refusal = machine.publish(object, at: Clock.now(), into: &effects)
        for event in carryOut(effects) { feed(event) }
        return refusal
    }
}

extension TrustRefusal {
    fileprivate var code: ErrorReport.Code {
        switch self {
        case .malformed: .badRequest
        case .stranger, .forged, .older, .leavesOut: .refused
        case .storage(let error): error.kind == .full || error.kind == .diskFull ? .full : .failed
        }
    }

    /// One sentence that says why not, and what to do.
    fileprivate var sentence: String {
        switch self {
        case .malformed: "the body is no list that an authority signed, nor the base64 of one"
        case .stranger(let authority):
            "\(authority) is no authority of this network; name it under `authorities` in the"
                + " config of every member, and start them again"
        case .forged:
            "the authority did not sign this list, or not for this network; sign it anew"
        case .older(let serial):
            "there is a list with the number \(serial) already; sign the next one"
        case .leavesOut(let certificate, 1):
            "the list leaves out \(certificate), which has not ended by itself yet; put it in"
        case .leavesOut(let certificate, let count):
            "the list leaves out \(certificate) and \(count - 1) more that have not ended by"
                + " themselves yet; put them in"
        case .storage(let error): error.message
        }
    }
}
