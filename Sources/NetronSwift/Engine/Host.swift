// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What the process may ask of the host that it runs on.
package enum Host {
    /// The value of an environment variable, if it is set and not empty.
    package static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// The user that the process acts as.
    package static var user: UInt32 { geteuid() }

    /// Whether the process acts as root.
    package static var isRoot: Bool { user == 0 }

    /// The host's name.
    package static var name: String { uname { text(of: $0.nodename) } }

    /// Operating system and architecture, for instance "linux x86_64".
    package static var platform: String {
        uname { "\(text(of: $0.sysname).lowercased()) \(text(of: $0.machine))" }
    }

    /// How much memory the host has, in bytes.
    package static var memoryBytes: Int {
        max(0, sysconf(Int32(_SC_PHYS_PAGES))) * max(0, sysconf(Int32(_SC_PAGESIZE)))
    }

    /// The path of the running program.
    package static var program: String {
        let path = unsafe [UInt8](count: Int(PATH_MAX)) { out in
            _ = unsafe readlink(
                "/proc/self/exe",
                UnsafeMutableRawPointer(out).assumingMemoryBound(to: CChar.self),
                Int(PATH_MAX) - 1
            )
        }
        return String(decoding: path.prefix { $0 != 0 }, as: UTF8.self)
    }

    private static func uname<Result>(_ body: (utsname) -> Result) -> Result {
        var names = utsname()
        _ = unsafe Glibc.uname(&names)
        return body(names)
    }
}
