import Foundation

/// A phase's sources in which every exercise's bodies are there several times: as they are, blanked, and with
/// each of its mutations. `EXERCISE_VARIANT` chooses one when a test process starts, so that one build serves
/// to try them all.
struct Variants {
    /// One way in which one exercise can be wrong.
    struct Variant {
        var exercise: Exercise
        /// Nil for the blanked exercise.
        var mutation: Exercise.Mutation?
        /// What to set `EXERCISE_VARIANT` to.
        var number: Int
    }

    /// All variants; number 0 is the reference, and not among them.
    let all: [Variant]
    private let blanking: Blanking

    init(_ exercises: [Exercise]) {
        blanking = Blanking(exercises)
        var all: [Variant] = []
        for exercise in exercises {
            for mutation in [nil] + exercise.mutations.map(Optional.some) {
                all.append(Variant(exercise: exercise, mutation: mutation, number: all.count + 1))
            }
        }
        self.all = all
    }

    /// A file with all variants in it.
    func text(of reference: String, _ file: String) throws -> String {
        let source = SwiftSource(reference)
        let bodies = try blanking.bodies(of: reference, file)
        var filled: [Exercise.Blank: String] = [:]
        for (exercise, blank) in blanking.blanks(in: file) {
            guard let body = bodies[blank] else { continue }
            let signature = SwiftSource.words(of: try source.signature(of: blank.path))
            let result = Self.hasResult(signature)
            let prefix = Self.prefix(of: body, signature)
            let suffix = result ? "" : "\n return"
            var text = ""
            for variant in all where variant.exercise.id == exercise.id {
                guard let mutation = variant.mutation else {
                    text += "\n if exerciseVariant == \(variant.number) { exercise(\"\(exercise.id)\") }"
                    continue
                }
                guard let mutated = Self.mutate(body, mutation) else { continue }
                text += "\n if exerciseVariant == \(variant.number) {\n \(prefix)\(trimmed(mutated))\(suffix)\n }"
            }
            filled[blank] = text + "\n \(prefix)\(trimmed(body))\n"
        }
        return try blanking.filled(reference, file, with: filled)
    }

    /// A learner's file for a check: a body that is not written is there twice, blanked for the tests of its own
    /// exercise, and as in the reference for those of others. So one exercise's tests do not wait for another.
    /// What stands outside keeps its line numbers, as lines of the file at `path`.
    func completed(_ text: String, _ file: String, with reference: String, path: String) throws -> String {
        let source = SwiftSource(text)
        let theirs = SwiftSource(reference)
        return source.replacing(
            blanking.blanks(in: file).compactMap { exercise, blank in
                guard let range = try? source.body(of: blank.path),
                    Blanking.isStub(source.text(in: range), exercise.id),
                    let body = try? theirs.text(in: theirs.body(of: blank.path)),
                    let signature = try? theirs.signature(of: blank.path)
                else { return nil }
                let prefix = Self.prefix(of: body, SwiftSource.words(of: signature))
                return (
                    range,
                    """

                     if exerciseVariant == \(number(of: exercise)) { exercise("\(exercise.id)") }
                     \(prefix)\(trimmed(body))
                    #sourceLocation(file: "\(path)", line: \(source.line(of: range.upperBound)))

                    """
                )
            })
    }

    /// The number of the variant in which an exercise is blanked.
    func number(of exercise: Exercise) -> Int {
        all.first { $0.exercise.id == exercise.id && $0.mutation == nil }?.number ?? 0
    }

    /// A body of one expression has no `return`; among other statements it needs one.
    private static func prefix(of body: String, _ signature: [String]) -> String {
        hasResult(signature) && !SwiftSource.words(of: body).contains("return") ? "return " : ""
    }

    /// Whether a declaration with this signature gives something back.
    static func hasResult(_ signature: [String]) -> Bool {
        var depth = 0
        for (index, word) in signature.enumerated() {
            if word == "(" { depth += 1 }
            if word == ")" { depth -= 1 }
            if depth == 0, word == "-", index + 1 < signature.count, signature[index + 1] == ">" { return true }
        }
        return signature.contains("var")
    }

    private func trimmed(_ body: String) -> String { body.trimmingCharacters(in: .whitespacesAndNewlines) }

    /// The body with the mutation in it; nil where it does not hold what is to be replaced.
    static func mutate(_ body: String, _ mutation: Exercise.Mutation) -> String? {
        let source = SwiftSource(body)
        let found = source.matches(of: mutation.replace)
        guard let match = found.first, found.count == 1 else { return nil }
        let range =
            source.tokens[match.lowerBound].range.lowerBound..<source.tokens[match.upperBound - 1].range.upperBound
        return source.replacing([(range, mutation.with)])
    }

    /// What the stubs call, and the choice.
    func support() -> String {
        blanking.support() + """

            /// Which variant this process has.
            @usableFromInline
            let exerciseVariant: Int = {
                guard let text = unsafe getenv("EXERCISE_VARIANT") else { return 0 }
                return Int(unsafe atoi(text))
            }()

            """
    }
}
