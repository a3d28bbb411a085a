// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NetronConfig
internal import NetronSwift

extension Plan {
    /// Runs the node until the task is cancelled, then says goodbye.
    func perform(on console: Console) async throws {
        let logger = LogStream.logger(options, on: console)
        for warning in warnings { logger.warning("\(warning)") }
        let node = try Node(network: network, options: options, logger: logger)
        try await node.start()
        for await _ in node.events {}
        let wasAsked = Task.isCancelled
        await node.stop()
        if let failure = await node.failure { throw failure }
        if !wasAsked { throw Failure(.failed, "the node ended by itself; its log says why") }
    }
}
