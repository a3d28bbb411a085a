// SPDX-License-Identifier: Apache-2.0

internal import CNetronFast
internal import Glibc
package import NetronWire

/// What a device is made of; what is nil or 0 is the core's to choose.
package struct DeviceOptions: Sendable {
    /// The inner network's interface.
    package struct Interface: Hashable, Sendable {
        /// At most 15 bytes.
        package var name: String
        /// The node's own addresses, with their range's length.
        package var addresses: [InterfaceAddress]

        package init(name: String, addresses: [InterfaceAddress]) {
            self.name = name
            self.addresses = addresses
        }
    }

    /// Nil to carry control messages only.
    package var interface: Interface?
    package var seed: [UInt8]
    package var networkSecret: [UInt8]
    package var epochSeconds: UInt64 = 0
    package var port: UInt16 = 0
    package var mtu = 0
    package var lanes = 0
    package var peersMax = 0
    package var suites: Suite = []
    package var offloadsOff: Offloads = []
    /// Whether datagrams of the distributed hash table are taken and sent by the same port.
    package var takesDatagrams = false
    /// Whether new peers' sessions end when nobody uses them, until `Device.keep` says otherwise.
    package var endsIdleSessions = false
    /// Whether members may be reached by TCP too, on the same port number.
    package var tcp = false
    /// The HTTP proxy that connections are made by.
    package var proxy: Endpoint?
    /// Whether multicast and broadcast go to all peers with a session, and are taken from them.
    package var carriesMulticast = true
    /// Whether `Device.setRoute` will be called, so that what the device itself sends has a mark.
    package var setsRoutes = false
    /// How many bytes a second are forwarded on all circuits together; 0 for no limit.
    package var relayBytesPerSecond = 0

    package init(seed: [UInt8], networkSecret: [UInt8]) {
        self.seed = seed
        self.networkSecret = networkSecret
    }
}

extension DeviceOptions {
    /// How many bytes an interface's name may have.
    package static let nameBytesMax = 15

    /// Starts a device, which is the caller's to stop.
    ///
    /// What C borrows lives on this function's frame, and C keeps none of it.
    func start(
        wake: @convention(c) (UnsafeMutableRawPointer?) -> Void,
        context: UnsafeMutableRawPointer
    ) throws(EngineError) -> OpaquePointer {
        guard seed.count == Identity.seedByteCount else { throw .invalid }
        var device = unsafe cOptions()
        unsafe device.wake = unsafe wake
        unsafe device.context = unsafe context
        let addresses = (interface?.addresses ?? []).map { netron_prefix($0) }
        var handle: OpaquePointer?
        var error = EngineError.invalid
        unsafe networkSecret.withLentBytes { secret, count in
            unsafe device.engine.network_secret = unsafe secret
            unsafe device.engine.network_secret_length = count
            unsafe addresses.withUnsafeBufferPointer { lent in
                unsafe device.addresses = lent.baseAddress
                unsafe device.addresses_count = lent.count
                unsafe (interface?.name ?? "").withCString { name in
                    unsafe device.name = unsafe name.pointee == 0 ? nil : name
                    var systemError: Int32 = 0
                    let code = unsafe netron_device_start(&handle, &device, &systemError)
                    error = EngineError(code: code, systemError: systemError)
                }
            }
        }
        unsafe explicit_bzero(&device.engine.identity_seed, Identity.seedByteCount)
        guard let handle = unsafe handle else { throw error }
        return unsafe handle
    }

    private func cOptions() -> netron_device_options {
        var device = unsafe netron_device_options()
        unsafe device.size = UInt32(MemoryLayout<netron_device_options>.size)
        unsafe device.tun = interface == nil ? 0 : 1
        unsafe device.port = port
        unsafe device.offloads_off = offloadsOff.rawValue
        unsafe device.routes = setsRoutes ? 1 : 0
        unsafe device.engine.size = UInt32(MemoryLayout<netron_options>.size)
        unsafe device.engine.peers_max = UInt32(clamping: peersMax)
        unsafe device.engine.suites = suites.rawValue
        unsafe device.engine.lanes = UInt32(clamping: lanes)
        unsafe device.engine.mtu = UInt32(clamping: mtu)
        unsafe device.engine.epoch_seconds = epochSeconds
        unsafe device.engine.datagrams = takesDatagrams ? 1 : 0
        unsafe device.engine.idle_ends = endsIdleSessions ? 1 : 0
        unsafe device.tcp = tcp ? 1 : 0
        if let proxy { unsafe device.proxy = netron_endpoint(proxy) }
        unsafe device.engine.multicast_off = carriesMulticast ? 0 : 1
        unsafe device.engine.relay_bytes_per_second = UInt32(clamping: relayBytesPerSecond)
        unsafe fill(&device.engine.identity_seed, with: seed)
        return unsafe device
    }
}
