// SPDX-License-Identifier: Apache-2.0

extension UInt64 {
    /// The number with its bits spread, which hides nothing.
    ///
    /// It is a bijection: the last steps of SplitMix64, after Steele, Lea and Flood (2014).
    @inlinable package var scrambled: UInt64 {
        var word = self
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
