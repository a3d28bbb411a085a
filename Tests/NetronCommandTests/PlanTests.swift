// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronConfig
internal import NetronWire
internal import Testing

@testable internal import NetronCommand

/// The networks of the tests, as YAML.
private let (yaml, otherYAML) = {
    var random = SystemRandomNumberGenerator()
    return (
        (try? NetworkConfig.generate(using: &random).yaml()) ?? "",
        (try? NetworkConfig.generate(using: &random).yaml()) ?? ""
    )
}()

private let token = Base64.encode(Array(yaml.utf8))
private let otherToken = Base64.encode(Array(otherYAML.utf8))

/// What the root, or `start`, would do with these arguments.
private func plan(
    _ arguments: [String],
    _ environment: [String: String] = [:]
) throws -> Plan {
    let console = Transcript().console(environment)
    let command = try Netron.parseAsRoot(arguments)
    if let start = command as? Start {
        return try Plan(
            network: start.network,
            place: start.place,
            interface: nil,
            node: start.node,
            on: console
        )
    }
    let root = try #require(command as? Netron)
    return try Plan(
        network: root.network,
        place: root.place,
        interface: root.interface,
        node: root.node,
        on: console
    )
}

private func options(
    _ arguments: [String],
    _ environment: [String: String] = [:]
) throws -> NodeOptions {
    try plan(["--token", token] + arguments, environment).options
}

@Suite("options")
struct OptionTests {
    @Test("a flag goes before its variable, and that before the default", arguments: OptionCase.all)
    func precedence(_ option: OptionCase) throws {
        let environment = [option.variable: option.text]
        #expect(option.show(try options(option.flags, environment)) == option.fromFlags)
        #expect(option.show(try options([], environment)) == option.fromVariable)
        #expect(option.show(try options([])) == option.byDefault)
        #expect(option.show(try options([], [option.variable: ""])) == option.byDefault)
    }

    @Test("every option has a case here, and stands in the help with its variable")
    func complete() {
        let cases = Set(OptionCase.all.map(\.variable) + ["NETRONTOKEN", "NETRONCONFIG"])
        #expect(cases == Set(Variable.allCases.map(\.rawValue)))
        let help = Netron.helpMessage(columns: 10_000)
        for option in OptionCase.all {
            #expect(help.contains("[\(option.variable); default: "))
            #expect(help.contains(option.flags[0]))
        }
    }

    @Test("the defaults of the help are those that hold")
    func defaults() {
        let help = Netron.helpMessage(columns: 10_000)
        let shown: Set = ["IFACE", "NETRONMTU", "NETRONPORT", "NETRONMDNS", "NETRONEPHEMERAL"]
        for option in OptionCase.all where shown.contains(option.variable) {
            #expect(help.contains("[\(option.variable); default: \(option.byDefault)]"))
        }
    }

    @Test(
        "truth has a few words",
        arguments: [
            ("true", true), ("1", true), ("yes", true), ("ON", true), ("False", false),
            ("0", false), ("no", false), ("off", false),
        ]
    )
    func truth(_ text: String, _ value: Bool) throws {
        #expect(try options([], ["NETRONMDNS": text]).mdns == value)
        #expect(try options(["--no-mdns"], ["NETRONMDNS": text]).mdns == false)
    }

    @Test(
        "a bad value names its option, whether flag or variable",
        arguments: [
            ("--address", "ADDRESS", "10.1.0.300/24", "address"),
            ("--mtu", "NETRONMTU", "1279", "mtu"), ("--mtu", "NETRONMTU", "large", "mtu"),
            ("--port", "NETRONPORT", "65536", "port"), ("--peer", "NETRONPEER", "host", "peer"),
            ("--interface", "IFACE", "a/b", "interface"), ("--lanes", "NETRONLANES", "5", "lanes"),
            ("--bootstrap", "NETRONBOOTSTRAPPEERS", "host", "bootstrap"),
            ("--bootstrap", "NETRONBOOTSTRAPPEERS", "/ip4/192.0.2.1/tcp/4001/p2p/Q", "bootstrap"),
            ("--discovery-interval", "NETRONDHTINTERVAL", "9", "discovery-interval"),
            ("--ledger", "NETRONLEDGER", "tape", "ledger"),
            ("--ledger-history", "NETRONLEDGERHISTORY", "1001", "ledger-history"),
            ("--gossip-budget", "NETRONGOSSIPBUDGET", "1023", "gossip-budget"),
            ("--gossip-budget", "NETRONGOSSIPBUDGET", "4iB", "gossip-budget"),
            ("--sync-budget", "NETRONSYNCBUDGET", "15KiB", "sync-budget"),
            ("--sync-budget", "NETRONSYNCBUDGET", "fast", "sync-budget"),
            ("--relay-rate", "NETRONRELAYRATE", "15K", "relay-rate"),
            ("--relay-circuits", "NETRONRELAYCIRCUITS", "0", "relay-circuits"),
            ("--relay-circuits", "NETRONRELAYCIRCUITS", "1025", "relay-circuits"),
            ("--ledger-budget", "NETRONLEDGERBUDGET", "1023K", "ledger-budget"),
            ("--ledger-budget", "NETRONLEDGERBUDGET", "much", "ledger-budget"),
            ("--api-listen", "APILISTEN", "8080", "api-listen"),
            ("--announce", "NETRONANNOUNCE", "192.0.2.1", "announce"),
            ("--log-level", "NETRONLOGLEVEL", "loud", "log-level"),
            ("--log-format", "NETRONLOGFORMAT", "xml", "log-format"),
        ]
    )
    func refused(_ flag: String, _ variable: String, _ text: String, _ field: String) {
        for (flags, environment) in [([flag, text], [:]), ([], [variable: text])] {
            let error = #expect(throws: ConfigError.self) { try options(flags, environment) }
            #expect(error?.field == field)
        }
    }

    @Test("the proxy of the environment is taken; one that will not do is only told of")
    func proxies() throws {
        #expect(try options([]).proxy == nil)
        let lower = ["https_proxy": "http://a.example:1", "HTTPS_PROXY": "http://b.example:2"]
        #expect(try options([], lower).proxy?.description == "a.example:1")
        let upper = ["https_proxy": "", "HTTPS_PROXY": "http://b.example:2"]
        #expect(try options([], upper).proxy?.description == "b.example:2")
        let bad = ["HTTPS_PROXY": "socks5://b.example:2"]
        #expect(try options([], bad).proxy == nil)
    }

    @Test("a variable that is neither true nor false is refused")
    func refusedTruth() {
        for (variable, field) in [
            ("NETRONMDNS", "mdns"), ("NETRONDHT", "dht"), ("NETRONEPHEMERAL", "ephemeral"),
            ("NETRONLIGHT", "light"), ("API", "api"), ("DHCP", "dhcp"), ("NETRONNATMAP", "natmap"),
            ("NETRONMULTICAST", "multicast"),
            ("NETRONRELAY", "relay"),
        ] {
            let error = #expect(throws: ConfigError.self) { try options([], [variable: "maybe"]) }
            #expect(error?.field == field)
        }
    }

    @Test("with --dhcp the addresses say in which ranges one is taken")
    func leaseRanges() throws {
        let flags = ["--dhcp", "--address", "10.1.0.11/24", "--address", "fd00::/64"]
        let given = try options(flags)
        #expect("\(given.leaseRanges)" == "[10.1.0.0/24, fd00::/64]")
        #expect(given.addresses.isEmpty)
        let variables = ["DHCP": "1", "ADDRESS": "10.9.0.0/16"]
        #expect("\(try options([], variables).leaseRanges)" == "[10.9.0.0/16]")
        let off = try options([], ["DHCP": "0", "ADDRESS": "10.9.0.1/16"])
        #expect(off.leaseRanges.isEmpty && "\(off.addresses)" == "[10.9.0.1/16]")
    }

    @Test("the API is on where a flag asks for it, or no variable says no")
    func api() throws {
        let place = "localhost:8081"
        func shown(_ flags: [String], _ environment: [String: String]) throws -> String? {
            try options(flags, environment).api?.description
        }
        #expect(try shown([], ["API": "0", "APILISTEN": place]) == nil)
        #expect(try shown([], ["API": "1", "APILISTEN": place]) == place)
        #expect(try shown(["--api"], ["API": "0", "APILISTEN": place]) == place)
        #expect(try shown(["--api-listen", "h:1"], ["API": "0", "APILISTEN": place]) == "h:1")
        #expect(try shown(["--api"], ["API": "0"]) == "127.0.0.1:8080")
        #expect(try shown([], ["API": "0"]) == nil)
    }

    @Test("a budget that is named goes before a light node's, and flags before variables")
    func light() throws {
        #expect(try options(["--light", "--ledger-budget", "2M"]).ledgerBudget == 2 << 20)
        #expect(try options(["--light"], ["NETRONLEDGERBUDGET": "2M"]).ledgerBudget == 1 << 20)
        #expect(
            try options(["--ledger-budget", "2M"], ["NETRONLIGHT": "1"]).ledgerBudget == 2 << 20
        )
        #expect(try options([], ["NETRONLIGHT": "0"]).ledgerBudget == nil)
    }

    @Test("EdgeVPN's flags for relays are understood, have no effect and say so, or are refused")
    func edgeRelays() throws {
        #expect(try !options(["--relay-service=false"]).relay)
        #expect(try options(["--relay-service", "true"], ["NETRONRELAY": "0"]).relay)
        #expect(try options(["--relay", "--relay-service=false"]).relay)
        #expect(try options(["--relay-service-network-only=true"]).relay)
        let idle = ["--relay-service-max-data", "1", "--relay-service-buffer-size", "2"]
        let warnings = try plan(["--token", token] + idle).warnings
        let line = "--relay-service-max-data, --relay-service-buffer-size have no effect: "
        #expect(warnings.count == 1 && warnings.first?.hasPrefix(line) == true)
        for (flags, field) in [
            (["--relay-service", "perhaps"], "relay-service"),
            (["--relay-service-network-only", "0"], "relay-service-network-only"),
            (["--relay-service-max-circuits", "64"], "relay-service-max-circuits"),
            (["--no-relay", "--relay-rate", "1M"], "relay-rate"),
            (["--no-relay", "--relay-circuits", "1"], "relay-circuits"),
        ] {
            let error = #expect(throws: ConfigError.self) { try options(flags) }
            #expect(error?.field == field)
        }
    }

    @Test("flags may stand before or behind the word start, and addresses in variables wait")
    func start() throws {
        for arguments in [["start", "--port", "7"], ["--port", "7", "start"]] {
            let options = try options(arguments, ["ADDRESS": "10.1.0.11/24"])
            #expect(options.port == 7)
            #expect(!options.wantsInterface)
            #expect(options.addresses.isEmpty)
        }
        #expect(try options([]).wantsInterface)
    }
}

@Suite("which network")
struct NetworkTests {
    @Test("token and config are read, flags before variables")
    func sources() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(yaml, to: "netron.yaml")
        let other = ["NETRONTOKEN": otherToken]
        #expect(try plan(["--token", token]).network.yaml() == yaml)
        #expect(try plan(["--config", file]).network.yaml() == yaml)
        #expect(try plan([], ["NETRONTOKEN": token]).network.yaml() == yaml)
        #expect(try plan([], ["NETRONCONFIG": file]).network.yaml() == yaml)
        #expect(try plan(["--token", token], other).network.yaml() == yaml)
        #expect(try plan(["--config", file], other).network.yaml() == yaml)
        #expect(try plan(["--token", token, "--config", file]).network.yaml() == yaml)
    }

    @Test("two networks at once are refused, and none")
    func refused() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(yaml, to: "netron.yaml")
        let cases: [([String], [String: String])] = [
            (["--token", otherToken, "--config", file], [:]),
            ([], ["NETRONTOKEN": otherToken, "NETRONCONFIG": file]),
            ([], [:]),
        ]
        for (arguments, environment) in cases {
            let error = #expect(throws: ConfigError.self) { try plan(arguments, environment) }
            #expect(error?.field == "token")
        }
    }

    @Test("a config that cannot be read, or is far too long, is refused", arguments: [false, true])
    func unreadable(isLong: Bool) throws {
        let folder = try TemporaryFolder()
        let file =
            isLong
            ? try folder.write(String(repeating: "#\n", count: 1 << 20), to: "long.yaml")
            : "\(folder.path)/missing.yaml"
        let error = #expect(throws: ConfigError.self) { try plan(["--config", file]) }
        #expect(error?.field == "config")
        #expect(error?.problem.contains(file) == true)
    }

    @Test(
        "a config that others can read is worth a word",
        arguments: [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1), (0o644, 1), (0o622, 0)]
    )
    func warnings(_ mode: Int, _ count: Int) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(yaml, to: "netron.yaml", mode: mode)
        #expect(try plan(["--config", file]).warnings.count == count)
    }

    @Test("a field that is not known is worth a word")
    func unknownField() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(yaml + "colour: blue\n", to: "netron.yaml")
        let warnings = try plan(["--config", file]).warnings
        #expect(warnings.count == 1 && warnings.allSatisfy { $0.hasSuffix(": colour") })
    }
}
