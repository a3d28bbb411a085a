// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NIOCore
internal import NetronAPI
internal import NetronConfig

extension Node {
    /// Serves the API at a place that was named.
    func startAPI(
        at place: APIPlace,
        on group: any EventLoopGroup
    ) async throws(NodeError) -> ControlServer {
        let routes = controlRoutes
        let server: ControlServer
        do throws(ControlError) {
            switch place {
            case .port(let host, let port):
                server = try await .start(host: host, port: port, on: group, handler: routes.answer)
            case .socket(let path):
                server = try await .start(
                    at: path,
                    mode: Self.apiSocketMode,
                    on: group,
                    handler: routes.answer
                )
            }
        } catch {
            throw NodeError(
                .system,
                "the API cannot listen on \(place): \(error.problem); choose another place with"
                    + " --api-listen"
            )
        }
        logger.info("the API listens on \(server.place)")
        if server.isOpenToOthers {
            logger.warning(
                """
                the API on \(server.place) asks for no secret: whoever reaches it may read and \
                write what members say; keep others out by a firewall, or use 127.0.0.1
                """
            )
        }
        return server
    }

    /// User and group, as EdgeVPN has it: its folder says who gets that far.
    private static let apiSocketMode = 0o660
}
