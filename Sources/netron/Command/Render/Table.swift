// SPDX-License-Identifier: Apache-2.0

/// Lines whose cells stand below each other.
enum Table {
    enum Alignment {
        case left
        case right
    }

    /// Renders rows with two blanks between columns, and none at a line's end.
    ///
    /// Every row has a cell for every column.
    static func render(_ rows: [[String]], _ columns: [Alignment]) -> String {
        let widths = columns.indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            precondition(row.count == columns.count, "a row has another number of cells")
            var line = ""
            for (index, cell) in row.enumerated() {
                let room = String(repeating: " ", count: widths[index] - cell.count)
                line += (index == 0 ? "" : "  ")
                line += columns[index] == .left ? cell + room : room + cell
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
