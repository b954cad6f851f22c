import SegmentLog
import TestSupport
import Testing

@Suite("A removal of logs")
struct LogRemovalTests {
    private let configuration = LogConfiguration.smallSegments

    private func values(of snapshot: LogSnapshot) throws -> [String] {
        try StoredBatch.all(in: snapshot).flatMap(\.records).map { String(($0.value ?? "").prefix { $0 != "." }) }
    }

    private func files(_ disk: MemoryDisk) -> [String] { disk.contents().keys.filter { $0.contains(".log") }.sorted() }

    @Test("takes the log away at once and its files later, as many at a time as it is told")
    func inSteps() throws {
        let disk = MemoryDisk()
        let directory = try LogDirectory(MemoryStorage(disk), configuration: configuration)
        for name in ["t-0", "t-1", "u-0"] { try directory.log(name).fill(30) }
        let before = files(disk).count
        try directory.detach(["t-0", "t-1"], at: 1000)
        #expect(directory.names == ["u-0"] && directory.openLogs.map(\.name) == ["u-0"])
        #expect(directory.firstDetached == 1000 && files(disk).count == before)
        // The delay has not passed.
        #expect(try directory.removeDetached(detachedUpTo: 999).isEmpty && files(disk).count == before)

        var left = disk.contents().count
        var removed: [String] = []
        while directory.firstDetached != nil {
            removed += try directory.removeDetached(detachedUpTo: 1000, atMost: 3)
            #expect((left - 3...left).contains(disk.contents().count))
            left = disk.contents().count
        }
        #expect(removed == ["t-0.0-delete", "t-1.1-delete"])
        #expect(try MemoryStorage(disk).subdirectories() == ["u-0"])
        #expect(try values(of: directory.log("u-0").snapshot).count == 30)
    }

    @Test("makes room for another log of the name, again and again, and leaves none of them its checkpoints")
    func again() throws {
        let disk = MemoryDisk()
        let directory = try LogDirectory(MemoryStorage(disk), configuration: configuration)
        for round in 0..<4 {
            let log = try directory.log("t-0")
            #expect(log.startOffset == .zero && log.end.offset == .zero && directory.firstDirtyOffset("t-0") == nil)
            try log.fill(20, tag: "round\(round)-")
            try log.advanceStart(to: Offset(5), at: 0)
            try directory.wasCompacted("t-0", upTo: Offset(3))
            directory.becameDurable("t-0", upTo: Offset(20))
            try directory.writeCheckpoints()
            try directory.detach(["t-0"], at: Int64(round))
            // What it says of itself after a crash is nothing.
            let after = try LogDirectory(
                MemoryStorage(disk.afterPowerLoss(seed: UInt64(round))), configuration: configuration)
            try after.recover()
            #expect(after.names.isEmpty && after.firstDetached == .min)
            let another = try after.log("t-0")
            #expect(another.end.offset == .zero && after.firstDirtyOffset("t-0") == nil)
        }
        try directory.removeDetached(detachedUpTo: 1)
        #expect(directory.firstDetached == 2)
        try directory.removeDetached(detachedUpTo: 3)
        #expect(disk.contents().keys.filter { $0.contains("t-0") }.isEmpty)
    }

    @Test("has a log wholly or not at all after a crash at any step, and what is left goes in the next run")
    func interrupted() throws {
        var counts = Set<Int>()
        var resumed = 0
        for step in 0..<40 {
            for seed in UInt64(0)..<20 {
                let disk = MemoryDisk(seed: seed)
                let directory = try LogDirectory(MemoryStorage(disk), configuration: configuration)
                try directory.log("t-0").fill(40)
                try directory.log("t-0").synchronize()
                directory.becameDurable("t-0", upTo: Offset(40))
                try directory.writeCheckpoints()
                disk.losePower(afterSteps: step)
                var isDetached = false
                do {
                    try directory.detach(["t-0"], at: 0)
                    isDetached = true
                    try directory.removeDetached(detachedUpTo: 0)
                } catch {}
                for after in [disk.afterKill(), disk.afterPowerLoss(seed: seed)] {
                    let again = try LogDirectory(MemoryStorage(after), configuration: configuration)
                    try again.recover()
                    let count = try again.names.isEmpty ? 0 : values(of: again.log("t-0").snapshot).count
                    counts.insert(count)
                    #expect(!isDetached || count == 0, "step \(step), seed \(seed)")
                    if again.firstDetached != nil { resumed += 1 }
                    try again.removeDetached(detachedUpTo: .min)
                    let leftovers = try MemoryStorage(after).subdirectories().filter { $0 != "t-0" }
                    #expect(leftovers.isEmpty, "step \(step), seed \(seed)")
                }
            }
        }
        #expect(counts == [0, 40] && resumed > 100)
    }

    @Test("lets readers go on, and lets the log change nothing of the one that has its name next")
    func holders() throws {
        let temporary = try TemporaryDirectory()
        let directory = try LogDirectory(FileStorage(path: temporary.path), configuration: configuration)
        let old = try directory.log("t-0")
        try old.fill(40)
        let cleaner = try old.makeCleaner(CompactionPolicy(), from: .zero, upTo: old.end.offset, at: 5000)
        // As far as its copy of the first segments.
        for _ in 0..<40 where try cleaner.step(readingAtMost: 1) {}
        try old.advanceStart(to: Offset(20), at: 0)
        let reader = old.makeReader()
        let held = reader.snapshot()
        try directory.detach(["t-0"], at: 0)
        let new = try directory.log("t-0")
        try new.fill(3, tag: "new")
        let path = temporary.path + "/t-0"
        let before = try FileStorage(existing: path).list()

        #expect(throws: LogError.removed(path: path)) { try old.append(Batches.make(), leaderEpoch: LeaderEpoch(1)) }
        #expect(throws: LogError.removed(path: path)) { try old.roll() }
        #expect(throws: LogError.removed(path: path)) { try old.removeDeletedFiles(deletedUpTo: 0) }
        #expect(throws: LogError.removed(path: path)) { try old.advanceStart(to: Offset(39), at: 0) }
        #expect(throws: LogError.removed(path: path)) { try cleaner.step(readingAtMost: 1) }
        #expect(throws: LogError.removed(path: path)) { try old.close() }
        #expect(try FileStorage(existing: path).list() == before)

        try directory.removeDetached(detachedUpTo: 0)
        #expect(try values(of: held) == (20..<40).map { "b\($0)-0" })
        #expect(try values(of: reader.snapshot()).last == "b39-0")
        #expect(try values(of: new.snapshot) == ["new0-0", "new1-0", "new2-0"])
    }

    @Test("gives a topic of the longest name a name that file systems take")
    func longNames() throws {
        let temporary = try TemporaryDirectory()
        let directory = try LogDirectory(FileStorage(path: temporary.path), configuration: configuration)
        let names = (0..<2).map { String(repeating: "x", count: 249) + "-\($0)" }
        for name in names { _ = try directory.log(name) }
        try directory.detach(names, at: 0)
        #expect(directory.names.isEmpty)
        let again = try LogDirectory(FileStorage(path: temporary.path), configuration: configuration)
        #expect(again.names.isEmpty && again.firstDetached == .min)
        #expect(try again.removeDetached(detachedUpTo: .min).count == 2)
        #expect(try FileStorage(existing: temporary.path).subdirectories().isEmpty)
    }

    @Test("finishes another Kafka's removals, and takes nothing else for one")
    func names() throws {
        let disk = MemoryDisk()
        let storage = MemoryStorage(disk)
        let theirs = "orders-3.5f0c2d7e9b8a4c1d8e7f6a5b4c3d2e1f-delete"
        let foreign = ["orders-delete", "orders-3.-delete", "orders.1-delete", "a-0.b-c-delete", "t-0.delete"]
        let greatest = "t-0.2147483647-delete"
        for name in foreign + [theirs, greatest, "t-0.9223372036854775807-delete"] {
            try storage.directory(name).open("file", creating: true).append([1], at: 0)
        }
        let directory = try LogDirectory(storage, configuration: configuration)
        _ = try directory.log("t-0")
        try directory.detach(["t-0"], at: 0)
        #expect(try storage.subdirectories().contains("t-0.2147483648-delete"))
        #expect(try directory.removeDetached(detachedUpTo: 0).count == 4)
        #expect(try storage.subdirectories() == foreign.sorted())
    }

    @Test("leaves what cannot be removed to the next run, and goes on with the others")
    func stuck() throws {
        let disk = MemoryDisk()
        let storage = MemoryStorage(disk)
        let directory = try LogDirectory(storage, configuration: configuration)
        for name in ["t-0", "t-1"] { _ = try directory.log(name) }
        try directory.detach(["t-0", "t-1"], at: 0)
        // Somebody's directory, which is not empty.
        _ = try storage.directory("t-0.0-delete").directory("sub").open("file", creating: true)
        #expect(throws: LogError.self) { try directory.removeDetached(detachedUpTo: 0) }
        #expect(try directory.removeDetached(detachedUpTo: 0) == ["t-1.1-delete"])
        #expect(try storage.subdirectories() == ["t-0.0-delete"] && directory.firstDetached == nil)
    }
}
