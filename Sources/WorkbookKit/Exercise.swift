import Foundation

/// One exercise: declarations whose bodies the learner writes, and the tests that check them.
public struct Exercise: Decodable, Sendable {
    /// A declaration to blank.
    public struct Blank: Decodable, Hashable, Sendable {
        /// Its file's name, wherever below the phase's `Sources` that is: a module has no two of one name.
        public var file: String
        /// The declarations around it, where its text alone is not enough.
        public var within: [String]?
        /// Its text.
        public var declaration: String

        /// How it is found in its file.
        public var path: DeclarationPath { DeclarationPath(within: within ?? [], declaration: declaration) }
    }

    /// A mistake that the exercise's tests must notice.
    public struct Mutation: Decodable, Sendable {
        /// What stands in one of the bodies, exactly once.
        public var replace: String
        /// What stands there instead.
        public var with: String
    }

    /// The phase and a number: 1.3.
    public var id: String
    /// What to write, in a few words.
    public var title: String
    /// The declarations whose bodies are taken out.
    public var blank: [Blank]
    /// The suites, or `Suite/test`, that check it.
    public var tests: [String]
    /// The decision behind it, by number.
    public var adr: String
    /// Where to read before writing.
    public var read: String
    /// What the tests will ask.
    public var asks: String
    /// Three hints of rising help.
    public var hints: [String]
    /// Mistakes that the tests must notice.
    public var mutations: [Mutation]

    /// Its files, each once.
    public var files: [String] {
        blank.map(\.file).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// The line that a blanked body prints.
    public var stubLine: String {
        "Exercise \(id), \(title), is not written yet. Read \(read); its tests ask for \(asks)."
    }
}

/// A phase that can be worked through: its directory, and its exercises.
public struct Phase: Sendable {
    /// Its number.
    public let number: Int
    /// Its directory's name, such as `01-segment-log`.
    public let name: String
    /// The repository's directory.
    public let root: String
    /// Its exercises in order.
    public let exercises: [Exercise]

    /// The phase's own directory.
    public var directory: String { root + "/Phases/" + name }
    /// The complete code.
    public var sources: String { directory + "/Sources" }
    /// The list of exercises.
    public var list: String { directory + "/workbook.json" }

    /// The name in words: "segment log".
    public var title: String { name.drop { $0 != "-" }.dropFirst().replacingOccurrences(of: "-", with: " ") }

    /// The exercise with this id.
    public func exercise(_ id: String) -> Exercise? { exercises.first { $0.id == id } }

    /// The phase in `root`'s directory `Phases/name`; nil where it has no exercises.
    public init?(_ name: String, in root: String) throws {
        guard let number = Int(name.prefix { $0 != "-" }) else { return nil }
        self.number = number
        self.name = name
        self.root = root
        let list = "\(root)/Phases/\(name)/workbook.json"
        guard let data = FileManager.default.contents(atPath: list) else { return nil }
        do {
            exercises = try JSONDecoder().decode([Exercise].self, from: data)
        } catch {
            throw WorkbookError("Phases/\(name)/workbook.json: \(error)")
        }
    }

    /// All phases that have exercises, in order.
    public static func all(in root: String) throws -> [Phase] {
        try Files.names(in: root + "/Phases").compactMap { try Phase($0, in: root) }
    }
}

/// Why a command of the workbook could not be carried out, and what to do.
public struct WorkbookError: Error, CustomStringConvertible {
    /// The reason in words.
    public var description: String

    /// An error with its reason.
    public init(_ description: String) { self.description = description }
}
