// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NetronWire

/// An open file of a store, closed with the value.
final class StoreFile {
    /// How much of a file is asked for before it is needed, at most, and at a time: the system may
    /// leave the rest of a longer request out.
    private static let prefetchBytesMax = 256 << 20
    private static let prefetchBytes = 128 << 10

    private let path: StorePath
    private let descriptor: Int32

    /// Opens the file `name`, which belongs to the store at `path`; what is wrong is said of that.
    init(_ name: String, of path: StorePath, _ flags: Int32) throws(StoreError) {
        self.path = path
        descriptor = try path.check { unsafe open(name, flags | O_CLOEXEC, 0o600) }
    }

    deinit { close(descriptor) }

    /// How many bytes it has.
    func byteCount() throws(StoreError) -> Int {
        var status = stat()
        _ = try path.check { unsafe fstat(descriptor, &status) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw path.foreign }
        return Int(status.st_size)
    }

    /// Has the system read the first `count` bytes from the front on, and does not wait for it.
    func prefetch(_ count: Int) {
        let end = min(count, Self.prefetchBytesMax)
        for offset in stride(from: 0, to: end, by: Self.prefetchBytes) {
            // Where that cannot be, reading only takes longer.
            _ = posix_fadvise(descriptor, offset, Self.prefetchBytes, POSIX_FADV_WILLNEED)
        }
    }

    /// `count` bytes from `offset` on, or less where the file ends.
    func read(_ count: Int, at offset: Int) throws(StoreError) -> [UInt8] {
        var failure: StoreError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(StoreError) {
                while filled < count {
                    let more = try path.check {
                        unsafe pread(
                            descriptor,
                            buffer.baseAddress?.advanced(by: filled),
                            count - filled,
                            offset + filled
                        )
                    }
                    if more == 0 { return }
                    filled += more
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    func synchronize() throws(StoreError) { _ = try path.check { fsync(descriptor) } }

    /// Whether this process has the file's lock now.
    func lock() throws(StoreError) -> Bool {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return false }
            if errno != EINTR { throw path.failure(system: errno) }
        }
        return true
    }
}

extension StorePath {
    /// Keeps other processes out until the value goes.
    func takeLock() throws(StoreError) -> StoreFile {
        let lock = try StoreFile(self.lock, of: self, O_RDWR | O_CREAT)
        guard try lock.lock() else { throw inUse }
        return lock
    }

    /// Whether there is something of the store's name.
    func isThere() throws(StoreError) -> Bool {
        var status = stat()
        if unsafe lstat(file, &status) == 0 { return true }
        guard errno == ENOENT else { throw failure(system: errno) }
        return false
    }

    /// Removes what a run that was cut short left behind.
    func removeDraft() throws(StoreError) {
        if unsafe unlink(draft) != 0, errno != ENOENT { throw failure(system: errno) }
    }

    /// Puts the draft, which is on disk, in the place of the store.
    ///
    /// Whenever the host stops there is the old file or the new one, whole.
    func installDraft() throws(StoreError) { _ = try check { unsafe rename(draft, file) } }

    /// Waits until names are on disk too.
    func synchronizeDirectory() throws(StoreError) {
        try StoreFile(directory, of: self, O_RDONLY | O_DIRECTORY).synchronize()
    }

    /// Moves the store away, and the ones moved before one further; the oldest goes.
    func moveAside() throws(StoreError) -> String {
        for number in stride(from: Self.asideMax, to: 1, by: -1) {
            let younger = aside(number - 1)
            if unsafe rename(younger, aside(number)) != 0, errno != ENOENT {
                throw failure(system: errno)
            }
        }
        _ = try check { unsafe rename(file, aside(1)) }
        try synchronizeDirectory()
        return aside(1)
    }

    /// Whether the disk has less room than a batch of records needs.
    ///
    /// LMDB tells a write that was cut short, as a full disk does, by EIO.
    func isDiskFull() -> Bool {
        var status = statvfs()
        guard unsafe statvfs(directory, &status) == 0 else { return false }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize) < 1 << 20
    }
}
