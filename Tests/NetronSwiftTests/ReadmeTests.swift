// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import NetronAPI
import NetronSwift
import Testing

// The code between the marks is that of README.md, word by word, so that what is printed there
// compiles. It is not run: a node of it would look for others on the host's networks.
private enum Example {
    static func join(token: String) async throws {
        // README
        let log = Logger(label: "example")
        let node = try Node(
            .logger(log),
            .logLevel(.info),
            .maxMessageSize(2 << 20),
            .fromBase64(mdns: true, dht: true, token: token)
        )
        try await node.start()
        // end
    }

    static func joinWithInterface(token: String) async throws {
        // README
        let vpn = try VPN.register(.interface("netron0"), .address("10.1.0.11/24"))
        let node = try Node([.fromBase64(token: token), .peers(["a.example.org:7000"])] + vpn)
        try await node.start()
        // end
    }

    static func watch(_ node: Node) async {
        // README
        for await event in node.events {
            print(event)
            let status = await node.status()
            print(status.state, status.peers.up)
            for peer in await node.peers() { print(peer.name ?? peer.id, peer.addresses) }
        }
        await node.stop()
        // end
    }
}

@Suite("readme") struct ReadmeTests {
    @Test("its Swift examples are the ones that compile here") func swift() throws {
        let here = try text(#filePath).components(separatedBy: "\n")
        let readme = try text(#filePath + "/../../../README.md").components(separatedBy: "\n")
        let compiled = regions(of: here, from: "// README", to: "// end")
        // What is a comment alone is for Package.swift; imports stand at the top of this file.
        let printed = regions(of: readme, from: "```swift", to: "```")
            .filter { !$0.allSatisfy { line in line.hasPrefix("//") } }
        let imports = printed.flatMap { $0 }.filter { $0.hasPrefix("import ") }
        let bodies = printed.map { lines in
            Array(lines.drop { $0.hasPrefix("import ") || $0.isEmpty })
        }
        #expect(bodies == compiled)
        #expect(bodies.count == 3)
        #expect(Set(imports).isSubset(of: here))
    }

    /// The lines between two marks, each without the blanks that the opening mark stands behind.
    private func regions(of lines: [String], from begin: String, to end: String) -> [[String]] {
        var found: [[String]] = []
        var indent: Int?
        for line in lines {
            let bare = line.trimmingCharacters(in: .whitespaces)
            if let depth = indent {
                if bare == end {
                    indent = nil
                } else {
                    found[found.count - 1].append(String(line.dropFirst(depth)))
                }
            } else if bare == begin {
                indent = line.prefix { $0 == " " }.count
                found.append([])
            }
        }
        return found
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOf: URL(fileURLWithPath: path).standardized, encoding: .utf8)
    }
}
