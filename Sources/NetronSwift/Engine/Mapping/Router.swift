// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import NetronWire

/// Asks routers to let a port in.
package enum Router {
    /// Enough for the libraries, which keep what they read on the heap; bytes.
    private static let stackByteCount = 256 << 10

    /// What a router answers; it takes up to some 20 s, by UPnP.
    ///
    /// The libraries block. So each request has a thread of its own, which ends with the answer;
    /// how many there are is the caller's to limit.
    package static func ask(_ request: MappingRequest) async -> MappingAnswer {
        await withCheckedContinuation { continuation in
            let errand = Errand(request: request, continuation: continuation)
            let retained = unsafe Unmanaged.passRetained(errand)
            guard unsafe begin(run, retained.toOpaque()) else {
                unsafe retained.release()
                return continuation.resume(returning: .failure(.unable))
            }
        }
    }

    private static func begin(
        _ body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?,
        _ context: UnsafeMutableRawPointer
    ) -> Bool {
        var attributes = pthread_attr_t()
        guard unsafe pthread_attr_init(&attributes) == 0 else { return false }
        defer { _ = unsafe pthread_attr_destroy(&attributes) }
        _ = unsafe pthread_attr_setstacksize(&attributes, stackByteCount)
        _ = unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        return unsafe pthread_create(&thread, &attributes, body, context) == 0
    }

    /// The same, on the caller's thread.
    static func answer(to request: MappingRequest) -> MappingAnswer {
        switch request.method {
        case .pcp: PCPClient.ask(request)
        case .natPMP: NATPMPClient.ask(request)
        case .upnp: UPnPClient.ask(request)
        }
    }
}

private final class Errand: Sendable {
    let request: MappingRequest
    let continuation: CheckedContinuation<MappingAnswer, Never>

    init(request: MappingRequest, continuation: CheckedContinuation<MappingAnswer, Never>) {
        self.request = request
        self.continuation = continuation
    }
}

/// What a thread runs.
private func run(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context = unsafe context else { return nil }
    let errand = unsafe Unmanaged<Errand>.fromOpaque(context).takeRetainedValue()
    errand.continuation.resume(returning: Router.answer(to: errand.request))
    return nil
}
