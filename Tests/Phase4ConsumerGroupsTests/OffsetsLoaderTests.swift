import SegmentLog
import TestSupport
import Testing
import TopicsPartitions
import WireProtocol

@testable import ConsumerGroups

/// A partition of `__consumer_offsets` in which a test appends what it likes.
private final class LoaderWorld {
    let partition: Partition
    private var partitions: PartitionServer
    private var server = RequestServer([.produce], maxInFlight: 1)
    private(set) var effects = Effects()
    private let now = Instant(nanoseconds: 0)

    init(segmentBytes: Int64 = 1_024, maxMessageBytes: Int = 1_000_000, flushMessages: Int64 = .max) throws {
        var defaults = TopicConfig()
        defaults.flushMessages = flushMessages
        partitions = PartitionServer(
            try Topics(in: MemoryStorage(), nodeID: 1, defaults: defaults) { _, _ in }, maxFetchBytes: 1, seed: 1)
        var settings = GroupSettings()
        (settings.offsetsPartitionCount, settings.offsetsSegmentBytes) = (1, segmentBytes)
        settings.offsetsMaxBatchBytes = Int64(maxMessageBytes)
        let view = ClusterView(
            clusterID: "test", brokers: [.init(id: 1, address: SocketAddress(host: "here", port: 1))], controllerID: 1)
        #expect(partitions.makeOffsetsTopic(settings, of: view, at: now, &server, &effects) == .none)
        partition = try #require(partitions.topics[OffsetsTopic.name]?.partition(0))
    }

    func append(_ records: [GroupRecord], isAtomic: Bool = true) throws -> LogPosition? {
        try partitions.append(records, isAtomic: isAtomic, to: partition, at: now, &server, &effects)
    }

    func append(_ batch: RecordBatch) throws {
        _ = try partitions.append(batch, to: partition, at: now, &server, &effects)
    }

    /// Performs every synchronize that is asked for.
    func synchronize() throws {
        while let asked = effects.all.firstIndex(where: { if case .synchronize = $0 { true } else { false } }) {
            guard case .synchronize(let ticket, let files) = effects.all[asked] else { return }
            effects = Effects()
            for file in files { try file.synchronize() }
            partitions.synchronized(ticket, &server, &effects)
        }
    }

    /// Reads on until there is no more to be had; returns what was found and the lines for the operator.
    func load(
        _ loader: inout OffsetsLoader, _ offsets: inout GroupOffsets, maxBytes: Int = 1 << 20
    ) throws -> (end: OffsetsLoader.Progress, steps: Int, lines: [LogLine]) {
        var effects = Effects()
        var steps = 1
        while true {
            let progress = try loader.step(maxBytes: maxBytes, &effects) { record throws(CodingError) in
                try offsets.replay(record)
            }
            if progress != .more { return (progress, steps, effects.all.compactMap(\.line)) }
            steps += 1
        }
    }

    func load(maxBytes: Int = 1 << 20) throws -> (found: [String], loader: OffsetsLoader, steps: Int, lines: [LogLine])
    {
        var loader = OffsetsLoader(partition)
        var offsets = GroupOffsets()
        let (end, steps, lines) = try load(&loader, &offsets, maxBytes: maxBytes)
        #expect(end == .done)
        return (Self.shown(offsets), loader, steps, lines)
    }

    static func shown(_ offsets: GroupOffsets) -> [String] {
        offsets.groups.flatMap { group in
            offsets.fetch(.of(group), requiresStable: false, in: MetadataImage()).shown.map { "\(group)/\($0)" }
        }
    }

    static func record(_ group: String, _ offset: Int64, partition: Int32 = 0) throws -> GroupRecord {
        var value = OffsetCommitValue()
        value.offset = offset
        return try GroupRecord(OffsetCommitKey(group: group, topic: "t", partition: partition), value)
    }

    static func batch(_ records: [GroupRecord], codec: BatchAttributes.Codec = .none) throws -> RecordBatch {
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        for record in records { builder.append(key: record.key, value: record.value) }
        return try builder.finish(codec: codec)
    }
}

extension Effect {
    fileprivate var line: LogLine? {
        if case .log(let line) = self { return line }
        return nil
    }
}

@Suite("Loading a partition of the offsets topic")
struct OffsetsLoaderTests {
    @Test("in steps of any size finds the same as at once", arguments: [1, 61, 100, 500, 5_000])
    func steps(maxBytes: Int) throws {
        let world = try LoaderWorld()
        var random = SplitMix64(seed: 3)
        var expected: [String: Int64] = [:]
        for index in 0..<200 as Range<Int64> {
            let records = try (0...random.below(4)).map { _ in
                let (group, number) = ("g\(random.below(3))", Int32(random.below(3)))
                if random.below(5) == 0 {
                    expected["\(group)/t-\(number)"] = nil
                    return try GroupRecord(removing: OffsetCommitKey(group: group, topic: "t", partition: number))
                }
                expected["\(group)/t-\(number)"] = index
                return try LoaderWorld.record(group, index, partition: number)
            }
            _ = try world.append(records)
        }
        let wanted = expected.map { "\($0.key)=\($0.value)" }.sorted()
        let atOnce = try world.load()
        let inSteps = try world.load(maxBytes: maxBytes)
        #expect(atOnce.found == wanted)
        #expect(inSteps.found == wanted)
        #expect(inSteps.loader.recordCount == atOnce.loader.recordCount)
        #expect(inSteps.steps >= atOnce.steps)
        if maxBytes == 1 { #expect(inSteps.steps == 201, "one batch at a time") }
    }

    @Test("of an empty partition is done at once")
    func empty() throws {
        #expect(try LoaderWorld().load().steps == 1)
    }

    @Test("waits for what is not on disk, and goes on when it is")
    func waitsForDisk() throws {
        let world = try LoaderWorld(flushMessages: 3)
        for offset in 1...4 as ClosedRange<Int64> { _ = try world.append([LoaderWorld.record("g", offset)]) }
        var loader = OffsetsLoader(world.partition)
        var offsets = GroupOffsets()
        #expect(try world.load(&loader, &offsets).end == .waitsForDisk)
        #expect(LoaderWorld.shown(offsets) == ["g/t-0=2"])
        try world.synchronize()
        #expect(try world.load(&loader, &offsets).end == .done)
        #expect(LoaderWorld.shown(offsets) == ["g/t-0=4"])
    }

    @Test("leaves out records before the log's start")
    func logStart() throws {
        let world = try LoaderWorld()
        _ = try world.append([LoaderWorld.record("g", 1), LoaderWorld.record("h", 2)])
        try world.partition.log().advanceStart(to: Offset(1), at: 0)
        #expect(try world.load().found == ["h/t-0=2"])
    }

    @Test("reads compressed batches")
    func compressed() throws {
        let world = try LoaderWorld()
        let records = try (0..<20 as Range<Int32>).map { try LoaderWorld.record("g", 7, partition: $0) }
        try world.append(LoaderWorld.batch(records, codec: .gzip))
        #expect(try world.load().found.count == 20)
    }

    @Test("passes over what it does not know or cannot read, with one line for each kind")
    func skips() throws {
        let world = try LoaderWorld()
        let strange: [GroupRecord] = [
            GroupRecord(key: [0, 99, 1], value: [0]), GroupRecord(key: [0, 99, 2], value: [0]),
            GroupRecord(key: [0, 98], value: nil), GroupRecord(key: [], value: [1]), GroupRecord(key: [0], value: [1]),
            GroupRecord(key: [0, 1, 0, 9, 1], value: nil), GroupRecord(key: [0, 0], value: [0, 0]),
            GroupRecord(key: [0xFF, 0xFF], value: [0]),
        ]
        for record in strange { _ = try world.append([try LoaderWorld.record("g", 1), record]) }
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        builder.append(key: nil, value: Bytes([1]))
        try world.append(builder.finish())
        _ = try world.append([LoaderWorld.record("g", 2)])
        let (found, loader, _, lines) = try world.load(maxBytes: 200)
        #expect(found == ["g/t-0=2"])
        #expect(loader.recordCount == strange.count + 1)
        #expect(loader.skippedCount == strange.count + 1)
        let what = lines.map { $0["what"] }
        #expect(
            what == ["kind 99", "kind 98", "short key", "unreadable 1", "unreadable 0", "kind -1", "no key"])
    }

    @Test("passes over records of transactions, and over a batch that is damaged")
    func damagedBatches() throws {
        let world = try LoaderWorld()
        let sound = try LoaderWorld.batch([try LoaderWorld.record("g", 1)])
        try world.append(sound)
        try world.append(sound)
        for attributes in [0b1_0000, 0b10_0000, 0b11_0000] as [UInt8] {
            var bytes = try LoaderWorld.batch([try LoaderWorld.record("h", 5)]).bytes.array
            bytes[22] = attributes
            let checksum = CRC32C.checksum(Bytes(bytes).dropFirst(21))
            for index in 0..<4 { bytes[17 + index] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * index)) }
            try world.append(try RecordBatch(checking: Bytes(bytes)))
        }
        // What stood on the disk, and is not what it was.
        try world.partition.log().activeFile.rewrite(Bytes([0xFF]), at: 70)
        try world.append(try LoaderWorld.batch([try LoaderWorld.record("g", 3)]))
        let (found, loader, _, lines) = try world.load()
        #expect(found == ["g/t-0=3"])
        #expect(loader.recordCount == 2 && loader.skippedCount == 4)
        #expect(lines.map { $0["what"] } == ["batch", "transaction"])
    }
}

@Suite("Records of groups that are appended")
struct GroupRecordAppendTests {
    private func records(_ count: Int) throws -> [GroupRecord] {
        try (0..<count).map { try LoaderWorld.record("g", 1, partition: Int32($0)) }
    }

    @Test("together are one batch, which is refused where it is too large, and nothing is appended")
    func atomic() throws {
        let world = try LoaderWorld(maxMessageBytes: 500)
        let end = try world.append(records(5))
        #expect(end?.offset == Offset(5))
        #expect(try world.append([]) == nil)
        #expect(throws: LogError.self) { try world.append(records(20)) }
        #expect(try world.partition.log().end.offset == Offset(5))
        #expect(try world.load().found.count == 5)
    }

    @Test("one by one are cut into batches that fit", arguments: [1_000_000] + Array(150...250))
    func cut(maxMessageBytes: Int) throws {
        let world = try LoaderWorld(maxMessageBytes: maxMessageBytes)
        let end = try world.append(records(50), isAtomic: false)
        #expect(end?.offset == Offset(50))
        let (found, _, steps, _) = try world.load(maxBytes: 1)
        #expect(found.count == 50)
        #expect(steps > 2, "segment.bytes is 1024")
    }

    @Test("and do not fit alone are refused")
    func tooLarge() throws {
        let world = try LoaderWorld(maxMessageBytes: 100)
        #expect(throws: LogError.self) { try world.append(records(1), isAtomic: false) }
        #expect(try world.partition.log().end.offset == .zero)
    }
}
