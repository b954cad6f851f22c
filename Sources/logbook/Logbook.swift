#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import WireProtocol

/// The command line tool: `logbook COMMAND`.
///
/// Data goes to standard output, diagnostics to standard error. Exit status 0: done, 1: failed,
/// 2: the command line makes no sense.
@main
struct Logbook {
    static let usage = """
        usage: logbook COMMAND

          broker     run a broker
          topic      create, list, describe, delete and alter topics
          group      list, describe, seek and delete consumer groups
          produce    send what comes by standard input
          consume    print records
          dump-log   print the batches and records of segment files
          node       answer lines of JSON, as a node of Maelstrom's

        `logbook COMMAND --help` says more.
        """

    static func main() async {
        var arguments = CommandLine.arguments.dropFirst()
        do {
            switch arguments.popFirst() {
            case "broker": try BrokerCommand.run(Array(arguments))
            case "topic": try await TopicCommand.run(Array(arguments))
            case "group": try await GroupCommand.run(Array(arguments))
            case "produce": try await ProduceCommand.run(Array(arguments))
            case "consume": try await ConsumeCommand.run(Array(arguments))
            case "dump-log": try DumpLogCommand.run(Array(arguments))
            case "node": try NodeCommand.run(Array(arguments))
            case "--help", "-h", "help": Output.line(usage)
            case nil: throw UsageError("no command given\n\n" + usage)
            case let command?: throw UsageError("unknown command \(command)\n\n" + usage)
            }
        } catch let error as UsageError {
            Output.diagnostic("logbook: \(error.message)")
            exit(2)
        } catch {
            Output.diagnostic("logbook: \(error)")
            exit(1)
        }
    }
}

/// A command line that makes no sense, and why.
struct UsageError: Error {
    var message: String
    init(_ message: String) { self.message = message }
}

/// A command that could not do what it was asked.
struct CommandFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Lines to the two outputs, each in one write, so that lines of several threads stay whole.
enum Output {
    static func line(_ text: String) { _ = write(Array("\(text)\n".utf8), to: STDOUT_FILENO) }
    static func diagnostic(_ text: String) { _ = write(Array("\(text)\n".utf8), to: STDERR_FILENO) }

    /// Writes `bytes` to standard output, and empties them. False where nobody reads on.
    static func flush(_ bytes: inout [UInt8]) -> Bool {
        defer { bytes.removeAll(keepingCapacity: true) }
        return write(bytes, to: STDOUT_FILENO)
    }

    /// Writes a line with the time, unless it matters less than `level`:
    /// `ts=2026-01-31T12:00:00.000Z level=info event=topic_created topic=orders partitions=1`.
    static func log(_ line: LogLine, from level: LogLevel) {
        if line.level >= level { diagnostic("ts=\(timestamp()) \(line)") }
    }

    /// The time as ISO 8601 writes it, in UTC, to the millisecond.
    private static func timestamp() -> String {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        var date = unsafe tm()
        unsafe gmtime_r(&time.tv_sec, &date)
        func digits(_ number: some BinaryInteger, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let day = unsafe "\(digits(date.tm_year + 1900, 4))-\(digits(date.tm_mon + 1, 2))-\(digits(date.tm_mday, 2))"
        let clock = unsafe "\(digits(date.tm_hour, 2)):\(digits(date.tm_min, 2)):\(digits(date.tm_sec, 2))"
        return "\(day)T\(clock).\(digits(time.tv_nsec / 1_000_000, 3))Z"
    }

    /// False where nobody reads on: there is nobody to tell, either.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe systemWrite(descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
}

private func systemWrite(_ descriptor: Int32, _ start: UnsafeRawPointer?, _ count: Int) -> Int {
    unsafe write(descriptor, start, count)
}

/// Counts on standard error while a command works: on a terminal only, and not between its own lines.
struct Progress {
    private let isShown = isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) == 0
    private var shownAt = ContinuousClock.now

    /// Shows the count, twice a second at most.
    mutating func show(_ count: Int, _ what: String) {
        guard isShown, shownAt.duration(to: .now) > .milliseconds(500) else { return }
        shownAt = .now
        Output.diagnostic("\(count) \(what)")
    }
}
