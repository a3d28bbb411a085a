// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What happened; the input of `Trust`.
package enum TrustEvent: Hashable, Sendable {
    case neighbourUp(NodeID)
    case neighbourDown(NodeID)
    case received(TrustMessage, from: NodeID)
    /// The object of an authority could not be kept on disk.
    case notKept(NodeID)
    case timeout
}

/// What is to be done; the output of `Trust`.
package enum TrustEffect: Hashable, Sendable {
    case send(TrustMessage, to: NodeID)
    /// All members are to know this.
    case broadcast([UInt8])
    /// It is to be on disk, in the place of the authority's last one.
    case keep(TrustObject)
    /// Another object of an authority counts.
    case changed(TrustHead)
    /// An authority signed two objects with one serial.
    case equivocated(NodeID, serial: UInt64)
    case wake(at: Instant)
}

/// Why an object is not published.
package enum TrustRefusal: Error, Hashable, Sendable {
    /// The bytes are no object.
    case malformed
    /// The network's config does not name this authority.
    case stranger(NodeID)
    /// The authority did not sign it, or not for this network.
    case forged
    /// The node has one with that serial, or a greater one.
    case older(than: UInt64)
    /// It leaves out so many revocations that are not over, this one among them.
    case leavesOut(CertificateID, count: Int)
    /// It could not be kept.
    case storage(StoreError)
}

/// What happened to objects, and messages about them, that were not taken.
package struct TrustCounters: Hashable, Sendable {
    /// Messages of members that spoke too often or are distrusted.
    package internal(set) var unheard = 0
    /// Answers to no question of ours.
    package internal(set) var unasked = 0
    /// What is of no authority of the network.
    package internal(set) var strange = 0
    /// What no authority signed, or no list that one could sign.
    package internal(set) var forged = 0
    /// What is of a lower serial than what is here, or has the same and the lesser hash.
    package internal(set) var older = 0
}
