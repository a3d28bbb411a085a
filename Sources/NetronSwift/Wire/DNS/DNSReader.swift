// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a DNS message.
package enum DNSError: Error, Hashable, Sendable {
    /// They end too early.
    case truncated
    /// They are more than a message may have, or have too many questions or records.
    case tooLarge
    /// A name is too long, or has a label of a kind that nobody uses.
    case badName
    /// A name's pointer does not lead to an earlier place, or leads on too often.
    case badPointer
    /// A record's length is not that of its data.
    case badLength
}

extension DNSMessage {
    /// Takes a message from bytes that a stranger may have made.
    ///
    /// Questions and records of classes or types that are not ours are left out, by their
    /// length; what is ours must be whole. Bytes behind the last record are not looked at.
    package init(_ bytes: [UInt8]) throws(DNSError) {
        guard bytes.count <= Self.bytesMax else { throw .tooLarge }
        var reader = DNSReader(bytes)
        id = try reader.number()
        flags = try reader.number()
        let counts = [
            Int(try reader.number(UInt16.self)), Int(try reader.number(UInt16.self)),
            Int(try reader.number(UInt16.self)), Int(try reader.number(UInt16.self)),
        ]
        guard counts[0] <= Self.questionsMax, counts[1...].reduce(0, +) <= Self.recordsMax else {
            throw .tooLarge
        }
        for _ in 0..<counts[0] {
            if let question = try reader.question() { questions.append(question) }
        }
        answers = try reader.records(counts[1])
        authorities = try reader.records(counts[2])
        additionals = try reader.records(counts[3])
    }
}

/// Walks through the bytes of one message.
private struct DNSReader {
    /// How many pointers one name follows at most.
    static let pointersMax = 32

    private static let headerBytes = 12
    private static let topBit: UInt16 = 0x8000
    private static let internetClass: UInt16 = 1
    private static let anyClass: UInt16 = 255

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func number<Number: FixedWidthInteger & UnsignedInteger>(
        _ type: Number.Type = Number.self
    ) throws(DNSError) -> Number {
        let end = position + Number.bitWidth / 8
        guard end <= bytes.count else { throw .truncated }
        defer { position = end }
        return bytes[position..<end].reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }

    mutating func question() throws(DNSError) -> DNSQuestion? {
        let name = try self.name()
        let type = DNSType(rawValue: try number())
        let classAndBit = try number(UInt16.self)
        let plainClass = classAndBit & ~Self.topBit
        guard plainClass == Self.internetClass || plainClass == Self.anyClass else { return nil }
        return DNSQuestion(name, type, wantsUnicast: classAndBit & Self.topBit != 0)
    }

    mutating func records(_ count: Int) throws(DNSError) -> [DNSRecord] {
        var records: [DNSRecord] = []
        for _ in 0..<count {
            if let record = try record() { records.append(record) }
        }
        return records
    }

    private mutating func record() throws(DNSError) -> DNSRecord? {
        let name = try self.name()
        let type = DNSType(rawValue: try number())
        let classAndBit = try number(UInt16.self)
        let seconds = try number(UInt32.self)
        let end = Int(try number(UInt16.self)) + position
        guard end <= bytes.count else { throw .truncated }
        guard classAndBit & ~Self.topBit == Self.internetClass else {
            position = end
            return nil
        }
        let data = try self.data(of: type, upTo: end)
        guard position == end else { throw .badLength }
        guard let data else { return nil }
        // A time with the top bit set is none (RFC 2181 section 8).
        return DNSRecord(
            name,
            data,
            seconds: seconds > Int32.max ? 0 : seconds,
            flushes: classAndBit & Self.topBit != 0
        )
    }

    private mutating func data(of type: DNSType, upTo end: Int) throws(DNSError) -> DNSData? {
        switch type {
        case .ptr: return .pointer(try name())
        case .srv:
            _ = try number(UInt32.self)  // Priority and weight: there is one target.
            let port = try number(UInt16.self)
            return .service(port: port, host: try name())
        case .txt: return .text(try strings(upTo: end))
        case .nsec: return .only(try types(upTo: end))
        case .a, .aaaa:
            guard end - position == (type == .a ? 4 : 16) else { throw .badLength }
            let address = IPAddress(bytes: bytes[position..<end])
            position = end
            // An IPv4-mapped address in an AAAA record is nobody's.
            guard let address, (address.family == .v4) == (type == .a) else { return nil }
            return .address(address)
        default:
            position = end
            return nil
        }
    }

    private mutating func strings(upTo end: Int) throws(DNSError) -> [[UInt8]] {
        var strings: [[UInt8]] = []
        while position < end {
            let length = Int(bytes[position])
            guard position + 1 + length <= end else { throw .badLength }
            strings.append([UInt8](bytes[position + 1..<position + 1 + length]))
            position += 1 + length
        }
        // One empty string says the same as none (RFC 6763 section 6.1).
        return strings == [[]] ? [] : strings
    }

    /// Reads the types of an NSEC record; of its windows, 0 has all that multicast DNS knows.
    private mutating func types(upTo end: Int) throws(DNSError) -> [DNSType] {
        _ = try name()
        var types: [DNSType] = []
        var lastWindow = -1
        while position < end {
            guard position + 2 <= end else { throw .badLength }
            let window = Int(bytes[position])
            let length = Int(bytes[position + 1])
            position += 2
            guard window > lastWindow, (1...32).contains(length), position + length <= end else {
                throw .badLength
            }
            lastWindow = window
            for bit in 0..<(window == 0 ? length * 8 : 0)
            where bytes[position + bit / 8] & 0x80 >> (bit % 8) != 0 {
                types.append(DNSType(rawValue: UInt16(bit)))
            }
            position += length
        }
        return types
    }

    /// Reads a name.
    ///
    /// Each pointer must lead to before the labels that it ends, so that no walk comes round.
    private mutating func name() throws(DNSError) -> DNSName {
        var wire: [UInt8] = []
        var start = position
        var place = position
        var end: Int?
        var pointers = 0
        while true {
            guard place < bytes.count else { throw .truncated }
            let length = Int(bytes[place])
            switch length >> 6 {
            case 0 where length == 0:
                position = end ?? place + 1
                return DNSName(wire: wire + [0])
            case 0:
                guard place + 1 + length <= bytes.count else { throw .truncated }
                wire += bytes[place...place + length]
                guard wire.count < DNSName.bytesMax else { throw .badName }
                place += 1 + length
            case 3:
                guard place + 1 < bytes.count else { throw .truncated }
                let target = (length & 0x3F) << 8 | Int(bytes[place + 1])
                pointers += 1
                guard target >= Self.headerBytes, target < start, pointers <= Self.pointersMax
                else {
                    throw .badPointer
                }
                end = end ?? place + 2
                start = target
                place = target
            default: throw .badName
            }
        }
    }
}
