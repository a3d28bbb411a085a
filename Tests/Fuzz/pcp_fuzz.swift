// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Answers of routers by PCP: what is understood of any bytes has all its parts.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzPCP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard let answer = try? PCPAnswer(bytes) else { return 0 }
    guard case .granted(let nonce, let port, let mapping) = answer else { return 0 }
    precondition(nonce.count == PCP.nonceByteCount)
    let host = IPAddress(.v4, number: 0xC0A8_0002)
    let renewal = MappingRequest(
        number: 1,
        method: .pcp,
        gateway: Gateway(host, host: host),
        port: port,
        externalPort: mapping.external.port,
        externalAddress: mapping.external.address,
        lifetime: mapping.lifetime,
        nonce: nonce
    )
    // What was granted can be asked for again, and is the answer to that.
    precondition(answer.answer(to: renewal) == .success(mapping))
    precondition(PCP.encoded(renewal)[40...] == bytes[40..<60])
    return 0
}
