// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Tokens, which prove that one who announces can hear at its address (BEP 5).
struct DHTTokens {
    private var secret: [UInt8]
    private var previous: [UInt8]
    private var rotatedAt: Instant

    init(at now: Instant, using random: inout some RandomNumberGenerator) {
        secret = Self.secret(using: &random)
        previous = Self.secret(using: &random)
        rotatedAt = now
    }

    /// The token of an address now.
    func token(for address: IPAddress, with cryptography: Cryptography) -> [UInt8] {
        Self.token(of: address, secret, cryptography)
    }

    /// Whether an address was given the token within the last two intervals.
    func accepts(
        _ token: [UInt8],
        from address: IPAddress,
        with cryptography: Cryptography
    ) -> Bool {
        token == Self.token(of: address, secret, cryptography)
            || token == Self.token(of: address, previous, cryptography)
    }

    /// Takes a new secret when the present one is old; called before tokens are made or judged.
    mutating func rotate(at now: Instant, using random: inout some RandomNumberGenerator) {
        guard now >= rotatedAt + DHTLimits.tokenInterval else { return }
        let isLong = now >= rotatedAt + DHTLimits.tokenInterval * 2
        previous = isLong ? Self.secret(using: &random) : secret
        secret = Self.secret(using: &random)
        rotatedAt = isLong ? now : rotatedAt + DHTLimits.tokenInterval
    }

    private static func token(
        of address: IPAddress,
        _ secret: [UInt8],
        _ cryptography: Cryptography
    ) -> [UInt8] {
        [UInt8](cryptography.digest(address.mappedBytes, secret).prefix(DHTLimits.tokenBytes))
    }

    private static func secret(using random: inout some RandomNumberGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<4 { bytes.append(bigEndian: random.next() as UInt64) }
        return bytes
    }
}
