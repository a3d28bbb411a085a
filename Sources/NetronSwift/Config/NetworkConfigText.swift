// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

extension NetworkConfig {
    /// Where a text came from; errors speak of it.
    private enum Origin {
        case token
        case file(String?)

        var field: String { if case .token = self { "token" } else { "config" } }

        func error(_ problem: String) -> ConfigError {
            switch self {
            case .token:
                ConfigError("token", "\(problem) inside its base64", remedy: remedy)
            case .file(let path):
                ConfigError(
                    "config",
                    path.map { "\($0) \(problem)" } ?? problem,
                    remedy: remedy
                )
            }
        }

        private var remedy: String {
            switch self {
            case .token: "copy it again as a whole, or make a new one with `netron -g -b`"
            case .file: "correct the file, or make a new one with `netron -g`"
            }
        }
    }

    /// Reads a config; `path` is where it lay, for errors.
    package init(yaml bytes: [UInt8], path: String? = nil) throws(ConfigError) {
        try self.init(bytes, from: .file(path))
    }

    /// Reads a token: a config in base64.
    package init(token: String) throws(ConfigError) {
        // Base64 makes 4 characters of 3 bytes, and lines may be wrapped.
        guard token.utf8.count <= 2 * YAMLNode.Limits.bytes else {
            throw ConfigError(
                "token",
                "is longer than \(2 * YAMLNode.Limits.bytes) characters",
                remedy: "make a new one with `netron -g -b`"
            )
        }
        guard let bytes = Base64.decode(token), !bytes.isEmpty else {
            throw ConfigError(
                "token",
                token.isEmpty ? "is empty" : "is not base64",
                remedy: "give what `netron -g -b` printed, or a YAML file with --config"
            )
        }
        try self.init(bytes, from: .token)
    }

    private init(_ bytes: [UInt8], from origin: Origin) throws(ConfigError) {
        let root: YAMLNode
        do throws(YAMLNode.Failure) {
            root = try YAMLNode.document(bytes)
        } catch {
            throw origin.error(error.problem)
        }
        guard case .mapping(let list) = root else { throw origin.error("is not a YAML mapping") }
        try self.init(FieldReader(list))
    }

    private init(_ fields: consuming FieldReader) throws(ConfigError) {
        var root = fields
        var otp = try root.mapping("otp")
        var dht = try otp.mapping("dht")
        var crypto = try otp.mapping("crypto")
        self.dht = try RotatingSecret(from: &dht)
        self.crypto = try RotatingSecret(from: &crypto)
        room = try root.secret("room")
        rendezvous = try root.secret("rendezvous")
        mdns = try root.secret("mdns")
        maxMessageSize = try root.number(
            "max_message_size",
            in: Limits.messageSizes,
            default: Limits.maxMessageSizeDefault
        )
        authorities = try root.keys("authorities", most: Limits.authoritiesMax)
        unknownFields = root.unread + otp.unread + dht.unread + crypto.unread
    }
}

extension NetworkConfig.RotatingSecret {
    fileprivate init(from fields: inout FieldReader) throws(ConfigError) {
        typealias Limits = NetworkConfig.Limits
        key = try fields.secret("key", charactersMin: Limits.keyCharactersMin)
        interval = try fields.number(
            "interval",
            in: Limits.intervals,
            default: Limits.intervalDefault
        )
        length = try fields.number("length", in: Limits.lengths, default: Limits.lengthDefault)
    }
}

extension NetworkConfig {
    /// The config as YAML that EdgeVPN reads too; one config has one text.
    ///
    /// Secrets stand in quotes: without, some would be read as numbers, truth values or nothing.
    package func yaml() -> String {
        """
        otp:
          dht:
            interval: \(dht.interval)
            key: \(dht.key.quoted)
            length: \(dht.length)
          crypto:
            interval: \(crypto.interval)
            key: \(crypto.key.quoted)
            length: \(crypto.length)
        room: \(room.quoted)
        rendezvous: \(rendezvous.quoted)
        mdns: \(mdns.quoted)
        max_message_size: \(maxMessageSize)

        """ + authoritiesText
    }

    /// Left out where there are none: such a config is EdgeVPN's, to the byte.
    private var authoritiesText: String {
        guard !authorities.isEmpty else { return "" }
        return "authorities:\n" + authorities.map { "  - \"\($0)\"\n" }.joined()
    }

    /// The token: the base64 of exactly what `yaml()` gives.
    package func token() -> String { Base64.encode(Array(yaml().utf8)) }
}

extension Secret {
    /// The text as a double-quoted scalar (YAML 1.1, section 5.6), in ASCII.
    fileprivate var quoted: String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22, 0x5C: quoted += "\\\(scalar)"
            case 0x20...0x7E: quoted.unicodeScalars.append(scalar)
            case 0...0xFFFF: quoted += "\\u" + hex(scalar.value, digits: 4)
            default: quoted += "\\U" + hex(scalar.value, digits: 8)
            }
        }
        return quoted + "\""
    }
}

private func hex(_ number: UInt32, digits: Int) -> String {
    let text = String(number, radix: 16, uppercase: true)
    return String(repeating: "0", count: digits - text.utf8.count) + text
}
