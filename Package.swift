// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let package = Package(
    name: "netron",
    products: [
        .library(name: "NetronSwift", targets: ["NetronSwift"]),
        .executable(name: "netron", targets: ["netron"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        // The C libraries of the system, as Swift modules.
        .systemLibrary(name: "CLibUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
        .systemLibrary(
            name: "CLibYAML",
            pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"])]
        ),
        .systemLibrary(
            name: "CMiniUPnPc",
            pkgConfig: "miniupnpc",
            providers: [.apt(["libminiupnpc-dev"])]
        ),
        .systemLibrary(name: "CNATPMP", providers: [.apt(["libnatpmp-dev"])]),
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(
            name: "CSodium",
            pkgConfig: "libsodium",
            providers: [.apt(["libsodium-dev"])]
        ),

        // The packet core. Its path is the root so that the public headers can lie in include/,
        // where a C user looks for them. So SwiftPM watches the whole root but .build: a second
        // build folder (--scratch-path) lies in .build/NAME or outside, or it builds only once.
        .target(
            name: "CNetronFast",
            dependencies: ["CLibUV", "CSodium"],
            path: ".",
            sources: ["Sources/CNetronFast"],
            publicHeadersPath: "include",
            cSettings: [.define("_GNU_SOURCE"), .headerSearchPath("Sources/CNetronFast")]
                + .libcrypto + .warnings,
            linkerSettings: .libcrypto
        ),

        // The rooms of the Swift library. Every room may use Wire, none a sibling; Node uses all.
        .room("NetronWire", in: "Wire"),
        .room("NetronConfig", in: "Config", uses: ["NetronWire", "CLibYAML"]),
        .room(
            "NetronEngine",
            in: "Engine",
            uses: ["NetronWire", "CNetronFast", "CSodium", "CMiniUPnPc", "CNATPMP"]
        ),
        .room("NetronStore", in: "Store", uses: ["NetronWire", "CLMDB"]),
        .room("NetronProtocol", in: "Protocol", uses: ["NetronWire"]),
        .room("NetronAPI", in: "API", uses: ["NetronWire"] + .nio + [.http]),
        .room(
            "NetronSwift",
            in: "Node",
            uses: [
                "NetronWire", "NetronConfig", "NetronEngine", "NetronStore", "NetronProtocol",
                "NetronAPI", .log,
            ] + .nio
        ),

        // The command is a library with a door, so that tests can call what is behind the door.
        .target(
            name: "NetronCommand",
            dependencies: [
                "NetronWire", "NetronConfig", "NetronAPI", "NetronSwift", "NetronSimulator",
                .arguments, .log,
            ] + .nio,
            path: "Sources/netron/Command",
            swiftSettings: .strict
        ),
        .executableTarget(
            name: "netron",
            dependencies: ["NetronCommand"],
            path: "Sources/netron/main",
            swiftSettings: .strict
        ),

        // Many nodes in one thread: a tool of the tests, and of `netron simulate`.
        .target(
            name: "NetronSimulator",
            dependencies: ["NetronWire", "NetronProtocol"],
            path: "Tests/NetronSimulator",
            swiftSettings: .strict
        ),

        // A process that the tests of the store can kill.
        .executableTarget(
            name: "NetronStoreWriter",
            dependencies: ["NetronStore", "NetronWire"],
            path: "Tests/NetronStoreWriter",
            swiftSettings: .strict
        ),

        // What the ledger costs: `make bench-ledger`.
        .executableTarget(
            name: "NetronLedgerBenchmark",
            dependencies: [
                "NetronWire", "NetronProtocol", "NetronStore", "NetronEngine", "NetronSimulator",
            ],
            path: "Benchmarks/ledger",
            swiftSettings: .strict
        ),

        .tests(of: "NetronWire", uses: ["NetronSimulator"]),
        .tests(of: "NetronConfig", uses: ["NetronWire", "NetronSimulator"]),
        .tests(of: "NetronStore", uses: ["NetronWire", "NetronSimulator", "NetronStoreWriter"]),
        .tests(of: "NetronProtocol", uses: ["NetronWire", "NetronSimulator"]),
        .tests(of: "NetronSimulator", uses: ["NetronWire", "NetronProtocol"]),
        .tests(of: "NetronAPI", uses: ["NetronWire"] + .nio + [.http, .embedded]),
        .tests(
            of: "NetronSwift",
            uses: [
                "NetronWire", "NetronConfig", "NetronEngine", "NetronProtocol", "NetronAPI", .log,
            ] + .nio
        ),
        .tests(
            of: "NetronCommand",
            uses: [
                "NetronWire", "NetronConfig", "NetronAPI", "NetronSwift", "NetronSimulator",
                .arguments, .log,
            ] + .nio
        ),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17
)

extension Target {
    /// A module of the Swift library, in its own folder of Sources/NetronSwift.
    static func room(_ name: String, in folder: String, uses: [Dependency] = []) -> Target {
        .target(
            name: name,
            dependencies: uses,
            path: "Sources/NetronSwift/\(folder)",
            swiftSettings: .strict
        )
    }

    /// The tests of a module, in the folder of Tests that has its name.
    static func tests(of module: String, uses: [Dependency] = []) -> Target {
        .testTarget(
            name: "\(module)Tests",
            dependencies: [.byName(name: module)] + uses,
            swiftSettings: .strict
        )
    }
}

extension Target.Dependency {
    static var arguments: Self {
        .product(name: "ArgumentParser", package: "swift-argument-parser")
    }
    static var embedded: Self { .product(name: "NIOEmbedded", package: "swift-nio") }
    static var http: Self { .product(name: "NIOHTTP1", package: "swift-nio") }
    static var log: Self { .product(name: "Logging", package: "swift-log") }
}

extension [Target.Dependency] {
    static var nio: Self {
        [
            .product(name: "NIOCore", package: "swift-nio"),
            .product(name: "NIOPosix", package: "swift-nio"),
        ]
    }
}

extension [SwiftSetting] {
    /// What the compiler holds every Swift file of ours to.
    static var strict: [SwiftSetting] {
        [
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            .strictMemorySafety(),
            .treatAllWarnings(as: .error),
        ]
    }
}

extension Context {
    /// Whether libcrypto seals too; the Makefile asks for it where it is installed.
    static var hasLibcrypto: Bool { environment["NETRON_LIBCRYPTO"] == "1" }
}

extension [CSetting] {
    static var libcrypto: [CSetting] { Context.hasLibcrypto ? [.define("NETRON_LIBCRYPTO")] : [] }

    /// What the C compiler holds us to, where `.ci/run` asks for it.
    ///
    /// Only there, since a package with unsafe flags cannot be another package's dependency.
    static var warnings: [CSetting] {
        guard Context.environment["NETRON_STRICT"] != nil else { return [] }
        return [
            .unsafeFlags(["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wvla", "-Werror"])
        ]
    }
}

extension [LinkerSetting] {
    static var libcrypto: [LinkerSetting] {
        Context.hasLibcrypto ? [.linkedLibrary("crypto")] : []
    }
}
