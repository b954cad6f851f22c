import Foundation
import WorkbookKit

/// `workbook COMMAND`: what the Makefile's `start`, `check`, `hint`, `reset`, `reveal` and `check-…` call.
@main
struct Workbook {
    private let root = URL(fileURLWithPath: FileManager.default.currentDirectoryPath).resolvingSymlinksInPath().path

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            guard try Workbook().run(arguments.first ?? "", arguments.dropFirst().first) else { exit(1) }
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(2)
        }
    }

    private func run(_ command: String, _ argument: String?) throws -> Bool {
        switch command {
        case "start": try start(argument)
        case "check": return try check(argument)
        case "hint": print(try exercise(argument) { try $0.hint($1) })
        case "reveal": print(try exercise(argument) { try $0.reveal($1) })
        case "reset": print(try exercise(argument) { try $0.reset($1) })
        case "exercises": print(ExerciseTable(try phase(argument)).text)
        case "first-session": try FirstSession(try phase("1")).run(say)
        case "check-workbook": return try checkWorkbook(argument)
        case "check-adr": return report(try Records(root).problems())
        case "check-docs": return report(try Links(root).problems() + (try Outputs(root).problems()))
        case "write-docs": for document in try Outputs(root).write() { print("wrote \(document)") }
        default:
            throw WorkbookError(
                "usage: workbook start N | check [N or ID] | hint ID | reset ID | reveal ID | exercises N")
        }
        return true
    }

    private var directory: String { root + "/Workbook" }

    private func phase(_ argument: String?) throws -> Phase {
        let phases = try Phase.all(in: root)
        guard let phase = phases.first(where: { "\($0.number)" == argument }) else {
            let numbers = phases.map { "\($0.number)" }.joined(separator: ", ")
            let reason = argument.map { "there is no phase \($0) with exercises" } ?? "which phase?"
            throw WorkbookError("\(reason); those that have some: \(numbers)")
        }
        return phase
    }

    private func start(_ argument: String?) throws {
        let copy = LearnersCopy(of: try phase(argument), in: directory)
        try copy.start()
        print(copy.welcome)
    }

    /// Calls `body` with the exercise and its phase's copy, after that was brought up to the repository.
    private func exercise(_ id: String?, _ body: (LearnersCopy, Exercise) throws -> String) throws -> String {
        guard let id else { throw WorkbookError("which exercise? Say its number, as in `make hint 1.1`") }
        let phase = try phase(String(id.prefix { $0 != "." }))
        let exercise = try exercise(id, of: phase)
        let copy = LearnersCopy(of: phase, in: directory)
        try copy.require()
        try copy.catchUp().forEach { print($0) }
        return try body(copy, exercise)
    }

    private func exercise(_ id: String, of phase: Phase) throws -> Exercise {
        if let exercise = phase.exercise(id) { return exercise }
        let ids = phase.exercises.map(\.id).joined(separator: ", ")
        throw WorkbookError("there is no exercise \(id); phase \(phase.number) has \(ids)")
    }

    private func check(_ argument: String?) throws -> Bool {
        let phases: [Phase]
        if let argument {
            phases = [try phase(String(argument.prefix { $0 != "." }))]
        } else {
            phases = try Phase.all(in: root).filter { LearnersCopy(of: $0, in: directory).exists }
            if phases.isEmpty { throw WorkbookError("no phase is started: `make start 1` makes your copy of phase 1") }
        }
        let id = argument.flatMap { $0.contains(".") ? $0 : nil }
        if let id { _ = try exercise(id, of: phases[0]) }
        var passes = true
        for phase in phases {
            let copy = LearnersCopy(of: phase, in: directory)
            try copy.require()
            try copy.catchUp().forEach { print($0) }
            let check = try Check(copy, only: id) {
                print("Your copy is built for the first time: this takes a minute.")
                fflush(nil)
            }
            print(Board(check, of: phase, hasColours: hasColours).text(about: id))
            passes = passes && check.standings.allSatisfy { $0.standing.details.isEmpty }
        }
        return passes
    }

    private var hasColours: Bool {
        isatty(1) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
            && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    private func checkWorkbook(_ argument: String?) throws -> Bool {
        var failures: [String] = []
        for phase in try argument.map({ [try phase($0)] }) ?? Phase.all(in: root) {
            print("phase \(phase.number), \(phase.title)")
            failures += try ExerciseProof.failures(of: phase, in: root + "/.build/workbook", say: say)
        }
        return report(failures.isEmpty ? [] : ["\(failures.count) failures, see above"])
    }

    /// Says a line at once, also into a pipe.
    private func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    /// Says what is wrong; true where nothing is.
    private func report(_ problems: [String]) -> Bool {
        for problem in problems { FileHandle.standardError.write(Data("\(problem)\n".utf8)) }
        return problems.isEmpty
    }
}
