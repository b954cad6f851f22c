/// A phase's exercises with how each stands, to be read at a glance.
public struct Board {
    private let check: Check
    private let phase: Phase
    private let hasColours: Bool

    /// The board of a check.
    public init(_ check: Check, of phase: Phase, hasColours: Bool) {
        self.check = check
        self.phase = phase
        self.hasColours = hasColours
    }

    /// The board's lines, with what is to be said about the first exercise that does not pass; or only the
    /// line of exercise `id`, and what is to be said about it.
    public func text(about id: String? = nil) -> String {
        let solved = check.standings.count { $0.standing == .solved }
        var lines = ["Phase \(phase.number), \(phase.title): \(solved) of \(check.standings.count) solved", ""]
        let width = check.standings.map { $0.exercise.title.count }.max() ?? 0
        for (exercise, standing) in check.standings where id == nil || exercise.id == id {
            let word = coloured(standing.word.padded(to: 12), standing)
            let title = exercise.title.padded(to: width)
            let files = exercise.files.joined(separator: " ")
            lines.append("  \(mark(standing)) \(exercise.id)  \(word) \(title)  \(files)")
        }
        let told = check.standings.first { id == nil ? !$0.standing.details.isEmpty : $0.exercise.id == id }
        if let told, !told.standing.details.isEmpty {
            lines += ["", "\(told.exercise.id) \(told.exercise.title):"] + told.standing.details.map { "  " + $0 }
        }
        if !check.problems.isEmpty {
            lines += ["", "What does not compile outside the exercises:"] + check.problems.map { "  " + $0 }
        }
        lines += ["", next(id)]
        return lines.joined(separator: "\n")
    }

    /// What to do next, in a line.
    private func next(_ id: String?) -> String {
        let open = check.standings.filter { $0.standing != .solved }
        guard let (exercise, standing) = open.first(where: { $0.exercise.id == id }) ?? open.first else {
            return "All solved. `make phase \(phase.number)` runs the whole phase's suites and its demo."
        }
        let id = exercise.id
        if standing == .notStarted { return "Next: \(id). Read \(exercise.read); `make hint \(id)` helps." }
        return "Next: \(id). `make check \(id)` checks it alone, `make hint \(id)` helps."
    }

    private func mark(_ standing: Standing) -> String {
        switch standing {
        case .solved: coloured("✔", standing)
        case .failing, .doesNotCompile: coloured("✘", standing)
        case .notStarted: coloured("·", standing)
        }
    }

    private func coloured(_ text: String, _ standing: Standing) -> String {
        guard hasColours else { return text }
        let code =
            switch standing {
            case .solved: 32
            case .failing, .doesNotCompile: 31
            case .notStarted: 2
            }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
