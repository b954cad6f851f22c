/// A step of a compiled regular expression. Where nothing else is said, the next one follows.
enum Instruction: Equatable, Sendable {
    /// Takes a character of the set.
    case consume(CharacterSet)
    /// Goes on where this holds.
    case assert(RegularExpressionAssertion)
    /// Goes on here and there.
    case split(Int)
    /// Goes on there.
    case jump(Int)
    /// It has matched, if the text ends here.
    case match

    /// The steps of an expression.
    static func program(of syntax: RegularExpressionSyntax) -> [Instruction] {
        var program: [Instruction] = []
        emit(syntax, into: &program)
        program.append(.match)
        return program
    }

    private static func emit(_ syntax: RegularExpressionSyntax, into program: inout [Instruction]) {
        switch syntax {
        case .one(let set): program.append(.consume(set))
        case .assertion(let assertion): program.append(.assert(assertion))
        case .sequence(let parts): for part in parts { emit(part, into: &program) }
        case .alternatives(let parts): emit(alternatives: parts, into: &program)
        case .repeated(let part, let least, let most):
            for _ in 0..<least { emit(part, into: &program) }
            if let most {
                for _ in least..<most { emit(optional: part, into: &program) }
            } else {
                let start = program.count
                emit(optional: part, into: &program)
                program.append(.jump(start))
                program[start] = .split(program.count)
            }
        }
    }

    private static func emit(optional part: RegularExpressionSyntax, into program: inout [Instruction]) {
        let start = program.count
        program.append(.match)
        emit(part, into: &program)
        program[start] = .split(program.count)
    }

    private static func emit(alternatives parts: [RegularExpressionSyntax], into program: inout [Instruction]) {
        var jumps: [Int] = []
        for part in parts.dropLast() {
            let start = program.count
            emit(optional: part, into: &program)
            jumps.append(program.count)
            program.append(.jump(0))
            program[start] = .split(program.count)
        }
        if let last = parts.last { emit(last, into: &program) }
        for jump in jumps { program[jump] = .jump(program.count) }
    }
}

/// What stands around a place between two characters of a text.
struct Surroundings {
    private let before: UInt32?
    private let after: UInt32?

    init(_ characters: [UInt32], at position: Int) {
        before = position > 0 ? characters[position - 1] : nil
        after = position < characters.count ? characters[position] : nil
    }

    var isEnd: Bool { after == nil }

    func satisfy(_ assertion: RegularExpressionAssertion) -> Bool {
        switch assertion {
        case .textStart: before == nil
        case .textEnd: after == nil
        case .lineStart: before == nil || before == 0x0A
        case .lineEnd: after == nil || after == 0x0A
        case .wordBoundary: isWord(before) != isWord(after)
        case .noWordBoundary: isWord(before) == isWord(after)
        }
    }

    private func isWord(_ character: UInt32?) -> Bool {
        character.map { CharacterSet.perl[ascii("w")]?.contains($0) == true } ?? false
    }
}

/// All the places of a program that a text has led to, each once.
struct Threads {
    /// Those that wait for a character.
    private(set) var waiting: [Int] = []
    /// Whether the end of the program is among them, at the end of the text.
    private(set) var hasMatched = false
    private var isSeen: [Bool]
    private var seen: [Int] = []
    private var open: [Int] = []

    init(of count: Int) { isSeen = Array(repeating: false, count: count) }

    mutating func removeAll() {
        for place in seen { isSeen[place] = false }
        seen.removeAll(keepingCapacity: true)
        waiting.removeAll(keepingCapacity: true)
        hasMatched = false
    }

    /// Adds `place`, and all that is reached from it without a character.
    mutating func start(at place: Int, of program: [Instruction], _ surroundings: Surroundings) {
        open.append(place)
        while let place = open.popLast() {
            if isSeen[place] { continue }
            isSeen[place] = true
            seen.append(place)
            switch program[place] {
            case .consume: waiting.append(place)
            case .assert(let assertion): if surroundings.satisfy(assertion) { open.append(place + 1) }
            case .split(let other):
                open.append(other)
                open.append(place + 1)
            case .jump(let other): open.append(other)
            case .match: hasMatched = surroundings.isEnd
            }
        }
    }
}
