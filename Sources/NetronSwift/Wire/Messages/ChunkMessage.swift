// SPDX-License-Identifier: Apache-2.0

/// How an object that is larger than a message is pulled, in numbered chunks.
///
///     kind 1  request   handle, object, tag, count (1 byte, 1 to 8), then as often:
///                         first   2 bytes, the number of a chunk
///                         length  1 byte, how many chunks from there on, at least 1
///                       in ascending order, apart from each other; at most 16 chunks
///     kind 2  chunk     handle, tag, number (2 bytes), size (4 bytes), then to the end the bytes
///     kind 3  refused   handle: the sender has no such object
///
///     handle  4 bytes, chosen by who pulls; the answers bear it
///     tag     8 bytes that name the content: the same for the same bytes at every member.
///             0 in a request asks for whatever the content is
///     size    how many bytes the object has, at most 16 MiB
///
/// Every chunk but the last has `chunkBytes`; an object without bytes is one empty chunk. Who is
/// asked for content that has changed answers with chunk 0 of the new one.
package enum ChunkMessage: Hashable, Sendable {
    case request(Request)
    case chunk(Chunk)
    case refused(handle: UInt32)

    /// How many bytes of the object one chunk carries.
    package static let chunkBytes = 1024

    /// How large an object may be: 16 MiB.
    package static let objectBytesMax = 16 << 20

    /// How many chunks, and how many runs of chunks, one request asks for.
    package static let requestChunksMax = 16
    package static let requestRunsMax = 8

    /// How many chunks make up an object of that size.
    package static func chunkCount(size: Int) -> Int {
        max(1, (size + chunkBytes - 1) / chunkBytes)
    }

    package struct Request: Hashable, Sendable {
        package let handle: UInt32
        package let object: ChunkObject
        package let tag: UInt64

        /// The numbers, in ascending order, none twice.
        package let numbers: [UInt16]

        /// The first of the numbers that one request can ask for.
        package init(handle: UInt32, object: ChunkObject, tag: UInt64, numbers: [UInt16]) {
            precondition(!numbers.isEmpty, "a request for nothing")
            self.handle = handle
            self.object = object
            self.tag = tag
            var fitting: [UInt16] = []
            var runs = 0
            for number in numbers.sorted() where number != fitting.last {
                if fitting.count == ChunkMessage.requestChunksMax { break }
                if fitting.isEmpty || fitting.last != number &- 1 { runs += 1 }
                if runs > ChunkMessage.requestRunsMax { break }
                fitting.append(number)
            }
            self.numbers = fitting
        }
    }

    package struct Chunk: Hashable, Sendable {
        package let handle: UInt32
        package let tag: UInt64
        package let number: UInt16
        package let size: Int
        package let bytes: [UInt8]

        /// The chunk with that number of an object's bytes.
        package init(_ number: UInt16, of object: [UInt8], tag: UInt64, handle: UInt32) {
            precondition(tag != 0, "a content without a name")
            precondition(object.count <= ChunkMessage.objectBytesMax)
            precondition(number < ChunkMessage.chunkCount(size: object.count))
            self.handle = handle
            self.tag = tag
            self.number = number
            size = object.count
            let start = Int(number) * ChunkMessage.chunkBytes
            bytes = Array(object[start..<min(start + ChunkMessage.chunkBytes, object.count)])
        }
    }

    private enum Kind: UInt8 {
        case request = 1
        case chunk = 2
        case refused = 3
    }
}

extension ChunkMessage {
    /// Takes a message, or nil for a kind that this node does not know; what follows is then left.
    package init?(from reader: inout ByteReader) throws(WireError) {
        guard let kind = Kind(rawValue: try reader.read(UInt8.self)) else { return nil }
        switch kind {
        case .request: self = .request(try Request(from: &reader))
        case .chunk: self = .chunk(try Chunk(from: &reader))
        case .refused: self = .refused(handle: try reader.read(UInt32.self))
        }
    }

    package func write(to writer: inout ByteWriter) {
        switch self {
        case .request(let request):
            writer.write(Kind.request.rawValue)
            request.write(to: &writer)
        case .chunk(let chunk):
            writer.write(Kind.chunk.rawValue)
            chunk.write(to: &writer)
        case .refused(let handle):
            writer.write(Kind.refused.rawValue)
            writer.write(handle)
        }
    }
}

extension ChunkMessage.Request {
    /// The numbers as runs: the first one, and how many.
    private var runs: [(first: UInt16, length: Int)] {
        var runs: [(first: UInt16, length: Int)] = []
        for number in numbers {
            if let last = runs.last, Int(last.first) + last.length == Int(number) {
                runs[runs.count - 1].length += 1
            } else {
                runs.append((number, 1))
            }
        }
        return runs
    }

    fileprivate func write(to writer: inout ByteWriter) {
        writer.write(handle)
        object.write(to: &writer)
        writer.write(tag)
        let runs = self.runs
        writer.write(count: runs.count)
        for run in runs {
            writer.write(run.first)
            writer.write(count: run.length)
        }
    }

    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        handle = try reader.read(UInt32.self)
        object = try ChunkObject(from: &reader)
        tag = try reader.read(UInt64.self)
        var numbers: [UInt16] = []
        let count = try reader.read(countUpTo: ChunkMessage.requestRunsMax)
        guard count > 0 else { throw .notCanonical }
        for _ in 0..<count {
            let first = Int(try reader.read(UInt16.self))
            let length = try reader.read(countUpTo: ChunkMessage.requestChunksMax - numbers.count)
            let isApart = numbers.last.map { Int($0) + 1 < first } ?? true
            guard length > 0, isApart, first + length <= 1 << 16 else { throw .notCanonical }
            for number in first..<(first + length) { numbers.append(UInt16(number)) }
        }
        self.numbers = numbers
    }
}

extension ChunkMessage.Chunk {
    fileprivate func write(to writer: inout ByteWriter) {
        writer.write(handle)
        writer.write(tag)
        writer.write(number)
        writer.write(UInt32(size))
        writer.write(bytes)
    }

    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        handle = try reader.read(UInt32.self)
        tag = try reader.read(UInt64.self)
        number = try reader.read(UInt16.self)
        size = Int(try reader.read(UInt32.self))
        guard size <= ChunkMessage.objectBytesMax else { throw .tooMany }
        guard tag != 0, number < ChunkMessage.chunkCount(size: size) else { throw .notCanonical }
        let start = Int(number) * ChunkMessage.chunkBytes
        bytes = Array(try reader.read(bytes: min(ChunkMessage.chunkBytes, size - start)))
    }
}
