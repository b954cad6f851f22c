import Foundation

/// Takes the bodies of exercises out of a phase's files, and puts bodies in.
public struct Blanking: Sendable {
    /// The exercises of the phase.
    public let exercises: [Exercise]
    /// The code with which a process ends that comes to a blanked body.
    public static let exitCode: Int32 = 86

    /// Blanks for these exercises.
    public init(_ exercises: [Exercise]) { self.exercises = exercises }

    /// The declarations of a file that are blanked, with their exercises.
    func blanks(in file: String) -> [(exercise: Exercise, blank: Exercise.Blank)] {
        let name = (file as NSString).lastPathComponent
        return exercises.flatMap { exercise in exercise.blank.filter { $0.file == name }.map { (exercise, $0) } }
    }

    /// What stands in a blanked body.
    static func stub(_ id: String, indentation: String) -> String {
        """

        \(indentation)    // Exercise \(id): write this body in place of the next line.
        \(indentation)    exercise("\(id)")
        \(indentation)
        """
    }

    /// Whether a body is still the one that `start` put there.
    static func isStub(_ body: String, _ id: String) -> Bool {
        SwiftSource.words(of: body) == SwiftSource.words(of: "exercise(\"\(id)\")")
    }

    /// What each exercise's declarations of a file hold. Throws where one of them is not found.
    func bodies(of text: String, _ file: String) throws -> [Exercise.Blank: String] {
        let source = SwiftSource(text)
        var bodies: [Exercise.Blank: String] = [:]
        for (exercise, blank) in blanks(in: file) {
            bodies[blank] = source.text(in: try body(in: source, exercise, blank))
        }
        return bodies
    }

    /// A file with stubs for bodies: those of all its exercises, or of those in `only`.
    /// With `keepingLines`, every other line stays on its number.
    public func blanked(
        _ text: String, _ file: String, only ids: Set<String>? = nil, keepingLines: Bool = false
    ) throws -> String {
        let source = SwiftSource(text)
        return source.replacing(
            try blanks(in: file).filter { ids?.contains($0.exercise.id) ?? true }.map { exercise, blank in
                let range = try body(in: source, exercise, blank)
                if keepingLines {
                    let lines = source.line(of: range.upperBound) - source.line(of: range.lowerBound)
                    return (range, " exercise(\"\(exercise.id)\")\(String(repeating: "\n", count: lines)) ")
                }
                return (range, Self.stub(exercise.id, indentation: source.indentation(at: range.lowerBound)))
            })
    }

    /// A file with these bodies in place of its own, where there is one.
    func filled(_ text: String, _ file: String, with bodies: [Exercise.Blank: String]) throws -> String {
        let source = SwiftSource(text)
        return source.replacing(
            try blanks(in: file).compactMap { exercise, blank in
                try bodies[blank].map { (try body(in: source, exercise, blank), $0) }
            })
    }

    private func body(in source: SwiftSource, _ exercise: Exercise, _ blank: Exercise.Blank) throws -> Range<Int> {
        do {
            return try source.body(of: blank.path)
        } catch {
            throw WorkbookError("exercise \(exercise.id): \(blank.file): \(error)")
        }
    }

    /// The file that a blanked tree needs besides: the function that the stubs call.
    func support() -> String {
        let cases = exercises.map { "        case \(quoted($0.id)): \(quoted($0.stubLine))" }.joined(separator: "\n")
        return """
            // Made by `make start`. Exercises that are not written yet end here.

            #if canImport(Darwin)
                import Darwin
            #else
                import Glibc
            #endif

            /// Says which exercise is not written yet, and ends the process.
            @usableFromInline
            func exercise(_ id: String) -> Never {
                let line =
                    switch id {
            \(cases)
                    default: "Exercise \\(id) is not written yet."
                    }
                print(line)
                fflush(nil)
                _exit(\(Self.exitCode))
            }

            """
    }

    private func quoted(_ text: String) -> String {
        "\""
            + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
            + "\""
    }
}
