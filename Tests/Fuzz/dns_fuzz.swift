// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Multicast DNS: what is understood of any bytes is understood of what is written of it too.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzDNS(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard let message = try? DNSMessage(bytes) else { return 0 }
    for compresses in [true, false] {
        let written = message.encoded(compressesHosts: compresses)
        // Names that were compressed by others in a better way may make it too long.
        guard written.count <= DNSMessage.bytesMax else { continue }
        guard let again = try? DNSMessage(written) else { fatalError("not read again") }
        precondition(again == message)
    }
    return 0
}
