import SegmentLog
import TestSupport
import Testing

@testable import TopicsPartitions

@Suite("Maintenance of many logs")
struct MaintenanceTests {
    private static var settings: LogMaintenance.Settings {
        var settings = LogMaintenance.Settings()
        settings.checkIntervalMilliseconds = 1000
        settings.fileDeleteDelayMilliseconds = 700
        settings.cleanerBackoffMilliseconds = 400
        settings.partitionsPerTurn = 3
        settings.bytesPerTurn = 600
        settings.filesPerTurn = 3
        settings.spacingMilliseconds = 1
        return settings
    }

    private static func config(_ random: inout SplitMix64) -> TopicConfig {
        var config = TopicConfig()
        config.cleanupPolicy = [.delete, .compact, [.delete, .compact]][random.below(3)]
        config.retentionMilliseconds = [nil, 500, 3000][random.below(3)]
        config.retentionBytes = [nil, 0, 2000, 6000][random.below(4)]
        config.fileDeleteDelayMilliseconds = [0, 300, 2000][random.below(3)]
        config.maxCompactionLagMilliseconds = random.chance(30) ? 1500 : .max
        config.compaction.minCompactionLagMilliseconds = random.chance(30) ? 400 : 0
        config.compaction.deleteRetentionMilliseconds = 1000
        config.compaction.minCleanableDirtyRatio = [0, 0.5, 0.9][random.below(3)]
        config.compaction.offsetMapBytes = random.chance(30) ? 24 * 8 : 1 << 20
        config.log.segmentBytes = 600 + random.below(1500)
        config.log.segmentMilliseconds = [400, 2500][random.below(2)]
        config.log.indexIntervalBytes = 200
        return config
    }

    /// One run of a world: what is done is drawn, and everything is compared after each turn.
    private struct Run {
        let world: MaintenanceWorld
        var model: MaintenanceModel
        var random: SplitMix64
        var names: [String] = []
        var restarts = 0
        var checkTurns = 0

        init(seed: UInt64) throws {
            random = SplitMix64(seed: seed)
            world = try MaintenanceWorld(MaintenanceTests.settings, disk: MemoryDisk(seed: seed))
            model = MaintenanceModel("seed \(seed)", .init(deletion: 1600, compaction: 4000, roll: 2600))
            for _ in 0..<3 { try create() }
        }

        mutating func create() throws {
            guard let name = ["a", "b", "c", "d", "e"].first(where: { world.topics[$0] == nil }) else { return }
            try world.create(name, partitions: 1 + random.below(3), MaintenanceTests.config(&random))
            world.wake()
        }

        mutating func step() throws {
            switch random.below(1000) {
            case 0..<450: try append()
            case 450..<480: try change()
            case 480..<490: try delete()
            case 490..<500: try create()
            case 500..<502: try restart()
            default: try passTime()
            }
        }

        mutating func somePartition() -> Partition? {
            let all = world.topics.partitions
            return all.isEmpty ? nil : all[random.below(all.count)]
        }

        mutating func append() throws {
            guard let partition = somePartition() else { return }
            let base = try partition.log().end.offset.value
            let keys = (0..<1 + random.below(4)).map { _ in
                random.chance(partition.config.cleanupPolicy.contains(.compact) ? 3 : 30)
                    ? nil : "key-\(random.below(6))"
            }
            let isTombstone = random.chance(20)
            let value = isTombstone ? nil : "\(base)" + String(repeating: "v", count: random.below(120))
            let timestamp = random.chance(15) ? nil : world.wallClock - Int64(random.below(300))
            try world.append(keys, to: partition, value: value, timestamp: timestamp)
            let records = keys.enumerated().map { index, key in
                MaintainedRecord(offset: base + Int64(index), key: key, value: value, timestamp: timestamp ?? -1)
            }
            model.appended(records, to: partition, at: world.wallClock)
            if random.chance(85) { try world.commit(partition) }
        }

        mutating func change() throws {
            guard let name = somePartition()?.topic else { return }
            world.configure(name, MaintenanceTests.config(&random))
            for partition in world.topics[name]?.partitions ?? [] { model.configured(partition) }
        }

        mutating func delete() throws {
            guard let name = somePartition()?.topic else { return }
            try world.delete(name)
            checkTurns = 0
            world.wake()
        }

        mutating func restart() throws {
            let end = MaintenanceWorld.End.allCases[random.below(3)]
            let configs = world.topics.partitions.map { ($0.topic, $0.config) }
            let durable = world.topics.partitions.map { ($0.name, $0.durableEnd.offset) }
            if end == .stop {
                for partition in world.topics.partitions where partition.opened != nil { try world.commit(partition) }
            }
            try model.check(world)
            try world.restart(after: end, seed: random.next())
            for (name, config) in configs { world.configure(name, config) }
            try model.restarted(
                world.topics, isClean: end == .stop, durable: Dictionary(uniqueKeysWithValues: durable))
            restarts += 1
        }

        /// To the next turn, or a part of the way.
        mutating func passTime() throws {
            try model.check(world)
            let limit = world.time + Int64(random.below(60))
            let before = world.disk.steps
            let wasChecking = world.maintenance.checkFrom != nil || !world.maintenance.unfinished.isEmpty
            let opened = world.topics.partitions.filter { $0.opened != nil }.count
            if try world.turn(upTo: limit) {
                // A batch has about 70 bytes or more: at most ten copies, and the swaps of the few segments
                // that 600 bytes can be of.
                #expect(world.disk.steps - before <= 100, "\(world.disk.steps - before) changes in a turn")
                #expect(world.topics.partitions.filter { $0.opened != nil }.count <= opened + 1)
                checkTurns = wasChecking ? checkTurns + 1 : 0
                // Every partition has had its turn when each has worked once, and all three activities have.
                let count = world.topics.partitions.count
                #expect(checkTurns <= 3 * (12 * count + 2), "a check takes \(checkTurns) turns")
            } else {
                world.pass(limit - world.time)
            }
            try model.check(world)
        }
    }

    @Test(
        "deletes and compacts what it must in time, and nothing else, whatever comes between its turns",
        arguments: UInt64(0)..<30)
    func model(seed: UInt64) throws {
        var run = try Run(seed: seed)
        for _ in 0..<2000 { try run.step() }
        let seen = run.model.seen
        for what in ["segments deleted", "records compacted", "files removed", "due for time", "due for roll"] {
            #expect(seen[what, default: 0] > 0, "\(what) was not seen")
        }
    }
}
