// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import NetronWire

/// Asks the system which addresses a host has.
package enum Resolver {
    /// How many endpoints a name may have; more are left out.
    package static let endpointsMax = 8

    /// The endpoints of `host`, none if it cannot be found now.
    ///
    /// The system's resolver blocks for seconds when no server answers. So each question has a
    /// thread of its own, which ends with the answer; how many there are is the caller's to limit.
    package static func resolve(_ host: HostPort) async -> [Endpoint] {
        if let address = host.address { return [Endpoint(address, port: host.port)] }
        return await withCheckedContinuation { continuation in
            let question = Question(host: host, continuation: continuation)
            let retained = unsafe Unmanaged.passRetained(question)
            var thread = pthread_t()
            let code = unsafe pthread_create(&thread, nil, answer, retained.toOpaque())
            guard code == 0 else {
                unsafe retained.release()
                return continuation.resume(returning: [])
            }
            pthread_detach(thread)
        }
    }

    /// The same, on the caller's thread.
    static func lookUp(_ host: HostPort) -> [Endpoint] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host.host, String(host.port), &hints, &first) == 0 else {
            return []
        }
        defer { unsafe freeaddrinfo(first) }
        var endpoints: [Endpoint] = []
        var next = unsafe first
        while let info = unsafe next, endpoints.count < endpointsMax {
            unsafe next = unsafe info.pointee.ai_next
            if let endpoint = unsafe endpoint(of: info.pointee), !endpoints.contains(endpoint) {
                endpoints.append(endpoint)
            }
        }
        return endpoints
    }

    private static func endpoint(of info: addrinfo) -> Endpoint? {
        guard let address = unsafe UnsafeRawPointer(info.ai_addr) else { return nil }
        switch unsafe info.ai_family {
        case AF_INET:
            let v4 = unsafe address.loadUnaligned(as: sockaddr_in.self)
            return IPAddress(bytes: bytes(of: v4.sin_addr)).map {
                Endpoint($0, port: UInt16(bigEndian: v4.sin_port))
            }
        case AF_INET6:
            let v6 = unsafe address.loadUnaligned(as: sockaddr_in6.self)
            return IPAddress(bytes: bytes(of: v6.sin6_addr)).map {
                Endpoint($0, port: UInt16(bigEndian: v6.sin6_port), scope: v6.sin6_scope_id)
            }
        default: return nil
        }
    }
}

private final class Question: Sendable {
    let host: HostPort
    let continuation: CheckedContinuation<[Endpoint], Never>

    init(host: HostPort, continuation: CheckedContinuation<[Endpoint], Never>) {
        self.host = host
        self.continuation = continuation
    }
}

/// What a thread of the resolver runs.
private func answer(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    let question = unsafe Unmanaged<Question>.fromOpaque(context).takeRetainedValue()
    question.continuation.resume(returning: Resolver.lookUp(question.host))
    return nil
}
