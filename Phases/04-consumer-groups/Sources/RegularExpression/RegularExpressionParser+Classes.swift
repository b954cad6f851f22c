extension RegularExpressionParser {
    /// The set between brackets, of which the first, at `start`, is taken.
    mutating func characterClass(from start: Int) throws(RegularExpressionError) -> CharacterSet {
        let isInverted = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while isFirst || next != ascii("]") {
            guard next != nil else { throw error("this class has no end", at: start) }
            ranges += try classItem(from: start)
            isFirst = false
        }
        position += 1
        let set = CharacterSet(ranges)
        return isInverted ? set.inverted : set
    }

    private mutating func classItem(from start: Int) throws(RegularExpressionError) -> [ClosedRange<UInt32>] {
        if take("[:") { return try namedClass().ranges }
        let place = position
        if take("\\") {
            if let set = perlClass() { return set.ranges }
            position = place
        }
        let low = try classCharacter(from: start)
        guard next == ascii("-"), position + 1 < characters.count, characters[position + 1] != ascii("]") else {
            return [low...low]
        }
        position += 1
        let high = try classCharacter(from: start)
        guard low <= high else { throw error("the range's ends are the wrong way round", at: place) }
        return [low...high]
    }

    private mutating func classCharacter(from start: Int) throws(RegularExpressionError) -> UInt32 {
        if take("\\") { return try escapedCharacter() }
        guard let character = next else { throw error("this class has no end", at: start) }
        position += 1
        return character
    }

    private mutating func namedClass() throws(RegularExpressionError) -> CharacterSet {
        let start = position - 2
        let isInverted = take("^")
        for (name, set) in CharacterSet.named where take(name + ":]") { return isInverted ? set.inverted : set }
        throw error("there is no class of this name", at: start)
    }

    /// What `\d`, `\D` and the like stand for, where such a letter comes next.
    mutating func perlClass() -> CharacterSet? {
        guard let letter = next else { return nil }
        let isInverted = letter >= ascii("A") && letter <= ascii("Z")
        guard let set = CharacterSet.perl[isInverted ? letter + 32 : letter] else { return nil }
        position += 1
        return isInverted ? set.inverted : set
    }

    /// The character that stands behind a backslash, or that it stands for.
    mutating func escapedCharacter() throws(RegularExpressionError) -> UInt32 {
        let start = position - 1
        guard let character = next else { throw error("nothing is behind the backslash", at: start) }
        position += 1
        switch character {
        case ascii("t"): return 0x09
        case ascii("n"): return 0x0A
        case ascii("v"): return 0x0B
        case ascii("f"): return 0x0C
        case ascii("r"): return 0x0D
        case ascii("a"): return 0x07
        case ascii("x"): return try hexadecimal(from: start)
        case ascii("1")...ascii("9"): throw error("a group cannot be referred to", at: start)
        case ascii("p"), ascii("P"): throw error("there are no classes of Unicode", at: start)
        default:
            let isLetterOrDigit = CharacterSet.named["alnum"]?.contains(character) == true
            guard character < 0x80, !isLetterOrDigit else { throw error("there is no such escape", at: start) }
            return character
        }
    }

    /// The number behind `\x`: two digits, or any between braces.
    private mutating func hexadecimal(from start: Int) throws(RegularExpressionError) -> UInt32 {
        let isBraced = take("{")
        var value: UInt32 = 0
        var count = 0
        while isBraced || count < 2, let digit = hexDigit(next) {
            value = min(value * 16 + digit, 0x110000)
            count += 1
            position += 1
        }
        guard count > (isBraced ? 0 : 1), !isBraced || take("}"), Unicode.Scalar(value) != nil else {
            throw error("this number names no character", at: start)
        }
        return value
    }

    private func hexDigit(_ character: UInt32?) -> UInt32? {
        switch character {
        case let digit? where digit >= ascii("0") && digit <= ascii("9"): digit - ascii("0")
        case let digit? where digit >= ascii("a") && digit <= ascii("f"): digit - ascii("a") + 10
        case let digit? where digit >= ascii("A") && digit <= ascii("F"): digit - ascii("A") + 10
        default: nil
        }
    }
}
