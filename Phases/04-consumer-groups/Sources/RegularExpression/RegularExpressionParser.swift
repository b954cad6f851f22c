/// Reads the text of a regular expression.
struct RegularExpressionParser {
    /// What `(?…)` switches.
    private struct Flags {
        var ignoresCase = false
        var dotTakesNewlines = false
        var isMultiline = false
    }

    let characters: [UInt32]
    var position = 0
    private var flags = Flags()
    private var depth = 0

    init(_ pattern: String) { characters = pattern.unicodeScalars.map(\.value) }

    /// Reads the whole text.
    mutating func parse() throws(RegularExpressionError) -> RegularExpressionSyntax {
        let syntax = try alternatives()
        if position < characters.count { throw error("this ) closes no group") }
        return syntax
    }

    func error(_ reason: String, at place: Int? = nil) -> RegularExpressionError {
        RegularExpressionError(position: place ?? position, reason: reason)
    }

    /// The next character, which stays.
    var next: UInt32? { position < characters.count ? characters[position] : nil }

    /// Whether these characters come next; they are taken then.
    mutating func take(_ text: String) -> Bool {
        let wanted = text.unicodeScalars.map(\.value)
        guard characters[position...].starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    /// The set, in both cases where the flags say so.
    private func one(_ set: CharacterSet) -> RegularExpressionSyntax { .one(flags.ignoresCase ? set.foldingCase : set) }

    private mutating func alternatives() throws(RegularExpressionError) -> RegularExpressionSyntax {
        var parts = [try sequence()]
        while take("|") { parts.append(try sequence()) }
        return parts.count == 1 ? parts[0] : .alternatives(parts)
    }

    private mutating func sequence() throws(RegularExpressionError) -> RegularExpressionSyntax {
        var parts: [RegularExpressionSyntax] = []
        while let character = next, character != ascii("|"), character != ascii(")") {
            if take("\\Q") {
                parts += try quotation()
            } else if let part = try atom() {
                parts.append(try repetition(of: part))
            }
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    /// What stands between `\Q` and `\E`, as it is; what is behind repeats the last character.
    private mutating func quotation() throws(RegularExpressionError) -> [RegularExpressionSyntax] {
        var parts: [RegularExpressionSyntax] = []
        while position < characters.count, !take("\\E") {
            parts.append(one(CharacterSet(characters[position])))
            position += 1
        }
        if let last = parts.popLast() { parts.append(try repetition(of: last)) }
        return parts
    }

    /// One part without its repetition; nil for flags, which match nothing and hold to the end of the group.
    private mutating func atom() throws(RegularExpressionError) -> RegularExpressionSyntax? {
        if take("(") { return try group() }
        if take("[") { return one(try characterClass(from: position - 1)) }
        if take("\\") { return try escaped() }
        if take(".") { return .one(flags.dotTakesNewlines ? .all : .allButNewline) }
        if take("^") { return .assertion(flags.isMultiline ? .lineStart : .textStart) }
        if take("$") { return .assertion(flags.isMultiline ? .lineEnd : .textEnd) }
        if take("*") || take("+") || take("?") {
            throw error("there is nothing before the repetition", at: position - 1)
        }
        defer { position += 1 }
        return one(CharacterSet(characters[position]))
    }

    // MARK: Groups

    private mutating func group() throws(RegularExpressionError) -> RegularExpressionSyntax? {
        let start = position - 1
        let outer = flags
        if take("?P<") || take("?<") {
            try name(from: start)
        } else if take("?") {
            if try flagsEndGroup() { return nil }
        }
        guard depth < RegularExpression.maxDepth else {
            throw error("groups are nested deeper than \(RegularExpression.maxDepth)", at: start)
        }
        depth += 1
        let inner = try alternatives()
        depth -= 1
        guard take(")") else { throw error("this group has no end", at: start) }
        flags = outer
        return inner
    }

    private mutating func name(from start: Int) throws(RegularExpressionError) {
        let first = position
        while let character = next, CharacterSet.perl[ascii("w")]?.contains(character) == true { position += 1 }
        guard position > first, take(">") else { throw error("this group's name is none", at: start) }
    }

    /// Reads flags, and says whether the group ends with them, or has a part that they hold for.
    private mutating func flagsEndGroup() throws(RegularExpressionError) -> Bool {
        var isOn = true
        while let character = next {
            position += 1
            switch character {
            case ascii("i"): flags.ignoresCase = isOn
            case ascii("s"): flags.dotTakesNewlines = isOn
            case ascii("m"): flags.isMultiline = isOn
            case ascii("U"): break  // Which of several ways is taken does not matter where the whole text has to match.
            case ascii("-") where isOn: isOn = false
            case ascii(":"): return false
            case ascii(")"): return true
            default: throw error("there is no such group or flag", at: position - 1)
            }
        }
        throw error("these flags have no end")
    }

    // MARK: Repetitions

    private mutating func repetition(
        of part: RegularExpressionSyntax
    ) throws(RegularExpressionError) -> RegularExpressionSyntax {
        let start = position
        guard let (least, most) = try bounds() else { return part }
        _ = take("?")  // Lazy: which of several ways is taken does not matter where the whole text has to match.
        let end = position
        if try bounds() != nil { throw error("a repetition is repeated", at: end) }
        if let most, most < least { throw error("the repetition's bounds are the wrong way round", at: start) }
        return .repeated(part, least: least, most: most)
    }

    /// How often, where a repetition comes next.
    private mutating func bounds() throws(RegularExpressionError) -> (least: Int, most: Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        let start = position
        guard take("{") else { return nil }
        let least = try number()
        let isRange = take(",")
        let most = isRange ? try number() : least
        // As in RE2, what does not look like bounds is text.
        guard let least, take("}") else {
            position = start
            return nil
        }
        return (least, most)
    }

    private mutating func number() throws(RegularExpressionError) -> Int? {
        let start = position
        var value = 0
        while let digit = next, digit >= ascii("0"), digit <= ascii("9") {
            position += 1
            value = min(value * 10 + Int(digit - ascii("0")), RegularExpression.maxRepetition + 1)
        }
        guard value <= RegularExpression.maxRepetition else {
            throw error("it repeats more than \(RegularExpression.maxRepetition) times", at: start)
        }
        return position > start ? value : nil
    }

    // MARK: Escapes

    private mutating func escaped() throws(RegularExpressionError) -> RegularExpressionSyntax {
        if take("A") { return .assertion(.textStart) }
        if take("z") { return .assertion(.textEnd) }
        if take("b") { return .assertion(.wordBoundary) }
        if take("B") { return .assertion(.noWordBoundary) }
        if let set = perlClass() { return one(set) }
        return one(CharacterSet(try escapedCharacter()))
    }
}
