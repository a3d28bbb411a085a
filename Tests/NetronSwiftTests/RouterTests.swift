// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@testable internal import NetronEngine

@Suite("routers") struct RouterTests {
    /// As /proc/net/route has it on a little-endian host.
    private static let head =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"

    private static func row(
        _ interface: String,
        _ destination: UInt32,
        via gateway: UInt32,
        flags: String = "0003",
        metric: Int = 0,
        mask: UInt32 = 0
    ) -> String {
        func word(_ number: UInt32) -> String {
            let digits = String(number.bigEndian, radix: 16, uppercase: true)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }
        return "\(interface)\t\(word(destination))\t\(word(gateway))\t\(flags)\t0\t0\t\(metric)\t"
            + "\(word(mask))\t0\t0\t0\n"
    }

    private func found(_ rows: String..., besides excluded: String? = "netron0") -> String? {
        Host.defaultGateway(in: Self.head + rows.joined(), excluding: excluded)?.description
    }

    @Test("the router of the default route with the lowest metric is found")
    func lowest() {
        let low = Self.row("eth0", 0, via: 0xC0A8_0001, metric: 100)
        let high = Self.row("wlan0", 0, via: 0x0A00_0001, metric: 600)
        #expect(found(low, high) == "192.168.0.1")
        #expect(found(high, low) == "192.168.0.1")
    }

    @Test("other routes, those without a router, and those of the inner network are none")
    func others() {
        #expect(found() == nil)
        #expect(found("eth0\tgarbage\n\n\t\t\n") == nil)
        #expect(found(Self.row("eth0", 0xC0A8_0000, via: 0, mask: 0xFFFF_FF00)) == nil)
        // Half of all is not the default.
        #expect(found(Self.row("eth0", 0, via: 0xC0A8_0001, mask: 0x8000_0000)) == nil)
        #expect(found(Self.row("ppp0", 0, via: 0, flags: "0001")) == nil)
        #expect(found(Self.row("eth0", 0, via: 0xC0A8_0001, flags: "0002")) == nil)
        let inner = Self.row("netron0", 0, via: 0x0A01_0001)
        #expect(found(inner) == nil)
        #expect(found(inner, besides: nil) == "10.1.0.1")
    }

    @Test("of a URL the address counts that is asked, and no name is")
    func urls() {
        let texts = [
            "http://192.168.0.1:5000/root.xml", "HTTP://192.168.0.1/a@b", "http://192.168.0.1",
        ]
        for text in texts { #expect(UPnPClient.address(in: text)?.description == "192.168.0.1") }
        let others = [
            "https://192.168.0.1/", "http://router/", "http://192.168.0.1@10.0.0.1/",
            "http://192.168.0.1:80@10.0.0.1/", "http://192.168.0.1?@10.0.0.1", "192.168.0.1", "",
        ]
        for text in others { #expect(UPnPClient.address(in: text) == nil, "\(text)") }
    }
}
