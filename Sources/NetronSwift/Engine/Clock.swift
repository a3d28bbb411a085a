// SPDX-License-Identifier: Apache-2.0

internal import CNetronFast
internal import Glibc
package import NetronWire

/// The two clocks of the host.
package enum Clock {
    /// The clock that the packet core counts by, CLOCK_BOOTTIME.
    package static func now() -> Instant { Instant(nanoseconds: netron_device_now()) }

    /// Milliseconds since 1970, as the host believes.
    package static func wallMilliseconds() -> UInt64 {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return 0 }
        return UInt64(max(0, time.tv_sec)) * 1000 + UInt64(time.tv_nsec / 1_000_000)
    }

    /// Whether something keeps the host's wall clock right (NTP or the like), as the kernel knows.
    ///
    /// False where the kernel does not tell.
    package static var isSynchronized: Bool {
        netron_device_clock_synchronized() != 0
    }
}
