/// A set of characters, as ascending ranges of Unicode scalars that do not touch.
struct CharacterSet: Equatable, Sendable {
    private(set) var ranges: [ClosedRange<UInt32>]

    /// The characters of these ranges, in any order.
    init(_ ranges: [ClosedRange<UInt32>]) {
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            // No scalar is near the end of UInt32: one more does not overflow.
            if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        self.ranges = merged
    }

    /// One character.
    init(_ character: UInt32) { ranges = [character...character] }

    static let all = CharacterSet([0...0x10FFFF])
    static let allButNewline = CharacterSet(0x0A).inverted

    /// What `\d`, `\w` and `\s` stand for, by their letter.
    static let perl: [UInt32: CharacterSet] = [
        ascii("d"): CharacterSet([digits]),
        ascii("w"): CharacterSet([digits, upper, lower, ascii("_")...ascii("_")]),
        ascii("s"): CharacterSet([0x09...0x0A, 0x0C...0x0D, 0x20...0x20]),
    ]

    /// What `[:name:]` stands for, by its name.
    static let named: [String: CharacterSet] = [
        "alnum": CharacterSet([digits, upper, lower]), "alpha": CharacterSet([upper, lower]),
        "ascii": CharacterSet([0...0x7F]), "blank": CharacterSet([0x09...0x09, 0x20...0x20]),
        "cntrl": CharacterSet([0...0x1F, 0x7F...0x7F]), "digit": CharacterSet([digits]),
        "graph": CharacterSet([0x21...0x7E]), "lower": CharacterSet([lower]), "print": CharacterSet([0x20...0x7E]),
        "punct": CharacterSet([0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E]),
        "space": CharacterSet([0x09...0x0D, 0x20...0x20]), "upper": CharacterSet([upper]),
        "word": CharacterSet([digits, upper, lower, ascii("_")...ascii("_")]),
        "xdigit": CharacterSet([digits, ascii("A")...ascii("F"), ascii("a")...ascii("f")]),
    ]

    private static let digits = ascii("0")...ascii("9")
    private static let upper = ascii("A")...ascii("Z")
    private static let lower = ascii("a")...ascii("z")

    /// Whether the character is in the set.
    func contains(_ character: UInt32) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < character { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].lowerBound <= character
    }

    /// All characters that are not in the set.
    var inverted: CharacterSet {
        var rest: [ClosedRange<UInt32>] = []
        var start: UInt32 = 0
        for range in ranges {
            if range.lowerBound > start { rest.append(start...range.lowerBound - 1) }
            start = range.upperBound + 1
        }
        if start <= 0x10FFFF { rest.append(start...0x10FFFF) }
        return CharacterSet(rest)
    }

    /// The set with both cases of each letter of ASCII that it has.
    var foldingCase: CharacterSet {
        var folded = ranges
        for range in ranges {
            let fromUpper = range.clamped(to: Self.upper)
            if range.overlaps(Self.upper) { folded.append(fromUpper.lowerBound + 32...fromUpper.upperBound + 32) }
            let fromLower = range.clamped(to: Self.lower)
            if range.overlaps(Self.lower) { folded.append(fromLower.lowerBound - 32...fromLower.upperBound - 32) }
        }
        return CharacterSet(folded)
    }
}

/// The number of a character of ASCII.
func ascii(_ character: Unicode.Scalar) -> UInt32 { character.value }

/// What must hold between two characters.
enum RegularExpressionAssertion: Equatable, Sendable {
    case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary
}

/// A regular expression as it was read.
indirect enum RegularExpressionSyntax: Equatable, Sendable {
    case one(CharacterSet)
    case assertion(RegularExpressionAssertion)
    case sequence([RegularExpressionSyntax])
    case alternatives([RegularExpressionSyntax])
    /// `least` times, and up to `most`; without an end where that is nil.
    case repeated(RegularExpressionSyntax, least: Int, most: Int?)

    /// How many steps it is compiled to, and one at least: nothing that is repeated is for nothing. Far too many stay far
    /// too many: no sum overflows.
    var instructionCount: Int {
        let count =
            switch self {
            case .one, .assertion: 1
            case .sequence(let parts): parts.reduce(0) { $0 + $1.instructionCount }
            case .alternatives(let parts): parts.reduce(0) { $0 + $1.instructionCount + 2 }
            case .repeated(let part, let least, let most?):
                least * part.instructionCount + (most - least) * (part.instructionCount + 1)
            case .repeated(let part, let least, nil): (least + 1) * part.instructionCount + 2
            }
        return min(max(count, 1), RegularExpression.maxProgramCount)
    }
}
