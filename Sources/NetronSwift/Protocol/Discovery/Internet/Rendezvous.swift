// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Where the members of a network meet in a DHT that is everybody's: keys that change by the hour.
///
/// A key is 20 bytes of the network's secret and the number of an epoch. Who lacks the token can
/// neither find the key nor tell which keys belong to one network or follow each other, even if it
/// knows others of them: they are outputs of a pseudorandom function. What a node of the DHT that
/// stores a key does see is the addresses that announce it, for as long as the epoch lasts.
///
/// Each member uses the current epoch and the nearer of its neighbours. So the epochs of two whose
/// clocks differ by up to a whole epoch have one in common, and at the turn of an epoch both keys
/// have been announced for half of one.
package struct Rendezvous: Sendable {
    /// How many bytes a key has: those of an id in the Mainline DHT (BEP 5).
    package static let keyByteCount = 20

    /// How long an epoch is.
    package let epochMilliseconds: UInt64

    private let derive: @Sendable (_ label: String, _ epoch: UInt64) -> [UInt8]

    /// Makes the places of a network whose secrets change every `epochSeconds`.
    package init(epochSeconds: UInt64, cryptography: Cryptography) {
        precondition(epochSeconds >= InternetLimits.epochSecondsMin, "an epoch is an hour or more")
        epochMilliseconds = epochSeconds * 1_000
        derive = cryptography.derive
    }

    /// How long an epoch is if the user wants secrets to change every `interval` seconds.
    package static func epochSeconds(interval: UInt64) -> UInt64 {
        max(interval, InternetLimits.epochSecondsMin)
    }

    /// The epoch of a time in milliseconds since 1970; there is no epoch 0.
    package func epoch(at wall: UInt64) -> UInt64 { max(1, wall / epochMilliseconds) }

    /// The epochs in which a member announces: the current one, then the nearer neighbour.
    package func announced(at wall: UInt64) -> [UInt64] {
        let epoch = epoch(at: wall)
        let isLate = wall % epochMilliseconds >= epochMilliseconds / 2
        let neighbour = isLate ? epoch + 1 : epoch - 1
        return neighbour == 0 ? [epoch] : [epoch, neighbour]
    }

    /// The epochs in which a member looks: those in which it announces, and if its clock may be
    /// wrong both neighbours of the current one.
    package func sought(at wall: UInt64, isTrusted: Bool) -> [UInt64] {
        let announced = announced(at: wall)
        guard !isTrusted, let epoch = announced.first else { return announced }
        let others = [epoch - 1, epoch + 1].filter { $0 > 0 && !announced.contains($0) }
        return announced + others
    }

    /// When the epochs are others: the next half of an epoch begins.
    package func change(after wall: UInt64) -> UInt64 {
        let half = epochMilliseconds / 2
        return (wall / half + 1) * half
    }

    /// The key of an epoch: 20 bytes.
    package func key(of epoch: UInt64) -> [UInt8] {
        precondition(epoch > 0, "epoch 0 stands for what does not rotate")
        return Array(derive("rendezvous", epoch).prefix(Self.keyByteCount))
    }
}
