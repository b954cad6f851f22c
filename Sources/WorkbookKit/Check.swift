import Foundation

/// A check of a learner's copy: builds it, runs each exercise's tests, and remembers how each stands.
///
/// What is built is a tree of its own, in which an exercise that the compiler refuses is blanked again:
/// so one of them does not take the others' results away. What is not written is as in the reference, but for the
/// tests of its own exercise.
public struct Check {
    /// How each exercise stands, in order; those that were not checked, as they stood before.
    public private(set) var standings: [(exercise: Exercise, standing: Standing)] = []
    /// What does not compile outside the exercises' bodies.
    public private(set) var problems: [String] = []

    private let copy: LearnersCopy
    private let target: String
    private let variants: Variants
    /// What the compiler says about an exercise.
    private var broken: [String: [String]] = [:]
    /// Files of which nothing can be used.
    private var replaced: Set<String> = []

    /// Checks all exercises of the copy, or the one with this id. `onFirstBuild` is called where everything has to
    /// be built first.
    public init(_ copy: LearnersCopy, only id: String? = nil, onFirstBuild: () -> Void = {}) throws {
        try copy.require()
        self.copy = copy
        variants = Variants(copy.phase.exercises)
        let package = try CheckPackage(copy.phase)
        target = package.testTarget
        try package.write(to: copy.checkTree, warnings: .warning)
        // Nothing to build for a copy in which nothing was written.
        let isBegun = try copy.phase.exercises.contains { try unwritten($0).count < $0.blank.count }
        if isBegun && !Files.exists(copy.checkTree + "/.build") { onFirstBuild() }
        let isBuilt = try isBegun && build()
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
        let open = try unwritten(exercise)
        if open.count == exercise.blank.count { return .notStarted }
        if let errors = broken[exercise.id] { return .doesNotCompile(errors) }
        guard isBuilt else { return known }
        let run = try TestRun(
            exercise, in: copy.checkTree, target: target, seconds: 60,
            environment: ["EXERCISE_VARIANT": "\(variants.number(of: exercise))"])
        switch run.verdict {
        case .passed where open.isEmpty: return .solved
        case .passed: return .failing(open.map(Self.notWritten))
        case .failed(let lines): return .failing(lines)
        case .stopped(exercise.id): return .failing(open.map(Self.notWritten))
        case .stopped(let other):
            return .failing(["It needs \(other), which does not compile."])
        case .noTests: throw WorkbookError("exercise \(exercise.id): no test matches \(exercise.tests)")
        }
    }

    private static func notWritten(_ blank: Exercise.Blank) -> String {
        "Not written yet: \(blank.declaration.trimmingCharacters(in: CharacterSet(charactersIn: "(<"))) in \(blank.file)"
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
        for file in Files.all(".swift", in: copy.sources) { try checkBraces(of: file) }
        for _ in 0..<8 {
            try writeSources()
            let command = ["swift", "build", "--build-tests", "--disable-xctest"]
            let outcome = try Command(command, in: copy.checkTree).run()
            if outcome.ending == .exited(0) { return true }
            let errors = CompilerError.all(in: outcome.output)
            // One mistake can have many consequences elsewhere: only what may be a cause is said.
            if try blameBodies(errors) || blameFiles(errors) { continue }
            problems +=
                errors.isEmpty
                ? outcome.output.split(separator: "\n").suffix(10).map(String.init)
                : errors.prefix(5).map { "\(($0.file as NSString).lastPathComponent):\($0.line): \($0.message)" }
            return false
        }
        return false
    }

    /// Brings the tree's sources in line with the learner's, but for what does not compile.
    private func writeSources() throws {
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
            let path = "\(tree)/\(file)"
            if let reference = try? copy.reference(file) {
                text = try variants.completed(text, file, with: reference, path: path)
            }
            try Files.write(file == LearnersCopy.supportFile ? variants.support() : text, to: path)
        }
    }

    /// A file whose braces do not match can be read by nobody: neither its exercises nor others behind it.
    private mutating func checkBraces(of file: String) throws {
        guard !SwiftSource(try copy.mine(file)).hasMatchingBraces else { return }
        let path = "\(copy.sources)/\(file)"
        let output = try Command(["swiftc", "-parse", path], in: copy.path).run().output
        // The compiler says what it misses last, behind all that follows from it.
        let errors = CompilerError.all(in: output)
        let missing = errors.last { $0.message.contains("expected '}'") }
        let said = ([missing].compactMap { $0 } + errors.filter { $0 != missing }).prefix(2)
        replace(file, because: ["\(copy.shown(path)): its braces do not match"] + said.map { shown($0, file) })
    }

    /// Finds the exercises whose bodies hold errors; false where none does.
    private mutating func blameBodies(_ errors: [CompilerError]) throws -> Bool {
        var found = false
        for error in errors {
            guard let file = file(of: error) else { continue }
            let source = SwiftSource(try copy.mine(file))
            for (exercise, blank) in copy.blanking.blanks(in: file) {
                guard let body = try? source.body(of: blank.path) else { continue }
                let lines = source.line(of: body.lowerBound)...source.line(of: body.upperBound)
                guard lines.contains(error.line), !replaced.contains(file),
                    !Blanking.isStub(source.text(in: body), exercise.id)
                else { continue }
                broken[exercise.id, default: []].append(shown(error, file))
                found = true
            }
        }
        return found
    }

    /// Finds the files with errors that the learner changed outside the bodies; false where there are none.
    private mutating func blameFiles(_ errors: [CompilerError]) throws -> Bool {
        var causes: [String: [String]] = [:]
        for error in errors {
            guard let file = file(of: error), let reference = try? copy.reference(file),
                (try? copy.blanking.blanked(try copy.mine(file), file)) != (try copy.blanking.blanked(reference, file))
            else { continue }
            causes[file, default: []].append(shown(error, file))
        }
        let new = causes.filter { !replaced.contains($0.key) }
        for (file, lines) in new.sorted(by: { $0.key < $1.key }) { replace(file, because: lines) }
        return !new.isEmpty
    }

    /// Uses the blanked reference in place of a file.
    private mutating func replace(_ file: String, because lines: [String]) {
        replaced.insert(file)
        let blanks = copy.blanking.blanks(in: file)
        if blanks.isEmpty { problems += lines }
        for (exercise, _) in blanks where broken[exercise.id] == nil { broken[exercise.id] = lines }
    }

    /// The file of the learner's in which an error is; nil for one elsewhere.
    private func file(of error: CompilerError) -> String? {
        error.file.range(of: "/.workbook/check/Sources/").map { String(error.file[$0.upperBound...]) }
    }

    private func shown(_ error: CompilerError, _ file: String) -> String {
        "\(copy.shown(copy.sources))/\(file):\(error.line): \(error.message)"
    }
}
