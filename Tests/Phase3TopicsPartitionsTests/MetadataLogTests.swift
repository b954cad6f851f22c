import SegmentLog
import Testing
import TopicsPartitions
import WireProtocol

@Suite("The metadata log")
struct MetadataLogTests {
    private static func topic(_ number: Int, partitions: Int) -> [MetadataRecord] {
        let id = Uuid(high: UInt64(number), low: 7)
        return [.topic(TopicRecord(name: "topic-\(number)", topicID: id))]
            + (0..<partitions).map { index in
                var partition = PartitionRecord()
                partition.index = Int32(index)
                partition.topicID = id
                partition.replicas = [1]
                partition.inSyncReplicas = [1]
                partition.leader = 1
                partition.leaderEpoch = 0
                partition.partitionEpoch = 0
                return .partition(partition)
            }
    }

    private static func config(_ topic: String, _ name: String, _ value: String?) -> MetadataRecord {
        var config = ConfigRecord()
        config.resourceType = 2
        config.resourceName = topic
        config.name = name
        config.value = value
        return .config(config)
    }

    @Test("has Kafka's bytes")
    func bytes() throws {
        // Frame 1, kind 2 (TopicRecord), version 0; "foo" behind its compact length, the id, no tags.
        let topic = MetadataRecord.topic(TopicRecord(name: "foo", topicID: Uuid(high: 1, low: 2)))
        let expected: [UInt8] =
            [1, 2, 0, 4, 0x66, 0x6F, 0x6F] + [0, 0, 0, 0, 0, 0, 0, 1] + [0, 0, 0, 0, 0, 0, 0, 2] + [0]
        #expect(try topic.encoded().array == expected)
        let removed = MetadataRecord.removeTopic(RemoveTopicRecord(topicID: Uuid(high: 1, low: 2)))
        #expect(
            try removed.encoded().array == [1, 9, 0] + [0, 0, 0, 0, 0, 0, 0, 1] + [0, 0, 0, 0, 0, 0, 0, 2] + [0])
        #expect(
            try Self.config("t", "a", nil).encoded().array == [1, 4, 0, 2, 2, 0x74, 2, 0x61, 0, 0])
    }

    @Test("comes back from its bytes as it was, and refuses what it does not know")
    func roundTrip() throws {
        let records = Self.topic(3, partitions: 2) + [Self.config("topic-3", "retention.ms", "5")]
        for record in records { #expect(try MetadataRecord(decoding: try record.encoded()) == record) }
        #expect(throws: MetadataError.unknownRecord(kind: 77, version: 0)) {
            try MetadataRecord(decoding: [1, 77, 0, 0])
        }
        #expect(throws: MetadataError.unknownRecord(kind: 2, version: 9)) {
            try MetadataRecord(decoding: [1, 2, 9, 0])
        }
        for length in 0..<7 {
            #expect(throws: MetadataError.self) {
                try MetadataRecord(decoding: Bytes([1, 2, 0, 4, 0x66, 0x6F, 0x6F][..<length]))
            }
        }
    }

    @Test("adds up to the same image when it is opened again")
    func reopened() throws {
        let storage = MemoryStorage()
        var metadata = try MetadataLog(in: storage)
        for number in 0..<30 { try metadata.append(Self.topic(number, partitions: 1 + number % 4), at: 1) }
        try metadata.append([Self.config("topic-7", "retention.ms", "5"), Self.config("topic-7", "x", "y")], at: 2)
        try metadata.append([Self.config("topic-7", "x", nil)], at: 3)
        for number in stride(from: 0, to: 30, by: 3) {
            try metadata.append([.removeTopic(RemoveTopicRecord(topicID: Uuid(high: UInt64(number), low: 7)))], at: 4)
        }
        let again = try MetadataLog(in: storage)
        #expect(again.image == metadata.image)
        #expect(again.image.topicNames.count == 20)
        #expect(again.image.topics["topic-7"]?.partitions.count == 4)
        #expect(again.image.configs == [MetadataImage.Resource(kind: 2, name: "topic-7"): ["retention.ms": "5"]])
    }

    @Test("takes nothing that cannot follow what is there, and stays as it was")
    func contradictions() throws {
        var metadata = try MetadataLog(in: MemoryStorage())
        try metadata.append(Self.topic(1, partitions: 2), at: 1)
        let before = metadata.image
        var stray = PartitionRecord()
        stray.index = 0
        var late = PartitionRecord()
        late.topicID = Uuid(high: 1, low: 7)
        late.index = 3
        let wrong: [[MetadataRecord]] = [
            Self.topic(1, partitions: 1), [.partition(stray)], [.partition(late)],
            [.removeTopic(RemoveTopicRecord(topicID: .zero))],
            Self.topic(2, partitions: 1) + Self.topic(2, partitions: 1),
        ]
        for records in wrong {
            #expect(throws: LogError.self) { try metadata.append(records, at: 2) }
            #expect(metadata.image == before)
        }
        try metadata.append(Self.topic(2, partitions: 1), at: 3)
        #expect(metadata.image.topicNames == ["topic-1", "topic-2"])
    }

    @Test(
        "after a power failure at any step holds each change wholly or not at all, and all that returned",
        arguments: UInt64(0)..<40)
    func crashes(seed: UInt64) throws {
        // As many steps as it takes to get through all changes without a failure.
        for step in 0..<200 {
            let disk = MemoryDisk(seed: seed)
            disk.losePower(afterSteps: step)
            var images = [MetadataImage()]
            var returned = 0
            do {
                var metadata = try MetadataLog(in: MemoryStorage(disk))
                for number in 0..<4 {
                    var next = images[number]
                    for record in Self.topic(number, partitions: 3) { try next.apply(record) }
                    images.append(next)
                    try metadata.append(Self.topic(number, partitions: 3), at: 1)
                    returned = number + 1
                }
            } catch {
                #expect(disk.steps >= step)
            }
            let found = try MetadataLog(in: MemoryStorage(disk.afterPowerLoss(seed: seed &+ UInt64(step)))).image
            let place = images.firstIndex(of: found)
            #expect(place.map { $0 >= returned } ?? false, "step \(step)")
            if returned == 4, disk.steps < step { return }
        }
        Issue.record("200 steps were not enough")
    }
}
