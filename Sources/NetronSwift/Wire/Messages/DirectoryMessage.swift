// SPDX-License-Identifier: Apache-2.0

/// How two members find out in what their directories differ.
///
///     kind 1  ask       range, summary: "this is what I have there; and you?"
///     kind 2  same      range: "the same"
///     kind 3  parts     range, 16 summaries of its parts by the next 4 bits
///     kind 4  list      range, count (1 byte, at most 46), then as often an entry
///     kind 5  want      count (1 byte, 1 to 64), then as many places of 8 bytes, ascending
///     kind 6  records   count (1 byte, 1 to 8), then as often a length (2 bytes) and a statement
///     kind 7  chunks    see ChunkMessage
///     kind 8  keeps     range, bits (1 byte, 1 to 64): "not all of it: only all places that begin
///                       with as many bits like mine, or with as many zeros"
///
///     range     see DirectoryRange
///     summary   fingerprint (8 bytes), count (4 bytes) of the statements there
///     entry     place (8 bytes), incarnation (8 bytes), version (4 bytes),
///               stamp (4 bytes, the first half of the statement's fingerprint);
///               by place, each higher than the one before
///
/// Who asks gets `same`, `parts`, `list` or `keeps`: parts where one of the two has more than a
/// list holds.
package enum DirectoryMessage: Hashable, Sendable {
    case ask(DirectoryRange, Summary)
    case same(DirectoryRange)
    case parts(DirectoryRange, [Summary])
    case list(DirectoryRange, [Entry])
    case want([DirectoryPlace])
    /// Statements as they were signed; what is in them was not looked at.
    case records([[UInt8]])
    case chunks(ChunkMessage)
    case keeps(DirectoryRange, bits: Int)

    package static let partBits = 4
    package static let entriesMax = 46
    package static let wantsMax = 64
    package static let recordsMax = 8

    /// How many bytes of statements, with their lengths, go into one message.
    package static let recordBytesMax = 1_120

    /// What there is in a range.
    package struct Summary: Hashable, Sendable {
        package let fingerprint: UInt64
        package let count: UInt32

        package init(fingerprint: UInt64, count: Int) {
            self.fingerprint = fingerprint
            self.count = UInt32(clamping: count)
        }
    }

    /// Which statement there is at a place.
    package struct Entry: Hashable, Sendable {
        package let place: DirectoryPlace
        package let order: Presence.Order
        package let stamp: UInt32

        package init(_ place: DirectoryPlace, _ order: Presence.Order, stamp: UInt32) {
            self.place = place
            self.order = order
            self.stamp = stamp
        }
    }

    private enum Kind: UInt8 {
        case ask = 1
        case same = 2
        case parts = 3
        case list = 4
        case want = 5
        case records = 6
        case chunks = 7
        case keeps = 8
    }
}

extension DirectoryMessage {
    package func write(to writer: inout ByteWriter) {
        switch self {
        case .ask(let range, let summary):
            writer.write(Kind.ask.rawValue)
            range.write(to: &writer)
            summary.write(to: &writer)
        case .same(let range):
            writer.write(Kind.same.rawValue)
            range.write(to: &writer)
        case .parts(let range, let parts):
            precondition(parts.count == 1 << Self.partBits, "\(parts.count) parts")
            writer.write(Kind.parts.rawValue)
            range.write(to: &writer)
            for part in parts { part.write(to: &writer) }
        case .list(let range, let entries):
            writer.write(Kind.list.rawValue)
            range.write(to: &writer)
            writer.write(count: entries.count)
            for entry in entries { entry.write(to: &writer) }
        case .want(let places):
            writer.write(Kind.want.rawValue)
            writer.write(count: places.count)
            for place in places { writer.write(place.number) }
        case .records(let records):
            writer.write(Kind.records.rawValue)
            writer.write(count: records.count)
            for record in records {
                writer.write(UInt16(record.count))
                writer.write(record)
            }
        case .chunks(let message):
            writer.write(Kind.chunks.rawValue)
            message.write(to: &writer)
        case .keeps(let range, let bits):
            writer.write(Kind.keeps.rawValue)
            range.write(to: &writer)
            writer.write(count: bits)
        }
    }

    /// Takes a message, or nil for a kind, also of a chunk message, that this node does not know;
    /// what follows is then left.
    package init?(from reader: inout ByteReader) throws(WireError) {
        guard let kind = Kind(rawValue: try reader.read(UInt8.self)) else { return nil }
        switch kind {
        case .ask:
            self = .ask(try DirectoryRange(from: &reader), try Summary(from: &reader))
        case .same: self = .same(try DirectoryRange(from: &reader))
        case .parts: self = try Self.readParts(from: &reader)
        case .list: self = try Self.readList(from: &reader)
        case .want: self = .want(try Self.readPlaces(from: &reader))
        case .records: self = .records(try Self.readRecords(from: &reader))
        case .chunks:
            guard let message = try ChunkMessage(from: &reader) else { return nil }
            self = .chunks(message)
        case .keeps:
            let range = try DirectoryRange(from: &reader)
            let bits = try reader.read(countUpTo: DirectoryRange.bitsMax)
            guard bits > 0 else { throw .notCanonical }
            self = .keeps(range, bits: bits)
        }
    }

    private static func readParts(from reader: inout ByteReader) throws(WireError) -> Self {
        let range = try DirectoryRange(from: &reader)
        guard range.bits + partBits <= DirectoryRange.bitsMax else { throw .notCanonical }
        var parts: [Summary] = []
        for _ in 0..<(1 << partBits) { parts.append(try Summary(from: &reader)) }
        return .parts(range, parts)
    }

    private static func readList(from reader: inout ByteReader) throws(WireError) -> Self {
        let range = try DirectoryRange(from: &reader)
        var entries: [Entry] = []
        for _ in 0..<(try reader.read(countUpTo: entriesMax)) {
            let entry = try Entry(from: &reader)
            let isHigher = entries.last.map { $0.place < entry.place } ?? true
            guard isHigher, range.contains(entry.place) else { throw .notCanonical }
            entries.append(entry)
        }
        return .list(range, entries)
    }

    private static func readPlaces(
        from reader: inout ByteReader
    ) throws(WireError) -> [DirectoryPlace] {
        var places: [DirectoryPlace] = []
        for _ in 0..<(try reader.read(countUpTo: wantsMax)) {
            let place = DirectoryPlace(try reader.read(UInt64.self))
            if let last = places.last, last >= place { throw .notCanonical }
            places.append(place)
        }
        guard !places.isEmpty else { throw .notCanonical }
        return places
    }

    private static func readRecords(
        from reader: inout ByteReader
    ) throws(WireError) -> [[UInt8]] {
        var records: [[UInt8]] = []
        for _ in 0..<(try reader.read(countUpTo: recordsMax)) {
            let count = Int(try reader.read(UInt16.self))
            guard count <= Presence.bytesMax else { throw .tooMany }
            records.append(Array(try reader.read(bytes: count)))
        }
        guard !records.isEmpty else { throw .notCanonical }
        return records
    }
}

extension DirectoryMessage.Summary {
    fileprivate func write(to writer: inout ByteWriter) {
        writer.write(fingerprint)
        writer.write(count)
    }

    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        fingerprint = try reader.read(UInt64.self)
        count = try reader.read(UInt32.self)
    }
}

extension DirectoryMessage.Entry {
    fileprivate func write(to writer: inout ByteWriter) {
        writer.write(place.number)
        writer.write(order.incarnation)
        writer.write(order.version)
        writer.write(stamp)
    }

    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        place = DirectoryPlace(try reader.read(UInt64.self))
        order = .init(
            incarnation: try reader.read(UInt64.self),
            version: try reader.read(UInt32.self)
        )
        stamp = try reader.read(UInt32.self)
    }
}
