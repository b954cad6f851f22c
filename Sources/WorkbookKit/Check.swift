import Foundation

/// A check of a learner's copy: builds it, runs each exercise's tests, and remembers how each stands.
///
/// What is built is a tree of its own, in which an exercise that the compiler refuses is blanked again:
/// so one of them does not take the others' results away.
public struct Check {
    /// How each exercise stands, in order; those that were not checked, as they stood before.
    public private(set) var standings: [(exercise: Exercise, standing: Standing)] = []
    /// What does not compile outside the exercises' bodies.
    public private(set) var problems: [String] = []

    private let copy: LearnersCopy
    private let target: String
    private var broken: [String: [String]] = [:]

    /// Checks all exercises of the copy, or the one with this id.
    public init(_ copy: LearnersCopy, only id: String? = nil) throws {
        try copy.require()
        self.copy = copy
        let package = try CheckPackage(copy.phase)
        target = package.testTarget
        try package.write(to: copy.checkTree, warnings: .warning)
        let isBuilt = try build()
        var progress = copy.progress()
        for exercise in copy.phase.exercises {
            let isWanted = id == nil || exercise.id == id
            let known = progress.standings[exercise.id] ?? .notStarted
            let standing = try isWanted || broken[exercise.id] != nil ? check(exercise, isBuilt, known) : known
            progress.standings[exercise.id] = standing
            standings.append((exercise, standing))
        }
        try copy.remember(progress)
    }

    private func check(_ exercise: Exercise, _ isBuilt: Bool, _ known: Standing) throws -> Standing {
        if let errors = broken[exercise.id] { return .doesNotCompile(errors) }
        let open = try unwritten(exercise)
        if open.count == exercise.blank.count { return .notStarted }
        guard isBuilt else { return known }
        let run = try TestRun(exercise, in: copy.checkTree, target: target)
        switch run.verdict {
        case .passed where open.isEmpty: return .solved
        case .passed: return .failing(open.map { "Not written yet: \($0.declaration) in \($0.file)" })
        case .failed(let lines): return .failing(lines)
        case .stopped(exercise.id): return .failing(open.map { "Not written yet: \($0.declaration) in \($0.file)" })
        case .stopped(let other):
            return broken[other] == nil ? .waits(on: other) : .failing(["It needs \(other), which does not compile."])
        case .noTests: throw WorkbookError("exercise \(exercise.id): no test matches \(exercise.tests)")
        }
    }

    /// The declarations that still hold their stub.
    private func unwritten(_ exercise: Exercise) throws -> [Exercise.Blank] {
        try exercise.blank.filter { blank in
            let source = SwiftSource(try copy.mine(blank.file))
            guard let body = try? source.body(of: blank.path) else { return false }
            return Blanking.isStub(source.text(in: body), exercise.id)
        }
    }

    // MARK: Building

    /// Builds the check's tree, with ever more of it blanked until it compiles.
    private mutating func build() throws -> Bool {
        var replaced: Set<String> = []
        for _ in 0..<8 {
            try writeSources(replaced)
            let command = ["swift", "build", "--build-tests", "--disable-xctest"]
            let outcome = try Command(command, in: copy.checkTree).run()
            if outcome.ending == .exited(0) { return true }
            let errors = CompilerError.all(in: outcome.output)
            let before = (broken.count, replaced.count)
            for error in errors { try blame(error, &replaced) }
            if (broken.count, replaced.count) == before {
                if problems.isEmpty { problems = outcome.output.split(separator: "\n").suffix(10).map(String.init) }
                return false
            }
        }
        return false
    }

    /// Brings the tree's sources in line with the learner's, but for what does not compile.
    private func writeSources(_ replaced: Set<String>) throws {
        let tree = "\(copy.checkTree)/Sources"
        let files = Files.all(".swift", in: copy.sources)
        for file in Files.all(".swift", in: tree) where !files.contains(file) { try Files.remove("\(tree)/\(file)") }
        for file in files {
            var text = try copy.mine(file)
            if replaced.contains(file) {
                text = try copy.blanking.blanked(try copy.reference(file), file)
            } else if !broken.isEmpty {
                let ids = Set(broken.keys)
                text = (try? copy.blanking.blanked(text, file, only: ids, keepingLines: true)) ?? text
            }
            try Files.write(text, to: "\(tree)/\(file)")
        }
    }

    /// Finds out which exercise an error belongs to.
    private mutating func blame(_ error: CompilerError, _ replaced: inout Set<String>) throws {
        guard let found = error.file.range(of: "/.workbook/check/Sources/") else {
            note("\((error.file as NSString).lastPathComponent):\(error.line): \(error.message)")
            return
        }
        let file = String(error.file[found.upperBound...])
        let text = "\(copy.shown(copy.sources))/\(file):\(error.line): \(error.message)"
        let source = SwiftSource(try Files.read("\(copy.checkTree)/Sources/\(file)"))
        for (exercise, blank) in copy.blanking.blanks(in: file) {
            guard let body = try? source.body(of: blank.path) else { continue }
            let lines = source.line(of: body.lowerBound)...source.line(of: body.upperBound)
            if lines.contains(error.line) {
                broken[exercise.id, default: []].append(text)
                return
            }
        }
        // Outside the bodies: nothing of the file can be used.
        note(text)
        guard (try? copy.reference(file)) != nil else { return }
        replaced.insert(file)
        for (exercise, _) in copy.blanking.blanks(in: file) where broken[exercise.id] == nil {
            broken[exercise.id] = [text]
        }
    }

    private mutating func note(_ problem: String) {
        if !problems.contains(problem) { problems.append(problem) }
    }
}
