// SPDX-License-Identifier: Apache-2.0

import NetronEngine

/// What the process has in memory, as the kernel counts it.
enum Memory {
    /// Bytes that are the process's own, and no file's.
    static var anonymousBytes: Int { field("RssAnon:") }

    private static func field(_ name: String) -> Int {
        let lines = Kernel.text("/proc/self/status").split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix(name) }) else { return 0 }
        let words = line.split { $0 == " " || $0 == "\t" }
        return words.count > 1 ? (Int(words[1]) ?? 0) << 10 : 0
    }
}

/// How long the process had a processor, which does not depend on what else the machine does.
enum Processor {
    /// Nanoseconds of the main thread, which does all that is measured here.
    static var nanoseconds: Double {
        // proc(5): time on a processor, time that it waited for one, turns.
        Kernel.text("/proc/self/schedstat").split(separator: " ").first.flatMap { Double($0) } ?? 0
    }
}

private enum Kernel {
    static func text(_ path: String) -> String {
        let bytes = ((try? Files.read(path, upTo: 1 << 16)) ?? nil) ?? []
        return String(decoding: bytes, as: UTF8.self)
    }
}
