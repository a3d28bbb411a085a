// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NetronStore
internal import NetronWire

/// The file of a store, of which each four bytes of the input change one: three say where, and one
/// to what.
///
/// Whatever it says, it is refused or can be read, written and compacted; LMDB is never misled.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzStore(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let edits = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    var bytes = Sound.bytes
    for edit in stride(from: 0, to: edits.count - 3, by: 4) {
        let place = Int(edits[edit]) << 16 | Int(edits[edit + 1]) << 8 | Int(edits[edit + 2])
        bytes[place % bytes.count] = edits[edit + 3]
    }
    write(bytes)
    do throws(StoreError) {
        try use(Store.open(Sound.file, Sound.options))
    } catch {
        precondition([.corrupt, .foreign, .newer].contains(error.kind), error.message)
    }
    return 0
}

private func use(_ store: consuming Store) throws(StoreError) {
    let isSound = (try? store.verify()) != nil
    try store.apply(Sound.changes)
    try store.apply(Sound.changes)
    _ = try store.statistics()
    do throws(StoreError) {
        try store.compact()
        try store.verify()
    } catch {
        // A record that is damaged can still not be copied.
        guard !isSound else { throw error }
    }
}

/// A small store with all kinds of pages.
private enum Sound {
    static let file = "/dev/shm/netron-store-fuzz-\(getpid())"
    static let options = StoreOptions(network: [1], fileBytesMax: 8 << 20, isDurable: false)

    static let changes: LedgerBatch = {
        var batch = LedgerBatch()
        for number in UInt8(0)..<40 {
            let value = [UInt8](repeating: number, count: 20 * Int(number))
            batch.put(value, for: [number], in: .heads)
            batch.remove([number, 1], from: .states)
        }
        batch.remove([9], from: .meta)
        return batch
    }()

    static let bytes: [UInt8] = {
        atexit {
            for name in [Sound.file, "\(Sound.file).lock"] { _ = unsafe unlink(name) }
        }
        do throws(StoreError) {
            var store = try Store.open(file, options)
            for round in UInt8(0)..<3 {
                var batch = LedgerBatch()
                for number in UInt8(0)..<40 {
                    batch.put([UInt8](repeating: round, count: 150), for: [number], in: .heads)
                    batch.put([round], for: [number, 1], in: .states)
                }
                batch.put([UInt8](repeating: round, count: 5000), for: [9], in: .meta)
                try store.apply(batch)
            }
        } catch {
            preconditionFailure(error.message)
        }
        return read()
    }()
}

private func read() -> [UInt8] {
    let descriptor = unsafe open(Sound.file, O_RDONLY)
    defer { close(descriptor) }
    return unsafe [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
        count = unsafe max(0, Glibc.read(descriptor, buffer.baseAddress, buffer.count))
    }
}

private func write(_ bytes: [UInt8]) {
    let descriptor = unsafe open(Sound.file, O_WRONLY | O_TRUNC)
    let written = unsafe Glibc.write(descriptor, bytes, bytes.count)
    precondition(written == bytes.count)
    close(descriptor)
}
