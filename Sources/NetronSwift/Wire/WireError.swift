// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a message.
package enum WireError: Error, Hashable, Sendable {
    /// They end too early.
    case truncated
    /// They go on behind the end.
    case trailing
    /// A count or length is above its limit.
    case tooMany
    /// A text is not UTF-8, or has characters that steer a terminal.
    case notText
    /// A value has another form than the one that it is always written in.
    case notCanonical
    /// An id is none that a node can have.
    case badNodeID
}
