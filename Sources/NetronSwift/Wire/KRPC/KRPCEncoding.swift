// SPDX-License-Identifier: Apache-2.0

extension KRPCMessage {
    /// The bytes of the datagram; keys are written in their order.
    package var encoded: [UInt8] {
        var writer = BencodeWriter(reserving: 400)
        writer.beginDictionary()
        switch body {
        case .query(let query): query.write(to: &writer)
        case .error(let failure):
            writer.write("e")
            writer.beginList()
            writer.write(Int64(failure.code))
            writer.write(failure.text)
            writer.end()
            writeRequester(to: &writer)
        case .response(let response):
            writeRequester(to: &writer)
            writer.write("r")
            response.write(to: &writer)
        }
        if isReadOnly {
            writer.write("ro")
            writer.write(1 as Int64)
        }
        writer.write("t")
        writer.write(transaction.bytes)
        if let version {
            writer.write("v")
            writer.beginString(4)
            writer.append(bigEndian: version)
        }
        writer.write("y")
        writer.write(body.letter)
        writer.end()
        return writer.bytes
    }

    private func writeRequester(to writer: inout BencodeWriter) {
        guard let requester else { return }
        writer.write("ip")
        writer.write(compact: requester)
    }
}

extension KRPCBody {
    fileprivate var letter: String {
        switch self {
        case .query: "q"
        case .response: "r"
        case .error: "e"
        }
    }
}

extension KRPCQuery {
    fileprivate func write(to writer: inout BencodeWriter) {
        writer.write("a")
        writer.beginDictionary()
        writeArguments(to: &writer)
        writer.end()
        writer.write("q")
        writer.write(method.name)
    }

    private func writeArguments(to writer: inout BencodeWriter) {
        switch method {
        case .ping, .unknown, .malformed: writer.write("id", id)
        case .findNode(let target, let want):
            writer.write("id", id)
            writer.write("target", target)
            writer.write(want)
        case .getPeers(let key, let want):
            writer.write("id", id)
            writer.write("info_hash", key)
            writer.write(want)
        case .announcePeer(let announcement):
            writer.write("id", id)
            if announcement.isImplied {
                writer.write("implied_port")
                writer.write(1 as Int64)
            }
            writer.write("info_hash", announcement.key)
            writer.write("port")
            writer.write(Int64(announcement.port))
            writer.write("token")
            writer.write(announcement.token)
        case .get(let target, let sequence, let want):
            writer.write("id", id)
            writer.write("seq", sequence)
            writer.write("target", target)
            writer.write(want)
        case .put(let item, let token, let replaced):
            writer.write("cas", replaced)
            writer.write("id", id)
            writer.write("k", item.author?.key)
            if let salt = item.author?.salt, !salt.isEmpty { writer.write("salt", salt) }
            writer.write("seq", item.author?.sequence)
            writer.write("sig", item.author?.signature)
            writer.write("token")
            writer.write(token)
            writer.write("v")
            writer.append(item.value)
        }
    }
}

extension KRPCMethod {
    fileprivate var name: String {
        switch self {
        case .ping: "ping"
        case .findNode: "find_node"
        case .getPeers: "get_peers"
        case .announcePeer: "announce_peer"
        case .get: "get"
        case .put: "put"
        case .unknown, .malformed: "unknown"
        }
    }
}

extension KRPCResponse {
    fileprivate func write(to writer: inout BencodeWriter) {
        writer.beginDictionary()
        writer.write("id", id)
        writer.write("k", key)
        if tellsNodes.contains(.v4) {
            writer.write("nodes")
            writer.write(compact: nodes, .v4)
        }
        if tellsNodes.contains(.v6) {
            writer.write("nodes6")
            writer.write(compact: nodes6, .v6)
        }
        writer.write("seq", sequence)
        writer.write("sig", signature)
        writer.write("token", token)
        if let value {
            writer.write("v")
            writer.append(value)
        }
        if !peers.isEmpty {
            writer.write("values")
            writer.beginList()
            for peer in peers { writer.write(compact: peer) }
            writer.end()
        }
        writer.end()
    }
}

extension BencodeWriter {
    fileprivate mutating func write(_ key: String, _ id: DHTID) {
        write(key)
        write(id)
    }

    fileprivate mutating func write(_ key: String, _ bytes: [UInt8]?) {
        guard let bytes else { return }
        write(key)
        write(bytes)
    }

    fileprivate mutating func write(_ key: String, _ number: Int64?) {
        guard let number else { return }
        write(key)
        write(number)
    }

    fileprivate mutating func write(_ want: KRPCWant) {
        guard !want.isEmpty else { return }
        write("want")
        beginList()
        if want.contains(.v4) { write("n4") }
        if want.contains(.v6) { write("n6") }
        end()
    }
}
