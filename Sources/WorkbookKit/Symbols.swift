import Foundation

/// What the repository's Swift files declare: types, and the members of each.
struct Symbols {
    /// The members of each type, extensions and nested types included; those of no type under "".
    private(set) var members: [String: Set<String>] = [:]
    /// The names of the files without their ending.
    private(set) var files: Set<String> = []

    /// What the files below `directories` declare.
    init(_ root: String, _ directories: [String]) throws {
        for directory in directories {
            for file in Files.all(".swift", in: root + "/" + directory) {
                files.insert(((file as NSString).lastPathComponent as NSString).deletingPathExtension)
                add(SwiftSource(try Files.read("\(root)/\(directory)/\(file)")))
            }
        }
    }

    init(of source: SwiftSource) { add(source) }

    /// Whether there is a type of this name.
    func hasType(_ name: String) -> Bool { members[name] != nil }

    private static let types: Set<String> = ["struct", "class", "enum", "protocol", "actor", "extension"]

    private mutating func add(_ source: SwiftSource) {
        var stack: [(name: String, end: Int)] = []
        let count = source.tokens.count
        for index in 0..<count where source.tokens[index].kind == .word {
            while let last = stack.last, last.end < index { stack.removeLast() }
            let word = source.word(index)
            guard index + 1 < count, index == 0 || source.word(index - 1) != "." else { continue }
            let container = stack.last?.name ?? ""
            if Self.types.contains(word), source.tokens[index + 1].kind == .word, source.word(index + 1) != "func" {
                var last = index + 1
                while last + 2 < count, source.word(last + 1) == "." { last += 2 }
                let name = source.word(last)
                if word != "extension" { members[container, default: []].insert(name) }
                members[name, default: []].formUnion([])
                if let braces = source.braces(from: index) { stack.append((name, braces.upperBound)) }
            } else if word == "init" || word == "subscript" {
                members[container, default: []].insert(word)
            } else if ["func", "var", "let", "typealias", "associatedtype"].contains(word) {
                members[container, default: []].insert(source.word(index + 1))
                if word == "typealias" { members[source.word(index + 1), default: []].formUnion([]) }
            } else if word == "case" {
                addCases(source, index + 1, to: container)
            }
        }
    }

    private mutating func addCases(_ source: SwiftSource, _ start: Int, to container: String) {
        var index = start
        var nesting = 0
        var isName = true
        while index < source.tokens.count {
            let word = source.word(index)
            if word == "(" { nesting += 1 }
            if word == ")" { nesting -= 1 }
            if nesting == 0, word == "," {
                isName = true
            } else if nesting == 0, isName, source.tokens[index].kind == .word {
                members[container, default: []].insert(word)
                isName = false
            } else if nesting == 0, word != ")" {
                return
            }
            index += 1
        }
    }
}
