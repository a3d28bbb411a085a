// SPDX-License-Identifier: Apache-2.0

extension KRPCMessage {
    /// Reads a datagram, or says why it is no message.
    ///
    /// A query with wrong arguments is one with `.malformed`, so that it can be answered; a
    /// response with wrong values is none. Keys that are not known are left out.
    package init(_ bytes: [UInt8]) throws(BencodeError) {
        guard bytes.count <= KRPCLimits.receivedBytesMax else { throw .tooMany }
        var reader = BencodeReader(bytes)
        var parts = KRPCParts()
        var keys = try reader.beginDictionary()
        while let key = try reader.nextKey(&keys) {
            try parts.read(reader.bytes[key], from: &reader)
        }
        try reader.finish()
        guard let transaction = parts.transaction,
            let body = parts.body(in: reader.bytes)
        else { throw .unexpected }
        self.init(
            body,
            transaction: transaction,
            requester: parts.requester,
            isReadOnly: parts.isReadOnly,
            version: parts.version
        )
    }
}

/// What stands at the top of a message.
private struct KRPCParts {
    var transaction: KRPCTransaction?
    var version: UInt32?
    var requester: Endpoint?
    var isReadOnly = false
    private var letter: UInt8?
    private var method: Range<Int>?
    private var arguments: KRPCFields?
    private var results: KRPCFields?
    private var failure: KRPCFailure?

    mutating func read(
        _ key: ArraySlice<UInt8>,
        from reader: inout BencodeReader
    ) throws(BencodeError) {
        if key.count == 1, let name = key.first {
            try read(name, from: &reader)
        } else if key.elementsEqual("ip".utf8), reader.next == .string {
            requester = Endpoint(compact: reader.bytes[try reader.readString()])
        } else if key.elementsEqual("ro".utf8), reader.next == .integer {
            isReadOnly = try reader.readInteger() != 0
        } else {
            try reader.skip()
        }
    }

    private mutating func read(
        _ name: UInt8,
        from reader: inout BencodeReader
    ) throws(BencodeError) {
        switch (name, reader.next) {
        case (UInt8(ascii: "a"), .dictionary): arguments = try KRPCFields(&reader)
        case (UInt8(ascii: "r"), .dictionary): results = try KRPCFields(&reader)
        case (UInt8(ascii: "e"), .list): failure = try KRPCFailure(&reader)
        case (UInt8(ascii: "q"), .string): method = try reader.readString()
        case (UInt8(ascii: "t"), .string):
            transaction = KRPCTransaction(bytes: reader.bytes[try reader.readString()])
        case (UInt8(ascii: "v"), .string):
            let range = try reader.readString()
            guard range.count == 4 else { return }
            version = reader.bytes[range].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        case (UInt8(ascii: "y"), .string):
            let range = try reader.readString()
            if range.count == 1 { letter = reader.bytes[range.lowerBound] }
        default: try reader.skip()
        }
    }

    func body(in bytes: [UInt8]) -> KRPCBody? {
        switch letter {
        case UInt8(ascii: "q"):
            guard let method, let arguments, let id = arguments.id else { return nil }
            return .query(KRPCQuery(id, arguments.method(named: bytes[method], in: bytes)))
        case UInt8(ascii: "r"):
            guard let response = results?.response(in: bytes) else { return nil }
            return .response(response)
        case UInt8(ascii: "e"): return failure.map { .error($0) }
        default: return nil
        }
    }
}

extension KRPCFailure {
    fileprivate init(_ reader: inout BencodeReader) throws(BencodeError) {
        try reader.beginList()
        let code = try reader.readInteger()
        let range = try reader.readString()
        while try reader.hasElement() { try reader.skip() }
        let text = reader.bytes[range].prefix(KRPCLimits.errorBytesMax).map { byte in
            (0x20...0x7E).contains(byte) ? byte : UInt8(ascii: "?")
        }
        self.init(Int(clamping: code), String(decoding: text, as: UTF8.self))
    }
}

/// What stands in the dictionary of arguments or results.
private struct KRPCFields {
    private enum Name: String {
        case cas
        case id
        case impliedPort = "implied_port"
        case infoHash = "info_hash"
        case key = "k"
        case nodes
        case nodes6
        case port
        case salt
        case sequence = "seq"
        case signature = "sig"
        case target
        case token
        case value = "v"
        case values
        case want

        init?(_ bytes: ArraySlice<UInt8>) {
            let found: [Self] =
                switch bytes.count {
                case 1: [.key, .value]
                case 2: [.id]
                case 3: [.cas, .sequence, .signature]
                case 4: [.port, .salt, .want]
                case 5: [.nodes, .token]
                case 6: [.nodes6, .target, .values]
                case 9: [.infoHash]
                case 12: [.impliedPort]
                default: []
                }
            guard let name = found.first(where: { bytes.elementsEqual($0.rawValue.utf8) })
            else { return nil }
            self = name
        }
    }

    private(set) var id: DHTID?
    private var target: DHTID?
    private var infoHash: DHTID?
    private var cas: Int64?
    private var port: Int64?
    private var impliedPort: Int64?
    private var sequence: Int64?
    private var want: KRPCWant = []
    private var key: Range<Int>?
    private var nodes: Range<Int>?
    private var nodes6: Range<Int>?
    private var salt: Range<Int>?
    private var signature: Range<Int>?
    private var token: Range<Int>?
    private var value: Range<Int>?
    private var peers: [Endpoint] = []
    /// Whether something of a known name was of another kind than it should be.
    private var isMalformed = false

    init(_ reader: inout BencodeReader) throws(BencodeError) {
        var keys = try reader.beginDictionary()
        while let key = try reader.nextKey(&keys) {
            guard let name = Name(reader.bytes[key]) else {
                try reader.skip()
                continue
            }
            switch (name, reader.next) {
            case (.value, _): value = try reader.skip()
            case (.want, .list): want = try Self.readWant(&reader)
            case (.values, .list): peers = try Self.readPeers(&reader)
            case (_, .integer): take(try reader.readInteger(), as: name)
            case (_, .string): take(try reader.readString(), as: name, in: reader.bytes)
            default:
                try reader.skip()
                isMalformed = true
            }
        }
    }

    private mutating func take(_ number: Int64, as name: Name) {
        switch name {
        case .cas: cas = number
        case .impliedPort: impliedPort = number
        case .port: port = number
        case .sequence: sequence = number
        default: isMalformed = true
        }
    }

    private mutating func take(_ range: Range<Int>, as name: Name, in bytes: [UInt8]) {
        switch name {
        case .id: id = DHTID(bytes: bytes[range])
        case .target: target = DHTID(bytes: bytes[range])
        case .infoHash: infoHash = DHTID(bytes: bytes[range])
        case .key: key = range
        case .nodes: nodes = range
        case .nodes6: nodes6 = range
        case .salt: salt = range
        case .signature: signature = range
        case .token: token = range
        default: isMalformed = true
        }
    }

    private static func readWant(_ reader: inout BencodeReader) throws(BencodeError) -> KRPCWant {
        try reader.beginList()
        var want: KRPCWant = []
        while try reader.hasElement() {
            let text = reader.bytes[try reader.skip()]
            if text.elementsEqual("2:n4".utf8) { want.insert(.v4) }
            if text.elementsEqual("2:n6".utf8) { want.insert(.v6) }
        }
        return want
    }

    private static func readPeers(
        _ reader: inout BencodeReader
    ) throws(BencodeError) -> [Endpoint] {
        try reader.beginList()
        var peers: [Endpoint] = []
        while try reader.hasElement() {
            guard reader.next == .string else {
                try reader.skip()
                continue
            }
            let range = try reader.readString()
            guard peers.count < KRPCLimits.peersMax,
                let peer = Endpoint(compact: reader.bytes[range])
            else { continue }
            peers.append(peer)
        }
        return peers
    }

    func method(named name: ArraySlice<UInt8>, in bytes: [UInt8]) -> KRPCMethod {
        let known = method(named: name) { range in [UInt8](bytes[range]) }
        if case .unknown = known { return .unknown }
        return isMalformed ? .malformed : known
    }

    private func method(
        named name: ArraySlice<UInt8>,
        _ copy: (Range<Int>) -> [UInt8]
    ) -> KRPCMethod {
        if name.elementsEqual("ping".utf8) { return .ping }
        if name.elementsEqual("find_node".utf8) {
            return target.map { .findNode($0, want) } ?? .malformed
        }
        if name.elementsEqual("get_peers".utf8) {
            return infoHash.map { .getPeers($0, want) } ?? .malformed
        }
        if name.elementsEqual("get".utf8) {
            return target.map { .get($0, newerThan: sequence, want) } ?? .malformed
        }
        if name.elementsEqual("announce_peer".utf8) { return announcement(copy) ?? .malformed }
        if name.elementsEqual("put".utf8) { return put(copy) ?? .malformed }
        return .unknown
    }

    private func announcement(_ copy: (Range<Int>) -> [UInt8]) -> KRPCMethod? {
        let isImplied = impliedPort ?? 0 != 0
        guard let infoHash, let token, token.count <= KRPCLimits.tokenBytesMax,
            let number = UInt16(exactly: port ?? (isImplied ? 0 : -1)), number != 0 || isImplied
        else { return nil }
        return .announcePeer(
            KRPCAnnouncement(
                key: infoHash,
                port: number,
                isImplied: isImplied,
                token: copy(token)
            )
        )
    }

    private func put(_ copy: (Range<Int>) -> [UInt8]) -> KRPCMethod? {
        guard let value, let token, token.count <= KRPCLimits.tokenBytesMax else { return nil }
        var item = DHTItem(value: copy(value))
        if key != nil || signature != nil || sequence != nil {
            guard let key, let signature, let sequence, key.count == DHTItem.keyByteCount,
                signature.count == Cryptography.signatureByteCount, sequence >= 0
            else { return nil }
            item.author = DHTItem.Author(
                key: copy(key),
                salt: salt.map(copy) ?? [],
                sequence: sequence,
                signature: copy(signature)
            )
        }
        return .put(item, token: copy(token), replacing: cas)
    }

    func response(in bytes: [UInt8]) -> KRPCResponse? {
        guard !isMalformed, let id else { return nil }
        var response = KRPCResponse(id)
        if let nodes {
            response.tellsNodes.insert(.v4)
            response.nodes = [DHTNode](
                compact: bytes[nodes],
                .v4,
                upTo: KRPCLimits.nodesMax
            )
        }
        if let nodes6 {
            response.tellsNodes.insert(.v6)
            response.nodes6 = [DHTNode](
                compact: bytes[nodes6],
                .v6,
                upTo: KRPCLimits.nodesMax
            )
        }
        response.peers = peers
        response.sequence = sequence
        if let token, token.count <= KRPCLimits.tokenBytesMax {
            response.token = [UInt8](bytes[token])
        }
        response.value = value.map { [UInt8](bytes[$0]) }
        response.key = key.map { [UInt8](bytes[$0]) }
        response.signature = signature.map { [UInt8](bytes[$0]) }
        return response
    }
}
