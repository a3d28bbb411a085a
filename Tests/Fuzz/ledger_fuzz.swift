// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// What members say in the ledger: any bytes are refused or have one meaning, a meaning has one
/// form, and rules and changes take whatever has a meaning.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzLedger(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    if let state = try? LedgerState(bytes: bytes) { check(state, bytes) }
    if let block = try? LedgerBlock(bytes: bytes) {
        precondition(block.encoded().map { $0 == bytes } ?? (bytes.count > Rumor.payloadBytesMax))
        _ = block.changes.fit(.empty)
    }
    var reader = ByteReader(bytes)
    guard let changes = try? LedgerChanges(from: &reader) else { return 0 }
    var writer = ByteWriter()
    changes.write(to: &writer)
    precondition(writer.bytes[...] == bytes.dropLast(reader.count))
    // What follows the changes may be the state that they are made to.
    guard let rest = try? reader.read(bytes: reader.count),
        let state = try? LedgerState(bytes: Array(rest)),
        let new = try? changes.applied(to: state)
    else { return 0 }
    precondition(LedgerChanges(from: state, to: new) == changes)
    return 0
}

private func check(_ state: LedgerState, _ bytes: [UInt8]) {
    precondition(state.encoded() == bytes)
    precondition(state.byteCount == bytes.count - 2)
    for entry in state.entries { precondition(state[entry.key] == entry) }
    let changes = LedgerChanges(from: .empty, to: state)
    precondition((try? changes.applied(to: .empty)) == state)
    guard let author = NodeID(bytes: [UInt8](repeating: 0, count: NodeID.byteCount)) else { return }
    _ = try? state.check(by: author, incarnation: 0, time: .max, within: .standard)
}
