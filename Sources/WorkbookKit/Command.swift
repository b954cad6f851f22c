import Foundation
import Synchronization

/// A program to run, with an end to its time and to its memory.
struct Command {
    /// How it ended.
    struct Outcome {
        enum Ending: Equatable { case exited(Int32), signalled(Int32), outOfTime, saidEnough }

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

    /// Runs it, for at most `seconds` and until it has written `words`, and waits for it itself: a helper of the library's
    /// that tells when a process has ended can be late, or never come, where several threads run processes at once.
    func run(seconds: Int? = nil, until words: String? = nil) throws -> Outcome {
        let file = NSTemporaryDirectory() + "/workbook-" + UUID().uuidString
        defer { try? Files.remove(file) }
        Self.endRunningOnInterrupt
        Self.running.store(Self.starting, ordering: .sequentiallyConsistent)
        let process = try spawn(writingTo: file)
        let interrupt = Self.running.exchange(process, ordering: .sequentiallyConsistent)
        if interrupt < Self.starting { Self.end(process, by: Self.starting - interrupt) }
        defer { Self.running.store(0, ordering: .sequentiallyConsistent) }
        let end = seconds.map { ContinuousClock.now + .seconds($0) }
        var cut: Outcome.Ending?
        var status: Int32 = 0
        while true {
            let waits = cut != nil || end == nil && words == nil
            let ended = unsafe waitpid(process, &status, waits ? 0 : WNOHANG)
            if ended == process { break }
            guard ended == 0 || errno == EINTR else { throw WorkbookError("\(arguments[0]): lost (errno \(errno))") }
            guard ended == 0 else { continue }
            if let end, ContinuousClock.now >= end { cut = .outOfTime }
            if let words, try Files.read(file).contains(words) { cut = .saidEnough }
            if cut != nil { kill(-process, SIGKILL) } else { usleep(words == nil ? 5_000 : 50_000) }
        }
        let output = Self.withoutColours(try Files.read(file))
        if let cut { return Outcome(ending: cut, output: output) }
        let signal = status & 0x7f
        return Outcome(ending: signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal), output: output)
    }

    /// Starts it in a process group of its own, with both its streams in `file`.
    private func spawn(writingTo file: String) throws -> pid_t {
        let plain = ["NO_COLOR": "1", "TERM": "dumb", "SWIFT_BACKTRACE": "enable=no"]
        var variables = ProcessInfo.processInfo.environment.merging(plain) { $1 }.merging(environment) { $1 }
        variables["MAKEFLAGS"] = nil
        // The shell goes to the directory, and looks the name up.
        let words = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", directory] + arguments
        #if os(Linux)
            var actions = unsafe posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #else
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #endif
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, file, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var argv = unsafe words.map { unsafe strdup($0) } + [nil]
        var envp = unsafe variables.map { unsafe strdup("\($0)=\($1)") } + [nil]
        defer { unsafe (argv + envp).forEach { unsafe free($0) } }
        var process: pid_t = 0
        let failure = unsafe posix_spawn(&process, words[0], &actions, &attributes, &argv, &envp)
        guard failure == 0 else { throw WorkbookError("cannot run \(arguments[0]): errno \(failure)") }
        return process
    }

    /// The process that runs; 0 where there is none; `starting` while one is started, and after an interrupt
    /// meanwhile `starting - signal`.
    private static let running = Atomic<Int32>(0)
    private static let starting: Int32 = -1

    /// Makes an interrupt end the program that runs as well. It has a process group of its own, so the terminal
    /// does not tell it; and a loop without end would outlive the learner's patience by far.
    private static let endRunningOnInterrupt: Void = {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            Foundation.signal(signal) { signal in
                let (isStarting, process) = Command.running.compareExchange(
                    expected: Command.starting, desired: Command.starting - signal, ordering: .sequentiallyConsistent)
                if !isStarting { Command.end(process, by: signal) }
            }
        }
    }()

    private static func end(_ process: pid_t, by signal: Int32) {
        if process > 0 { kill(-process, SIGKILL) }
        _exit(128 + signal)
    }

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
