// SPDX-License-Identifier: Apache-2.0

internal import CMiniUPnPc
internal import Glibc
internal import NetronWire

/// Asks a router by UPnP, through miniupnpc.
///
/// Anybody on the LAN may answer the search. Nobody is believed who is not at the router's address,
/// and no other address is asked.
enum UPnPClient {
    /// What is searched for; newer ones answer to it, too (UPnP Device Architecture 1.1, 1.3.2).
    private static let device = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
    /// How long answers to the search are waited for, in ms, and how many hops it goes.
    private static let searchMilliseconds: Int32 = 1_000
    private static let hops: UInt8 = 2
    /// Devices that are asked who they are; a router has one or two.
    private static let devicesMax = 4
    /// What the router's user sees.
    fileprivate static let name = "Netron"
    fileprivate static let transport = "UDP"

    // Errors of WANIPConnection.
    private static let conflict: Int32 = 718
    private static let onlyPermanent: Int32 = 725

    static func ask(_ request: MappingRequest) -> MappingAnswer {
        do throws(MappingFailure) {
            for location in try locations(request) {
                guard let service = Service(at: location, of: request.gateway.address) else {
                    continue
                }
                return .success(try map(request, by: service))
            }
            return .failure(request.location == nil ? .unsupported : .silent)
        } catch {
            return .failure(error)
        }
    }

    private static func map(
        _ request: MappingRequest,
        by service: Service
    ) throws(MappingFailure) -> PortMapping {
        guard !request.isEnd else {
            service.remove(request.externalPort)
            throw .offline
        }
        guard let address = service.externalAddress else { throw .offline }
        var lifetime = request.lifetime
        var code = service.add(request, lifetime: lifetime)
        if code == onlyPermanent {
            lifetime = 0
            code = service.add(request, lifetime: lifetime)
        }
        guard code != conflict else { throw .conflict }
        guard code == UPNPCOMMAND_SUCCESS else { throw .refused(Int(code)) }
        return PortMapping(
            Endpoint(address, port: request.externalPort),
            lifetime: lifetime,
            location: service.location
        )
    }

    /// Where the router describes itself, one URL or a few.
    private static func locations(_ request: MappingRequest) throws(MappingFailure) -> [String] {
        if let known = request.location { return [known] }
        var code: Int32 = 0
        let found = unsafe upnpDiscoverDevice(
            device,
            searchMilliseconds,
            request.gateway.host.description,
            nil,
            UPNP_LOCAL_PORT_ANY,
            0,
            hops,
            &code
        )
        guard let found = unsafe found else { throw .silent }
        defer { unsafe freeUPNPDevlist(found) }
        var locations: [String] = []
        var next: UnsafeMutablePointer<UPNPDev>? = unsafe found
        while let device = unsafe next, locations.count < devicesMax {
            unsafe next = unsafe device.pointee.pNext
            guard let text = unsafe device.pointee.descURL else { continue }
            let location = unsafe String(cString: text)
            let isNew = !locations.contains(location)
            if isNew, address(in: location) == request.gateway.address {
                locations.append(location)
            }
        }
        guard !locations.isEmpty else { throw .silent }
        return locations
    }

    /// The address that a URL of HTTP leads to.
    static func address(in url: String) -> IPAddress? {
        let scheme = "http://"
        guard url.lowercased().hasPrefix(scheme) else { return nil }
        let rest = url.dropFirst(scheme.count)
        let host = rest.prefix { $0 != "/" && $0 != ":" && $0 != "?" }
        // What stands before it is for a server that asks who is there.
        guard !rest.prefix(while: { $0 != "/" }).contains("@") else { return nil }
        return IPAddress(String(host))
    }
}

/// The service of a router that maps ports.
private struct Service {
    let location: String
    private let control: String
    private let type: String

    /// Reads what is at a URL; nil if it is no such router.
    init?(at location: String, of router: IPAddress) {
        self.location = location
        var urls = unsafe UPNPUrls()
        var data = IGDdatas()
        var own = [CChar](repeating: 0, count: 64)
        let size = Int32(own.count)
        let isRead = unsafe UPNP_GetIGDFromUrl(location, &urls, &data, &own, size)
        defer { unsafe FreeUPNPUrls(&urls) }
        guard isRead == 1, let url = unsafe urls.controlURL else { return nil }
        control = unsafe String(cString: url)
        type = text(of: data.first.servicetype)
        guard !type.isEmpty, UPnPClient.address(in: control) == router else { return nil }
    }

    var externalAddress: IPAddress? {
        var text = [CChar](repeating: 0, count: 64)
        let code = unsafe UPNP_GetExternalIPAddress(control, type, &text)
        guard code == UPNPCOMMAND_SUCCESS else { return nil }
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return IPAddress(String(decoding: bytes, as: UTF8.self))
    }

    /// Maps the external port that is wanted; the code of the answer.
    func add(_ request: MappingRequest, lifetime: UInt32) -> Int32 {
        unsafe UPNP_AddPortMapping(
            control,
            type,
            String(request.externalPort),
            String(request.port),
            request.gateway.host.description,
            UPnPClient.name,
            UPnPClient.transport,
            nil,
            String(lifetime)
        )
    }

    func remove(_ externalPort: UInt16) {
        _ = unsafe UPNP_DeletePortMapping(
            control,
            type,
            String(externalPort),
            UPnPClient.transport,
            nil
        )
    }
}
