import Foundation
import WireProtocol

/// A server as a process of its own, so that its time is not mixed with the benchmark's.
package final class ServerProcess {
    /// Where it listens.
    package let address: SocketAddress
    private let process = Process()

    /// Starts `executable`, which was built beside this benchmark and says "ready on 127.0.0.1:PORT".
    package init(_ executable: String, _ arguments: [String]) throws {
        let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        process.executableURL = own.deletingLastPathComponent().appendingPathComponent(executable)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = line.firstMatch(of: #/ready on 127\.0\.0\.1:(\d+)/#).flatMap({ UInt16($0.1) }) else {
            throw BenchmarkFailure("\(executable) did not start: \(line)")
        }
        address = SocketAddress(host: "127.0.0.1", port: port)
    }

    /// The broker that users run, with its data in `directory`.
    package static func broker(directory: String, arguments: [String] = []) throws -> ServerProcess {
        try ServerProcess("logbook", ["broker", "--listeners", "127.0.0.1:0", "--log-dirs", directory] + arguments)
    }

    /// Stops it, and waits until it is gone.
    package func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    /// Ends it without letting it finish anything: what it has not synchronized needs no disk.
    package func kill() {
        _ = signal(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// The memory that it holds, in bytes; 0 where the system does not say.
    package var residentBytes: Int {
        let status = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
        let kibibytes = status?.firstMatch(of: #/VmRSS:\s*(\d+) kB/#).flatMap { Int($0.1) }
        return (kibibytes ?? 0) * 1024
    }

    /// The processor time that all its threads have used.
    package var processorSeconds: Seconds {
        #if os(Linux)
            var clock = clockid_t()
            var time = timespec()
            guard unsafe clock_getcpuclockid(process.processIdentifier, &clock) == 0,
                unsafe clock_gettime(clock, &time) == 0
            else { return .nan }
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        #else
            return .nan
        #endif
    }
}

/// kill(2), by a name that the method above does not hide.
private func signal(_ process: pid_t, _ number: Int32) -> Int32 { kill(process, number) }
