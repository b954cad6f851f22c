import BenchmarkSupport
import Foundation
import SegmentLog

/// `bench-log [--quick] [--write FILE]`: the log against the same work without it, in one run, as ratios.
///
/// Each round measures both sides one right after the other, and the median of the rounds' ratios is
/// what counts. With `--quick` it is short, writes nothing, and fails only where a goal is missed by far.
@main
struct LogBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments
        let scope = try Scope(
            root: FileManager.default.currentDirectoryPath + "/.build/bench-log",
            isQuick: arguments.contains("--quick"))
        defer { scope.remove() }
        var comparisons = try Appending.run(scope)
        comparisons += try Reading.run(scope)
        comparisons += try Parsing.run(scope)
        comparisons += try Opening.recovery(scope)
        comparisons += try Opening.many(scope)
        let (synchronized, latencies) = try Synchronizing.run(scope)
        comparisons += synchronized

        let tables = [
            ([Comparison.header] + comparisons.map(\.row)).joined(separator: "\n"),
            ([Latency.header] + latencies.map(\.row)).joined(separator: "\n"),
        ]
        print(tables.joined(separator: "\n\n"))
        for missed in comparisons where missed.isMet == false {
            print("\(missed.name): below its goal\(missed.isFarOff ? ", by far" : "")")
        }
        if let place = arguments.firstIndex(of: "--write"), place + 1 < arguments.count, !scope.isQuick {
            let json = "```json\n" + (try encoded(comparisons, latencies)) + "\n```"
            try Report.replace("bench-log", in: arguments[place + 1], with: (tables + [json]).joined(separator: "\n\n"))
        }
        if comparisons.contains(where: \.isFarOff) {
            scope.remove()
            exit(1)
        }
    }

    private struct Encoded: Encodable {
        var processor: String
        var cores: Int
        var hasChecksumInstruction: Bool
        var comparisons: [Comparison.Encoded]
        var acknowledgements: [Latency.Encoded]
    }

    private static func encoded(_ comparisons: [Comparison], _ latencies: [Latency]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let contents = Encoded(
            processor: processor(), cores: ProcessInfo.processInfo.activeProcessorCount,
            hasChecksumInstruction: CRC32C.isHardware, comparisons: comparisons.map(\.encoded),
            acknowledgements: latencies.map(\.encoded))
        return String(decoding: try encoder.encode(contents), as: UTF8.self)
    }
}
