// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

// The test vectors of BEP 44. Their signatures were checked with OpenSSL's Ed25519 over exactly
// the bytes that are expected here.
@Suite("Items of the DHT") struct KRPCItemTests {
    private static let key = hex(
        "77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548"
    )
    private static let value = [UInt8]("12:Hello World!".utf8)

    @Test(
        "what is signed and where it lies are as in BEP 44",
        arguments: [
            ("", "3:seqi1e1:v12:Hello World!", "4a533d47ec9c7d95b1ad75f576cffc641853b750"),
            (
                "foobar", "4:salt6:foobar3:seqi1e1:v12:Hello World!",
                "411eba73b6f087ca51a3795d9c8c938d365e32c1"
            ),
        ]
    )
    func mutable(salt: String, signed: String, target: String) {
        let salt = [UInt8](salt.utf8)
        let bytes = DHTItem.signedBytes(value: Self.value, salt: salt, sequence: 1)
        #expect(bytes == [UInt8](signed.utf8))
        let author = DHTItem.Author(key: Self.key, salt: salt, sequence: 1, signature: [])
        #expect(DHTItem(value: Self.value, author: author).target.description == target)
        #expect(DHTItem.target(key: Self.key, salt: salt).description == target)
    }

    @Test("an item that cannot change lies under its digest")
    func immutable() {
        #expect(
            DHTItem(value: Self.value).target.description
                == "e5f96f6f38320f0f33959cb4d3d656452117aadb"
        )
    }
}
