// SPDX-License-Identifier: Apache-2.0

/// The Port Control Protocol, version 2, as far as a mapping of a UDP port takes it (RFC 6887).
///
///      0               1               2               3
///     +---------------+---------------+---------------+---------------+
///     | version 2     |R| opcode 1    | reserved      | result code   |  a request: both reserved
///     +---------------+---------------+---------------+---------------+
///     | lifetime, in seconds                                          |
///     +---------------------------------------------------------------+
///     | request: 16 bytes, the client's address (IPv4 as ::ffff:a.b.c.d)
///     | answer:  4 bytes of the router's clock, 12 reserved
///     +---------------------------------------------------------------+
///     | nonce: 12 bytes                                               |
///     +---------------+-----------------------------------------------+
///     | protocol 17   | reserved                                      |
///     +---------------+---------------+-------------------------------+
///     | internal port                 | external port                 |
///     +-------------------------------+-------------------------------+
///     | external address: 16 bytes                                    |
///     +---------------------------------------------------------------+
package enum PCP {
    /// The port of routers; NAT-PMP has the same.
    package static let port: UInt16 = 5351
    package static let nonceByteCount = 12
    /// What an answer has at most; one of ours has 60 bytes, and options behind it mean nothing.
    package static let bytesMax = 1_100

    static let version: UInt8 = 2
    static let answerBit: UInt8 = 0x80
    static let mapOpcode: UInt8 = 1
    static let udp: UInt8 = 17
    static let addressByteCount = 16

    /// The version or the opcode is none that the router knows.
    static let unsupportedVersion: UInt8 = 1
    static let unsupportedOpcode: UInt8 = 4
}

extension PCP {
    /// The request of a mapping, or of its end.
    package static func encoded(_ request: MappingRequest) -> [UInt8] {
        precondition(request.nonce.count == nonceByteCount, "a nonce of \(nonceByteCount) bytes")
        // What is not known is the unspecified address of the family that is wanted.
        let external = request.externalAddress ?? IPAddress(.v4, number: 0)
        var writer = ByteWriter(reserving: 60)
        writer.write(version)
        writer.write(mapOpcode)
        writer.write(UInt16(0))
        writer.write(request.lifetime)
        writer.write(request.gateway.host.mappedBytes)
        writer.write(request.nonce)
        writer.write(udp)
        writer.write([0, 0, 0])
        writer.write(request.port)
        writer.write(request.externalPort)
        writer.write(external.mappedBytes)
        return writer.bytes
    }
}

/// What a router answers to a request of a mapping by PCP.
package enum PCPAnswer: Hashable, Sendable {
    /// It speaks another version; one that speaks NAT-PMP alone says so by version 0.
    case unsupported
    /// Why it does not (RFC 6887, section 7.4); for how long depends on the code.
    case refused(UInt8)
    case granted(nonce: [UInt8], port: UInt16, PortMapping)

    package init(_ bytes: [UInt8]) throws(WireError) {
        guard bytes.count <= PCP.bytesMax else { throw .tooMany }
        var reader = ByteReader(bytes)
        let version = try reader.read(UInt8.self)
        let opcode = try reader.read(UInt8.self)
        guard opcode & PCP.answerBit != 0 else { throw .notCanonical }
        _ = try reader.read(UInt8.self)
        let code = try reader.read(UInt8.self)
        guard version == PCP.version else {
            self = .unsupported
            return
        }
        let lifetime = try reader.read(UInt32.self)
        _ = try reader.read(bytes: 16)
        guard code != PCP.unsupportedVersion, code != PCP.unsupportedOpcode else {
            self = .unsupported
            return
        }
        guard opcode == PCP.mapOpcode | PCP.answerBit else { throw .notCanonical }
        guard code == 0 else {
            self = .refused(code)
            return
        }
        let nonce = Array(try reader.read(bytes: PCP.nonceByteCount))
        guard try reader.read(UInt8.self) == PCP.udp else { throw .notCanonical }
        _ = try reader.read(bytes: 3)
        let port = try reader.read(UInt16.self)
        let externalPort = try reader.read(UInt16.self)
        let bytes = try reader.read(bytes: PCP.addressByteCount)
        guard let address = IPAddress(bytes: bytes) else { throw .notCanonical }
        let external = Endpoint(address, port: externalPort)
        self = .granted(nonce: nonce, port: port, PortMapping(external, lifetime: lifetime))
    }

    /// What it means to whoever sent the request; nil if it is the answer to another one.
    package func answer(to request: MappingRequest) -> MappingAnswer? {
        switch self {
        case .unsupported: .failure(.unsupported)
        case .refused(let code): .failure(.refused(Int(code)))
        case .granted(request.nonce, request.port, let mapping): .success(mapping)
        case .granted: nil
        }
    }
}
