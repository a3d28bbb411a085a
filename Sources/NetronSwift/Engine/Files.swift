// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The few things that a node does with files.
package enum Files {
    /// What a file is and who may use it.
    package struct Status: Hashable, Sendable {
        package let isDirectory: Bool
        package let isRegular: Bool
        /// The lowest nine bits: who may read, write and enter.
        package let mode: UInt32
        package let owner: UInt32
        package let byteCount: Int64
    }

    /// What `path` leads to, or nil if there is nothing.
    package static func status(of path: String) throws(SystemCall) -> Status? {
        var status = stat()
        do {
            _ = try SystemCall.check { unsafe stat(path, &status) }
        } catch .missing {
            return nil
        }
        return Status(status)
    }

    /// Makes a directory that only its owner may use, and those above it that are missing.
    ///
    /// One that is there stays as it is.
    package static func makeDirectory(_ path: String) throws(SystemCall) {
        var end = path.startIndex
        while end < path.endIndex {
            end = path[path.index(after: end)...].firstIndex(of: "/") ?? path.endIndex
            let parent = String(path[..<end])
            do {
                _ = try SystemCall.check { unsafe mkdir(parent, 0o700) }
            } catch .exists {
                continue
            }
        }
    }

    /// The whole file, or nil if there is none; at most `most` bytes of it.
    package static func read(_ path: String, upTo most: Int) throws(SystemCall) -> [UInt8]? {
        let file: File
        do {
            file = try File(path, O_RDONLY)
        } catch .missing {
            return nil
        }
        return try file.read(upTo: most)
    }

    /// Creates a file that only its owner may use, whole and on disk, or not at all.
    ///
    /// Throws `.exists` if it is there.
    package static func create(_ path: String, _ bytes: [UInt8]) throws(SystemCall) {
        let draft = "\(path).\(getpid()).new"
        _ = unsafe unlink(draft)
        let file = try File(draft, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        do {
            try file.write(bytes)
            // A link, unlike a rename, does not replace what somebody else made meanwhile.
            _ = try SystemCall.check { unsafe link(draft, path) }
            _ = unsafe unlink(draft)
            try File(directory(of: path), O_RDONLY | O_DIRECTORY).synchronize()
        } catch {
            _ = unsafe unlink(draft)
            throw error
        }
    }

    /// Writes a file that only its owner may use, in the place of one that may be there: whoever
    /// reads it sees the old one or the new one, whole.
    package static func replace(_ path: String, _ bytes: [UInt8]) throws(SystemCall) {
        let draft = "\(path).\(getpid()).new"
        _ = unsafe unlink(draft)
        let file = try File(draft, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        do {
            try file.write(bytes)
            _ = try SystemCall.check { unsafe rename(draft, path) }
        } catch {
            _ = unsafe unlink(draft)
            throw error
        }
    }

    /// Removes a file, if it is there.
    package static func remove(_ path: String) throws(SystemCall) {
        do {
            _ = try SystemCall.check { unsafe unlink(path) }
        } catch .missing {
            return
        }
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

extension Files.Status {
    init(_ status: stat) {
        isDirectory = status.st_mode & S_IFMT == S_IFDIR
        isRegular = status.st_mode & S_IFMT == S_IFREG
        mode = status.st_mode & 0o777
        owner = status.st_uid
        byteCount = Int64(status.st_size)
    }
}

/// A lock that this process holds until it lets go of the value, or dies.
@safe package final class FileLock: Sendable {
    private let file: File

    /// Locks the file at `path`, which is made if it is missing; nil if another holds it.
    ///
    /// The file stays when the lock goes: to remove it would let two hold a lock of that name.
    package init?(_ path: String) throws(SystemCall) {
        file = try File(path, O_RDWR | O_CREAT, mode: 0o600)
        do {
            try file.lock()
        } catch .busy {
            return nil
        }
    }
}

/// An open file, closed with the value.
private final class File: Sendable {
    private let descriptor: Int32

    init(_ path: String, _ flags: Int32, mode: mode_t = 0) throws(SystemCall) {
        descriptor = try SystemCall.check { unsafe open(path, flags | O_CLOEXEC, mode) }
    }

    deinit { close(descriptor) }

    func read(upTo most: Int) throws(SystemCall) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: most)
        var count = 0
        while count < most {
            let more = try SystemCall.check {
                unsafe bytes.withUnsafeMutableBytes { lent in
                    unsafe Glibc.read(
                        descriptor,
                        lent.baseAddress?.advanced(by: count),
                        most - count
                    )
                }
            }
            if more == 0 { break }
            count += more
        }
        // In place: what is wiped after use shall not have a copy.
        bytes.removeLast(most - count)
        return bytes
    }

    /// Writes all of it and waits until it is on disk.
    func write(_ bytes: [UInt8]) throws(SystemCall) {
        var count = 0
        while count < bytes.count {
            count += try SystemCall.check {
                unsafe bytes.withUnsafeBytes { lent in
                    unsafe Glibc.write(
                        descriptor,
                        lent.baseAddress?.advanced(by: count),
                        lent.count - count
                    )
                }
            }
        }
        try synchronize()
    }

    func synchronize() throws(SystemCall) {
        _ = try SystemCall.check { fsync(descriptor) }
    }

    func lock() throws(SystemCall) {
        _ = try SystemCall.check { flock(descriptor, LOCK_EX | LOCK_NB) }
    }
}
