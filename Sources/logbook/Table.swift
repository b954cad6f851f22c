/// Columns under their names, two spaces apart.
struct Table {
    private var rows: [[String]]

    init(_ names: [String]) { rows = [names] }

    /// Adds a row; nil for what is absent.
    mutating func append(_ row: [String?]) { rows.append(row.map { $0 ?? "-" }) }

    /// The lines; the first one bold where `isColored`.
    func lines(isColored: Bool) -> [String] {
        let columnCount = rows.reduce(0) { max($0, $1.count) }
        let widths = (0..<columnCount).map { column in
            rows.reduce(0) { max($0, column < $1.count ? $1[column].count : 0) }
        }
        return rows.enumerated().map { index, row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                // Nothing is filled up behind the last one.
                if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            return isColored && index == 0 ? "\u{1B}[1m\(line)\u{1B}[0m" : line
        }
    }
}

extension Output {
    /// Prints a table, as `options` say.
    static func table(_ table: Table, _ options: ClientOptions) {
        for text in table.lines(isColored: options.isColored) { line(text) }
    }
}
