// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Every number that bounds what is known of the own NAT.
package enum NATLimits {
    /// Hosts whose word is kept, in each family; the one heard of first goes.
    package static let viewsMax = 16
    /// How long a host's word counts: mappings end, and come back with another port.
    static let viewTime = Duration.seconds(600)
    /// How long a NAT is taken to be open after a stranger came in.
    static let openTime = Duration.seconds(7_200)
    /// How long nobody came in uninvited before the NAT is taken to let nobody in.
    static let restrictedAfter = Duration.seconds(60)
    /// Of how many hosts the ports are compared to find the step between them, the last ones.
    static let stepViews = 4
    /// How far apart two of them may be: other hosts behind the same NAT take ports, too.
    static let gapMax = 64
}
