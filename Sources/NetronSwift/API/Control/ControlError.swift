// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Why a control socket could not be opened or asked.
package enum ControlError: Error, Hashable, Sendable {
    /// The path has more bytes than a socket's name can.
    case pathTooLong(String)
    /// Another node listens there.
    case inUse(String)
    /// There is a file of another kind at the path.
    case notASocket(String)
    /// The system did not let us; in its words.
    case notOpened(String, reason: String)
    /// Nobody listens there.
    case noNode(String)
    /// The socket is another user's.
    case notPermitted(String)
    /// No answer came in time.
    case timedOut
    /// What came is no answer.
    case malformed
    /// The node said no.
    case refused(ErrorReport)
}

extension ControlError: CustomStringConvertible {
    /// One sentence, with what to do.
    package var description: String {
        switch self {
        case .pathTooLong(let path):
            "the control socket's path \(path) is longer than \(ControlLimits.pathBytesMax) bytes; "
                + "choose a shorter --state-dir"
        case .inUse(let path):
            "another node listens on \(path); stop it, or choose another --state-dir"
        case .notASocket(let path):
            "\(path) is there and is no socket; remove it, or choose another --state-dir"
        case .notOpened(let path, let reason):
            "the control socket \(path) could not be opened: \(reason)"
        case .noNode(let path):
            "no node is running (nobody listens on \(path)); start one with `netron`, or name it "
                + "with --state-dir or --interface"
        case .notPermitted(let path):
            "the control socket \(path) is another user's; run as the user of the node, or as root"
        case .timedOut:
            "the node did not answer in time; try again, or look into its log"
        case .malformed:
            "the node's answer makes no sense; use a command of the node's version"
        case .refused(let report):
            report.message
        }
    }
}

extension ControlError {
    /// What is wrong with a place that was to be listened at, for whoever named it.
    package var problem: String {
        switch self {
        case .pathTooLong: "the path is longer than \(ControlLimits.pathBytesMax) bytes"
        case .inUse: "another program listens there"
        case .notASocket: "a file is there that is no socket"
        case .notOpened(_, let reason): reason
        default: description
        }
    }
}

/// A failure of the system in its own words.
func reason(of error: any Error) -> String {
    guard let error = error as? IOError else { return "\(error)" }
    // NIO writes "call: words) (errno: number)".
    let words = error.description.split(separator: ": ", maxSplits: 1).last ?? ""
    return String(words.prefix { $0 != ")" })
}
