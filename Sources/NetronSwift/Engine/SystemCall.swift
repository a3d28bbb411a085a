// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A call of the system that failed.
package struct SystemCall: Error, Hashable, Sendable, CustomStringConvertible {
    /// The errno.
    package let number: Int32

    package init(number: Int32) { self.number = number }

    package static let exists = Self(number: EEXIST)
    package static let missing = Self(number: ENOENT)
    package static let busy = Self(number: EWOULDBLOCK)
    package static let notPermitted = Self(number: EACCES)
    static let addressInUse = Self(number: EADDRINUSE)

    /// What it means, in the system's words.
    package var description: String { Self.text(of: number) }

    static func text(of number: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        // glibc's variant may leave the buffer alone and return a text of its own.
        return unsafe buffer.withUnsafeMutableBufferPointer { lent in
            guard let base = lent.baseAddress, unsafe strerror_r(number, base, lent.count) == 0
            else { return "error \(number)" }
            return unsafe String(cString: base)
        }
    }

    /// The result of a call that answers -1 when it failed; an interrupted one is made again.
    static func check<Number: SignedInteger>(_ call: () -> Number) throws(SystemCall) -> Number {
        while true {
            let result = call()
            if result != -1 { return result }
            if errno != EINTR { throw SystemCall(number: errno) }
        }
    }
}
