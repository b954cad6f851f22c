import BenchmarkSupport
import Foundation
import WireProtocol

/// A broker of its own, as a process: the one that users run.
final class BrokerProcess {
    let address: SocketAddress
    private let process = Process()

    /// Starts the `logbook` that was built beside this benchmark, with its data in `directory`.
    init(directory: String, arguments: [String] = []) throws {
        let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        process.executableURL = own.deletingLastPathComponent().appendingPathComponent("logbook")
        process.arguments = ["broker", "--listeners", "127.0.0.1:0", "--log-dirs", directory] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = line.firstMatch(of: #/ready on 127\.0\.0\.1:(\d+)/#).flatMap({ UInt16($0.1) }) else {
            throw BenchmarkFailure("the broker did not start: \(line)")
        }
        address = SocketAddress(host: "127.0.0.1", port: port)
    }

    /// Stops it, and waits until it is gone.
    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}
