// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronConfig
internal import NetronSwift

/// How the command ends.
package enum Outcome: Int32, Sendable {
    case done = 0
    /// Refused, or failed.
    case failed = 1
    /// Called wrongly.
    case usage = 2
    /// No node is running there.
    case noNode = 3
    /// The user may not do it.
    case notPermitted = 4
    /// Another node runs with the same identity, which starting again does not change: EX_CONFIG of
    /// sysexits(3).
    case identityInUse = 78
}

/// Why the command ends before it is done.
struct Failure: Error, Equatable {
    let status: Outcome
    /// What is wrong and what to do; nil when there is nothing to say.
    let sentence: String?

    init(_ status: Outcome, _ sentence: String?) {
        self.status = status
        self.sentence = sentence
    }

    /// Sorts an error of any room.
    init(_ error: any Error) {
        switch error {
        case let error as Failure: self = error
        case let error as ConfigError: self.init(.usage, error.description)
        case let error as NodeError: self.init(Self.status(of: error), error.message)
        case let error as ControlError: self.init(Self.status(of: error), error.description)
        default: self.init(.failed, "\(error)")
        }
    }

    private static func status(of error: NodeError) -> Outcome {
        switch error.code {
        case .invalidConfig: .usage
        case .notPermitted: .notPermitted
        case .identityInUse: .identityInUse
        default: .failed
        }
    }

    private static func status(of error: ControlError) -> Outcome {
        switch error {
        case .noNode: .noNode
        case .notPermitted: .notPermitted
        default: .failed
        }
    }
}
