// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What the command asks of the system; the one file of it that speaks with C.
enum System {
    /// A call of the system that failed.
    struct Failure: Error, CustomStringConvertible {
        /// What it means, in the system's words.
        let description: String

        init(_ number: Int32) {
            description = unsafe strerror(number).map { unsafe String(cString: $0) } ?? ""
        }
    }

    static let standardInput: Int32 = 0
    static let standardOutput: Int32 = 1
    static let standardError: Int32 = 2

    /// The first `most` bytes of a file, or of standard input if the path is "-".
    static func read(_ path: String, upTo most: Int) throws(Failure) -> [UInt8] {
        let isInput = path == "-"
        let file = isInput ? standardInput : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Failure(errno) }
        defer { if !isInput { close(file) } }
        var bytes = [UInt8](repeating: 0, count: most)
        var count = 0
        while count < most {
            let more = unsafe bytes.withUnsafeMutableBytes { lent in
                unsafe Glibc.read(file, lent.baseAddress?.advanced(by: count), most - count)
            }
            if more == 0 { break }
            if more > 0 {
                count += more
            } else if errno != EINTR {
                throw Failure(errno)
            }
        }
        return Array(bytes.prefix(count))
    }

    /// Writes all of it.
    static func write(_ text: String, to descriptor: Int32) throws(Failure) {
        let bytes = Array(text.utf8)
        var count = 0
        while count < bytes.count {
            let more = unsafe bytes.withUnsafeBytes { lent in
                unsafe Glibc.write(
                    descriptor,
                    lent.baseAddress?.advanced(by: count),
                    bytes.count - count
                )
            }
            if more >= 0 {
                count += more
            } else if errno != EINTR {
                throw Failure(errno)
            }
        }
    }

    /// Whether the file is there for all to read, or for a group.
    static func isReadByOthers(_ path: String) -> Bool {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return false }
        return status.st_mode & S_IFMT == S_IFREG && status.st_mode & (S_IRGRP | S_IROTH) != 0
    }

    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Bytes of memory that the process has in use, 0 if that is not known.
    static func residentBytes() -> UInt64 {
        // Its second word counts pages; mallinfo2(3) knows only the arena of the first thread.
        let statistics = (try? read("/proc/self/statm", upTo: 256)) ?? []
        let words = String(decoding: statistics, as: UTF8.self).split(separator: " ")
        guard words.count > 1, let pages = UInt64(words[1]) else { return 0 }
        return pages * UInt64(max(0, sysconf(Int32(_SC_PAGESIZE))))
    }

    /// Milliseconds since 1970, as the host believes.
    static func wallMilliseconds() -> UInt64 {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return 0 }
        return UInt64(max(0, time.tv_sec)) * 1000 + UInt64(time.tv_nsec / 1_000_000)
    }

    /// Keeps SIGINT and SIGTERM for `waitForStop()`; called before there are other threads.
    static func holdStops() {
        var signals = stops
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Returns when the process is asked to stop.
    static func waitForStop() {
        var signals = stops
        var number: Int32 = 0
        while unsafe sigwait(&signals, &number) != 0 {}
    }

    static func end(_ status: Outcome) -> Never { exit(status.rawValue) }

    /// Ends the process without a word to anybody.
    static func endAtOnce(_ status: Outcome) -> Never { _exit(status.rawValue) }

    private static var stops: sigset_t {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGINT)
        unsafe sigaddset(&signals, SIGTERM)
        return signals
    }
}
