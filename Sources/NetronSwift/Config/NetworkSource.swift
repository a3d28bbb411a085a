// SPDX-License-Identifier: Apache-2.0

/// Which network a node is told to join.
package enum NetworkSource {
    /// The network of the token, of the config, or of both if they are the same.
    ///
    /// Reading the file is for the caller, who passes where it lay and what was in it.
    package static func resolve(
        token: String?,
        config: (path: String, contents: [UInt8])?
    ) throws(ConfigError) -> NetworkConfig {
        switch (token, config) {
        case (let token?, nil): return try NetworkConfig(token: token)
        case (nil, let file?): return try NetworkConfig(yaml: file.contents, path: file.path)
        case (let token?, let file?):
            let network = try NetworkConfig(token: token)
            let other = try NetworkConfig(yaml: file.contents, path: file.path)
            guard other == network else {
                let isOther = other.authorities == network.authorities
                throw ConfigError(
                    "token",
                    isOther
                        ? "and config \(file.path) are different networks"
                        : "and config \(file.path) name different authorities",
                    remedy: "give one of the two"
                )
            }
            return network
        case (nil, nil):
            throw ConfigError(
                "token",
                "and config are both missing",
                remedy: "give one with --token or --config, or make a network with `netron -g`"
            )
        }
    }
}
