import SegmentLog
import TestSupport
import Testing

@Suite("Recovery")
struct RecoveryTests {
    private let epoch = LeaderEpoch(0)

    private func configuration(segmentBytes: Int = 1 << 20, interval: Int = 100) -> LogConfiguration {
        var configuration = LogConfiguration()
        configuration.segmentBytes = segmentBytes
        configuration.indexIntervalBytes = interval
        return configuration
    }

    private func write(_ count: Int, to storage: any Storage, _ configuration: LogConfiguration) throws {
        let log = try Log(in: storage, configuration: configuration)
        for index in 0..<count {
            _ = try log.append(
                Batches.make(2, tag: "b\(index)", timestamp: Int64(1000 + index), padding: 40), leaderEpoch: epoch)
        }
    }

    private let first = "00000000000000000000"

    @Test("cuts a log that ends inside a batch back to the batch before, wherever it ends")
    func tornTail() throws {
        let size = Batches.make(2, tag: "b0", padding: 40).header.byteCount
        for cut in 1..<size {
            let disk = MemoryDisk()
            let storage = MemoryStorage(disk)
            try write(3, to: storage, configuration())
            try storage.open(first + ".log", creating: false).truncate(to: Int64(3 * size - cut))
            let log = try Log(in: storage, configuration: configuration())
            #expect(log.end.offset == Offset(4), "cut \(cut)")
            #expect(log.recovery.cutBytes == Int64(size - cut))
            #expect(log.recovery.damage != nil)
            // And the log goes on where it was cut.
            #expect(try log.append(Batches.make(1), leaderEpoch: epoch).baseOffset == Offset(4))
        }
    }

    @Test("cuts at the first batch with a flipped byte, and drops what is behind it")
    func flippedByte() throws {
        let size = Batches.make(2, tag: "b0", padding: 40).header.byteCount
        for index in stride(from: 0, to: size, by: 3) {
            let storage = MemoryStorage()
            try write(3, to: storage, configuration())
            let file = try storage.open(first + ".log", creating: false)
            var bytes = try file.read(Int(file.size()), at: 0).array
            bytes[size + index] ^= 0xFF
            try file.truncate(to: 0)
            try file.append(Bytes(bytes), at: 0)
            let log = try Log(in: storage, configuration: configuration())
            switch index {
            // The CRC leaves out what the broker writes. A base offset that goes back is seen; one
            // that goes forward, or another epoch, a log cannot know to be wrong.
            case 0..<8: #expect(log.end.offset >= Offset(2), "byte \(index)")
            case 12..<16: #expect(log.end.offset == Offset(6), "byte \(index)")
            default: #expect(log.end.offset == Offset(2), "byte \(index)")
            }
        }
    }

    @Test("rebuilds missing and damaged indexes to what they were")
    func rebuildIndexes() throws {
        for damage in 0..<5 {
            let disk = MemoryDisk()
            let storage = MemoryStorage(disk)
            let small = configuration(segmentBytes: 1500)
            try write(30, to: storage, small)
            try Log(in: storage, configuration: small).close()
            let before = disk.contents()
            let index = try storage.open(first + (damage < 3 ? ".index" : ".timeindex"), creating: false)
            switch damage {
            case 0: try storage.remove(first + ".index")
            case 1: try index.truncate(to: 13)
            case 2: try index.append([0, 0, 0, 0, 0, 0, 0, 0], at: try index.size())
            case 3: try storage.remove(first + ".timeindex")
            default: try index.truncate(to: 0)
            }
            let log = try Log(in: storage, configuration: small)
            try log.close()
            #expect(log.recovery.rebuiltIndexes == 1, "damage \(damage)")
            #expect(disk.contents() == before, "damage \(damage)")
        }
    }

    @Test("refuses a damaged sealed segment with its place, and changes nothing")
    func damagedSealedSegment() throws {
        let disk = MemoryDisk()
        let storage = MemoryStorage(disk)
        let small = configuration(segmentBytes: 1500)
        try write(30, to: storage, small)
        // The last byte: behind the last index entry, so that even a quick look finds it too short.
        let file = try storage.open(first + ".log", creating: false)
        try file.truncate(to: try file.size() - 1)
        let before = disk.contents()
        let error = #expect(throws: LogError.self) { try Log(in: storage, configuration: small) }
        guard case .damagedSegment(let path, _, _)? = error else {
            return #expect(Bool(false), "\(String(describing: error))")
        }
        #expect(path.hasSuffix(first + ".log"))
        #expect(disk.contents() == before)
    }

    @Test("never lets a lying index hide a record: every bit of every index entry, flipped")
    func lyingIndex() throws {
        let small = configuration(segmentBytes: 1500)
        let disk = MemoryDisk()
        try write(12, to: MemoryStorage(disk), small)
        let size = try MemoryStorage(disk).open(first + ".index", creating: false).size()
        #expect(size >= 16)
        for bit in 0..<Int(size * 8) {
            let copy = disk.afterKill()
            let storage = MemoryStorage(copy)
            let index = try storage.open(first + ".index", creating: false)
            var bytes = try index.read(Int(size), at: 0).array
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            try index.rewrite(Bytes(bytes), at: 0)
            let log = try Log(in: storage, configuration: small)
            for offset in 0..<log.end.offset.value {
                let range = try #require(try log.snapshot.read(from: Offset(offset), upTo: log.end, maxBytes: 1))
                let header = try RecordBatch(checking: range.read()).header
                #expect(header.baseOffset.value <= offset && offset <= header.lastOffset.value, "bit \(bit)")
            }
        }
    }

    @Test(
        "passes over a base offset that leaves no room, and survives any time index",
        arguments: [Int64.max - 1000, 1 << 40])
    func hugeBaseOffset(base: Int64) throws {
        let storage = MemoryStorage()
        let digits = String(repeating: "0", count: 20 - String(base).count) + String(base)
        _ = try storage.open(digits + ".log", creating: true)
        try storage.open(digits + ".timeindex", creating: true)
            .append([0, 0, 0, 0, 0, 0, 0, 5, 0x7F, 0xFF, 0xFF, 0xFF], at: 0)
        let log = try Log(in: storage)
        _ = try log.snapshot.record(notBefore: 8, upTo: log.end)
        #expect(log.end.offset.value == (base == 1 << 40 ? base : 0))
    }

    @Test("cuts a damaged log where the operator says so, and sets aside what lies behind")
    func operatorSaysSo() throws {
        let disk = MemoryDisk()
        let storage = MemoryStorage(disk)
        var small = configuration(segmentBytes: 1500)
        try write(30, to: storage, small)
        let file = try storage.open(first + ".log", creating: false)
        try file.truncate(to: try file.size() - 1)
        #expect(throws: LogError.self) { try Log(in: storage, configuration: small) }
        small.cutsDamagedSegments = true
        let before = try storage.list().filter { $0.hasSuffix(".log") }.count
        let log = try Log(in: storage, configuration: small)
        #expect(log.snapshot.segmentCount == 1 && log.recovery.segmentsSetAside == before - 1)
        #expect(log.end.offset > .zero && log.end.offset < Offset(60))
        #expect(try storage.list().filter { $0.hasSuffix(".damaged") }.count == before - 1)
        #expect(try log.append(Batches.make(1), leaderEpoch: epoch).baseOffset.value > 0)
        small.cutsDamagedSegments = false
        #expect(try Log(in: storage, configuration: small).end.offset == log.end.offset)
    }

    @Test("refuses a log with a missing segment")
    func missingSegment() throws {
        let storage = MemoryStorage()
        let small = configuration(segmentBytes: 1500)
        try write(30, to: storage, small)
        let names = try storage.list().filter { $0.hasSuffix(".log") }
        try storage.remove(names[1])
        let error = #expect(throws: LogError.self) { try Log(in: storage, configuration: small) }
        guard case .segmentsDoNotMeet? = error else { return #expect(Bool(false), "\(String(describing: error))") }
    }

    @Test("takes the gaps that another Kafka's compaction leaves, says where, and reads across them")
    func gaps() throws {
        let disk = MemoryDisk()
        let storage = MemoryStorage(disk)
        let small = configuration(segmentBytes: 1500)
        try write(30, to: storage, small)
        let names = try storage.list().filter { $0.hasSuffix(".log") }
        let bases = names.compactMap { Int64($0.dropLast(4)) }
        try #require(bases.count > 3)
        try storage.remove(names[1])
        // Kafka also leaves segments in which nothing is left.
        try storage.open(names[2], creating: false).truncate(to: 0)
        for suffix in [".index", ".timeindex"] {
            try storage.open(String(names[2].dropLast(4)) + suffix, creating: false).truncate(to: 0)
        }
        #expect(throws: LogError.self) { try Log(in: storage, configuration: small) }
        var known = KnownState()
        known.wasCompacted = true
        let log = try Log(in: storage, configuration: small, known)
        #expect(log.recovery.rebuiltIndexes == 0)
        #expect(
            log.recovery.gaps == [Offset(bases[1])..<Offset(bases[2]), Offset(bases[2])..<Offset(bases[3])])
        for offset in [bases[1], bases[2] - 1, bases[2], bases[3]] {
            let range = try #require(try log.snapshot.read(from: Offset(offset), upTo: log.end, maxBytes: 1))
            #expect(try RecordBatch(checking: range.read()).header.baseOffset.value == bases[3])
        }
        // Segments that overlap are never right.
        let overlapping = String(repeating: "0", count: 20 - String(bases[3] + 1).count) + String(bases[3] + 1) + ".log"
        _ = try storage.open(overlapping, creating: true)
        #expect(throws: LogError.self) { try Log(in: storage, configuration: small, known) }
    }

    @Test("lists the directory once where nothing was left undone")
    func listsOnce() throws {
        let storage = CountingStorage()
        try write(30, to: storage, configuration(segmentBytes: 1500))
        let before = storage.lists
        _ = try Log(in: storage, configuration: configuration(segmentBytes: 1500))
        #expect(storage.lists == before + 1)
    }

    @Test("passes over files that are none of its own")
    func foreignFiles() throws {
        let storage = MemoryStorage()
        for name in [
            "notes.txt", "1.log", "0000000000000000000x.log", "-0000000000000000001.log", "partition.metadata",
        ] {
            _ = try storage.open(name, creating: true)
        }
        let log = try Log(in: storage)
        #expect(log.snapshot.segmentCount == 1 && log.end.offset == .zero)
    }

    @Test("survives any bytes at all in the active segment, over 500 seeds")
    func garbage() throws {
        for seed in UInt64(0)..<500 {
            var random = SplitMix64(seed: seed)
            let storage = MemoryStorage()
            try write(2, to: storage, configuration())
            let file = try storage.open(first + ".log", creating: false)
            let garbage = (0..<random.below(400)).map { _ in
                UInt8(truncatingIfNeeded: random.chance(30) ? 0 : random.next())
            }
            try file.append(Bytes(garbage), at: try file.size())
            let log = try Log(in: storage, configuration: configuration())
            #expect(log.end.offset == Offset(4), "seed \(seed)")
            #expect(log.recovery.cutBytes == Int64(garbage.count), "seed \(seed)")
        }
    }

    @Test("takes no appends after a failure that it could not take back, and never loses what was there")
    func failedAppend() throws {
        let disk = MemoryDisk(seed: 9)
        let storage = MemoryStorage(disk)
        let log = try Log(in: storage, configuration: configuration())
        _ = try log.append(Batches.make(2), leaderEpoch: epoch)

        // The disk is full: the append is taken back, and the log goes on once there is room.
        disk.failNext(.append, with: 28)
        #expect(throws: LogError.self) { try log.append(Batches.make(5, padding: 300), leaderEpoch: epoch) }
        #expect(try log.append(Batches.make(1), leaderEpoch: epoch).baseOffset == Offset(2))

        // It cannot even be taken back: nothing more is appended behind the torn batch.
        disk.failNext(.append, with: 5)
        disk.failNext(.truncate, with: 5)
        #expect(throws: LogError.self) { try log.append(Batches.make(5, padding: 300), leaderEpoch: epoch) }
        #expect(throws: LogError.self) { try log.append(Batches.make(1), leaderEpoch: epoch) }
        #expect(try Log(in: storage, configuration: configuration()).end.offset == Offset(3))
    }

    @Test("takes no appends after a synchronize that failed: nobody knows what is on disk")
    func failedSynchronize() throws {
        let disk = MemoryDisk(seed: 9)
        let log = try Log(in: MemoryStorage(disk), configuration: configuration())
        _ = try log.append(Batches.make(2), leaderEpoch: epoch)
        disk.failNext(.synchronize, with: 5)
        #expect(throws: LogError.self) { try log.synchronize() }
        #expect(throws: LogError.self) { try log.append(Batches.make(1), leaderEpoch: epoch) }

        // The file of the leader epochs is synchronized as well.
        let other = try Log(in: MemoryStorage(disk).directory("other"), configuration: configuration())
        disk.failNext(.synchronize, with: 5)
        #expect(throws: LogError.self) { try other.append(Batches.make(1), leaderEpoch: epoch) }
        #expect(throws: LogError.self) { try other.append(Batches.make(1), leaderEpoch: epoch) }
    }
}

/// Counts how often a directory is listed.
private final class CountingStorage: Storage {
    private let under = MemoryStorage()
    private let count = Lock(0)
    var lists: Int { count.withLock { $0 } }
    var path: String { under.path }

    func open(_ name: String, creating: Bool) throws(StorageError) -> any File {
        try under.open(name, creating: creating)
    }
    func directory(_ name: String) throws(StorageError) -> any Storage { try under.directory(name) }
    func list() throws(StorageError) -> [String] {
        count.withLock { $0 += 1 }
        return try under.list()
    }
    func subdirectories() throws(StorageError) -> [String] { try under.subdirectories() }
    func rename(_ name: String, to newName: String) throws(StorageError) { try under.rename(name, to: newName) }
    func remove(_ name: String) throws(StorageError) { try under.remove(name) }
    func synchronizeDirectory() throws(StorageError) { try under.synchronizeDirectory() }
}
