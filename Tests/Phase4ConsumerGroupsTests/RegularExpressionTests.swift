import SegmentLog
import Testing

@testable import ConsumerGroups

@Suite("A regular expression")
struct RegularExpressionTests {
    @Test(
        "matches whole texts as RE2 does",
        arguments: [
            ("orders", "orders", true), ("orders", "orders2", false), ("orders", "all-orders", false),
            ("", "", true), ("", "a", false), (".", "a", true), (".", "\n", false), ("(?s).", "\n", true),
            ("a.c", "abc", true), ("a\\.c", "abc", false), ("a\\.c", "a.c", true), ("\\x41\\x{42}", "AB", true),
            ("[a-c]+", "abcab", true), ("[a-c]+", "abd", false), ("[^a-c]", "d", true), ("[^a-c]", "b", false),
            ("[]a]+", "]a", true), ("[a-]+", "a-", true), ("[^]]", "]", false), ("[\\d_-]+", "1_2-3", true),
            ("\\d\\D\\w\\W\\s\\S", "1a_- x", true), ("\\d", "x", false), ("[[:alpha:]]+", "abC", true),
            ("[[:^alpha:]]", "a", false), ("[[:digit:][:upper:]]+", "1A2", true), ("[[:punct:]]", "-", true),
            ("eu|us", "us", true), ("eu|us", "euus", false), ("a(b|c)d", "acd", true), ("a(?:b|c)*d", "abcbd", true),
            ("(?P<name>a)(?<other>b)", "ab", true), ("a||b", "", true), ("(|a)b", "b", true),
            ("a*", "", true), ("a+", "", false), ("a?b", "b", true), ("a{2}", "aa", true), ("a{2}", "aaa", false),
            ("a{2,}", "aaaaa", true), ("a{2,}", "a", false), ("a{1,3}", "aaaa", false), ("a{0}", "", true),
            ("a{,3}", "a{,3}", true), ("a{x}", "a{x}", true), ("a+?b*?c??", "aab", true), ("(a*)*", "aaa", true),
            ("(a|b)*abb", "ababb", true), ("^orders$", "orders", true), ("a^b", "ab", false), ("\\Aa\\z", "a", true),
            ("(?m)a$\\n^b", "a\nb", true), ("a$\\nb", "a\nb", false), ("\\bfoo\\b-\\bbar\\b", "foo-bar", true),
            ("fo\\bo", "foo", false), ("fo\\Bo", "foo", true), ("(?i)Orders", "oRDERS", true),
            ("(?i:a)b", "Ab", true), ("(?i:a)b", "AB", false), ("(?i)a(?-i)b", "AB", false), ("((?i)a)b", "AB", false),
            ("(?i)[a-c]", "B", true), ("(?U)a+", "aa", true), ("\\Qa.b*\\E+", "a.b**", true),
            ("\\Qa.b\\Ec", "a.bc", true),
            ("größe", "größe", true), ("gr.ße", "größe", true), ("\\_\\-\\/", "_-/", true),
        ])
    func table(pattern: String, text: String, expected: Bool) throws {
        #expect(try RegularExpression(pattern).matches(text) == expected)
    }

    @Test(
        "that is none says where and why",
        arguments: [
            ("a(b", "at character 2, this group has no end"), ("ab)", "at character 3, this ) closes no group"),
            ("*a", "at character 1, there is nothing before the repetition"),
            ("a|+", "at character 3, there is nothing before the repetition"),
            ("a**", "at character 3, a repetition is repeated"),
            ("a{3}{2}", "at character 5, a repetition is repeated"),
            ("[a", "at character 1, this class has no end"), ("[]", "at character 1, this class has no end"),
            ("[b-a]", "at character 2, the range's ends are the wrong way round"),
            ("[[:letter:]]", "at character 2, there is no class of this name"),
            ("a{3,2}", "at character 2, the repetition's bounds are the wrong way round"),
            ("a{1001}", "at character 3, it repeats more than 1000 times"),
            ("a\\", "at character 2, nothing is behind the backslash"),
            ("\\y", "at character 1, there is no such escape"),
            ("(a)\\1", "at character 4, a group cannot be referred to"),
            ("\\pN", "at character 1, there are no classes of Unicode"),
            ("\\x4", "at character 1, this number names no character"),
            ("\\x{110000}", "at character 1, this number names no character"),
            ("(?=a)", "at character 3, there is no such group or flag"),
            ("(?P<>a)", "at character 1, this group's name is none"),
            ("(?i", "at character 4, these flags have no end"),
        ])
    func refused(pattern: String, words: String) {
        #expect { try RegularExpression(pattern) } throws: { "\($0)" == words }
    }

    @Test(
        "that would grow beyond bounds is refused before it does",
        arguments: [
            "(a{1000}){1000}", "((((a{9}){9}){9}){9}){9}", "(((){1000}){1000}){1000}", "(((a{0}){1000}){1000}){1000}",
            String(repeating: "(", count: 101) + String(repeating: ")", count: 101),
        ])
    func tooLarge(pattern: String) {
        #expect(throws: RegularExpressionError.self) { try RegularExpression(pattern) }
    }

    @Test("may be as long as five hundred steps, and is told so where it is longer")
    func limit() throws {
        let words = "at character 1, it takes more than 500 steps when its repetitions are written out"
        for pattern in ["(a?){1000}(a?){800}", "(a?){250}", "a{500}"] {
            #expect { try RegularExpression(pattern) } throws: { "\($0)" == words }
        }
        #expect(try RegularExpression("(a?){249}").matches(String(repeating: "a", count: 249)))
        #expect(try RegularExpression("a{499}").matches(String(repeating: "a", count: 499)))
    }

    @Test("that makes others try for ever takes time in proportion to the text", .timeLimit(.minutes(15)))
    func linear() throws {
        let text = String(repeating: "a", count: 300)
        for pattern in ["(a*)*b", "(a|a)*b", "(a|aa)+b", "(?:a?){100}a{100}b", "(.*)(.*)(.*)(.*)(.*)b"] {
            #expect(try RegularExpression(pattern).matches(text) == false)
        }
    }

    @Test("means what its parts mean, whatever is put together", arguments: 0..<20)
    func oracle(block: Int) throws {
        for seed in block * 100..<(block + 1) * 100 {
            var random = SplitMix64(seed: UInt64(seed))
            let part = Part.any(&random, depth: 3)
            let expression = try RegularExpression(part.pattern)
            for _ in 0..<20 {
                let text = (0..<random.below(7)).map { _ in ["a", "b", "-"][random.below(3)] }
                let expected = part.ends(in: text, from: 0).contains(text.count)
                #expect(expression.matches(text.joined()) == expected, "\(part.pattern) and \(text.joined())")
            }
        }
    }
}

/// A regular expression that knows what it means: all the places where a match from a place can end.
private indirect enum Part {
    case atom(String, of: [String])
    case start, end
    case sequence([Part])
    case alternatives([Part])
    case repeated(Part, String, Int, Int?)

    static func any(_ random: inout SplitMix64, depth: Int) -> Part {
        let kind = depth == 0 ? 0 : random.below(10)
        if kind < 3 {
            let atoms: [(String, [String])] = [
                ("a", ["a"]), ("b", ["b"]), ("-", ["-"]), (".", ["a", "b", "-"]), ("[ab]", ["a", "b"]),
                ("[^a]", ["b", "-"]), ("\\w", ["a", "b"]), ("\\W", ["-"]), ("(?i:A)", ["a"]),
            ]
            let atom = atoms[random.below(atoms.count)]
            return .atom(atom.0, of: atom.1)
        }
        if kind == 3 { return random.chance(50) ? .start : .end }
        if kind < 8 {
            let parts = (0...random.below(3)).map { _ in any(&random, depth: depth - 1) }
            return random.chance(40) ? .alternatives(parts) : .sequence(parts)
        }
        let repetitions: [(String, Int, Int?)] = [
            ("*", 0, nil), ("+", 1, nil), ("?", 0, 1), ("{2}", 2, 2), ("{1,2}", 1, 2), ("{2,}", 2, nil), ("*?", 0, nil),
        ]
        let (text, least, most) = repetitions[random.below(repetitions.count)]
        return .repeated(any(&random, depth: depth - 1), text, least, most)
    }

    var pattern: String {
        switch self {
        case .atom(let text, _): text
        case .start: "^"
        case .end: "$"
        case .sequence(let parts): "(?:" + parts.map(\.pattern).joined() + ")"
        case .alternatives(let parts): "(" + parts.map(\.pattern).joined(separator: "|") + ")"
        case .repeated(let part, let text, _, _): "(?:" + part.pattern + ")" + text
        }
    }

    func ends(in text: [String], from place: Int) -> Set<Int> {
        switch self {
        case .atom(_, let set): return place < text.count && set.contains(text[place]) ? [place + 1] : []
        case .start: return place == 0 ? [place] : []
        case .end: return place == text.count ? [place] : []
        case .sequence(let parts):
            return parts.reduce([place]) { places, part in Set(places.flatMap { part.ends(in: text, from: $0) }) }
        case .alternatives(let parts): return Set(parts.flatMap { $0.ends(in: text, from: place) })
        case .repeated(let part, _, let least, let most):
            var places: Set<Int> = [place]
            var all: Set<Int> = least == 0 ? places : []
            for count in 1...(most ?? least + text.count + 1) {
                places = Set(places.flatMap { part.ends(in: text, from: $0) })
                if count >= least { all.formUnion(places) }
            }
            return all
        }
    }
}
