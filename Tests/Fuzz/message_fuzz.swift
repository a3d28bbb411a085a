// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Control messages: any bytes are refused or have one meaning, and a meaning has one form.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzMessage(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard let message = try? Message.decode(bytes) else { return 0 }
    precondition(message.encoded() == bytes)
    return 0
}
