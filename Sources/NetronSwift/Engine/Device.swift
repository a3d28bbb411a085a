// SPDX-License-Identifier: Apache-2.0

internal import CNetronFast
package import NetronWire
internal import Synchronization

/// Owns one packet core on this host.
///
/// Any thread may call. The lock holds a call and `stop()` apart; the core does not wait for
/// anything in its calls, so nobody waits here.
@safe package final class Device: Sendable {
    /// How many bytes a datagram of the distributed hash table may have.
    package static let datagramBytesMax = Int(NETRON_DATAGRAM_BYTES_MAX)

    /// Brings an element when `nextEvent()` or `nextDatagram()` may have something; read by one
    /// task.
    package let wakes: AsyncStream<Void>

    private let handle: Mutex<OwnedHandle?>

    /// Opens interface and sockets, and starts the core's threads.
    package init(_ options: DeviceOptions) throws(EngineError) {
        let (wakes, continuation) = AsyncStream.makeStream(
            of: Void.self,
            bufferingPolicy: .bufferingNewest(1)
        )
        self.wakes = wakes
        handle = try Mutex(OwnedHandle(options, bell: Bell(continuation)))
    }

    deinit { stop() }

    /// Says goodbye to all peers, ends the threads and removes the interface.
    ///
    /// From then on calls fail with `EngineError.expired`. Once is enough, more do no harm.
    package func stop() {
        handle.withLock { $0 = nil }
    }

    /// Begins a handshake with whoever answers at `endpoint`, or with `id` alone.
    package func dial(_ endpoint: Endpoint, id: NodeID?) throws(EngineError) {
        try unsafe call { handle in
            var endpoint = netron_endpoint(endpoint)
            guard let id else { return unsafe netron_device_dial(handle, &endpoint, nil) }
            return unsafe id.withLentBytes { id in
                unsafe netron_device_dial(handle, &endpoint, id)
            }
        }
    }

    /// Says goodbye to a peer and forgets it.
    package func hangUp(_ id: NodeID) throws(EngineError) {
        try unsafe call { handle in
            unsafe id.withLentBytes { unsafe netron_device_hang_up(handle, $0) }
        }
    }

    /// Replaces the list of inner addresses that are a peer's.
    package func setPrefixes(_ prefixes: [Prefix], of id: NodeID) throws(EngineError) {
        // C wants a pointer even to nothing, so that one more stands behind the last.
        let all = prefixes.map { netron_prefix($0) } + [netron_prefix()]
        try unsafe call { handle in
            unsafe id.withLentBytes {
                unsafe netron_device_set_prefixes(handle, $0, all, prefixes.count)
            }
        }
    }

    /// Sends a control message to a peer with a session; it may be lost on the way.
    package func send(_ message: [UInt8], to id: NodeID) throws(EngineError) {
        try unsafe call { handle in
            unsafe id.withLentBytes { id in
                unsafe message.withLentBytes {
                    unsafe netron_device_send_message(handle, id, $0, $1)
                }
            }
        }
    }

    /// Says whether a peer's session is kept while it is idle.
    ///
    /// One that neither end keeps ends after 180 s in which nobody used it.
    package func keep(_ id: NodeID, _ isKept: Bool) throws(EngineError) {
        try unsafe call { handle in
            unsafe id.withLentBytes { unsafe netron_device_keep(handle, $0, isKept ? 1 : 0) }
        }
    }

    /// Says how a peer with a session is asked when it is silent; both ends are told the same.
    package func setKeepalive(_ setting: KeepaliveSetting, of id: NodeID) throws(EngineError) {
        try unsafe call { handle in
            var keepalive = netron_keepalive(setting)
            return unsafe id.withLentBytes {
                unsafe netron_device_set_keepalive(handle, $0, &keepalive)
            }
        }
    }

    /// Says what the wall clock shows, in milliseconds since 1970: epochs are counted by that.
    ///
    /// After 0 the host's clock counts, as at the start.
    package func setTime(wallMilliseconds: UInt64) {
        handle.withLock { owned in
            guard let handle = unsafe owned?.pointer else { return }
            unsafe netron_device_set_time(handle, wallMilliseconds)
        }
    }

    /// Sends a datagram of the distributed hash table from the node's port.
    ///
    /// It is a bencoded dictionary of at most `datagramBytesMax` bytes.
    package func sendDatagram(_ bytes: [UInt8], to endpoint: Endpoint) throws(EngineError) {
        try unsafe call { handle in
            var endpoint = netron_endpoint(endpoint)
            return unsafe bytes.withLentBytes {
                unsafe netron_device_send_datagram(handle, &endpoint, $0, $1)
            }
        }
    }

    /// The next datagram of the distributed hash table, and where it says that it comes from; nil
    /// if there is none.
    ///
    /// Anybody may have sent it, and nothing was looked at but its first and its last byte.
    package func nextDatagram() -> (Endpoint, [UInt8])? {
        handle.withLock { owned in
            guard let handle = unsafe owned?.pointer else { return nil }
            var endpoint = netron_endpoint()
            let capacity = Self.datagramBytesMax
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                guard let base = buffer.baseAddress else { return }
                count = max(
                    0,
                    Int(unsafe netron_device_next_datagram(handle, base, capacity, &endpoint))
                )
            }
            return bytes.isEmpty ? nil : (Endpoint(endpoint), bytes)
        }
    }

    /// Asks a peer for an echo, which comes as an event with the token.
    package func ping(_ id: NodeID, token: UInt64) throws(EngineError) {
        try unsafe call { handle in
            unsafe id.withLentBytes { unsafe netron_device_ping(handle, $0, token) }
        }
    }

    /// Makes a circuit that ends here: from then on `Endpoint(side.into)` can be dialled.
    ///
    /// It fails with `EngineError.inUse` while lanes may still look at what had that place before.
    package func addCircuit(_ side: CircuitSide) throws(EngineError) {
        try unsafe call { handle in
            var side = netron_circuit_side(side)
            return unsafe netron_device_circuit_end(handle, &side)
        }
    }

    /// Makes a circuit that this node forwards between two others.
    ///
    /// `bytesPerSecond` bounds each direction; 0 does not.
    package func relay(
        _ first: CircuitSide,
        _ second: CircuitSide,
        bytesPerSecond: UInt32 = 0
    ) throws(EngineError) {
        try unsafe call { handle in
            var first = netron_circuit_side(first)
            var second = netron_circuit_side(second)
            return unsafe netron_device_circuit_forward(handle, &first, &second, bytesPerSecond)
        }
    }

    /// Ends a circuit by the id of one of its sides here; the others on it are told nothing.
    package func endCircuit(_ circuit: CircuitID) throws(EngineError) {
        try unsafe call { handle in unsafe netron_device_circuit_close(handle, circuit.number) }
    }

    /// Asks a peer to show that it gets mail at an endpoint; `.path` tells that it does.
    ///
    /// A peer that is reached by a circuit moves at once to an endpoint of UDP that it showed.
    package func tryPath(_ endpoint: Endpoint, of id: NodeID) throws(EngineError) {
        try unsafe call { handle in
            var endpoint = netron_endpoint(endpoint)
            return unsafe id.withLentBytes { unsafe netron_device_try_path(handle, $0, &endpoint) }
        }
    }

    /// The same from 256 further ports for 10 s, against a NAT of ours that maps each of them.
    ///
    /// It fails with `EngineError.again` while another search is on, and with `.invalid` if the
    /// peer is reached directly.
    package func searchPath(_ endpoint: Endpoint, of id: NodeID) throws(EngineError) {
        try unsafe call { handle in
            var endpoint = netron_endpoint(endpoint)
            return unsafe id.withLentBytes { unsafe netron_device_search(handle, $0, &endpoint) }
        }
    }

    /// Moves a peer to an endpoint that it showed within the last 30 s, or to a circuit to it.
    ///
    /// It fails with `EngineError.expired` if it is neither.
    package func usePath(_ endpoint: Endpoint, of id: NodeID) throws(EngineError) {
        try unsafe call { handle in
            var endpoint = netron_endpoint(endpoint)
            return unsafe id.withLentBytes { unsafe netron_device_use_path(handle, $0, &endpoint) }
        }
    }

    /// Adds or removes one of the node's own addresses on the interface.
    package func setAddress(
        _ address: InterfaceAddress,
        isPresent: Bool
    ) throws(EngineError) {
        try unsafe call { handle in
            var address = netron_prefix(address)
            return unsafe netron_device_set_address(handle, &address, isPresent ? 1 : 0)
        }
    }

    /// Has the host send a range of addresses into the interface, or no longer; for one task.
    ///
    /// What the host has a way to by anything but a default route goes as it did.
    package func setRoute(_ prefix: Prefix, isPresent: Bool) throws(EngineError) {
        try unsafe call { handle in
            var prefix = netron_prefix(prefix)
            return unsafe netron_device_set_route(handle, &prefix, isPresent ? 1 : 0)
        }
    }

    /// The next event, or nil if there is none.
    package func nextEvent() -> DeviceEvent? {
        var event = netron_event()
        while hasNext(&event) {
            if let event = DeviceEvent(event) { return event }
        }
        return nil
    }

    /// All peers, those without a session too.
    package func peers() -> [PeerInfo] {
        handle.withLock { owned in
            guard let handle = unsafe owned?.pointer else { return [] }
            var capacity = 64
            while true {
                var count = 0
                let infos = unsafe [netron_peer_info](unsafeUninitializedCapacity: capacity) {
                    guard let base = $0.baseAddress else { return }
                    count = unsafe netron_device_peers(handle, base, capacity)
                    $1 = min(count, capacity)
                }
                if count <= capacity { return infos.map { PeerInfo($0) } }
                // Some may come up meanwhile; a little more saves another turn.
                capacity = count + 16
            }
        }
    }

    /// What was counted since the start; nil after `stop()`.
    package func counters() -> DeviceCounters? {
        handle.withLock { owned in
            guard let handle = unsafe owned?.pointer else { return nil }
            var counters = netron_counters()
            unsafe netron_device_counters(handle, &counters)
            return DeviceCounters(counters)
        }
    }

    /// What the core found out about its host; nil after `stop()`.
    package func info() -> DeviceInfo? {
        handle.withLock { owned in
            guard let handle = unsafe owned?.pointer else { return nil }
            var info = netron_device_info()
            unsafe netron_device_get_info(handle, &info)
            return DeviceInfo(info)
        }
    }

    private func hasNext(_ event: inout netron_event) -> Bool {
        handle.withLock { owned in
            guard let handle = unsafe owned?.pointer else { return false }
            return unsafe netron_device_next_event(handle, &event) == 1
        }
    }

    private func call(_ body: (OpaquePointer) -> Int32) throws(EngineError) {
        let code = handle.withLock { owned in
            guard let handle = unsafe owned?.pointer else { return EngineError.expired.code }
            return unsafe body(handle)
        }
        try EngineError.check(code)
    }
}

/// The C handle, given back when its owner lets go of it.
@safe private struct OwnedHandle: ~Copyable, @unchecked Sendable {
    let pointer: OpaquePointer
    private let bell: Unmanaged<Bell>

    init(_ options: DeviceOptions, bell: Bell) throws(EngineError) {
        let retained = unsafe Unmanaged.passRetained(bell)
        do {
            unsafe pointer = try options.start(wake: ring, context: retained.toOpaque())
        } catch {
            unsafe retained.release()
            bell.continuation.finish()
            throw error
        }
        unsafe self.bell = retained
    }

    deinit {
        unsafe netron_device_stop(pointer)
        // No call of `ring` is under way or to come.
        unsafe bell.takeUnretainedValue().continuation.finish()
        unsafe bell.release()
    }
}

/// What a thread of the core rings.
private final class Bell: Sendable {
    let continuation: AsyncStream<Void>.Continuation

    init(_ continuation: AsyncStream<Void>.Continuation) { self.continuation = continuation }
}

/// A function and no closure, as a closure would inherit an isolation that the core's threads do
/// not have.
private func ring(_ context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    unsafe Unmanaged<Bell>.fromOpaque(context).takeUnretainedValue().continuation.yield()
}
