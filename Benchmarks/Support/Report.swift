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

/// Three digits, or all before the point.
package func shown(_ value: Double) -> String {
    let magnitude = abs(value)
    if magnitude >= 100 { return String(format: "%.0f", value) }
    if magnitude >= 10 { return String(format: "%.1f", value) }
    if magnitude >= 0.1 || magnitude == 0 { return String(format: "%.3g", value) }
    return String(format: "%.2g", value)
}

/// Four digits that count.
package func rounded(_ value: Double) -> Double { Double(String(format: "%.4g", value)) ?? value }

/// What the processor calls itself.
package func processor() -> String {
    let listed = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    return listed?.firstMatch(of: #/model name\s*: (.+)/#).map { String($0.1) } ?? "unknown"
}
