// SPDX-License-Identifier: Apache-2.0

internal import NIOHTTP1
internal import NetronWire

/// Keeps pages of the Web away from a port that any program of the host can reach.
///
/// A page may send requests to servers of others, and a browser says in Origin where such a request
/// comes from (Fetch, section 3.2). Or its own name may turn to this host's address behind the
/// browser's back, which makes it one of the server's own pages: but then Host has that name.
struct HostCheck: Sendable {
    /// The name that the server was told to listen on, besides addresses and localhost.
    private let name: String

    init(name: String) { self.name = name.lowercased() }

    /// Why the request is not answered; nil if it is.
    func refusal(of headers: HTTPHeaders) -> ErrorReport? {
        let hosts = headers["host"]
        guard hosts.count == 1, let authority = hosts.first?.lowercased() else {
            // RFC 9112, section 3.2.
            return ErrorReport(.badRequest, "a request has one header Host")
        }
        guard let host = Self.host(of: authority), isOurs(host) else {
            return ErrorReport(
                .forbidden,
                "this is not the server of that Host; ask by an address, or by localhost"
            )
        }
        let own = ["http://\(authority)", "https://\(authority)"]
        guard headers["origin"].allSatisfy({ own.contains($0.lowercased()) }) else {
            return ErrorReport(.forbidden, "pages of other origins may not ask this server")
        }
        return nil
    }

    private func isOurs(_ host: String) -> Bool {
        host == "localhost" || host == name || IPAddress(host) != nil
    }

    /// The host of `host`, `host:port`, `[address]` or `[address]:port` (RFC 3986, section 3.2).
    private static func host(of authority: String) -> String? {
        var host = authority[...]
        if let colon = authority.lastIndex(of: ":"), authority[colon...].dropFirst().isPort {
            host = authority[..<colon]
        }
        guard host.first == "[" else { return host.contains(":") ? nil : String(host) }
        guard host.last == "]" else { return nil }
        let address = String(host.dropFirst().dropLast())
        return address.contains(":") ? address : nil
    }
}

extension Substring {
    /// Whether there are at most five digits, and nothing else.
    fileprivate var isPort: Bool {
        utf8.count <= 5 && utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
