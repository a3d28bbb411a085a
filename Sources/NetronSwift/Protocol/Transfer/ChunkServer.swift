// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Decides how much a member that pulls is served.
///
/// Nothing of a pull is kept: each request says all that is needed. What is kept are the rates of
/// those who asked of late.
package struct ChunkServer: Sendable {
    private let bytesPerSecond: Int
    private var total: ByteBudget?
    private var askers: PeerBudgets

    package init(bytesPerSecond: Int = TransferLimits.servedBytesPerSecond) {
        self.bytesPerSecond = bytesPerSecond
        askers = PeerBudgets(
            perSecond: bytesPerSecond,
            burst: Self.burst(of: bytesPerSecond),
            peersMax: TransferLimits.askersMax
        )
    }

    /// The chunks that are served now; the others are left out, as if they were lost.
    package mutating func admit(
        _ request: ChunkMessage.Request,
        from peer: NodeID,
        at now: Instant
    ) -> ArraySlice<UInt16> {
        var total =
            self.total
            ?? ByteBudget(
                perSecond: bytesPerSecond,
                burst: Self.burst(of: bytesPerSecond),
                at: now
            )
        var count = 0
        while count < request.numbers.count, total.has(TransferLimits.chunkCost, at: now),
            askers.spend(TransferLimits.chunkCost, of: peer, at: now)
        {
            _ = total.spend(TransferLimits.chunkCost, at: now)
            count += 1
        }
        self.total = total
        return request.numbers.prefix(count)
    }

    /// The answers, given the object's bytes as they are now and the name of that content; nil for
    /// what there is not.
    package static func answers(
        to request: ChunkMessage.Request,
        chunks numbers: ArraySlice<UInt16>,
        with content: (bytes: [UInt8], tag: UInt64)?
    ) -> [ChunkMessage] {
        guard let (bytes, name) = content else { return [.refused(handle: request.handle)] }
        // 0 is no name.
        let tag = max(1, name)
        let isOther = request.tag != 0 && request.tag != tag
        let count = ChunkMessage.chunkCount(size: bytes.count)
        return numbers.prefix(isOther ? 1 : numbers.count).map { isOther ? 0 : $0 }
            .filter { $0 < count }
            .map { .chunk(.init($0, of: bytes, tag: tag, handle: request.handle)) }
    }

    private static func burst(of bytesPerSecond: Int) -> Int {
        min(TransferLimits.servedBurstBytes, max(bytesPerSecond, 2 * TransferLimits.chunkCost))
    }
}
