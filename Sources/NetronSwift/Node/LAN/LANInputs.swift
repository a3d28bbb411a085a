// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Synchronization

/// What the service has to deal with, in order.
final class LANInputs: Sendable {
    enum Input: Equatable, Sendable {
        case packet([UInt8], Endpoint, interface: UInt32)
        case failed(LANGroup)
        case timeout
        case look
        case renamed(String)
        case stop
    }

    /// How many packets wait; further ones are dropped, as the network might have done.
    private static let packetsMax = 256

    let stream: AsyncStream<Input>
    private let continuation: AsyncStream<Input>.Continuation
    private let packets = Atomic<Int>(0)

    init() { (stream, continuation) = AsyncStream.makeStream() }

    /// Puts something last, and says whether anybody will take it.
    @discardableResult
    func put(_ input: Input) -> Bool {
        if case .packet = input {
            guard packets.add(1, ordering: .relaxed).newValue <= Self.packetsMax else {
                packets.subtract(1, ordering: .relaxed)
                return true
            }
        }
        if case .terminated = continuation.yield(input) { return false }
        return true
    }

    /// Makes room for another packet when one was taken.
    func took(_ input: Input) {
        if case .packet = input { packets.subtract(1, ordering: .relaxed) }
    }

    func finish() { continuation.finish() }
}
