// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// What is broadcast about members: any bytes are refused or one statement, of which all can be
/// read.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzPresence(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    if let presence = try? Presence(bytes: bytes) {
        precondition(presence.bytes == bytes)
        precondition(presence.claims.count <= Hello.claimsMax)
        precondition(presence.endpoints.count <= Presence.endpointsMax)
        precondition(presence.introducers.count <= Presence.introducersMax)
        precondition(presence.name.utf8.count <= Hello.nameBytesMax)
        precondition(presence.signature.count == Cryptography.signatureByteCount)
        precondition((presence.ledger != nil) == presence.hasLedger)
        precondition(presence.isWilling == (bytes[58] & 8 == 0))
        precondition(presence.previous.map(\.count) ?? 32 == Presence.previousByteCount)
        precondition((try? PresenceHeader(bytes))?.author == presence.author)
    }
    _ = try? Suspicion(bytes: bytes)
    return 0
}
