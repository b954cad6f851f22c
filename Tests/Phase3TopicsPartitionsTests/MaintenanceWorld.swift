import SegmentLog
import TestSupport
import Testing
import WireProtocol

@testable import TopicsPartitions

/// Topics on a disk in memory with a time of their own, and the maintenance of their logs.
final class MaintenanceWorld {
    private(set) var disk: MemoryDisk
    private(set) var topics: Topics
    var maintenance: LogMaintenance
    /// Milliseconds since the world began.
    private(set) var time: Int64 = 0
    /// When maintenance wants its next turn.
    private(set) var next = Instant(nanoseconds: 0)
    /// What it said, and when.
    private(set) var lines: [LogLine] = []
    private(set) var turns = 0
    private var ids: UInt64 = 0
    private let settings: LogMaintenance.Settings

    /// The time of day when the world began, in milliseconds since 1970.
    static let epoch: Int64 = 1_700_000_000_000

    init(_ settings: LogMaintenance.Settings = LogMaintenance.Settings(), disk: MemoryDisk = MemoryDisk()) throws {
        self.disk = disk
        self.settings = settings
        topics = try Self.open(disk)
        maintenance = LogMaintenance(topics.directory, settings)
    }

    private static func open(_ disk: MemoryDisk) throws -> Topics {
        try Topics(in: MemoryStorage(disk), nodeID: 1, defaults: TopicConfig()) { _, _ in }
    }

    var wallClock: Int64 { Self.epoch + time }
    var now: Instant { Instant(nanoseconds: 0).advanced(byMilliseconds: time) }

    // MARK: Topics

    @discardableResult
    func create(_ name: String, partitions: Int = 1, _ config: TopicConfig) throws -> [Partition] {
        ids += 1
        let id = Uuid(high: ids, low: 1)
        let records = (0..<partitions).map {
            MetadataRecord.partition(PartitionRecord(index: Int32($0), topicID: id, replicas: [1]))
        }
        _ = try topics.append([.topic(TopicRecord(name: name, topicID: id))] + records, at: wallClock)
        configure(name, config)
        return topics[name]?.partitions ?? []
    }

    func configure(_ name: String, _ config: TopicConfig) {
        for partition in topics[name]?.partitions ?? [] { partition.config = config }
    }

    func delete(_ name: String) throws {
        let id = try #require(topics[name]?.id)
        _ = try topics.append([.removeTopic(RemoveTopicRecord(topicID: id))], at: wallClock)
    }

    func partition(_ name: String) throws -> Partition {
        try #require(topics.partitions.first { $0.name == name })
    }

    /// Appends a record for each key, all with one timestamp; nil for records without one.
    func append(_ keys: [String?], to partition: Partition, value: String? = "v", timestamp: Int64?) throws {
        var builder = RecordBatchBuilder(baseTimestamp: timestamp ?? -1)
        for key in keys {
            builder.append(
                key: key.map { Bytes(utf8: $0) }, value: value.map { Bytes(utf8: $0) }, timestamp: timestamp ?? -1)
        }
        let appended = try partition.log().append(builder.finish(), leaderEpoch: LeaderEpoch(0))
        partition.appended(.init(end: appended.end, byteCount: 1, produce: nil))
    }

    /// Consumers see everything that was appended.
    func commit(_ partition: Partition) throws {
        let log = try partition.log()
        try topics.directory.synchronizeNames()
        try log.synchronize()
        partition.becameDurable(upTo: log.end)
        _ = partition.advanceHighWatermark(flushMessages: 1)
    }

    // MARK: Time

    /// Lets time pass, without a turn.
    func pass(_ milliseconds: Int64) { time += milliseconds }

    /// Goes to the next turn, if that is not behind `limit`, and takes it. Returns whether it did.
    func turn(upTo limit: Int64) throws -> Bool {
        let due = max(next, now)
        guard due <= Instant(nanoseconds: 0).advanced(byMilliseconds: limit) else { return false }
        time = due.nanoseconds / 1_000_000
        var effects = Effects()
        next = try maintenance.turn(at: now, wallClock: wallClock, over: topics, &effects)
        #expect(next > now, "a turn leaves time to others")
        turns += 1
        for case .log(let line) in effects.all { lines.append(line) }
        return true
    }

    /// Lets time pass, with every turn that is due.
    func run(_ milliseconds: Int64) throws {
        let limit = time + milliseconds
        while try turn(upTo: limit) {}
        time = limit
    }

    /// The turn after next is due at once: topics have changed.
    func wake() { next = min(next, now) }

    /// Says what was said since the last time.
    func takeLines() -> [LogLine] {
        defer { lines = [] }
        return lines
    }

    // MARK: Restarts

    /// How the broker ends.
    enum End: CaseIterable { case stop, kill, powerLoss }

    func restart(after end: End, seed: UInt64 = 0) throws {
        switch end {
        case .stop:
            maintenance.stop()
            try topics.close()
            disk = disk.afterKill()
        case .kill: disk = disk.afterKill()
        case .powerLoss: disk = disk.afterPowerLoss(seed: seed)
        }
        topics = try Self.open(disk)
        maintenance = LogMaintenance(topics.directory, settings)
        next = now
    }
}

/// A record in a log.
struct MaintainedRecord: Equatable {
    var offset: Int64
    var key: String?
    var value: String?
    var timestamp: Int64
}

/// A segment, as a reader of its log finds it.
struct MaintainedSegment {
    var base: Int64
    var end: Int64
    var bytes: Int64 = 0
    /// The greatest timestamp of its batches; -1 for none.
    var timestamp: Int64 = -1
    /// The greatest timestamp of its first batch.
    var firstTimestamp: Int64?
    var records: [MaintainedRecord] = []

    /// All segments of a log.
    static func all(of log: Log) throws -> [MaintainedSegment] {
        let bases = try log.storage.list().filter { $0.hasSuffix(".log") }.compactMap { Int64($0.dropLast(4)) }
        var segments = bases.map { MaintainedSegment(base: $0, end: log.end.offset.value) }
        for index in segments.indices.dropLast() { segments[index].end = segments[index + 1].base }
        var next = log.startOffset
        while let range = try log.snapshot.read(from: next, upTo: log.end, maxBytes: 1 << 20) {
            var rest = try range.read()
            while rest.count > 0 {
                let batch = try RecordBatch(checking: rest)
                rest = rest.dropFirst(batch.header.byteCount)
                next = batch.header.nextOffset
                let place = try #require(segments.lastIndex { $0.base <= batch.header.baseOffset.value })
                try segments[place].add(batch)
            }
        }
        return segments
    }

    private mutating func add(_ batch: RecordBatch) throws {
        bytes += Int64(batch.header.byteCount)
        timestamp = max(timestamp, batch.header.maxTimestamp)
        firstTimestamp = firstTimestamp ?? batch.header.maxTimestamp
        var reader = batch.records()
        while let record = try reader.next() {
            records.append(
                MaintainedRecord(
                    offset: batch.offset(of: record).value, key: batch.bytes(record.key)?.text,
                    value: batch.bytes(record.value)?.text, timestamp: batch.timestamp(of: record)))
        }
    }
}
