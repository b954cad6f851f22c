import Dispatch
import Foundation
import Synchronization

/// A program to run, with an end to its time and to its memory.
struct Command {
    /// How it ended.
    struct Outcome {
        enum Ending: Equatable { case exited(Int32), signalled(Int32), outOfTime }

        var ending: Ending
        /// What it wrote to both streams, without colours.
        var output: String
    }

    private let arguments: [String]
    private let directory: String
    private let environment: [String: String]

    /// A program by its name or path, and its arguments.
    init(_ arguments: [String], in directory: String, environment: [String: String] = [:]) {
        self.arguments = arguments
        self.directory = directory
        self.environment = environment
    }

    /// The same with at most 4 GiB of memory and 64 MiB of output: a loop without end may take both.
    var bounded: Command {
        let bounds = "ulimit -v 4194304 2>/dev/null; ulimit -f 131072; exec \"$0\" \"$@\""
        return Command(["/bin/sh", "-c", bounds] + arguments, in: directory, environment: environment)
    }

    /// Runs it, for at most `seconds`.
    func run(seconds: Int? = nil) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        let plain = ["NO_COLOR": "1", "TERM": "dumb", "SWIFT_BACKTRACE": "enable=no"]
        process.environment = ProcessInfo.processInfo.environment.merging(plain) { $1 }
            .merging(environment) { $1 }
        process.environment?["MAKEFLAGS"] = nil
        let file = NSTemporaryDirectory() + "/workbook-" + UUID().uuidString
        guard FileManager.default.createFile(atPath: file, contents: nil),
            let handle = FileHandle(forWritingAtPath: file)
        else { throw WorkbookError("cannot write \(file)") }
        defer { try? Files.remove(file) }
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = FileHandle.nullDevice
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        Self.endRunningOnInterrupt
        try process.run()
        Self.running.store(process.processIdentifier, ordering: .sequentiallyConsistent)
        defer { Self.running.store(0, ordering: .sequentiallyConsistent) }
        var isOutOfTime = false
        if let seconds {
            isOutOfTime = ended.wait(timeout: .now() + .seconds(seconds)) == .timedOut
            if isOutOfTime {
                kill(process.processIdentifier, SIGKILL)
                ended.wait()
            }
        } else {
            ended.wait()
        }
        try handle.close()
        let output = Self.withoutColours(try Files.read(file))
        if isOutOfTime { return Outcome(ending: .outOfTime, output: output) }
        let status = process.terminationStatus
        let isSignal = process.terminationReason == .uncaughtSignal
        return Outcome(ending: isSignal ? .signalled(status) : .exited(status), output: output)
    }

    /// The process that runs, or 0.
    private static let running = Atomic<Int32>(0)

    /// Makes an interrupt end the program that runs as well. It has a process group of its own, so the terminal
    /// does not tell it; and a loop without end would outlive the learner's patience by far.
    private static let endRunningOnInterrupt: Void = {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            Foundation.signal(signal) { signal in
                let process = Command.running.load(ordering: .sequentiallyConsistent)
                if process > 0 { kill(process, SIGKILL) }
                _exit(128 + signal)
            }
        }
    }()

    /// Runs it, and returns its output; throws that where it fails.
    func runQuietly() throws -> String {
        let outcome = try run()
        guard outcome.ending == .exited(0) else {
            throw WorkbookError("\(arguments.joined(separator: " ")) failed:\n\(outcome.output)")
        }
        return outcome.output
    }

    private static func withoutColours(_ text: String) -> String {
        text.replacingOccurrences(of: "\u{1B}\\[[0-9;]*m", with: "", options: .regularExpression)
    }
}
