// SPDX-License-Identifier: Apache-2.0

internal import NetronConfig
internal import NetronEngine

/// Why a node could not do what it was asked to.
public struct NodeError: Error, Hashable, Sendable {
    /// What kind of failure it is, for programs.
    ///
    /// Later versions may add some.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The code's name.
        public let rawValue: String

        /// Makes a code of its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// A config, token or option is not what it should be.
        public static let invalidConfig = Self(rawValue: "invalid_config")
        /// The system does not let this user do it.
        public static let notPermitted = Self(rawValue: "not_permitted")
        /// Another program has the UDP port.
        public static let portInUse = Self(rawValue: "port_in_use")
        /// There is an interface of that name, or one with that address.
        public static let interfaceInUse = Self(rawValue: "interface_in_use")
        /// Another node has the state directory.
        public static let stateInUse = Self(rawValue: "state_in_use")
        /// Another node runs with the same identity.
        public static let identityInUse = Self(rawValue: "identity_in_use")
        /// A file of the state directory is damaged, or open to others.
        public static let badState = Self(rawValue: "bad_state")
        /// The kernel or a library lacks what is needed.
        public static let unsupported = Self(rawValue: "unsupported")
        /// A node starts once.
        public static let alreadyStarted = Self(rawValue: "already_started")
        /// The node does not run.
        public static let notRunning = Self(rawValue: "not_running")
        /// No member by that id has a session.
        public static let unknownNode = Self(rawValue: "unknown_node")
        /// The ledger does not take what was to be written.
        public static let ledgerRefused = Self(rawValue: "ledger_refused")
        /// What is said in the ledger cannot be kept or read.
        public static let ledgerFailed = Self(rawValue: "ledger_failed")
        /// Too much is under way; try again later.
        public static let busy = Self(rawValue: "busy")
        /// Anything else that the system refused.
        public static let system = Self(rawValue: "system")
    }

    /// What kind of failure it is.
    public let code: Code

    /// One sentence that says what is wrong and what to do.
    public let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension NodeError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}

extension NodeError {
    /// What a node ends with whose key runs twice; neither of the two can be reached for sure.
    static let identityInUse = Self(
        .identityInUse,
        "another node runs with this node's identity, so this one has ended; remove the file"
            + " `identity` of the state directory of one of the two, and start both again"
    )

    init(portInUse port: UInt16) {
        self.init(
            .portInUse,
            "UDP port \(port) is in use by another program; choose another with --port, or 0 for"
                + " any"
        )
    }

    init(_ error: ConfigError) { self.init(.invalidConfig, error.description) }

    /// Why the packet core did not start.
    init(_ error: EngineError, starting options: DeviceOptions) {
        let interface = options.interface?.name
        switch error {
        case .notPermitted:
            let advice = "run as root, or: setcap cap_net_admin+ep \(Host.program)"
            self.init(
                .notPermitted,
                interface.map { "the interface \($0) cannot be made: not permitted; \(advice)" }
                    ?? "the sockets cannot be opened: not permitted; \(advice)"
            )
        case .inUse where error.isAddressInUse || interface == nil:
            self.init(portInUse: options.port)
        case .inUse:
            let name = interface ?? ""
            self.init(
                .interfaceInUse,
                "the interface \(name) or one of its addresses is in use; choose another with"
                    + " --interface, or stop the program that has it"
            )
        case .unsupported:
            self.init(
                .unsupported,
                "the kernel cannot make a TUN interface (\(error)); load its module with"
                    + " `modprobe tun`, or in a container pass the device /dev/net/tun on"
            )
        default:
            self.init(.system, "the packet core does not start: \(error)")
        }
    }
}
