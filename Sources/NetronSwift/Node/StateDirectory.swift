// SPDX-License-Identifier: Apache-2.0

internal import NetronEngine
internal import NetronWire

/// Where a node keeps what outlives it: its identity, and while it runs, the control socket.
package struct StateDirectory: Sendable {
    /// The directory's path.
    package let path: String

    /// The directory of a node: the one that the user named, or the usual one of its interface.
    package init(path: String?, interface: String) {
        self.path = path ?? "\(Self.root)/\(interface)"
    }

    /// The Unix socket that commands reach the node by.
    package var controlSocket: String { "\(path)/control.sock" }

    /// What the directories of all nodes of this user lie in.
    package static var root: String {
        if Host.isRoot { return "/var/lib/netron" }
        if let state = Host.variable("XDG_STATE_HOME"), state.hasPrefix("/") {
            return "\(state)/netron"
        }
        return "\(Host.variable("HOME") ?? "/tmp")/.local/state/netron"
    }

    /// Makes the directory if it is missing, and sees to it that nobody else can change it.
    ///
    /// Others may look into one that the user made: what lies there is closed to them by itself.
    func prepare() throws(NodeError) {
        let status = try carryOut { () throws(SystemCall) in
            try Files.makeDirectory(path)
            return try Files.status(of: path)
        }
        guard let status, status.isDirectory else {
            throw NodeError(.badState, "\(path) is no directory; choose another --state-dir")
        }
        guard status.owner == Host.user, status.mode & 0o022 == 0 else {
            throw NodeError(
                .badState,
                "the state directory \(path) is another user's to change; run:"
                    + " chown \(Host.user) \(path) && chmod 700 \(path)"
            )
        }
    }

    /// The node's seed, made at the first start.
    func identity() throws(NodeError) -> [UInt8] {
        let file = "\(path)/identity"
        if let seed = try readIdentity(file) { return seed }
        let seed = Identity.makeSeed()
        try carryOut { () throws(SystemCall) in
            do throws(SystemCall) {
                try Files.create(file, Array("\(Base32.encode(seed))\n".utf8))
            } catch .exists {
                // Another node of this directory was quicker; its identity is read below.
            }
        }
        return try readIdentity(file) ?? seed
    }

    /// Keeps other nodes out, as long as the lock lives.
    func lock() throws(NodeError) -> FileLock {
        let lock = try carryOut { () throws(SystemCall) in try FileLock("\(path)/lock") }
        if let lock { return lock }
        throw NodeError(
            .stateInUse,
            "another node runs with the state directory \(path); give each one its own --state-dir"
                + " or --interface"
        )
    }

    /// How many bytes an identity file has, at most: 52 characters and the end of the line.
    private static let identityBytesMax = 53

    private func readIdentity(_ file: String) throws(NodeError) -> [UInt8]? {
        let found = try carryOut { () throws(SystemCall) in try Files.status(of: file) }
        guard let status = found else { return nil }
        guard status.isRegular, status.isPrivate else {
            throw NodeError(
                .badState,
                "the identity \(file) is open to other users; run:"
                    + " chown \(Host.user) \(file) && chmod 600 \(file)"
            )
        }
        let bytes = try carryOut { () throws(SystemCall) in
            try Files.read(file, upTo: Self.identityBytesMax + 1) ?? []
        }
        var text = String(decoding: bytes, as: UTF8.self)[...]
        if text.hasSuffix("\n") { text.removeLast() }
        guard bytes.count <= Self.identityBytesMax, let seed = Base32.decode(text),
            seed.count == Identity.seedByteCount, (try? Identity.id(of: seed)) != nil
        else {
            throw NodeError(
                .badState,
                "the identity \(file) is damaged; restore it, or remove it to become a new node"
            )
        }
        return seed
    }

    /// Says of which directory the system speaks when it refuses.
    private func carryOut<Result>(
        _ body: () throws(SystemCall) -> Result
    ) throws(NodeError) -> Result {
        do {
            return try body()
        } catch {
            throw NodeError(
                error == .notPermitted ? .notPermitted : .system,
                "the state directory \(path) cannot be used: \(error); choose another with"
                    + " --state-dir"
            )
        }
    }
}

extension Files.Status {
    /// Whether it is this user's, and nobody else's to read.
    var isPrivate: Bool { owner == Host.user && mode & 0o077 == 0 }
}
