// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import NetronEngine
import Testing

@testable import NetronSwift

/// A directory of its own for a test, gone with the value.
final class Scratch {
    let path: String

    init() {
        let number = UInt64.random(in: 0...UInt64.max)
        path = "\(FileManager.default.temporaryDirectory.path)/netron-\(number)"
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String, mode: Int = 0o600) throws {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        try setMode(mode, of: name)
    }

    func setMode(_ mode: Int, of name: String) throws {
        try FileManager.default.setAttributes(
            [.posixPermissions: mode],
            ofItemAtPath: "\(path)/\(name)"
        )
    }

    func text(of name: String) throws -> String {
        try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
    }
}

@Suite("state directory") struct StateDirectoryTests {
    private let scratch = Scratch()
    private var state: StateDirectory { StateDirectory(path: scratch.path, interface: "x") }

    @Test("it is made with those above it, for its owner alone") func made() throws {
        let deep = StateDirectory(path: "\(scratch.path)/a/b", interface: "x")
        try deep.prepare()
        try deep.prepare()
        let status = try #require(try Files.status(of: deep.path))
        #expect(status.isDirectory && status.mode == 0o700)
    }

    @Test("the usual one has the interface's name") func usual() {
        let state = StateDirectory(path: nil, interface: "netron7")
        #expect(state.path == "\(StateDirectory.root)/netron7")
        #expect(state.controlSocket == "\(state.path)/control.sock")
    }

    @Test("one that others may only look into will do") func readable() throws {
        try state.prepare()
        try scratch.setMode(0o755, of: "")
        try state.prepare()
    }

    @Test("one that others may change is refused, with what to do", arguments: [0o720, 0o1777])
    func open(mode: Int) throws {
        try state.prepare()
        try scratch.setMode(mode, of: "")
        let error = #expect(throws: NodeError.self) { try state.prepare() }
        #expect(error?.code == .badState)
        #expect(error?.message.contains("chmod 700 \(scratch.path)") == true)
    }

    @Test("a file is no state directory") func file() throws {
        try state.prepare()
        try scratch.write("", to: "file")
        let file = StateDirectory(path: "\(scratch.path)/file", interface: "x")
        #expect(throws: NodeError.self) { try file.prepare() }
    }

    @Test("the identity stays, and only its owner may read it") func identity() throws {
        try state.prepare()
        let seed = try state.identity()
        #expect(try state.identity() == seed)
        let status = try #require(try Files.status(of: "\(scratch.path)/identity"))
        #expect(status.mode == 0o600 && status.byteCount == 53)
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
        #expect(names == ["identity"])
    }

    @Test("an identity without the end of its line is the same") func lineEnd() throws {
        try state.prepare()
        let seed = try state.identity()
        let text = try scratch.text(of: "identity")
        try scratch.write(String(text.dropLast()), to: "identity")
        #expect(try state.identity() == seed)
    }

    @Test("an identity that others may read is refused, with what to do") func exposed() throws {
        try state.prepare()
        _ = try state.identity()
        try scratch.setMode(0o640, of: "identity")
        let error = #expect(throws: NodeError.self) { try state.identity() }
        #expect(error?.code == .badState)
        #expect(error?.message.contains("chmod 600") == true)
    }

    @Test(
        "a damaged identity is refused and left alone",
        arguments: [
            "", "\n", "abc\n", String(repeating: "A", count: 52) + "\n",
            String(repeating: "a", count: 53), String(repeating: "a", count: 2000),
        ]
    )
    func damaged(text: String) throws {
        try state.prepare()
        try scratch.write(text, to: "identity")
        let error = #expect(throws: NodeError.self) { try state.identity() }
        #expect(error?.code == .badState)
        #expect(try scratch.text(of: "identity") == text)
    }

    @Test("one node has it at a time") func locked() throws {
        try state.prepare()
        var lock: FileLock? = try state.lock()
        #expect(lock != nil)
        let error = #expect(throws: NodeError.self) { _ = try state.lock() }
        #expect(error?.code == .stateInUse)
        lock = nil
        _ = try state.lock()
    }

    @Test("a file is created once, and not over another") func created() throws {
        try state.prepare()
        let file = "\(scratch.path)/once"
        try Files.create(file, [1, 2, 3])
        #expect(throws: SystemCall.exists) { try Files.create(file, [4]) }
        #expect(try Files.read(file, upTo: 10) == [1, 2, 3])
        #expect(try Files.read(file, upTo: 2) == [1, 2])
        try Files.remove(file)
        try Files.remove(file)
        #expect(try Files.read(file, upTo: 10) == nil)
        #expect(try Files.status(of: file) == nil)
    }
}
