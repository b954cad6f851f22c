import Foundation

/// Writes a table into a document, between the markers `<!-- name -->` and `<!-- /name -->`.
enum Report {
    static func replace(_ name: String, in path: String, with table: String) throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        guard let start = text.range(of: "<!-- \(name) -->"), let end = text.range(of: "<!-- /\(name) -->"),
            start.upperBound <= end.lowerBound
        else { throw BenchmarkFailure("\(path) has no markers for \(name)") }
        let replaced = text[..<start.upperBound] + "\n" + table + "\n" + text[end.lowerBound...]
        try String(replaced).write(toFile: path, atomically: true, encoding: .utf8)
    }
}
