// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// The newest trust object of each authority of the network.
///
/// A register for each authority: of two objects the greater by (serial, hash) counts, whatever it
/// says and whenever it comes. So all who were given the same objects, in any order and however
/// often, hold the same ones. That a list leaves out only what is over cannot be a rule here: who
/// heard the list before it would refuse one that who did not hear it takes, and what is over is
/// another thing at each moment. It is a rule of who publishes, see `Trust.check`.
package struct TrustShelf: Hashable, Sendable {
    /// What an object, or the head of one, is to this shelf.
    package enum Standing: Hashable, Sendable {
        /// It is not of an authority of the network.
        case strange
        /// A greater one is here.
        case older
        case same
        case newer
    }

    private struct Held: Hashable, Sendable {
        let object: TrustObject
        let order: TrustOrder
    }

    /// In ascending order.
    package let authorities: [NodeID]
    private var held: [NodeID: Held] = [:]

    /// Makes an empty shelf for so many authorities; `TrustObject.authoritiesMax` at most.
    package init(_ authorities: some Sequence<NodeID> = []) {
        self.authorities = Set(authorities).sorted()
        precondition(self.authorities.count <= TrustObject.authoritiesMax, "too many authorities")
    }

    /// The objects, by authority.
    package var objects: [TrustObject] { authorities.compactMap { held[$0]?.object } }

    package subscript(authority: NodeID) -> TrustObject? { held[authority]?.object }

    package func order(of authority: NodeID) -> TrustOrder? { held[authority]?.order }

    package func standing(_ order: TrustOrder, of authority: NodeID) -> Standing {
        guard authorities.contains(authority) else { return .strange }
        guard let own = held[authority]?.order else { return .newer }
        return own == order ? .same : own < order ? .newer : .older
    }

    /// Takes an object whose signature was looked at; answers what it is to those before.
    @discardableResult
    package mutating func take(_ object: TrustObject, _ order: TrustOrder) -> Standing {
        let standing = standing(order, of: object.authority)
        if standing == .newer { held[object.authority] = Held(object: object, order: order) }
        return standing
    }

    /// Takes all that another shelf holds.
    package mutating func merge(_ other: Self) {
        for held in other.held.values { take(held.object, held.order) }
    }
}
