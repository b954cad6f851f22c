import SegmentLog
import Testing
import WireProtocol

@testable import TopicsPartitions

@Suite("What a topic's config asks of each record")
struct BatchValidatorTests {
    private static let now: Int64 = 1_700_000_000_000

    private static func config(_ change: (inout TopicConfig) -> Void) -> TopicConfig {
        var config = TopicConfig()
        change(&config)
        return config
    }

    /// A batch of records with these timestamps; those with a number in `keyless` have no key.
    private static func batch(_ timestamps: [Int64], keyless: Set<Int> = []) -> RecordBatch {
        var builder = RecordBatchBuilder(baseTimestamp: timestamps[0])
        for (number, timestamp) in timestamps.enumerated() {
            builder.append(key: keyless.contains(number) ? nil : [1], value: [2], timestamp: timestamp)
        }
        return builder.finish()
    }

    /// "taken", or Kafka's name of the error and the numbers of the records that are at fault.
    private func verdict(_ batch: RecordBatch, _ config: TopicConfig, at now: Int64 = now) -> String {
        do {
            _ = try BatchValidator(config, at: now).check(.bytes(batch.bytes), version: 9)
            return "taken"
        } catch {
            return "\(error.code) \(error.records.map(\.batchIndex))"
        }
    }

    @Test("a timestamp lies within both limits, which belong to it", arguments: [true, false])
    func bothLimits(hasOldest: Bool) {
        let config = Self.config {
            if hasOldest { $0.timestampBeforeMaxMilliseconds = 100 }
            $0.timestampAfterMaxMilliseconds = 10
        }
        let cases: [(ago: [Int64], String)] = [
            ([0, 100, -10], "taken"), ([0, -11, 0], "INVALID_TIMESTAMP [1]"),
            ([101, 0, 102], hasOldest ? "INVALID_TIMESTAMP [0, 2]" : "taken"),
            ([-11, 101], hasOldest ? "INVALID_TIMESTAMP [0, 1]" : "INVALID_TIMESTAMP [0]"),
        ]
        for (ago, expected) in cases {
            let found = verdict(Self.batch(ago.map { Self.now - $0 }), config)
            #expect(found == expected, "records \(ago) ms old, at most \(hasOldest ? "100" : "any"), at least -10")
        }
    }

    @Test("a limit beyond every time is none, whatever the other one is")
    func noLimits() {
        let timestamps: [Int64] = [1, Self.now, Self.now + (1 << 50)]
        for before in [Int64.max - 1, .max] {
            let config = Self.config {
                $0.timestampBeforeMaxMilliseconds = before
                $0.timestampAfterMaxMilliseconds = .max
            }
            #expect(verdict(Self.batch(timestamps), config) == "taken")
        }
        #expect(verdict(Self.batch([.min]), TopicConfig()) == "taken", "Int64.max milliseconds before now is no limit")
        let onlyOldest = Self.config {
            $0.timestampBeforeMaxMilliseconds = 100
            $0.timestampAfterMaxMilliseconds = .max
        }
        #expect(verdict(Self.batch(timestamps), onlyOldest) == "INVALID_TIMESTAMP [0]", "the first record is too old")
    }

    @Test("a record without a timestamp is never too old, and the broker's time is always right")
    func noTimestamp() {
        let strict = Self.config {
            $0.timestampBeforeMaxMilliseconds = 0; $0.timestampAfterMaxMilliseconds = 0
        }
        #expect(verdict(Self.batch([-1, Self.now, -1]), strict) == "taken")
        #expect(verdict(Self.batch([-2]), strict) == "INVALID_TIMESTAMP [0]", "only -1 says that there is none")
        var stamped = strict
        stamped.usesLogAppendTime = true
        #expect(verdict(Self.batch([1, .max / 2]), stamped) == "taken", "the records get the broker's time")
    }

    @Test("a compacted topic takes no record without a key, and any other topic does")
    func keys() {
        let batch = Self.batch([Self.now, Self.now, Self.now], keyless: [0, 2])
        #expect(verdict(batch, TopicConfig()) == "taken")
        for policy in [TopicConfig.CleanupPolicy.compact, [.compact, .delete]] {
            let config = Self.config { $0.cleanupPolicy = policy }
            #expect(verdict(batch, config) == "INVALID_RECORD [0, 2]")
            #expect(verdict(Self.batch([Self.now]), config) == "taken")
        }
        let stamped = Self.config {
            $0.cleanupPolicy = .compact; $0.usesLogAppendTime = true
        }
        #expect(verdict(batch, stamped) == "INVALID_RECORD [0, 2]", "whose time it is does not matter")
    }

    @Test("names a hundred records that are at fault, and no more")
    func manyErrors() {
        let config = Self.config { $0.cleanupPolicy = .compact }
        let batch = Self.batch(Array(repeating: Self.now, count: 150), keyless: Set(20..<150))
        #expect(verdict(batch, config) == "INVALID_RECORD \(Array(20..<120))")
    }
}
