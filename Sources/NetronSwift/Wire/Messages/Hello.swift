// SPDX-License-Identifier: Apache-2.0

/// Who a member is.
///
///     name      text, at most 63 bytes
///     version   text, at most 32 bytes
///     platform  text, at most 32 bytes
///     count     1 byte, at most 16, then as often:
///       address   in ascending order, none twice
///       since     8 bytes, milliseconds since 1970
package struct Hello: Hashable, Sendable {
    package static let nameBytesMax = 63
    package static let versionBytesMax = 32
    package static let platformBytesMax = 32
    package static let claimsMax = 16

    /// An inner address that a member says is its own.
    package struct Claim: Hashable, Sendable {
        package let address: IPAddress

        /// When it was claimed, in milliseconds since 1970 by the claimant's clock; the earlier of
        /// two claims wins.
        package let since: UInt64

        package init(_ address: IPAddress, since: UInt64) {
            self.address = address
            self.since = since
        }
    }

    /// The host's name.
    package let name: String

    /// The program's version.
    package let version: String

    /// Operating system and architecture, for instance "linux x86_64".
    package let platform: String

    /// The operating system of the platform; nil if it does not say.
    package var os: String? { platformParts.first.map { String($0) } }

    /// The architecture of the platform; nil if it does not say.
    package var arch: String? { platformParts.count > 1 ? String(platformParts[1]) : nil }

    private var platformParts: [Substring] { platform.split(separator: " ", maxSplits: 1) }

    /// The addresses, in ascending order, each once.
    package let claims: [Claim]

    /// Makes a greeting that fits its limits.
    ///
    /// Texts lose what steers a terminal and are cut; of an address that is there twice the earlier
    /// claim stays, and of more than `claimsMax` the lowest addresses.
    package init(name: String, version: String, platform: String, claims: [Claim]) {
        self.name = name.plain(bytesMax: Self.nameBytesMax)
        self.version = version.plain(bytesMax: Self.versionBytesMax)
        self.platform = platform.plain(bytesMax: Self.platformBytesMax)
        var earliest: [IPAddress: UInt64] = [:]
        for claim in claims {
            earliest[claim.address] = min(claim.since, earliest[claim.address] ?? .max)
        }
        self.claims = earliest.sorted { $0.key < $1.key }.prefix(Self.claimsMax).map {
            Claim($0.key, since: $0.value)
        }
    }
}

extension Hello {
    func write(to writer: inout ByteWriter) {
        writer.write(text: name)
        writer.write(text: version)
        writer.write(text: platform)
        writer.write(count: claims.count)
        for claim in claims {
            writer.write(claim.address)
            writer.write(claim.since)
        }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        name = try reader.read(textUpTo: Self.nameBytesMax)
        version = try reader.read(textUpTo: Self.versionBytesMax)
        platform = try reader.read(textUpTo: Self.platformBytesMax)
        var claims: [Claim] = []
        for _ in 0..<(try reader.read(countUpTo: Self.claimsMax)) {
            let address = try reader.readAddress()
            if let last = claims.last, last.address >= address { throw .notCanonical }
            claims.append(Claim(address, since: try reader.read(UInt64.self)))
        }
        self.claims = claims
    }
}
