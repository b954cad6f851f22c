import SegmentLog
import Testing
@testable import TopicsPartitions

@Suite("JSON")
struct JSONTests {
    private static func parsed(_ text: String) throws(JSONError) -> JSON { try JSON(parsing: Bytes(utf8: text)) }

    @Test(
        "comes back as it went in, but for whitespace and the choice of escapes",
        arguments: [
            ("null", "null"), (" true\r\n", "true"), ("false", "false"), ("\"\"", "\"\""),
            // Numbers keep their text, whatever their size and precision.
            ("-0", "-0"), ("1.50", "1.50"), ("1e400", "1e400"), ("0E-7", "0E-7"), ("-12.0e+3", "-12.0e+3"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("[ ]", "[]"), ("{\t}", "{}"), ("[1 , [ ] ,{}]", "[1,[],{}]"),
            // Members keep their order, also where two have the same name.
            (#"{"b":1,"a":{"":2},"b":3}"#, #"{"b":1,"a":{"":2},"b":3}"#),
            (#""\"\\\/\b\f\n\r\t""#, #""\"\\/\u0008\u000c\n\r\t""#),
            (#""\u0041\u00e9\u20AC\ud83d\uDE00\u0000\u001f""#, #""Aé€😀\u0000\u001f""#),
            ("\"é€😀\u{7F}\u{2028}\"", "\"é€😀\u{7F}\u{2028}\""),
        ])
    func roundTrip(text: String, expected: String) throws {
        #expect(try Self.parsed(text).text == expected)
    }

    @Test("of any shape comes back from its own text", arguments: UInt64(0)..<300)
    func generated(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let value = Self.value(&random, depth: 0)
        let again = try JSON(parsing: value.encoded)
        #expect(again == value)
        #expect(again.text == value.text)
        #expect(!value.encoded.array.contains { $0 < 0x20 }, "a value is one line")
    }

    private static func value(_ random: inout SplitMix64, depth: Int) -> JSON {
        switch random.below(depth < 5 ? 7 : 4) {
        case 0: return .null
        case 1: return .bool(random.chance(50))
        case 2: return .number(["0", "-1", "3.14", "1e9", "\(Int64.max)", "-0.0E+10"][random.below(6)])
        case 3: return .string(string(&random))
        case 4: return .array((0..<random.below(5)).map { _ in value(&random, depth: depth + 1) })
        default:
            return .object((0..<random.below(5)).map { _ in .init(string(&random), value(&random, depth: depth + 1)) })
        }
    }

    private static func string(_ random: inout SplitMix64) -> String {
        let ranges: [Range<UInt32>] = [0..<0x20, 0x20..<0x7F, 0x7F..<0x3000, 0xE000..<0x10000, 0x10000..<0x110000]
        var text = ""
        for _ in 0..<random.below(8) {
            let range = ranges[random.below(ranges.count)]
            if let scalar = Unicode.Scalar(range.lowerBound + UInt32(random.below(range.count))) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    @Test(
        "that is malformed is refused, with the place",
        arguments: [
            ("", 0), ("  ", 2), ("nul", 0), ("nulL", 0), ("truefalse", 4), ("1 2", 2), ("[1,]", 3), ("[1 2]", 3),
            ("[", 1), ("[1", 2), ("{", 1), (#"{"a"}"#, 4), (#"{"a":}"#, 5), (#"{"a":1,}"#, 7), ("{a:1}", 1),
            ("{1:1}", 1),
            ("]", 0), ("}", 0), (",", 0), ("'a'", 0), ("NaN", 0), ("+1", 0), (".5", 0), ("01", 1), ("1.", 2),
            ("1.e1", 2),
            ("-", 1), ("1e", 2), ("1e+", 3), ("0x10", 1), ("// 1", 0), ("\u{FEFF}1", 0),
            (#"""#, 0), (#""a"#, 0), (#""\"#, 2), (#""\x""#, 1), (#""\u12G4""#, 5), (#""\u123"#, 6), ("\"\n\"", 1),
            ("\"\u{0}\"", 1), (#""\ud800""#, 1), (#""\udc00""#, 1), (#""\ud800\u0041""#, 1), (#""\ud800x""#, 1),
            (#""a\ud83d\ud83d""#, 2),
        ])
    func malformed(text: String, position: Int) {
        let error = #expect(throws: JSONError.self) { try Self.parsed(text) }
        #expect(error?.position == position, "\(text): \(error.map(\.description) ?? "")")
    }

    @Test(
        "is UTF-8",
        arguments: [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF4, 0x90, 0x80, 0x80]] as [[UInt8]])
    func notUTF8(bytes: [UInt8]) {
        #expect(throws: JSONError(position: 1, reason: "a string is not UTF-8")) {
            try JSON(parsing: Bytes([0x5B, 0x22] + bytes + [0x22, 0x5D]))
        }
    }

    @Test("lies as deep as the limit says, and no deeper")
    func depth() throws {
        let deep = String(repeating: "[", count: JSON.maxDepth) + String(repeating: "]", count: JSON.maxDepth)
        #expect(try Self.parsed(deep).text == deep)
        let error = #expect(throws: JSONError.self) { try Self.parsed("[\(deep)]") }
        #expect(error?.position == JSON.maxDepth)
        #expect(throws: JSONError.self) { try Self.parsed(String(repeating: #"{"a":"#, count: 1_000_000)) }
    }

    @Test("that was changed at random never traps, and what is understood comes back", arguments: UInt64(0)..<100)
    func changed(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var understood = 0
        for _ in 0..<100 {
            var bytes = Self.value(&random, depth: 0).encoded.array
            let alphabet = Array(#"{}[]",:\u0eE+-.d8Dcf tn"#.utf8) + [0x00, 0x1F, 0x80, 0xC3, 0xED, 0xF4, 0xFF]
            for _ in 0..<random.below(3) {
                let place = random.below(bytes.count + 1)
                let end = min(bytes.count, place + random.below(3))
                bytes.replaceSubrange(place..<end, with: [alphabet[random.below(alphabet.count)]])
            }
            guard let value = try? JSON(parsing: Bytes(bytes)) else { continue }
            understood += 1
            #expect(try JSON(parsing: value.encoded).text == value.text)
        }
        #expect((1..<100).contains(understood), "both kinds are there: \(understood) understood")
    }
}
