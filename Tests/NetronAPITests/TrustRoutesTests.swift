// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronWire
internal import Synchronization
internal import Testing

/// Cryptography that signs with zeros.
private let zeros = Cryptography(
    sign: { _ in [UInt8](repeating: 0, count: Cryptography.signatureByteCount) },
    verify: { _, _, _ in true },
    digest: { message, _ in
        Array((message + [UInt8](repeating: 0, count: 32)).prefix(Cryptography.digestByteCount))
    },
    derive: { _, _ in [] },
    networkAddress: { _ in IPAddress(.v6, number: 1) }
)

private func list(by authority: NodeID) throws -> TrustObject {
    let certificate = try #require(CertificateID(bytes: [UInt8](repeating: 0, count: 32)))
    return try #require(
        TrustObject.signed(
            authority,
            serial: 7,
            revoking: [Revocation(certificate, expiry: 1_795_435_200_000)],
            network: [UInt8](repeating: 1, count: 8),
            with: zeros
        )
    )
}

/// A node that takes one object.
private final class AuthoritiesOfTest: TrustAccess {
    private let taken = Mutex<[[UInt8]]>([])
    let report: TrustReport
    let refusal: ErrorReport?

    init(_ report: TrustReport, refusal: ErrorReport? = nil) {
        (self.report, self.refusal) = (report, refusal)
    }

    var published: [[UInt8]] { taken.withLock { $0 } }

    func trust() -> TrustReport { report }

    func publish(_ object: [UInt8]) throws(ErrorReport) {
        if let refusal { throw refusal }
        taken.withLock { $0.append(object) }
    }
}

@Suite("what authorities say, in Netron's API") struct TrustRoutesTests {
    private let report: TrustReport
    private let object: TrustObject

    init() throws {
        let (first, second) = (try member(1), try member(2))
        object = try list(by: first)
        report = TrustReport(
            network: [UInt8](repeating: 1, count: 8),
            time: nil,
            authorities: [.init(first, object), .init(second, nil)]
        )
    }

    private func ask(
        _ node: AuthoritiesOfTest,
        _ method: String,
        _ body: [UInt8] = []
    ) async -> Answer {
        let routes = ControlRoutes(ControlRoutes.Route.trust(node))
        return Answer(await routes.answer(ControlRequest(method, "/v1/trust", body: body)))
    }

    @Test("a report has all keys, and comes back") func reading() async throws {
        let answer = await ask(AuthoritiesOfTest(report), "GET")
        let certificate = String(repeating: "a", count: 52)
        let base64 = Base64.encode(object.encoded())
        #expect(answer.status == 200)
        #expect(
            answer.body == #"{"authorities":[{"authority":"\#(try member(1))","#
                + #""object":"\#(base64)","revoked":[{"certificate":"\#(certificate)","#
                + #""expiry":"2026-11-23T12:00:00.000Z"}],"serial":7},"#
                + #"{"authority":"\#(try member(2))","object":null,"revoked":[],"serial":null}],"#
                + #""network":"0101010101010101","time":null,"version":1}"#
        )
        let read: TrustReport? = answer.report()
        #expect(read == report)
    }

    @Test("an object is published as bytes or as their base64") func publishing() async {
        let node = AuthoritiesOfTest(report)
        let bytes = object.encoded()
        for body in [bytes, Array(Base64.encode(bytes).utf8)] {
            let answer = await ask(node, "PUT", body)
            #expect(answer.status == 200 && answer.body == #"{"done":true,"version":1}"#)
        }
        #expect(node.published == [bytes, bytes])
    }

    @Test("what is neither is refused, and so is what the node refuses") func refusing() async {
        let node = AuthoritiesOfTest(report)
        for body in [[], [0xFF], Array("no base64!".utf8)] {
            #expect(await ask(node, "PUT", body).status == 400)
        }
        #expect(node.published.isEmpty)
        let other = AuthoritiesOfTest(report, refusal: ErrorReport(.refused, "not now"))
        #expect(await ask(other, "PUT", object.encoded()).status == 422)
        #expect(await ask(node, "POST", []).status == 405)
    }

    @Test("the values of the buckets are JSON with EdgeVPN's kind of keys") func values() throws {
        let id = try member(1)
        #expect(TrustValues.list(object) == Array(#"{"Revoked":1,"Serial":7}"#.utf8))
        #expect(TrustValues.list(nil) == Array(#"{"Revoked":0,"Serial":0}"#.utf8))
        let entry = TrustValues.entry(try #require(object.revocations.first), by: id)
        let text = #"{"Authority":"\#(id)","Expiry":"2026-11-23T12:00:00.000Z"}"#
        #expect(entry == Array(text.utf8))
    }

    @Test("a record without a time has none") func timeless() throws {
        let bucket = try #require(LedgerName("trustzoneAuth"))
        let id = try member(1)
        let key = try #require(LedgerKey(bucket, id.description))
        let record = LedgerRecord(
            key,
            value: [0x31],
            by: id,
            since: 0,
            time: HybridTime(number: 0)
        )
        let report = LedgerRecordReport(record)
        #expect(report.time == nil && report.since == nil)
        let text = String(decoding: JSON.encode(report), as: UTF8.self)
        #expect(text.contains(#""since":null,"time":null"#))
    }
}
