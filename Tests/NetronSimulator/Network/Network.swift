// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Where nodes are, which way a datagram takes, and what becomes of it there.
struct Network {
    /// How many groups a partition can tell apart.
    static let groupsMax = 64
    /// One way between two hosts of one site, in nanoseconds.
    private static let lanDelay: UInt64 = 150_000

    /// Where a node is attached.
    struct Attachment {
        /// The public place; nil behind a gateway.
        var place: Int?
        /// The gateway's site and the host in it; else nil.
        var site: (number: Int, host: Int)?
        var port: UInt16
        var families: Families
        var position: Position
        var group: UInt8 = 0
    }

    /// Where a datagram goes, if it is not lost.
    struct Way {
        let node: Int
        /// Where it comes from, as its receiver sees it.
        let source: Endpoint
        /// The port of the receiver's gateway that it comes to; 0 if there is none.
        let gatePort: UInt16
        /// Which of the receiver's sockets it comes to; 0 for the one on its port.
        var door = 0
        /// Nanoseconds.
        let delay: UInt64
        /// What a second copy takes, if there is one.
        let secondDelay: UInt64?
    }

    private enum Resident {
        case node(Int)
        case site(Int)
        case nobody
    }

    var settings: LinkSettings
    private let seed: UInt64
    private(set) var attachments: [Attachment] = []
    private var places: [Resident] = []
    private var gateways: [Gateway] = []
    private var hosts: [[Int]] = []
    // Bit g of the mask of a group: what it sends to group g is lost.
    private var blocked = [UInt64](repeating: 0, count: groupsMax)
    private var isWhole = true

    init(seed: UInt64, settings: LinkSettings) {
        self.seed = seed
        self.settings = settings
    }

    // MARK: - Attaching

    mutating func attach(_ profile: NodeProfile, using random: inout SeededRandom) -> Int {
        let node = attachments.count
        var attachment = Attachment(
            port: profile.port,
            families: profile.families,
            position: Position(seed: seed, node: node)
        )
        if profile.nat == .none {
            attachment.place = addPlace(.node(node))
        } else {
            attachment.families = .v4
            let site = profile.site ?? addSite(profile, using: &random)
            precondition(site < gateways.count, "there is no site \(site)")
            attachment.site = (site, hosts[site].count)
            hosts[site].append(node)
        }
        attachments.append(attachment)
        return node
    }

    /// A gateway with a public address of its own.
    mutating func addSite(_ profile: NodeProfile, using random: inout SeededRandom) -> Int {
        let site = gateways.count
        let place = addPlace(.site(site))
        gateways.append(
            Gateway(
                AddressPlan.address(ofPlace: place, .v4),
                kind: profile.nat,
                timeout: nanoseconds(profile.natTimeout),
                firstPort: UInt16.random(in: 10_000...40_000, using: &random)
            )
        )
        hosts.append([])
        return site
    }

    /// Attaches another node where one was.
    mutating func attachAgain(_ old: Int) -> Int {
        let node = attachments.count
        let attachment = attachments[old]
        attachments.append(attachment)
        if let place = attachment.place {
            places[place] = .node(node)
        } else if let site = attachment.site {
            hosts[site.number][site.host] = node
        }
        return node
    }

    /// Gives a public node a new address.
    mutating func move(_ node: Int) {
        guard let place = attachments[node].place else {
            preconditionFailure("only a node with a public address moves")
        }
        places[place] = .nobody
        attachments[node].place = addPlace(.node(node))
    }

    /// Takes a node behind another gateway.
    mutating func roam(_ node: Int, to site: Int) {
        precondition(attachments[node].site != nil, "only who is behind a gateway goes to another")
        attachments[node].site = (site, hosts[site].count)
        hosts[site].append(node)
    }

    private mutating func addPlace(_ resident: Resident) -> Int {
        places.append(resident)
        return places.count - 1
    }

    /// Where a node sits, as it sees that itself; nil if it has no address of the family.
    func localEndpoint(of node: Int, _ family: IPAddress.Family = .v4) -> Endpoint? {
        let attachment = attachments[node]
        guard attachment.families.contains(family) else { return nil }
        if let site = attachment.site {
            let address = AddressPlan.address(ofHost: site.host, in: site.number)
            return Endpoint(address, port: attachment.port)
        }
        guard let place = attachment.place else { return nil }
        return Endpoint(AddressPlan.address(ofPlace: place, family), port: attachment.port)
    }

    /// The other nodes behind the same gateway.
    func neighbours(of node: Int) -> [Int] {
        attachments[node].site.map { site in hosts[site.number].filter { $0 != node } } ?? []
    }

    // MARK: - Partitions

    mutating func setGroup(of node: Int, to group: Int) {
        precondition((0..<Self.groupsMax).contains(group))
        attachments[node].group = UInt8(group)
    }

    /// Loses what one group sends to another.
    mutating func block(_ group: Int, to other: Int) {
        blocked[group] |= 1 << UInt64(other)
        isWhole = false
    }

    mutating func heal() {
        blocked = blocked.map { _ in 0 }
        isWhole = true
    }

    func isBlocked(_ from: Int, to: Int) -> Bool {
        guard !isWhole else { return false }
        return blocked[Int(attachments[from].group)] >> UInt64(attachments[to].group) & 1 == 1
    }

    // MARK: - Sending

    /// Sends a datagram; nil if it gets lost on its way or leads nowhere.
    ///
    /// Whether the receiver's gateway lets it in is asked when it comes there, by `admits`.
    mutating func send(
        from node: Int,
        by door: Int = 0,
        to remote: Endpoint,
        bytes: Int,
        at now: UInt64,
        using random: inout SeededRandom
    ) -> Way? {
        guard bytes <= settings.mtuBytes, let source = localEndpoint(of: node, remote.family)
        else { return nil }
        if let host = AddressPlan.host(of: remote.address) {
            return wayInside(from: node, source, to: host, port: remote.port)
        }
        let site = attachments[node].site
        var outer = source
        if let site {
            outer = gateways[site.number].send(from: node, by: door, to: remote, at: now)
        }
        guard let place = AddressPlan.place(of: remote.address), place < places.count else {
            return nil
        }
        let receiver: Int
        var (gatePort, receiverDoor) = (UInt16(0), 0)
        switch places[place] {
        case .nobody: return nil
        case .node(let found):
            let attachment = attachments[found]
            guard attachment.port == remote.port, attachment.families.contains(remote.family)
            else { return nil }
            receiver = found
        case .site(let other):
            guard other != site?.number,
                let owner = gateways[other].owner(of: remote.port, at: now)
            else { return nil }
            (receiver, receiverDoor) = owner
            gatePort = remote.port
        }
        guard receiver != node, !isBlocked(node, to: receiver), !random.happens(settings.loss)
        else { return nil }
        return Way(
            node: receiver,
            source: outer,
            gatePort: gatePort,
            door: receiverDoor,
            delay: delay(node, receiver, using: &random),
            secondDelay: random.happens(settings.duplication)
                ? delay(node, receiver, using: &random) : nil
        )
    }

    /// Whether the receiver's gateway lets a datagram in.
    func admits(_ node: Int, port: UInt16, from source: Endpoint, at now: UInt64) -> Bool {
        guard port != 0, let site = attachments[node].site else { return true }
        return gateways[site.number].admits(port, from: source, at: now)
    }

    /// Nanoseconds one way, without jitter.
    func baseDelay(_ from: Int, _ to: Int) -> UInt64 {
        let delay = attachments[from].position.delay(to: attachments[to].position)
        return UInt64(Double(delay) * settings.delayScale)
    }

    private func wayInside(
        from node: Int,
        _ source: Endpoint,
        to host: (site: Int, host: Int),
        port: UInt16
    ) -> Way? {
        guard attachments[node].site?.number == host.site, hosts[host.site].indices ~= host.host
        else { return nil }
        let receiver = hosts[host.site][host.host]
        guard attachments[receiver].port == port, receiver != node,
            !isBlocked(node, to: receiver)
        else { return nil }
        return Way(
            node: receiver,
            source: source,
            gatePort: 0,
            delay: Self.lanDelay,
            secondDelay: nil
        )
    }

    private func delay(_ from: Int, _ to: Int, using random: inout SeededRandom) -> UInt64 {
        let base = Double(baseDelay(from, to))
        var delay = base * (1 + settings.jitter * random.exponential())
        if random.happens(settings.reordering) {
            delay += Double(nanoseconds(settings.reorderingDelay)) * random.unit()
        }
        return UInt64(delay)
    }
}

extension Endpoint {
    var family: IPAddress.Family { address.family }
}

/// A span as nanoseconds, 0 if it is negative.
func nanoseconds(_ duration: Duration) -> UInt64 {
    UInt64(clamping: duration.attoseconds / 1_000_000_000)
}
