// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// What the two ends of a control socket allow each other.
package struct ControlLimits: Sendable {
    /// Bytes of a request's line and headers, and of its body.
    package var requestBytesMax = 64 << 10
    /// Connections at a time; one more is told so and closed.
    package var connectionsMax = 32
    /// How long a connection may take to bring its next request, whole, in milliseconds.
    package var idleMilliseconds: Int64 = 60_000
    /// Bytes of an answer: all members of the largest network fit.
    package var responseBytesMax = 32 << 20
    /// How long the command waits for an answer, in milliseconds.
    package var answerMilliseconds: Int64 = 15_000

    /// Requests of one connection that came before the one in hand was answered.
    static let waitingMax = 16
    /// Bytes of a socket's path: 107 for Linux, and 103 for NIO, which minds other systems too.
    static let pathBytesMax = 103

    package init() {}
}

extension ControlLimits {
    var idle: TimeAmount { .milliseconds(idleMilliseconds) }
    var answer: TimeAmount { .milliseconds(answerMilliseconds) }
}
