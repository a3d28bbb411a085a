// SPDX-License-Identifier: Apache-2.0

/// What one member tells another inside their session.
///
///     0        1        2
///     +--------+--------+----------------------------
///     | version|  kind  | body
///     +--------+--------+----------------------------
///
///     kind 1  hello      see Hello
///     kind 2  gossip     see GossipMessage
///     kind 3  contested  address, node id
///     kind 4  observed   endpoint
///     kind 5  directory  see DirectoryMessage
///     kind 6  ledger     see LedgerMessage
///     kind 7  placement  see PlacementMessage
///     kind 8  path       see PathMessage
///     kind 9  trust      see TrustMessage
///
/// A value has one form in bytes; any other is refused. Texts and lists begin with their length in
/// one byte. Numbers are written most significant byte first.
package enum Message: Hashable, Sendable {
    /// Who the sender is; the first message of a session, and again when it changes.
    case hello(Hello)
    /// The overlay, and what is told to all.
    case gossip(GossipMessage)
    /// The receiver claims this address, but `holder` has had it for longer.
    case contested(IPAddress, holder: NodeID)
    /// The sender sees the receiver there. A scope is the sender's own matter and not sent.
    case observed(Endpoint)
    /// Who is a member.
    case directory(DirectoryMessage)
    /// What members say in the ledger.
    case ledger(LedgerMessage)
    /// Where others find what they do not keep.
    case placement(PlacementMessage)
    /// How the two find a way to each other.
    case path(PathMessage)
    /// Which certificates the network's authorities have revoked.
    case trust(TrustMessage)

    /// The version that this codec speaks.
    package static let version: UInt8 = 1

    /// How long a message may be; what the packet core carries in one CONTROL packet.
    package static let bytesMax = 1150

    private enum Kind: UInt8 {
        case hello = 1
        case gossip = 2
        case contested = 3
        case observed = 4
        case directory = 5
        case ledger = 6
        case placement = 7
        case path = 8
        case trust = 9
    }

    /// The message as bytes, at most `bytesMax`.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: sizeHint)
        writer.write(Self.version)
        switch self {
        case .hello(let hello):
            writer.write(Kind.hello.rawValue)
            hello.write(to: &writer)
        case .gossip(let message):
            writer.write(Kind.gossip.rawValue)
            message.write(to: &writer)
        case .directory(let message):
            writer.write(Kind.directory.rawValue)
            message.write(to: &writer)
        case .ledger(let message):
            writer.write(Kind.ledger.rawValue)
            message.write(to: &writer)
        case .placement(let message):
            writer.write(Kind.placement.rawValue)
            message.write(to: &writer)
        case .path(let message):
            writer.write(Kind.path.rawValue)
            message.write(to: &writer)
        case .trust(let message):
            writer.write(Kind.trust.rawValue)
            message.write(to: &writer)
        case .contested(let address, let holder):
            writer.write(Kind.contested.rawValue)
            writer.write(address)
            writer.write(holder.bytes)
        case .observed(let endpoint):
            writer.write(Kind.observed.rawValue)
            writer.write(endpoint)
        }
        precondition(writer.bytes.count <= Self.bytesMax, "\(writer.bytes.count) bytes")
        return writer.bytes
    }

    /// About how many bytes it has, so that most grow only once.
    private var sizeHint: Int {
        if case .gossip(let message) = self { 2 + message.byteCount } else { 256 }
    }

    /// The message that `bytes` are, or nil for a version or kind that this node does not know, at
    /// any level.
    ///
    /// A newer member may say more than we understand; that is no reason to think ill of it.
    package static func decode(_ bytes: [UInt8]) throws(WireError) -> Message? {
        guard bytes.count <= bytesMax else { throw .tooMany }
        var reader = ByteReader(bytes)
        let version = try reader.read(UInt8.self)
        let kind = try reader.read(UInt8.self)
        guard version == Self.version, let kind = Kind(rawValue: kind) else { return nil }
        let message: Message? =
            switch kind {
            case .hello: .hello(try Hello(from: &reader))
            case .gossip: try GossipMessage(from: &reader).map { .gossip($0) }
            case .directory: try DirectoryMessage(from: &reader).map { .directory($0) }
            case .ledger: try LedgerMessage(from: &reader).map { .ledger($0) }
            case .placement: try PlacementMessage(from: &reader).map { .placement($0) }
            case .path: try PathMessage(from: &reader).map { .path($0) }
            case .trust: try TrustMessage(from: &reader).map { .trust($0) }
            case .contested:
                .contested(try reader.readAddress(), holder: try reader.readNodeID())
            case .observed: .observed(try reader.readEndpoint())
            }
        // Whatever an unknown message has to say is its own matter.
        if message != nil { try reader.finish() }
        return message
    }
}
