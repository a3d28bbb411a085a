// SPDX-License-Identifier: Apache-2.0

/// Why a request was refused: the answer whenever the status is 400 or more.
package struct ErrorReport: Error, Codable, Hashable, Sendable {
    /// The reasons, for programs; each goes with one status of HTTP.
    package enum Code: String, Codable, Sendable {
        case badRequest = "bad_request"
        /// It may come from a page of the Web, which has no business here.
        case forbidden
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case ambiguous
        /// Somebody else has what was to be changed.
        case held
        case tooLarge = "too_large"
        /// It is understood, and not possible.
        case refused
        case failed
        case unavailable
        /// There is no room for it on the disk, or in the budget.
        case full

        package var status: Int {
            switch self {
            case .badRequest: 400
            case .forbidden: 403
            case .notFound: 404
            case .methodNotAllowed: 405
            case .ambiguous, .held: 409
            case .tooLarge: 413
            case .refused: 422
            case .failed: 500
            case .unavailable: 503
            case .full: 507
            }
        }
    }

    package var version = 1
    package var error: Code
    /// One sentence that says what is wrong and what to do.
    package var message: String

    package init(_ error: Code, _ message: String) {
        self.error = error
        self.message = message
    }
}
