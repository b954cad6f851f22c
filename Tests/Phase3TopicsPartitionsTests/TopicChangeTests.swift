import SegmentLog
import Testing
import TopicsPartitions
import WireProtocol

@Suite("CreateTopics")
struct CreateTopicsTests {
    @Test("makes what is asked for, and tells ids and counts")
    func creates() throws {
        let disk = MemoryDisk()
        let world = try AdminWorld(disk) { $0.partitionCount = 3 }
        let made = world.create([
            .of("two", partitions: 2), .of("default", partitions: -1, factor: -1),
            .of("assigned", partitions: -1, factor: -1, assignments: [(1, [1]), (0, [1])]),
        ])
        #expect(made.map(\.errorCode) == [.none, .none, .none])
        #expect(made.map(\.partitionCount) == [2, 3, 2])
        #expect(made.allSatisfy { $0.replicationFactor == 1 && $0.errorMessage == nil })
        #expect(made.map(\.topicID) == ["two", "default", "assigned"].map { world.image.topics[$0]?.id })
        #expect(Set(made.map(\.topicID)).count == 3)
        let after = try AdminWorld(disk.afterPowerLoss(seed: 1))
        #expect(after.image == world.image)
    }

    @Test("makes nothing when it is only to check, and answers as if it had")
    func validateOnly() throws {
        let world = try AdminWorld()
        let answers = world.create([.of("a", partitions: 5), .of("b", partitions: 0)], validateOnly: true)
        #expect(answers.map(\.errorCode) == [.none, .invalidPartitions])
        #expect(answers[0].partitionCount == 5)
        #expect(world.image == MetadataImage())
    }

    @Test("keeps the configs that a topic sets")
    func configs() throws {
        let world = try AdminWorld()
        let made = world.create([.of("a", configs: [("retention.ms", "5"), ("cleanup.policy", "compact")])])[0]
        let answered = Dictionary(uniqueKeysWithValues: (made.configs ?? []).map { ($0.name, $0) })
        #expect(answered["retention.ms"]?.value == "5" && answered["retention.ms"]?.configSource == 1)
        #expect(answered["max.message.bytes"]?.value == "1048588" && answered["max.message.bytes"]?.configSource == 5)
        #expect(world.partitions.topics["a"]?.partition(0)?.config.retentionMilliseconds == 5)
        #expect(
            world.image.configs
                == [.init(kind: 2, name: "a"): ["retention.ms": "5", "cleanup.policy": "compact"]])
    }

    @Test("makes the good topics of a request, and says of each other one why not")
    func refusals() throws {
        let world = try AdminWorld()
        world.create("old")
        world.create("dots.and_lines")
        let cases: [(CreateTopicsRequest.Topic, ErrorCode, String)] = [
            (.of("old"), .topicAlreadyExists, "there is a topic old already"),
            (.of(""), .invalidTopic, "1 to 249"), (.of("a b"), .invalidTopic, "letters, digits"),
            (.of(String(repeating: "x", count: 250)), .invalidTopic, "1 to 249"),
            (.of("__cluster_metadata"), .invalidTopic, "cluster's own"),
            (.of("__consumer_offsets"), .invalidTopic, "internal"),
            (.of("dots_and.lines"), .invalidTopic, "dots and underscores"),
            (.of("no-partitions", partitions: 0), .invalidPartitions, "at least 1 partition"),
            (.of("few-partitions", partitions: -2), .invalidPartitions, "at least 1 partition"),
            (.of("no-replicas", factor: 0), .invalidReplicationFactor, "at least 1"),
            (.of("negative-replicas", factor: -2), .invalidReplicationFactor, "at least 1"),
            (.of("many-replicas", factor: 3), .invalidReplicationFactor, "there are 1 only"),
            (.of("unknown-config", configs: [("no.such", "1")]), .invalidConfig, "no.such"),
            (.of("bad-config", configs: [("retention.ms", "soon")]), .invalidConfig, "retention.ms"),
            (.of("null-config", configs: [("retention.ms", nil)]), .invalidConfig, "has no value"),
            (
                .of(
                    "bad-together",
                    configs: [("min.compaction.lag.ms", "9"), ("max.compaction.lag.ms", "8")]),
                .invalidConfig, "min.compaction.lag.ms"
            ),
        ]
        let answers = world.create(cases.map(\.0) + [.of("good", partitions: 2)])
        for (answer, (asked, code, message)) in zip(answers, cases) {
            #expect(answer.name == asked.name && answer.errorCode == code, "\(asked.name)")
            #expect(answer.errorMessage?.contains(message) == true, "\(answer.errorMessage ?? "")")
            #expect(answer.partitionCount == -1 && answer.topicID == .zero)
        }
        #expect(answers.last?.errorCode == ErrorCode.none && answers.count == cases.count + 1)
        #expect(world.image.topicNames == ["dots.and_lines", "good", "old"])
    }

    @Test("refuses assignments that contradict the request, the cluster or one another")
    func assignments() throws {
        let world = try AdminWorld()
        world.view.brokers.append(.init(id: 2, address: SocketAddress(host: "there", port: 1)))
        let cases: [(Int32, Int16, [(Int32, [Int32])], ErrorCode)] = [
            (1, -1, [(0, [1])], .invalidRequest), (-1, 1, [(0, [1])], .invalidRequest),
            (-1, -1, [(0, [1]), (2, [1])], .invalidReplicaAssignment), (-1, -1, [(1, [1])], .invalidReplicaAssignment),
            (-1, -1, [(0, [1]), (0, [1])], .invalidReplicaAssignment), (-1, -1, [(-1, [1])], .invalidReplicaAssignment),
            (-1, -1, [(0, [])], .invalidReplicaAssignment), (-1, -1, [(0, [3])], .invalidReplicaAssignment),
            (-1, -1, [(0, [1, 1])], .invalidReplicaAssignment),
            (-1, -1, [(0, [1, 2]), (1, [1])], .invalidReplicaAssignment),
            (-1, -1, [(0, [2, 1]), (1, [1, 2])], .none),
        ]
        for (count, factor, assignments, code) in cases {
            let asked = CreateTopicsRequest.Topic.of("t", partitions: count, factor: factor, assignments: assignments)
            #expect(world.create([asked])[0].errorCode == code, "\(assignments)")
        }
        #expect(world.replicas("t") == [[2, 1], [1, 2]])
        #expect(world.image.topics["t"]?.partitions.map(\.leader) == [2, 1])
    }

    @Test("spreads replicas over the brokers, each a leader as often as any other")
    func placement() throws {
        let world = try AdminWorld()
        world.view.brokers.append(.init(id: 7, address: SocketAddress(host: "there", port: 1)))
        #expect(world.create([.of("t", partitions: 4, factor: 2)])[0].replicationFactor == 2)
        #expect(world.replicas("t") == [[1, 7], [7, 1], [1, 7], [7, 1]])
        #expect(world.grow("t", to: 5) == .none)
        #expect(world.replicas("t")?.last == [1, 7])
    }

    @Test("answers a name that is there twice once, and makes it not")
    func duplicates() throws {
        let world = try AdminWorld()
        let answers = world.create([.of("a"), .of("b"), .of("a"), .of("c.d"), .of("c_d")])
        #expect(answers.map(\.name) == ["a", "b", "c.d", "c_d"])
        #expect(answers.map(\.errorCode) == [.invalidRequest, .none, .none, .invalidTopic])
        #expect(world.image.topicNames == ["b", "c.d"])
    }

    @Test("refuses a request for more than 10,000 partitions as a whole")
    func tooMany() throws {
        let world = try AdminWorld()
        let tooMany = world.create([.of("a", partitions: 9999), .of("b", partitions: 2)])
        #expect(tooMany.map(\.errorCode) == [.policyViolation, .policyViolation])
        #expect(
            world.create([.of("c", partitions: .max), .of("d", partitions: .max)])[0].errorCode == .policyViolation)
        #expect(world.create("a", partitions: 10_000) == .none)
        #expect(world.grow("a", to: 20_001) == .policyViolation)
        #expect(world.image.topicNames == ["a"])
    }
}

@Suite("DeleteTopics")
struct DeleteTopicsTests {
    @Test("deletes by name and by id, and tells both")
    func deletes() throws {
        let disk = MemoryDisk()
        let world = try AdminWorld(disk)
        let made = world.create([.of("a"), .of("b"), .of("c")])
        let gone = world.delete([.of("a"), .of(nil, id: made[1].topicID)])
        #expect(gone.map(\.errorCode) == [.none, .none])
        #expect(gone.map(\.name) == ["a", "b"] && gone.map(\.topicID) == made[..<2].map(\.topicID))
        #expect(world.delete([.of("c")], version: 3)[0].errorCode == .none)
        #expect(world.image.topicNames == [])
        #expect(try AdminWorld(disk.afterPowerLoss(seed: 1)).image.topicNames == [])
    }

    @Test("says of each topic why it stays")
    func refusals() throws {
        let world = try AdminWorld()
        let made = world.create([.of("a"), .of("b")])
        let id = made[0].topicID
        #expect(world.delete("c") == .unknownTopicOrPartition)
        #expect(world.delete([.of(nil, id: Uuid(high: 1, low: 1))])[0].errorCode == .unknownTopicID)
        #expect(world.delete([.of(nil)])[0].errorCode == .invalidRequest)
        #expect(world.delete([.of("a", id: id)])[0].errorCode == .invalidRequest)
        let twice = world.delete([.of("a"), .of("b"), .of(nil, id: id)])
        #expect(twice.map(\.errorCode) == [.invalidRequest, .none])
        #expect(world.image.topicNames == ["a"])
    }

    @Test("refuses where delete.topic.enable is false, with the code that the client's version knows")
    func disabled() throws {
        let world = try AdminWorld { $0.deletesTopics = false }
        world.create("a")
        #expect(world.delete([.of("a")], version: 2)[0].errorCode == .invalidRequest)
        #expect(world.delete([.of("a")], version: 3)[0].errorCode == .topicDeletionDisabled)
        #expect(world.image.topicNames == ["a"])
    }

    @Test("a topic that is made again under the name has another id, and none of the old records")
    func again() throws {
        let world = try AdminWorld()
        let first = world.create([.of("a")])[0].topicID
        let partition = try #require(world.partitions.topics["a"]?.partition(0))
        _ = try partition.log().append(RecordBatchBuilder.one(), leaderEpoch: LeaderEpoch(0))
        world.delete("a")
        let second = world.create([.of("a")])[0].topicID
        #expect(first != second)
        #expect(try world.partitions.topics["a"]?.partition(0)?.log().end.offset == .zero)
    }
}

@Suite("CreatePartitions")
struct CreatePartitionsTests {
    @Test("adds partitions, and keeps those that are there")
    func adds() throws {
        let disk = MemoryDisk()
        let world = try AdminWorld(disk)
        world.create("a", partitions: 2)
        let before = try #require(world.image.topics["a"])
        #expect(world.grow([.of("a", 4)], validateOnly: true)[0].errorCode == .none)
        #expect(world.image.topics["a"] == before)
        #expect(world.grow("a", to: 4) == .none)
        #expect(world.grow([.of("a", 5, assignments: [[1]])])[0].errorCode == .none)
        let after = try #require(try AdminWorld(disk.afterPowerLoss(seed: 1)).image.topics["a"])
        #expect(after.id == before.id && after.partitions.map(\.index) == [0, 1, 2, 3, 4])
        #expect(Array(after.partitions[..<2]) == before.partitions)
        #expect(world.partitions.topics["a"]?.partitions.map(\.name) == (0..<5).map { "a-\($0)" })
    }

    @Test("says of each topic why it stays as it is")
    func refusals() throws {
        let world = try AdminWorld()
        world.create("a", partitions: 2)
        let cases: [(CreatePartitionsRequest.Topic, ErrorCode, String)] = [
            (.of("b", 2), .unknownTopicOrPartition, "no such topic"),
            (.of("a", 2), .invalidPartitions, "2 partitions already"),
            (.of("a", 1), .invalidPartitions, "cannot shrink"),
            (.of("a", -1), .invalidPartitions, "cannot shrink"),
            (.of("a", .max), .policyViolation, "one request makes at most"),
            (.of("a", 4, assignments: [[1]]), .invalidReplicaAssignment, "assignments for 1"),
            (.of("a", 3, assignments: [[]]), .invalidReplicaAssignment, "no broker"),
            (.of("a", 3, assignments: [[9]]), .invalidReplicaAssignment, "broker 9"),
            (.of("a", 3, assignments: [[1, 1]]), .invalidReplicaAssignment, "twice"),
        ]
        for (asked, code, message) in cases {
            let answer = world.grow([asked])[0]
            #expect(answer.errorCode == code, "\(message)")
            #expect(answer.errorMessage?.contains(message) == true, "\(answer.errorMessage ?? "")")
        }
        let twice = world.grow([.of("a", 3), .of("a", 3)])
        #expect(twice.map(\.errorCode) == [.invalidRequest])
        #expect(world.replicas("a")?.count == 2)
    }
}

extension RecordBatchBuilder {
    /// A batch of one record.
    static func one() -> RecordBatch {
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        builder.append(key: nil, value: [1])
        return builder.finish()
    }
}
