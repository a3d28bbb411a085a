// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Every number that bounds what is asked and told about trust objects; how many there are and how
/// large, `TrustObject` says.
package enum TrustLimits {
    /// How often a neighbour by chance is asked whether it has newer ones, up to a quarter more or
    /// less.
    package static let roundInterval = Duration.seconds(60)

    // MARK: Pulling
    /// How soon another member is asked for what one does not have, which may only be on its way
    /// there; after so many tries it is no hurry any more.
    static let retryPause = Duration.seconds(1)
    package static let triesMax = 30
    static let retryPauseLong = Duration.seconds(60)
    /// How long a member is waited for that sends what was asked for, but slowly.
    static let pullTimeout = Duration.seconds(60)
    /// The kind of object that revocations in chunks are.
    static let contentKind: UInt8 = 1

    // MARK: Answering
    /// Messages of one member a second, and at once after a pause; chunks have a limit of their
    /// own, see `TransferLimits`.
    static let messagesPerSecond = 4
    static let messagesBurst = 32
    /// Members whose messages are counted.
    static let peersMax = 64
    /// How long a member that sent what nobody signed is not heard.
    static let distrustFor = Duration.seconds(60)
    static let distrustedMax = 16

    // MARK: Keeping
    /// How long after a failure it is tried again to keep an object on disk.
    static let keepPause = Duration.seconds(60)
}
