import SegmentLog
import TestSupport
import Testing

@Suite("A compaction that is interrupted")
struct CompactionCrashTests {
    private let time: Int64 = 5000
    private let policy = CompactionPolicy()

    private func configuration(_ seed: UInt64) -> LogConfiguration {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 700 + Int(seed % 7) * 300
        configuration.indexIntervalBytes = Int(seed % 5) * 100
        return configuration
    }

    /// A log that was compacted once, with more behind; all of it durable. Returns the first dirty offset.
    private func prepare(_ storage: any Storage, _ seed: UInt64) throws -> (Log, dirty: Offset) {
        var random = SplitMix64(seed: seed)
        let log = try Log(in: storage, configuration: configuration(seed))
        var batches = RandomBatches()
        batches.codecs = [.none, .gzip]
        for _ in 0..<12 { _ = try log.append(try batches.next(&random, at: 1000), leaderEpoch: LeaderEpoch(0)) }
        let dirty = try log.compact(policy, from: .zero, upTo: log.end.offset, at: 2000).firstDirtyOffset
        for _ in 0..<14 { _ = try log.append(try batches.next(&random, at: 3000), leaderEpoch: LeaderEpoch(0)) }
        if seed % 3 == 0 { try log.removeDeletedFiles(deletedUpTo: 2000) }
        try log.synchronize()
        return (log, dirty)
    }

    private func records(_ log: Log) throws -> [StoredRecord] {
        try StoredBatch.all(in: log.snapshot).flatMap(\.records)
    }

    /// What a log may hold that was interrupted on its way from `before` to `after`.
    private struct Way {
        var before: [StoredRecord]
        var after: [StoredRecord]
        var end: Offset

        func check(_ log: Log, _ name: String) throws -> [StoredRecord] {
            let found = try StoredBatch.all(in: log.snapshot).flatMap(\.records)
            let known = Dictionary(uniqueKeysWithValues: before.map { ($0.offset, $0) })
            let isKnown = found.allSatisfy { known[$0.offset] == $0 }
            #expect(isKnown, "\(name): a record that was not there")
            let offsets = Set(found.map(\.offset))
            let isWhole = after.allSatisfy { offsets.contains($0.offset) }
            #expect(isWhole, "\(name): a record is lost")
            let isOrdered = zip(found, found.dropFirst()).allSatisfy { $0.offset < $1.offset }
            #expect(isOrdered, "\(name)")
            #expect(log.end.offset == end && log.startOffset == .zero, "\(name)")
            return found
        }
    }

    private func way(_ seed: UInt64) throws -> Way {
        let (log, dirty) = try prepare(MemoryStorage(MemoryDisk(seed: seed)), seed)
        let before = try records(log)
        _ = try log.compact(policy, from: dirty, upTo: log.end.offset, at: time)
        return Way(before: before, after: try records(log), end: log.end.offset)
    }

    @Test("by a kill or a power failure, at any step, has for each key what was there before or after")
    func everyStep() throws {
        var crashes = 0
        var swaps = 0
        var states = Set<Int>()
        for seed in UInt64(0)..<40 {
            let way = try way(seed)
            for step in 0..<1000 {
                let disk = MemoryDisk(seed: seed)
                let (log, dirty) = try prepare(MemoryStorage(disk), seed)
                disk.losePower(afterSteps: step)
                let result = try? log.compact(policy, from: dirty, upTo: log.end.offset, at: time)
                if result != nil { break }
                crashes += 1
                for after in [disk.afterKill(), disk.afterPowerLoss(seed: seed &* 1000 + UInt64(step))] {
                    let name = "seed \(seed), step \(step)"
                    swaps += after.contents().keys.contains { $0.hasSuffix(".log.swap") } ? 1 : 0
                    let opened = try Log(in: MemoryStorage(after), configuration: configuration(seed))
                    states.insert(try way.check(opened, name).count)
                    let recovered = after.contents()
                    let isClean = recovered.keys.allSatisfy {
                        $0.hasSuffix("log") || $0.hasSuffix("index") || $0.hasSuffix("epoch-checkpoint")
                    }
                    #expect(isClean, "\(name): leftovers")
                    _ = try Log(in: MemoryStorage(after), configuration: configuration(seed))
                    let isSame = after.contents() == recovered
                    #expect(isSame, "\(name): recovery is not idempotent")
                    let lost = try Log(
                        in: MemoryStorage(after.afterPowerLoss(seed: seed)), configuration: configuration(seed))
                    _ = try way.check(lost, name)
                    // And the compaction comes to its end when it is begun again.
                    _ = try opened.compact(policy, from: dirty, upTo: opened.end.offset, at: time)
                    let isDone = try records(opened) == way.after
                    #expect(isDone, "\(name)")
                }
            }
        }
        #expect(crashes > 1500 && swaps > 300 && states.count > 40, "\(crashes) \(swaps) \(states.count)")
    }

    @Test("and whose opening is interrupted as well loses nothing either")
    func duringOpening() throws {
        var crashes = 0
        for seed in UInt64(0)..<12 {
            let way = try way(seed)
            var step = Int(seed % 3)
            while true {
                let disk = MemoryDisk(seed: seed)
                let (log, dirty) = try prepare(MemoryStorage(disk), seed)
                disk.losePower(afterSteps: step)
                if (try? log.compact(policy, from: dirty, upTo: log.end.offset, at: time)) != nil { break }
                for second in 0..<100 {
                    let first = step % 2 == 0 ? disk.afterKill() : disk.afterPowerLoss(seed: seed &+ UInt64(step))
                    first.losePower(afterSteps: second)
                    if (try? Log(in: MemoryStorage(first), configuration: configuration(seed))) != nil { break }
                    crashes += 1
                    for after in [first.afterKill(), first.afterPowerLoss(seed: UInt64(second))] {
                        let opened = try Log(in: MemoryStorage(after), configuration: configuration(seed))
                        _ = try way.check(opened, "seed \(seed), steps \(step) and \(second)")
                    }
                }
                step += 3
            }
        }
        #expect(crashes > 1000, "\(crashes)")
    }

    @Test("by any storage call that fails leaves the log as it was, or is final if it was a synchronize")
    func everyFailure() throws {
        var failures = 0
        var finals = 0
        for seed in UInt64(0)..<12 {
            let way = try way(seed)
            for call in 0..<1000 {
                let disk = MemoryDisk(seed: seed)
                let faults = Faults()
                let storage = FaultyStorage(MemoryStorage(disk), faults)
                let (log, dirty) = try prepare(storage, seed)
                faults.failAfter(call)
                let name = "seed \(seed), call \(call)"
                do {
                    _ = try log.compact(policy, from: dirty, upTo: log.end.offset, at: time)
                    if !faults.hasFailed { break }
                } catch {
                    failures += 1
                    _ = try way.check(log, name)
                    if error.isFinal {
                        finals += 1
                        #expect(throws: LogError.self) {
                            try log.append(Batches.make(1), leaderEpoch: LeaderEpoch(0))
                        }
                    } else {
                        let names = try storage.list()
                        #expect(!names.contains { $0.hasSuffix(".swap") || $0.hasSuffix(".cleaned") }, "\(name)")
                        let opened = try Log(in: MemoryStorage(disk.afterKill()), configuration: configuration(seed))
                        #expect(try records(opened) == records(log), "\(name)")
                        // The log goes on as if nothing had been.
                        _ = try log.compact(policy, from: dirty, upTo: log.end.offset, at: time)
                        #expect(try records(log) == way.after, "\(name)")
                        try log.removeDeletedFiles(deletedUpTo: .max)
                        #expect(try records(log) == way.after, "\(name)")
                    }
                }
                let opened = try Log(
                    in: MemoryStorage(disk.afterPowerLoss(seed: seed)), configuration: configuration(seed))
                _ = try way.check(opened, name)
            }
        }
        #expect(failures > 300 && finals > 50, "\(failures) \(finals)")
    }

    @Test("by a renaming that fails, and a power failure while that is taken back, loses nothing")
    func takenBack() throws {
        var crashes = 0
        for seed in UInt64(0)..<6 {
            let way = try way(seed)
            for call in 0..<1000 {
                var hasFailed = true
                for step in 0..<100 {
                    let disk = MemoryDisk(seed: seed)
                    let faults = Faults()
                    let (log, dirty) = try prepare(FaultyStorage(MemoryStorage(disk), faults), seed)
                    faults.failAfter(call) { disk.losePower(afterSteps: step) }
                    var cause: StorageError.Cause?
                    do throws(LogError) {
                        _ = try log.compact(policy, from: dirty, upTo: log.end.offset, at: time)
                    } catch {
                        if case .storage(let error) = error { cause = error.cause }
                    }
                    hasFailed = faults.failed != nil
                    guard faults.failed == "rename" else { break }
                    for after in [disk.afterKill(), disk.afterPowerLoss(seed: seed &* 100 &+ UInt64(step))] {
                        let opened = try Log(in: MemoryStorage(after), configuration: configuration(seed))
                        _ = try way.check(opened, "seed \(seed), call \(call), step \(step)")
                    }
                    guard cause == .crashed else { break }
                    crashes += 1
                }
                if !hasFailed { break }
            }
        }
        #expect(crashes > 500, "\(crashes)")
    }

    @Test("and left a swap that is damaged is refused, and nothing is changed")
    func damagedSwap() throws {
        let disk = MemoryDisk(seed: 1)
        let storage = MemoryStorage(disk)
        _ = try prepare(storage, 1)
        let swap = try storage.open("00000000000000000000.log.swap", creating: true)
        try swap.append(Batches.make(3).bytes.slice(0..<90), at: 0)
        let before = disk.contents()
        let error = #expect(throws: LogError.self) { try Log(in: storage, configuration: configuration(1)) }
        guard case .damagedSegment? = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(disk.contents() == before)
        // The operator says so: it is set aside, and what it was to replace is still there.
        var cutting = configuration(1)
        cutting.cutsDamagedSegments = true
        let end = try Log(in: storage, configuration: cutting).end.offset
        #expect(end == (try way(1)).end)
        #expect(try storage.list().contains("00000000000000000000.log.swap.damaged"))
        #expect(try Log(in: storage, configuration: configuration(1)).end.offset == end)
    }
}

/// Counts storage calls, and makes one of them fail.
private final class Faults: Sendable {
    private struct State {
        var left: Int?
        var failed: String?
        var onFailure: @Sendable () -> Void = {}
    }
    private let state = Lock(State())

    var hasFailed: Bool { failed != nil }
    /// The operation that failed.
    var failed: String? { state.withLock { $0.failed } }

    /// The call after `count` more fails, once.
    func failAfter(_ count: Int, _ onFailure: @escaping @Sendable () -> Void = {}) {
        state.withLock { state in
            state.left = count
            state.onFailure = onFailure
        }
    }

    func call(_ operation: String, _ path: String) throws(StorageError) {
        let onFailure = state.withLock { state -> (@Sendable () -> Void)? in
            guard let left = state.left else { return nil }
            state.left = left == 0 ? nil : left - 1
            if left == 0 { state.failed = operation }
            return left == 0 ? state.onFailure : nil
        }
        guard let onFailure else { return }
        onFailure()
        throw StorageError(operation, path, .system(5))
    }
}

private final class FaultyStorage: Storage {
    private let under: any Storage
    private let faults: Faults
    var path: String { under.path }

    init(_ under: any Storage, _ faults: Faults) {
        self.under = under
        self.faults = faults
    }

    func open(_ name: String, creating: Bool) throws(StorageError) -> any File {
        try faults.call("open", name)
        return FaultyFile(try under.open(name, creating: creating), faults)
    }

    func directory(_ name: String) throws(StorageError) -> any Storage { try under.directory(name) }

    func list() throws(StorageError) -> [String] {
        try faults.call("list", path)
        return try under.list()
    }

    func subdirectories() throws(StorageError) -> [String] { try under.subdirectories() }

    func rename(_ name: String, to newName: String) throws(StorageError) {
        try faults.call("rename", name)
        try under.rename(name, to: newName)
    }

    func remove(_ name: String) throws(StorageError) {
        try faults.call("remove", name)
        try under.remove(name)
    }

    func synchronizeDirectory() throws(StorageError) {
        try faults.call("synchronize directory", path)
        try under.synchronizeDirectory()
    }
}

private final class FaultyFile: File {
    private let under: any File
    private let faults: Faults
    var path: String { under.path }
    var descriptor: Int32? { nil }

    init(_ under: any File, _ faults: Faults) {
        self.under = under
        self.faults = faults
    }

    func size() throws(StorageError) -> Int64 { try under.size() }

    func append(_ head: Bytes, _ body: Bytes, at end: Int64) throws(StorageError) {
        try faults.call("append", path)
        try under.append(head, body, at: end)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int64) throws(StorageError) -> Int {
        try faults.call("read", path)
        return try under.read(into: buffer, at: position)
    }

    func rewrite(_ bytes: Bytes, at position: Int64) throws(StorageError) {
        try faults.call("rewrite", path)
        try under.rewrite(bytes, at: position)
    }

    func truncate(to size: Int64) throws(StorageError) {
        try faults.call("truncate", path)
        try under.truncate(to: size)
    }

    func synchronize() throws(StorageError) {
        try faults.call("synchronize", path)
        try under.synchronize()
    }

    func mapped(_ count: Int) throws(StorageError) -> Bytes {
        try faults.call("map", path)
        return try under.mapped(count)
    }
}
