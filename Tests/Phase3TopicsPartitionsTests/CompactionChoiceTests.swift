import SegmentLog
import TestSupport
import Testing
import WireProtocol

@testable import TopicsPartitions

@Suite("The choice of a log to compact")
struct CompactionChoiceTests {
    private static var compacted: TopicConfig {
        var config = TopicConfig()
        config.cleanupPolicy = .compact
        config.log.segmentBytes = 300
        return config
    }

    /// Appends the same key again and again.
    private func fill(_ world: MaintenanceWorld, _ partition: Partition, _ count: Int) throws {
        for _ in 0..<count {
            let value = String(repeating: "v", count: 60)
            try world.append(["k"], to: partition, value: value, timestamp: world.wallClock)
        }
    }

    /// The partitions that were compacted in the next `milliseconds`, in order.
    private func compacted(in world: MaintenanceWorld, _ milliseconds: Int64) throws -> [String] {
        try world.run(milliseconds)
        return world.takeLines().filter { $0.event == "log_compacted" }.compactMap { $0["partition"] }
    }

    @Test("does not fall on what is behind the high watermark, however dirty that is (I3.8)")
    func uncommitted() throws {
        let world = try MaintenanceWorld()
        let partitions = try world.create("a", partitions: 2, Self.compacted)
        try fill(world, partitions[1], 30)
        try world.topics.directory.wasCompacted("a-1", upTo: partitions[1].log().end.offset)
        for partition in partitions { try fill(world, partition, 60) }
        try world.commit(partitions[1])
        let early = try compacted(in: world, 60_000)
        #expect(early == ["a-1"], "all of a-0 is dirty and none of it committed; of a-1 two thirds are dirty")
        try world.commit(partitions[0])
        #expect(try compacted(in: world, 60_000) == ["a-0"], "all of it is committed")
    }

    @Test("is made of all partitions, some in each turn")
    func manyPartitions() throws {
        var settings = LogMaintenance.Settings()
        settings.partitionsPerTurn = 3
        let world = try MaintenanceWorld(settings)
        let partitions = try world.create("a", partitions: 10, Self.compacted)
        for (number, dirty) in [(1, 30), (4, 90), (9, 60)] {
            try fill(world, partitions[number], dirty)
            try world.commit(partitions[number])
        }
        let chosen = try compacted(in: world, 14_000)
        #expect(Set(chosen) == ["a-1", "a-4", "a-9"], "all are as dirty as can be, and the others empty")
    }
}
