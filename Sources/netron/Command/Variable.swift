// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// The environment variables, each the stand-in of a flag that is not given.
enum Variable: String, CaseIterable {
    case token = "NETRONTOKEN"
    case config = "NETRONCONFIG"
    case address = "ADDRESS"
    case dhcp = "DHCP"
    case interface = "IFACE"
    case mtu = "NETRONMTU"
    case port = "NETRONPORT"
    case peer = "NETRONPEER"
    case mdns = "NETRONMDNS"
    case dht = "NETRONDHT"
    case bootstrap = "NETRONBOOTSTRAPPEERS"
    case discoveryInterval = "NETRONDHTINTERVAL"
    case stateDirectory = "NETRONSTATEDIR"
    case ephemeral = "NETRONEPHEMERAL"
    case ledger = "NETRONLEDGER"
    case ledgerBudget = "NETRONLEDGERBUDGET"
    case ledgerHistory = "NETRONLEDGERHISTORY"
    case light = "NETRONLIGHT"
    case gossipBudget = "NETRONGOSSIPBUDGET"
    case syncBudget = "NETRONSYNCBUDGET"
    case multicast = "NETRONMULTICAST"
    case api = "API"
    case apiListen = "APILISTEN"
    case relay = "NETRONRELAY"
    case relayRate = "NETRONRELAYRATE"
    case relayCircuits = "NETRONRELAYCIRCUITS"
    case lanes = "NETRONLANES"
    case natmap = "NETRONNATMAP"
    case announce = "NETRONANNOUNCE"
    case tcp = "NETRONTCP"
    case advertise = "NETRONADVERTISE"
    case acceptRoutes = "NETRONACCEPTROUTES"
    case router = "ROUTER"
    case logLevel = "NETRONLOGLEVEL"
    case logFormat = "NETRONLOGFORMAT"

    /// A flag's help: what it is, then its variable and its default.
    func help(_ text: String, default value: String, valueName: String? = nil) -> ArgumentHelp {
        ArgumentHelp("\(text) [\(rawValue); default: \(value)]", valueName: valueName)
    }
}
