// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What makes a network: the secrets that all its members share.
///
/// A value is whole and within its limits; texts become one in NetworkConfigText.swift, a token is
/// such a text in base64.
package struct NetworkConfig: Sendable {
    /// A secret that keys are made of anew in every interval.
    package struct RotatingSecret: Hashable, Sendable {
        /// Seconds between two keys.
        package let interval: Int
        package let key: Secret
        /// How many characters EdgeVPN makes its keys of; Netron keeps it for EdgeVPN alone.
        package let length: Int
    }

    package let dht: RotatingSecret
    package let crypto: RotatingSecret
    package let room: Secret
    package let rendezvous: Secret
    package let mdns: Secret

    /// How large EdgeVPN lets a message be, in bytes.
    package let maxMessageSize: Int

    /// Whose lists of revoked certificates hold in the network: Ed25519 public keys, ascending.
    ///
    /// No secret is made of them: who has another list is still a member, and judges by its own.
    package let authorities: [NodeID]

    /// Fields that the text has and this program does not know, for instance "otp.dht.colour".
    package let unknownFields: [String]

    /// What a field may be, and what it is when it is left out.
    package enum Limits {
        /// Characters of the two keys: 22 of 62 kinds are 131 bits.
        package static let keyCharactersMin = 22
        package static let secretBytesMax = 1024
        package static let intervals = 1...Int(Int32.max)
        package static let lengths = 1...1024
        package static let messageSizes = 1...Int(Int32.max)
        package static let intervalDefault = 360
        package static let lengthDefault = 43
        package static let maxMessageSizeDefault = 20 << 20
        /// The least that the packet core's secrets live, in seconds.
        package static let epochSecondsMin = 3600
        /// As many as a node holds lists of.
        package static let authoritiesMax = TrustObject.authoritiesMax
    }
}

extension NetworkConfig: Equatable {
    /// Whether both are the same network; what neither understands does not count.
    package static func == (left: Self, right: Self) -> Bool {
        left.dht == right.dht && left.crypto == right.crypto && left.room == right.room
            && left.rendezvous == right.rendezvous && left.mdns == right.mdns
            && left.maxMessageSize == right.maxMessageSize
            && left.authorities == right.authorities
    }
}

extension NetworkConfig {
    /// How long a secret of the packet core lives, in seconds.
    package var epochSeconds: UInt64 { UInt64(max(crypto.interval, Limits.epochSecondsMin)) }

    /// What every member knows and nobody else: the packet core derives all its secrets from it.
    ///
    /// Each text begins with its length (4 bytes, least significant first), so that two networks
    /// never have the same bytes by moving a character from one text to the next.
    package var networkSecret: [UInt8] {
        var bytes: [UInt8] = []
        for secret in [crypto.key, dht.key, room, rendezvous, mdns] {
            let text = secret.text.utf8
            bytes.append(littleEndian: UInt32(text.count))
            bytes.append(contentsOf: text)
        }
        return bytes
    }
}

extension NetworkConfig {
    /// Makes a new network, in the form that EdgeVPN gives its own.
    ///
    /// `random` must not be guessable: who guesses it is a member.
    package static func generate(
        using random: inout some RandomNumberGenerator,
        interval: Int = Limits.intervalDefault
    ) throws(ConfigError) -> Self {
        guard Limits.intervals.contains(interval) else {
            throw ConfigError(
                "key-otp-interval",
                "is not a number of seconds from 1 to \(Limits.intervals.upperBound)",
                remedy: "leave it out to have \(Limits.intervalDefault)"
            )
        }
        func rotating() -> RotatingSecret {
            RotatingSecret(
                interval: interval,
                key: .random(using: &random),
                length: Limits.lengthDefault
            )
        }
        return Self(
            dht: rotating(),
            crypto: rotating(),
            room: .random(using: &random),
            rendezvous: .random(using: &random),
            mdns: .random(using: &random),
            maxMessageSize: Limits.maxMessageSizeDefault,
            authorities: [],
            unknownFields: []
        )
    }
}

extension Secret {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8
    )

    /// 43 letters and digits: 256 bits.
    fileprivate static func random(using random: inout some RandomNumberGenerator) -> Self {
        var text: [UInt8] = []
        while text.count < NetworkConfig.Limits.lengthDefault {
            let word: UInt64 = random.next()
            // Ten draws of 6 bits; the two of 64 values that have no letter are drawn again, since
            // a remainder would make some letters likelier.
            for shift in stride(from: 0, to: 60, by: 6) {
                let draw = Int(word >> shift & 63)
                if draw < alphabet.count { text.append(alphabet[draw]) }
            }
        }
        let kept = text.prefix(NetworkConfig.Limits.lengthDefault)
        return Self(String(decoding: kept, as: UTF8.self))
    }
}
