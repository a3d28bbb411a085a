// SPDX-License-Identifier: Apache-2.0

internal import NetronConfig
internal import NetronWire
internal import Testing

@Suite("node options") struct NodeOptionsTests {
    private func field(_ make: () throws -> NodeOptions) -> String? {
        let error = #expect(throws: ConfigError.self) { _ = try make() }
        return error?.field
    }

    private func addresses(_ texts: String...) throws -> [InterfaceAddress] {
        try texts.map { try NodeOptions.address($0) }
    }

    @Test("all may be left out") func defaults() throws {
        let options = try NodeOptions()
        #expect(options.interfaceName == "netron0")
        #expect(options.mtu == 1400)
        #expect(options.port == 0)
        #expect(options.mdns)
        #expect(options.wantsInterface)
        #expect(options.logLevel == .info)
        #expect(options.logFormat == .text)
        #expect(options.lanes == nil)
        #expect(options.api == nil)
        #expect(!options.ephemeral)
    }

    @Test(
        "a proxy is an HTTP proxy without a user",
        arguments: [
            ("http://proxy.example:3128", "proxy.example:3128"),
            ("http://[fd00::1]:1/", "[fd00::1]:1"),
            ("proxy.example:8080", "proxy.example:8080"),
        ]
    )
    func proxies(text: String, place: String) throws {
        #expect(try NodeOptions.proxy(text).description == place)
    }

    @Test(
        "another proxy is refused, and no password is shown",
        arguments: [
            "https://proxy.example:1", "socks5://proxy.example:1", "http://proxy.example", "",
            "http://me:secret@proxy.example:1", "http://",
        ]
    )
    func noProxies(text: String) {
        let error = #expect(throws: ConfigError.self) { try NodeOptions.proxy(text) }
        #expect(error?.field == "proxy")
        #expect(error?.description.contains("secret") == false)
    }

    @Test("a peer of TCP needs TCP") func peersOfTCP() throws {
        let peer = try NodeOptions.peer("tcp://a.example:443")
        #expect(try NodeOptions(peers: [peer]).peers == [peer])
        #expect(field { try NodeOptions(peers: [peer], tcp: false) } == "peer")
    }

    @Test("what is in range is taken", arguments: [(1280, 0, 1), (3480, 65535, 4)])
    func inRange(mtu: Int, port: Int, lanes: Int) throws {
        let options = try NodeOptions(mtu: mtu, port: port, lanes: lanes)
        #expect(options.mtu == mtu)
        #expect(Int(options.port) == port)
        #expect(options.lanes == lanes)
    }

    @Test("what is out of range is named") func outOfRange() {
        for mtu in [1279, 3481, 0, -1, Int.max] {
            #expect(field { try NodeOptions(mtu: mtu) } == "mtu")
        }
        for port in [-1, 65536] { #expect(field { try NodeOptions(port: port) } == "port") }
        for lanes in [0, 5, -1] { #expect(field { try NodeOptions(lanes: lanes) } == "lanes") }
    }

    @Test(
        "an interface has a name that Linux takes",
        arguments: ["a", "netron0", "123456789012345"]
    )
    func interfaceNames(name: String) throws {
        #expect(try NodeOptions(interfaceName: name).interfaceName == name)
    }

    @Test("another name is refused") func noInterfaceNames() {
        let names = [
            "", ".", "..", "a/b", "a b", "a\tb", "a\nb", "a:1", "tun%d", "1234567890123456",
            "h\u{f6}", "a\u{0}", "a\u{7f}",
        ]
        for name in names {
            #expect(field { try NodeOptions(interfaceName: name) } == "interface", "\(name)")
        }
    }

    @Test("addresses of either family are taken, each once") func someAddresses() throws {
        let both = try addresses("10.1.0.11/24", "fd00::1/64", "10.1.0.12")
        #expect(try NodeOptions(addresses: both).addresses == both)
        let twice = try addresses("10.1.0.11/24", "10.1.0.11/16")
        #expect(field { try NodeOptions(addresses: twice) } == "address")
    }

    @Test(
        "an address of no host is refused",
        arguments: [
            "10.1.0.0/24", "10.1.0.255/24", "127.0.0.1/8", "224.0.0.1", "0.0.0.0", "::1", "ff02::1",
            "::/64", "10.1.0.1/0", "fd00::1/0", "255.255.255.255",
        ]
    )
    func noHosts(text: String) throws {
        let some = try addresses(text)
        #expect(field { try NodeOptions(addresses: some) } == "address")
    }

    @Test("15 addresses and 64 peers are the most") func counts() throws {
        let some = try (1...16).map { try NodeOptions.address("10.1.0.\($0)/24") }
        #expect(throws: Never.self) { try NodeOptions(addresses: Array(some.prefix(15))) }
        #expect(field { try NodeOptions(addresses: some) } == "address")
        let peers = try (1...65).map { try NodeOptions.peer("host:\($0)") }
        #expect(throws: Never.self) { try NodeOptions(peers: Array(peers.prefix(64))) }
        #expect(field { try NodeOptions(peers: peers) } == "peer")
    }

    @Test("an address needs an interface") func noInterface() throws {
        let some = try addresses("10.1.0.11/24")
        #expect(throws: Never.self) { try NodeOptions(wantsInterface: false) }
        #expect(
            field { try NodeOptions(addresses: some, wantsInterface: false) } == "address"
        )
    }

    @Test("an address is taken only in a range that has one") func leaseRanges() throws {
        let some = try ["10.1.0.0/24", "fd00::/64", "10.2.0.4/30", "10.3.0.1/32"].map {
            try NodeOptions.leaseRange($0)
        }
        #expect(try NodeOptions(leaseRanges: some).leaseRanges == some)
        #expect(field { try NodeOptions(leaseRanges: some, wantsInterface: false) } == "dhcp")
        for text in ["0.0.0.0/0", "224.0.0.0/4", "127.0.0.0/8", "ff00::/8", "255.255.255.255/32"] {
            let range = try NodeOptions.leaseRange(text)
            #expect(field { try NodeOptions(leaseRanges: [range]) } == "dhcp", "\(text)")
        }
        let wide = try NodeOptions.leaseRange("10.1.0.0/16")
        #expect(field { try NodeOptions(leaseRanges: some + [wide]) } == "dhcp")
        let many = try (1...16).map { try NodeOptions.leaseRange("10.\($0).0.0/16") }
        #expect(throws: Never.self) { try NodeOptions(leaseRanges: Array(many.prefix(15))) }
        #expect(field { try NodeOptions(leaseRanges: many) } == "dhcp")
    }

    @Test("ranges of hosts can be advertised, 8 of them, and none of the own networks")
    func advertised() throws {
        let some = try ["fd50::/64", "192.168.1.0/24", "0.0.0.0/0", "::/0", "10.0.0.0/8"].map {
            try NodeOptions.advertised($0)
        }
        let own = try addresses("10.1.0.11/24", "fd10::11/64")
        #expect(try NodeOptions(addresses: own, advertised: some).advertised == some.sorted())
        #expect(field { try NodeOptions(wantsInterface: false, advertised: some) } == "advertise")
        #expect(field { try NodeOptions(advertised: some + [some[0]]) } == "advertise")
        for text in ["127.0.0.0/8", "224.0.0.0/4", "169.254.0.0/16", "fe80::/64", "0.0.0.0/8"] {
            let range = try NodeOptions.advertised(text)
            #expect(field { try NodeOptions(advertised: [range]) } == "advertise", "\(text)")
        }
        for text in ["10.1.0.0/24", "10.1.0.128/25", "10.1.0.11/32", "fd10::/80"] {
            let range = try NodeOptions.advertised(text)
            #expect(field { try NodeOptions(addresses: own, advertised: [range]) } == "advertise")
        }
        let many = try (1...9).map { try NodeOptions.advertised("10.\($0).0.0/16") }
        #expect(throws: Never.self) { try NodeOptions(advertised: Array(many.prefix(8))) }
        #expect(field { try NodeOptions(advertised: many) } == "advertise")
    }

    @Test("a router is another member's address, and routes need an interface") func router() throws
    {
        let own = try addresses("10.1.0.11/24")
        let address = try NodeOptions.router("10.1.0.1")
        #expect(try NodeOptions(addresses: own, router: address).router == address)
        #expect(field { try NodeOptions(wantsInterface: false, router: address) } == "router")
        #expect(
            field { try NodeOptions(wantsInterface: false, acceptsRoutes: true) } == "accept-routes"
        )
        for text in ["10.1.0.11", "0.0.0.0", "224.0.0.1", "::1"] {
            let wrong = try NodeOptions.router(text)
            #expect(field { try NodeOptions(addresses: own, router: wrong) } == "router", "\(text)")
        }
    }

    @Test("a state directory is a path") func stateDirectory() throws {
        for path in ["", "a\u{0}b", String(repeating: "a", count: 1025)] {
            #expect(field { try NodeOptions(stateDirectory: path) } == "state-dir")
        }
        #expect(try NodeOptions(stateDirectory: "/a").stateDirectory == "/a")
    }

    @Test("a node of the DHT to begin with needs the DHT, and there are not too many")
    func bootstrap() throws {
        let host = try NodeOptions.bootstrap("router.example:6881")
        #expect(try NodeOptions(bootstrap: [host]).bootstrap == [host])
        #expect(field { try NodeOptions(dht: false, bootstrap: [host]) } == "bootstrap")
        #expect(try NodeOptions(dht: false).dht == false)
        let most = [HostPort](repeating: host, count: 16)
        #expect(try NodeOptions(bootstrap: most).bootstrap.count == 16)
        #expect(field { try NodeOptions(bootstrap: most + [host]) } == "bootstrap")
        #expect("\(try NodeOptions.bootstrap("/ip6/2001:db8::1/udp/1"))" == "[2001:db8::1]:1")
    }

    @Test("the interval of discovery has bounds") func discoveryInterval() throws {
        for seconds in [10, 86_400] {
            #expect(try NodeOptions(discoveryInterval: seconds).discoveryInterval == seconds)
        }
        for seconds in [9, 86_401] {
            let refused = field { try NodeOptions(discoveryInterval: seconds) }
            #expect(refused == "discovery-interval")
        }
    }

    @Test(
        "the API listens on a port or a socket",
        arguments: [
            ("127.0.0.1:8080", .usual), ("localhost:1", .port(host: "localhost", 1)),
            ("0.0.0.0:0", .port(host: "0.0.0.0", 0)), ("[::1]:8080", .port(host: "::1", 8080)),
            ("[::]:0", .port(host: "::", 0)), ("h:65535", .port(host: "h", 65535)),
            ("unix:///run/n/api.sock", .socket(path: "/run/n/api.sock")),
            ("unix:///a:0", .socket(path: "/a:0")),
        ] as [(String, APIPlace)]
    )
    func apiPlace(_ text: String, _ place: APIPlace) throws {
        #expect(try NodeOptions.apiPlace(text) == place)
        #expect(place.description == text)
    }

    @Test(
        "any other place is refused",
        arguments: [
            "", ":", ":0", ":8080", "8080", "0", "localhost", "127.0.0.1", "127.0.0.1:65536",
            "127.0.0.1:", "127.0.0.1:00", "::1:80", "[::1]", "[::1:0", "300.0.0.1:0", "a b:0",
            "unix://", "unix://relative", "unix:/a", "unix:///a\u{1B}", "UNIX:///a",
            "http://localhost:80", "ä:0",
        ]
    )
    func noAPIPlace(_ text: String) {
        #expect(
            field {
                _ = try NodeOptions.apiPlace(text)
                return try NodeOptions()
            } == "api-listen"
        )
    }

    @Test("texts become values, or are quoted in the refusal without what steers a terminal")
    func texts() throws {
        #expect(try NodeOptions.logLevel("warning") == .warning)
        #expect(try NodeOptions.logFormat("json") == .json)
        #expect(try NodeOptions.number("mtu", "1400") == 1400)
        #expect(LogLevel.trace < .debug)
        #expect(LogLevel.critical > .error)
        let sentences: [(String, () throws -> Void)] = [
            ("address \"10.1.0/24\" is not", { _ = try NodeOptions.address("10.1.0/24") }),
            ("address \"1.2.3.4/33\" has a prefix", { _ = try NodeOptions.address("1.2.3.4/33") }),
            (
                "advertise \"10.20.0.1/16\" is an address of a range",
                { _ = try NodeOptions.advertised("10.20.0.1/16") }
            ),
            ("advertise \"all\" is not", { _ = try NodeOptions.advertised("all") }),
            ("router \"10.1.0.1/24\" is no address", { _ = try NodeOptions.router("10.1.0.1/24") }),
            ("peer \"h\" has no port", { _ = try NodeOptions.peer("h") }),
            ("peer \"[31mh:0\" has", { _ = try NodeOptions.peer("\u{1B}[31mh:0") }),
            ("mtu \"1e3\" is not", { _ = try NodeOptions.number("mtu", "1e3") }),
            ("port \"\" is not", { _ = try NodeOptions.number("port", "") }),
            ("log-level \"loud\" is not known", { _ = try NodeOptions.logLevel("loud") }),
            ("log-format \"TEXT\" is not known", { _ = try NodeOptions.logFormat("TEXT") }),
        ]
        for (sentence, parse) in sentences {
            let error = #expect(throws: ConfigError.self) { try parse() }
            #expect(error?.description.hasPrefix(sentence) == true, "\(error?.description ?? "")")
        }
    }
}
