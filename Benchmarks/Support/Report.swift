import Foundation

/// Writes into a document, between the markers `<!-- name -->` and `<!-- /name -->`.
package enum Report {
    /// Replaces what stands between the markers of `name` in the file at `path`.
    package static func replace(_ name: String, in path: String, with contents: String) throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        guard let start = text.range(of: "<!-- \(name) -->"), let end = text.range(of: "<!-- /\(name) -->"),
            start.upperBound <= end.lowerBound
        else { throw BenchmarkFailure("\(path) has no markers for \(name)") }
        let replaced = text[..<start.upperBound] + "\n" + contents + "\n" + text[end.lowerBound...]
        try String(replaced).write(toFile: path, atomically: true, encoding: .utf8)
    }
}
