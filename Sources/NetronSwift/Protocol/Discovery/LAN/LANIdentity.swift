// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// A choice among the records that a node has on a link.
struct LANRecords: OptionSet, Hashable {
    let rawValue: UInt8

    /// PTR from the service to the instance; every node has one.
    static let instance = Self(rawValue: 1 << 0)
    /// PTR from the list of service types to ours; the same at every node.
    static let serviceType = Self(rawValue: 1 << 1)
    /// SRV of the instance.
    static let service = Self(rawValue: 1 << 2)
    /// TXT of the instance.
    static let text = Self(rawValue: 1 << 3)
    /// A of the host.
    static let addressesV4 = Self(rawValue: 1 << 4)
    /// AAAA of the host.
    static let addressesV6 = Self(rawValue: 1 << 5)
    /// NSEC of the instance: there is SRV and TXT and no more.
    static let instanceTypes = Self(rawValue: 1 << 6)
    /// NSEC of the host: there is A, AAAA or both and no more.
    static let hostTypes = Self(rawValue: 1 << 7)

    static let count = 8

    /// What others may have too, so that an answer waits for theirs.
    static let shared: Self = [.instance, .serviceType]
    static let addresses: Self = [.addressesV4, .addressesV6]
    /// What only the owner of the name may have.
    static let owned: Self = [.service, .text, .addressesV4, .addressesV6]
    static let announced: Self = [.instance, .serviceType, .service, .text, .addresses]
    /// What a goodbye takes back; the service type stays as long as anybody has it.
    static let ended: Self = [.instance, .service, .text, .addresses]

    /// The members one by one, lowest bit first.
    var single: [Self] {
        (0..<Self.count).map { Self(rawValue: 1 << $0) }.filter(isSuperset)
    }
}

/// The names that a node goes by, and its records under them.
///
///     _netron._udp.local              PTR   LABEL._netron._udp.local
///     _services._dns-sd._udp.local    PTR   _netron._udp.local
///     LABEL._netron._udp.local        SRV   0 0 PORT LABEL.local
///     LABEL._netron._udp.local        TXT   "v=1"
///     LABEL.local                     A, AAAA
///
/// Nothing here depends on the network's token or the node's id.
package struct LANIdentity: Equatable, Sendable {
    /// What instances of the service are found under.
    package static let serviceType: DNSName = "_netron._udp.local"

    /// What the types of services are found under (RFC 6763 section 9).
    package static let serviceTypes: DNSName = "_services._dns-sd._udp.local"

    package let instance: DNSName
    package let host: DNSName
    let port: UInt16

    /// Makes the names of a label of 1 to 63 bytes.
    init(label: String, port: UInt16) {
        guard let instance = Self.serviceType.prefixed(by: label.utf8),
            let host = ("local" as DNSName).prefixed(by: label.utf8)
        else { preconditionFailure("a label of \(label.utf8.count) bytes") }
        self.instance = instance
        self.host = host
        self.port = port
    }

    /// The records of `choice` on an interface.
    func records(_ choice: LANRecords, on interface: LANInterface) -> [DNSRecord] {
        choice.single.flatMap { records(ofOne: $0, on: interface) }
    }

    private func records(ofOne choice: LANRecords, on interface: LANInterface) -> [DNSRecord] {
        let long = LANLimits.otherSeconds
        let short = LANLimits.hostSeconds
        switch choice {
        case .instance: return [DNSRecord(Self.serviceType, .pointer(instance), seconds: long)]
        case .serviceType:
            return [DNSRecord(Self.serviceTypes, .pointer(Self.serviceType), seconds: long)]
        case .service:
            let data = DNSData.service(port: port, host: host)
            return [DNSRecord(instance, data, seconds: short, flushes: true)]
        case .text:
            let data = DNSData.text([[UInt8]("v=1".utf8)])
            return [DNSRecord(instance, data, seconds: long, flushes: true)]
        case .addressesV4: return addressRecords(.v4, on: interface)
        case .addressesV6: return addressRecords(.v6, on: interface)
        case .instanceTypes:
            return [DNSRecord(instance, .only([.txt, .srv]), seconds: long, flushes: true)]
        case .hostTypes:
            let types = DNSData.only(interface.announcedFamilies.map { $0 == .v4 ? .a : .aaaa })
            return [DNSRecord(host, types, seconds: short, flushes: true)]
        default: preconditionFailure("\(choice) is not one kind of record")
        }
    }

    private func addressRecords(
        _ family: IPAddress.Family,
        on interface: LANInterface
    ) -> [DNSRecord] {
        interface.announced.filter { $0.family == family }.map {
            DNSRecord(host, .address($0), seconds: LANLimits.hostSeconds, flushes: true)
        }
    }

    /// Which of our records answer a question.
    func asked(by question: DNSQuestion, on interface: LANInterface) -> LANRecords {
        let wants = { (type: DNSType) in question.type == type || question.type == .any }
        switch question.name {
        case Self.serviceType: return wants(.ptr) ? .instance : []
        case Self.serviceTypes: return wants(.ptr) ? .serviceType : []
        case instance:
            let records: LANRecords = [
                wants(.srv) ? .service : [], wants(.txt) ? .text : [],
            ]
            return records.isEmpty ? .instanceTypes : records
        case host:
            var records: LANRecords = []
            for family in interface.announcedFamilies {
                if family == .v4 && wants(.a) { records.insert(.addressesV4) }
                if family == .v6 && wants(.aaaa) { records.insert(.addressesV6) }
            }
            return records.isEmpty ? .hostTypes : records
        default: return []
        }
    }

    /// What an asker will want next, to go along with an answer (RFC 6763 section 12).
    func companions(of answer: LANRecords, on interface: LANInterface) -> LANRecords {
        var more: LANRecords = []
        if answer.contains(.instance) { more.formUnion([.service, .text]) }
        if !answer.isDisjoint(with: [.instance, .service, .addresses]) {
            more.formUnion(.addresses)
            // An address that will not come need not be waited for (section 6.1).
            if interface.announcedFamilies.count == 1 { more.insert(.hostTypes) }
        }
        return more.subtracting(answer)
    }
}

extension LANInterface {
    /// The addresses that the node tells others, so many that a message holds them.
    var announced: [IPAddress] {
        var distinct: [IPAddress] = []
        for address in addresses.lazy.map(\.address) where !distinct.contains(address) {
            distinct.append(address)
        }
        // Link-local ones first, which work for every node of the link whatever else is set up.
        let ordered = distinct.filter(\.isLinkLocal) + distinct.filter { !$0.isLinkLocal }
        return [IPAddress](ordered.prefix(LANLimits.addressesAnnouncedMax))
    }

    var announcedFamilies: [IPAddress.Family] {
        [.v4, .v6].filter { family in announced.contains { $0.family == family } }
    }
}
