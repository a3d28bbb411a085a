// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Part of a YAML document.
indirect enum YAMLNode {
    /// A text; `isPlain` if it stands without quotes.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    case mapping([(key: String, value: YAMLNode)])

    /// What a document of ours may have at most; a config has 15 nodes, 3 deep,
    /// and some more for authorities.
    enum Limits {
        static let bytes = 64 << 10
        static let depth = 8
        static let nodes = 1024
    }

    /// Why bytes are no document of ours: the rest of a sentence whose subject is the document.
    struct Failure: Error {
        var problem: String
    }

    /// Reads the one document that `bytes` are.
    static func document(_ bytes: [UInt8]) throws(Failure) -> YAMLNode {
        guard bytes.count <= Limits.bytes else {
            throw Failure(problem: "is larger than \(Limits.bytes >> 10) KiB")
        }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw Failure(problem: "is not UTF-8 text")
        }
        var builder = Builder(parser: YAMLParser(bytes))
        return try builder.document()
    }

    /// Makes nodes of events.
    private struct Builder: ~Copyable {
        var parser: YAMLParser
        var count = 0

        mutating func document() throws(Failure) -> YAMLNode {
            guard case .documentStart = try parser.next() else {
                throw Failure(problem: "is empty")
            }
            let root = try node(try parser.next(), depth: 1)
            // The first is the document's own end.
            _ = try parser.next()
            guard case .streamEnd = try parser.next() else {
                throw Failure(problem: "holds more than one YAML document")
            }
            return root
        }

        private mutating func node(
            _ event: YAMLParser.Event,
            depth: Int
        ) throws(Failure) -> YAMLNode {
            count += 1
            guard count <= Limits.nodes else {
                throw Failure(problem: "has more than \(Limits.nodes) parts")
            }
            guard depth <= Limits.depth else {
                throw Failure(problem: "is nested more than \(Limits.depth) levels deep")
            }
            switch event {
            case .scalar(let text, let isPlain): return .scalar(text, isPlain: isPlain)
            case .sequenceStart: return try sequence(depth: depth)
            case .mappingStart: return try mapping(depth: depth)
            case .documentStart, .documentEnd, .sequenceEnd, .mappingEnd, .streamEnd:
                preconditionFailure("libyaml gave \(event) where a node begins")
            }
        }

        private mutating func sequence(depth: Int) throws(Failure) -> YAMLNode {
            var items: [YAMLNode] = []
            while true {
                let event = try parser.next()
                if case .sequenceEnd = event { return .sequence(items) }
                items.append(try node(event, depth: depth + 1))
            }
        }

        private mutating func mapping(depth: Int) throws(Failure) -> YAMLNode {
            var fields: [(key: String, value: YAMLNode)] = []
            var keys: Set<String> = []
            while true {
                let event = try parser.next()
                if case .mappingEnd = event { return .mapping(fields) }
                guard case .scalar(let key, _) = try node(event, depth: depth + 1) else {
                    throw Failure(problem: "has a key that is not a text")
                }
                guard keys.insert(key).inserted else {
                    throw Failure(problem: "has the key \(key.plain(bytesMax: 64)) twice")
                }
                fields.append((key, try node(try parser.next(), depth: depth + 1)))
            }
        }
    }
}
