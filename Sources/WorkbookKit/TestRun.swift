import Foundation

/// One exercise's tests, run in a process of their own.
struct TestRun {
    /// What came of it.
    enum Verdict: Equatable {
        case passed(Int)
        case failed([String])
        /// A blanked body was called: the exercise's id.
        case stopped(String)
        /// No test has such a name.
        case noTests
    }

    let verdict: Verdict
    let output: String

    /// Runs the tests of `exercise` in the package at `directory`, which is built. After `seconds` they are taken
    /// for endless. Who asks only whether they fail need not wait for more than the first issue.
    init(
        _ exercise: Exercise, in directory: String, target: String, seconds: Int, environment: [String: String] = [:],
        endsAtFirstIssue: Bool = false
    ) throws {
        let filter = Self.filter(exercise.tests, target)
        #if os(Linux)
            let arguments = [
                "\(directory)/.build/debug/workbookPackageTests.xctest", "--testing-library", "swift-testing",
                "--no-parallel", "--filter", filter,
            ]
        #else
            let arguments = ["swift", "test", "--skip-build", "--disable-xctest", "--no-parallel", "--filter", filter]
        #endif
        // A trap in Swift's own code says nothing of the line that led to it: the backtrace does.
        let backtrace = "enable=yes,color=no,interactive=no,threads=crashed,images=none,registers=none,output-to=stderr"
        let command = Command(
            arguments, in: directory, environment: environment.merging(["SWIFT_BACKTRACE": backtrace]) { $1 })
        let outcome = try command.bounded.run(seconds: seconds, until: endsAtFirstIssue ? Self.issue : nil)
        output = outcome.output
        verdict = Self.verdict(of: outcome)
    }

    /// The regular expression that finds tests written as `Suite` or `Suite/test`.
    static func filter(_ tests: [String], _ target: String) -> String {
        let names = tests.map { $0.contains("/") ? $0 + "\\(" : $0 + "/" }
        return "^\(target)\\.(\(names.joined(separator: "|")))"
    }

    /// What Swift Testing writes of each issue.
    private static let issue = "recorded an issue"

    /// Reads the outcome of a test process.
    static func verdict(of outcome: Command.Outcome) -> Verdict {
        let lines = outcome.output.split(separator: "\n").map(String.init)
        // The runner may have begun a line of its own.
        if let stub = lines.first(where: { $0.contains(" is not written yet.") }),
            let name = stub.range(of: "Exercise ")
        {
            let id = stub[name.upperBound...].prefix { $0.isNumber || $0 == "." }
            if outcome.ending != .exited(0) { return .stopped(String(id)) }
        }
        switch outcome.ending {
        case .outOfTime:
            return .failed(issues(lines) + running(lines) + ["It did not end in time: a loop without end?"])
        case .saidEnough: return .failed(issues(lines))
        case .signalled(let signal): return .failed(crash(lines, "signal \(signal)"))
        case .exited(0):
            let ran = lines.compactMap { line -> Int? in
                guard let found = line.range(of: "Test run with ") else { return nil }
                return Int(line[found.upperBound...].prefix { $0.isNumber })
            }
            return ran.contains { $0 > 0 } ? .passed(ran.reduce(0, +)) : .noTests
        case .exited(let code):
            let issues = issues(lines)
            return .failed(issues.isEmpty ? crash(lines, "exit code \(code)") : issues)
        }
    }

    private static func crash(_ lines: [String], _ ending: String) -> [String] {
        let fatal = lines.filter { $0.contains("Fatal error") || $0.contains("Precondition failed") }
        let cause = fatal.isEmpty ? ["The tests' process ended with \(ending)."] : fatal
        return issues(lines) + running(lines) + cause + path(to: lines)
    }

    /// The test that had begun and not ended.
    private static func running(_ lines: [String]) -> [String] {
        var names: [String] = []
        for line in lines {
            guard let start = line.range(of: "Test ") else { continue }
            if line.hasPrefix("◇"), line.hasSuffix(" started."), !line.contains("Test run") {
                names.append(String(line[start.lowerBound...].dropLast(" started.".count)))
            } else if let end = line.range(of: " passed after ") ?? line.range(of: " failed after ") {
                names.removeAll { line[start.lowerBound..<end.lowerBound].hasPrefix($0) }
            }
        }
        return names.suffix(1).map { "\($0) was running:" }
    }

    /// The learner's lines in a backtrace, the innermost first.
    private static func path(to lines: [String]) -> [String] {
        let places = lines.compactMap { line -> String? in
            guard let place = line.range(of: "/.workbook/check/Sources/") else { return nil }
            return line[place.upperBound...].split(separator: ":").prefix(2).joined(separator: ":")
        }
        return places.isEmpty ? [] : ["  reached from " + places.prefix(4).joined(separator: ", from ")]
    }

    /// The first issues that Swift Testing wrote: each with the test's name, where, and what it said besides.
    private static func issues(_ lines: [String]) -> [String] {
        var found: [String] = []
        var count = 0
        var isInside = false
        for line in lines {
            if let recorded = line.range(of: issue) {
                count += 1
                guard count <= 2 else { break }
                isInside = true
                let name = line[..<recorded.lowerBound].drop { $0 != "T" }
                found.append(name.trimmingCharacters(in: .whitespaces))
                found += cut(line[recorded.upperBound...].trimmingCharacters(in: .whitespaces)).map { "  " + $0 }
            } else if isInside, line.hasPrefix("±") {
                continue  // Swift Testing's own difference of arrays.
            } else if isInside, let mark = line.first, !"◇✔✘✗".contains(mark) {
                found += cut(line.replacingOccurrences(of: "↳ ", with: "")).map { "  " + $0 }
            } else {
                isInside = false
            }
        }
        return found
    }

    /// A line that fits a terminal, or a few that do; what an expectation expands to may be pages long.
    private static func cut(_ line: String) -> [String] {
        let most = 240
        return (line.count > most ? line.prefix(most) + "…" : line).wrapped(to: 110, indent: "    ")
    }
}

extension String {
    /// The text in lines of at most `width` characters, broken at spaces; those behind the first begin with `indent`.
    /// White space at its beginning stays: it may place a caret.
    public func wrapped(to width: Int, indent: String = "") -> [String] {
        guard count > width else { return [allSatisfy(\.isWhitespace) ? "" : self] }
        var lines: [String] = []
        var line: String?
        for word in split(separator: " ", omittingEmptySubsequences: false) {
            if let begun = line, begun.count + 1 + word.count > width {
                lines.append(begun)
                line = indent + word
            } else {
                line = line.map { $0 + " " + word } ?? String(word)
            }
        }
        return lines + [line ?? ""]
    }
}
