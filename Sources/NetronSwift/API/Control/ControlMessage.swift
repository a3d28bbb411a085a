// SPDX-License-Identifier: Apache-2.0

/// One request on the control socket, whole.
package struct ControlRequest: Hashable, Sendable {
    /// The method in capitals, for instance GET.
    package var method: String
    /// The path of the request, without what follows a question mark.
    package var path: String
    /// What follows the question mark, or nothing.
    package var query: String
    /// What stands in the path for the names in braces of its route, decoded.
    package internal(set) var parameters: [String] = []
    package var body: [UInt8]

    /// Takes the method and the target of a request line apart.
    package init(_ method: String, _ target: String, body: [UInt8] = []) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.method = method
        path = parts.first.map { String($0) } ?? ""
        query = parts.count == 2 ? String(parts[1]) : ""
        self.body = body
    }
}

/// The answer to a request: always JSON.
package struct ControlResponse: Hashable, Sendable {
    /// The status of HTTP.
    package var status: Int
    /// The methods that the path has, for 405.
    package var allowed: [String] = []
    package var body: [UInt8]

    /// Answers 200 with a report.
    package init(_ report: some Encodable) { self.init(status: 200, report) }

    /// Refuses.
    package init(_ error: ErrorReport) { self.init(status: error.error.status, error) }

    package init(status: Int, _ report: some Encodable) {
        self.status = status
        body = JSON.encode(report)
    }

    init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}
