// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

/// Several nodes on one network, in one thread.
///
///     node 1  node 2  ...  node n
///        |       |            |          192.0.2.0/24, fe80::/64
///     ---+-------+------------+---       1 ms to everybody, and back to oneself
final class LANWorld {
    final class Node {
        var machine: LANDiscovery<SeededRandom>
        let number: Int
        var label: String
        var wake = Instant.never
        var found: [(milliseconds: Double, endpoint: Endpoint)] = []
        var isUp = true

        init(_ number: Int, label: String, seed: UInt64) {
            self.number = number
            self.label = label
            let random = SeededRandom(seed: seed)
            machine = LANDiscovery(label: label, port: 7_000 + UInt16(number), random: random)
        }

        func address(_ family: IPAddress.Family) -> IPAddress {
            let network: UInt128 = family == .v4 ? 0xC000_0200 : 0xFE80 << 112
            return IPAddress(family, number: network + UInt128(number))
        }

        /// The nodes whose endpoints it found.
        var met: Set<Int> { Set(found.map { Int($0.endpoint.port) - 7_000 }) }
    }

    private struct Parcel {
        let due: UInt64
        let node: Int
        let bytes: [UInt8]
        let source: Endpoint
    }

    static let hop: UInt64 = 1_000_000

    private(set) var nodes: [Node] = []
    // In order of arrival, since all travel for the same time.
    private var parcels: [Parcel] = []
    private var delivered = 0
    private var nanoseconds: UInt64 = 0
    private var random: SeededRandom
    private let seed: UInt64

    /// Of 100 deliveries, how many are lost.
    var lossPercent: UInt64 = 0

    /// How many bytes went over the network, with headers of IPv4 or IPv6 and of UDP.
    private(set) var bytesSent = 0
    private var labels = 0

    init(seed: UInt64) {
        self.seed = seed
        random = SeededRandom(seed: seed)
    }

    var milliseconds: Double { Double(nanoseconds) / 1_000_000 }

    /// Lets one more node begin.
    func start(label: String? = nil) throws {
        let number = nodes.count + 1
        let name = label ?? "node\(number)"
        let node = Node(number, label: name, seed: seed &* 1_000 &+ UInt64(number))
        nodes.append(node)
        let addresses = [
            InterfaceAddress(node.address(.v4), length: 24),
            InterfaceAddress(node.address(.v6), length: 64),
        ].compactMap { $0 }
        put(.interfacesChanged([LANInterface(index: 2, addresses: addresses)]), to: node)
    }

    func stop(_ number: Int) {
        put(.stopped, to: nodes[number - 1])
        nodes[number - 1].isUp = false
    }

    func run(for milliseconds: Double) {
        let end = nanoseconds + UInt64(milliseconds * 1_000_000)
        while true {
            let parcel = delivered < parcels.count ? parcels[delivered] : nil
            let sleeper = nodes.filter(\.isUp).min { $0.wake < $1.wake }
            let parcelDue = parcel?.due ?? .max
            let wake = sleeper?.wake.nanoseconds ?? .max
            guard min(parcelDue, wake) <= end else { break }
            nanoseconds = max(nanoseconds, min(parcelDue, wake))
            if let parcel, parcelDue <= wake {
                delivered += 1
                if delivered == parcels.count {
                    parcels.removeAll(keepingCapacity: true)
                    delivered = 0
                }
                deliver(parcel)
            } else if let sleeper {
                sleeper.wake = .never
                put(.timeout, to: sleeper)
            }
        }
        nanoseconds = end
    }

    private func deliver(_ parcel: Parcel) {
        let node = nodes[parcel.node]
        guard node.isUp, random.next() % 100 >= lossPercent else { return }
        put(.received(parcel.bytes, from: parcel.source, interface: 2), to: node)
    }

    private func put(_ event: LANEvent, to node: Node) {
        let now = Instant(nanoseconds: nanoseconds)
        var effects: [LANEffect] = []
        node.machine.handle(event, at: now, into: &effects)
        for effect in effects {
            switch effect {
            case .wake(let deadline):
                #expect(deadline > now)
                node.wake = deadline
            case .found(let endpoint): node.found.append((milliseconds, endpoint))
            case .needName:
                labels += 1
                node.label = "fresh\(labels)"
                put(.nameChanged(label: node.label), to: node)
            case .send(let bytes, _, let family, let asker):
                send(bytes, family, from: node, to: asker)
            }
        }
    }

    private func send(
        _ bytes: [UInt8],
        _ family: IPAddress.Family,
        from node: Node,
        to asker: Endpoint?
    ) {
        bytesSent += bytes.count + (family == .v4 ? 28 : 48)
        let source = Endpoint(node.address(family), port: 5353, scope: 2)
        for (index, other) in nodes.enumerated()
        where asker == nil || asker?.address == other.address(family) {
            parcels.append(
                Parcel(due: nanoseconds + Self.hop, node: index, bytes: bytes, source: source)
            )
        }
    }
}
