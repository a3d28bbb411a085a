// SPDX-License-Identifier: Apache-2.0

/// How a NAT chooses the port that others see (RFC 4787, section 4.1).
package enum NATMapping: Hashable, Sendable {
    case unknown
    /// There is no NAT: others see an address of the host's own.
    case none
    /// All see the same port.
    case endpointIndependent
    /// Each host sees another port ("symmetric"); with a step if the next one can be foretold: it
    /// is the last one and so much.
    case addressDependent(step: UInt16?)
}

/// Whom a NAT lets in (RFC 4787, section 5).
package enum NATFiltering: UInt8, Hashable, Sendable {
    case unknown = 0
    /// Anybody.
    case open = 1
    /// Whom something was sent to.
    case restricted = 2
}

/// What stands before a member, as it says of itself.
///
///     mapping    1 byte: 0 unknown, 1 none, 2 endpoint-independent, 3 address-dependent
///     step       2 bytes; 0 unless the mapping is 3 and the ports follow each other
///     filtering  1 byte: 0 unknown, 1 open, 2 restricted
///     seen       an endpoint: where others saw it last; 0.0.0.0:0 if nobody did
package struct Gate: Hashable, Sendable {
    package var mapping: NATMapping
    package var filtering: NATFiltering
    package var seen: Endpoint

    package init(
        mapping: NATMapping = .unknown,
        filtering: NATFiltering = .unknown,
        seen: Endpoint = .nowhere
    ) {
        (self.mapping, self.filtering, self.seen) = (mapping, filtering, seen)
    }

    /// Whether no host can be told the port that another one will see.
    ///
    /// One port alone that is not the own one may be such, too.
    package var mayBeSymmetric: Bool {
        switch mapping {
        case .addressDependent: true
        case .unknown: seen != .nowhere
        case .none, .endpointIndependent: false
        }
    }
}

extension Gate {
    private enum Mapping: UInt8 {
        case unknown = 0
        case none = 1
        case endpointIndependent = 2
        case addressDependent = 3
    }

    func write(to writer: inout ByteWriter) {
        let (kind, step): (Mapping, UInt16) =
            switch mapping {
            case .unknown: (.unknown, 0)
            case .none: (.none, 0)
            case .endpointIndependent: (.endpointIndependent, 0)
            case .addressDependent(let step): (.addressDependent, step ?? 0)
            }
        writer.write(kind.rawValue)
        writer.write(step)
        writer.write(filtering.rawValue)
        writer.write(seen)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let kind = Mapping(rawValue: try reader.read(UInt8.self))
        let step = try reader.read(UInt16.self)
        let filtering = NATFiltering(rawValue: try reader.read(UInt8.self))
        guard let kind, let filtering, step == 0 || kind == .addressDependent else {
            throw .notCanonical
        }
        switch kind {
        case .unknown: mapping = .unknown
        case .none: mapping = .none
        case .endpointIndependent: mapping = .endpointIndependent
        case .addressDependent: mapping = .addressDependent(step: step == 0 ? nil : step)
        }
        self.filtering = filtering
        seen = try reader.readEndpoint()
    }
}
