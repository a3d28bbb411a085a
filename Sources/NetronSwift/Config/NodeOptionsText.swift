// SPDX-License-Identifier: Apache-2.0

package import NetronWire

// Options as people write them.
extension NodeOptions {
    /// An address such as 10.1.0.11/24; without a length it stands alone.
    package static func address(_ text: String) throws(ConfigError) -> InterfaceAddress {
        do throws(ParseError) {
            return try InterfaceAddress(parsing: text)
        } catch {
            throw refusal("address", text, error.problem, remedy: "write one such as 10.1.0.11/24")
        }
    }

    /// A range to take an address in, such as 10.1.0.0/24, or any address of it with its length.
    package static func leaseRange(_ text: String) throws(ConfigError) -> Prefix {
        try address(text).prefix
    }

    /// A range that is carried, such as 192.168.1.0/24; bits past its length must be 0.
    package static func advertised(_ text: String) throws(ConfigError) -> Prefix {
        let whole: InterfaceAddress
        do throws(ParseError) {
            whole = try InterfaceAddress(parsing: text)
        } catch {
            throw refusal("advertise", text, error.problem, remedy: advertisedRemedy)
        }
        guard whole.prefix.address == whole.address else {
            throw refusal(
                "advertise",
                text,
                "is an address of a range",
                remedy: "write the range, \(whole.prefix)"
            )
        }
        return whole.prefix
    }

    private static let advertisedRemedy = "write a range such as 192.168.1.0/24"

    /// The address of a member, such as 10.1.0.1.
    package static func router(_ text: String) throws(ConfigError) -> IPAddress {
        guard let address = IPAddress(text) else {
            throw refusal("router", text, "is no address", remedy: "write one such as 10.1.0.1")
        }
        return address
    }

    /// A peer such as host.example:7000, or tcp://host.example:443.
    package static func peer(_ text: String) throws(ConfigError) -> HostPort {
        do throws(ParseError) {
            return try HostPort(parsingContact: text)
        } catch {
            throw refusal(
                "peer",
                text,
                error.problem,
                remedy: "write it as HOST:PORT or tcp://HOST:PORT"
            )
        }
    }

    /// An HTTP proxy such as http://proxy.example:3128.
    package static func proxy(_ text: String) throws(ConfigError) -> HostPort {
        guard !text.contains("@") else {
            // Not shown: it may hold a password.
            throw ConfigError(
                "proxy",
                "names a user, which is not supported",
                remedy: "write it as http://HOST:PORT"
            )
        }
        let scheme = "http://"
        var rest = text.hasPrefix(scheme) ? String(text.dropFirst(scheme.utf8.count)) : text
        if rest.hasSuffix("/") { rest.removeLast() }
        do throws(ParseError) {
            guard !rest.contains("://") else { throw ParseError("is not an HTTP proxy") }
            return try HostPort(parsing: rest)
        } catch {
            throw refusal("proxy", text, error.problem, remedy: "write it as http://HOST:PORT")
        }
    }

    /// Where others reach this node, such as home.example:7000.
    package static func announced(_ text: String) throws(ConfigError) -> HostPort {
        do throws(ParseError) {
            return try HostPort(parsing: text)
        } catch {
            throw refusal("announce", text, error.problem, remedy: "write it as HOST:PORT")
        }
    }

    /// A node of a distributed hash table, such as router.example:6881.
    ///
    /// Addresses as EdgeVPN writes them, such as /ip4/192.0.2.1/udp/6881, are taken too.
    package static func bootstrap(_ text: String) throws(ConfigError) -> HostPort {
        do throws(ParseError) {
            return try HostPort(parsing: text.first == "/" ? plain(multiaddress: text) : text)
        } catch {
            throw refusal("bootstrap", text, error.problem, remedy: "write it as HOST:PORT")
        }
    }

    /// Host and port of a libp2p address that is reached by UDP.
    ///
    /// EdgeVPN's own bootstrap peers speak another protocol, most of them over TCP.
    private static func plain(multiaddress text: String) throws(ParseError) -> String {
        let parts = text.split(separator: "/").map { String($0) }
        guard parts.count == 4, parts[2] == "udp",
            ["ip4", "ip6", "dns", "dns4", "dns6"].contains(parts[0])
        else {
            throw ParseError("is not a node of the BitTorrent DHT, which is reached by UDP alone")
        }
        return parts[0] == "ip6" ? "[\(parts[1])]:\(parts[3])" : "\(parts[1]):\(parts[3])"
    }

    /// A whole number; whether it is in range is for the initialiser to say.
    package static func number(_ field: String, _ text: String) throws(ConfigError) -> Int {
        guard let number = decimal(text, upTo: UInt64(Int32.max)) else {
            throw refusal(field, text, "is not a whole number", remedy: "write digits alone")
        }
        return Int(number)
    }

    /// A number of bytes, in units of 1,024 where a letter says so: 1048576, 1024K, 1M, 1MiB.
    package static func byteCount(_ field: String, _ text: String) throws(ConfigError) -> Int {
        let units: [Character: Int] = ["K": 10, "M": 20, "G": 30]
        let short = text.hasSuffix("iB") ? String(text.dropLast(2)) : text
        let unit = short.last.flatMap { Character($0.uppercased()) }.flatMap { units[$0] }
        let digits = unit == nil ? text : String(short.dropLast())
        guard let number = decimal(digits, upTo: UInt64(Int32.max)) else {
            throw refusal(
                field,
                text,
                "is not a number of bytes",
                remedy: "write digits, and K, M or G behind them for larger units"
            )
        }
        return Int(number) << (unit ?? 0)
    }

    package static func ledgerPlace(_ text: String) throws(ConfigError) -> LedgerPlace {
        try word("ledger", text)
    }

    /// Where the API listens, such as 127.0.0.1:8080 or unix:///run/netron.sock.
    package static func apiPlace(_ text: String) throws(ConfigError) -> APIPlace {
        let scheme = "unix://"
        let remedy = "write it as HOST:PORT or as unix:///PATH"
        if text.hasPrefix(scheme) {
            let path = String(text.dropFirst(scheme.count))
            guard path.hasPrefix("/"), path.isPlain else {
                throw refusal("api-listen", text, "has no path that begins with /", remedy: remedy)
            }
            return .socket(path: path)
        }
        // Port 0 is none to go to, but one to listen on.
        let isAny = text.hasSuffix(":0")
        do throws(ParseError) {
            let place = try HostPort(parsing: isAny ? String(text.dropLast()) + "1" : text)
            return .port(host: place.host, isAny ? 0 : place.port)
        } catch {
            throw refusal("api-listen", text, error.problem, remedy: remedy)
        }
    }

    package static func logLevel(_ text: String) throws(ConfigError) -> LogLevel {
        try word("log-level", text)
    }

    package static func logFormat(_ text: String) throws(ConfigError) -> LogFormat {
        try word("log-format", text)
    }

    private static func word<Word: RawRepresentable<String> & CaseIterable>(
        _ field: String,
        _ text: String
    ) throws(ConfigError) -> Word {
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw refusal(field, text, "is not known", remedy: "give one of \(words)")
        }
        return word
    }

    private static func refusal(
        _ field: String,
        _ text: String,
        _ problem: String,
        remedy: String
    ) -> ConfigError {
        ConfigError(field, "\"\(text.plain(bytesMax: 80))\" \(problem)", remedy: remedy)
    }
}
