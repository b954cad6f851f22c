import Foundation
import Testing

@testable import WorkbookKit

@Suite("A learner's copy")
struct LearnersCopyTests {
    @Test("has stubs for bodies, and everything else as it is")
    func start() throws {
        let toy = try ToyRepository()
        let copy = try toy.copy()
        try copy.start()
        let text = try copy.mine("Toy.swift")
        #expect(text.contains("exercise(\"1.1\")") && text.contains("exercise(\"1.2\")"))
        #expect(text.contains("/// The sum of both.\n    public static func sum(_ a: Int, _ b: Int) -> Int {"))
        #expect(!text.contains("a + b") && !text.contains("a * b"))
        #expect(try copy.mine("Other.swift") == "public let other = 1\n")
        #expect(copy.welcome.contains("Workbook/01-toy"))
        // What a later phase's support needs is left out; the rest is linked, not copied.
        let manifest = try Files.read(copy.path + "/Package.swift")
        #expect(manifest.contains("exclude: [\"Late.swift\"]") && !manifest.contains("\"Later\""))
        let link = try FileManager.default.destinationOfSymbolicLink(atPath: copy.path + "/Linked/TestSupport")
        #expect(link == "../../../Tests/Support")
    }

    @Test("is not begun anew over one that is there")
    func startAgain() throws {
        let toy = try ToyRepository()
        let copy = try toy.copy()
        #expect(throws: WorkbookError.self) { try copy.require() }
        try copy.start()
        try toy.solve("1.1", with: "precious")
        let error = #expect(throws: WorkbookError.self) { try copy.start() }
        #expect(error?.description.contains("nothing was changed") == true)
        #expect(try copy.mine("Toy.swift").contains("precious"))
    }

    @Test("gets its stub back by a reset, and what was there is kept")
    func reset() throws {
        let toy = try ToyRepository()
        let copy = try toy.copy()
        try copy.start()
        let blank = try copy.mine("Toy.swift")
        try toy.solve("1.1", with: "precious")
        let exercise = try #require(copy.phase.exercise("1.1"))
        let backups = copy.path + "/.workbook/backups"
        #expect(try copy.reset(exercise).hasSuffix("Workbook/01-toy/.workbook/backups/1"))
        #expect(try copy.mine("Toy.swift") == blank)
        #expect(try Files.read("\(backups)/1/Toy.swift").contains("precious"))
        // Also where the declaration cannot be found any more, and every time in another place.
        try Files.write("nothing { of it", to: copy.place("Toy.swift"))
        #expect(try copy.reset(exercise).contains("as at the start"))
        #expect(try copy.mine("Toy.swift") == blank)
        #expect(try Files.read("\(backups)/2/Toy.swift") == "nothing { of it")
        try toy.solve("1.1", with: "if true {")
        _ = try copy.reset(exercise)
        #expect(try copy.mine("Toy.swift") == blank)
    }

    @Test("gives three hints, one more each time, and reveals the difference")
    func hints() throws {
        let toy = try ToyRepository()
        let copy = try toy.copy()
        try copy.start()
        let exercise = try #require(copy.phase.exercise("1.1"))
        let counts = try (0..<4).map { _ in
            try copy.hint(exercise).split(separator: "\n").count { $0.hasPrefix("hint") }
        }
        #expect(counts == [1, 2, 3, 3])
        try toy.solve("1.1", with: "a - b")
        let difference = try copy.reveal(exercise).split(separator: "\n")
        #expect(difference.contains { $0.hasPrefix("- ") && $0.hasSuffix("a - b") })
        #expect(difference.contains { $0.hasPrefix("+ ") && $0.hasSuffix("a + b") })
        #expect(!difference.contains { $0.contains("a * b") })
    }

    @Test("carries what was written into a reference that changes, and says so")
    func carriesOver() throws {
        let toy = try ToyRepository()
        let copy = try toy.copy()
        try copy.start()
        #expect(try copy.catchUp() == [])
        try toy.solve("1.1", with: "b + a")
        try toy.write(
            "Phases/01-toy/Sources/Toy.swift",
            ToyRepository.sum.replacingOccurrences(of: "Sums and products", with: "Better words")
                .replacingOccurrences(of: "a * b", with: "b * a"))
        let said = try copy.catchUp().joined(separator: "\n")
        #expect(said.contains("Toy.swift has changed; what you wrote was carried over"))
        #expect(said.contains("reference of 1.2") && !said.contains("reference of 1.1"))
        let text = try copy.mine("Toy.swift")
        #expect(text.contains("Better words") && text.contains("b + a") && text.contains("exercise(\"1.2\")"))
        #expect(try copy.catchUp() == [])
    }

    @Test("follows a file to another directory, and takes new files and loses old ones")
    func moves() throws {
        let toy = try ToyRepository()
        let copy = try toy.copy()
        try copy.start()
        try toy.solve("1.1", with: "b + a")
        let sources = toy.root + "/Phases/01-toy/Sources"
        try toy.write("Phases/01-toy/Sources/Moved/Toy.swift", ToyRepository.sum)
        try Files.remove(sources + "/Toy.swift")
        try Files.remove(sources + "/Deep/Other.swift")
        try toy.write("Phases/01-toy/Sources/New.swift", "public let new = 1\n")
        _ = try copy.catchUp()
        #expect(Files.all(".swift", in: copy.sources) == ["Exercise.swift", "Moved/Toy.swift", "New.swift"])
        #expect(try copy.mine("Toy.swift").contains("b + a"))
    }

    @Test("gets files back that are gone, as at the start, and leaves the others alone")
    func lostFiles() throws {
        let toy = try ToyRepository()
        let copy = try toy.copy()
        try copy.start()
        let start = try copy.mine("Toy.swift")
        try toy.solve("1.1", with: "b + a")
        try Files.remove(copy.place("Other.swift"))
        try Files.remove(copy.sources + "/Exercise.swift")
        try Files.remove(copy.path + "/Package.swift")
        try Files.remove(copy.base)
        #expect(try copy.catchUp() == ["Deep/Other.swift was gone, and is there again as at the start"])
        #expect(try copy.mine("Other.swift") == "public let other = 1\n")
        #expect(try copy.mine("Toy.swift").contains("b + a"))
        #expect(try copy.mine("Exercise.swift").contains("func exercise("))
        #expect(Files.exists(copy.path + "/Package.swift"))
        #expect(try copy.catchUp() == [])
        try Files.remove(copy.place("Toy.swift"))
        #expect(try copy.catchUp() == ["Toy.swift was gone, and is there again as at the start"])
        #expect(try copy.mine("Toy.swift") == start)
    }

    @Test("keeps a file that was changed outside its exercises")
    func keepsForeignChanges() throws {
        let toy = try ToyRepository()
        let copy = try toy.copy()
        try copy.start()
        try Files.write("// mine\n" + (try copy.mine("Toy.swift")), to: copy.place("Toy.swift"))
        try toy.write("Phases/01-toy/Sources/Toy.swift", "// new\n" + ToyRepository.sum)
        let said = try copy.catchUp().joined(separator: "\n")
        #expect(said.contains("yours stays as it is"))
        #expect(try copy.mine("Toy.swift").hasPrefix("// mine\n"))
    }

    @Test("is checked: each exercise by itself, whatever the others do", .timeLimit(.minutes(15)))
    func check() throws {
        let toy = try ToyRepository()
        let copy = try toy.copy()
        try copy.start()
        func standings(_ only: String? = nil) throws -> [Standing] {
            try Check(copy, only: only).standings.map(\.standing)
        }
        #expect(try standings() == [.notStarted, .notStarted])
        try toy.solve("1.2", with: "a * b")
        #expect(try standings() == [.notStarted, .solved])

        try toy.solve("1.1", with: "a -    b")
        let wrong = try standings()
        #expect(wrong[0].details.contains { $0.contains("two and one") })
        try Files.write(
            try copy.mine("Toy.swift").replacingOccurrences(of: "a -    b", with: "a + [b][b]"),
            to: copy.place("Toy.swift"))
        let trapped = try standings()[0].details
        #expect(trapped.contains { $0.contains("Fatal error") })
        #expect(trapped.contains("Test \"adds\" was running:"), "\(trapped)")
        #if os(Linux)
            let trap = try #require(
                try copy.mine("Toy.swift").split(separator: "\n", omittingEmptySubsequences: false)
                    .firstIndex { $0.contains("[b][b]") })
            #expect(trapped.contains("  reached from Toy.swift:\(trap + 1)"), "\(trapped)")
        #endif

        try Files.write(
            try copy.mine("Toy.swift").replacingOccurrences(of: "a + [b][b]", with: "a + b")
                .replacingOccurrences(of: "a * b", with: "\na * c"), to: copy.place("Toy.swift"))
        let check = try Check(copy)
        #expect(check.standings.map(\.standing)[0] == .solved && check.problems.isEmpty)
        guard case .doesNotCompile(let errors) = check.standings.map(\.standing)[1] else {
            return #expect(Bool(false), "\(check.standings)")
        }
        let lines = try copy.mine("Toy.swift").split(separator: "\n", omittingEmptySubsequences: false)
        let line = try #require(lines.firstIndex { $0.contains("a * c") }) + 1
        #expect(errors.contains { $0.hasPrefix("Workbook/01-toy/Sources/Toy.swift:\(line): ") }, "\(errors)")

        // A brace too many is said with its place. What is right again is solved again.
        try Files.write(
            try copy.mine("Toy.swift").replacingOccurrences(of: "a * c", with: "a * b }"), to: copy.place("Toy.swift"))
        let unbalanced = try Check(copy)
        #expect(unbalanced.problems.isEmpty)
        let details = unbalanced.standings[0].standing.details
        #expect(details.first == "Workbook/01-toy/Sources/Toy.swift: its braces do not match", "\(details)")
        #expect(details.contains { $0.contains("Toy.swift:") && $0.contains("extraneous '}'") }, "\(details)")
        try Files.write(
            try copy.mine("Toy.swift").replacingOccurrences(of: "a * b }", with: "a * c"), to: copy.place("Toy.swift"))
        try Files.write(
            try copy.mine("Toy.swift").replacingOccurrences(of: "a * c", with: "a * b"), to: copy.place("Toy.swift"))
        #expect(try standings() == [.solved, .solved])
        #expect(copy.progress().standings["1.2"] == .solved)
    }

    @Test("of whose exercises one is not noticed by its tests is not proven", .timeLimit(.minutes(15)))
    func proof() throws {
        let toy = try ToyRepository()
        #expect(try ExerciseProof.failures(of: try toy.phase(), in: toy.root + "/proof") { _ in } == [])
        try toy.write(
            "Phases/01-toy/workbook.json",
            ToyRepository.list.replacingOccurrences(of: "a - b", with: "b + a"))
        let failures = try ExerciseProof.failures(of: try toy.phase(), in: toy.root + "/proof") { _ in }
        #expect(failures.count == 1 && failures[0].contains("`b + a` for `a + b`"), "\(failures)")
    }
}
