import Foundation

/// A phase's exercises as a table for its chapter.
public struct ExerciseTable {
    private let phase: Phase

    /// The table of a phase.
    public init(_ phase: Phase) { self.phase = phase }

    /// The table in Markdown, with links from the chapter on.
    public var text: String {
        let records = Files.names(in: phase.root + "/ADR")
        let rows = phase.exercises.map { exercise in
            let files = exercise.files.map { file in
                "[\(file)](Sources/\(Files.place(of: file, in: phase.sources)))"
            }
            let record = records.first { $0.hasPrefix(exercise.adr + "-") } ?? ""
            return
                "| \(exercise.id) \(exercise.title) | \(files.joined(separator: ", ")) | `make check \(exercise.id)` "
                + "| \(exercise.asks) | [\(exercise.adr)](../../ADR/\(record)) |"
        }
        return "| exercise | where | check | its tests ask for | decision |\n|---|---|---|---|---|\n"
            + rows.joined(separator: "\n")
    }
}

extension LearnersCopy {
    /// What `make start` says.
    public var welcome: String {
        let exercises = phase.exercises.map { "  \($0.id)  \($0.title)" }.joined(separator: "\n")
        return """
            Your copy of phase \(phase.number), \(phase.title), is in \(shown(path)). These bodies are taken out:

            \(exercises)

            Read Phases/\(phase.name)/README.md, write a body in \(shown(sources)),
            and run `make check \(phase.number)`.
            """
    }
}
