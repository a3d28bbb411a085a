// SPDX-License-Identifier: Apache-2.0

internal import CNetronFast
internal import NetronWire

// How values cross to C and back. C borrows what it is given for one call.

extension [UInt8] {
    /// Lends the bytes to C, whose pointers may not be null even when there is nothing to read.
    func withLentBytes<Result>(_ body: (UnsafePointer<UInt8>, Int) -> Result) -> Result {
        let nothing: UInt8 = 0
        return unsafe withUnsafeBufferPointer { lent in
            guard let base = lent.baseAddress else {
                return unsafe withUnsafePointer(to: nothing) { unsafe body($0, 0) }
            }
            return unsafe body(base, lent.count)
        }
    }

    /// Makes `count` bytes, all of which `fill` writes.
    init(count: Int, fill: (UnsafeMutablePointer<UInt8>) -> Void) {
        precondition(count > 0)
        self = unsafe Array(unsafeUninitializedCapacity: count) { buffer, initialized in
            guard let base = buffer.baseAddress else {
                preconditionFailure("a buffer of \(count) bytes")
            }
            unsafe base.initialize(repeating: 0, count: count)
            unsafe fill(base)
            initialized = count
        }
    }
}

/// The bytes of a C array, which Swift sees as a tuple.
func bytes<Tuple>(of tuple: Tuple, count: Int = MemoryLayout<Tuple>.size) -> [UInt8] {
    precondition(count <= MemoryLayout<Tuple>.size)
    return unsafe withUnsafeBytes(of: tuple) { unsafe Array($0.prefix(count)) }
}

/// Writes `bytes` to the front of a C array and leaves the rest as it is.
func fill<Tuple>(_ tuple: inout Tuple, with bytes: [UInt8]) {
    precondition(bytes.count <= MemoryLayout<Tuple>.size)
    unsafe withUnsafeMutableBytes(of: &tuple) { unsafe $0.copyBytes(from: bytes) }
}

/// The text of a C array of characters that ends at the first 0.
func text<Tuple>(of tuple: Tuple) -> String {
    String(decoding: bytes(of: tuple).prefix { $0 != 0 }, as: UTF8.self)
}

extension NodeID {
    /// Lends the bytes to C.
    func withLentBytes<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
        unsafe bytes.withLentBytes { bytes, _ in unsafe body(bytes) }
    }

    /// The node that C names; C never names one that cannot be.
    init<Tuple>(tuple: Tuple) {
        guard let id = NodeID(bytes: NetronEngine.bytes(of: tuple)) else {
            preconditionFailure("an id of the packet core")
        }
        self = id
    }
}

extension Endpoint {
    init(_ endpoint: netron_endpoint) {
        if Int(endpoint.kind) == NETRON_ENDPOINT_CIRCUIT, let id = CircuitID(endpoint.scope) {
            self.init(id)
            return
        }
        guard let address = IPAddress(bytes: NetronEngine.bytes(of: endpoint.address)) else {
            preconditionFailure("16 bytes are an address")
        }
        let plain = Endpoint(address, port: endpoint.port, scope: endpoint.scope)
        switch Int(endpoint.kind) {
        case NETRON_ENDPOINT_TCP: self = plain.by(.tcp)
        case NETRON_ENDPOINT_TCP_IN: self = plain.by(.tcpIn)
        default: self = plain
        }
    }
}

extension netron_endpoint {
    init(_ endpoint: Endpoint) {
        self.init()
        fill(&address, with: endpoint.address.mappedBytes)
        port = endpoint.port
        scope = endpoint.scope
        let number =
            switch endpoint.transport {
            case .udp where endpoint.isRelayed: NETRON_ENDPOINT_CIRCUIT
            case .udp: NETRON_ENDPOINT_UDP
            case .tcp: NETRON_ENDPOINT_TCP
            case .tcpIn: NETRON_ENDPOINT_TCP_IN
            }
        kind = UInt16(number)
    }
}

extension netron_circuit_side {
    init(_ side: CircuitSide) {
        self.init()
        fill(&neighbour, with: side.neighbour.bytes)
        id_in = side.into.number
        id_out = side.out.number
    }
}

extension netron_keepalive {
    init(_ setting: KeepaliveSetting) {
        self.init()
        interval_ms = UInt32(setting.seconds) * 1_000
        turn =
            switch setting.turn {
            case .initiator: UInt32(NETRON_TURN_INITIATOR)
            case .ours: UInt32(NETRON_TURN_OURS)
            case .theirs: UInt32(NETRON_TURN_PEERS)
            }
        wanted = setting.isWanted ? 1 : 0
        reports = setting.isReported ? 1 : 0
    }
}

extension netron_prefix {
    /// The range; its address goes first, whatever its family.
    init(_ prefix: Prefix) {
        self.init(prefix.address, length: prefix.length)
    }

    /// An interface's own address with the length of its range.
    init(_ address: InterfaceAddress) {
        self.init(address.address, length: address.length)
    }

    private init(_ address: IPAddress, length: Int) {
        self.init()
        fill(&self.address, with: address.bytes)
        family = address.family.rawValue
        self.length = UInt8(length)
    }
}
