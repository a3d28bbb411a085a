// SPDX-License-Identifier: Apache-2.0

/// What kind of records a bucket holds; its name says so.
package enum LedgerBucket: Hashable, Sendable {
    /// Each key has one owner among the live members, who alone says what its value is. Who that
    /// is follows from when each of them began to have it.
    case owned(Keys)
    /// Everybody may write every key, and delete it; the last write counts.
    case open
    /// Every member computes it from what it knows of the others; nobody writes it.
    case computed
    /// What authorities say; no member's state holds it.
    case trust

    /// Which keys an owned bucket has.
    package enum Keys: Hashable, Sendable {
        /// Of each member its own id, and no other.
        case ownID
        /// Any.
        case any
    }

    /// Where members say for which ranges they carry traffic, see GatewayStatement.
    package static let gateways = named("gateways")

    private static func named(_ text: String) -> LedgerName {
        guard let name = LedgerName(text) else { preconditionFailure("no name: \(text)") }
        return name
    }

    package init(_ name: LedgerName) {
        self =
            switch name.description {
            case "users", "egress", "gateways": .owned(.ownID)
            case "services", "files", "dns": .owned(.any)
            case "machines", "healthcheck": .computed
            case "trustzone", "trustzoneAuth": .trust
            default: .open
            }
    }
}
