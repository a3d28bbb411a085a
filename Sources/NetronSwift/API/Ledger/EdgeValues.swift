// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// The values of the buckets that every member computes, as EdgeVPN's nodes write them.
package enum EdgeValues {
    /// What `machines` has of an address; system, architecture and version are told in a session
    /// alone, and empty without one.
    package static func machine(
        _ address: IPAddress,
        of id: NodeID,
        name: String,
        hello: Hello?
    ) -> [UInt8] {
        JSON.encode(
            EdgeMachine(
                peerID: id.description,
                hostname: name,
                os: hello?.os ?? "",
                arch: hello?.arch ?? "",
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
