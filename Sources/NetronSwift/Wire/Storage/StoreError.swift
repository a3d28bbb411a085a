// SPDX-License-Identifier: Apache-2.0

/// Why records could not be kept or read.
package struct StoreError: Error, Hashable, Sendable {
    /// What kind of failure it is.
    package enum Kind: Hashable, Sendable {
        /// The file is no store, or one of another network.
        case foreign
        /// A newer version made the file.
        case newer
        /// The file, or a record in it, is damaged.
        case corrupt
        /// The budget of bytes is used up.
        case full
        /// The disk has no room left.
        case diskFull
        /// The file system is read-only.
        case readOnly
        /// The system does not let this user do it.
        case notPermitted
        /// Another process has the store.
        case inUse
        /// Anything else that the system refused.
        case system
    }

    /// What kind of failure it is.
    package let kind: Kind

    /// One sentence that says what is wrong and what to do.
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

extension StoreError: CustomStringConvertible {
    /// The message.
    package var description: String { message }
}
