import Foundation

/// The decision records, and what they and the chapters name.
public struct Records {
    private let root: String
    private static let lineLimit = 90
    /// Where names may be Kafka's, or of what was not chosen.
    private static let elsewhere: Set<String> = [
        "Forces", "Options", "Kafka does", "What Kafka does differently", "Further, and what the next phase breaks",
    ]
    /// Where every name must be one of the code.
    private static let ofTheCode: Set<String> = ["In the code", "Confirmed by", "Read in this order"]

    /// The records below `root`.
    public init(_ root: String) { self.root = root }

    /// What is wrong with them: one that the index does not name, that is too long, that lacks a section or has
    /// an empty one; and in them and in the chapters, names of what is not there.
    public func problems() throws -> [String] {
        let names = Files.names(in: root + "/ADR").filter { $0.hasSuffix(".md") && $0.first?.isNumber == true }
        let index = try Files.read(root + "/ADR/README.md")
        let sections = try document("ADR/TEMPLATE.md").headings.filter { $0.level == 2 }.map(\.text)
        var problems: [String] = []
        for name in names {
            if !index.contains("](\(name))") { problems.append("ADR/README.md: \(name) is missing") }
            problems += Self.problems(of: try document("ADR/" + name), sections: sections)
        }
        let symbols = try Symbols(root, ["Sources", "Phases", "Tests", "Benchmarks"])
        let chapters = Files.names(in: root + "/Phases").map { "Phases/\($0)/README.md" }
            .filter { Files.exists(root + "/" + $0) }
        for path in names.map({ "ADR/" + $0 }) + chapters {
            let directory = (path as NSString).deletingLastPathComponent
            for (line, text) in try document(path).code where !Files.exists("\(root)/\(directory)/\(text)") {
                if let problem = try problem(with: text, in: line.section, symbols) {
                    problems.append("\(path):\(line.number): \(problem)")
                }
            }
        }
        return problems
    }

    private func document(_ path: String) throws -> Markdown {
        Markdown(path, text: try Files.read(root + "/" + path))
    }

    /// What is wrong with a record's form.
    static func problems(of record: Markdown, sections: [String]) -> [String] {
        var problems: [String] = []
        if record.lineCount > lineLimit {
            problems.append("\(record.path): \(record.lineCount) lines, more than \(lineLimit)")
        }
        for section in sections where record.sectionSizes[section, default: 0] == 0 {
            problems.append("\(record.path): the section \"\(section)\" is missing or empty")
        }
        if !record.lines.contains(where: { $0.text.hasPrefix("Status: ") }) {
            problems.append("\(record.path): there is no line that begins with \"Status: \"")
        }
        return problems
    }

    /// What is wrong with a piece of code in a text; nil where it names something that is there, or nothing.
    func problem(with code: String, in section: String, _ symbols: Symbols) throws -> String? {
        for match in Markdown.matches("(?:^|&& )make ([a-z][a-z-]*)", in: code) {
            let rules = try Files.read(root + "/Makefile").split(separator: "\n").filter { $0.first?.isLetter == true }
            let goals = rules.flatMap { $0.prefix { $0 != ":" }.split(separator: " ").map(String.init) }
            if !goals.contains(match[1]) { return "there is no `make \(match[1])`" }
        }
        for match in Markdown.matches("\\b([A-Z][A-Za-z0-9]*Tests)\\b", in: code) where !symbols.hasType(match[1]) {
            if !Files.exists("\(root)/Tests/\(match[1])") { return "there are no tests `\(match[1])`" }
        }
        if code.contains(" ") { return nil }
        if let problem = problem(withPath: code) { return problem }
        guard !Self.elsewhere.contains(section), !code.hasSuffix(".swift") else { return nil }
        if let match = Markdown.matches("^([A-Z]\\w*)\\.([a-z]\\w*)(?:\\(.*\\))?$", in: code).first {
            guard symbols.hasType(match[1]) else { return "there is no type `\(match[1])`" }
            return symbols.members[match[1]]?.contains(match[2]) == true ? nil : "`\(match[1])` has no `\(match[2])`"
        }
        guard Self.ofTheCode.contains(section),
            let name = Markdown.matches("^([A-Z]\\w*(?:\\+\\w+)?)$", in: code).first?[1]
        else { return nil }
        let isThere = symbols.hasType(name) || symbols.files.contains(name) || Files.exists("\(root)/Sources/\(name)")
        return isThere ? nil : "there is no `\(name)`"
    }

    private func problem(withPath code: String) -> String? {
        let endings = [".swift", ".md", ".sh", ".py", ".c", ".h", ".json"]
        let first = code.split(separator: "/").first.map(String.init) ?? ""
        if code.contains("*") || code.contains("…") || code.contains("NN") { return nil }
        if code.contains("/"), ["Sources", "Phases", "Tests", "Benchmarks", "Docs", "ADR", ".ci"].contains(first) {
            return Files.exists(root + "/" + code) ? nil : "there is no \(code)"
        }
        guard let ending = endings.first(where: { code.hasSuffix($0) }), code.count > ending.count,
            !code.contains("/")
        else { return nil }
        let found = ["Sources", "Phases", "Tests", "Benchmarks", "Docs", "ADR"].contains { directory in
            Files.all(ending, in: root + "/" + directory).contains { $0 == code || $0.hasSuffix("/" + code) }
        }
        return found || Files.exists(root + "/" + code) ? nil : "there is no file \(code)"
    }
}
