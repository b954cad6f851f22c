import Foundation

/// Proves of a phase's exercises that each is what it says:
///
/// - each of its selectors matches exactly once;
/// - the tree with every exercise blanked compiles without a warning;
/// - its tests stop at the stub when it is blanked, pass on the reference, and fail with each mutation.
public struct ExerciseProof {
    private let phase: Phase
    private let directory: String
    private let say: (String) -> Void
    private var failures: [String] = []

    /// Proves it in a tree below `directory`, and says line by line what was found. Returns what is wrong.
    public static func failures(
        of phase: Phase, in directory: String, say: @escaping (String) -> Void
    ) throws -> [String] {
        var proof = ExerciseProof(phase: phase, directory: directory + "/" + phase.name, say: say)
        try proof.run()
        return proof.failures
    }

    private init(phase: Phase, directory: String, say: @escaping (String) -> Void) {
        self.phase = phase
        self.directory = directory
        self.say = say
    }

    private mutating func run() throws {
        checkList()
        let variants = Variants(phase.exercises)
        checkSelectors(variants)
        guard failures.isEmpty else { return }
        let package = try CheckPackage(phase)
        try compileBlanked(package)
        try buildVariants(variants, package)
        for exercise in phase.exercises {
            let before = failures.count
            expect(exercise, "reference", try run(exercise, 0, package)) {
                if case .passed = $0 { true } else { false }
            }
            for variant in variants.all where variant.exercise.id == exercise.id {
                let verdict = try run(exercise, variant.number, package)
                guard let mutation = variant.mutation else {
                    expect(exercise, "blanked", verdict) { $0 == .stopped(exercise.id) }
                    continue
                }
                expect(exercise, "`\(mutation.with)` for `\(mutation.replace)`", verdict) {
                    if case .failed = $0 { true } else { false }
                }
            }
            let words = "stops when blanked, passes, notices \(exercise.mutations.count) mutations"
            if failures.count == before { say("  \(exercise.id)  \(exercise.title): \(words)") }
        }
    }

    private mutating func fail(_ line: String) {
        failures.append(line)
        say("  " + line)
    }

    private func run(_ exercise: Exercise, _ variant: Int, _ package: CheckPackage) throws -> TestRun.Verdict {
        try TestRun(
            exercise, in: directory, target: package.testTarget, seconds: 180,
            environment: ["EXERCISE_VARIANT": "\(variant)"], endsAtFirstIssue: true
        ).verdict
    }

    private mutating func expect(
        _ exercise: Exercise, _ variant: String, _ verdict: TestRun.Verdict, _ isExpected: (TestRun.Verdict) -> Bool
    ) {
        if !isExpected(verdict) { fail("exercise \(exercise.id), \(variant): its tests say \(verdict)") }
    }

    /// What can be said of the list alone.
    private mutating func checkList() {
        for (number, exercise) in phase.exercises.enumerated() {
            if exercise.id != "\(phase.number).\(number + 1)" { fail("exercise \(exercise.id) is not in its place") }
            if exercise.hints.count != 3 { fail("exercise \(exercise.id) has \(exercise.hints.count) hints, not 3") }
            if exercise.mutations.isEmpty { fail("exercise \(exercise.id) has no mutation") }
            if !Files.names(in: phase.root + "/ADR").contains(where: { $0.hasPrefix(exercise.adr + "-") }) {
                fail("exercise \(exercise.id): there is no ADR \(exercise.adr)")
            }
        }
    }

    private mutating func checkSelectors(_ variants: Variants) {
        let blanking = Blanking(phase.exercises)
        for exercise in phase.exercises {
            var places: [String: Int] = [:]
            for blank in exercise.blank {
                do {
                    let text = try Files.read("\(phase.sources)/\(Files.place(of: blank.file, in: phase.sources))")
                    let source = SwiftSource(text)
                    let body = source.text(in: try source.body(of: blank.path))
                    for mutation in exercise.mutations where Variants.mutate(body, mutation) != nil {
                        places[mutation.replace, default: 0] += 1
                    }
                    let blanked = try blanking.blanked(text, blank.file)
                    let bodies = try blanking.bodies(of: text, blank.file)
                    if try blanking.filled(blanked, blank.file, with: bodies) != text {
                        fail("exercise \(exercise.id): \(blank.file) is another one after blanking and filling")
                    }
                } catch {
                    fail("exercise \(exercise.id): \(blank.file): \(error)")
                }
            }
            for mutation in exercise.mutations where places[mutation.replace] != 1 {
                fail("exercise \(exercise.id): `\(mutation.replace)` does not stand in its bodies exactly once")
            }
        }
    }

    private mutating func compileBlanked(_ package: CheckPackage) throws {
        let blanking = Blanking(phase.exercises)
        try writeSources(blanking.support()) { try blanking.blanked($0, $1) }
        try package.write(to: directory, warnings: .error)
        let outcome = try Command(["swift", "build", "--target", package.module], in: directory).run()
        if outcome.ending != .exited(0) {
            for error in CompilerError.all(in: outcome.output) {
                fail("the blanked tree, \((error.file as NSString).lastPathComponent):\(error.line): \(error.message)")
            }
            if failures.isEmpty { fail("the blanked tree does not compile:\n\(outcome.output)") }
        }
    }

    private func buildVariants(_ variants: Variants, _ package: CheckPackage) throws {
        try writeSources(variants.support()) { try variants.text(of: $0, $1) }
        try package.write(to: directory, warnings: .warning)
        _ = try Command(["swift", "build", "--build-tests", "--disable-xctest"], in: directory).runQuietly()
    }

    private func writeSources(_ support: String, _ change: (String, String) throws -> String) throws {
        let files = Files.all(".swift", in: phase.sources)
        let tree = directory + "/Sources"
        for file in Files.all(".swift", in: tree) where !files.contains(file) { try Files.remove("\(tree)/\(file)") }
        for file in files {
            try Files.write(try change(try Files.read("\(phase.sources)/\(file)"), file), to: "\(tree)/\(file)")
        }
        try Files.write(support, to: "\(tree)/\(LearnersCopy.supportFile)")
    }
}
