// SPDX-License-Identifier: Apache-2.0

/// Which Netron this is.
package enum Release {
    /// The version, the same number as NETRON_VERSION_* of the packet core.
    package static let version = "0.1.0"
}
