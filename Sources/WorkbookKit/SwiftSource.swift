/// A Swift file's text, in which declarations are found by their own text, and bodies replaced.
///
///     let source = SwiftSource("struct A { func f() { g() } }")
///     let body = try source.body(of: DeclarationPath(within: [], declaration: "func f("))
///     source.replacing([(body, " ")])    // "struct A { func f() { } }"
public struct SwiftSource {
    /// The text as it was given.
    public let text: String
    let bytes: [UInt8]
    let tokens: [SwiftToken]
    private let words: [String]
    /// For each token, how many braces are open before it.
    private let depths: [Int]

    /// Cuts `text` into tokens.
    public init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
        let (bytes, tokens) = (bytes, SwiftLexer.tokens(of: bytes))
        self.tokens = tokens
        words = tokens.map { String(decoding: bytes[$0.range], as: UTF8.self) }
        var depths: [Int] = []
        var depth = 0
        for token in tokens {
            let byte = token.kind == .punctuation ? bytes[token.range.lowerBound] : 0
            if byte == UInt8(ascii: "}") { depth -= 1 }
            depths.append(depth)
            if byte == UInt8(ascii: "{") { depth += 1 }
        }
        self.depths = depths
    }

    func word(_ index: Int) -> String { words[index] }

    /// Whether each brace that is opened is closed, and no other is.
    var hasMatchingBraces: Bool {
        let ends = tokens.indices.filter { word($0) == "{" || word($0) == "}" }
        return ends.allSatisfy { depths[$0] >= 0 } && (ends.last.map { word($0) == "}" && depths[$0] == 0 } ?? true)
    }

    /// The text of some bytes.
    public func text(in range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// The line of a byte, counted from 1.
    public func line(of position: Int) -> Int { 1 + bytes[..<position].count { $0 == 0x0A } }

    /// Where the words and signs of `text` stand, one behind the other, whatever white space or
    /// comments lie between them.
    func matches(of text: String, in range: Range<Int>? = nil, depth: Int? = nil) -> [Range<Int>] {
        let pattern = SwiftSource.words(of: text)
        let range = range ?? 0..<tokens.count
        guard !pattern.isEmpty, range.count >= pattern.count else { return [] }
        return (range.lowerBound...(range.upperBound - pattern.count)).compactMap { start in
            if let depth, depths[start] != depth { return nil }
            for (offset, word) in pattern.enumerated() where self.word(start + offset) != word { return nil }
            return start..<(start + pattern.count)
        }
    }

    static func words(of text: String) -> [String] {
        let bytes = Array(text.utf8)
        return SwiftLexer.tokens(of: bytes).map { String(decoding: bytes[$0.range], as: UTF8.self) }
    }

    /// What lies between the braces of the declaration, in bytes.
    public func body(of path: DeclarationPath) throws(SelectionError) -> Range<Int> {
        var range = 0..<tokens.count
        var depth: Int?
        for container in path.within {
            let braces = try braces(of: container, in: range, depth: depth)
            range = (braces.lowerBound + 1)..<braces.upperBound
            depth = depths[braces.lowerBound] + 1
        }
        return inside(try braces(of: path.declaration, in: range, depth: depth))
    }

    /// The declaration without its body: everything from its first word to its brace.
    public func signature(of path: DeclarationPath) throws(SelectionError) -> String {
        let open = try body(of: path).lowerBound
        let start = matches(of: path.declaration).last { tokens[$0.lowerBound].range.lowerBound < open }
        guard let start else { throw SelectionError(text: path.declaration, found: 0) }
        return text(in: tokens[start.lowerBound].range.lowerBound..<open)
    }

    private func braces(of text: String, in range: Range<Int>, depth: Int?) throws(SelectionError) -> Range<Int> {
        let found = matches(of: text, in: range, depth: depth)
        guard found.count == 1, let start = found.first?.lowerBound, let braces = braces(from: start) else {
            throw SelectionError(text: text, found: found.count)
        }
        return braces
    }

    /// The tokens from a declaration's `{` to its `}`, or nil for one without a body.
    func braces(from start: Int) -> Range<Int>? {
        var nesting = 0
        var hasBegun = false
        for index in start..<tokens.count {
            let word = self.word(index)
            if tokens[index].kind == .word {
                guard nesting == 0, Self.introducers.contains(word) else { continue }
                if hasBegun { return nil }
                hasBegun = true
                continue
            }
            guard tokens[index].kind == .punctuation else { continue }
            switch word {
            case "(", "[": nesting += 1
            case ")", "]": nesting -= 1
            case "}" where nesting == 0: return nil
            case "{" where nesting == 0:
                let end = (index..<tokens.count).first {
                    $0 > index && depths[$0] == depths[index] && self.word($0) == "}"
                }
                return end.map { index..<$0 }
            default: break
            }
        }
        return nil
    }

    static let introducers: Set<String> = [
        "func", "init", "deinit", "subscript", "var", "let", "case", "typealias", "struct", "class", "enum",
        "protocol", "extension", "actor", "import",
    ]

    private func inside(_ braces: Range<Int>) -> Range<Int> {
        tokens[braces.lowerBound].range.upperBound..<tokens[braces.upperBound].range.lowerBound
    }

    /// The bodies of all functions, initializers, subscripts and computed properties, outer ones included.
    public var bodies: [Range<Int>] {
        let members: Set<String> = ["func", "init", "deinit", "subscript", "var"]
        return tokens.indices.compactMap { index in
            guard tokens[index].kind == .word, members.contains(word(index)) else { return nil }
            if index > 0, word(index - 1) == "." { return nil }
            return braces(from: index).map(inside)
        }
    }

    /// The text with other bytes in some places, which must not overlap.
    public func replacing(_ edits: [(range: Range<Int>, text: String)]) -> String {
        var result = bytes
        for edit in edits.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) {
            result.replaceSubrange(edit.range, with: Array(edit.text.utf8))
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The white space before the first word of the line that holds a byte.
    func indentation(at position: Int) -> String {
        let start = bytes[..<position].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return String(decoding: bytes[start...].prefix { $0 == 0x20 }, as: UTF8.self)
    }
}

/// How a declaration is found: by its text, and where that is not enough, by the declarations around it.
public struct DeclarationPath: Hashable, Sendable {
    /// The declarations around it, the outermost first, each by its text.
    public var within: [String]
    /// Its own text, such as `mutating func append(`.
    public var declaration: String

    /// A declaration that is a direct member of the last of `within`.
    public init(within: [String], declaration: String) {
        self.within = within
        self.declaration = declaration
    }
}

/// A text that does not name exactly one declaration with a body.
public struct SelectionError: Error, Equatable, CustomStringConvertible {
    var text: String
    var found: Int

    /// The reason in words.
    public var description: String {
        switch found {
        case 0: "there is no declaration `\(text)`"
        case 1: "the declaration `\(text)` has no body"
        default: "the declaration `\(text)` is there \(found) times"
        }
    }
}
