// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import NetronWire

extension Host {
    /// Below the own process, which is there where nothing else of /proc is.
    private static let routesPath = "/proc/self/net/route"
    /// Some 500 routes; the default one comes first.
    private static let routesByteCountMax = 64 << 10

    /// The router of the IPv4 default route with the lowest metric, if there is one; routes over
    /// `excluded` do not count, which is the inner network's own.
    package static func gateway(excluding excluded: String? = nil) -> Gateway? {
        guard let bytes = try? Files.read(routesPath, upTo: routesByteCountMax) ?? [],
            let address = defaultGateway(
                in: String(decoding: bytes, as: UTF8.self),
                excluding: excluded
            ),
            let socket = DatagramSocket(to: Endpoint(address, port: PCP.port)),
            let host = socket.localAddress, host.isHost
        else { return nil }
        return Gateway(address, host: host)
    }

    /// Reads the kernel's table: interface, destination, gateway, flags, three counts of which the
    /// last is the metric, mask; addresses as the words that they are in memory.
    static func defaultGateway(in table: String, excluding excluded: String?) -> IPAddress? {
        var best: (metric: Int, address: IPAddress)?
        for line in table.split(separator: "\n").dropFirst() {
            let fields = line.split { $0 == "\t" || $0 == " " }
            guard fields.count >= 8, excluded.map({ $0 != fields[0] }) ?? true,
                UInt32(fields[1], radix: 16) == 0, UInt32(fields[7], radix: 16) == 0,
                let gateway = UInt32(fields[2], radix: 16), gateway != 0,
                let flags = Int32(fields[3], radix: 16),
                flags & routeIsUp != 0, flags & routeHasGateway != 0,
                let metric = Int(fields[6])
            else { continue }
            let number = UInt128(UInt32(bigEndian: gateway))
            if best.map({ metric < $0.metric }) ?? true {
                best = (metric, IPAddress(.v4, number: number))
            }
        }
        return best?.address
    }

    // RTF_UP and RTF_GATEWAY of linux/route.h.
    private static let routeIsUp: Int32 = 1
    private static let routeHasGateway: Int32 = 2
}
