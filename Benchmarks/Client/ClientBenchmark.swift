import BenchmarkSupport
import Foundation
import LogbookClient
import SegmentLog
import WireProtocol

/// `bench-client [--quick] [--write FILE]`: the producer against kcat (librdkafka) and against batches that
/// were made beforehand, with a broker process, in one run, as ratios.
///
/// Each side sends the same number of records of 100 bytes to a topic of its own, and waits until the last is
/// acknowledged. Each round measures all sides one right after the other; the medians of the rounds count.
@main
struct ClientBenchmark {
    static func main() async throws {
        let arguments = CommandLine.arguments
        let isQuick = arguments.contains("--quick")
        let root = FileManager.default.currentDirectoryPath + "/.build/bench-client"
        try? FileManager.default.removeItem(atPath: root)
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: root) }
        let count = isQuick ? 100_000 : 1_000_000
        let lines = try Lines(count: count, in: root)
        var table = ["| broker | sender | records/s | to kcat | to bare | processor s |", "|---|---|---|---|---|---|"]
        let settings = [("defaults", []), ("page cache", ["--override", "flush.messages=9223372036854775807"])]
        for (name, setting) in settings {
            let broker = try ServerProcess.broker(directory: "\(root)/\(name)", arguments: setting)
            var results: [Sender: [Result]] = [:]
            for round in 0..<(isQuick ? 2 : 5) {
                for sender in Sender.allCases where sender != .kcat || lines.isKcatInstalled {
                    let topic = "\(sender)-\(round)"
                    results[sender, default: []].append(
                        try await sender.send(count, lines, to: broker.address, topic: topic))
                }
            }
            broker.kill()
            table += rows(name, count, results)
        }
        print(table.joined(separator: "\n"))
        if let place = arguments.firstIndex(of: "--write"), place + 1 < arguments.count, !isQuick {
            let about = "\(processor()), \(ProcessInfo.processInfo.activeProcessorCount) cores."
            let text = ([about, ""] + table).joined(separator: "\n")
            try Report.replace("bench-client", in: arguments[place + 1], with: text)
        }
    }

    private static func rows(_ broker: String, _ count: Int, _ results: [Sender: [Result]]) -> [String] {
        Sender.allCases.compactMap { sender in
            guard let own = results[sender] else { return nil }
            func ratio(to other: Sender) -> String {
                guard other != sender, let others = results[other] else { return "" }
                return shown(median(zip(own, others).map { $1.seconds / $0.seconds }))
            }
            let rate = Int(Double(count) / median(own.map(\.seconds)) / 1_000) * 1_000
            let used = shown(median(own.map(\.processorSeconds)))
            return "| \(broker) | \(sender.name) | \(rate) | \(ratio(to: .kcat)) | \(ratio(to: .bare)) | \(used) |"
        }
    }
}

/// How long something took, and how much of the processor its process used.
struct Result {
    var seconds: Seconds
    var processorSeconds: Seconds
}
