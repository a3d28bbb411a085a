// SPDX-License-Identifier: Apache-2.0

/// Which requests a node answers, and who answers them.
package struct ControlRoutes: Sendable {
    package typealias Handler = @Sendable (ControlRequest) async -> ControlResponse

    /// One row of the table.
    package struct Route: Sendable {
        let method: String
        /// Its parts between slashes; one in braces stands for any.
        let path: String
        let handler: Handler

        package init(_ method: String, _ path: String, _ handler: @escaping Handler) {
            self.method = method
            self.path = path
            self.handler = handler
        }
    }

    private let routes: [Route]

    /// Makes the table; no method of a path may be there twice.
    package init(_ routes: [Route]) {
        let keys = Set(routes.map { "\($0.method) \($0.path)" })
        precondition(keys.count == routes.count, "a route stands twice in the table")
        self.routes = routes
    }

    /// Lets the row of the request answer it, or says that there is none.
    package func answer(_ request: ControlRequest) async -> ControlResponse {
        let found = routes.filter { $0.matches(request.path) }
        // One that is written out comes before one with names in braces.
        guard let shape = found.min(by: { $0.nameCount < $1.nameCount })?.path else {
            let known = Set(routes.map(\.path)).sorted().joined(separator: ", ")
            return ControlResponse(ErrorReport(.notFound, "there is no such path; try \(known)"))
        }
        let path = found.filter { $0.path == shape }
        guard let route = path.first(where: { $0.method == request.method }) else {
            let allowed = path.map(\.method).sorted()
            let methods = allowed.joined(separator: " or ")
            var response = ControlResponse(
                ErrorReport(.methodNotAllowed, "\(request.path) takes \(methods) alone")
            )
            response.allowed = allowed
            return response
        }
        guard let parameters = route.parameters(of: request.path) else {
            let problem = "the path is no text once its percent signs are decoded"
            return ControlResponse(ErrorReport(.badRequest, problem))
        }
        var request = request
        request.parameters = parameters
        return await route.handler(request)
    }
}

// How a path fits.
extension ControlRoutes.Route {
    private static func parts(of path: String) -> [Substring] {
        path.split(separator: "/", omittingEmptySubsequences: false)
    }

    private static func isName(_ part: Substring) -> Bool { part.hasPrefix("{") }

    /// How many of its parts stand for any.
    var nameCount: Int { Self.parts(of: path).count(where: Self.isName) }

    func matches(_ path: String) -> Bool {
        let (own, other) = (Self.parts(of: self.path), Self.parts(of: path))
        return own.count == other.count
            && zip(own, other).allSatisfy { Self.isName($0) ? !$1.isEmpty : $0 == $1 }
    }

    /// What stands in the path for the names in braces; nil if it cannot be decoded.
    func parameters(of path: String) -> [String]? {
        var parameters: [String] = []
        for (own, other) in zip(Self.parts(of: self.path), Self.parts(of: path))
        where Self.isName(own) {
            guard let parameter = PercentCoding.decode(other) else { return nil }
            parameters.append(parameter)
        }
        return parameters
    }
}

extension ControlRoutes.Route {
    /// How the node is: `GET /v1/status`.
    package static func status(_ report: @escaping @Sendable () async -> StatusReport) -> Self {
        Self("GET", "/v1/status") { _ in await ControlResponse(report()) }
    }

    /// Who there is: `GET /v1/peers`.
    package static func peers(_ reports: @escaping @Sendable () async -> [PeerReport]) -> Self {
        Self("GET", "/v1/peers") { _ in await ControlResponse(reports()) }
    }

    /// What the network between this node and the others lets through: `GET /v1/netcheck`.
    package static func netcheck(
        _ report: @escaping @Sendable () async -> NetcheckReport
    ) -> Self {
        Self("GET", "/v1/netcheck") { _ in await ControlResponse(report()) }
    }

    /// One echo for one request: `POST /v1/ping`.
    ///
    /// `peers` tells who there is to be found, and `ping` asks the one of that id, after it made a
    /// session if there is none; nil when no echo came in time.
    package static func ping(
        peers: @escaping @Sendable () async -> [PeerReport],
        ping: @escaping @Sendable (_ id: String) async throws(ErrorReport) -> Duration?
    ) -> Self {
        Self("POST", "/v1/ping") { request in
            guard let wanted = JSON.decode(PingRequest.self, from: request.body) else {
                let problem = #"the body is not {"node": "an id, name or address"}"#
                return ControlResponse(ErrorReport(.badRequest, problem))
            }
            do throws(ErrorReport) {
                let peer = try await PeerQuery.find(wanted.node, in: peers())
                let rtt = try await ping(peer.id)
                // The session may have been made for this echo.
                let now = await peers().first { $0.id == peer.id } ?? peer
                return ControlResponse(PingReport(of: now, rtt: rtt))
            } catch {
                return ControlResponse(error)
            }
        }
    }
}
