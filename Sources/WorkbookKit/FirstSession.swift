import Foundation

/// A learner's first session, played: what the README shows of it is what this prints.
///
/// It has a workbook of its own, and keeps what was built there, so that playing it again is quick.
public struct FirstSession {
    private let phase: Phase
    private let workbook: String

    /// A session with the first exercise of a phase.
    public init(_ phase: Phase) {
        self.phase = phase
        workbook = phase.root + "/.build/first-session"
    }

    /// Plays it, and says what the learner sees.
    public func run(_ say: (String) -> Void) throws {
        guard let exercise = phase.exercises.first, let mistake = exercise.mutations.first else { return }
        let copy = try begin()
        let id = exercise.id
        say("$ make start \(phase.number)\n\(shown(copy.welcome))\n")
        say("$ make check \(phase.number)\n\(try board(copy))\n")

        try write(exercise, mistake, into: copy)
        let files = exercise.files.joined(separator: " ")
        say("$ $EDITOR \(files)      # written, with `\(mistake.with)` where `\(mistake.replace)` is right")
        say("$ make check \(id)\n\(try board(copy, id))\n")

        try write(exercise, nil, into: copy)
        say("$ $EDITOR \(files)      # mended")
        say("$ make check \(phase.number)\n\(try board(copy))")
    }

    /// A new copy, in which what an earlier session built is kept.
    private func begin() throws -> LearnersCopy {
        let copy = LearnersCopy(of: phase, in: workbook)
        let kept = workbook + "/kept"
        if Files.exists(copy.checkTree) {
            if Files.exists(kept) { try Files.remove(kept) }
            try FileManager.default.moveItem(atPath: copy.checkTree, toPath: kept)
        }
        if copy.exists { try Files.remove(copy.path) }
        try copy.start()
        if Files.exists(kept) { try FileManager.default.moveItem(atPath: kept, toPath: copy.checkTree) }
        return copy
    }

    /// Writes an exercise's bodies from the reference, with or without a mistake.
    private func write(_ exercise: Exercise, _ mistake: Exercise.Mutation?, into copy: LearnersCopy) throws {
        for file in exercise.files {
            let wanted = Set(exercise.blank)
            let bodies = try copy.blanking.bodies(of: try copy.reference(file), file).filter { wanted.contains($0.key) }
            let written = bodies.mapValues { body in mistake.flatMap { Variants.mutate(body, $0) } ?? body }
            let text = try copy.blanking.filled(try copy.mine(file), file, with: written)
            try Files.write(text, to: copy.place(file))
        }
    }

    private func board(_ copy: LearnersCopy, _ id: String? = nil) throws -> String {
        shown(Board(try Check(copy, only: id), of: phase, hasColours: false).text(about: id))
    }

    private func shown(_ text: String) -> String {
        text.replacingOccurrences(of: ".build/first-session", with: "Workbook")
    }
}
