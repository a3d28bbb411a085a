// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NetronAPI
internal import NetronEngine
internal import NetronProtocol
internal import NetronWire

// Routers before the host, which are asked to let the node's port in.
extension Node {
    /// How many questions to routers are under way: one that never ends its answer keeps a thread.
    private static let errandsMax = 8
    /// How long a node that stops waits until its mappings are taken away.
    private static let farewell = Duration.seconds(2)

    /// Asks a router; false if too many are being asked.
    func map(_ request: MappingRequest) -> Bool {
        guard errands < Self.errandsMax else { return false }
        errands += 1
        Task {
            let answer = await Router.ask(request)
            answered(request, answer)
        }
        return true
    }

    private func answered(_ request: MappingRequest, _ answer: MappingAnswer) {
        errands -= 1
        defer { if errands == 0 { endFarewell() } }
        guard !request.isEnd else { return }
        switch answer {
        case .success(let mapping):
            logger.debug("mapped by \(request.method.rawValue): \(mapping.external)")
            // Nobody wants it any more.
            if phase == .stopped { _ = map(request.end(of: mapping)) }
        case .failure(let failure):
            let router = request.gateway.address
            logger.debug("no mapping at \(router) by \(request.method.rawValue): \(failure)")
        }
        feed(.mapped(request, answer))
    }

    /// Waits until the routers have what they are told at the end, but not for long.
    func awaitRouters() async {
        guard errands > 0 else { return }
        let limit = Task { [weak self] in
            try? await Task.sleep(for: Self.farewell)
            await self?.endFarewell()
        }
        await withCheckedContinuation { farewellWaiter = $0 }
        limit.cancel()
    }

    private func endFarewell() {
        farewellWaiter?.resume()
        farewellWaiter = nil
    }
}

// What the user is told of them.
extension Node {
    var mappingReport: MappingReport {
        var report = MappingReport()
        let now = Clock.now()
        switch machine.mappingStatus {
        case .off: report.state = .off
        case .noGateway: report.state = .noRouter
        case .publicAddress: report.state = .needless
        case .asking: report.state = .asking
        case .failed(let gateway, let tries):
            report.state = .none
            report.router = gateway.address.description
            report.failures = tries.map { "\($0.method.rawValue): \($0.failure.text)" }
        case .mapped(let method, let external, let end):
            report.state = external.address.isSiteLocal ? .private : .mapped
            report.method = method.rawValue
            report.endpoint = external.description
            report.secondsLeft = UInt64(max(0, (end - now).components.seconds))
        }
        return report
    }
}

extension MappingRequest {
    /// What ends the mapping that was granted.
    fileprivate func end(of mapping: PortMapping) -> Self {
        Self(
            number: number,
            method: method,
            gateway: gateway,
            port: port,
            externalPort: mapping.external.port,
            externalAddress: mapping.external.address,
            lifetime: 0,
            nonce: nonce,
            location: mapping.location
        )
    }
}

extension MappingFailure {
    fileprivate var text: String {
        switch self {
        case .silent: "no answer"
        case .unsupported: "not spoken there"
        case .refused(let code): "refused (\(code))"
        case .conflict: "the port is another host's"
        case .offline: "it has no address on the Internet"
        case .unable: "it could not be asked"
        }
    }
}
