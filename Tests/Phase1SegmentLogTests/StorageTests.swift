import SegmentLog
import TestSupport
import Testing

@Suite("Storage")
struct StorageTests {
    /// The two implementations, which must behave alike.
    enum Kind: CaseIterable { case files, memory }

    private func with(_ kind: Kind, _ body: (any Storage) throws -> Void) throws {
        switch kind {
        case .files:
            let directory = try TemporaryDirectory()
            try body(try directory.storage())
        case .memory: try body(MemoryStorage())
        }
    }

    @Test("appends parts, reads at a position, and cuts", arguments: Kind.allCases)
    func appendReadTruncate(kind: Kind) throws {
        try with(kind) { storage in
            let file = try storage.open("a", creating: true)
            try file.append([1, 2], [3], at: 0)
            try file.append([4], at: 3)
            #expect(try file.size() == 4)
            #expect(try file.read(10, at: 1) == [2, 3, 4])
            #expect(try file.read(2, at: 4) == [])
            try file.truncate(to: 2)
            #expect(try storage.open("a", creating: false).read(10, at: 0) == [1, 2])
            try file.synchronize()
        }
    }

    @Test("opens only what exists, unless told to make it", arguments: Kind.allCases)
    func missingFile(kind: Kind) throws {
        try with(kind) { storage in
            let error = #expect(throws: StorageError.self) { try storage.open("a", creating: false) }
            #expect(error?.isNotFound == true)
            #expect(error?.operation == "open")
            #expect(error?.path.hasSuffix("/a") == true)
        }
    }

    @Test("lists names sorted, renames over a file, removes, and keeps directories", arguments: Kind.allCases)
    func names(kind: Kind) throws {
        try with(kind) { storage in
            for name in ["c", "a", "b"] { _ = try storage.open(name, creating: true) }
            let inner = try storage.directory("d")
            try inner.open("x", creating: true).append([7], at: 0)
            #expect(try storage.list() == ["a", "b", "c", "d"])
            try storage.open("a", creating: false).append([1], at: 0)
            try storage.rename("a", to: "c")
            #expect(try storage.list() == ["b", "c", "d"])
            #expect(try storage.open("c", creating: false).read(9, at: 0) == [1])
            #expect(throws: StorageError.self) { try storage.remove("d") }
            try storage.directory("d").remove("x")
            try storage.remove("d")
            try storage.remove("b")
            #expect(throws: StorageError.self) { try storage.rename("b", to: "e") }
            #expect(try storage.list() == ["c"])
            try storage.synchronizeDirectory()
        }
    }

    @Test("keeps a removed or renamed file readable to who has it open", arguments: Kind.allCases)
    func removedWhileOpen(kind: Kind) throws {
        try with(kind) { storage in
            let file = try storage.open("a", creating: true)
            try file.append([1, 2, 3], at: 0)
            try storage.remove("a")
            #expect(try file.read(3, at: 0) == [1, 2, 3])
        }
    }

    @Test("replaces a file's contents as a whole", arguments: Kind.allCases)
    func replace(kind: Kind) throws {
        try with(kind) { storage in
            try storage.replace("a", with: Bytes(utf8: "a long first version"))
            try storage.replace("a", with: Bytes(utf8: "second"))
            #expect(try storage.contents(of: "a").utf8 == "second")
            #expect(try storage.list() == ["a"])
            #expect(throws: StorageError.self) { try storage.contents(of: "a", limit: 5) }
        }
    }

    @Test("of files is taken by one broker at a time")
    func lock() throws {
        let directory = try TemporaryDirectory()
        var held: (any Sendable & AnyObject)? = try directory.storage().lock()
        let error = #expect(throws: StorageError.self) { try directory.storage().lock() }
        #expect(error?.description.contains("another broker") == true)
        _ = held
        held = nil
        _ = try directory.storage().lock()
    }

    @Test("in memory loses what was not synchronized, and keeps what was, over 500 power failures")
    func powerLoss() throws {
        var sawLost = false, sawTorn = false, sawKept = false, sawMissing = false
        for seed in UInt64(0)..<500 {
            let disk = MemoryDisk()
            let storage = MemoryStorage(disk)
            let file = try storage.open("a", creating: true)
            let durable = [UInt8](repeating: 1, count: 5000)
            try file.append(Bytes(durable), at: 0)
            try file.synchronize()
            try storage.synchronizeDirectory()
            try file.append(Bytes([UInt8](repeating: 2, count: 9000)), at: 5000)
            _ = try storage.open("b", creating: true)

            let after = disk.afterPowerLoss(seed: seed).contents()
            let bytes = try #require(after["/a"], "a synchronized name is gone, seed \(seed)")
            #expect(Array(bytes.prefix(5000)) == durable, "seed \(seed)")
            sawLost = sawLost || bytes.count == 5000
            sawKept = sawKept || bytes.count == 14_000 && bytes[5000...].allSatisfy { $0 == 2 }
            sawTorn = sawTorn || bytes[5000...].contains(0) && bytes[5000...].contains(2)
            sawMissing = sawMissing || after["/b"] == nil
            #expect(disk.afterKill().contents()["/a"]?.count == 14_000)
        }
        #expect(sawLost && sawTorn && sawKept && sawMissing)
    }

    @Test("in memory loses any of the directory changes that were not synchronized, and never half of one")
    func lostNames() throws {
        var seen = Set<[String]>()
        for seed in UInt64(0)..<500 {
            let disk = MemoryDisk()
            let storage = MemoryStorage(disk)
            for name in ["a", "b", "c"] { _ = try storage.open(name, creating: true) }
            try storage.directory("d").open("x", creating: true).append([7], at: 0)
            try storage.synchronizeDirectory()
            try storage.rename("a", to: "e")
            try storage.rename("b", to: "f")
            try storage.remove("c")
            let names = try MemoryStorage(disk.afterPowerLoss(seed: seed)).list()
            #expect(names.contains("a") != names.contains("e") && names.contains("b") != names.contains("f"))
            seen.insert(names)
        }
        #expect(seen.count == 8)
    }

    @Test("gives a subdirectory another name, with all that it holds", arguments: Kind.allCases)
    func renamedDirectory(kind: Kind) throws {
        try with(kind) { storage in
            try storage.directory("d").open("x", creating: true).append([7], at: 0)
            try storage.rename("d", to: "e")
            #expect(try storage.subdirectories() == ["e"])
            #expect(try storage.directory("e").contents(of: "x") == [7])
            _ = try storage.directory("f")
            try storage.rename("e", to: "f")
            _ = try storage.directory("g")
            #expect(throws: StorageError.self) { try storage.rename("g", to: "f") }
            #expect(try storage.directory("f").list() == ["x"])
        }
    }

    @Test("in memory stops at the step where the power fails, which may half happen")
    func powerLossAtStep() throws {
        let disk = MemoryDisk(seed: 4)
        let storage = MemoryStorage(disk)
        let file = try storage.open("a", creating: true)
        disk.losePower(afterSteps: 1)
        try file.append([1, 2, 3, 4], at: 0)
        let error = #expect(throws: StorageError.self) {
            try file.append(Bytes([UInt8](repeating: 9, count: 100)), at: 4)
        }
        #expect(error?.cause == .crashed)
        #expect(throws: StorageError.self) { try file.size() }
        #expect((4...104).contains(try #require(disk.afterKill().contents()["/a"]).count))
    }
}
