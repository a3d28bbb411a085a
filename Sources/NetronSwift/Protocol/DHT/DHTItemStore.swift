// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// The items that others put here (BEP 44).
struct DHTItemStore {
    private struct Stored {
        var item: DHTItem
        var expires: Instant
    }

    /// No choice depends on the order of the keys.
    private var items: [DHTID: Stored] = [:]

    var count: Int { items.count }

    func item(_ target: DHTID, at now: Instant) -> DHTItem? {
        items[target].flatMap { $0.expires > now ? $0.item : nil }
    }

    /// Takes up an item whose writer showed a token, or says why not.
    ///
    /// When there are too many, the one farthest from the own id goes.
    mutating func put(
        _ item: DHTItem,
        replacing replaced: Int64?,
        near own: DHTID,
        at now: Instant,
        with cryptography: Cryptography
    ) -> KRPCFailure? {
        guard item.value.count <= DHTItem.valueBytesMax else { return .valueTooBig }
        let target = item.target
        if let author = item.author {
            guard author.salt.count <= DHTItem.saltBytesMax else { return .saltTooBig }
            let signed = DHTItem.signedBytes(
                value: item.value,
                salt: author.salt,
                sequence: author.sequence
            )
            guard cryptography.verify(author.signature, signed, author.key) else {
                return .badSignature
            }
            if let present = self.item(target, at: now), let known = present.author {
                if let replaced, replaced != known.sequence { return .mismatch }
                let isSame = author.sequence == known.sequence && item.value == present.value
                guard author.sequence > known.sequence || isSame else { return .outdated }
            }
        }
        items[target] = Stored(item: item, expires: now + DHTLimits.itemLifetime)
        guard items.count > DHTLimits.itemsMax else { return nil }
        items = items.filter { $0.value.expires > now }
        while items.count > DHTLimits.itemsMax,
            let farthest = items.keys.max(by: { $0 ^ own < $1 ^ own })
        {
            items[farthest] = nil
        }
        return nil
    }
}
