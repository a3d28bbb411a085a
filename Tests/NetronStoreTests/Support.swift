// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NetronStore
internal import NetronWire
internal import Testing

/// The network of all stores here; `NetronStoreWriter` has the same.
let network: [UInt8] = [1, 2, 3]

/// How large the pages of stores are that are made here.
let pageBytes = min(sysconf(Int32(_SC_PAGESIZE)), 32 << 10)

/// A new folder, gone with the value.
final class Folder {
    let path: String
    var store: String { "\(path)/ledger" }

    init() throws {
        path = "\(NSTemporaryDirectory())netron-store-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The names of all files, sorted.
    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }

    func bytes(of file: String = "ledger") throws -> [UInt8] {
        try Array(Data(contentsOf: URL(fileURLWithPath: "\(path)/\(file)")))
    }

    func write(_ bytes: [UInt8], to file: String = "ledger") throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(file)"))
    }

    /// The store of this folder, which waits for no disk unless told to.
    func open(
        fileBytesMax: Int = 8 << 20,
        isDurable: Bool = false,
        movingCorruptAside: Bool = false
    ) throws(StoreError) -> sending Store {
        try Store.open(
            store,
            StoreOptions(network: network, fileBytesMax: fileBytesMax, isDurable: isDurable),
            movingCorruptAside: movingCorruptAside
        )
    }
}

/// All records of a table.
func all(
    _ table: LedgerTable,
    of storage: borrowing some LedgerReading & ~Copyable
) throws -> [StoredRecord] {
    try storage.records(in: LedgerRange(table), limit: .max)
}

/// A key or value that begins with a number.
func pattern(_ number: Int, count: Int = 8) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(bigEndian: UInt64(number))
    return Array((bytes + [UInt8](repeating: UInt8(number % 251), count: count)).prefix(count))
}

extension LedgerBatch {
    /// A batch of records of one table.
    init(_ table: LedgerTable, _ records: [([UInt8], [UInt8])]) {
        self.init()
        for (key, value) in records { put(value, for: key, in: table) }
    }
}
