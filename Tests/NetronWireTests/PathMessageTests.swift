// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

private func id(_ number: UInt8) -> [UInt8] { [number] + [UInt8](repeating: 0, count: 31) }

private func nodeID(_ number: UInt8) throws -> NodeID { try #require(NodeID(bytes: id(number))) }

private func circuit(_ number: UInt32) throws -> CircuitID { try #require(CircuitID(number)) }

@Suite("path messages") struct PathMessageTests {
    private static func samples() throws -> [(PathMessage, [UInt8])] {
        let (one, two) = (try circuit(0x0102_0304), try circuit(5))
        let opening = PathMessage.Opening(
            one,
            from: try nodeID(1),
            to: try nodeID(2),
            through: [try nodeID(3), try nodeID(4)]
        )
        return [
            (.open(opening), [1, 1, 2, 3, 4] + id(1) + id(2) + [2] + id(3) + id(4)),
            (.opened(one, by: two), [2, 1, 2, 3, 4, 0, 0, 0, 5]),
            (.refused(two, .busy), [3, 0, 0, 0, 5, 2]), (.close(one), [4, 1, 2, 3, 4]),
            (.keepalive(.init(seconds: 25, isKept: false, isGated: false)), [6, 0, 25]),
            (.keepalive(.init(seconds: 255, isKept: true, isGated: false)), [6, 1, 255]),
            (.keepalive(.init(seconds: 1, isKept: false, isGated: true)), [6, 2, 1]),
            (
                .keepalive(.init(seconds: 45, isKept: true, isGated: true, isAnswer: true)),
                [6, 7, 45]
            ),
        ] + (try candidates())
    }

    private static func candidates() throws -> [(PathMessage, [UInt8])] {
        let endpoint = try #require(Endpoint("1.2.3.4:258"))
        let (there, nowhere): ([UInt8], [UInt8]) = ([4, 1, 2, 3, 4, 1, 2], [4, 0, 0, 0, 0, 0, 0])
        let gates: [(Gate, [UInt8])] = [
            (Gate(), [0, 0, 0, 0] + nowhere),
            (Gate(mapping: .none, filtering: .open, seen: endpoint), [1, 0, 0, 1] + there),
            (
                Gate(mapping: .endpointIndependent, filtering: .restricted, seen: endpoint),
                [2, 0, 0, 2] + there
            ),
            (Gate(mapping: .addressDependent(step: nil)), [3, 0, 0, 0] + nowhere),
            (Gate(mapping: .addressDependent(step: 258)), [3, 1, 2, 0] + nowhere),
        ]
        var samples = gates.map { gate, bytes in
            (
                PathMessage.candidates(.init([endpoint], gate: gate, hasHeard: true)),
                [5, 1, 1] + there + bytes
            )
        }
        samples.append((.candidates(.init([], hasHeard: false)), [5, 0, 0, 0, 0, 0, 0] + nowhere))
        let calling = PathMessage.Candidates([], hasHeard: true, isSearching: true)
        samples.append((.candidates(calling), [5, 3, 0, 0, 0, 0, 0] + nowhere))
        return samples
    }

    @Test("the bytes are those of the drawing, and come back") func bytes() throws {
        for (message, bytes) in try Self.samples() {
            #expect(Message.path(message).encoded() == [1, 8] + bytes)
            #expect(try Message.decode([1, 8] + bytes) == .path(message))
        }
    }

    @Test("a message cut anywhere is refused, and one with more behind it")
    func lengths() throws {
        for (_, bytes) in try Self.samples() {
            for count in 0..<bytes.count {
                #expect(throws: WireError.truncated) {
                    try Message.decode([1, 8] + bytes.prefix(count))
                }
            }
            #expect(throws: WireError.trailing) { try Message.decode([1, 8] + bytes + [0]) }
        }
    }

    @Test("what names no circuit, the same member twice, or too many, is refused")
    func malformed() {
        let zero: [UInt8] = [0, 0, 0, 0]
        let one: [UInt8] = [0, 0, 0, 1]
        let endpoint: [UInt8] = [4, 1, 2, 3, 4, 0, 1]
        let bad: [([UInt8], WireError)] = [
            ([1] + zero + id(1) + id(2) + [0], .notCanonical),
            ([1] + one + id(1) + id(1) + [0], .notCanonical),
            ([1] + one + id(1) + id(2) + [1] + id(1), .notCanonical),
            ([1] + one + id(1) + id(2) + [1] + id(2), .notCanonical),
            ([1] + one + id(1) + id(2) + [2] + id(3) + id(3), .notCanonical),
            ([1] + one + id(1) + id(2) + [3] + id(3) + id(4) + id(5), .tooMany),
            ([2] + one + zero, .notCanonical), ([3] + zero + [1], .notCanonical),
            ([4] + zero, .notCanonical), ([5, 4, 0], .notCanonical), ([5, 0, 17], .tooMany),
            ([5, 0, 2] + endpoint + endpoint, .notCanonical),
            ([5, 0, 0, 4, 0, 0, 0] + endpoint, .notCanonical),
            ([5, 0, 0, 2, 0, 1, 0] + endpoint, .notCanonical),
            ([5, 0, 0, 3, 0, 1, 3] + endpoint, .notCanonical),
            ([6, 8, 25], .notCanonical), ([6, 255, 25], .notCanonical),
            ([6, 0, 0], .notCanonical),
        ]
        for (bytes, error) in bad {
            #expect(throws: error, "\(bytes)") { try Message.decode([1, 8] + bytes) }
        }
    }

    @Test("a kind or a reason that is not known is left alone") func unknown() throws {
        #expect(try Message.decode([1, 8, 7, 9, 9]) == nil)
        #expect(try Message.decode([1, 8, 3, 0, 0, 0, 1, 9]) == nil)
    }

    @Test("a circuit is an endpoint that no text names and that no address is")
    func endpoints() throws {
        let endpoint = Endpoint(try circuit(0x1A))
        #expect(endpoint.circuit == CircuitID(0x1A) && endpoint.isRelayed)
        #expect(endpoint.description == "circuit:0000001a")
        #expect(Endpoint(endpoint.description) == nil)
        #expect(endpoint.unscoped.circuit == nil)
        for text in ["0.0.0.0:0", "[::]:0", "[::]:1", "[fe80::1%3]:0"] {
            #expect(try #require(Endpoint(text)).circuit == nil, "\(text)")
        }
    }
}
