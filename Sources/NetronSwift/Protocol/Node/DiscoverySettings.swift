// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What a node that starts knows of the ways to find others.
package struct DiscoverySettings: Hashable, Sendable {
    /// The port of UDP that the node has.
    package var port: UInt16
    /// How long an epoch is, in seconds.
    package var epochSeconds: UInt64
    package var usesDHT: Bool
    /// Where the hash table begins; empty for the well-known hosts.
    package var bootstrap: [HostPort]
    /// How often a settled announcer looks for unknown members; nil for the usual.
    package var interval: Duration?
    /// What was written down of the hash table, of members and of the time by the last run.
    package var savedTable: [UInt8]
    package var rememberedPeers: String
    package var persistedMilliseconds: UInt64
    /// No clock is right that shows less.
    package var buildMilliseconds: UInt64

    package init(
        port: UInt16 = 0,
        epochSeconds: UInt64 = InternetLimits.epochSecondsMin,
        usesDHT: Bool = false,
        bootstrap: [HostPort] = [],
        interval: Duration? = nil,
        savedTable: [UInt8] = [],
        rememberedPeers: String = "",
        persistedMilliseconds: UInt64 = 0,
        buildMilliseconds: UInt64 = 0
    ) {
        self.port = port
        self.epochSeconds = epochSeconds
        self.usesDHT = usesDHT
        self.bootstrap = bootstrap
        self.interval = interval
        self.savedTable = savedTable
        self.rememberedPeers = rememberedPeers
        self.persistedMilliseconds = persistedMilliseconds
        self.buildMilliseconds = buildMilliseconds
    }

    func internetSettings(of id: NodeID) -> InternetSettings {
        InternetSettings(
            id: id,
            port: port,
            epochSeconds: max(epochSeconds, InternetLimits.epochSecondsMin),
            usesDHT: usesDHT,
            isBootstrapNamed: !bootstrap.isEmpty,
            interval: interval ?? InternetLimits.reachableInterval
        )
    }

    var tableSettings: DHTSettings {
        DHTSettings(
            hosts: bootstrap.isEmpty ? DHTSettings.routers : bootstrap,
            saved: DHTSaved(savedTable),
            serves: !bootstrap.isEmpty
        )
    }
}
