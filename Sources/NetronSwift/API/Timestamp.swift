// SPDX-License-Identifier: Apache-2.0

/// A moment of the world's calendar, as reports and logs write it (RFC 3339, UTC).
public struct Timestamp: Hashable, Sendable {
    /// Milliseconds since 1970, from 0 to the end of the year 9999.
    public let milliseconds: UInt64

    /// The last moment whose year has four digits.
    private static let last: UInt64 = 253_402_300_799_999

    /// Makes the moment; a later one than the year 9999 becomes its last.
    public init(milliseconds: UInt64) { self.milliseconds = min(milliseconds, Self.last) }

    /// How many seconds `other` comes after this moment; 0 if it comes before.
    public func seconds(until other: Self) -> UInt64 {
        other.milliseconds > milliseconds ? (other.milliseconds - milliseconds) / 1000 : 0
    }
}

extension Timestamp: Comparable {
    /// Whether `left` comes before `right`.
    public static func < (left: Self, right: Self) -> Bool {
        left.milliseconds < right.milliseconds
    }
}

extension Timestamp: LosslessStringConvertible {
    /// For instance 2026-11-23T12:37:12.345Z.
    public var description: String {
        let (days, inDay) = milliseconds.quotientAndRemainder(dividingBy: millisecondsPerDay)
        let date = Date(daysSince1970: Int(days))
        let seconds = inDay / 1000
        let time = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { padded($0, to: 2) }
        let day = [padded(date.year, to: 4), padded(date.month, to: 2), padded(date.day, to: 2)]
        return day.joined(separator: "-") + "T" + time.joined(separator: ":") + "."
            + padded(inDay % 1000, to: 3) + "Z"
    }

    /// Takes exactly what `description` gives.
    public init?(_ description: String) {
        let bytes = Array(description.utf8)
        guard bytes.count == 24 else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            bytes[range].reduce(Int?(0)) { sum, byte in
                guard let sum, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else {
                    return nil
                }
                return sum * 10 + Int(byte - UInt8(ascii: "0"))
            }
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16),
            let second = number(17..<19), let fraction = number(20..<23),
            year >= 1970, (1...12).contains(month), hour < 24, minute < 60, second < 60
        else { return nil }
        let days = Date(year: year, month: month, day: day).daysSince1970
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second
        self.init(milliseconds: UInt64(seconds * 1000 + fraction))
        // Day 31 of a short month and wrong signs in between do not come back as they went in.
        guard self.description == description else { return nil }
    }
}

extension Timestamp: Codable {
    /// Reads the text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let moment = try Self(container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "not a moment of RFC 3339 in UTC with milliseconds"
            )
        }
        self = moment
    }

    /// Writes the text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

private let millisecondsPerDay: UInt64 = 86_400_000

/// A day of the Gregorian calendar.
private struct Date {
    var year: Int
    var month: Int
    var day: Int

    init(year: Int, month: Int, day: Int) {
        (self.year, self.month, self.day) = (year, month, day)
    }

    // Years are counted from March here, so that the leap day is a year's last, and by eras of
    // 400 years, which all have the same number of days. 719,468 days lie between 0000-03-01 and
    // 1970-01-01; five months from March on have 153 days in all, whichever five they are.

    init(daysSince1970: Int) {
        let (era, dayOfEra) = (daysSince1970 + 719_468).quotientAndRemainder(dividingBy: 146_097)
        let leapDays = dayOfEra / 1460 - dayOfEra / 36_524 + dayOfEra / 146_096
        let yearOfEra = (dayOfEra - leapDays) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    }

    var daysSince1970: Int {
        let (era, yearOfEra) = (month <= 2 ? year - 1 : year).quotientAndRemainder(dividingBy: 400)
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

private func padded(_ number: some BinaryInteger, to width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
}
