// SPDX-License-Identifier: Apache-2.0

/// Which Netron this is.
package enum Release {
    /// The version, the same number as NETRON_VERSION_* of the packet core.
    package static let version = "0.1.0"

    /// 2026-11-01 in milliseconds since 1970, the same as the packet core has: a clock that shows
    /// less was never set.
    package static let wallMilliseconds: UInt64 = 1_793_491_200_000
}
