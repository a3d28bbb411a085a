// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import Testing

@Suite("control routes")
struct ControlRoutesTests {
    private static let bob: PeerReport = {
        var peer = PeerReport(id: "bbbbcccc")
        peer.name = "bob"
        peer.path = .direct
        return peer
    }()

    private static let gone = PeerReport(id: "ggggcccc")

    private let routes = ControlRoutes([
        .status { StatusReport(id: "me", state: .alone) },
        .peers { [Self.bob, Self.gone] },
        .ping(
            peers: { [Self.bob, Self.gone] },
            ping: { id throws(ErrorReport) in
                guard id == Self.bob.id else { throw ErrorReport(.unavailable, "no session") }
                return .microseconds(1500)
            }
        ),
    ])

    private func answer(
        _ method: String,
        _ target: String,
        _ body: String = ""
    ) async -> (
        status: Int, body: String, allowed: [String]
    ) {
        let request = ControlRequest(method, target, body: Array(body.utf8))
        let response = await routes.answer(request)
        return (
            response.status, String(decoding: response.body, as: UTF8.self), response.allowed
        )
    }

    @Test("status and peers are reports, whatever the query")
    func reports() async {
        for target in ["/v1/status", "/v1/status?pretty"] {
            let status = await answer("GET", target)
            #expect(status.status == 200)
            #expect(status.body.hasPrefix(#"{"addresses":[],"aead":null,"#))
        }
        let answer = await answer("GET", "/v1/peers")
        let peers = JSON.decode([PeerReport].self, from: Array(answer.body.utf8))
        #expect(peers == [Self.bob, Self.gone])
    }

    @Test("a ping has one echo")
    func ping() async {
        let pong = await answer("POST", "/v1/ping", #"{"node":"bob"}"#)
        #expect(pong.status == 200)
        #expect(
            pong.body == #"{"endpoint":null,"id":"bbbbcccc","name":"bob","path":"direct","#
                + #""rtt_ms":1.5,"version":1}"#
        )
    }

    @Test(
        "a ping that names nobody, or nobody in reach, is refused",
        arguments: [
            ("", 400), ("[]", 400), (#"{"node":7}"#, 400), (#"{"node":""}"#, 400),
            (#"{"node":"eve"}"#, 404), (#"{"node":"gggg"}"#, 503),
        ]
    )
    func refusedPing(_ body: String, _ status: Int) async throws {
        let refused = await answer("POST", "/v1/ping", body)
        #expect(refused.status == status)
        let report = try #require(JSON.decode(ErrorReport.self, from: Array(refused.body.utf8)))
        #expect(report.error.status == status)
    }

    @Test("a wrong method is told the right one", arguments: ["POST", "HEAD", "DELETE", "get"])
    func method(_ method: String) async {
        let refused = await answer(method, "/v1/status")
        #expect(refused.status == 405)
        #expect(refused.allowed == ["GET"])
        #expect(refused.body.contains("/v1/status takes GET alone"))
    }

    @Test("an unknown path is not found", arguments: ["", "/", "/v1/status/", "/v2/status", "*"])
    func path(_ path: String) async {
        let refused = await answer("GET", path)
        #expect(refused.status == 404)
        #expect(refused.body.contains("/v1/peers, /v1/ping, /v1/status"))
    }
}
