// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

private let epoch = InternetScript.wall / InternetScript.hour

@Suite("Internet discovery: finding") struct InternetFindingTests {
    private func find(_ endpoints: [Endpoint], in script: inout InternetScript) {
        script.put(.found(key: InternetScript.key(of: epoch), endpoints))
    }

    @Test("what is found is tried, and the same again after 5, 10, 20 s, up to 5 min")
    func again() {
        var script = InternetScript()
        script.tell()
        script.forget()
        for _ in 0..<2_000 {
            find([InternetScript.outer(2)], in: &script)
            script.run(for: 1)
        }
        let times = script.deeds.filter { $0.effect == .discovered(InternetScript.outer(2)) }
            .map(\.seconds)
        #expect(times.prefix(6) == [0, 5, 15, 35, 75, 155])
        let pauses = zip(times.dropFirst(), times).map { $0 - $1 }
        #expect(pauses.max() == 300)
    }

    @Test("one lookup makes at most 16 tries, the next ones bring the others' turn")
    func many() {
        var script = InternetScript()
        script.tell()
        let all = (1...40).map { InternetScript.outer($0) }
        find(all, in: &script)
        find(all, in: &script)
        #expect(script.found.count == 16)
        script.run(for: 1.5)
        find(all, in: &script)
        script.run(for: 2.5)
        find(all, in: &script)
        #expect(Set(script.found).count == 40)
    }

    @Test("the honest endpoint among a thousand made up ones is tried before long")
    func poisoned() {
        var script = InternetScript()
        script.tell()
        var rounds = 0
        while !script.found.contains(InternetScript.outer(2)), rounds < 500 {
            let junk = (1...100).map {
                InternetScript.endpoint("198.18.\(rounds % 250).\($0):\(1 + rounds)")
            }
            find(junk + [InternetScript.outer(2)], in: &script)
            script.run(for: 60)
            rounds += 1
        }
        #expect(rounds < 60)
    }

    @Test("our own endpoints, those of sessions and those of nobody are not tried")
    func own() {
        var script = InternetScript()
        script.put(.addresses([InternetScript.address("198.51.100.7")]))
        script.put(.publicEndpoint(InternetScript.endpoint("198.51.100.1:9000")))
        let other = InternetScript.endpoint("198.51.100.2:9001")
        script.put(.observed(other, by: InternetScript.member(2)))
        script.tell()
        script.meet(3, isKnown: true)
        script.forget()
        let refused = [
            "198.51.100.7:7000", "198.51.100.1:9000", "198.51.100.2:9001", "203.0.113.4:0",
            "127.0.0.1:7000", "224.0.0.1:7000", "0.0.0.0:7000", "255.255.255.255:7000",
            "169.254.1.1:7000", "10.0.0.1:7000", "192.168.3.4:7000", "172.31.0.1:7000",
            "100.127.0.1:7000", "[fd00::2]:7000", "[fe80::2]:7000", "[::1]:7000",
        ].map { InternetScript.endpoint($0) }
        find(refused + [InternetScript.outer(3)], in: &script)
        #expect(script.found == [])
        let tried = ["198.51.100.7:7001", "198.51.100.1:7000", "100.128.0.1:7000", "172.32.0.1:1"]
            .map { InternetScript.endpoint($0) }
        find(tried, in: &script)
        #expect(script.found == tried)
    }

    @Test("in a DHT that the user named private addresses are as good as others")
    func closed() {
        var script = InternetScript(isBootstrapNamed: true)
        script.tell()
        find([InternetScript.endpoint("10.0.0.1:7000")], in: &script)
        #expect(script.found == [InternetScript.endpoint("10.0.0.1:7000")])
    }

    @Test("what is found under a key that was not asked for is left alone")
    func otherKey() {
        var script = InternetScript()
        script.tell()
        script.put(.found(key: InternetScript.key(of: epoch + 5), [InternetScript.outer(2)]))
        script.put(.found(key: [], [InternetScript.outer(2)]))
        #expect(script.found == [])
    }

    @Test("an endpoint that proved to be a known member's is left alone for half an hour")
    func known() {
        var script = InternetScript.settled(isAnnouncer: true)
        let key = InternetScript.key(of: epoch + 2)
        script.put(.found(key: key, [InternetScript.outer(2)]))
        script.meet(2, isKnown: true)
        script.lose(2)
        script.run(for: 1_700)
        script.put(.found(key: key, [InternetScript.outer(2)]))
        #expect(script.found.count == 1)
        script.run(for: 101)
        script.put(.found(key: InternetScript.key(of: epoch + 2), [InternetScript.outer(2)]))
        #expect(script.found.count == 2)
    }
}
