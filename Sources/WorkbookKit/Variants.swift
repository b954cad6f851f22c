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
            // A body of one expression has no `return`; among other statements it needs one.
            let prefix = result && !SwiftSource.words(of: body).contains("return") ? "return " : ""
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
