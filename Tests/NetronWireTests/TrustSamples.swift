// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

/// Lists of revoked certificates.
enum TrustSamples {
    static let network: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
    /// When the certificates of the samples end, in milliseconds since 1970.
    static let end: UInt64 = 1_800_000_000_000

    static func id(_ number: UInt8) throws -> NodeID {
        try #require(NodeID(bytes: [UInt8](repeating: 0x11, count: 31) + [number]))
    }

    /// The cryptography of an authority, in the place of which anybody may verify.
    static func keys(of number: UInt8 = 1) throws -> Cryptography {
        SimulatedCryptography.of(try id(number), network: 1, seed: 1)
    }

    static func certificate(_ number: Int) throws -> CertificateID {
        var bytes = [UInt8](repeating: 0x22, count: 24)
        bytes.append(bigEndian: UInt64(number))
        return try #require(CertificateID(bytes: bytes))
    }

    static func revocations(_ numbers: some Sequence<Int>) throws -> [Revocation] {
        var list: [Revocation] = []
        for number in numbers { list.append(Revocation(try certificate(number), expiry: end)) }
        return list
    }

    static func object(
        of number: UInt8 = 1,
        serial: UInt64 = 1,
        revoking numbers: some Sequence<Int>
    ) throws -> TrustObject {
        try #require(
            TrustObject.signed(
                try id(number),
                serial: serial,
                revoking: try revocations(numbers),
                network: network,
                with: try keys(of: number)
            )
        )
    }
}
