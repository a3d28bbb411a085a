// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
internal import Glibc
internal import NetronWire

/// Where a store is, and the words for what can be wrong there.
struct StorePath: Hashable, Sendable {
    /// How many damaged files are kept.
    static let asideMax = 3

    /// The store's file.
    let file: String

    /// Locked as long as the store is open.
    ///
    /// A file of its own, which stays: the store's is replaced when it is compacted.
    var lock: String { "\(file).lock" }

    /// What becomes the store's file once it is whole and on disk.
    var draft: String { "\(file).new" }

    /// A damaged file that was moved away; 1 is the last one.
    func aside(_ number: Int) -> String { "\(file).corrupt-\(number)" }

    var directory: String {
        guard let slash = file.lastIndex(of: "/") else { return "." }
        return slash == file.startIndex ? "/" : String(file[..<slash])
    }
}

extension StorePath {
    var foreign: StoreError {
        StoreError(
            .foreign,
            "\(file) is no ledger of a node; move it away, or choose another --state-dir"
        )
    }

    var otherNetwork: StoreError {
        StoreError(
            .foreign,
            "\(file) is the ledger of another network; give each network its own --state-dir"
        )
    }

    var newer: StoreError {
        StoreError(
            .newer,
            "a newer version of Netron wrote \(file); install that one, or move the file away"
        )
    }

    func corrupt(_ finding: String) -> StoreError {
        StoreError(
            .corrupt,
            "\(file) is damaged (\(finding)); move it away, and the node asks the others anew"
        )
    }

    func full(_ bytesMax: Int) -> StoreError {
        StoreError(
            .full,
            "\(file) is full: it may have \(bytesMax) bytes; raise --ledger-budget"
        )
    }

    var inUse: StoreError {
        StoreError(
            .inUse,
            "another process has \(file); stop it, or give each node its own --state-dir"
        )
    }

    var diskFull: StoreError {
        StoreError(.diskFull, "the disk of \(file) is full; make room on it")
    }

    /// What an errno means.
    func failure(system number: Int32) -> StoreError {
        switch number {
        case ENOSPC, EDQUOT, EFBIG: diskFull
        case EROFS:
            StoreError(
                .readOnly,
                "\(file) is on a read-only file system; choose another --state-dir, or keep the"
                    + " ledger in memory with --ledger memory"
            )
        case EACCES, EPERM:
            StoreError(
                .notPermitted,
                "\(file) may not be used by this user; run: chown \(getuid()) \(file) && chmod 600"
                    + " \(file), or choose another --state-dir"
            )
        default:
            StoreError(
                .system,
                "\(file) cannot be used: \(Self.text(of: number)); choose another --state-dir, or"
                    + " keep the ledger in memory with --ledger memory"
            )
        }
    }

    /// The result of a call of the system that answers -1 when it failed; an interrupted one is
    /// made again.
    func check<Number: SignedInteger>(_ call: () -> Number) throws(StoreError) -> Number {
        while true {
            let result = call()
            if result != -1 { return result }
            if errno != EINTR { throw failure(system: errno) }
        }
    }

    static func text(of number: Int32) -> String {
        // LMDB's own numbers are negative.
        if number < 0, let text = unsafe mdb_strerror(number) {
            return unsafe String(cString: text)
        }
        var buffer = [CChar](repeating: 0, count: 128)
        return unsafe buffer.withUnsafeMutableBufferPointer { lent in
            guard let base = lent.baseAddress, unsafe strerror_r(number, base, lent.count) == 0
            else { return "error \(number)" }
            return unsafe String(cString: base)
        }
    }
}
