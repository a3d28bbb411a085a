// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// What the routes of trust objects ask a node.
package protocol TrustAccess: Sendable {
    func trust() async throws(ErrorReport) -> TrustReport

    /// Publishes an authority's list; what returns is on disk, and on its way to the others.
    func publish(_ object: [UInt8]) async throws(ErrorReport)
}

extension ControlRoutes.Route {
    /// What authorities say: `/v1/trust`.
    package static func trust(_ node: some TrustAccess) -> [Self] {
        [
            Self("GET", "/v1/trust") { _ in
                await answer { () throws(ErrorReport) in try await node.trust() }
            },
            Self("PUT", "/v1/trust") { request in
                await answer { () throws(ErrorReport) in
                    try await node.publish(request.trustObject())
                    return DoneReport()
                }
            },
        ]
    }
}

extension ControlRequest {
    /// The body as it is, or what it is the base64 of: no text begins as an object does.
    fileprivate func trustObject() throws(ErrorReport) -> [UInt8] {
        guard body.first != DirectoryPayload.trust.rawValue else { return body }
        if let text = String(validating: body, as: UTF8.self), let bytes = Base64.decode(text),
            !bytes.isEmpty
        {
            return bytes
        }
        throw ErrorReport(
            .badRequest,
            "the body is no list that an authority signed, nor the base64 of one"
        )
    }
}
