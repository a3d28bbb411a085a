// SPDX-License-Identifier: Apache-2.0

internal import CSodium

extension [UInt8] {
    /// Overwrites the bytes with zeros, which no optimizer leaves out.
    ///
    /// Of an array that somebody else holds too, only this copy is.
    package mutating func wipe() {
        unsafe withUnsafeMutableBytes { lent in
            if let base = lent.baseAddress { unsafe sodium_memzero(base, lent.count) }
        }
    }
}
