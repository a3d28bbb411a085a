// SPDX-License-Identifier: Apache-2.0

internal import CNATPMP
internal import Glibc
internal import NetronWire

/// Asks a router by NAT-PMP, through libnatpmp.
enum NATPMPClient {
    /// How long an answer is waited for; the library sends again after 250 ms, doubled each time
    /// (RFC 6886, section 3.1), and would go on for two minutes.
    private static let patience = Duration.milliseconds(1_750)

    static func ask(_ request: MappingRequest) -> MappingAnswer {
        var session = natpmp_t()
        let gateway = in_addr(request.gateway.address).s_addr
        guard unsafe initnatpmp(&session, 1, gateway) == 0 else { return .failure(.unable) }
        defer { _ = unsafe closenatpmp(&session) }
        let (port, wanted) = (request.port, request.isEnd ? 0 : request.externalPort)
        let kind = Int32(NATPMP_PROTOCOL_UDP)
        do throws(MappingFailure) {
            guard
                unsafe sendnewportmappingrequest(&session, kind, port, wanted, request.lifetime) > 0
            else { throw .silent }
            let reply = try answer(in: &session)
            let granted = unsafe reply.pnu.newportmapping
            guard Int32(reply.type) == NATPMP_RESPTYPE_UDPPORTMAPPING, granted.privateport == port
            else { throw .unsupported }
            guard !request.isEnd else { return .failure(.offline) }
            guard unsafe sendpublicaddressrequest(&session) > 0 else { throw .silent }
            let place = try answer(in: &session)
            guard Int32(place.type) == NATPMP_RESPTYPE_PUBLICADDRESS,
                let address = unsafe IPAddress(bytes: bytes(of: place.pnu.publicaddress.addr))
            else { throw .unsupported }
            let external = Endpoint(address, port: granted.mappedpublicport)
            return .success(PortMapping(external, lifetime: granted.lifetime))
        } catch {
            return .failure(error)
        }
    }

    /// Waits for the answer to what was sent.
    private static func answer(
        in session: inout natpmp_t
    ) throws(MappingFailure) -> natpmpresp_t {
        let deadline = Clock.now() + patience
        while Clock.now() < deadline {
            var pause = timeval()
            _ = unsafe getnatpmprequesttimeout(&session, &pause)
            let milliseconds = max(0, pause.tv_sec * 1_000 + Int(pause.tv_usec) / 1_000)
            let rest = max(.zero, deadline - Clock.now()) / .milliseconds(1)
            var wanted = pollfd(fd: session.s, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&wanted, 1, Int32(min(Double(milliseconds), rest)) + 1)
            var response = natpmpresp_t()
            switch unsafe readnatpmpresponseorretry(&session, &response) {
            case 0: return response
            case NATPMP_TRYAGAIN: break
            // The host said that nobody listens there, or it was another host.
            case NATPMP_ERR_NOGATEWAYSUPPORT, NATPMP_ERR_RECVFROM, NATPMP_ERR_WRONGPACKETSOURCE:
                throw .silent
            case NATPMP_ERR_UNSUPPORTEDVERSION, NATPMP_ERR_UNSUPPORTEDOPCODE: throw .unsupported
            case NATPMP_ERR_NETWORKFAILURE: throw .offline
            case let code: throw .refused(Int(code))
            }
        }
        throw .silent
    }
}
