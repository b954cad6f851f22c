import SegmentLog
import TestSupport
import Testing

@Suite("A directory of logs")
struct LogDirectoryTests {
    private let epoch = LeaderEpoch(0)

    private let configuration = LogConfiguration.smallSegments

    private func fill(_ directory: LogDirectory, _ name: String, _ count: Int) throws {
        try directory.log(name).fill(count)
    }

    private func values(of log: Log) throws -> [String] {
        var values: [String] = []
        var next = log.startOffset
        while next < log.end.offset {
            let range = try #require(try log.snapshot.read(from: next, upTo: log.end, maxBytes: 1 << 20))
            for (offset, value) in try Batches.values(in: range.read()) where offset >= next.value {
                #expect(offset == next.value)
                values.append(String(value.prefix { $0 != "." }))
                next = Offset(offset + 1)
            }
        }
        return values
    }

    @Test("opens nothing and reads nothing after a clean stop, and goes on where it was")
    func cleanStop() throws {
        let disk = MemoryDisk()
        let first = try LogDirectory(MemoryStorage(disk), configuration: configuration)
        #expect(!first.wasClosedCleanly)
        try fill(first, "a-0", 30)
        try fill(first, "b-with-dash-12", 3)
        _ = try first.log("empty-0")
        try first.log("a-0").advanceStart(to: Offset(20), at: 0)
        try first.close()

        let second = try LogDirectory(MemoryStorage(disk.afterPowerLoss(seed: 3)), configuration: configuration)
        try second.recover()
        #expect(second.wasClosedCleanly && second.recovered.isEmpty && second.openLogs.isEmpty)
        #expect(second.names == ["a-0", "b-with-dash-12", "empty-0"])
        let log = try second.log("a-0")
        #expect(log.recovery.scannedBytes == 0)
        #expect(log.startOffset == Offset(20) && log.end.offset == Offset(30))
        #expect(try values(of: log) == (20..<30).map { "b\($0)-0" })
        #expect(try log.append(Batches.make(1), leaderEpoch: epoch).baseOffset == Offset(30))
        #expect(try log.snapshot.record(notBefore: 1025, upTo: log.end)?.offset == Offset(25))
        #expect(second.openLogs.map(\.name) == ["a-0"])
    }

    @Test("resumes a log to what a scan of it would give, over 200 seeds of appends and stops")
    func resume() throws {
        for seed in UInt64(0)..<200 {
            var random = SplitMix64(seed: seed)
            var configuration = configuration
            configuration.indexIntervalBytes = random.below(500)
            let disk = MemoryDisk()
            var count = 0
            for _ in 0..<4 {
                let directory = try LogDirectory(MemoryStorage(disk), configuration: configuration)
                let log = try directory.log("t-0")
                #expect(log.end.offset.value == Int64(count), "seed \(seed)")
                for _ in 0..<random.below(15) {
                    let batch = Batches.make(
                        1, tag: "b\(count)", timestamp: Int64(random.below(5000)), padding: random.below(300))
                    _ = try log.append(batch, leaderEpoch: epoch)
                    count += 1
                }
                try directory.close()
            }
            // The resumed log's files are those of one that was read from its first byte.
            let resumed = disk.contents()
            let log = try Log(in: MemoryStorage(disk).directory("t-0"), configuration: configuration)
            try log.close()
            // (But for the time index: each clean stop ends it with an entry of its own.)
            for (path, bytes) in disk.contents() where path.hasPrefix("/t-0/") && !path.hasSuffix(".timeindex") {
                let isSame = resumed[path] == bytes
                #expect(isSame, "seed \(seed): \(path)")
            }
        }
    }

    @Test("recovers every log after a crash, with progress")
    func crash() throws {
        let disk = MemoryDisk()
        let first = try LogDirectory(MemoryStorage(disk), configuration: configuration)
        for number in 0..<5 {
            try fill(first, "t-\(number)", 10)
            try first.log("t-\(number)").synchronize()
        }
        var progress: [Int] = []
        let second = try LogDirectory(MemoryStorage(disk.afterPowerLoss(seed: 1)), configuration: configuration)
        try second.recover { done, total in
            progress.append(done)
            #expect(total == 5)
        }
        #expect(!second.wasClosedCleanly && progress == [1, 2, 3, 4, 5])
        #expect(second.recovered.map(\.name) == (0..<5).map { "t-\($0)" })
        #expect(second.recovered.allSatisfy { $0.recovery.scannedBytes > 0 })
        for number in 0..<5 { #expect(try second.log("t-\(number)").end.offset == Offset(10)) }
    }

    @Test("refuses damage below the recovery point, and cuts it above")
    func recoveryPoint() throws {
        for isKnown in [true, false] {
            let disk = MemoryDisk()
            let directory = try LogDirectory(MemoryStorage(disk))
            try fill(directory, "t-0", 10)
            try directory.log("t-0").synchronize()
            if isKnown { directory.becameDurable("t-0", upTo: Offset(8)) }
            try directory.writeCheckpoints()
            let storage = try MemoryStorage(disk).directory("t-0")
            let file = try storage.open("00000000000000000000.log", creating: false)
            var bytes = try file.read(Int(file.size()), at: 0).array
            bytes[bytes.count / 2] ^= 1
            try file.truncate(to: 0)
            try file.append(Bytes(bytes), at: 0)
            if isKnown {
                let before = disk.contents()
                let error = #expect(throws: LogError.self) { try LogDirectory(MemoryStorage(disk)).recover() }
                guard case .damagedSegment? = error else { return #expect(Bool(false), "\(String(describing: error))") }
                let isUnchanged = disk.contents() == before
                #expect(isUnchanged)
                // A log that lost its end altogether is seen as well.
                try file.truncate(to: 0)
                let missing = #expect(throws: LogError.self) { try LogDirectory(MemoryStorage(disk)).recover() }
                guard case .missingRecords? = missing else {
                    return #expect(Bool(false), "\(String(describing: missing))")
                }
            } else {
                let log = try LogDirectory(MemoryStorage(disk)).log("t-0")
                #expect(log.end.offset > .zero && log.end.offset < Offset(10))
            }
        }
    }

    @Test("loses nothing that was synchronized, wherever a stop is interrupted")
    func interruptedStop() throws {
        var clean = 0, unclean = 0
        for step in 0..<60 {
            for seed in UInt64(0)..<5 {
                let disk = MemoryDisk(seed: seed)
                let directory = try LogDirectory(MemoryStorage(disk), configuration: configuration)
                try fill(directory, "t-0", 25)
                try directory.log("t-0").synchronize()
                try fill(directory, "u-0", 2)
                disk.losePower(afterSteps: step)
                _ = try? directory.close()
                let after = try LogDirectory(
                    MemoryStorage(disk.afterPowerLoss(seed: seed)), configuration: configuration)
                if after.wasClosedCleanly { clean += 1 } else { unclean += 1 }
                #expect(try values(of: after.log("t-0")) == (0..<25).map { "b\($0)-0" }, "step \(step), seed \(seed)")
            }
        }
        #expect(clean > 0 && unclean > 0)
    }

    @Test("a clean stop is forgotten before the first log is opened, so that a crash after it is seen")
    func markerGoesFirst() throws {
        for step in 0..<8 {
            let disk = MemoryDisk()
            let first = try LogDirectory(MemoryStorage(disk), configuration: configuration)
            try fill(first, "t-0", 4)
            try first.close()
            disk.losePower(afterSteps: step)
            if let second = try? LogDirectory(MemoryStorage(disk), configuration: configuration) {
                try? fill(second, "t-0", 3)
            }
            let after = disk.afterPowerLoss(seed: UInt64(step))
            let third = try LogDirectory(MemoryStorage(after), configuration: configuration)
            let log = try third.log("t-0")
            #expect(log.end.offset >= Offset(4))
            #expect(try values(of: log).count == Int(log.end.offset.value))
        }
    }

    @Test("leaves alone what is not a log, whatever it is called")
    func foreign() throws {
        let disk = MemoryDisk()
        let storage = MemoryStorage(disk)
        try storage.directory("photos-2").open("a.jpg", creating: true).append([1], at: 0)
        try storage.open("notes-1", creating: true).append([2], at: 0)
        _ = try storage.directory("empty-0")
        let before = disk.contents()
        let directory = try LogDirectory(storage)
        try directory.recover()
        #expect(directory.names.isEmpty)
        let isUnchanged = disk.contents() == before
        #expect(isUnchanged)
    }

    @Test("knows a partition's directory by its name, and no other")
    func names() {
        #expect(LogDirectory.partition("a-b-3")?.topic == "a-b")
        #expect(LogDirectory.partition("a-b-3")?.number == 3)
        for name in ["a", "a-", "-1", "a-01", "a-+1", "a--1x", "a-99999999999", "meta.properties", "a-0.tmp"] {
            #expect(LogDirectory.partition(name) == nil, "\(name)")
        }
    }

    @Test("goes on after a cut that the operator asked for: what was known to be on disk no longer counts")
    func cutBelowTheRecoveryPoint() throws {
        let disk = MemoryDisk()
        let first = try LogDirectory(MemoryStorage(disk), configuration: configuration)
        try fill(first, "t-0", 30)
        try first.log("t-0").synchronize()
        first.becameDurable("t-0", upTo: Offset(30))
        try first.writeCheckpoints()
        let file = try MemoryStorage(disk).directory("t-0").open("00000000000000000000.log", creating: false)
        try file.truncate(to: try file.size() - 1)
        #expect(throws: LogError.self) {
            try LogDirectory(MemoryStorage(disk), configuration: configuration).recover()
        }
        var cutting = configuration
        cutting.cutsDamagedSegments = true
        let second = try LogDirectory(MemoryStorage(disk), configuration: cutting)
        try second.recover()
        let end = try second.log("t-0").end.offset
        #expect(end > .zero && end < Offset(30))
        // Whether it stops or is killed, the next start takes what is there.
        for after in [disk.afterKill(), disk.afterPowerLoss(seed: 1)] {
            let third = try LogDirectory(MemoryStorage(after), configuration: configuration)
            try third.recover()
            #expect(try third.log("t-0").end.offset == end)
        }
        try second.close()
        #expect(try LogDirectory(MemoryStorage(disk), configuration: configuration).log("t-0").end.offset == end)
    }

    @Test("begins a log anew whose directory was moved away, as an error tells to do, or removed before a crash")
    func checkpointsOfAnotherLog() throws {
        let disk = MemoryDisk()
        let first = try LogDirectory(MemoryStorage(disk), configuration: configuration)
        for name in ["moved-0", "removed-0"] {
            try fill(first, name, 30)
            try first.log(name).advanceStart(to: Offset(20), at: 0)
        }
        try first.close()
        try MemoryStorage(disk).rename("moved-0", to: "elsewhere")
        var after = disk
        for round in 0..<2 {
            let directory = try LogDirectory(MemoryStorage(after), configuration: configuration)
            if round == 0 { try directory.detach(["removed-0"], at: 0) }
            for name in ["moved-0", "removed-0"] {
                #expect(try directory.log(name).startOffset == .zero)
                if round == 0 { try fill(directory, name, 3) }
                try directory.log(name).synchronize()
                #expect(try values(of: directory.log(name)) == ["b0-0", "b1-0", "b2-0"])
            }
            after = after.afterPowerLoss(seed: 5)
        }
    }

    @Test("forgets a removed log's checkpoints before another of its name can be begun")
    func checkpointsAfterRemoval() throws {
        for isMoved in [false, true] {
            let disk = MemoryDisk()
            let storage = MemoryStorage(disk)
            let first = try LogDirectory(storage, configuration: configuration)
            try fill(first, "t-0", 30)
            try first.log("t-0").advanceStart(to: Offset(20), at: 0)
            try first.wasCompacted("t-0", upTo: Offset(5))
            try first.close()
            if isMoved { try storage.rename("t-0", to: "elsewhere") }
            let second = try LogDirectory(storage, configuration: configuration)
            #expect(second.missing == (isMoved ? ["t-0"] : []))
            if isMoved { try second.forgetMissing() } else { try second.detach(["t-0"], at: 0) }
            // A new topic's metadata is there, and the power fails before its log is.
            try storage.directory("t-0").replace(LogDirectory.metadataName, with: Bytes(utf8: "version: 0\n"))
            try storage.synchronizeDirectory()
            let third = try LogDirectory(MemoryStorage(disk.afterPowerLoss(seed: 1)), configuration: configuration)
            try third.recover()
            #expect(try third.log("t-0").end.offset == .zero && third.firstDirtyOffset("t-0") == nil)
        }
    }

    @Test("keeps how far each log was compacted in Kafka's file, at once, and not beyond a log's end")
    func cleanerCheckpoint() throws {
        let disk = MemoryDisk()
        let first = try LogDirectory(MemoryStorage(disk), configuration: configuration)
        for name in ["t-0", "u-1"] { try fill(first, name, 40) }
        try first.log("t-0").synchronize()
        try first.log("u-1").synchronize()
        #expect(first.firstDirtyOffset("t-0") == nil)
        let log = try first.log("t-0")
        let result = try log.compact(CompactionPolicy(), from: .zero, upTo: log.end.offset, at: 5000)
        try first.wasCompacted("t-0", upTo: result.firstDirtyOffset)
        try first.wasCompacted("u-1", upTo: Offset(7))
        let after = disk.afterPowerLoss(seed: 2)
        let text = try MemoryStorage(after).contents(of: "cleaner-offset-checkpoint").utf8
        #expect(text == "0\n2\nt 0 \(result.firstDirtyOffset)\nu 1 7\n")

        // A log that was cut, because the operator said so, has new records where compacted ones were.
        let name = "00000000000000000000.log"
        let file = try MemoryStorage(after).directory("u-1").open(name, creating: false)
        try file.truncate(to: 400)
        var cutting = configuration
        cutting.cutsDamagedSegments = true
        let second = try LogDirectory(MemoryStorage(after), configuration: cutting)
        try second.recover()
        #expect(second.firstDirtyOffset("t-0") == result.firstDirtyOffset)
        let end = try second.log("u-1").end.offset
        #expect(end < Offset(7) && second.firstDirtyOffset("u-1") == end)
        try second.detach(["t-0"], at: 0)
        try second.writeCheckpoints()
        let third = try LogDirectory(MemoryStorage(after.afterPowerLoss(seed: 1)), configuration: configuration)
        #expect(third.firstDirtyOffset("u-1") == end && third.firstDirtyOffset("t-0") == nil)
    }

    @Test("takes gaps only in a log that the checkpoint of compactions names")
    func gaps() throws {
        let disk = MemoryDisk()
        let first = try LogDirectory(MemoryStorage(disk), configuration: configuration)
        try fill(first, "t-0", 40)
        try first.close()
        let storage = MemoryStorage(disk)
        let partition = try storage.directory("t-0")
        let names = try partition.list().filter { $0.hasSuffix(".log") }
        try partition.remove(names[1])
        let before = disk.afterKill()
        #expect(throws: LogError.self) { try LogDirectory(storage, configuration: configuration).log("t-0") }
        try MemoryStorage(before).replace("cleaner-offset-checkpoint", with: Bytes(utf8: "0\n1\nt 0 0\n"))
        let log = try LogDirectory(MemoryStorage(before), configuration: configuration).log("t-0")
        #expect(log.recovery.gaps.count == 1 && log.end.offset == Offset(40))
    }
}
