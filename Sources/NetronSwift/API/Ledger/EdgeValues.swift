// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// The values of the buckets that every member computes, as EdgeVPN's nodes write them.
package enum EdgeValues {
    /// What `machines` has of an address.
    private struct Machine: Encodable {
        var peerID: String
        var hostname: String
        var os: String
        var arch: String
        var address: String
        var version: String

        private enum CodingKeys: String, CodingKey {
            case peerID = "PeerID"
            case hostname = "Hostname"
            case os = "OS"
            case arch = "Arch"
            case address = "Address"
            case version = "Version"
        }
    }

    /// What `machines` has of an address; system, architecture and version are told in a session
    /// alone, and empty without one.
    package static func machine(
        _ address: IPAddress,
        of id: NodeID,
        name: String,
        hello: Hello?
    ) -> [UInt8] {
        let platform = (hello?.platform ?? "").split(separator: " ", maxSplits: 1)
        return JSON.encode(
            Machine(
                peerID: id.description,
                hostname: name,
                os: platform.first.map { String($0) } ?? "",
                arch: platform.count > 1 ? String(platform[1]) : "",
                address: address.description,
                version: hello?.version ?? ""
            )
        )
    }

    /// What `healthcheck` has of a member: when it last said that it is here.
    package static func healthcheck(milliseconds: UInt64) -> [UInt8] {
        Array(Timestamp(milliseconds: milliseconds).description.utf8)
    }
}
