// SPDX-License-Identifier: Apache-2.0

/// A host by name or address, and a port: where somebody says that a member is.
package struct HostPort: Hashable, Sendable {
    /// How many bytes a host name may have (RFC 1035, section 2.3.4).
    package static let nameBytesMax = 253

    /// The name, or the address without brackets; an IPv6 address may end in a zone (%eth0).
    package let host: String

    /// The port, 1 to 65535.
    package let port: UInt16

    /// Whether it is to be reached by TCP, and not by UDP.
    package let isTCP: Bool

    /// What is in front of a host that is to be reached by TCP.
    package static let tcpScheme = "tcp://"

    /// The address, if the host is one and needs no zone to be reached.
    package var address: IPAddress? { IPAddress(host) }

    /// Takes `name:port`, `192.0.2.1:port` or `[2001:db8::1]:port`, or says why not.
    package init(parsing text: String) throws(ParseError) {
        try self.init(parsing: text, isTCP: false)
    }

    /// Takes the same with `tcp://` in front too.
    package init(parsingContact text: String) throws(ParseError) {
        let isTCP = text.hasPrefix(Self.tcpScheme)
        let rest = isTCP ? String(text.dropFirst(Self.tcpScheme.utf8.count)) : text
        try self.init(parsing: rest, isTCP: isTCP)
    }

    private init(parsing text: String, isTCP: Bool) throws(ParseError) {
        let parts = try splitHostAndPort(text)
        guard let portText = parts.port else {
            throw ParseError("has no port")
        }
        guard let port = decimal(portText, upTo: UInt64(UInt16.max)), port != 0 else {
            throw ParseError("has a port that is not a number from 1 to 65535")
        }
        if parts.isBracketed {
            try checkV6(parts.host)
        } else {
            try checkName(parts.host)
        }
        host = String(parts.host)
        self.port = UInt16(port)
        self.isTCP = isTCP
    }
}

extension HostPort: CustomStringConvertible {
    package var description: String { (isTCP ? Self.tcpScheme : "") + plain }

    private var plain: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

private func checkV6(_ host: Substring) throws(ParseError) {
    let parts = host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, first.utf8.contains(UInt8(ascii: ":")),
        IPAddress(String(first)) != nil
    else { throw ParseError("has no IPv6 address between its brackets") }
    // 15 bytes are the most that an interface's name has.
    guard parts.count == 1 || (1...15).contains(parts[1].utf8.count) && parts[1].isPlainASCII
    else { throw ParseError("has a zone that is no interface's name or number") }
}

private func checkName(_ host: Substring) throws(ParseError) {
    guard !host.isEmpty else { throw ParseError("has no host before its port") }
    guard host.utf8.count <= HostPort.nameBytesMax, host.isPlainASCII else {
        throw ParseError("has a host that is neither a name nor an address")
    }
    // A name of digits and dots alone is a mistyped address, which resolvers read in odd ways.
    let isNumeric = host.utf8.allSatisfy {
        $0 == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
    }
    guard !isNumeric || IPAddress(String(host)) != nil else {
        throw ParseError("has a host that is not an IPv4 address")
    }
}

extension Substring {
    /// Whether it is made of letters, digits, dot, hyphen and underscore alone.
    fileprivate var isPlainASCII: Bool {
        utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}

/// The two sides of the colon before the port; the host's brackets are taken off.
struct HostAndPort {
    var host: Substring
    var port: Substring?
    var isBracketed: Bool
}

/// Splits `host:port` or `[v6]:port`; a bare IPv6 address is refused, since its port is a guess.
func splitHostAndPort(_ text: String) throws(ParseError) -> HostAndPort {
    guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
        throw ParseError("has a character that is not ASCII")
    }
    if text.utf8.first == UInt8(ascii: "[") {
        guard let end = text.utf8.firstIndex(of: UInt8(ascii: "]")) else {
            throw ParseError("has a bracket that is not closed")
        }
        let host = text[text.utf8.index(after: text.startIndex)..<end]
        let rest = text[text.utf8.index(after: end)...]
        guard rest.isEmpty || rest.utf8.first == UInt8(ascii: ":") else {
            throw ParseError("has something between its bracket and its port")
        }
        return HostAndPort(
            host: host,
            port: rest.isEmpty ? nil : rest.dropFirst(),
            isBracketed: true
        )
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2 else {
        throw ParseError("has an IPv6 address without brackets; write [ADDRESS]:PORT")
    }
    return HostAndPort(
        host: parts[0],
        port: parts.count == 2 ? parts[1] : nil,
        isBracketed: false
    )
}
