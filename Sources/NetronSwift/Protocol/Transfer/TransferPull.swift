// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// One object that is pulled, and what is here of it.
struct TransferPull: Sendable {
    let object: ChunkObject
    let bytesMax: Int
    let digest: [UInt8]?

    /// Who is asked.
    private(set) var peer: NodeID
    /// What the answers bear; another one whenever answers to earlier requests must not count.
    private(set) var handle: UInt32
    private(set) var isStalled = false
    private(set) var restarts = 0

    private(set) var tag: UInt64 = 0
    private(set) var bytes: [UInt8] = []
    /// Which chunks are here; empty as long as the size is not known.
    private var isHere: [Bool] = []
    private var missing = 0

    /// Chunks below were asked for at least once.
    private var next: UInt16 = 0
    /// Chunks to be asked for again.
    private var again: [UInt16] = []

    init(
        _ object: ChunkObject,
        from peer: NodeID,
        bytesMax: Int,
        digest: [UInt8]?,
        handle: UInt32
    ) {
        self.object = object
        self.bytesMax = bytesMax
        self.digest = digest
        self.peer = peer
        self.handle = handle
    }

    var isComplete: Bool { !isHere.isEmpty && missing == 0 }

    /// How many chunks can be asked for now; one as long as the size is not known.
    var askable: Int {
        guard !isStalled else { return 0 }
        guard !isHere.isEmpty else { return (next == 0 ? 1 : 0) + again.count }
        return isHere.count - Int(next) + again.count
    }

    /// The next chunk to be asked for, and whether it was asked for before.
    mutating func take() -> (number: UInt16, isAgain: Bool)? {
        guard !isStalled else { return nil }
        while let number = again.popLast() {
            if !has(number) { return (number, true) }
        }
        while Int(next) < max(1, isHere.count) {
            defer { next += 1 }
            if !has(next) { return (next, false) }
        }
        return nil
    }

    mutating func lost(_ number: UInt16) {
        if !has(number), !again.contains(number) { again.append(number) }
    }

    /// Asks another member, or the same one anew; what came stays.
    mutating func move(to peer: NodeID, handle: UInt32) {
        self.peer = peer
        self.handle = handle
        isStalled = false
        next = 0
        again = []
    }

    mutating func stall() { isStalled = true }

    enum Fit {
        case taken
        /// It was here already.
        case known
        /// It is of other content than what is here.
        case other
        /// The whole is larger than it may be.
        case tooLarge
    }

    mutating func take(_ chunk: ChunkMessage.Chunk) -> Fit {
        if tag == 0 {
            guard chunk.size <= bytesMax else { return .tooLarge }
            tag = chunk.tag
            let count = ChunkMessage.chunkCount(size: chunk.size)
            bytes = [UInt8](repeating: 0, count: chunk.size)
            isHere = [Bool](repeating: false, count: count)
            missing = count
        }
        guard chunk.tag == tag, chunk.size == bytes.count else { return .other }
        guard !has(chunk.number) else { return .known }
        let start = Int(chunk.number) * ChunkMessage.chunkBytes
        bytes.replaceSubrange(start..<(start + chunk.bytes.count), with: chunk.bytes)
        isHere[Int(chunk.number)] = true
        missing -= 1
        return .taken
    }

    /// Begins from nothing, since the content changed.
    mutating func restart(handle: UInt32) {
        restarts += 1
        tag = 0
        bytes = []
        isHere = []
        missing = 0
        move(to: peer, handle: handle)
    }

    private func has(_ number: UInt16) -> Bool {
        Int(number) < isHere.count && isHere[Int(number)]
    }
}
