// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Reports as bytes, and back.
package enum JSON {
    /// One line of JSON, the keys in the order of their names.
    ///
    /// Reports are texts, finite numbers, lists and maps, which all have a form in JSON.
    package static func encode(_ report: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return try Array(encoder.encode(report))
        } catch {
            preconditionFailure("\(type(of: report)) has no form in JSON")
        }
    }

    /// The report, or nil if the bytes are none.
    package static func decode<Report: Decodable>(
        _ report: Report.Type = Report.self,
        from bytes: [UInt8]
    ) -> Report? {
        try? JSONDecoder().decode(report, from: Data(bytes))
    }

    /// Whether the bytes are an object or a list.
    static func isStructure(_ bytes: [UInt8]) -> Bool {
        decode([String: Anything].self, from: bytes) != nil
            || decode([Anything].self, from: bytes) != nil
    }
}

/// Any value of JSON.
private struct Anything: Decodable {
    init(from decoder: any Decoder) {}
}
