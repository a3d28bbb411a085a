// SPDX-License-Identifier: Apache-2.0

extension Presence {
    /// What a member says of itself, within the limits of a statement.
    package struct Fields: Hashable, Sendable {
        package let name: String
        package let claims: [Hello.Claim]
        package let endpoints: [Endpoint]
        package let introducers: [NodeID]
        package let isReachable: Bool
        /// Whether it relays for other members.
        package let isWilling: Bool
        package let ledger: StateSummary?

        /// Makes what fits: texts lose what steers a terminal and are cut, of an address that is
        /// there twice the earlier claim stays, of lists the first distinct ones stay.
        package init(
            name: String,
            claims: [Hello.Claim] = [],
            endpoints: [Endpoint] = [],
            introducers: [NodeID] = [],
            isReachable: Bool = false,
            isWilling: Bool = true,
            ledger: StateSummary? = nil
        ) {
            // A greeting has the same rules for names and claims.
            let hello = Hello(name: name, version: "", platform: "", claims: claims)
            self.name = hello.name
            self.claims = hello.claims
            self.isReachable = isReachable
            self.isWilling = isWilling
            self.ledger = ledger
            self.endpoints = endpoints.map(\.unscoped).distinct(countMax: endpointsMax)
            self.introducers = introducers.distinct(countMax: introducersMax)
        }

        /// Whether both say the same, but for where the member is reached and through whom.
        package func differsOnlyInPaths(from other: Self) -> Bool {
            name == other.name && claims == other.claims && isReachable == other.isReachable
                && isWilling == other.isWilling && ledger == other.ledger
        }
    }

    /// A statement that is not signed yet.
    package struct Draft: Hashable, Sendable {
        package let author: NodeID
        package let order: Order
        package let time: UInt64
        package let lease: UInt32
        package let isLeaving: Bool
        package let fields: Fields
        /// The hash of the author's statement before; zeros where there is none.
        package let previous: [UInt8]

        package init(
            by author: NodeID,
            _ order: Order,
            time: UInt64,
            lease: UInt32,
            isLeaving: Bool = false,
            saying fields: Fields,
            after previous: [UInt8]? = nil
        ) {
            precondition(!isLeaving || fields.ledger == nil, "who leaves has no state")
            self.author = author
            self.order = order
            self.time = time
            self.lease = lease
            self.isLeaving = isLeaving
            self.fields = fields
            self.previous = previous ?? Array(repeating: 0, count: previousByteCount)
            precondition(self.previous.count == previousByteCount)
        }
    }
}

extension Presence.Draft {
    /// The statement, with the author's signature.
    ///
    /// Where all lists are full the last endpoints are left out, then the last introducers: claims
    /// are what others rely on.
    package func signed(by cryptography: Cryptography, network: [UInt8]) -> Presence {
        var endpoints = fields.endpoints
        var introducers = fields.introducers.filter { $0 != author }
        var body = self.body(endpoints, introducers)
        while body.count > Presence.bytesMax - Cryptography.signatureByteCount {
            if endpoints.count > 2 { endpoints.removeLast() } else { introducers.removeLast() }
            body = self.body(endpoints, introducers)
        }
        let message = Presence.signedMessage(body, network: network)
        do {
            return try Presence(bytes: body + cryptography.sign(message))
        } catch {
            preconditionFailure("our own statement is refused: \(error)")
        }
    }

    private func body(_ endpoints: [Endpoint], _ introducers: [NodeID]) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(DirectoryPayload.presence.rawValue)
        writer.write(Presence.form)
        writer.write(author.bytes)
        writer.write(order.incarnation)
        writer.write(order.version)
        writer.write(time)
        writer.write(lease)
        writer.write(
            (fields.isReachable ? Presence.Flag.reachable : 0)
                | (isLeaving ? Presence.Flag.leaving : 0)
                | (fields.ledger != nil ? Presence.Flag.ledger : 0)
                | (fields.isWilling ? 0 : Presence.Flag.unwilling)
        )
        writer.write(text: fields.name)
        writer.write(count: fields.claims.count)
        for claim in fields.claims {
            writer.write(claim.address)
            writer.write(claim.since)
        }
        writer.write(count: endpoints.count)
        for endpoint in endpoints { writer.write(endpoint) }
        writer.write(count: introducers.count)
        for introducer in introducers { writer.write(introducer.bytes) }
        if let ledger = fields.ledger {
            writer.write(ledger.root.bytes)
            writer.write(UInt32(ledger.byteCount))
            writer.write(previous)
        }
        return writer.bytes
    }
}

extension Presence {
    /// Whether the author signed it for that network.
    package func isSigned(by cryptography: Cryptography, network: [UInt8]) -> Bool {
        let body = bytes.dropLast(Cryptography.signatureByteCount)
        let message = Self.signedMessage(body, network: network)
        return cryptography.verify(Array(signature), message, author.bytes)
    }

    fileprivate static func signedMessage(
        _ body: some Collection<UInt8>,
        network: [UInt8]
    ) -> [UInt8] {
        DirectoryPayload.signedMessage("netron/1 presence", body, network: network)
    }
}

extension Array where Element: Equatable {
    /// The first elements that differ from each other, at most `most`.
    fileprivate func distinct(countMax most: Int) -> [Element] {
        var distinct: [Element] = []
        for element in self where distinct.count < most && !distinct.contains(element) {
            distinct.append(element)
        }
        return distinct
    }
}
