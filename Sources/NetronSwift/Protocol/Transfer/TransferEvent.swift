// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What happened; the input of `Transfer`.
package enum TransferEvent: Hashable, Sendable {
    /// An object is to be pulled of a member, if it is no larger than `bytesMax`.
    ///
    /// With a digest (see `Cryptography.digest`, without a key) only content that has it is taken.
    case wanted(ChunkObject, from: NodeID, bytesMax: Int, digest: [UInt8]?)
    /// Another member is to be asked for the rest. What came stays, if the content is the same.
    case moved(ChunkObject, to: NodeID)
    case cancelled(ChunkObject)
    case received(ChunkMessage, from: NodeID)
    case timeout
}

/// What is to be done; the output of `Transfer`.
package enum TransferEffect: Hashable, Sendable {
    case send(ChunkMessage, to: NodeID)
    /// The whole object is here, and has its digest.
    case finished(ChunkObject, [UInt8], from: NodeID)
    /// The object is given up; `from` is the member that was asked last.
    case failed(ChunkObject, TransferFailure, from: NodeID)
    /// The member is silent. The pull rests until it is moved or cancelled.
    case stalled(ChunkObject, NodeID)
    case wake(at: Instant)
}

package enum TransferFailure: Hashable, Sendable {
    /// As many objects are pulled already as may be.
    case busy
    /// The member has no such object.
    case refused
    /// It is larger than it may be.
    case tooLarge
    /// The content changed too often meanwhile.
    case changing
    /// The bytes do not have the digest.
    case corrupt
}
