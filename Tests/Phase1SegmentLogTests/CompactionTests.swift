import SegmentLog
import TestSupport
import Testing

@Suite("Compaction")
struct CompactionTests {
    private let epoch = LeaderEpoch(2)

    private static func configuration(_ random: inout SplitMix64) -> LogConfiguration {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1000 + random.below(3000)
        configuration.indexIntervalBytes = random.below(600)
        configuration.segmentIndexBytes = random.chance(20) ? 12 * (1 + random.below(4)) : 1 << 20
        return configuration
    }

    private func append(_ batch: RecordBatch, to log: Log, _ model: inout CompactionModel) throws {
        let appended = try log.append(batch, leaderEpoch: epoch)
        let range = try log.snapshot.read(from: appended.baseOffset, upTo: log.end, maxBytes: 1)
        var stored = batch
        if let range { stored = try RecordBatch(checking: range.read()) }
        let single = try Log(in: MemoryStorage())
        _ = try single.append(stored, leaderEpoch: epoch)
        var records = try StoredBatch.all(in: single.snapshot).flatMap(\.records)
        for index in records.indices { records[index].offset += appended.baseOffset.value }
        model.append(StoredBatch(header: stored.header, bytes: stored.bytes, records: records))
    }

    /// Where a compaction that has memory enough must come to.
    private func expectedEnd(
        _ log: Log, _ model: CompactionModel, _ policy: CompactionPolicy, _ highWatermark: Offset, _ time: Int64
    ) throws -> Offset {
        let bases = try baseOffsets(log.storage)
        let batches = try StoredBatch.all(in: log.snapshot)
        var end = model.firstDirty
        for (base, next) in zip(bases, bases.dropFirst()) {
            if next > model.firstDirty.value {
                let youngest =
                    batches.filter { $0.header.baseOffset.value >= base && $0.header.baseOffset.value < next }
                    .map(\.header.maxTimestamp).max() ?? -1
                if next > highWatermark.value || youngest > time - policy.minCompactionLagMilliseconds { break }
            }
            end = max(end, Offset(next))
        }
        return end
    }

    private struct Totals {
        var dropped = 0
        var merged = 0
        var partial = 0
        var lagged = 0
        var reopened = 0
    }

    @Test("keeps what a plain list keeps, over 300 seeds of appends, rolls, compactions and openings")
    func model() throws {
        var totals = Totals()
        for seed in UInt64(0)..<300 {
            var random = SplitMix64(seed: seed)
            let configuration = Self.configuration(&random)
            let storage = MemoryStorage()
            var log = try Log(in: storage, configuration: configuration)
            var model = CompactionModel()
            var batches = RandomBatches()
            batches.keys = 1 + random.below(20)
            batches.nullKeyPercent = random.chance(20) ? 10 : 0
            var policy = CompactionPolicy()
            policy.deleteRetentionMilliseconds = Int64(1 + random.below(400))
            policy.minCompactionLagMilliseconds = random.chance(50) ? 0 : Int64(random.below(200))
            if random.chance(40) { policy.offsetMapBytes = OffsetMap.slotByteCount * random.below(12) }
            var time: Int64 = 10_000
            for round in 0..<5 {
                for _ in 0..<random.below(25) {
                    time += Int64(random.below(20))
                    try append(try batches.next(&random, at: time), to: log, &model)
                }
                time += Int64(random.below(300))
                let news = Int(log.end.offset.value - model.firstDirty.value)
                let highWatermark = Offset(
                    log.end.offset.value - (random.chance(60) ? 0 : Int64(random.below(news + 1))))
                try compact(log, &model, policy, highWatermark, time, &totals, "seed \(seed), round \(round)")
                if random.chance(30) { try log.removeDeletedFiles(deletedUpTo: time - Int64(random.below(200))) }
                guard random.chance(30) else { continue }
                totals.reopened += 1
                log = try Log(in: storage, configuration: configuration)
                #expect(log.recovery.cutBytes == 0 && log.recovery.rebuiltIndexes == 0, "seed \(seed)")
                try model.check(log, before: try StoredBatch.all(in: log.snapshot), "seed \(seed), opened again")
            }
        }
        // A quiet run must not pass for a hard one.
        #expect(totals.dropped > 5_000 && totals.merged > 200, "\(totals)")
        #expect(totals.partial > 300 && totals.lagged > 100 && totals.reopened > 200, "\(totals)")
    }

    /// Compacts until all is done, and checks the log after each time.
    private func compact(
        _ log: Log, _ model: inout CompactionModel, _ policy: CompactionPolicy, _ highWatermark: Offset, _ time: Int64,
        _ totals: inout Totals, _ name: String
    ) throws {
        let expected = try expectedEnd(log, model, policy, highWatermark, time)
        let active = log.activeFile.path
        if expected < highWatermark { totals.lagged += 1 }
        while true {
            let before = try StoredBatch.all(in: log.snapshot)
            let held = log.snapshot
            let end = log.end
            let result = try log.compact(policy, from: model.firstDirty, upTo: highWatermark, at: time)
            try #require(result.isComplete || result.firstDirtyOffset > model.firstDirty, "\(name): no progress")
            model.compact(upTo: result.firstDirtyOffset, policy, at: time)
            try model.check(log, before: before, name)
            // The active segment is untouched, and so is what an older snapshot shows.
            #expect(log.end == end && log.activeFile.path == active, "\(name)")
            let isHeld = try StoredBatch.all(in: held).map(\.bytes) == before.map(\.bytes)
            #expect(isHeld, "\(name): a snapshot has changed")
            let after = try StoredBatch.all(in: log.snapshot)
            let lost = before.flatMap(\.records).count - after.flatMap(\.records).count
            #expect(result.recordsDropped == lost, "\(name)")
            #expect(result.firstDirtyOffset <= expected, "\(name)")
            try checkSizes(log, after, name)
            totals.dropped += lost
            totals.merged += max(0, result.segmentsReplaced - result.segmentsMade)
            if result.isComplete { break }
            totals.partial += 1
        }
        #expect(model.firstDirty == expected, "\(name)")
    }

    /// No segment is larger than it may be, but for what delete horizons add to one of its own.
    private func checkSizes(_ log: Log, _ batches: [StoredBatch], _ name: String) throws {
        let bases = try baseOffsets(log.storage)
        for (base, next) in zip(bases, bases.dropFirst()) {
            let held = batches.filter { $0.header.baseOffset.value >= base && $0.header.baseOffset.value < next }
            let bytes = held.reduce(0) { $0 + $1.header.byteCount }
            let horizons = held.filter { $0.header.deleteHorizon != nil }.reduce(0) { $0 + $1.records.count }
            #expect(bytes <= log.configuration.segmentBytes + 12 * horizons, "\(name)")
            #expect(held.last?.header.nextOffset.value == next, "\(name): a segment ends before the next begins")
        }
    }

    @Test("comes to the same end with hardly any memory, only in more steps")
    func boundedMap() throws {
        for seed in UInt64(0)..<60 {
            var results: [[StoredRecord]] = []
            var calls: [Int] = []
            for budget in [0, 100, 500, 1 << 20] {
                var random = SplitMix64(seed: seed)
                let log = try Log(in: MemoryStorage(), configuration: Self.configuration(&random))
                var batches = RandomBatches()
                for _ in 0..<40 { _ = try log.append(try batches.next(&random, at: 1000), leaderEpoch: epoch) }
                var policy = CompactionPolicy()
                policy.offsetMapBytes = budget
                var dirty = Offset.zero
                var count = 0
                while true {
                    let result = try log.compact(policy, from: dirty, upTo: log.end.offset, at: 5000)
                    #expect(result.keys <= max(1, budget / OffsetMap.slotByteCount))
                    dirty = result.firstDirtyOffset
                    count += 1
                    if result.isComplete { break }
                    try #require(count < 1000)
                }
                calls.append(count)
                results.append(try StoredBatch.all(in: log.snapshot).flatMap(\.records))
            }
            #expect(results.allSatisfy { $0 == results[0] }, "seed \(seed)")
            #expect(calls[0] > calls[1] && calls[1] >= calls[2] && calls[3] == 1, "seed \(seed): \(calls)")
        }
    }

    @Test("in small steps, with appends, deletions and rolls between them, ends as in one")
    func steps() throws {
        var abandoned = 0
        for seed in UInt64(0)..<100 {
            var random = SplitMix64(seed: seed)
            let configuration = Self.configuration(&random)
            let log = try Log(in: MemoryStorage(), configuration: configuration)
            var batches = RandomBatches()
            for _ in 0..<40 { _ = try log.append(try batches.next(&random, at: 1000), leaderEpoch: epoch) }
            let end = log.end.offset
            let cleaner = try log.makeCleaner(CompactionPolicy(), from: .zero, upTo: end, at: 5000)
            let deletes = random.chance(30)
            while try cleaner.step(readingAtMost: random.below(400)) {
                if random.chance(30) { _ = try log.append(try batches.next(&random, at: 1000), leaderEpoch: epoch) }
                if random.chance(3) { try log.roll() }
                if deletes, random.chance(5) {
                    try log.advanceStart(to: Offset(min(log.startOffset.value + 20, end.value)), at: 5000)
                }
            }
            if !cleaner.result.isComplete {
                abandoned += 1
                #expect(deletes && cleaner.result.firstDirtyOffset == .zero, "seed \(seed)")
            }
            let again = try log.compact(
                CompactionPolicy(), from: cleaner.result.firstDirtyOffset, upTo: end, at: 5000)
            var latest: [String: Int64] = [:]
            let records = try StoredBatch.all(in: log.snapshot).flatMap(\.records)
                .filter { $0.offset < again.firstDirtyOffset.value && $0.offset >= log.startOffset.value }
            for record in records {
                #expect(latest.updateValue(record.offset, forKey: record.key ?? "") == nil, "seed \(seed)")
            }
            let names = try log.storage.list()
            #expect(!names.contains { $0.hasSuffix(".cleaned") || $0.hasSuffix(".swap") }, "seed \(seed)")
        }
        #expect(abandoned > 3)
    }

    /// A log in which every batch is a segment of its own but the last: one record each.
    private func log(_ records: [(key: String?, value: String?)], times: Int64 = 1000) throws -> Log {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 2000
        let log = try Log(in: MemoryStorage(), configuration: configuration)
        for record in records {
            try append(record, to: log, at: times)
            try log.roll()
        }
        return log
    }

    private func append(
        _ record: (key: String?, value: String?), to log: Log, at time: Int64,
        _ change: (inout RecordBatchHeader) -> Void = { _ in }
    ) throws {
        var builder = RecordBatchBuilder(baseTimestamp: time)
        builder.append(key: record.key.map { Bytes(utf8: $0) }, value: record.value.map { Bytes(utf8: $0) })
        let batch = builder.finish()
        var header = batch.header
        change(&header)
        _ = try log.append(header.sealing(batch.bytes.dropFirst(RecordBatchHeader.byteCount)), leaderEpoch: epoch)
    }

    private func records(_ log: Log) throws -> [StoredRecord] {
        try StoredBatch.all(in: log.snapshot).flatMap(\.records)
    }

    @Test("keeps a tombstone for delete.retention.ms after it was first compacted, then drops it")
    func tombstones() throws {
        let log = try log([("a", "1"), ("b", "1"), ("a", nil), ("c", "1")])
        var policy = CompactionPolicy()
        policy.deleteRetentionMilliseconds = 500
        var dirty = Offset.zero
        for time in [10_000, 10_001, 10_499] as [Int64] {
            dirty = try log.compact(policy, from: dirty, upTo: log.end.offset, at: time).firstDirtyOffset
            #expect(try records(log).map(\.offset) == [1, 2, 3], "at \(time)")
            #expect(try records(log).map(\.timestamp) == [1000, 1000, 1000])
            #expect(try StoredBatch.all(in: log.snapshot).compactMap(\.header.deleteHorizon) == [10_500])
        }
        let before = log.snapshot
        let result = try log.compact(policy, from: dirty, upTo: log.end.offset, at: 10_500)
        #expect(result.recordsDropped == 1 && result.read.records == 3 && result.keys == 0)
        #expect(try records(log).map(\.offset) == [1, 3])
        #expect(try StoredBatch.all(in: before).flatMap(\.records).count == 3)
    }

    @Test("is worth it where more of the log is dirty than min.cleanable.dirty.ratio")
    func dirtyRatio() throws {
        let log = try log([("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")], times: 1000)
        var policy = CompactionPolicy()
        let segment = log.snapshot.byteCount / 4
        func look(_ dirty: Int64, upTo end: Int64 = 4, at time: Int64 = 5000) -> LogToClean {
            log.dirtiness(policy, from: Offset(dirty), upTo: Offset(end), at: time)
        }
        for (dirty, ratio) in [(0, 1.0), (1, 0.75), (2, 0.5), (3, 0.25), (4, 0)] as [(Int64, Double)] {
            let found = look(dirty)
            #expect(found.dirtyRatio == ratio && found.cleanBytes == segment * dirty, "\(dirty)")
            #expect(found.firstDirtyOffset == Offset(dirty) && found.firstUncleanableOffset == Offset(4))
            #expect(found.shouldBeCleaned(policy) == (dirty < 2), "\(dirty)")
        }
        #expect(look(1, upTo: 3).cleanableBytes == 2 * segment)
        #expect(look(1, upTo: 3).firstUncleanableOffset == Offset(3))
        // An offset that is not the log's begins again; what is too young does not count.
        #expect(look(9).firstDirtyOffset == .zero && look(9).dirtyRatio == 1)
        policy.minCompactionLagMilliseconds = 4001
        #expect(look(1).cleanableBytes == 0 && look(1).firstUncleanableOffset == Offset(1))
        let empty = try Log(in: MemoryStorage()).dirtiness(policy, from: .zero, upTo: .zero, at: 0)
        #expect(empty.dirtyRatio == 0 && !empty.shouldBeCleaned(policy))
        policy.minCleanableDirtyRatio = 0
        #expect(!look(4).shouldBeCleaned(policy))
    }

    @Test("that finds nothing to do changes no file")
    func nothingToDo() throws {
        let log = try log([("a", "1"), ("b", "1"), ("a", "2")])
        let dirty = try log.compact(CompactionPolicy(), from: .zero, upTo: log.end.offset, at: 5000).firstDirtyOffset
        let names = try log.storage.list()
        let again = try log.compact(CompactionPolicy(), from: dirty, upTo: log.end.offset, at: 9000)
        #expect(again.segmentsReplaced == 0 && again.recordsDropped == 0 && again.read.records == 2)
        #expect(try log.storage.list() == names)
        let empty = try Log(in: MemoryStorage())
        #expect(try empty.compact(CompactionPolicy(), from: .zero, upTo: .zero, at: 0).isComplete)
    }

    @Test("that takes every record away leaves a log that goes on at its offsets")
    func nothingLeft() throws {
        let log = try log((0..<20).map { _ in (nil, "no key") })
        let start = log.startOffset
        _ = try log.compact(CompactionPolicy(), from: .zero, upTo: log.end.offset, at: 5000)
        #expect(try records(log).isEmpty)
        #expect(log.startOffset == start && log.end.offset == Offset(20) && log.snapshot.segmentCount == 2)
        #expect(try log.snapshot.record(notBefore: 0, upTo: log.end) == nil)
        #expect(try log.snapshot.recordWithGreatestTimestamp(upTo: log.end) == nil)
        let again = try Log(in: log.storage, configuration: log.configuration)
        #expect(again.end.offset == Offset(20) && again.startOffset == start)
        try append(("a", "1"), to: again, at: 6000)
        #expect(try records(again).map(\.offset) == [20])
        // And retention still knows its age.
        #expect(try again.enforceRetention(bytes: nil, milliseconds: 100, upTo: Offset(21), at: 1101) == 1)
        #expect(again.startOffset == Offset(20))
    }

    @Test("leaves a limit from before it usable: nothing is returned that the file does not have")
    func limitFromBefore() throws {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 2000
        let log = try Log(in: MemoryStorage(), configuration: configuration)
        for index in 0..<10 { try append(("k\(index / 9)", "value"), to: log, at: 1000) }
        let limit = log.end
        try log.roll()
        _ = try log.compact(CompactionPolicy(), from: .zero, upTo: log.end.offset, at: 5000)
        let range = try #require(try log.snapshot.read(from: .zero, upTo: limit, maxBytes: 1 << 20))
        #expect(try Batches.values(in: range.read()).map(\.offset) == [8, 9])
        #expect(try log.snapshot.read(from: Offset(10), upTo: limit, maxBytes: 1 << 20) == nil)
        let earlier = LogPosition(offset: Offset(5), segment: .zero, position: 400)
        #expect(try log.snapshot.read(from: Offset(2), upTo: earlier, maxBytes: 1 << 20) == nil)
    }

    @Test("leaves what lies below a limit from before readable, though horizons have made it longer")
    func longerThanTheLimit() throws {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 5000
        let log = try Log(in: MemoryStorage(), configuration: configuration)
        for index in 0..<40 { try append(("k\(index)", nil), to: log, at: 1000) }
        try append(("last", "value"), to: log, at: 1000)
        let limit = log.end
        try log.roll()
        _ = try log.compact(CompactionPolicy(), from: .zero, upTo: log.end.offset, at: 5000)
        var next = Offset.zero
        while next < limit.offset {
            let range = try #require(try log.snapshot.read(from: next, upTo: limit, maxBytes: 1 << 20))
            let batch = try RecordBatch(checking: try range.read())
            #expect(batch.header.baseOffset == next)
            next = batch.header.nextOffset
        }
    }

    @Test("keeps the last batch of a producer for as long as the producer is remembered, empty if need be")
    func producers() throws {
        let log = try log([])
        for index in 0..<4 {
            try append(("a", "\(index)"), to: log, at: 1000 + Int64(index)) {
                $0.producerID = Int64(index % 2)
                $0.producerEpoch = 7
                $0.baseSequence = Int32(index)
            }
        }
        try append(("a", "last"), to: log, at: 2000)
        try log.roll()
        var policy = CompactionPolicy()
        _ = try log.compact(policy, from: .zero, upTo: log.end.offset, at: 2000)
        let batches = try StoredBatch.all(in: log.snapshot)
        #expect(batches.map(\.header.baseOffset.value) == [2, 3, 4])
        #expect(batches.map(\.header.recordCount) == [0, 0, 1])
        #expect(batches.map(\.header.producerID) == [0, 1, -1] && batches.map(\.header.baseSequence) == [2, 3, -1])
        #expect(try RecordBatch(checking: batches[0].bytes).checkRecords() == -1)
        policy.producerExpirationMilliseconds = 998
        _ = try log.compact(policy, from: log.end.offset, upTo: log.end.offset, at: 2000)
        #expect(try StoredBatch.all(in: log.snapshot).map(\.header.baseOffset.value) == [3, 4])
    }

    @Test("lets no record of a transaction take another's place, and keeps control batches")
    func transactions() throws {
        let log = try log([("a", "1"), ("b", "1")])
        let transactional = { (header: inout RecordBatchHeader) in header.attributes.rawValue |= 0b1_0000 }
        try append(("a", "aborted?"), to: log, at: 1000, transactional)
        try append(("b", "aborted?"), to: log, at: 1000, transactional)
        try append(("c", nil), to: log, at: 1000, transactional)
        try append(("\0\0\0\0", "\0\0\0\0\0\0"), to: log, at: 1000) { $0.attributes.rawValue |= 0b11_0000 }
        try append(("b", "2"), to: log, at: 1000)
        try log.roll()
        var policy = CompactionPolicy()
        policy.deleteRetentionMilliseconds = 0
        for _ in 0..<2 { _ = try log.compact(policy, from: .zero, upTo: log.end.offset, at: 5000) }
        #expect(try records(log).map(\.offset) == [0, 2, 4, 5, 6])
    }

    @Test("refuses a damaged batch and one that it cannot open, and changes nothing")
    func unsound() throws {
        for damage in 0..<2 {
            let log = try log([("a", "1"), ("a", "2"), ("a", "3")])
            let file = try log.storage.open("00000000000000000001.log", creating: false)
            var batch = try RecordBatch(checking: try file.read(Int(file.size()), at: 0))
            if damage == 1 {
                var header = batch.header
                header.attributes.rawValue |= 1
                batch = header.sealing(batch.bytes.dropFirst(RecordBatchHeader.byteCount))
            }
            var bytes = batch.bytes.array
            if damage == 0 { bytes[bytes.count - 1] ^= 1 }
            try file.truncate(to: 0)
            try file.append(Bytes(bytes), at: 0)
            let names = try log.storage.list()
            let error = #expect(throws: LogError.self) {
                try log.compact(CompactionPolicy(), from: .zero, upTo: log.end.offset, at: 5000)
            }
            switch error {
            case .damagedSegment(_, 0, _)?: #expect(damage == 0)
            case .notCompactable(_, Offset(1), _)?: #expect(damage == 1)
            default: Issue.record("\(String(describing: error))")
            }
            #expect(try log.storage.list() == names && log.snapshot.segmentCount == 4)
        }
    }

    @Test("lets readers on other threads read on while segments are swapped", .timeLimit(.minutes(15)))
    func readers() async throws {
        var random = SplitMix64(seed: 3)
        let log = try Log(in: MemoryStorage(), configuration: Self.configuration(&random))
        var batches = RandomBatches()
        batches.codecs = [.none]
        try await withThrowingTaskGroup(of: Int.self) { group in
            let isDone = Flag()
            for _ in 0..<2 {
                let reader = log.makeReader()
                let box = Unchecked(reader)
                group.addTask {
                    var reads = 0
                    repeat {
                        let snapshot = box.value.snapshot()
                        var last: Int64 = -1
                        for batch in try StoredBatch.all(in: snapshot) {
                            #expect(batch.header.baseOffset.value > last)
                            last = batch.header.lastOffset.value
                        }
                        #expect(last + 1 == snapshot.end.offset.value)
                        reads += 1
                    } while !isDone.isSet
                    return reads
                }
            }
            var dirty = Offset.zero
            for round in 0..<60 {
                for _ in 0..<10 { _ = try log.append(try batches.next(&random, at: 1000), leaderEpoch: epoch) }
                dirty = try log.compact(
                    CompactionPolicy(), from: dirty, upTo: log.end.offset, at: Int64(5000 + round)
                ).firstDirtyOffset
                try log.removeDeletedFiles(deletedUpTo: .max)
            }
            isDone.set()
            for try await reads in group { #expect(reads > 0) }
        }
    }

    private final class Flag: Sendable {
        private let lock = Lock(false)
        var isSet: Bool { lock.withLock { $0 } }
        func set() { lock.withLock { $0 = true } }
    }

    /// A reader that one task alone uses.
    private struct Unchecked: @unchecked Sendable {
        let value: LogReader
        init(_ value: LogReader) { self.value = value }
    }
}

@Suite("The map of keys")
struct OffsetMapTests {
    @Test(
        "digests keys as RFC 1321 says",
        arguments: [
            ("", "d41d8cd98f00b204e9800998ecf8427e"), ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"), ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"),
            (String(repeating: "1234567890", count: 8), "57edf4a22be3c955ac49da2e2107b67a"),
        ])
    func digest(text: String, expected: String) {
        let digest = MD5Digest(of: Bytes(utf8: text))
        let bytes = [digest.low, digest.high].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
        let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(hex == expected)
    }

    @Test("is a dictionary until it is full, and then takes no new key")
    func dictionary() {
        for seed in UInt64(0)..<100 {
            var random = SplitMix64(seed: seed)
            var map = OffsetMap(byteBudget: random.below(2000), keysMax: random.chance(50) ? .max : random.below(100))
            var model: [Int: Int64] = [:]
            for offset in 0..<Int64(300) {
                let key = random.below(120)
                let isTaken = map.put(Bytes(utf8: "key \(key)"), Offset(offset))
                #expect(isTaken == (model[key] != nil || model.count < map.capacity))
                if isTaken { model[key] = offset }
            }
            #expect(map.count == model.count && map.count <= map.capacity)
            for key in 0..<120 { #expect(map.latest(of: Bytes(utf8: "key \(key)"))?.value == model[key]) }
        }
    }
}
