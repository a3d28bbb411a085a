// SPDX-License-Identifier: Apache-2.0

/// For which ranges a member carries traffic: the value of its record in the bucket `gateways`,
/// whose key is its id.
///
/// The ranges as text with a space between two, in ascending order, none twice, for instance
/// "10.20.0.0/16 2001:db8:20::/48"; "0.0.0.0/0 ::/0" is a way out for all traffic.
package struct GatewayStatement: Hashable, Sendable {
    /// How many ranges a member may name.
    package static let prefixesMax = 8

    /// The bucket.
    package static let bucket = LedgerBucket.gateways

    /// In ascending order.
    package let prefixes: [Prefix]

    /// Makes a statement of these ranges, of which the first `prefixesMax` count.
    package init(_ prefixes: some Sequence<Prefix>) {
        self.prefixes = Array(Set(prefixes).sorted().prefix(Self.prefixesMax))
    }

    /// Takes a statement from a record's value; what is no range of hosts does not count.
    package init(value: [UInt8]) {
        let words = String(decoding: value, as: UTF8.self)
            .split(separator: " ", maxSplits: Self.prefixesMax)
        self.init(
            words.prefix(Self.prefixesMax).compactMap { word in
                Prefix(String(word)).flatMap { $0.description == word && $0.isRoutable ? $0 : nil }
            }
        )
    }

    /// What is written.
    package var value: [UInt8] {
        Array(prefixes.map(\.description).joined(separator: " ").utf8)
    }

    /// The record's key.
    package static func key(of id: NodeID) -> LedgerKey? { LedgerKey(bucket, id.description) }
}

extension Prefix {
    /// Whether it can be routed: a range of hosts, or one so wide that it has many.
    package var isRoutable: Bool {
        address.isHost && !address.isLinkLocal || address.isUnspecified && length < 8
    }
}
