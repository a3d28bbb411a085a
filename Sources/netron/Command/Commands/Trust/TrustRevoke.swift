// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronAPI
internal import NetronSwift
internal import NetronWire

/// Signs the next list of an authority, and publishes it.
struct TrustRevoke: Asking {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Revoke certificates, in the name of an authority.",
        discussion: """
            The node's newest list of the authority is read, and the certificates are added to it; \
            those that have ended by themselves are left out. What is signed here then replaces it \
            at all members. When this returns it is on this node's disk, and on its way. Nothing \
            takes a revocation back. Sign in one place at a time: of two lists with one number \
            only one counts.
            """
    )

    @Argument(help: "The ids of the certificates, 52 characters each.")
    var certificates: [String]

    @Option(help: ArgumentHelp("The file of the authority's secret key.", valueName: "file"))
    var key: String

    @Option(
        help: ArgumentHelp(
            "When they end by themselves, such as 2027-06-30 or 2027-06-30T12:00:00Z (UTC).",
            valueName: "time"
        )
    )
    var until: String

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console, asking node: ControlClient) async throws {
        let wanted = try revocations()
        let key = try TrustKey(path: self.key)
        let report: TrustReport = try report(in: try await node.get("/v1/trust"))
        let object = try next(after: report, by: key, adding: wanted)
        let done = try await node.put("/v1/trust", object.encoded())
        if answer.asJSON {
            console.write(json: done)
        } else {
            let count = object.revocations.count
            console.write(
                "List \(object.serial) of \(key.authority.prefix()) revokes "
                    + (count == 1 ? "1 certificate.\n" : "\(count) certificates.\n")
            )
        }
    }

    private func revocations() throws(Failure) -> [Revocation] {
        guard let expiry = Self.moment(until) else {
            throw Failure(
                .usage,
                "--until is no day or moment; write it as 2027-06-30 or 2027-06-30T12:00:00Z"
            )
        }
        var all: [Revocation] = []
        for text in certificates {
            guard let certificate = CertificateID(text) else {
                throw Failure(
                    .usage,
                    "\(text.plain(bytesMax: 64)) is no certificate's id; write all of its 52"
                        + " characters"
                )
            }
            all.append(Revocation(certificate, expiry: expiry.milliseconds))
        }
        return all
    }

    /// The moment that a text means; of a day its last one.
    static func moment(_ text: String) -> Timestamp? {
        Timestamp(text) ?? Timestamp("\(text)T23:59:59.999Z")
            ?? (text.hasSuffix("Z") ? Timestamp("\(text.dropLast()).000Z") : nil)
    }

    /// Signs the list that follows the node's.
    private func next(
        after report: TrustReport,
        by key: TrustKey,
        adding wanted: [Revocation]
    ) throws(Failure) -> TrustObject {
        let name = key.authority.description
        guard let ours = report.authorities.first(where: { $0.authority == name }) else {
            throw Failure(
                .failed,
                "the key's authority \(name) is none of this network; name it under `authorities`"
                    + " in the config of every member, and start them again"
            )
        }
        if let time = report.time,
            let over = wanted.first(where: { $0.isOver(at: time.milliseconds) })
        {
            throw Failure(
                .usage,
                "\(over.certificate) ended at \(Timestamp(milliseconds: over.expiry)), and need not"
                    + " be revoked; see --until"
            )
        }
        let held = ours.object.flatMap { Base64.decode($0) }.flatMap { key.object($0) }
        guard let network = Self.bytes(report.network), ours.object == nil || held != nil else {
            throw Failure(ControlError.malformed)
        }
        let kept = held?.revocations.filter { !$0.isOver(at: report.time?.milliseconds ?? 0) } ?? []
        let (serial, isOver) = (held?.serial ?? 0).addingReportingOverflow(1)
        guard !isOver, let object = key.sign(kept + wanted, serial: serial, network: network) else {
            throw Failure(
                .failed,
                "the list of \(key.authority.prefix()) would have \(kept.count + wanted.count)"
                    + " certificates, of \(TrustObject.revocationsMax) at most, and follow number"
                    + " \(held?.serial ?? 0); name another authority in the config"
            )
        }
        return object
    }

    /// The bytes of hexadecimal digits, as many as name a network.
    private static func bytes(_ digits: String) -> [UInt8]? {
        let values = digits.compactMap(\.hexDigitValue)
        guard values.count == 2 * DirectoryPayload.networkByteCount, values.count == digits.count
        else { return nil }
        return stride(from: 0, to: values.count, by: 2).map {
            UInt8(values[$0] << 4 | values[$0 + 1])
        }
    }
}
