// SPDX-License-Identifier: Apache-2.0

/// A message of the Domain Name System, as multicast DNS uses it (RFC 1035, RFC 6762 section 18).
///
///     id            2 bytes, 0 in multicast
///     flags         2 bytes: response 0x8000, authoritative 0x0400, truncated 0x0200
///     counts        4 x 2 bytes: of questions, answers, authorities, additionals
///     questions     name, type (2), class (2; the top bit asks for a unicast answer)
///     records       name, type (2), class (2; the top bit flushes caches), time to live (4),
///                   length (2), as many bytes
///
/// A name is labels behind their lengths, up to a zero or up to a pointer (2 bytes, 0xC000 set)
/// to an earlier place of the message.
package struct DNSMessage: Hashable, Sendable {
    /// Answers a query.
    package static let responseFlag: UInt16 = 0x8000

    /// The sender has the right to answer; set in every multicast response.
    package static let authoritativeFlag: UInt16 = 0x0400

    /// More known answers follow in another message.
    package static let truncatedFlag: UInt16 = 0x0200

    /// How many bytes a message has at most (RFC 6762 section 17).
    package static let bytesMax = 9_000

    /// How many questions a message that is taken has at most.
    package static let questionsMax = 64

    /// How many records a message that is taken has at most, of all sections.
    package static let recordsMax = 256

    package var id: UInt16 = 0
    package var flags: UInt16 = 0
    package var questions: [DNSQuestion] = []
    package var answers: [DNSRecord] = []
    package var authorities: [DNSRecord] = []
    package var additionals: [DNSRecord] = []

    package init() {}

    package var isResponse: Bool { flags & Self.responseFlag != 0 }

    package var isTruncated: Bool { flags & Self.truncatedFlag != 0 }

    /// Bits 11 to 14 and 0 to 3, which must be 0 or the message is ignored (section 18).
    package var hasOtherOperation: Bool { flags & 0x780F != 0 }
}

/// The kind of a record, or what a question asks for.
package struct DNSType: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let a = Self(rawValue: 1)
    package static let ptr = Self(rawValue: 12)
    package static let txt = Self(rawValue: 16)
    package static let aaaa = Self(rawValue: 28)
    package static let srv = Self(rawValue: 33)
    package static let nsec = Self(rawValue: 47)

    /// Every type, in a question.
    package static let any = Self(rawValue: 255)
}

/// What somebody wants to know, in class IN or ANY.
package struct DNSQuestion: Hashable, Sendable {
    package let name: DNSName
    package let type: DNSType

    /// The answer should go to the asker alone ("QU").
    package let wantsUnicast: Bool

    package init(_ name: DNSName, _ type: DNSType, wantsUnicast: Bool = false) {
        self.name = name
        self.type = type
        self.wantsUnicast = wantsUnicast
    }
}

/// What somebody knows of a name, in class IN.
package struct DNSRecord: Hashable, Sendable {
    package let name: DNSName
    package let data: DNSData

    /// How long the record holds, in seconds; 0 takes it back.
    package var seconds: UInt32

    /// This is all there is of that name and type: what else is cached goes ("cache-flush").
    package var flushes: Bool

    package init(_ name: DNSName, _ data: DNSData, seconds: UInt32, flushes: Bool = false) {
        self.name = name
        self.data = data
        self.seconds = seconds
        self.flushes = flushes
    }
}

/// What a record says.
package enum DNSData: Hashable, Sendable {
    /// PTR: the name leads to another.
    case pointer(DNSName)
    /// SRV: the service is at that port of that host; priority and weight are 0 when written.
    case service(port: UInt16, host: DNSName)
    /// TXT: strings of at most 255 bytes.
    case text([[UInt8]])
    /// A or AAAA.
    case address(IPAddress)
    /// NSEC: the name has records of these types (below 256) and of no others.
    case only([DNSType])

    package var type: DNSType {
        switch self {
        case .pointer: .ptr
        case .service: .srv
        case .text: .txt
        case .address(let address): address.family == .v4 ? .a : .aaaa
        case .only: .nsec
        }
    }
}
