import BenchmarkSupport
import Foundation
import SegmentLog
import WireProtocol

/// `bench-slice`: the broker against the bare system calls, in one run, as ratios.
///
/// Absolute figures of a shared machine mean little; each round measures both sides one right after
/// the other, and the median of the rounds' ratios is what counts.
struct Measurement {
    var name: String
    var goal: Double
    var bare: [Double] = []
    var broker: [Double] = []

    var ratio: Double { median(zip(broker, bare).map { $0 / $1 }) }
    var isMet: Bool { ratio >= goal }

    var row: String {
        let figures = [median(bare), median(broker)].map { String(format: "%.0f", $0) }
        return "| \(name) | \(figures[0]) | \(figures[1]) | \(String(format: "%.2f", ratio)) | \(goal) |"
    }
}

func run(rounds: Int) throws -> [Measurement] {
    let root = FileManager.default.currentDirectoryPath + "/.build/bench-slice"
    try? FileManager.default.removeItem(atPath: root)
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    let storage = try FileStorage(existing: root)

    var small = Measurement(name: "produce, 16 KiB batches, 64 in flight", goal: 0.5)
    var large = Measurement(name: "produce, 1 MiB batches, 8 in flight", goal: 0.5)
    var fetch = Measurement(name: "fetch, 1 MiB at a time", goal: 0.5)
    for round in 0..<rounds {
        let broker = try ServerProcess.broker(directory: root + "/data-\(round)")
        defer {
            broker.stop()
            try? FileManager.default.removeItem(atPath: root + "/data-\(round)")
        }
        for (byteCount, count, window, isLarge) in [(16 << 10, 4000, 64, false), (1 << 20, 300, 8, true)] {
            let batch = Load.batch(byteCount: byteCount)
            let megabytes = Double(batch.bytes.count * count) / 1e6
            let bare = megabytes / (try Bare.writeAndSynchronize(batch.bytes, count: count, in: storage))
            let load = try Load(broker.address, topic: isLarge ? "large" : "small")
            let produced = megabytes / (try load.produce(batch, count: count, window: window))
            if isLarge {
                large.bare.append(bare)
                large.broker.append(produced)
                let segment = try FileStorage(existing: root + "/data-\(round)/large-0")
                    .open("00000000000000000000.log", creating: false)
                let sent = try Bare.sendFile(segment, chunk: 1 << 20)
                fetch.bare.append(Double(try segment.size()) / 1e6 / sent)
                let (seconds, fetched) = try load.fetch(maxBytes: 1 << 20)
                guard fetched == Int(try segment.size()) else { throw BenchmarkFailure("fetched \(fetched) bytes") }
                fetch.broker.append(Double(fetched) / 1e6 / seconds)
            } else {
                small.bare.append(bare)
                small.broker.append(produced)
            }
        }
    }
    return [small, large, fetch]
}

let measurements = try run(rounds: 5)
let table =
    [
        "| what | bare MB/s | broker MB/s | ratio | goal |", "|---|--:|--:|--:|--:|",
    ] + measurements.map(\.row)
print(table.joined(separator: "\n"))
if let place = CommandLine.arguments.firstIndex(of: "--write"), place + 1 < CommandLine.arguments.count {
    try Report.replace("bench-slice", in: CommandLine.arguments[place + 1], with: table.joined(separator: "\n"))
}
if !measurements.allSatisfy(\.isMet) {
    print("a ratio is below its goal")
    exit(1)
}
