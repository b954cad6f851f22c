import Foundation
import SegmentLog
import TestSupport
import Testing

@Suite("Readers beside a writer")
struct ReadersTests {
    /// A failure that a reading thread has seen.
    private final class Findings: Sendable {
        let lines = Lock<[String]>([])
        let reads = Lock(0)
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    /// Reads at random places until the writer is done; each read must be sound.
    private static func read(_ reader: LogReader, seed: UInt64, until isDone: Lock<Bool>, _ findings: Findings) {
        var random = SplitMix64(seed: seed)
        var lastEnd = Offset.zero
        var count = 0
        while !isDone.withLock({ $0 }) || count == 0 {
            let snapshot = reader.snapshot()
            let (start, end) = (snapshot.startOffset, snapshot.end)
            if end.offset < lastEnd { findings.add("the end went back from \(lastEnd) to \(end.offset)") }
            lastEnd = end.offset
            guard start < end.offset else { continue }
            let offset = Offset(start.value + Int64(random.below(Int(end.offset.value - start.value))))
            do {
                guard let range = try snapshot.read(from: offset, upTo: end, maxBytes: 2000) else {
                    findings.add("nothing at \(offset) of \(start) to \(end.offset)")
                    continue
                }
                let values = try Batches.values(in: range.read())
                let first = values.first?.offset ?? -1
                let last = values.last?.offset ?? -1
                if first > offset.value || last < offset.value {
                    findings.add("\(offset) is not in what was read for it: \(first) to \(last)")
                }
                if values.contains(where: { !$0.value.hasPrefix("b\($0.offset / 2)-\($0.offset % 2)") }) {
                    findings.add("a record at \(offset) is another one")
                }
                if random.chance(10) {
                    let time = Int64(1000 + random.below(2000))
                    if let found = try snapshot.record(notBefore: time, upTo: end), found.timestamp < time {
                        findings.add("time \(time) found \(found)")
                    }
                }
                count += 1
            } catch {
                findings.add("\(error)")
            }
        }
        findings.reads.withLock { $0 += count }
    }

    @Test("see whole logs that only grow, through rolls and deletions, and never wait (I1.6)", .timeLimit(.minutes(15)))
    func eightReaders() async throws {
        let directory = try TemporaryDirectory()
        var configuration = LogConfiguration()
        configuration.segmentBytes = 20_000
        configuration.indexIntervalBytes = 300
        let log = try Log(in: try directory.storage(), configuration: configuration)
        let findings = Findings()
        let isDone = Lock(false)
        let threads = (0..<8).map { number in
            nonisolated(unsafe) let reader = log.makeReader()
            let thread = Thread { Self.read(reader, seed: UInt64(number), until: isDone, findings) }
            thread.start()
            return thread
        }
        var rolls = 0
        for index in 0..<3000 {
            let batch = Batches.make(2, tag: "b\(index)", timestamp: Int64(1000 + index), padding: 50)
            let before = log.snapshot.segmentCount
            _ = try log.append(batch, leaderEpoch: LeaderEpoch(0))
            rolls += log.snapshot.segmentCount > before ? 1 : 0
            if index % 100 == 99 {
                _ = try log.enforceRetention(bytes: 100_000, milliseconds: nil, upTo: log.end.offset, at: Int64(index))
                try log.removeDeletedFiles(deletedUpTo: Int64(index))
            }
        }
        isDone.withLock { $0 = true }
        while !threads.allSatisfy(\.isFinished) { try await Task.sleep(for: .milliseconds(5)) }
        let lines = findings.lines.withLock { $0 }
        #expect(lines.isEmpty, "\(lines.prefix(5))")
        #expect(findings.reads.withLock { $0 } >= 8)
        #expect(rolls > 20 && log.startOffset > .zero)
    }

    @Test("that hold a snapshot keep it, however often a new one is published")
    func heldSnapshots() throws {
        let log = try Log(in: MemoryStorage())
        let reader = log.makeReader()
        var held: [(LogSnapshot, Int64)] = []
        for index in 0..<500 {
            _ = try log.append(Batches.make(1), leaderEpoch: LeaderEpoch(0))
            if index % 7 == 0 { held.append((reader.snapshot(), Int64(index + 1))) }
        }
        for (snapshot, end) in held { #expect(snapshot.end.offset.value == end) }
        #expect(log.makeReader().snapshot().end.offset == Offset(500))
    }
}
