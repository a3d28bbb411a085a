// SPDX-License-Identifier: Apache-2.0

internal import NetronConfig

extension GenerateFlags {
    /// Prints a new network.
    ///
    /// The token is the base64 of all that is printed without -b, so `base64 -w0` makes it too.
    func perform(on console: Console) throws {
        var random = SystemRandomNumberGenerator()
        let network = try NetworkConfig.generate(
            using: &random,
            interval: interval.map { text throws(ConfigError) in
                try NodeOptions.number("key-otp-interval", text)
            } ?? NetworkConfig.Limits.intervalDefault
        )
        console.write(asToken ? network.token() + "\n" : network.yaml())
    }
}
