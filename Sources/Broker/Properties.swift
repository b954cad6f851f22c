import SegmentLog

/// Lines of `name=value`, as in Kafka's `server.properties` and `meta.properties`.
enum Properties {
    /// A line that is no property.
    struct Malformed: Error, CustomStringConvertible {
        var line: Int
        var text: String
        var description: String { "line \(line) is not of the form name=value: \(text)" }
    }

    /// The names and values in the order of their lines. Empty lines and those that begin with `#`
    /// or `!` are passed over.
    static func parse(_ text: String, separator: Character = "=") throws(Malformed) -> [(name: String, value: String)] {
        var properties: [(name: String, value: String)] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = trim(line)
            if line.isEmpty || line.hasPrefix("#") || line.hasPrefix("!") { continue }
            guard let place = line.firstIndex(of: separator) else { throw Malformed(line: index + 1, text: line) }
            properties.append((trim(line[..<place]), trim(line[line.index(after: place)...])))
        }
        return properties
    }

    private static func trim(_ text: some StringProtocol) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = text.firstIndex(where: { !isSpace($0) }),
            let last = text.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(text[first...last])
    }
}
