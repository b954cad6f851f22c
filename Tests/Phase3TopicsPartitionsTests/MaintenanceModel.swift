import SegmentLog
import Testing

@testable import TopicsPartitions

/// What the partitions of a `MaintenanceWorld` must still hold, and must no longer, kept in plain lists.
struct MaintenanceModel {
    /// How long what must be gone may stay, beyond its delay.
    struct Slack {
        var deletion: Int64
        var compaction: Int64
        var roll: Int64
    }

    /// What is known of one partition.
    private struct Expected {
        var name: String
        /// Every record that was appended and not lost in a crash.
        var appended: [MaintainedRecord] = []
        /// The milliseconds since 1970 at which each of them was.
        var times: [Int64] = []
        /// The last look at its log.
        var segments: [MaintainedSegment] = []
        var fingerprint: [Int64] = []
        /// Whether its config was ever one that compacts.
        var wasCompacting = false
        /// Since when each thing is overdue, by what it is.
        var overdue: [String: Int64] = [:]
    }

    private var partitions: [Int: Expected] = [:]
    /// Since when files and directories of a deleted thing are there, by their paths.
    private var deleted: [String: Int64] = [:]
    /// Whether what is deleted may be so since before the restart.
    private var isFirstLook = false
    private let slack: Slack
    private let name: String
    /// What was seen, so that a quiet run cannot pass for a hard one.
    private(set) var seen: [String: Int] = [:]

    init(_ name: String, _ slack: Slack) {
        self.name = name
        self.slack = slack
    }

    mutating func appended(_ records: [MaintainedRecord], to partition: Partition, at wallClock: Int64) {
        partitions[partition.key, default: Expected(name: partition.name)].appended += records
        partitions[partition.key]?.times += records.map { _ in wallClock }
    }

    /// The config has changed: what was overdue under the old one is no longer.
    mutating func configured(_ partition: Partition) {
        partitions[partition.key]?.overdue = [:]
        deleted = deleted.filter { !$0.key.hasPrefix("\(partition.name)/") }
    }

    /// The keys of partitions are new after a restart, and so are all delays. A crash may have taken what
    /// was not synchronized: what lies behind these offsets, by the partitions' names.
    mutating func restarted(_ topics: Topics, isClean: Bool, durable: [String: Offset]) throws {
        let known = Dictionary(uniqueKeysWithValues: partitions.values.map { ($0.name, $0) })
        partitions = [:]
        (deleted, isFirstLook) = ([:], true)
        for partition in topics.partitions {
            var expected = known[partition.name] ?? Expected(name: partition.name)
            expected.overdue = [:]
            if !isClean {
                let end = try partition.log().end.offset.value
                #expect(end >= durable[partition.name]?.value ?? 0, "\(name): \(partition.name) has lost its end")
                let kept = expected.appended.prefix { $0.offset < end }.count
                expected.appended.removeLast(expected.appended.count - kept)
                expected.times.removeLast(expected.times.count - kept)
                expected.fingerprint = []
                expected.segments = try MaintainedSegment.all(of: partition.log())
            }
            partitions[partition.key] = expected
        }
    }

    // MARK: Checks

    /// Compares every log that has changed with what it was, and looks for what is overdue.
    mutating func check(_ world: MaintenanceWorld) throws {
        let keys = Set(world.topics.partitions.map(\.key))
        partitions = partitions.filter { keys.contains($0.key) }
        for partition in world.topics.partitions {
            var expected = partitions[partition.key] ?? Expected(name: partition.name)
            if partition.config.cleanupPolicy.contains(.compact) { expected.wasCompacting = true }
            if let log = partition.opened {
                let fingerprint = [
                    log.startOffset.value, log.end.offset.value, Int64(log.snapshot.segmentCount),
                    log.snapshot.byteCount,
                ]
                if fingerprint != expected.fingerprint {
                    let segments = try MaintainedSegment.all(of: log)
                    checkDeletion(&expected, segments, partition, world.wallClock)
                    checkRecords(expected, segments, partition, world)
                    (expected.segments, expected.fingerprint) = (segments, fingerprint)
                }
                checkCompacted(expected, partition, world)
            }
            checkOverdue(&expected, partition, world)
            partitions[partition.key] = expected
        }
        try checkFiles(world)
    }

    /// What went from the log's beginning had to go: its segment was too old, or there was too much.
    private mutating func checkDeletion(
        _ expected: inout Expected, _ after: [MaintainedSegment], _ partition: Partition, _ wallClock: Int64
    ) {
        let start = after[0].base
        let gone = expected.segments.prefix { $0.base < start }
        guard !gone.isEmpty else { return }
        seen["segments deleted", default: 0] += gone.count
        let config = partition.config
        #expect(config.cleanupPolicy.contains(.delete), "\(name): \(expected.name) lost segments")
        #expect(start <= partition.highWatermark.offset.value, "\(name): \(expected.name) lost what nobody has seen")
        // Compaction may have merged or shortened segments meanwhile: bytes only become fewer by that.
        var left = expected.segments.reduce(0) { $0 + $1.bytes }
        for segment in gone {
            left -= segment.bytes
            let isOld =
                config.retentionMilliseconds.map { segment.timestamp >= 0 && wallClock - segment.timestamp > $0 }
                ?? false
            let isSurplus = config.retentionBytes.map { left >= $0 } ?? false
            #expect(isOld || isSurplus, "\(name): \(expected.name) lost \(segment.base) too early")
        }
    }

    /// Every record is there as it was appended, but for what another one of its key has replaced.
    private mutating func checkRecords(
        _ expected: Expected, _ segments: [MaintainedSegment], _ partition: Partition, _ world: MaintenanceWorld
    ) {
        let there = segments.flatMap(\.records)
        let appended = expected.appended.drop { $0.offset < segments[0].base }
        let highWatermark = partition.highWatermark.offset.value
        var latest: [String: Int64] = [:]
        for record in appended where record.offset < highWatermark { record.key.map { latest[$0] = record.offset } }
        var next = there[...]
        for (index, record) in zip(appended.indices, appended) {
            if next.first?.offset == record.offset {
                #expect(next.popFirst() == record, "\(name): \(expected.name) has changed a record")
                continue
            }
            let isReplaced = record.key.map { (latest[$0] ?? -1) > record.offset } ?? true
            let age = world.wallClock - expected.times[index]
            let isSpentTombstone =
                record.value == nil && age > partition.config.compaction.deleteRetentionMilliseconds
            let mayGo = expected.wasCompacting && record.offset < highWatermark && (isReplaced || isSpentTombstone)
            #expect(mayGo, "\(name): \(expected.name) has lost record \(record.offset)")
            seen["records compacted", default: 0] += 1
        }
        #expect(next.isEmpty, "\(name): \(expected.name) has a record that was not appended")
    }

    /// Before the first dirty offset no key is there twice.
    private func checkCompacted(_ expected: Expected, _ partition: Partition, _ world: MaintenanceWorld) {
        guard let dirty = world.topics.directory.firstDirtyOffset(partition.name) else { return }
        let clean = expected.segments.flatMap(\.records).filter { $0.offset < dirty.value }
        #expect(Set(clean.map(\.key)).count == clean.count, "\(name): \(expected.name) has a key twice")
        #expect(!clean.contains { $0.key == nil }, "\(name): \(expected.name) has a record without a key")
    }

    private mutating func checkOverdue(_ expected: inout Expected, _ partition: Partition, _ world: MaintenanceWorld) {
        let config = partition.config
        let wallClock = world.wallClock
        let highWatermark = partition.opened == nil ? Int64.max : partition.highWatermark.offset.value
        let segments = expected.segments
        guard let first = segments.first, let active = segments.last else { return }
        let deletes = config.cleanupPolicy.contains(.delete)
        let isOld =
            config.retentionMilliseconds.map { first.timestamp >= 0 && wallClock - first.timestamp > $0 } ?? false
        note(
            &expected, "time", deletes && isOld && first.end <= highWatermark && first.bytes > 0, slack.deletion, world)
        let surplus = config.retentionBytes.map { segments.reduce(0) { $0 + $1.bytes } - $0 } ?? 0
        note(
            &expected, "size",
            deletes && segments.count > 1 && surplus >= first.bytes && surplus > 0 && first.bytes > 0
                && first.end <= highWatermark, slack.deletion, world)
        // A log that only loses segments needs no roll while it is closed.
        let isWatched = partition.opened != nil || config.cleanupPolicy.contains(.compact)
        let isAged =
            active.timestamp < 0 ? partition.opened != nil : wallClock - active.timestamp > segmentLimit(config)
        note(
            &expected, "roll \(active.end)", isWatched && active.bytes > 0 && isAged,
            slack.roll + (active.timestamp < 0 ? segmentLimit(config) : 0), world)
        if let log = partition.opened, config.cleanupPolicy.contains(.compact) {
            let dirt = log.dirtiness(
                config.compaction, from: world.topics.directory.firstDirtyOffset(partition.name) ?? .zero,
                upTo: partition.highWatermark.offset, at: wallClock)
            let lag = config.maxCompactionLagMilliseconds
            let isLate = segments.dropLast().contains { segment in
                segment.end > dirt.firstDirtyOffset.value && segment.end <= dirt.firstUncleanableOffset.value
                    && segment.firstTimestamp.map { $0 >= 0 && lag < .max && wallClock - $0 > lag } == true
            }
            note(
                &expected, "compaction from \(dirt.firstDirtyOffset)",
                dirt.cleanableBytes > 0 && (dirt.shouldBeCleaned(config.compaction) || isLate), slack.compaction, world)
        }
    }

    private func segmentLimit(_ config: TopicConfig) -> Int64 { config.maxSegmentMilliseconds }

    /// Whether something is overdue, and not for longer than it may.
    private mutating func note(
        _ expected: inout Expected, _ what: String, _ isDue: Bool, _ slack: Int64, _ world: MaintenanceWorld
    ) {
        let kind = String(what.prefix { $0 != " " })
        let old = expected.overdue.first { $0.key.hasPrefix(kind) }
        guard isDue else {
            if let old { expected.overdue[old.key] = nil }
            return
        }
        let since = old?.key == what ? old?.value ?? world.time : world.time
        if let old { expected.overdue[old.key] = nil }
        expected.overdue[what] = since
        seen["due for \(kind)", default: 0] += 1
        #expect(world.time - since <= slack, "\(name): \(expected.name) waits for its \(what) for too long")
    }

    /// Deleted files and directories go after their delay, and at most one log is being compacted.
    private mutating func checkFiles(_ world: MaintenanceWorld) throws {
        let root = MemoryStorage(world.disk)
        var compacted: [String] = []
        var there: [String: Int64] = [:]
        for directory in try root.subdirectories() {
            let storage = try root.directory(directory)
            let isRemoved = directory.hasSuffix("-delete")
            let delay =
                isRemoved
                ? world.maintenance.settings.fileDeleteDelayMilliseconds
                : world.topics.partitions.first { $0.name == directory }?.config.fileDeleteDelayMilliseconds ?? 0
            for name in try storage.list() {
                if !isRemoved, name.hasSuffix(".log.cleaned") { compacted.append(directory) }
                guard isRemoved || name.hasSuffix(".deleted") else { continue }
                // Another compaction of the same segment leaves another file of the same name.
                let contents = isRemoved ? 0 : try storage.contents(of: name).array.hashValue
                let file = "\(directory)/\(name) \(contents)"
                let since = deleted[file] ?? (isFirstLook ? world.time - delay : world.time)
                there[file] = since
                #expect(world.time - since <= delay + slack.deletion, "\(self.name): \(file) is still there")
            }
        }
        #expect(compacted.count <= 1, "\(name): \(compacted) are compacted at once")
        for (file, since) in deleted where there[file] == nil {
            seen["files removed", default: 0] += 1
            guard file.contains("-delete/") else { continue }
            let delay = world.maintenance.settings.fileDeleteDelayMilliseconds
            #expect(world.time - since >= delay, "\(name): \(file) has gone before its delay")
        }
        (deleted, isFirstLook) = (there, false)
    }
}
