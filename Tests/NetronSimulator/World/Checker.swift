// SPDX-License-Identifier: Apache-2.0

/// A rule that must hold in the world, and when it is looked at.
package struct Checker<Node: SimulatedNode> {
    package enum Moment: Hashable, Sendable {
        /// After each event, with the node that had it: for what costs next to nothing.
        case step
        /// Every so many simulated seconds.
        case seconds(Int)
    }

    package let name: String
    package let moment: Moment
    /// What is wrong, or nil; the number is that of the node which had the event, in a step.
    package let check: (_ world: World<Node>, _ node: Int?) -> String?

    package init(
        _ name: String,
        _ moment: Moment,
        check: @escaping (_ world: World<Node>, _ node: Int?) -> String?
    ) {
        self.name = name
        self.moment = moment
        self.check = check
    }
}

/// A rule that did not hold; all that is needed to see it again.
package struct WorldFailure: Error, CustomStringConvertible {
    package let seed: UInt64
    /// Nanoseconds since the world began.
    package let time: UInt64
    package let node: Int?
    package let rule: String
    package let text: String
    /// The last events, a line each.
    package let trace: [String]

    package var description: String {
        let place = node.map { ", node \($0)" } ?? ""
        let head = "seed \(seed), \(Self.seconds(time))\(place): \(rule): \(text)"
        return ([head] + trace.map { "    \($0)" }).joined(separator: "\n")
    }

    /// A moment of the world in seconds with nine digits behind the point.
    static func seconds(_ time: UInt64) -> String {
        let fraction = String(time % 1_000_000_000)
        let zeros = String(repeating: "0", count: 9 - fraction.utf8.count)
        return "\(time / 1_000_000_000).\(zeros)\(fraction) s"
    }
}
