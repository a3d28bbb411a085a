// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a network's config, a token or an option, and what to do about it.
public struct ConfigError: Error, Hashable, Sendable {
    /// What is wrong, for instance "otp.crypto.key", "token" or "mtu".
    public let field: String

    /// The sentence's middle, for instance "is missing".
    ///
    /// It never holds a secret.
    public let problem: String

    /// What to do.
    public let remedy: String

    package init(_ field: String, _ problem: String, remedy: String) {
        self.field = field
        self.problem = problem
        self.remedy = remedy
    }
}

extension ConfigError: CustomStringConvertible {
    /// One sentence that names the field and the remedy.
    public var description: String { "\(field) \(problem); \(remedy)" }
}

extension ConfigError {
    /// The config file cannot be read, for a reason in the system's words.
    package static func unreadable(path: String, reason: String) -> Self {
        Self(
            "config",
            "\(path) cannot be read (\(reason))",
            remedy: "check the path and who may read the file"
        )
    }
}
