// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NetronConfig
internal import NetronEngine
internal import NetronProtocol
internal import NetronWire

// Addresses that the node takes by itself: on the interface, and on disk for the next start.
extension Node {
    /// The ranges in which it is to take one, each with the address that it had there last.
    var leaseWishes: [LeaseRange] {
        let saved = stateDirectory?.savedLeases() ?? []
        return settings.options.leaseRanges.map { range in
            LeaseRange(range, last: saved.first { $0.prefix == range }?.address)
        }
    }

    func lease(_ address: IPAddress, length: Int, isHeld: Bool) {
        guard let lease = InterfaceAddress(address, length: length) else {
            preconditionFailure("a lease of \(length) bits")
        }
        do throws(EngineError) {
            try device?.setAddress(lease, isPresent: isHeld)
            if isHeld {
                logger.notice("the address \(lease) is this node's until another has it")
            } else {
                logger.notice("the address \(lease) is another member's; taking a new one")
            }
        } catch {
            logger.warning("the address \(lease) cannot be changed on the interface: \(error)")
        }
        guard isHeld, let stateDirectory, !settings.options.ephemeral else { return }
        do throws(SystemCall) {
            try stateDirectory.save(leases: machine.leasedAddresses)
        } catch {
            logger.warning("the address is not remembered for the next start: \(error)")
        }
    }
}

extension StateDirectory {
    private static let leasesBytesMax = 1024

    private var leasesFile: String { "\(path)/leases" }

    /// What the node took last, a line each; lines that are no addresses do not count.
    func savedLeases() -> [InterfaceAddress] {
        let read = ((try? Files.read(leasesFile, upTo: Self.leasesBytesMax)) ?? nil) ?? []
        return String(decoding: read, as: UTF8.self).split(separator: "\n").compactMap {
            InterfaceAddress(String($0))
        }
    }

    fileprivate func save(leases: [InterfaceAddress]) throws(SystemCall) {
        try Files.replace(leasesFile, Array(leases.map { "\($0)\n" }.joined().utf8))
    }
}
