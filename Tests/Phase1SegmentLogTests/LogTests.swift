import SegmentLog
import TestSupport
import Testing

@Suite("A log")
struct LogTests {
    private let epoch = LeaderEpoch(3)

    @Test("gives each record the next offset, and the batch its leader epoch")
    func offsets() throws {
        let log = try Log(in: MemoryStorage())
        #expect(log.end.offset == .zero)
        let first = try log.append(Batches.make(3), leaderEpoch: epoch)
        let second = try log.append(Batches.make(2), leaderEpoch: epoch)
        #expect(first.baseOffset == .zero && first.lastOffset == Offset(2))
        #expect(second.baseOffset == Offset(3) && second.lastOffset == Offset(4))
        #expect(log.end.offset == Offset(5))
        let bytes = try #require(try log.snapshot.read(from: Offset(3), upTo: log.end, maxBytes: 1 << 20)).read()
        let batch = try RecordBatch(checking: bytes)
        #expect(batch.header.baseOffset == Offset(3) && batch.header.leaderEpoch == epoch)
    }

    @Test("stores a batch as it came, but for offset and epoch: the CRC is not computed again")
    func bytesAsTheyCame() throws {
        let log = try Log(in: MemoryStorage())
        _ = try log.append(Batches.make(1), leaderEpoch: epoch)
        let batch = Batches.make(4, tag: "x")
        _ = try log.append(batch, leaderEpoch: epoch)
        let stored = try #require(try log.snapshot.read(from: Offset(1), upTo: log.end, maxBytes: 1 << 20)).read()
        #expect(stored.dropFirst(16) == batch.bytes.dropFirst(16))
    }

    @Test("corrects a header whose greatest timestamp is not that of its records")
    func maxTimestamp() throws {
        let log = try Log(in: MemoryStorage())
        _ = try log.append(Batches.make(1, timestamp: 500), leaderEpoch: epoch, maxTimestamp: 700)
        let stored = try #require(try log.snapshot.read(from: .zero, upTo: log.end, maxBytes: 1 << 20)).read()
        #expect(try RecordBatch(checking: stored).header.maxTimestamp == 700)
        let next = try log.append(Batches.make(1, timestamp: 500), leaderEpoch: epoch, maxTimestamp: 300).baseOffset
        let lower = try #require(try log.snapshot.read(from: next, upTo: log.end, maxBytes: 1 << 20)).read()
        #expect(try RecordBatch(checking: lower).header.maxTimestamp == 300)
    }

    @Test("refuses offsets before its start and behind its end")
    func outOfRange() throws {
        let log = try Log(in: MemoryStorage())
        _ = try log.append(Batches.make(2), leaderEpoch: epoch)
        #expect(try log.snapshot.read(from: Offset(2), upTo: log.end, maxBytes: 100) == nil)
        for offset in [-1, 3, .max] as [Int64] {
            #expect(throws: LogError.offsetOutOfRange(Offset(offset), start: .zero, end: Offset(2))) {
                try log.snapshot.read(from: Offset(offset), upTo: log.end, maxBytes: 100)
            }
        }
    }

    @Test("returns the first batch whole if asked to, and nothing that does not fit otherwise")
    func limits() throws {
        let log = try Log(in: MemoryStorage())
        let size = Batches.make(1, padding: 500).header.byteCount
        for _ in 0..<3 { _ = try log.append(Batches.make(1, padding: 500), leaderEpoch: epoch) }
        #expect(try log.snapshot.read(from: .zero, upTo: log.end, maxBytes: 10)?.count == size)
        #expect(try log.snapshot.read(from: .zero, upTo: log.end, maxBytes: 10, atLeastOneBatch: false) == nil)
        #expect(try log.snapshot.read(from: .zero, upTo: log.end, maxBytes: size * 2)?.count == size * 2)
        #expect(try log.snapshot.read(from: .zero, upTo: log.end, maxBytes: .max)?.count == size * 3)
        let high = LogPosition(offset: Offset(1), segment: .zero, position: Int64(size))
        #expect(try log.snapshot.read(from: .zero, upTo: high, maxBytes: .max)?.count == size)
        #expect(try log.snapshot.read(from: Offset(1), upTo: high, maxBytes: .max) == nil)
    }

    @Test("refuses a batch larger than a segment, and keeps the log as it was")
    func tooLarge() throws {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1024
        let log = try Log(in: MemoryStorage(), configuration: configuration)
        #expect(throws: LogError.self) { try log.append(Batches.make(1, padding: 2000), leaderEpoch: epoch) }
        #expect(log.end.offset == .zero)
        _ = try log.append(Batches.make(1), leaderEpoch: epoch)
    }

    @Test("begins a new segment, named by its base offset, when the next batch does not fit")
    func roll() throws {
        let storage = MemoryStorage()
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1024
        let log = try Log(in: storage, configuration: configuration)
        for _ in 0..<10 { _ = try log.append(Batches.make(2, padding: 100), leaderEpoch: epoch) }
        #expect(log.snapshot.segmentCount > 2)
        let names = try storage.list().filter { $0.hasSuffix(".log") }
        #expect(names.count == log.snapshot.segmentCount)
        #expect(names[0] == "00000000000000000000.log")
        for name in names.dropFirst() { #expect(Int64(name.dropLast(4)).map { $0 > 0 && $0 % 2 == 0 } == true) }
        for name in names { #expect(try storage.open(name, creating: false).size() <= 1024) }
    }

    @Test("begins a new segment before a relative offset leaves 32 bits, and finds offsets on both sides")
    func relativeOffsetOverflow() throws {
        for distance in [Int32.max - 2, Int32.max - 1, Int32.max] {
            let storage = MemoryStorage()
            let log = try Log(in: storage)
            // A batch whose offsets reach far, as compaction may leave one.
            let wide = Batches.make(1)
            var header = wide.header
            header.lastOffsetDelta = distance - 1
            let far = header.sealing(wide.bytes.dropFirst(RecordBatchHeader.byteCount))
            _ = try log.append(far, leaderEpoch: epoch)
            for _ in 0..<4 { _ = try log.append(Batches.make(1), leaderEpoch: epoch) }
            #expect(log.snapshot.segmentCount == 2)
            let bases = try storage.list().filter { $0.hasSuffix(".log") }.compactMap { Int64($0.dropLast(4)) }
            // The last record before the roll has the greatest offset that 32 bits can say.
            #expect(bases == [0, 1 << 31])
            let reopened = try Log(in: storage)
            for offset in [0, Int64(distance) - 1, Int64(distance), log.end.offset.value - 1] {
                let range = try #require(try reopened.snapshot.read(from: Offset(offset), upTo: log.end, maxBytes: 1))
                let found = try RecordBatch(checking: range.read()).header
                #expect(found.baseOffset.value <= offset && offset <= found.lastOffset.value)
            }
        }
    }

    @Test("keeps where each leader epoch began, through restarts and cuts (I1.7)")
    func epochs() throws {
        let disk = MemoryDisk()
        let log = try Log(in: MemoryStorage(disk))
        for (number, count) in [(1, 2), (1, 1), (4, 3), (7, 1)] as [(Int32, Int)] {
            _ = try log.append(Batches.make(count), leaderEpoch: LeaderEpoch(number))
            if number == 4 { try log.synchronize() }
        }
        #expect(log.epochs.entries.map(\.epoch.value) == [1, 4, 7])
        #expect(log.epochs.entries.map(\.startOffset.value) == [0, 3, 6])
        for seed in UInt64(0)..<20 {
            let again = try Log(in: MemoryStorage(disk.afterPowerLoss(seed: seed)))
            let expected = again.end.offset == Offset(7) ? [1, 4, 7] : [1, 4]
            #expect(again.epochs.entries.map(\.epoch.value) == expected.map { Int32($0) }, "seed \(seed)")
        }
        // Without the checkpoint, the active segment's batches tell.
        let storage = MemoryStorage(disk.afterKill())
        try storage.remove(LeaderEpochCache.fileName)
        #expect(try Log(in: storage).epochs == log.epochs)
    }

    @Test("gives a sealed segment's bytes mapped as well as copied")
    func mapped() throws {
        let directory = try TemporaryDirectory()
        let log = try Log(in: try directory.storage())
        _ = try log.append(Batches.make(2), leaderEpoch: epoch)
        _ = try log.append(Batches.make(2), leaderEpoch: epoch)
        try log.roll()
        let range = try #require(try log.snapshot.read(from: Offset(2), upTo: log.end, maxBytes: 1 << 20))
        let mapped = try range.mapped()
        #expect(try mapped == range.read())
        #expect(try RecordBatch(checking: mapped).header.baseOffset == Offset(2))
    }

    @Test("finds the first record of a time, also where times go back and forth")
    func times() throws {
        for seed in UInt64(0)..<100 {
            var random = SplitMix64(seed: seed)
            var configuration = LogConfiguration()
            configuration.segmentBytes = 2000
            configuration.indexIntervalBytes = random.below(400)
            let log = try Log(in: MemoryStorage(), configuration: configuration)
            var timestamps: [Int64] = []
            for _ in 0..<60 {
                var builder = RecordBatchBuilder(baseTimestamp: 100)
                for _ in 0...random.below(3) {
                    let timestamp = Int64(random.below(1000))
                    timestamps.append(timestamp)
                    builder.append(key: nil, value: Bytes(utf8: "value"), timestamp: timestamp)
                }
                _ = try log.append(builder.finish(), leaderEpoch: epoch)
            }
            for wanted in [-5, 0, 1, 250, 500, 998, 999, 1000, 1001] as [Int64] {
                let expected = timestamps.firstIndex { $0 >= wanted }
                let found = try log.snapshot.record(notBefore: wanted, upTo: log.end)
                #expect(found?.offset.value == expected.map { Int64($0) }, "seed \(seed), time \(wanted)")
                #expect(found?.timestamp == expected.map { timestamps[$0] }, "seed \(seed), time \(wanted)")
            }
            let greatest = try log.snapshot.recordWithGreatestTimestamp(upTo: log.end)
            #expect(greatest?.timestamp == timestamps.max(), "seed \(seed)")
            #expect(greatest?.offset.value == timestamps.firstIndex(of: timestamps.max() ?? -1).map { Int64($0) })
        }
    }

    @Test("is what a plain list is: append, read, roll and reopen, over 2,000 seeds")
    func model() throws {
        for seed in UInt64(0)..<2000 {
            var random = SplitMix64(seed: seed)
            var configuration = LogConfiguration()
            configuration.segmentBytes = 1024 + random.below(4000)
            configuration.indexIntervalBytes = random.below(1000)
            let storage = MemoryStorage()
            var log = try Log(in: storage, configuration: configuration)
            var model: [String] = []
            for step in 0..<60 {
                switch random.below(10) {
                case 0..<6:
                    let count = 1 + random.below(4)
                    let tag = "s\(step)"
                    _ = try log.append(Batches.make(count, tag: tag, padding: random.below(200)), leaderEpoch: epoch)
                    model += (0..<count).map { "\(tag)-\($0)" }
                case 6..<9:
                    let from = random.below(model.count + 1)
                    let limit = 1 + random.below(3000)
                    let range = try log.snapshot.read(from: Offset(Int64(from)), upTo: log.end, maxBytes: limit)
                    let values = try range.map { try Batches.values(in: $0.read()) } ?? []
                    let wanted = values.filter { $0.offset >= from }
                    #expect(wanted.isEmpty == (from == model.count), "seed \(seed)")
                    for (index, value) in wanted.enumerated() {
                        #expect(value.offset == Int64(from + index), "seed \(seed)")
                        #expect(value.value.prefix { $0 != "." } == model[from + index], "seed \(seed)")
                    }
                default:
                    if random.chance(50) { try log.close() }
                    log = try Log(in: storage, configuration: configuration)
                    #expect(log.recovery.cutBytes == 0, "seed \(seed)")
                }
                #expect(log.end.offset.value == Int64(model.count), "seed \(seed)")
            }
            let stored = try storage.list().filter { $0.hasSuffix(".log") }
                .map { try storage.open($0, creating: false).size() }
            #expect(log.snapshot.byteCount == stored.reduce(0, +), "seed \(seed)")
        }
    }
}
