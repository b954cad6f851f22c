import SegmentLog

extension JSON {
    /// How deep arrays and objects may lie in each other: parsing takes stack for each.
    public static let maxDepth = 256

    /// Reads the one value that `bytes` hold, with whitespace around it.
    ///
    /// As RFC 8259 has it, and no more: no comments, no comma behind the last element, no control characters in
    /// strings. Half of a surrogate pair is an error, because it is no text. The value takes memory in
    /// proportion to `bytes`; whoever reads bounds these.
    public init(parsing bytes: Bytes) throws(JSONError) {
        var parser = JSONParser(bytes)
        self = try parser.wholeText()
    }
}

/// Walks over the bytes of a JSON text.
private struct JSONParser {
    private let bytes: Bytes
    private var position = 0

    init(_ bytes: Bytes) { self.bytes = bytes }

    /// The byte here, or nil at the end.
    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func wrong(_ reason: String, at position: Int? = nil) -> JSONError {
        JSONError(position: position ?? self.position, reason: reason)
    }

    /// Steps over this byte, if it is here.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipWhitespace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    mutating func wholeText() throws(JSONError) -> JSON {
        let value = try value(depth: 0)
        skipWhitespace()
        guard position == bytes.count else { throw wrong("something follows the value") }
        return value
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSON {
        skipWhitespace()
        guard let byte = current else { throw wrong("the text ends where a value should be") }
        switch byte {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: throw wrong("no value begins like this")
        }
    }

    private mutating func literal(_ text: String, _ value: JSON) throws(JSONError) -> JSON {
        let start = position
        for byte in text.utf8 {
            guard current == byte else { throw wrong("this should be \(text)", at: start) }
            position += 1
        }
        return value
    }

    // MARK: Arrays and objects

    /// Steps over the bracket here; the elements lie one deeper.
    private mutating func open(depth: Int) throws(JSONError) -> Int {
        guard depth < JSON.maxDepth else { throw wrong("arrays and objects lie more than \(JSON.maxDepth) deep") }
        position += 1
        skipWhitespace()
        return depth + 1
    }

    /// Steps over what stands behind an element. True if another element follows.
    private mutating func isFollowed(until end: Unicode.Scalar) throws(JSONError) -> Bool {
        skipWhitespace()
        if take(",") { return true }
        if take(end) { return false }
        throw wrong("a comma or \(end) should be here")
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSON] {
        let depth = try open(depth: depth)
        var values: [JSON] = []
        if take("]") { return values }
        repeat { values.append(try value(depth: depth)) } while try isFollowed(until: "]")
        return values
    }

    private mutating func object(depth: Int) throws(JSONError) -> [JSON.Member] {
        let depth = try open(depth: depth)
        var members: [JSON.Member] = []
        if take("}") { return members }
        repeat {
            skipWhitespace()
            guard current == UInt8(ascii: "\"") else { throw wrong("a member's name should be here, in quotes") }
            let name = try string()
            skipWhitespace()
            guard take(":") else { throw wrong("a colon should be here") }
            members.append(JSON.Member(name, try value(depth: depth)))
        } while try isFollowed(until: "}")
        return members
    }

    // MARK: Numbers and strings

    private mutating func number() throws(JSONError) -> String {
        let start = position
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        return bytes.slice(start..<position).text
    }

    private mutating func digits() throws(JSONError) {
        let start = position
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw wrong("a digit should be here") }
    }

    private mutating func string() throws(JSONError) -> String {
        let start = position
        position += 1
        var text: [UInt8] = []
        var runStart = position
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                text += bytes.slice(runStart..<position).array
                position += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw wrong("a string is not UTF-8", at: start)
                }
                return string
            case UInt8(ascii: "\\"):
                text += bytes.slice(runStart..<position).array
                position += 1
                text += try escaped().utf8
                runStart = position
            case 0..<0x20: throw wrong("a control character in a string must be escaped")
            default: position += 1
            }
        }
        throw wrong("a string does not end", at: start)
    }

    /// What an escape stands for; its backslash has been passed.
    private mutating func escaped() throws(JSONError) -> String {
        let start = position - 1
        guard let byte = current else { throw wrong("a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return String(Unicode.Scalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return String(try scalar(from: start))
        default: throw wrong("there is no such escape", at: start)
        }
    }

    /// The character of a `\u` escape, or of two that make up a surrogate pair.
    private mutating func scalar(from start: Int) throws(JSONError) -> Unicode.Scalar {
        let first = try fourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        if first < 0xDC00, take("\\"), take("u") {
            let second = try fourHexDigits()
            if (0xDC00...0xDFFF).contains(second),
                let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            {
                return scalar
            }
        }
        throw wrong("half of a surrogate pair stands alone", at: start)
    }

    private mutating func fourHexDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw wrong("four hexadecimal digits should be here")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
