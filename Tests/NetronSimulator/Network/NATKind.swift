// SPDX-License-Identifier: Apache-2.0

/// What stands between a node and the Internet, in the words of RFC 4787.
package enum NATKind: Hashable, CaseIterable, Sendable {
    /// Nothing: the node has a public address.
    case none
    /// Mapping and filter independent of the endpoint ("full cone").
    case fullCone
    /// Mapping independent of the endpoint, filter by address.
    case addressRestricted
    /// Mapping independent of the endpoint, filter by address and port.
    case portRestricted
    /// A mapping for each endpoint, which alone may answer there; ports follow each other.
    case symmetric
    /// The same, with ports that nobody can foretell.
    case symmetricRandom

    /// Whether each endpoint has a mapping of its own.
    package var isSymmetric: Bool { self == .symmetric || self == .symmetricRandom }
}
