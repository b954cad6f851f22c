import SegmentLog
import TestSupport
import Testing
import TopicsPartitions
import WireProtocol

@Suite("DeleteRecords")
struct DeleteRecordsTests {
    @Test("moves the beginning of a partition, and it stays there after a crash")
    func deletes() throws {
        let disk = MemoryDisk()
        let world = try AdminWorld(disk)
        world.create("t", partitions: 2)
        try world.write(5)
        #expect(world.deleteRecords(before: 3).lowWatermark == 3)
        #expect(world.deleteRecords(before: 1).lowWatermark == 3)
        #expect(try world.partitions.topics["t"]?.partition(0)?.log().startOffset == Offset(3))
        #expect(world.deleteRecords(before: -1, partition: 1).lowWatermark == 0)
        for seed in UInt64(0)..<20 {
            let after = try AdminWorld(disk.afterPowerLoss(seed: seed))
            #expect(try after.partitions.topics["t"]?.partition(0)?.log().startOffset == Offset(3))
        }
        #expect(world.deleteRecords(before: -1).lowWatermark == 5)
    }

    @Test("after a power failure at any step begins where it did or where it was to, and there if that was answered")
    func crashes() throws {
        var found = Set<Int64>()
        for step in 0..<40 {
            for seed in UInt64(0)..<10 {
                let disk = MemoryDisk(seed: seed)
                var config = TopicConfig()
                config.log.segmentBytes = 200
                let world = try AdminWorld(disk, defaults: config)
                world.create("t")
                try world.write(8)
                disk.losePower(afterSteps: step)
                let answer = world.deleteRecords(before: 6)
                let after = try AdminWorld(disk.afterPowerLoss(seed: seed), defaults: config)
                let log = try #require(try after.partitions.topics["t"]?.partition(0)?.log())
                #expect(log.startOffset <= Offset(6) && log.end.offset == Offset(8), "step \(step)")
                if answer.errorCode == .none { #expect(log.startOffset == Offset(6), "step \(step)") }
                found.insert(log.startOffset.value)
            }
        }
        #expect(found.isSuperset(of: [0, 6]))
    }

    @Test("says of each partition why nothing was deleted")
    func refusals() throws {
        let world = try AdminWorld()
        world.create("t")
        world.create("compacted", configs: [("cleanup.policy", "compact")])
        try world.write(2)
        let cases: [(DeleteRecordsResponse.Partition, ErrorCode)] = [
            (world.deleteRecords(before: 3), .offsetOutOfRange), (world.deleteRecords(before: -2), .offsetOutOfRange),
            (world.deleteRecords(before: .max), .offsetOutOfRange),
            (world.deleteRecords(before: .min), .offsetOutOfRange),
            (world.deleteRecords(before: 0, of: "u"), .unknownTopicOrPartition),
            (world.deleteRecords(before: 0, partition: 1), .unknownTopicOrPartition),
            (world.deleteRecords(before: 0, partition: -1), .unknownTopicOrPartition),
            (world.deleteRecords(before: 0, of: "compacted"), .policyViolation),
        ]
        for (place, (answer, code)) in cases.enumerated() {
            #expect(answer.errorCode == code && answer.lowWatermark == -1, "case \(place)")
        }
        #expect(try world.partitions.topics["t"]?.partition(0)?.log().startOffset == .zero)
    }
}

@Suite("Descriptions of topics, logs and the cluster")
struct DescriptionTests {
    @Test("DescribeTopicPartitions gives every partition once, in order, whatever the size of a page")
    func pages() throws {
        let world = try AdminWorld { $0.maxDescribedPartitions = 7 }
        for (name, count) in [("c", 3), ("a", 1), ("b", 5), ("d", 1)] as [(String, Int32)] {
            world.create(name, partitions: count)
        }
        let all = [("a", 1), ("b", 5), ("c", 3), ("d", 1)].flatMap { name, count in (0..<count).map { "\(name)-\($0)" }
        }
        for names in [[], ["d", "a", "c", "b"]] {
            for limit in 1...20 as ClosedRange<Int32> {
                var found: [String] = []
                var cursor: (String, Int32)?
                repeat {
                    let page = world.describe(names, limit: limit, from: cursor)
                    #expect(page.topics.reduce(0) { $0 + $1.partitions.count } <= min(Int(limit), 7))
                    for topic in page.topics {
                        #expect(topic.errorCode == .none && topic.topicID == world.image.topics[topic.name ?? ""]?.id)
                        found += topic.partitions.map { "\(topic.name ?? "")-\($0.index)" }
                    }
                    cursor = page.nextCursor.map { ($0.topicName, $0.partitionIndex) }
                } while cursor != nil && found.count < 100
                #expect(found == all, "limit \(limit)")
            }
        }
    }

    @Test("DescribeTopicPartitions names unknown topics, and refuses a cursor that makes no sense")
    func cursors() throws {
        let world = try AdminWorld()
        world.create("a", partitions: 2)
        world.create("c")
        #expect(
            world.describe(["a", "b", "x y"]).topics.map(\.errorCode) == [
                .none, .unknownTopicOrPartition, .invalidTopic,
            ])
        #expect(world.describe([], from: ("b", 5)).topics.map(\.name) == ["c"])
        #expect(world.describe(["a"], from: ("b", 0)).topics.map(\.errorCode) == [.invalidRequest])
        #expect(world.describe(["a"], from: ("a", -1)).topics.map(\.errorCode) == [.invalidRequest])
        #expect(world.describe(["a"], from: ("a", .max)).topics.map(\.partitions.count) == [0])
        #expect(world.describe(["a"], limit: 0).nextCursor?.topicName == "a")
        #expect(world.describe(["a"], limit: .min).topics.isEmpty)
    }

    @Test("DescribeLogDirs tells the bytes of open and closed logs, and opens none")
    func logSizes() throws {
        let disk = MemoryDisk()
        let world = try AdminWorld(disk)
        world.create("t", partitions: 2)
        world.create("u")
        try world.write(3)
        let size = Int64(Batches.make(1).bytes.count * 3)
        #expect(world.sizes(nil) == ["t": [0: size, 1: 0], "u": [0: 0]])
        #expect(world.sizes([("t", [0, 0, 7]), ("x", [0])]) == ["t": [0: size]])
        #expect(world.sizes([]) == [:])
        try world.partitions.topics.close()
        let again = try AdminWorld(disk)
        #expect(again.sizes(nil) == ["t": [0: size, 1: 0], "u": [0: 0]])
        #expect(again.partitions.topics.partitions.allSatisfy { $0.opened == nil })
    }

    @Test("DescribeCluster names the brokers, and not the controllers", arguments: ApiKey.describeCluster.versions)
    func cluster(version: Int16) throws {
        let world = try AdminWorld()
        var request = DescribeClusterRequest()
        let answer = world.view.describe(request, version: version)
        #expect(answer.clusterID == "test" && answer.controllerID == 1 && answer.errorCode == .none)
        #expect(answer.brokers.map(\.brokerID) == [1] && answer.brokers.map(\.port) == [9092])
        #expect(answer.clusterAuthorizedOperations == .min)
        request.includeClusterAuthorizedOperations = true
        #expect(world.view.describe(request, version: version).clusterAuthorizedOperations > 0)
        request.endpointType = 2
        let code: ErrorCode = version == 0 ? .invalidRequest : .mismatchedEndpointType
        #expect(world.view.describe(request, version: version).errorCode == code)
        request.endpointType = 77
        #expect(
            world.view.describe(request, version: version).errorCode
                == (version == 0 ? .invalidRequest : .unsupportedEndpointType))
    }

    @Test(
        "Metadata tells of brokers that are gone, and version 0 does not hear of them",
        arguments: [0, 1, 12] as [Int16])
    func deadBrokers(version: Int16) throws {
        let world = try AdminWorld()
        world.view.brokers.append(.init(id: 2, address: SocketAddress(host: "there", port: 1)))
        world.create([.of("t", partitions: -1, factor: -1, assignments: [(0, [1, 2]), (1, [2, 1])])])
        #expect(world.metadata("t", version: version)?.partitions.map(\.errorCode) == [.none, .none])
        world.view.brokers.removeLast()
        let partitions = try #require(world.metadata("t", version: version)?.partitions)
        #expect(partitions.map(\.leaderID) == [1, -1])
        #expect(partitions.map(\.offlineReplicas) == [[2], [2]])
        #expect(partitions[0].errorCode == (version == 0 ? .replicaNotAvailable : .none))
        #expect(partitions[1].errorCode == .leaderNotAvailable)
        #expect(partitions[0].replicaNodes == (version == 0 ? [1] : [1, 2]))
    }

    @Test("Metadata finds topics by id from version 12 on, and each that is named twice once")
    func byID() throws {
        let world = try AdminWorld()
        let id = world.create([.of("t")])[0].topicID
        var asked = MetadataRequest.Topic()
        asked.topicID = id
        var request = MetadataRequest()
        request.topics = [asked, asked]
        for version in [10, 11] as [Int16] {
            #expect(world.metadata(request, version: version).topics.map(\.errorCode) == [.invalidRequest])
        }
        #expect(world.metadata(request).topics.map(\.name) == ["t"])
        asked.topicID = Uuid(high: 1, low: 1)
        asked.name = "made-by-its-name"
        request.topics = [asked]
        #expect(world.metadata(request).topics.map(\.errorCode) == [.unknownTopicID])
        #expect(world.metadata(request, version: 11).topics.map(\.errorCode) == [.invalidRequest])
        #expect(world.image.topicNames == ["t"])
    }

    @Test("Metadata does not make internal topics, and says that they are")
    func internalTopics() throws {
        let world = try AdminWorld()
        let topic = try #require(world.metadata("__consumer_offsets"))
        #expect(topic.isInternal && topic.errorCode == .unknownTopicOrPartition)
        #expect(world.metadata("t")?.errorCode == ErrorCode.none)
    }

    @Test("nobody but Kafka's own tools writes an internal topic")
    func producingToInternalTopics() throws {
        var topics = try Topics(in: MemoryStorage(), nodeID: 1, defaults: TopicConfig()) { _, _ in }
        let id = Uuid(high: 1, low: 1)
        _ = try topics.append(
            [
                .topic(TopicRecord(name: "__consumer_offsets", topicID: id)),
                .partition(PartitionRecord(index: 0, topicID: id, replicas: [1])),
            ], at: 0)
        let driver = NodeDriver(PartitionNode(PartitionServer(topics, maxFetchBytes: 1 << 20, seed: 1)))
        let connection = try driver.connect()
        var data = ProduceRequest.Partition()
        data.records = .bytes(Batches.make().bytes)
        var topic = ProduceRequest.Topic()
        (topic.name, topic.partitions) = ("__consumer_offsets", [data])
        var request = ProduceRequest()
        (request.acks, request.topics) = (-1, [topic])
        let answer = try driver.ask(request, version: 9, on: connection)
        #expect(answer?.topics.first?.partitions.first?.errorCode == .invalidTopic)
    }
}
