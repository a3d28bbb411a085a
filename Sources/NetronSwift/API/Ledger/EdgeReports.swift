// SPDX-License-Identifier: Apache-2.0

// Answers in the form that EdgeVPN's API gives them, so that its users' programs go on. The names
// of their keys are those of its source.

/// A member's address: an element of `GET /api/machines`.
struct EdgeMachine: Codable, Hashable, Sendable {
    var PeerID: String
    var Hostname: String
    var OS: String
    var Arch: String
    var Address: String
    var Version: String
    /// Whether there is a session with it.
    var Connected: Bool
    var OnChain = true
    var Online: Bool
}

/// A member: an element of `GET /api/nodes`.
struct EdgeNode: Codable, Hashable, Sendable {
    var ID: String
    var Online: Bool
}

/// What somebody offers: an element of `GET /api/services` and `GET /api/files`.
struct EdgeOffer: Codable, Hashable, Sendable {
    var PeerID: String
    var Name: String
}

/// An element of `GET /api/users`.
struct EdgeUser: Codable, Hashable, Sendable {
    var PeerID: String
    var Timestamp: String
}

/// `GET /api/summary`.
struct EdgeSummary: Codable, Hashable, Sendable {
    var Files: Int
    var Machines: Int
    var Users: Int
    var Services: Int
    /// The number of this node's last statement, as there is no other chain.
    var BlockChain: Int
    var OnChainNodes: Int
    var Peers: Int
    var NodeID: String
}

/// `GET /api/blockchain`.
struct EdgeBlock: Codable, Hashable, Sendable {
    var Index: Int
    var Timestamp: String
    var Storage: [String: [String: String]]
    var Hash: String
    var PrevHash: String
}

/// A name of the network: an element of `GET /api/dns`, and the body of `POST /api/dns`.
struct EdgeName: Codable, Hashable, Sendable {
    var Regex: String
    var Records: [String: String]
}

/// What a write answers, once it is on disk.
struct EdgeState: Codable, Hashable, Sendable {
    var State = "Announcing"
}
