// SPDX-License-Identifier: Apache-2.0

extension DNSMessage {
    /// The message in bytes, with names compressed.
    ///
    /// The host of a SRV record is compressed in multicast DNS alone: the answer to an asker who
    /// does not speak it must leave it whole (RFC 6762 section 18.14).
    package func encoded(compressesHosts: Bool = true) -> [UInt8] {
        let sections = [answers, authorities, additionals]
        // What we say is made of a bounded cache and bounded settings.
        precondition(questions.count <= Self.questionsMax, "\(questions.count) questions")
        precondition(sections.joined().count <= Self.recordsMax, "too many records in one message")
        var writer = DNSWriter(compressesHosts: compressesHosts)
        writer.bytes.append(bigEndian: id)
        writer.bytes.append(bigEndian: flags)
        writer.bytes.append(bigEndian: UInt16(questions.count))
        for section in sections { writer.bytes.append(bigEndian: UInt16(section.count)) }
        for question in questions { writer.write(question) }
        for record in sections.joined() { writer.write(record) }
        return writer.bytes
    }
}

extension DNSData {
    /// The data without compression, as conflicts are decided by it (RFC 6762 section 8.2).
    package var canonicalBytes: [UInt8] {
        var writer = DNSWriter(compressesHosts: false)
        writer.write(self, of: DNSName(wire: [0]))
        return writer.bytes
    }
}

private struct DNSWriter {
    /// The last place that a pointer can lead to.
    private static let offsetMax = 0x3FFF

    private static let topBit: UInt16 = 0x8000
    private static let internetClass: UInt16 = 1

    var bytes: [UInt8] = []
    private let compressesHosts: Bool
    private var offsets: [ArraySlice<UInt8>: Int] = [:]

    init(compressesHosts: Bool) { self.compressesHosts = compressesHosts }

    mutating func write(_ question: DNSQuestion) {
        write(question.name)
        bytes.append(bigEndian: question.type.rawValue)
        bytes.append(bigEndian: Self.internetClass | (question.wantsUnicast ? Self.topBit : 0))
    }

    mutating func write(_ record: DNSRecord) {
        write(record.name)
        bytes.append(bigEndian: record.data.type.rawValue)
        bytes.append(bigEndian: Self.internetClass | (record.flushes ? Self.topBit : 0))
        bytes.append(bigEndian: record.seconds)
        let lengthAt = bytes.count
        bytes.append(bigEndian: UInt16(0))
        write(record.data, of: record.name)
        let length = bytes.count - lengthAt - 2
        precondition(length <= UInt16.max, "a record of \(length) bytes")
        bytes[lengthAt] = UInt8(length >> 8)
        bytes[lengthAt + 1] = UInt8(length & 0xFF)
    }

    mutating func write(_ data: DNSData, of owner: DNSName) {
        switch data {
        case .pointer(let target):
            if compressesHosts { write(target) } else { bytes += target.wire }
        case .service(let port, let host):
            bytes.append(bigEndian: UInt32(0))
            bytes.append(bigEndian: port)
            if compressesHosts { write(host) } else { bytes += host.wire }
        case .text(let strings):
            for string in strings {
                precondition(string.count <= 255, "a text of \(string.count) bytes")
                bytes.append(UInt8(string.count))
                bytes += string
            }
            // No string at all is written as an empty one (RFC 6763 section 6.1).
            if strings.isEmpty { bytes.append(0) }
        case .address(let address): bytes += address.bytes
        case .only(let types):
            if compressesHosts { write(owner) } else { bytes += owner.wire }
            write(types)
        }
    }

    private mutating func write(_ types: [DNSType]) {
        guard let last = types.map(\.rawValue).max() else { return }
        precondition(last < 256, "type \(last) is not in the first window")
        var bits = [UInt8](repeating: 0, count: Int(last) / 8 + 1)
        for type in types { bits[Int(type.rawValue) / 8] |= 0x80 >> UInt8(type.rawValue % 8) }
        bytes += [0, UInt8(bits.count)] + bits
    }

    /// Writes a name, from that label on as a pointer where the rest stands already.
    private mutating func write(_ name: DNSName) {
        var rest = name.wire[...]
        while let length = rest.first, length > 0 {
            if let offset = offsets[rest] {
                bytes.append(bigEndian: UInt16(0xC000 | offset))
                return
            }
            if bytes.count <= Self.offsetMax { offsets[rest] = bytes.count }
            bytes += rest.prefix(Int(length) + 1)
            rest = rest.dropFirst(Int(length) + 1)
        }
        bytes.append(0)
    }
}
