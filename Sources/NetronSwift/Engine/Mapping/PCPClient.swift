// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Asks a router by PCP.
enum PCPClient {
    /// How long each of the tries waits for an answer.
    ///
    /// RFC 6887, section 8.1.1, begins with 3 s, as its servers may be a provider's; ours are near.
    private static let waits: [Duration] = [.milliseconds(250), .milliseconds(500), .seconds(1)]

    static func ask(_ request: MappingRequest) -> MappingAnswer {
        let server = Endpoint(request.gateway.address, port: PCP.port)
        guard let socket = DatagramSocket(to: server) else { return .failure(.unable) }
        // PCP refuses whoever says another address than it sees.
        guard socket.localAddress == request.gateway.host else { return .failure(.unable) }
        let datagram = PCP.encoded(request)
        for wait in waits {
            guard socket.send(datagram) else { return .failure(.silent) }
            let deadline = Clock.now() + wait
            while Clock.now() < deadline {
                switch socket.receive(upTo: PCP.bytesMax, by: deadline) {
                case .refused: return .failure(.silent)
                case .nothing: break
                case .datagram(let bytes):
                    // The answer to what another program asked leads on, as rubbish does.
                    if let answer = try? PCPAnswer(bytes).answer(to: request) { return answer }
                }
            }
        }
        return .failure(.silent)
    }
}
