// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NetronStore
internal import NetronWire
internal import Testing

@Suite("store: processes") struct StoreProcessTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    @Test("what was told as written is there after a kill at any moment") func killed() throws {
        var told = -1
        var random = SystemRandomNumberGenerator()
        for _ in 0..<30 {
            let writer = try Writer("count", folder.store)
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                let line = try #require(try writer.line())
                told = try #require(Int(line))
            }
            try writer.kill()
            while let line = try writer.line() { told = try #require(Int(line)) }
            // Opened as it was left, and not by who wrote it.
            let store = try folder.open()
            try store.verify()
            let count = try store.count(of: .heads)
            // The last one may have been written without being told.
            #expect(count == told + 1 || count == told + 2)
            for number in 0..<count {
                let value = [UInt8](repeating: UInt8(number % 251), count: number % 5000)
                #expect(try store.value(of: Array(pattern(number).suffix(4)), in: .heads) == value)
                if number == count - 1 { #expect(try store.value(of: [0], in: .states) == value) }
            }
            told = count - 1
            #expect(try folder.names == ["ledger", "ledger.lock"])
        }
        #expect(told > 30)
    }

    @Test("one process has it at a time") func inUse() throws {
        let holder = try Writer("hold", folder.store)
        #expect(try holder.line() == "open")
        let failure = #expect(throws: StoreError.self) { _ = try folder.open() }
        #expect(failure?.kind == .inUse)
        try holder.kill()
        #expect(try holder.line() == nil)
        let store = try folder.open()
        #expect(throws: StoreError.self) { _ = try folder.open() }
        #expect(try store.count(of: .heads) == 0)
        #expect(try Writer("open", folder.store).lines() == ["inUse"])
    }

    @Test("a full disk is told as such, and nothing is lost", .enabled(if: canMount))
    func diskFull() throws {
        let lines = try Writer.lines(
            "mount -t tmpfs -o size=600k none '\(folder.path)' && exec '\(Writer.program)' fill"
                + " '\(folder.store)'"
        )
        #expect(lines == ["diskFull", "kept"])
    }

    @Test("a read-only file system is told as such", .enabled(if: canMount)) func readOnly() throws
    {
        let lines = try Writer.lines(
            "mount -t tmpfs none '\(folder.path)' && '\(Writer.program)' open '\(folder.store)'"
                + " && mount -o remount,ro '\(folder.path)'"
                + " && exec '\(Writer.program)' open '\(folder.store)'"
        )
        #expect(lines == ["open", "readOnly"])
    }

    @Test("a file that is another user's is told as such", .enabled(if: getuid() == 0))
    func notPermitted() throws {
        do { _ = try folder.open() }
        #expect(try Writer("open-as", folder.store, "65534").lines() == ["notPermitted"])
    }

    @Test("a meta page that could not be written loses nothing, and is not the end") func stuck()
        throws
    {
        var store = try folder.open(isDurable: true)
        try store.apply(LedgerBatch(.heads, [([1], [10])]))
        let descriptor = try #require(metaDescriptor(folder.store))
        let saved = dup(descriptor)
        let full = unsafe open("/dev/full", O_WRONLY)
        #expect(dup2(full, descriptor) == descriptor)
        let failure = #expect(throws: StoreError.self) {
            try store.apply(LedgerBatch(.heads, [([2], [20])]))
        }
        #expect(failure?.kind == .diskFull)
        #expect(try all(.heads, of: store) == [StoredRecord(key: [1], value: [10])])
        try store.apply(LedgerBatch(.heads, [([3], [30])]))
        #expect(try store.count(of: .heads) == 2)
        try store.verify()
        close(saved)
        close(full)
    }
}

/// Where this process writes the meta pages of the store in a file: LMDB has them written at once.
private func metaDescriptor(_ file: String) -> Int32? {
    (3..<4_096).first { descriptor in
        let link = "/proc/self/fd/\(descriptor)"
        guard let name = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else {
            return false
        }
        return name == file && fcntl(descriptor, F_GETFL) & O_DSYNC != 0
    }
}

/// Whether a private mount can be made here.
private let canMount = (try? Writer.lines("mount -t tmpfs none /mnt && echo yes")) == ["yes"]
