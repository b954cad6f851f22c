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

    /// The partitions that were compacted in the next `milliseconds`, in order, and how many turns that took.
    private func compacted(in world: MaintenanceWorld, _ milliseconds: Int64) throws -> (names: [String], turns: Int) {
        let before = world.turns
        try world.run(milliseconds)
        let names = world.takeLines().filter { $0.event == "log_compacted" }.compactMap { $0["partition"] }
        return (names, world.turns - before)
    }

    @Test("does not fall on what is behind the high watermark, however dirty that is (I3.8)")
    func uncommitted() throws {
        let world = try MaintenanceWorld()
        let partition = try world.create("a", Self.compacted)[0]
        try fill(world, partition, 3)
        try world.commit(partition)
        try fill(world, partition, 60)
        _ = try compacted(in: world, 20_000)
        let early = try compacted(in: world, 60_000)
        #expect(early.names == [], "60 of 63 records may be lost to another leader")
        #expect(early.turns < 20, "nothing can be done, and yet there were \(early.turns) turns in a minute")
        try world.commit(partition)
        #expect(try compacted(in: world, 60_000).names == ["a-0"])
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
        let chosen = try compacted(in: world, 14_000).names
        #expect(Set(chosen) == ["a-1", "a-4", "a-9"], "all are as dirty as can be, and the others empty")
    }
}
