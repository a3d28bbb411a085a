// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Addresses as text: what is read is written, and read as the same again.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzAddress(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    let text = String(decoding: bytes, as: UTF8.self)
    check(IPAddress(text)) { IPAddress($0.description) }
    check(Endpoint(text)) { Endpoint($0.description) }
    check(Prefix(text)) { Prefix($0.description) }
    check(InterfaceAddress(text)) { InterfaceAddress($0.description) }
    check(NodeID(text)) { NodeID($0.description) }
    check(try? HostPort(parsing: text)) { try? HostPort(parsing: $0.description) }
    if let decoded = Base64.decode(text) {
        precondition(Base64.decode(Base64.encode(decoded)) == decoded)
    }
    return 0
}

private func check<Value: Equatable>(_ value: Value?, again: (Value) -> Value?) {
    guard let value else { return }
    precondition(again(value) == value)
}
