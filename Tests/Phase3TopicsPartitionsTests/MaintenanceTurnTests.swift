import SegmentLog
import TestSupport
import Testing

@testable import TopicsPartitions

@Suite("A turn of maintenance")
struct MaintenanceTurnTests {
    private static func config(_ change: (inout TopicConfig) -> Void = { _ in }) -> TopicConfig {
        var config = TopicConfig()
        config.log.segmentBytes = 300
        config.retentionMilliseconds = nil
        change(&config)
        return config
    }

    private static func compacted(_ change: (inout TopicConfig) -> Void = { _ in }) -> TopicConfig {
        config {
            $0.cleanupPolicy = .compact
            change(&$0)
        }
    }

    /// Appends batches of one record, the same key in all of them, one millisecond after another.
    private func fill(_ world: MaintenanceWorld, _ name: String, _ count: Int, key: String = "k") throws {
        let partition = try world.partition(name)
        for _ in 0..<count {
            let value = String(repeating: "v", count: 60)
            try world.append([key], to: partition, value: value, timestamp: world.wallClock)
            world.pass(1)
        }
        try world.commit(partition)
    }

    @Test("deletes a few segments and goes on to the next partition, and comes back until all have gone")
    func deletesInTurns() throws {
        let world = try MaintenanceWorld()
        for name in ["a", "b"] {
            try world.create(name, Self.config())
            try fill(world, "\(name)-0", 60)
            world.configure(name, Self.config { $0.retentionBytes = 0 })
        }
        try world.run(60_000)
        let deletions = world.takeLines().filter { $0.event == "segments_deleted" }
        #expect(deletions.allSatisfy { Int($0["segments"] ?? "").map { $0 <= 4 } == true })
        // The first ones are of either, in turns.
        #expect(
            deletions.prefix(8).map { $0["partition"] } == ["a-0", "b-0", "a-0", "b-0", "a-0", "b-0", "a-0", "b-0"])
        for name in ["a-0", "b-0"] {
            let log = try world.partition(name).log()
            #expect(log.snapshot.segmentCount == 1)
            #expect(deletions.last { $0["partition"] == name }?["log_start_offset"] == "\(log.startOffset)")
        }
    }

    @Test("deletes nothing behind the high watermark, however old it is")
    func highWatermark() throws {
        let world = try MaintenanceWorld()
        try world.create("a", Self.config { $0.retentionMilliseconds = 1000 })
        try fill(world, "a-0", 10)
        let partition = try world.partition("a-0")
        for _ in 0..<10 { try world.append(["k"], to: partition, value: nil, timestamp: world.wallClock) }
        try world.run(1_000_000)
        let log = try partition.log()
        #expect(log.startOffset > .zero && log.startOffset <= Offset(10) && log.end.offset == Offset(20))
        try world.commit(partition)
        try world.run(400_000)
        #expect(log.startOffset == Offset(20))
    }

    @Test("gives checking, compacting and removing their turns, however much each has to do")
    func takesTurns() throws {
        var settings = LogMaintenance.Settings.small
        (settings.filesPerTurn, settings.cleanerBackoffMilliseconds) = (1, 50)
        let world = try MaintenanceWorld(settings)
        // The first check is at 30 s, the second at 330 s.
        _ = try world.turn(upTo: 0)
        for (name, config) in [("a", Self.config()), ("b", Self.compacted()), ("c", Self.config())] {
            try world.create(name, config)
        }
        for name in ["a-0", "c-0"] { try fill(world, name, 60) }
        try world.run(270_000 - world.time)
        try world.delete("c")
        try world.run(330_000 - 100 - world.time)
        try fill(world, "b-0", 60)
        world.configure("a", Self.config { $0.retentionBytes = 0 })
        world.pass(330_100 - world.time)
        let files = { world.disk.contents().keys.filter { $0.contains("-delete/") }.count }
        let before = files()
        world.wake()
        for _ in 0..<30 { _ = try world.turn(upTo: .max) }
        #expect((7...11).contains(world.takeLines().filter { $0.event == "segments_deleted" }.count))
        #expect((7...11).contains(before - files()))
        guard case .cleaning(let cleaning) = world.maintenance.compaction else {
            return #expect(Bool(false), "nothing is being compacted")
        }
        #expect(cleaning.cleaner.byteCount > 0)
    }

    @Test("removes files after their delay, some at a time")
    func removesFiles() throws {
        let world = try MaintenanceWorld()
        // Too long for the check that comes next.
        try world.create("a", Self.config { ($0.retentionBytes, $0.fileDeleteDelayMilliseconds) = (0, 310_000) })
        try fill(world, "a-0", 40)
        try world.run(31_000)
        let deletedFiles = { world.disk.contents().keys.filter { $0.hasSuffix(".deleted") }.count }
        let count = deletedFiles()
        #expect(count > 12)
        try world.run(400_000)
        #expect(deletedFiles() == count)
        var before = count
        while try world.turn(upTo: 700_000) {
            #expect(deletedFiles() >= before - 4)
            before = deletedFiles()
        }
        #expect(before == 0)
    }

    @Test("leaves the files of a deleted topic for the delay, and then removes some at a time")
    func removesDirectories() throws {
        let world = try MaintenanceWorld()
        try world.create("a", partitions: 3, Self.config())
        for number in 0..<3 { try fill(world, "a-\(number)", 20) }
        let files = { world.disk.contents().keys.filter { $0.contains("-delete/") }.count }
        try world.run(1)
        try world.delete("a")
        world.wake()
        try world.run(59_999)
        var before = files()
        #expect(before > 40)
        while try world.turn(upTo: world.time + 100) {
            #expect(files() >= before - 4)
            before = files()
        }
        #expect(before == 0)
        #expect(world.takeLines().filter { $0.event == "directory_removed" }.count == 3)
    }

    @Test("rolls a segment whose records have no timestamps by the time that it was seen first")
    func rollsByTheClock() throws {
        let world = try MaintenanceWorld()
        try world.create("a", Self.config { $0.log.segmentMilliseconds = 1_000_000 })
        let partition = try world.partition("a-0")
        try world.append(["k"], to: partition, timestamp: nil)
        try world.commit(partition)
        try world.run(30_000 + 900_000)
        #expect(try partition.log().snapshot.segmentCount == 1)
        // Also while it is appended to.
        try world.append(["k"], to: partition, timestamp: nil)
        try world.run(500_000)
        #expect(try partition.log().snapshot.segmentCount == 2)
        // An empty one stays.
        try world.run(3_000_000)
        #expect(try partition.log().snapshot.segmentCount == 2)
        #expect(world.takeLines().map(\.event) == ["segment_rolled"])
    }

    @Test("rolls a segment of old records once nothing comes any more, and not while old records come")
    func rollsIdleSegments() throws {
        let world = try MaintenanceWorld()
        try world.create(
            "a",
            Self.config {
                $0.log.segmentMilliseconds = 1000; $0.log.segmentBytes = 1 << 20
            })
        let partition = try world.partition("a-0")
        for _ in 0..<20 {
            try world.append(["k"], to: partition, timestamp: 5_000_000)
            try world.run(250_000)
        }
        try world.commit(partition)
        #expect(try partition.log().snapshot.segmentCount == 1)
        try world.run(700_000)
        #expect(try partition.log().snapshot.segmentCount == 2)
    }

    @Test("rolls a compacted log's segment at max.compaction.lag.ms, and compacts it, however clean the log is")
    func maxCompactionLag() throws {
        for lag in [Int64.max, 1_000_000] {
            let world = try MaintenanceWorld()
            try world.create(
                "a",
                Self.compacted {
                    $0.maxCompactionLagMilliseconds = lag
                    $0.compaction.minCleanableDirtyRatio = 1
                })
            try fill(world, "a-0", 3)
            try world.run(3_000_000)
            let records = try MaintainedSegment.all(of: world.partition("a-0").log()).flatMap(\.records)
            #expect(records.count == (lag == .max ? 3 : 1))
        }
    }

    @Test("ends a compacted log's segment at max.compaction.lag.ms also while records keep coming")
    func maxCompactionLagOfAppends() throws {
        for policy in [TopicConfig.CleanupPolicy.delete, .compact] {
            let world = try MaintenanceWorld()
            var config = Self.config { $0.maxCompactionLagMilliseconds = 1000 }
            (config.cleanupPolicy, config.log.segmentBytes) = (policy, 1 << 20)
            try world.create("a", config)
            let partition = try world.partition("a-0")
            for _ in 0..<50 {
                try world.append(["k"], to: partition, timestamp: world.wallClock)
                world.pass(100)
            }
            #expect(try partition.log().snapshot.segmentCount == (policy == .compact ? 5 : 1))
        }
    }

    @Test("compacts the dirtiest log first, one after another, and says what it came to")
    func dirtiestFirst() throws {
        let world = try MaintenanceWorld()
        for (name, clean, dirty) in [("a", 30, 40), ("b", 30, 90), ("c", 30, 60), ("d", 30, 20)] {
            try world.create(name, Self.compacted())
            let partition = try world.partition("\(name)-0")
            for key in 0..<clean { try fill(world, "\(name)-0", 1, key: "\(key)") }
            try world.topics.directory.wasCompacted(partition.name, upTo: partition.log().end.offset)
            try fill(world, "\(name)-0", dirty)
        }
        try world.run(14_000)
        let lines = world.takeLines()
        #expect(lines.map(\.event) == ["log_compacted", "log_compacted", "log_compacted"])
        #expect(lines.map { $0["partition"] } == ["b-0", "c-0", "a-0"])
        for line in lines {
            let (before, after) = (Int(line["bytes_before"] ?? "") ?? 0, Int(line["bytes_after"] ?? "") ?? 0)
            #expect(after > 0 && before > 30 * 100 && after < before)
        }
        // Not dirty enough.
        #expect(try world.partition("d-0").log().snapshot.byteCount > 50 * 100)
    }

    @Test("sets a log aside that cannot be compacted, says so once, and compacts the others")
    func setsAside() throws {
        let world = try MaintenanceWorld()
        for name in ["a", "b", "c"] {
            try world.create(name, Self.compacted())
            try fill(world, "\(name)-0", name == "b" ? 60 : 30)
        }
        let file = try world.partition("b-0").log().storage.open("00000000000000000000.log", creating: false)
        try file.rewrite([0xFF], at: 100)
        try world.run(200_000)
        let lines = world.takeLines()
        #expect(lines.filter { $0.event == "compaction_failed" }.map { $0["partition"] } == ["b-0"])
        #expect(lines.filter { $0.event == "log_compacted" }.map { $0["partition"] } == ["a-0", "c-0"])
    }

    @Test("abandons a compaction whose topic is deleted, or no longer compacts, and leaves nothing half written")
    func abandons() throws {
        for isDeleted in [true, false] {
            let world = try MaintenanceWorld(LogMaintenance.Settings.small)
            try world.create("a", Self.compacted())
            try fill(world, "a-0", 100)
            while !world.disk.contents().keys.contains(where: { $0.hasSuffix(".log.cleaned") }) {
                _ = try world.turn(upTo: .max)
            }
            if isDeleted {
                try world.delete("a")
                try world.create("a", Self.compacted())
            } else {
                world.configure("a", Self.config())
            }
            try world.run(50)
            let lines = world.takeLines()
            #expect(lines.map(\.event) == ["compaction_abandoned"])
            #expect(lines.first?["reason"] == (isDeleted ? "deleted" : "cleanup.policy"))
            #expect(!world.disk.contents().keys.contains { $0.hasPrefix("/a-0/") && $0.hasSuffix(".cleaned") })
        }
    }

    @Test("compacts nothing behind the high watermark, nor because of what is there")
    func compactsBelowHighWatermark() throws {
        let world = try MaintenanceWorld()
        try world.create("a", Self.compacted())
        try fill(world, "a-0", 20)
        let partition = try world.partition("a-0")
        let visible = partition.highWatermark.offset.value
        for _ in 0..<20 {
            try world.append(["k"], to: partition, value: String(repeating: "v", count: 60), timestamp: world.wallClock)
        }
        try world.run(14_000)
        #expect(world.takeLines().map(\.event) == ["log_compacted"])
        let offsets = try MaintainedSegment.all(of: partition.log()).flatMap(\.records).map(\.offset)
        #expect(offsets.count < 40 && offsets.contains { $0 < visible })
        #expect(offsets.filter { $0 >= visible } == Array(visible..<visible + 20))
    }

    @Test("lets a compaction come to its end before retention takes its segments, and retention right after it")
    func retentionWaits() throws {
        let world = try MaintenanceWorld(LogMaintenance.Settings.small)
        try world.create("a", Self.compacted { $0.cleanupPolicy = [.delete, .compact] })
        try fill(world, "a-0", 100)
        _ = try world.turn(upTo: .max)
        world.configure("a", Self.compacted { ($0.cleanupPolicy, $0.retentionBytes) = ([.delete, .compact], 0) })
        // Its compaction takes longer than until the first check.
        var settings = LogMaintenance.Settings.small
        settings.cleanerMaxBytesPerSecond = 400
        world.maintenance.settings = settings
        while world.lines.count < 2 { _ = try world.turn(upTo: .max) }
        #expect(world.time > 30_000 && world.time % 300_000 > 31_000)
        #expect(world.takeLines().map(\.event) == ["log_compacted", "segments_deleted"])
    }

    @Test("leaves nothing half written at a clean stop")
    func stops() throws {
        let world = try MaintenanceWorld(LogMaintenance.Settings.small)
        try world.create("a", Self.compacted())
        try fill(world, "a-0", 100)
        let cleaned = { world.disk.contents().keys.contains { $0.hasSuffix(".cleaned") } }
        while !cleaned() { _ = try world.turn(upTo: .max) }
        try world.restart(after: .stop)
        #expect(!cleaned())
    }

    @Test("reads and writes no more for compaction than log.cleaner.io.max.bytes.per.second")
    func throttled() throws {
        var settings = LogMaintenance.Settings.small
        settings.cleanerMaxBytesPerSecond = 5000
        let world = try MaintenanceWorld(settings)
        try world.create("a", Self.compacted())
        try fill(world, "a-0", 100)
        let bytes = try world.partition("a-0").log().snapshot.byteCount
        let begin = world.time
        while world.lines.isEmpty { _ = try world.turn(upTo: .max) }
        // Everything is read twice, and next to nothing is written.
        let seconds = Double(world.time - begin) / 1000
        let expected = Double(2 * bytes) / 5000
        #expect(seconds > expected * 0.9 && seconds < expected * 1.2 + 1, "\(seconds) s for \(bytes) bytes")
    }

    @Test("says and does nothing where nothing is due, and sleeps until something is")
    func quiet() throws {
        let world = try MaintenanceWorld()
        try world.create("a", Self.config())
        try world.create("b", Self.compacted())
        for name in ["a-0", "b-0"] { try fill(world, name, 2) }
        let steps = world.disk.steps
        try world.run(3_600_000)
        #expect(world.disk.steps == steps && world.lines.isEmpty)
        // A check every five minutes, and a look for dirty logs every fifteen seconds, of two turns each.
        #expect(world.turns < 2 * (3600 / 15 + 3600 / 300) + 10)
    }

    @Test("opens no log after a clean stop only to find nothing to do, and each in which there is something")
    func closedLogs() throws {
        let world = try MaintenanceWorld()
        try world.create("idle", partitions: 50, Self.config { $0.retentionMilliseconds = 7 * 86_400_000 })
        for number in 0..<50 { try fill(world, "idle-\(number)", 6) }
        try world.create("clean", Self.compacted())
        try fill(world, "clean-0", 20)
        try world.create("old", Self.config())
        try fill(world, "old-0", 6)
        try world.create("dirty", Self.compacted())
        // Long enough for the files that its compaction has replaced.
        try world.run(400_000)
        try fill(world, "dirty-0", 20)
        #expect(world.takeLines().map { $0["partition"] } == ["clean-0"])
        let configs = world.topics.partitions.map { ($0.topic, $0.config) }
        try world.restart(after: .stop)
        for (name, config) in configs { world.configure(name, config) }
        world.configure("old", Self.config { $0.retentionMilliseconds = 100_000 })
        try world.run(10_000)
        #expect(world.topics.directory.openLogs.map(\.name) == ["dirty-0"])
        try world.run(600_000)
        #expect(world.topics.directory.openLogs.map(\.name) == ["dirty-0", "old-0"])
        #expect(try world.partition("old-0").log().startOffset == Offset(6))
        #expect(world.takeLines().map(\.event) == ["log_compacted", "segments_deleted"])
    }

    @Test("ends the broker where a synchronize fails, and goes on after any other failure")
    func failures() throws {
        let world = try MaintenanceWorld()
        try world.create("a", Self.config { $0.retentionMilliseconds = 1000 })
        try fill(world, "a-0", 2)
        world.disk.failNext(.append, with: 28)
        try world.run(31_000)
        #expect(world.takeLines().map(\.event) == ["retention_failed"])
        try world.run(300_000)
        #expect(world.takeLines().map(\.event) == ["segments_deleted"])
        try fill(world, "a-0", 2)
        world.disk.failNext(.synchronize, with: 5)
        #expect(throws: LogError.self) { try world.run(400_000) }
    }
}

extension LogMaintenance.Settings {
    /// Steps as small as can be.
    static var small: LogMaintenance.Settings {
        var settings = LogMaintenance.Settings()
        settings.bytesPerTurn = 1
        return settings
    }
}
