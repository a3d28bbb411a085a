// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Every number that bounds the pulling of objects and the serving of them.
package enum TransferLimits {
    // MARK: Pulling

    /// Objects that are pulled at once; further ones are refused.
    package static let pullsMax = 8
    /// How much is asked for and not here yet, of one member.
    package static let inFlightBytesMax = 256 << 10
    /// How much is pulled in a second, of all members together.
    package static let bytesPerSecond = 1 << 20
    /// How much of that may come at once after a pause.
    package static let burstBytes = 64 << 10
    /// What a chunk is counted as: its bytes, and its message's, datagram's and IP headers.
    static let chunkCost = ChunkMessage.chunkBytes + 100

    /// How many chunks are asked for first, and again after a silence.
    static let windowChunksFirst = 2
    /// Chunks that came before a missing one was asked for do not make it lost (RFC 9002, 6.1.1).
    static let reorderedChunksMax = 3
    /// Fewer chunks than these in the queues of the path: a loss is chance (Veno).
    static let queuedChunksMax = 3

    /// The wait for an answer (RFC 6298), but with bounds for a network of sessions that are up.
    static let timeoutFirst = Duration.seconds(1)
    static let timeoutMin = Duration.milliseconds(200)
    static let timeoutMax = Duration.seconds(8)
    /// Silences in a row after which a member is given up.
    static let timeoutsMax = 5
    /// How often the content of an object may change while it is pulled.
    static let restartsMax = 4

    // MARK: Serving

    /// Members whose requests are counted; the one that was quiet for longest gives way.
    static let askersMax = 64
    /// How much one member, and all together, are served in a second, and at once after a pause.
    static let servedBytesPerSecond = 1 << 20
    static let servedBurstBytes = 256 << 10
}
