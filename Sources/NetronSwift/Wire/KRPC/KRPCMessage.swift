// SPDX-License-Identifier: Apache-2.0

/// What bounds the messages of the DHT.
package enum KRPCLimits {
    /// A datagram of ours has at most so many bytes.
    package static let sentBytesMax = 1_400
    /// A datagram with more bytes is refused unread.
    package static let receivedBytesMax = 2_048
    /// How many bytes the id of a transaction may have; others use 2 to 8.
    package static let transactionBytesMax = 16
    /// How many bytes a token may have; a longer one counts as none.
    package static let tokenBytesMax = 64
    /// How many nodes of a family are taken from one reply: K of BEP 5.
    package static let nodesMax = 8
    /// How many peers are taken from one reply.
    package static let peersMax = 50
    /// How many bytes of an error's text are kept.
    package static let errorBytesMax = 64
}

/// A query or reply of the DHT: KRPC (BEP 5), in one datagram.
///
///     query     d1:ad2:id20:<id>...e1:q<name>2:roi1e1:t<id>1:v4:NT<version>1:y1:qe
///     response  d2:ip<endpoint>1:rd2:id20:<id>...e1:t<id>1:v4:NT<version>1:y1:re
///     error     d1:eli<code>e<text>e2:ip<endpoint>1:t<id>1:v4:NT<version>1:y1:ee
package struct KRPCMessage: Hashable, Sendable {
    /// Chosen by who asks, and repeated in the reply.
    package var transaction: KRPCTransaction
    /// Which program sent it, of those that say so in 4 bytes (BEP 20).
    package var version: UInt32?
    /// In a reply: where the query came from, as the replier saw it (BEP 42).
    package var requester: Endpoint?
    /// In a query: the sender answers none (BEP 43).
    package var isReadOnly: Bool
    package var body: KRPCBody

    /// "NT" and two bytes of a version, by which others count what programs there are.
    package static let ownVersion: UInt32 = 0x4E54_0001

    package init(
        _ body: KRPCBody,
        transaction: KRPCTransaction,
        requester: Endpoint? = nil,
        isReadOnly: Bool = false,
        version: UInt32? = ownVersion
    ) {
        self.body = body
        self.transaction = transaction
        self.requester = requester
        self.isReadOnly = isReadOnly
        self.version = version
    }
}

package enum KRPCBody: Hashable, Sendable {
    case query(KRPCQuery)
    case response(KRPCResponse)
    case error(KRPCFailure)
}

/// The id of a transaction, 0 to 16 bytes.
package struct KRPCTransaction: Hashable, Sendable {
    package let count: Int
    private let number: UInt128

    /// A transaction of ours: 4 bytes.
    package init(_ number: UInt32) {
        count = 4
        self.number = UInt128(number)
    }

    /// Takes an id from its bytes, or nil if they are too many.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count <= KRPCLimits.transactionBytesMax else { return nil }
        count = bytes.count
        number = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    }

    /// The number, if it is one of ours by its length.
    package var own: UInt32? { count == 4 ? UInt32(truncatingIfNeeded: number) : nil }

    package var bytes: [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * UInt128($0))) }
    }
}

/// What is asked, and by whom.
package struct KRPCQuery: Hashable, Sendable {
    /// The id of who asks.
    package var id: DHTID
    package var method: KRPCMethod

    package init(_ id: DHTID, _ method: KRPCMethod) {
        self.id = id
        self.method = method
    }
}

package enum KRPCMethod: Hashable, Sendable {
    case ping
    case findNode(DHTID, KRPCWant)
    case getPeers(DHTID, KRPCWant)
    case announcePeer(KRPCAnnouncement)
    /// Asks for an item, or only for one that is newer than a sequence number (BEP 44).
    case get(DHTID, newerThan: Int64?, KRPCWant)
    /// Stores an item, if need be only in place of the one with a sequence number (BEP 44).
    case put(DHTItem, token: [UInt8], replacing: Int64?)
    /// A method of that name is not known.
    case unknown
    /// The arguments are not those of the method.
    case malformed
}

/// Which families of nodes a reply is to tell of (BEP 32).
package struct KRPCWant: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let v4 = Self(rawValue: 1)
    package static let v6 = Self(rawValue: 2)

    package init(_ family: IPAddress.Family) { self = family == .v4 ? .v4 : .v6 }
}

/// What an announcement says.
package struct KRPCAnnouncement: Hashable, Sendable {
    package var key: DHTID
    package var port: UInt16
    /// Whether the port that the datagram comes from counts instead.
    package var isImplied: Bool
    package var token: [UInt8]

    package init(key: DHTID, port: UInt16, isImplied: Bool, token: [UInt8]) {
        self.key = key
        self.port = port
        self.isImplied = isImplied
        self.token = token
    }
}

/// What is answered, and by whom.
package struct KRPCResponse: Hashable, Sendable {
    /// The id of who answers.
    package var id: DHTID
    package var nodes: [DHTNode] = []
    package var nodes6: [DHTNode] = []
    /// Nil and not empty, where lists were not asked for.
    package var tellsNodes: KRPCWant = []
    package var peers: [Endpoint] = []
    package var token: [UInt8]?
    /// Of an item (BEP 44).
    package var value: [UInt8]?
    package var key: [UInt8]?
    package var sequence: Int64?
    package var signature: [UInt8]?

    package init(_ id: DHTID) { self.id = id }
}

/// Why a query was not answered.
package struct KRPCFailure: Hashable, Sendable, Error {
    package var code: Int
    package var text: String

    package init(_ code: Int, _ text: String) {
        self.code = code
        self.text = text
    }

    package static let generic = Self(201, "Generic Error")
    package static let server = Self(202, "Server Error")
    package static let malformed = Self(203, "Malformed Arguments")
    package static let badToken = Self(203, "Bad Token")
    package static let unknownMethod = Self(204, "Method Unknown")
    package static let valueTooBig = Self(205, "Value Too Big")
    package static let badSignature = Self(206, "Invalid Signature")
    package static let saltTooBig = Self(207, "Salt Too Big")
    package static let mismatch = Self(301, "CAS Mismatch")
    package static let outdated = Self(302, "Sequence Number Too Low")
}
