// SPDX-License-Identifier: Apache-2.0

internal import CNetronFast
internal import Glibc

/// Why the packet core refused a call.
///
/// Open, as the core may learn new codes: compare with the static members, and let the rest be.
package struct EngineError: Error, Hashable, Sendable {
    /// The core's code, a NETRON_E_* number.
    package let code: Int32

    /// The errno behind it, or 0.
    package let systemError: Int32

    package init(code: Int32, systemError: Int32 = 0) {
        self.code = code
        self.systemError = systemError
    }

    package static let invalid = Self(code: Int32(NETRON_E_INVALID))
    package static let noMemory = Self(code: Int32(NETRON_E_NO_MEMORY))
    package static let unknownPeer = Self(code: Int32(NETRON_E_UNKNOWN_PEER))
    package static let again = Self(code: Int32(NETRON_E_AGAIN))
    package static let notPermitted = Self(code: Int32(NETRON_E_NOT_PERMITTED))
    package static let inUse = Self(code: Int32(NETRON_E_IN_USE))
    package static let unsupported = Self(code: Int32(NETRON_E_UNSUPPORTED))
    package static let system = Self(code: Int32(NETRON_E_SYSTEM))
    package static let full = Self(code: Int32(NETRON_E_FULL))
    package static let refused = Self(code: Int32(NETRON_E_REFUSED))
    package static let expired = Self(code: Int32(NETRON_E_EXPIRED))

    /// Whether a socket's address is what another has.
    package var isAddressInUse: Bool { systemError == EADDRINUSE }

    /// Whether it is the same refusal, whatever the system said.
    package static func ~= (pattern: Self, error: Self) -> Bool { pattern.code == error.code }

    /// Throws unless a call of the core went well.
    static func check(_ code: Int32) throws(EngineError) {
        guard code == NETRON_OK else { throw EngineError(code: code) }
    }
}

extension EngineError: CustomStringConvertible {
    package var description: String {
        let text = unsafe String(cString: netron_error_text(code))
        return systemError == 0 ? text : "\(text): \(SystemCall.text(of: systemError))"
    }
}
