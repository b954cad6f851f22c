import SegmentLog
import TestSupport
import Testing
import WireProtocol

@testable import TopicsPartitions

@Suite("Partitions' directories at a start")
struct TopicStartTests {
    private static let id = Uuid(high: 1, low: 1)
    private static let other = Uuid(high: 2, low: 2)

    /// What a start made of the directories: what serves, what was set aside, and what is being removed.
    private struct Outcome: Equatable, CustomStringConvertible {
        var serves: [String]
        var stray: [String] = []
        var removed: [String] = []

        var description: String { "serves \(serves), set aside \(stray), removed \(removed)" }
    }

    private func open(_ disk: MemoryDisk) throws -> Topics {
        try Topics(in: MemoryStorage(disk), nodeID: 1, defaults: TopicConfig()) { _, _ in }
    }

    /// Starts again after a kill.
    private func restart(_ disk: MemoryDisk) throws -> (Topics, Outcome) {
        let topics = try open(disk)
        let directories = try MemoryStorage(disk).subdirectories().sorted()
        return (
            topics,
            Outcome(
                serves: topics.directory.names, stray: directories.filter { $0.hasSuffix(".stray") },
                removed: directories.filter { $0.hasSuffix("-delete") })
        )
    }

    /// A disk with the topic t of two partitions, each with a record on disk, and its checkpoints.
    private func disk() throws -> MemoryDisk {
        let disk = MemoryDisk()
        var topics = try open(disk)
        try make("t", Self.id, partitions: 2, in: &topics)
        try topics.directory.writeCheckpoints()
        return disk.afterKill()
    }

    private func make(_ name: String, _ id: Uuid, partitions: Int32, in topics: inout Topics) throws {
        let records = (0..<partitions).map {
            MetadataRecord.partition(PartitionRecord(index: $0, topicID: id, replicas: [1]))
        }
        _ = try topics.append([.topic(TopicRecord(name: name, topicID: id))] + records, at: 1)
        for partition in topics[name]?.partitions ?? [] {
            let log = try partition.log()
            let end = try log.append(Batches.make(), leaderEpoch: LeaderEpoch(0)).end
            try log.synchronize()
            partition.becameDurable(upTo: end)
        }
    }

    /// Puts a directory there as it would come from elsewhere: a log of one record, and a topic's id.
    private func put(_ name: String, of id: Uuid?, on disk: MemoryDisk) throws {
        let directory = try MemoryStorage(disk).directory(name)
        _ = try Log(in: directory).append(Batches.make(), leaderEpoch: LeaderEpoch(0))
        if let id {
            try directory.replace(LogDirectory.metadataName, with: Bytes(utf8: "version: 0\ntopic_id: \(id)\n"))
        }
    }

    /// How many bytes of records a directory holds.
    private func recordBytes(_ directory: String, _ disk: MemoryDisk) -> Int {
        disk.contents().filter { $0.key.hasPrefix("/\(directory)/") && $0.key.hasSuffix(".log") }
            .reduce(0) { $0 + $1.value.count }
    }

    @Test("serves those that the metadata log names, and writes the topic's id where it is missing")
    func ours() throws {
        let disk = try disk()
        try MemoryStorage(disk).directory("t-1").remove(LogDirectory.metadataName)
        let (topics, outcome) = try restart(disk)
        #expect(outcome == Outcome(serves: ["t-0", "t-1"]))
        #expect(try topics["t"]?.partition(1)?.log().end.offset == Offset(1), "the record is still there")
        #expect(try TopicDirectories(topics.directory).topicID(of: "t-1") == Self.id)
    }

    @Test("sets aside what the metadata log never knew, and keeps every byte of it")
    func strangers() throws {
        let strangers: [(String, Uuid?)] = [("x-0", Self.other), ("x-0", nil), ("t-2", Self.id), ("t-7", Self.other)]
        for (name, id) in strangers {
            let disk = try disk()
            try put(name, of: id, on: disk)
            let bytes = recordBytes(name, disk)
            let (topics, outcome) = try restart(disk)
            let named = "\(name), of the topic \(id.map { "\($0)" } ?? "that nobody knows")"
            #expect(outcome == Outcome(serves: ["t-0", "t-1"], stray: ["\(name).stray"]), "\(named)")
            #expect(recordBytes("\(name).stray", disk) == bytes && bytes > 0, "\(named)")
            #expect(topics.recovery.lines.contains { $0.contains("\(name).stray") }, "\(named): the operator is told")
        }
    }

    @Test("sets aside another topic's directory that has a partition's name")
    func replaced() throws {
        let disk = try disk()
        try MemoryStorage(disk).directory("t-1").replace(
            LogDirectory.metadataName, with: Bytes(utf8: "version: 0\ntopic_id: \(Self.other)\n"))
        let (topics, outcome) = try restart(disk)
        #expect(outcome == Outcome(serves: ["t-0"], stray: ["t-1.stray"]))
        #expect(try topics["t"]?.partition(1)?.log().end.offset == .zero, "the partition begins again, empty")
        // A second one, and one of the longest name.
        try MemoryStorage(disk).directory("t-1").replace(
            LogDirectory.metadataName, with: Bytes(utf8: "version: 0\ntopic_id: \(Self.other)\n"))
        let long = String(repeating: "x", count: 249) + "-0"
        try MemoryStorage(disk).directory(long).replace(
            LogDirectory.metadataName, with: Bytes(utf8: "version: 0\ntopic_id: \(Self.other)\n"))
        let stray = try restart(disk).1.stray
        #expect(stray.count == 3 && stray.contains("t-1.2.stray") && stray.allSatisfy { $0.utf8.count <= 255 })
    }

    @Test("removes those of topics that were deleted, also when there is another one of the name")
    func deleted() throws {
        for isMadeAgain in [false, true] {
            let disk = try disk()
            var topics = try open(disk)
            _ = try topics.append([.removeTopic(RemoveTopicRecord(topicID: Self.id))], at: 1)
            if isMadeAgain { try make("t", Self.other, partitions: 1, in: &topics) }
            // The crash came before the directory's name was changed.
            let storage = MemoryStorage(disk)
            let renamed = try #require(try storage.subdirectories().first { $0.hasPrefix("t-1.") })
            try storage.rename(renamed, to: "t-1")
            let (again, outcome) = try restart(disk.afterKill())
            #expect(outcome.serves == (isMadeAgain ? ["t-0"] : []) && outcome.stray == [], "\(outcome)")
            #expect(outcome.removed.contains { $0.hasPrefix("t-1.") }, "\(outcome)")
            #expect(again.names == (isMadeAgain ? ["t"] : []))
        }
    }

    @Test("refuses to start without a directory that held records, and forgets those of topics that are gone")
    func missing() throws {
        let disk = try disk()
        let storage = MemoryStorage(disk)
        try storage.rename("t-1", to: "elsewhere")
        let error = #expect(throws: LogError.self, "t-1 stands in the checkpoint, and is not there") { try open(disk) }
        #expect(error?.description.contains("restore it, or take its line out") == true, "\(error?.description ?? "")")
        try storage.rename("elsewhere", to: "t-1")
        var topics = try open(disk)
        try make("gone", Self.other, partitions: 1, in: &topics)
        try topics.directory.writeCheckpoints()
        _ = try topics.append([.removeTopic(RemoveTopicRecord(topicID: Self.other))], at: 1)
        let checkpoint = "0\n3\ngone 0 1\nt 0 1\nt 1 1\n"
        try storage.replace(OffsetCheckpoint.recoveryPoints, with: Bytes(utf8: checkpoint))
        let (_, outcome) = try restart(disk.afterKill())
        #expect(outcome.serves == ["t-0", "t-1"], "a crash came before the topic's line was taken out")
    }
}
