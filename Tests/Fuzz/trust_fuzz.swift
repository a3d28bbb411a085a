// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// What authorities say: any bytes are refused or have one meaning, a meaning has one form, and an
/// object and its head are of each other.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzTrust(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    if let head = try? TrustHead(bytes: bytes) {
        precondition(head.bytes == bytes && bytes.count == TrustHead.byteCount)
        precondition(head.serial > 0 && head.count <= TrustObject.revocationsMax)
        precondition(head.order(with: cheap) == head.order(with: cheap))
    }
    if let list = try? TrustObject.revocations(of: bytes) {
        precondition(list.count * Revocation.byteCount == bytes.count)
    }
    guard let object = try? TrustObject(bytes: bytes, with: cheap) else { return 0 }
    precondition(object.encoded() == bytes && bytes.count <= TrustObject.bytesMax)
    precondition((try? TrustHead(bytes: object.head.bytes)) == object.head)
    precondition(TrustObject(object.head, object.revocations, with: cheap) == object)
    precondition((try? TrustObject.revocations(of: object.content)) == object.revocations)
    precondition(object.leftOut(by: object, at: 0).isEmpty)
    return 0
}

/// Digests that tell contents apart, and no signatures.
private let cheap = Cryptography(
    sign: { _ in [UInt8](repeating: 0, count: Cryptography.signatureByteCount) },
    verify: { _, _, _ in true },
    digest: { message, _ in
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in message { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var digest: [UInt8] = []
        for number in UInt64(0)..<4 { digest.append(bigEndian: sum &+ number) }
        return digest
    },
    derive: { _, _ in [UInt8](repeating: 0, count: 32) },
    networkAddress: { _ in IPAddress(.v6, number: 1) }
)
