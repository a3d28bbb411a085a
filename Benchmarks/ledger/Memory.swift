// SPDX-License-Identifier: Apache-2.0

import NetronEngine

/// What the process has in memory, as the kernel counts it.
enum Memory {
    /// Bytes that are the process's own, and no file's.
    static var anonymousBytes: Int { field("RssAnon:") }

    private static func field(_ name: String) -> Int {
        let bytes = ((try? Files.read("/proc/self/status", upTo: 1 << 16)) ?? nil) ?? []
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix(name) }) else { return 0 }
        let words = line.split { $0 == " " || $0 == "\t" }
        return words.count > 1 ? (Int(words[1]) ?? 0) << 10 : 0
    }
}
