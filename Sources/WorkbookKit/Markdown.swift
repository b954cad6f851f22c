import Foundation

/// A document in Markdown: its lines by section, its links, and what it sets as code.
struct Markdown {
    /// A line outside code blocks, with the heading of the section that it is in.
    struct Line {
        var number: Int
        var section: String
        var text: String
    }

    /// Its path from the repository on.
    let path: String
    /// How many lines there are, code blocks included.
    let lineCount: Int
    /// Lines outside code blocks, headings left out.
    private(set) var lines: [Line] = []
    /// Headings in order, without their signs.
    private(set) var headings: [(level: Int, text: String, number: Int)] = []
    /// How many lines each section of the second level has that are not empty.
    private(set) var sectionSizes: [String: Int] = [:]

    init(_ path: String, text: String) {
        self.path = path
        let all = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        lineCount = text.hasSuffix("\n") ? all.count - 1 : all.count
        var fence: String?
        var section = ""
        for (index, line) in all.enumerated() {
            let start = line.trimmingCharacters(in: .whitespaces)
            if let open = fence {
                sectionSizes[section, default: 0] += 1
                if start.hasPrefix(open) && start.allSatisfy({ $0 == "`" }) { fence = nil }
            } else if start.hasPrefix("```") {
                fence = String(start.prefix { $0 == "`" })
            } else if line.hasPrefix("#"), let space = line.firstIndex(of: " "),
                line[..<space].allSatisfy({ $0 == "#" })
            {
                let level = line.distance(from: line.startIndex, to: space)
                let heading = line[space...].trimmingCharacters(in: .whitespaces)
                headings.append((level, heading, index + 1))
                if level == 2 {
                    section = heading
                    sectionSizes[section] = 0
                }
            } else {
                if !start.isEmpty { sectionSizes[section, default: 0] += 1 }
                lines.append(Line(number: index + 1, section: section, text: line))
            }
        }
    }

    /// Pieces of code within lines.
    var code: [(line: Line, text: String)] {
        lines.flatMap { line in
            Self.matches("`([^`]+)`", in: line.text).map { (line, $0[1]) }
        }
    }

    /// Where links and images lead.
    var links: [(line: Line, target: String)] {
        lines.flatMap { line in
            let plain = line.text.replacingOccurrences(of: "`[^`]*`", with: "", options: .regularExpression)
            return Self.matches("\\]\\(([^)\\s]+)\\)", in: plain).map { (line, $0[1]) }
        }
    }

    /// The names by which a link leads to a heading, as GitHub makes them.
    var anchors: Set<String> {
        var anchors: Set<String> = []
        var counts: [String: Int] = [:]
        for heading in headings {
            let kept = heading.text.lowercased().unicodeScalars.filter {
                $0 == " " || $0 == "-" || $0 == "_" || CharacterSet.alphanumerics.contains($0)
            }
            let slug = String(String.UnicodeScalarView(kept)).replacingOccurrences(of: " ", with: "-")
            let count = counts[slug, default: 0]
            counts[slug] = count + 1
            anchors.insert(count == 0 ? slug : "\(slug)-\(count)")
        }
        for line in lines {
            for match in Self.matches("<a (?:id|name)=\"([^\"]+)\"", in: line.text) { anchors.insert(match[1]) }
        }
        return anchors
    }

    /// All matches of a regular expression, each as its groups.
    static func matches(_ pattern: String, in text: String) -> [[String]] {
        guard let expression = try? NSRegularExpression(pattern: pattern) else { return [] }
        let whole = NSRange(text.startIndex..., in: text)
        return expression.matches(in: text, range: whole).map { match in
            (0..<match.numberOfRanges).map { group in
                Range(match.range(at: group), in: text).map { String(text[$0]) } ?? ""
            }
        }
    }

    /// All documents of the repository.
    static func all(in root: String) throws -> [Markdown] {
        try Files.all(".md", in: root).filter { !$0.hasPrefix("Workbook/") && !$0.hasPrefix("data/") }
            .map { Markdown($0, text: try Files.read(root + "/" + $0)) }
    }
}

/// The links of all documents.
public struct Links {
    private let root: String

    /// The documents below `root`.
    public init(_ root: String) { self.root = root }

    /// Links that lead nowhere: to files that are not there, or to headings that are none.
    public func problems() throws -> [String] {
        try Markdown.all(in: root).flatMap { document in
            try document.links.compactMap { line, target in
                try problem(with: target, in: document).map { "\(document.path):\(line.number): \($0)" }
            }
        }
    }

    private func problem(with target: String, in document: Markdown) throws -> String? {
        if target.contains("://") || target.hasPrefix("mailto:") { return nil }
        let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let directory = (document.path as NSString).deletingLastPathComponent
        let path = parts[0].isEmpty ? document.path : directory.isEmpty ? parts[0] : directory + "/" + parts[0]
        let full = URL(fileURLWithPath: root + "/" + path).standardizedFileURL.path
        guard Files.exists(full) else { return "the link leads nowhere: \(target)" }
        guard parts.count == 2, full.hasSuffix(".md") else { return nil }
        return Markdown(path, text: try Files.read(full)).anchors.contains(parts[1])
            ? nil : "there is no such heading: \(target)"
    }
}
