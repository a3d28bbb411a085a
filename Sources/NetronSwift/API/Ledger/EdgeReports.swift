// SPDX-License-Identifier: Apache-2.0

// Answers in the form that EdgeVPN's API gives them, so that its users' programs go on. The names
// of their keys are those of its source.

/// A member's address: a value of the bucket `machines`, and with what is known of the member now
/// an element of `GET /api/machines`.
struct EdgeMachine: Codable, Hashable, Sendable {
    var peerID: String
    var hostname: String
    var os: String
    var arch: String
    var address: String
    var version: String
    /// Whether there is a session with it; nil, as the next two, in a value of the bucket.
    var connected: Bool?
    var onChain: Bool?
    var online: Bool?

    private enum CodingKeys: String, CodingKey {
        case peerID = "PeerID"
        case hostname = "Hostname"
        case os = "OS"
        case arch = "Arch"
        case address = "Address"
        case version = "Version"
        case connected = "Connected"
        case onChain = "OnChain"
        case online = "Online"
    }
}

/// A member: an element of `GET /api/nodes`.
struct EdgeNode: Codable, Hashable, Sendable {
    var id: String
    var online: Bool

    private enum CodingKeys: String, CodingKey {
        case id = "ID"
        case online = "Online"
    }
}

/// What somebody offers: an element of `GET /api/services` and `GET /api/files`.
struct EdgeOffer: Codable, Hashable, Sendable {
    var peerID: String
    var name: String

    private enum CodingKeys: String, CodingKey {
        case peerID = "PeerID"
        case name = "Name"
    }
}

/// An element of `GET /api/users`.
struct EdgeUser: Codable, Hashable, Sendable {
    var peerID: String
    var timestamp: String

    private enum CodingKeys: String, CodingKey {
        case peerID = "PeerID"
        case timestamp = "Timestamp"
    }
}

/// `GET /api/summary`.
struct EdgeSummary: Codable, Hashable, Sendable {
    var files: Int
    var machines: Int
    var users: Int
    var services: Int
    /// The number of this node's last statement, as there is no other chain.
    var blockChain: Int
    var onChainNodes: Int
    var peers: Int
    var nodeID: String

    private enum CodingKeys: String, CodingKey {
        case files = "Files"
        case machines = "Machines"
        case users = "Users"
        case services = "Services"
        case blockChain = "BlockChain"
        case onChainNodes = "OnChainNodes"
        case peers = "Peers"
        case nodeID = "NodeID"
    }
}

/// `GET /api/blockchain`.
struct EdgeBlock: Codable, Hashable, Sendable {
    var index: Int
    var timestamp: String
    var storage: [String: [String: String]]
    var hash: String
    var prevHash: String

    private enum CodingKeys: String, CodingKey {
        case index = "Index"
        case timestamp = "Timestamp"
        case storage = "Storage"
        case hash = "Hash"
        case prevHash = "PrevHash"
    }
}

/// A name of the network: an element of `GET /api/dns`, and the body of `POST /api/dns`.
struct EdgeName: Codable, Hashable, Sendable {
    var regex: String
    var records: [String: String]

    private enum CodingKeys: String, CodingKey {
        case regex = "Regex"
        case records = "Records"
    }
}

/// What a write answers, once it is on disk.
struct EdgeState: Codable, Hashable, Sendable {
    var state = "Announcing"

    private enum CodingKeys: String, CodingKey {
        case state = "State"
    }
}
