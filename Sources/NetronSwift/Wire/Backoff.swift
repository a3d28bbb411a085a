// SPDX-License-Identifier: Apache-2.0

extension Duration {
    /// This pause, doubled so often, and no longer than `most`: what is tried in vain is tried less
    /// and less.
    package func doubled(_ times: Int, atMost most: Duration) -> Duration {
        min(self * (1 << min(max(times, 0), 16)), most)
    }
}
