import SegmentLog
import TestSupport
import Testing

@Suite("A crash")
struct CrashTests {
    private static func configuration(_ random: inout SplitMix64) -> LogConfiguration {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1024 + random.below(3000)
        configuration.indexIntervalBytes = random.below(500)
        return configuration
    }

    /// What a run did before the power failed.
    private struct Run {
        var appended: [String] = []
        var durable = 0
    }

    /// Appends batches, and synchronizes now and then, until the disk says that the power is gone.
    private static func run(_ storage: any Storage, _ configuration: LogConfiguration, _ random: inout SplitMix64)
        -> Run
    {
        var run = Run()
        do {
            let log = try Log(in: storage, configuration: configuration)
            for step in 0..<25 {
                let count = 1 + random.below(3)
                let tag = "s\(step)"
                // What a failed append wrote may survive: it was never acknowledged, and may be kept.
                run.appended += (0..<count).map { "\(tag)-\($0)" }
                _ = try log.append(
                    Batches.make(count, tag: tag, padding: random.below(900)), leaderEpoch: LeaderEpoch(0))
                if random.chance(40) {
                    try log.synchronize()
                    run.durable = run.appended.count
                }
            }
        } catch {}
        return run
    }

    @Test("at any step loses no synchronized record and keeps a prefix; recovery again changes nothing (I1.3, I1.4)")
    func everyStep() throws {
        var crashes = 0
        var torn = 0
        for seed in UInt64(0)..<40 {
            for step in 0..<80 {
                var random = SplitMix64(seed: seed)
                let configuration = Self.configuration(&random)
                let disk = MemoryDisk(seed: seed)
                disk.losePower(afterSteps: step)
                let run = Self.run(MemoryStorage(disk), configuration, &random)
                guard disk.steps > step else { break }
                crashes += 1

                let after = seed % 4 == 0 ? disk.afterKill() : disk.afterPowerLoss(seed: seed &* 1000 + UInt64(step))
                let log = try Log(in: MemoryStorage(after), configuration: configuration)
                let values = try Self.values(of: log)
                #expect(values.count >= run.durable, "seed \(seed), step \(step): acknowledged records are lost")
                let isPrefix = values == Array(run.appended.prefix(values.count))
                #expect(isPrefix, "seed \(seed), step \(step)")
                torn += log.recovery.cutBytes > 0 ? 1 : 0

                let recovered = after.contents()
                _ = try Log(in: MemoryStorage(after), configuration: configuration)
                let isSame = after.contents() == recovered
                #expect(isSame, "seed \(seed), step \(step): recovery is not idempotent")
                // What recovery kept is on disk: another power failure takes nothing away.
                let again = try Log(in: MemoryStorage(after.afterPowerLoss(seed: seed)), configuration: configuration)
                #expect(again.end.offset == log.end.offset, "seed \(seed), step \(step)")
            }
        }
        // A quiet run must not pass for a hard one.
        #expect(crashes > 1500)
        #expect(torn > 100)
    }

    @Test("in the midst of recovery is recovered from as well")
    func duringRecovery() throws {
        for seed in UInt64(0)..<60 {
            var random = SplitMix64(seed: seed)
            let configuration = Self.configuration(&random)
            let disk = MemoryDisk(seed: seed)
            disk.losePower(afterSteps: 20 + random.below(40))
            let run = Self.run(MemoryStorage(disk), configuration, &random)
            for step in 0..<12 {
                let first = disk.afterPowerLoss(seed: seed)
                first.losePower(afterSteps: step)
                _ = try? Log(in: MemoryStorage(first), configuration: configuration)
                let second = first.afterPowerLoss(seed: seed + 1)
                let values = try Self.values(of: try Log(in: MemoryStorage(second), configuration: configuration))
                #expect(values.count >= run.durable, "seed \(seed), step \(step)")
                #expect(values == Array(run.appended.prefix(values.count)), "seed \(seed), step \(step)")
            }
        }
    }

    /// Every record's value, without its padding; checks that offsets have no gaps.
    private static func values(of log: Log) throws -> [String] {
        var values: [String] = []
        while Int64(values.count) < log.end.offset.value {
            let range = try #require(
                try log.snapshot.read(from: Offset(Int64(values.count)), upTo: log.end, maxBytes: 1 << 20))
            for (offset, value) in try Batches.values(in: range.read()) {
                #expect(offset == Int64(values.count))
                values.append(String(value.prefix { $0 != "." }))
            }
        }
        return values
    }
}
