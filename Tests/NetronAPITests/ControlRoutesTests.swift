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
            #expect(status.body.hasPrefix(#"{"addresses":[],"advertised":[],"aead":null,"#))
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
                + #""relay":null,"rtt_ms":1.5,"version":1}"#
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

@Suite("paths with names in braces")
struct NamedPathTests {
    private static func route(_ method: String, _ path: String) -> ControlRoutes.Route {
        .init(method, path) { request in
            ControlResponse(["\(method) \(path)"] + request.parameters)
        }
    }

    // Those with names come first, to see that the order does not matter.
    private let routes = ControlRoutes([
        route("GET", "/t/{a}/{b}"), route("GET", "/t/{a}"), route("PUT", "/t/{a}"),
        route("DELETE", "/t/{a}"), route("GET", "/t/all"), route("GET", "/t/{a}/first"),
        route("GET", "/t"), route("GET", "/t/{a}/x/{b}"),
    ])

    private func answer(_ method: String, _ target: String) async -> ControlResponse {
        await routes.answer(ControlRequest(method, target))
    }

    @Test(
        "what stands for a name is given decoded",
        arguments: [
            ("/t/1", ["GET /t/{a}", "1"]), ("/t/1?all", ["GET /t/{a}", "1"]),
            ("/t/1/2", ["GET /t/{a}/{b}", "1", "2"]), ("/t/1/x/2", ["GET /t/{a}/x/{b}", "1", "2"]),
            ("/t/a%2Fb", ["GET /t/{a}", "a/b"]), ("/t/a%3Fb?c", ["GET /t/{a}", "a?b"]),
            ("/t/%C3%A4/%20", ["GET /t/{a}/{b}", "ä", " "]), ("/t/{a}", ["GET /t/{a}", "{a}"]),
            ("/t/../.", ["GET /t/{a}/{b}", "..", "."]),
        ]
    )
    func names(_ target: String, _ texts: [String]) async {
        let response = await answer("GET", target)
        #expect(response.status == 200)
        #expect(JSON.decode([String].self, from: response.body) == texts)
    }

    @Test("a path that is written out comes first", arguments: ["/t/all", "/t/1/first", "/t"])
    func literal(_ target: String) async {
        let texts = JSON.decode([String].self, from: await answer("GET", target).body) ?? []
        #expect(texts.first?.hasPrefix("GET \(target.replacing("1", with: "{a}"))") == true)
    }

    @Test(
        "an empty part stands for nothing, and a part too many is no part of it",
        arguments: ["/t/", "/t//", "/t//2", "/t/1/", "/t/1/2/3", "/t/1/x/", "//t/1", "t/1", "/T/1"]
    )
    func empty(_ target: String) async {
        #expect(await answer("GET", target).status == 404)
    }

    @Test(
        "a wrong method is told those that the path has",
        arguments: [
            ("/t/1", ["DELETE", "GET", "PUT"]), ("/t/1/2", ["GET"]), ("/t/all", ["GET"]),
            ("/t/%zz", ["DELETE", "GET", "PUT"]),
        ]
    )
    func method(_ target: String, _ allowed: [String]) async {
        let response = await answer("POST", target)
        #expect(response.status == 405)
        #expect(response.allowed == allowed)
    }

    @Test("what cannot be decoded is refused", arguments: ["/t/%", "/t/%zz", "/t/1/%FF"])
    func undecodable(_ target: String) async throws {
        let response = await answer("GET", target)
        let report = try #require(JSON.decode(ErrorReport.self, from: response.body))
        #expect(response.status == 400 && report.error == .badRequest)
    }
}
