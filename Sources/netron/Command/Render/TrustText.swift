// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI

/// What authorities say, for people.
enum TrustText {
    static func list(_ report: TrustReport) -> String {
        guard !report.authorities.isEmpty else {
            return "This network has no authorities: its config names none under `authorities`.\n"
        }
        return report.authorities.map { authority in
            guard let serial = authority.serial else {
                return "\(authority.authority) has no list yet.\n"
            }
            let count = authority.revoked.count
            let head =
                "\(authority.authority) list \(serial), "
                + (count == 1 ? "1 certificate revoked\n" : "\(count) certificates revoked\n")
            guard count > 0 else { return head }
            let rows = authority.revoked.map { revoked in
                [
                    "  " + revoked.certificate,
                    isOver(revoked, in: report) ? "over" : "\(revoked.expiry)",
                ]
            }
            return head + Table.render([["  CERTIFICATE", "EXPIRES"]] + rows, [.left, .left])
        }.joined()
    }

    private static func isOver(_ revoked: TrustReport.Revoked, in report: TrustReport) -> Bool {
        report.time.map { revoked.expiry < $0 } ?? false
    }
}
