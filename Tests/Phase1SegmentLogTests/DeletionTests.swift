import SegmentLog
import TestSupport
import Testing

@Suite("Deletion")
struct DeletionTests {
    private let epoch = LeaderEpoch(0)

    /// A log of many small segments, whose records have the times 1,000, 1,001, …
    private func log(on disk: MemoryDisk, batches: Int = 30, startOffset: Offset = .zero) throws -> Log {
        var known = KnownState()
        known.startOffset = startOffset
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1200
        configuration.indexIntervalBytes = 200
        let log = try Log(in: MemoryStorage(disk), configuration: configuration, known)
        for index in Int(log.end.offset.value)..<batches {
            let batch = Batches.make(1, tag: "b", timestamp: Int64(1000 + index), padding: 100)
            _ = try log.append(batch, leaderEpoch: epoch)
        }
        return log
    }

    @Test("moves the start forward, deletes what lies before it, and refuses what is out of range")
    func advanceStart() throws {
        let disk = MemoryDisk()
        let log = try log(on: disk)
        let before = log.snapshot.segmentCount
        try log.advanceStart(to: Offset(17), at: 0)
        #expect(log.startOffset == Offset(17))
        #expect(log.snapshot.segmentCount < before)
        #expect(throws: LogError.self) { try log.snapshot.read(from: Offset(16), upTo: log.end, maxBytes: 100) }
        #expect(try log.snapshot.read(from: Offset(17), upTo: log.end, maxBytes: 100) != nil)
        try log.advanceStart(to: Offset(3), at: 0)
        #expect(log.startOffset == Offset(17))
        #expect(throws: LogError.self) { try log.advanceStart(to: Offset(31), at: 0) }
        // The start lies inside a segment: who opens the log again hands it in.
        let again = try self.log(on: disk.afterPowerLoss(seed: 1), startOffset: Offset(17))
        #expect(again.startOffset == Offset(17) && again.end.offset == Offset(30))
    }

    @Test("by size keeps at least the bytes that were asked for, and never the active segment's")
    func retentionBytes() throws {
        for keep in stride(from: 0, to: 6000, by: 250) as StrideTo<Int64> {
            let log = try log(on: MemoryDisk())
            let before = log.snapshot.byteCount
            let deleted = try log.enforceRetention(bytes: keep, milliseconds: nil, upTo: log.end.offset, at: 0)
            #expect(log.snapshot.byteCount >= min(keep, before))
            #expect(log.snapshot.byteCount < keep + 1200 + 1200 || deleted == 0)
            #expect(log.end.offset == Offset(30))
        }
    }

    @Test("by age deletes what is wholly old, the last segment included")
    func retentionTime() throws {
        let log = try log(on: MemoryDisk())
        #expect(try log.enforceRetention(bytes: nil, milliseconds: 100, upTo: log.end.offset, at: 1100) == 0)
        _ = try log.enforceRetention(bytes: nil, milliseconds: 100, upTo: log.end.offset, at: 1115)
        #expect(log.startOffset > .zero && log.startOffset <= Offset(15))
        let first = try #require(try log.snapshot.read(from: log.startOffset, upTo: log.end, maxBytes: 1))
        #expect(try RecordBatch(checking: first.read()).header.baseOffset == log.startOffset)
        _ = try log.enforceRetention(bytes: nil, milliseconds: 100, upTo: log.end.offset, at: 5000)
        #expect(log.startOffset == Offset(30) && log.end.offset == Offset(30))
        #expect(try log.append(Batches.make(1), leaderEpoch: epoch).baseOffset == Offset(30))
    }

    @Test("leaves everything that reaches behind the high watermark")
    func highWatermark() throws {
        let log = try log(on: MemoryDisk())
        _ = try log.enforceRetention(bytes: 0, milliseconds: 0, upTo: Offset(10), at: .max)
        #expect(log.startOffset > .zero && log.startOffset <= Offset(10))
    }

    @Test("hides the records before the start from lookups by time, also inside a segment or a batch")
    func lookupsByTime() throws {
        let log = try Log(in: MemoryStorage())
        for index in 0..<10 {
            _ = try log.append(Batches.make(3, timestamp: Int64(1000 - index)), leaderEpoch: epoch)
        }
        try log.advanceStart(to: Offset(13), at: 0)
        #expect(try log.snapshot.record(notBefore: 900, upTo: log.end)?.offset == Offset(13))
        #expect(try log.snapshot.record(notBefore: 997, upTo: log.end) == nil)
        let greatest = try log.snapshot.recordWithGreatestTimestamp(upTo: log.end)
        #expect(greatest?.offset == Offset(13) && greatest?.timestamp == 996)
    }

    @Test("forgets the leader epochs of what is gone, on disk too, and also where a crash came between")
    func leaderEpochs() throws {
        for isRetention in [false, true] {
            let disk = MemoryDisk()
            var configuration = LogConfiguration()
            configuration.segmentBytes = 1200
            let log = try Log(in: MemoryStorage(disk), configuration: configuration)
            for index in 0..<30 {
                let batch = Batches.make(1, timestamp: Int64(1000 + index), padding: 100)
                _ = try log.append(batch, leaderEpoch: LeaderEpoch(Int32(index / 5)))
            }
            try log.synchronize()
            let before = disk.afterKill()
            if isRetention {
                try log.enforceRetention(bytes: 2500, milliseconds: nil, upTo: log.end.offset, at: 0)
            } else {
                try log.advanceStart(to: Offset(12), at: 0)
            }
            let start = log.startOffset
            let first = try #require(log.epochs.entries.first)
            #expect(start > .zero && first.startOffset == start && first.epoch.value == Int32(start.value / 5))
            #expect(try LeaderEpochCache(in: MemoryStorage(disk.afterPowerLoss(seed: 1))) == log.epochs)
            #expect(log.epochs.endOffset(of: LeaderEpoch(0), logEnd: log.end.offset)?.offset == start)
            // The start is known, but the crash came before the epochs were written.
            var known = KnownState()
            known.startOffset = start
            let opened = try Log(in: MemoryStorage(before), configuration: configuration, known)
            #expect(opened.epochs == log.epochs)
            #expect(try LeaderEpochCache(in: MemoryStorage(before)) == log.epochs)
            // Nothing is left: opening again changes nothing.
            known.startOffset = Offset(30)
            _ = try Log(in: MemoryStorage(before), configuration: configuration, known)
            let recovered = before.contents()
            _ = try Log(in: MemoryStorage(before), configuration: configuration, known)
            #expect(before.contents() == recovered)
        }
    }

    @Test("never takes the active segment's file, also where the log was told to roll while it was empty")
    func emptyRoll() throws {
        let storage = MemoryStorage()
        let log = try Log(in: storage)
        _ = try log.append(Batches.make(2), leaderEpoch: epoch)
        try log.roll()
        try log.roll()
        #expect(log.snapshot.segmentCount == 2)
        try log.advanceStart(to: Offset(2), at: 0)
        _ = try log.append(Batches.make(3), leaderEpoch: epoch)
        try log.synchronize()
        try log.removeDeletedFiles(deletedUpTo: 0)
        #expect(try Log(in: storage).end.offset == Offset(5))
    }

    @Test("goes on where somebody else has removed a deleted file")
    func removedByHand() throws {
        let storage = MemoryStorage()
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1200
        let log = try Log(in: storage, configuration: configuration)
        for _ in 0..<30 { _ = try log.append(Batches.make(1, padding: 100), leaderEpoch: epoch) }
        try log.advanceStart(to: Offset(20), at: 0)
        try storage.remove("00000000000000000000.log.deleted")
        try log.removeDeletedFiles(deletedUpTo: 0)
        #expect(try storage.list().filter { $0.hasSuffix(".deleted") }.isEmpty)
    }

    @Test("takes up what a crash has left before a start that was known already")
    func leftBeforeStart() throws {
        let disk = MemoryDisk()
        _ = try log(on: disk)
        let again = try log(on: disk, startOffset: Offset(20))
        let before = again.snapshot.segmentCount
        let deleted = try again.enforceRetention(bytes: nil, milliseconds: nil, upTo: again.end.offset, at: 0)
        #expect(deleted > 0 && again.snapshot.segmentCount == before - deleted && again.startOffset == Offset(20))
    }

    @Test("gives files another name first, and removes them after the delay; readers go on")
    func delay() throws {
        let disk = MemoryDisk()
        let log = try log(on: disk)
        let reader = log.makeReader()
        let old = reader.snapshot()
        try log.advanceStart(to: Offset(20), at: 5000)
        let marked = disk.contents().keys.filter { $0.hasSuffix(".deleted") }
        #expect(!marked.isEmpty)
        try log.removeDeletedFiles(deletedUpTo: 4999)
        #expect(disk.contents().keys.filter { $0.hasSuffix(".deleted") }.count == marked.count)
        try log.removeDeletedFiles(deletedUpTo: 5000)
        #expect(disk.contents().keys.filter { $0.hasSuffix(".deleted") }.isEmpty)
        let range = try #require(try old.read(from: .zero, upTo: old.end, maxBytes: 1 << 20))
        #expect(try Batches.values(in: range.read()).first?.offset == 0)
        #expect(reader.snapshot().startOffset == Offset(20))
    }

    @Test("that a crash interrupts at any step leaves a log that begins somewhere on the way")
    func crash() throws {
        var starts = Set<Int64>()
        for step in 0..<40 {
            for seed in UInt64(0)..<10 {
                let disk = MemoryDisk(seed: seed)
                let log = try log(on: disk)
                try log.synchronize()
                disk.losePower(afterSteps: step)
                _ = try? log.enforceRetention(bytes: 1500, milliseconds: nil, upTo: log.end.offset, at: 0)
                _ = try? log.removeDeletedFiles(deletedUpTo: 0)
                let after = disk.afterPowerLoss(seed: seed)
                let again = try self.log(on: after)
                #expect(again.end.offset == Offset(30), "step \(step), seed \(seed)")
                starts.insert(again.startOffset.value)
                let leftovers = after.contents().keys.filter { $0.hasSuffix(".deleted") }
                #expect(leftovers.isEmpty, "step \(step), seed \(seed)")
                var next = again.startOffset
                while next < again.end.offset {
                    let range = try #require(try again.snapshot.read(from: next, upTo: again.end, maxBytes: 1 << 20))
                    for (offset, _) in try Batches.values(in: range.read()) { next = Offset(offset + 1) }
                }
            }
        }
        #expect(starts.contains(0) && starts.count > 2)
    }
}
