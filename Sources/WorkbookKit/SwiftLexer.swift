/// Cuts Swift source into tokens: enough to know what is code, and what is a comment or a literal.
///
/// Comments nest; strings may be raw, may have several lines, and may hold code in interpolations, which may
/// hold strings again. A literal is one token, whatever is in it.
struct SwiftLexer {
    private let bytes: [UInt8]
    private var position = 0
    private var tokens: [SwiftToken] = []

    /// The tokens of `bytes`, in order, without comments and white space.
    static func tokens(of bytes: [UInt8]) -> [SwiftToken] {
        var lexer = SwiftLexer(bytes: bytes)
        while lexer.position < bytes.count { lexer.step() }
        return lexer.tokens
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        position + ahead < bytes.count ? bytes[position + ahead] : nil
    }

    private func isNext(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Bool {
        peek() == UInt8(ascii: first) && peek(1) == UInt8(ascii: second)
    }

    /// Takes one token, one comment, or one byte of white space.
    private mutating func step() {
        let byte = bytes[position]
        if isNext("/", "/") { return skipLine() }
        if isNext("/", "*") { return skipBlockComment() }
        if byte <= 0x20 { return position += 1 }
        let start = position
        let kind = takeLiteral() ?? takeWord() ?? takePunctuation()
        tokens.append(SwiftToken(kind: kind, range: start..<position))
    }

    private mutating func skipLine() {
        while let byte = peek(), byte != 0x0A { position += 1 }
    }

    private mutating func skipBlockComment() {
        var depth = 0
        repeat {
            if isNext("/", "*") {
                depth += 1
                position += 2
            } else if isNext("*", "/") {
                depth -= 1
                position += 2
            } else {
                position += 1
            }
        } while depth > 0 && position < bytes.count
    }

    private mutating func takePunctuation() -> SwiftToken.Kind {
        position += 1
        return .punctuation
    }

    /// An identifier, a keyword or the digits of a number.
    private mutating func takeWord() -> SwiftToken.Kind? {
        if peek() == UInt8(ascii: "`") {
            position += 1
            while let byte = peek(), byte != UInt8(ascii: "`"), byte != 0x0A { position += 1 }
            position = min(position + 1, bytes.count)
            return .word
        }
        let start = position
        while let byte = peek(), Self.isWord(byte) { position += 1 }
        return position > start ? .word : nil
    }

    static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
            true
        default: false
        }
    }

    // MARK: Literals

    private mutating func takeLiteral() -> SwiftToken.Kind? {
        var hashes = 0
        while peek(hashes) == UInt8(ascii: "#") { hashes += 1 }
        switch peek(hashes) {
        case UInt8(ascii: "\""): takeString(hashes)
        case UInt8(ascii: "/") where hashes > 0: takeRegex(hashes)
        case UInt8(ascii: "/") where beginsRegex(): takeRegex(0)
        default: return nil
        }
        return .literal
    }

    private mutating func takeString(_ hashes: Int) {
        position += hashes
        let quotes = count(of: UInt8(ascii: "\""), at: 0) >= 3 && !isRawOnOneLine(hashes) ? 3 : 1
        position += quotes
        while let byte = peek() {
            if byte == UInt8(ascii: "\\") && count(of: UInt8(ascii: "#"), at: 1) >= hashes {
                position += 1 + hashes
                if peek() == UInt8(ascii: "(") {
                    takeInterpolation()
                } else {
                    position = min(position + 1, bytes.count)
                }
            } else if isEnd(quotes, hashes) {
                position += quotes + hashes
                return
            } else if byte == 0x0A && quotes == 1 {
                return
            } else {
                position += 1
            }
        }
    }

    /// Whether a raw string that begins with three quotes ends on its line: then two of them are text, or end it.
    private func isRawOnOneLine(_ hashes: Int) -> Bool {
        guard hashes > 0 else { return false }
        var ahead = 2
        while let byte = peek(ahead), byte != 0x0A {
            if byte == UInt8(ascii: "\""), count(of: UInt8(ascii: "#"), at: ahead + 1) >= hashes { return true }
            ahead += 1
        }
        return false
    }

    private func count(of byte: UInt8, at ahead: Int) -> Int {
        var count = 0
        while peek(ahead + count) == byte { count += 1 }
        return count
    }

    private func isEnd(_ quotes: Int, _ hashes: Int) -> Bool {
        count(of: UInt8(ascii: "\""), at: 0) >= quotes && count(of: UInt8(ascii: "#"), at: quotes) >= hashes
    }

    /// Code between parentheses inside a string: its tokens belong to the string.
    private mutating func takeInterpolation() {
        let outer = tokens
        tokens = []
        var depth = 0
        repeat {
            if peek() == UInt8(ascii: "(") { depth += 1 }
            if peek() == UInt8(ascii: ")") { depth -= 1 }
            step()
        } while depth > 0 && position < bytes.count
        tokens = outer
    }

    /// A slash begins a regex where an operand is expected, and another one ends it on the same line.
    private func beginsRegex() -> Bool {
        if let last = tokens.last {
            let end = bytes[last.range.upperBound - 1]
            let isOperand = last.kind == .literal || Self.isWord(end) || end == UInt8(ascii: "`")
            let closes = end == UInt8(ascii: ")") || end == UInt8(ascii: "]") || end == UInt8(ascii: "}")
            if closes || (isOperand && !Self.operandFollows.contains(text(of: last))) { return false }
        }
        guard let next = peek(1), next > 0x20, next != UInt8(ascii: ")") else { return false }
        var ahead = 1
        while let byte = peek(ahead), byte != 0x0A {
            if byte == UInt8(ascii: "/") { return true }
            ahead += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        return false
    }

    private static let operandFollows: Set<String> = ["return", "in", "case", "try", "await", "if", "while", "else"]

    private func text(of token: SwiftToken) -> String { String(decoding: bytes[token.range], as: UTF8.self) }

    private mutating func takeRegex(_ hashes: Int) {
        position += hashes + 1
        while let byte = peek() {
            if byte == UInt8(ascii: "\\") {
                position = min(position + 2, bytes.count)
            } else if byte == UInt8(ascii: "/") && count(of: UInt8(ascii: "#"), at: 1) >= hashes {
                position += 1 + hashes
                return
            } else if byte == 0x0A && hashes == 0 {
                return
            } else {
                position += 1
            }
        }
    }
}

/// A piece of Swift code.
struct SwiftToken: Equatable {
    enum Kind { case word, literal, punctuation }

    var kind: Kind
    /// Where it stands, in bytes.
    var range: Range<Int>
}
