/// A regular expression in the common core of RE2's syntax, which is matched in linear time.
///
///     let expression = try RegularExpression("orders-(eu|us)-v[0-9]+")
///     expression.matches("orders-eu-v2")        // true
///     expression.matches("all-orders-eu-v2")    // false: it has to match the whole text
///
/// A client chooses the expression, and the broker runs it: so there is no backtracking. All ways through the
/// expression are followed at once, one character at a time (Thompson 1968, Pike's simulation), and an expression that
/// would become too large is refused. What needs backtracking, such as a reference to a group, is not in the language.
///
/// It has: literals and escapes; `.`; classes with ranges, `\d \w \s` and `[:alpha:]`; `^ $ \A \z \b \B`; alternation;
/// groups, also `(?:…)` and named ones; `* + ? {n} {n,} {n,m}`, lazy or not; the flags `(?i)`, `(?s)`, `(?m)` and `(?U)`.
/// It has no `\p{…}`, and `(?i)` folds the letters of ASCII only: names of topics have no others.
public struct RegularExpression: Sendable {
    /// The most steps that an expression may be compiled to: enough for twenty names of topics, written out (ADR-0402).
    static let maxProgramCount = 500
    /// The deepest that groups may be nested.
    static let maxDepth = 100
    /// The most times that a repetition may ask for: RE2's bound.
    static let maxRepetition = 1_000

    /// The expression's text.
    public let pattern: String
    private let program: [Instruction]

    /// Compiles `pattern`.
    public init(_ pattern: String) throws(RegularExpressionError) {
        self.pattern = pattern
        var parser = RegularExpressionParser(pattern)
        let syntax = try parser.parse()
        guard syntax.instructionCount < Self.maxProgramCount else {
            throw RegularExpressionError(
                position: 0,
                reason: "it takes more than \(Self.maxProgramCount) steps when its repetitions are written out")
        }
        program = Instruction.program(of: syntax)
    }

    /// Whether the whole of `text` is matched. Takes time in proportion to the lengths of text and expression.
    public func matches(_ text: String) -> Bool {
        var here = Threads(of: program.count)
        var next = here
        return matches(text, &here, &next)
    }

    /// Those of many texts that are matched, in their order.
    func matches(among texts: [String]) -> [String] {
        var here = Threads(of: program.count)
        var next = here
        return texts.filter { matches($0, &here, &next) }
    }

    private func matches(_ text: String, _ here: inout Threads, _ next: inout Threads) -> Bool {
        let characters = text.unicodeScalars.map(\.value)
        here.removeAll()
        here.start(at: 0, of: program, Surroundings(characters, at: 0))
        for (position, character) in characters.enumerated() {
            if here.waiting.isEmpty { return false }
            next.removeAll()
            let behind = Surroundings(characters, at: position + 1)
            for thread in here.waiting {
                if case .consume(let set) = program[thread], set.contains(character) {
                    next.start(at: thread + 1, of: program, behind)
                }
            }
            swap(&here, &next)
        }
        return here.hasMatched
    }
}

/// Why a text is no regular expression.
public struct RegularExpressionError: Error, Equatable, CustomStringConvertible {
    /// How many characters stand before the place.
    public let position: Int
    /// What is wrong there.
    public let reason: String

    /// The place, counted from 1, and the reason.
    public var description: String { "at character \(position + 1), \(reason)" }
}
