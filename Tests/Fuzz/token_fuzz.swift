// SPDX-License-Identifier: Apache-2.0

internal import NetronConfig
internal import NetronWire

/// Configs and tokens: any text is refused with a reason, or is a network that is written and read.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzToken(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    _ = try? NetworkConfig(token: String(decoding: bytes, as: UTF8.self))
    guard let config = try? NetworkConfig(yaml: bytes) else { return 0 }
    guard let fromText = try? NetworkConfig(yaml: Array(config.yaml().utf8)),
        let fromToken = try? NetworkConfig(token: config.token())
    else { fatalError("not read again") }
    precondition(fromText == config && fromToken == config)
    return 0
}
