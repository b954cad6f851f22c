import Foundation

/// Where a learner is with an exercise.
public enum Standing: Codable, Equatable, Sendable {
    /// Its bodies are still stubs.
    case notStarted
    /// Its tests pass.
    case solved
    /// Its tests do not pass: what they said.
    case failing([String])
    /// The compiler refuses it: where, and why.
    case doesNotCompile([String])

    /// In a word or two, for the board.
    var word: String {
        switch self {
        case .notStarted: "not started"
        case .solved: "solved"
        case .failing: "failing"
        case .doesNotCompile: "no compile"
        }
    }

    /// What there is to say about it.
    public var details: [String] {
        switch self {
        case .failing(let lines), .doesNotCompile(let lines): lines
        case .notStarted, .solved: []
        }
    }
}

/// What is remembered of a learner between commands.
struct Progress: Codable {
    /// How each exercise stood when it was last checked.
    var standings: [String: Standing] = [:]
    /// How many hints were given.
    var hints: [String: Int] = [:]
}

extension LearnersCopy {
    private var progressFile: String { path + "/.workbook/progress.json" }

    /// What is remembered; a file that cannot be read counts as nothing.
    func progress() -> Progress {
        guard let data = FileManager.default.contents(atPath: progressFile) else { return Progress() }
        return (try? JSONDecoder().decode(Progress.self, from: data)) ?? Progress()
    }

    func remember(_ progress: Progress) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try Files.write(String(decoding: try encoder.encode(progress), as: UTF8.self), to: progressFile)
    }

    /// The next hint for an exercise, behind those that were given before.
    public func hint(_ exercise: Exercise) throws -> String {
        try require()
        var progress = progress()
        let given = min(progress.hints[exercise.id, default: 0] + 1, exercise.hints.count)
        progress.hints[exercise.id] = given
        try remember(progress)
        var lines = ["\(exercise.id) \(exercise.title)"]
        for (number, hint) in exercise.hints.prefix(given).enumerated() {
            lines += ["", "hint \(number + 1) of \(exercise.hints.count):"] + hint.wrapped(to: 100)
        }
        if given == exercise.hints.count {
            lines.append("\nThere is no further hint. `make reveal \(exercise.id)` shows the reference.")
        }
        return lines.joined(separator: "\n")
    }
}
