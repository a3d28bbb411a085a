// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Takes fields out of a mapping, checks them, and knows which nobody took.
struct FieldReader {
    /// The names above this mapping, each with a dot behind it.
    private let path: String
    private var fields: [(key: String, value: YAMLNode)]

    init(_ fields: [(key: String, value: YAMLNode)], path: String = "") {
        self.fields = fields
        self.path = path
    }

    /// The fields that nobody took; their names are others' and may be shown.
    var unread: [String] { fields.map { path + $0.key.plain(bytesMax: 64) } }

    /// The mapping of that name; an empty one if it is left out.
    mutating func mapping(_ name: String) throws(ConfigError) -> FieldReader {
        switch take(name) {
        case .none: FieldReader([], path: "\(path)\(name).")
        case .mapping(let fields): FieldReader(fields, path: "\(path)\(name).")
        case .scalar, .sequence: throw mistyped(name, "a mapping")
        }
    }

    /// The text of that name, which must be there.
    ///
    /// `room: 12345` is a text too, as it is for EdgeVPN: where a text is expected, a number is its
    /// digits.
    mutating func secret(
        _ name: String,
        charactersMin: Int = 1
    ) throws(ConfigError) -> Secret {
        guard let node = take(name) else {
            throw ConfigError(
                path + name,
                "is missing",
                remedy: "copy it from another member's config, or make a new one with `netron -g`"
            )
        }
        guard case .scalar(let text, _) = node else { throw mistyped(name, "a text") }
        let count = text.unicodeScalars.count
        guard count >= charactersMin else {
            throw ConfigError(
                path + name,
                "is too short: it has \(count) characters and needs \(charactersMin)",
                remedy: "make a new config with `netron -g`"
            )
        }
        let bytesMax = NetworkConfig.Limits.secretBytesMax
        guard text.utf8.count <= bytesMax else {
            throw ConfigError(
                path + name,
                "is longer than \(bytesMax) bytes",
                remedy: "make a new config with `netron -g`"
            )
        }
        return Secret(text)
    }

    /// The number of that name.
    mutating func number(
        _ name: String,
        in range: ClosedRange<Int>,
        default standard: Int
    ) throws(ConfigError) -> Int {
        guard let node = take(name) else { return standard }
        guard case .scalar(let text, isPlain: true) = node,
            let number = decimal(text, upTo: UInt64(range.upperBound)),
            range.contains(Int(number))
        else {
            throw ConfigError(
                path + name,
                "is not a whole number from \(range.lowerBound) to \(range.upperBound)",
                remedy: "write one without quotes, or leave it out to have \(standard)"
            )
        }
        return Int(number)
    }

    /// The nodes' keys in the list of that name, in ascending order; none if it is left out.
    mutating func keys(_ name: String, most: Int) throws(ConfigError) -> [NodeID] {
        let node = take(name)
        guard let node else { return [] }
        guard case .sequence(let items) = node else { throw mistyped(name, "a list of keys") }
        guard items.count <= most else {
            throw ConfigError(
                path + name,
                "has \(items.count) keys, more than \(most)",
                remedy: "leave out those that are not in use"
            )
        }
        var keys: [NodeID] = []
        for (index, item) in items.enumerated() {
            guard case .scalar(let text, _) = item, let key = NodeID(text) else {
                throw ConfigError(
                    path + name,
                    "has as number \(index + 1) what is no public key",
                    remedy: "write there what `netron trust key` printed, 52 characters"
                )
            }
            guard !keys.contains(key) else {
                throw ConfigError(
                    path + name,
                    "has \(key.prefix()) twice",
                    remedy: "leave one of the two out"
                )
            }
            keys.append(key)
        }
        return keys.sorted()
    }

    /// Takes the field of that name; one that is there but null counts as left out.
    private mutating func take(_ name: String) -> YAMLNode? {
        guard let index = fields.firstIndex(where: { $0.key == name }) else { return nil }
        let node = fields.remove(at: index).value
        if case .scalar(let text, isPlain: true) = node,
            ["", "~", "null", "Null", "NULL"].contains(text)
        {
            return nil
        }
        return node
    }

    private func mistyped(_ name: String, _ expected: String) -> ConfigError {
        ConfigError(
            path + name,
            "is not \(expected)",
            remedy: "write \(expected) there, or make a new config with `netron -g`"
        )
    }
}
