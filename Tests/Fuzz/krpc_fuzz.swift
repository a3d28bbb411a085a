// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Bencode and the messages of the DHT: any bytes are refused or mean something, and what they mean
/// can be said again.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzKRPC(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    _ = try? Bencode(bytes)
    guard let message = try? KRPCMessage(bytes) else { return 0 }
    precondition((try? KRPCMessage(message.encoded)) != nil)
    return 0
}
