import Broker
import SegmentLog
import TestSupport
import Testing
import WireProtocol

@Suite("Metadata, versions and offsets")
struct MetadataTests {
    @Test(
        "creates a topic on first use, with the configured partitions, in every version",
        arguments: ApiKey.metadata.versions)
    func createsTopics(version: Int16) throws {
        let broker = try TestBroker { $0.partitionCount = 3 }
        let topic = try #require(try broker.metadata("orders", version: version))
        #expect(topic.errorCode == .none)
        #expect(topic.partitions.map(\.index) == [0, 1, 2])
        #expect(topic.partitions.allSatisfy { $0.leaderID == 1 && $0.inSyncReplicaNodes == [1] })
        #expect(version < 10 || topic.topicID != .zero)
    }

    @Test("names the address of the listener that the client came in by")
    func listeners() throws {
        let broker = try TestBroker { configuration in
            configuration.listeners = ["PLAINTEXT", "INTERNAL"].enumerated().map { port, name in
                Listener(name: name, address: SocketAddress(host: name.lowercased(), port: UInt16(port)))
            }
            configuration.advertisedListeners = [
                Listener(name: "INTERNAL", address: SocketAddress(host: "advertised", port: 7))
            ]
        }
        for (name, host, port) in [("PLAINTEXT", "plaintext", 0), ("INTERNAL", "advertised", 7)] {
            let client = try broker.driver.connect(to: name)
            let answer = try broker.driver.ask(Requests.metadata([]), version: 9, on: client)
            #expect(answer?.brokers.map(\.host) == [host] && answer?.brokers.map(\.port) == [Int32(port)])
        }
    }

    @Test("lists every topic for null, and for an empty list in version 0 only")
    func allTopics() throws {
        let broker = try TestBroker()
        for name in ["b", "a"] { try broker.metadata(name) }
        let ask = { (names: [String]?, version: Int16) in
            try broker.driver.ask(Requests.metadata(names), version: version, on: broker.connection)?.topics.count
        }
        #expect(try ask(nil, 1) == 2)
        #expect(try ask(nil, 13) == 2)
        #expect(try ask([], 0) == 2)
        #expect(try ask([], 1) == 0)
    }

    @Test("answers librdkafka's request for all topics, which ends with bytes that belong to nothing")
    func allTopicsOfLibrdkafka() throws {
        let broker = try TestBroker()
        try broker.metadata("t")
        // Key 3, version 13, correlation 3, client "rdkafka"; then null topics in four bytes, and the flags.
        let head: [UInt8] = [0, 3, 0, 13, 0, 0, 0, 3, 0, 7] + Array("rdkafka".utf8)
        try broker.driver.deliver(.received(broker.connection, Bytes(head + [0, 0, 0, 0, 0, 1, 0, 0])))
        let answer = try broker.driver.answer(to: MetadataRequest.self, version: 13, on: broker.connection)
        #expect(answer?.body.topics.map(\.name) == ["t"])
    }

    @Test(
        "refuses names that no topic can have",
        arguments: ["", ".", "..", "a/b", "../x", "a b", "ü", "a\u{0}", String(repeating: "x", count: 250)])
    func invalidNames(name: String) throws {
        let broker = try TestBroker()
        #expect(try broker.metadata(name)?.errorCode == .invalidTopic)
    }

    @Test("does not create a topic that it may not, and finds topics by id")
    func notCreated() throws {
        let broker = try TestBroker()
        var request = Requests.metadata(["t"])
        request.allowAutoTopicCreation = false
        let missing = try broker.driver.ask(request, version: 12, on: broker.connection)?.topics[0]
        #expect(missing?.errorCode == .unknownTopicOrPartition)
        let made = try #require(try broker.metadata("t"))
        request.topics?[0].name = nil
        request.topics?[0].topicID = made.topicID
        #expect(try broker.driver.ask(request, version: 12, on: broker.connection)?.topics[0].name == "t")
        request.topics?[0].topicID = Uuid(high: 9, low: 9)
        #expect(
            try broker.driver.ask(request, version: 12, on: broker.connection)?.topics[0].errorCode == .unknownTopicID)
        let strict = try TestBroker { $0.createsTopics = false }
        #expect(try strict.metadata("t")?.errorCode == .unknownTopicOrPartition)
    }

    @Test("refuses a name that differs from a topic's in dots and underscores only")
    func collision() throws {
        let broker = try TestBroker()
        #expect(try broker.metadata("a.b")?.errorCode == ErrorCode.none)
        #expect(try broker.metadata("a_b")?.errorCode == .invalidTopic)
        #expect(try broker.metadata("a.b")?.errorCode == ErrorCode.none)
    }

    @Test("a partition whose directory is missing is an error that says what to do, and nothing is changed")
    func missingDirectory() throws {
        for number in 0..<2 {
            let disk = MemoryDisk()
            let broker = try TestBroker(disk) {
                $0.partitionCount = 3
                $0.checkpointIntervalMilliseconds = 1000
            }
            try broker.metadata("t")
            for partition in 0..<3 as Range<Int32> {
                _ = try broker.produce(Batches.make(1).bytes, partition: partition)
            }
            try broker.driver.advance(milliseconds: 1000)
            // An operator moves one directory away.
            let storage = MemoryStorage(disk)
            let directory = try storage.directory("t-\(number)")
            for file in try directory.list() { try directory.remove(file) }
            try storage.remove("t-\(number)")
            let before = disk.contents()
            let error = #expect(throws: LogError.self) { try TestBroker(disk) }
            #expect(error?.description.contains("restore it, or take its line out of") == true)
            let isUnchanged = disk.contents() == before
            #expect(isUnchanged)
        }
    }

    @Test("reads the whole log after a crash, and nothing after a clean stop")
    func cleanStop() throws {
        let disk = MemoryDisk()
        let first = try TestBroker(disk) { $0.checkpointIntervalMilliseconds = 1000 }
        try first.metadata("t")
        _ = try first.produce(Batches.make(5).bytes)
        // The recovery point is written a while after something became durable.
        #expect(disk.contents()["/recovery-point-offset-checkpoint"] == nil)
        try first.driver.advance(milliseconds: 1000)
        #expect(disk.contents()["/recovery-point-offset-checkpoint"] == Array("0\n1\nt 0 5\n".utf8))
        let crashed = try TestBroker(disk.afterPowerLoss(seed: 1))
        #expect(crashed.driver.node.recovery.scannedBytes > 0)
        try first.driver.node.close()
        let clean = try TestBroker(disk.afterPowerLoss(seed: 1))
        #expect(clean.driver.node.recovery.scannedBytes == 0)
        #expect(try clean.fetch(from: 0)?.highWatermark == 5)
    }

    @Test("topics, their ids and the cluster's id outlast a restart")
    func restart() throws {
        let disk = MemoryDisk()
        let before = try TestBroker(disk, seed: 1) { $0.partitionCount = 2 }
        let topic = try #require(try before.metadata("a-b-1"))
        _ = try before.produce(Batches.make(3).bytes, to: "a-b-1", partition: 1)
        let after = try TestBroker(disk.afterPowerLoss(seed: 5), seed: 2)
        #expect(try after.metadata("a-b-1") == topic)
        #expect(after.driver.node.clusterID == before.driver.node.clusterID)
        #expect(try after.fetch(from: 0, of: "a-b-1", partition: 1)?.highWatermark == 3)
    }

    @Test("a topic's creation that a crash interrupts leaves the whole topic or nothing")
    func interruptedCreation() throws {
        var seen = Set<Int>()
        for step in 0..<60 {
            for seed in UInt64(0)..<5 {
                let disk = MemoryDisk(seed: seed)
                let broker = try TestBroker(disk) { $0.partitionCount = 3 }
                disk.losePower(afterSteps: step)
                let made = try? broker.metadata("t")
                let after = try TestBroker(disk.afterPowerLoss(seed: seed), seed: 3)
                let topics = try #require(
                    try after.driver.ask(Requests.metadata(nil), version: 12, on: after.connection)
                ).topics
                if made?.errorCode == ErrorCode.none { #expect(topics.count == 1, "step \(step)") }
                for topic in topics { #expect(topic.partitions.count == 3, "step \(step)") }
                seen.insert(topics.count)
                #expect(try after.metadata("t")?.errorCode == ErrorCode.none, "step \(step)")
            }
        }
        #expect(seen == [0, 1])
    }

    @Test("ApiVersions answers from the table, and an unknown version in the body of version 0 (KIP-511)")
    func apiVersions() throws {
        let broker = try TestBroker()
        for version in ApiKey.apiVersions.versions {
            var request = ApiVersionsRequest()
            request.clientSoftwareName = "swift-test"
            request.clientSoftwareVersion = "1.0"
            let answer = try #require(try broker.driver.ask(request, version: version, on: broker.connection))
            #expect(answer.apiKeys.map(\.apiKey) == BrokerNode.served.map(\.rawValue))
        }
        // Key 18, version 9, correlation 77, no client id, and a body that nobody can read.
        let frame: Bytes = [0, 18, 0, 9, 0, 0, 0, 77, 0xFF, 0xFF, 1, 2, 3]
        try broker.driver.deliver(.received(broker.connection, frame))
        let answer = try #require(
            try broker.driver.answer(to: ApiVersionsRequest.self, version: 0, on: broker.connection))
        #expect(answer.correlationID == 77)
        #expect(answer.body.errorCode == .unsupportedVersion)
        #expect(answer.body.apiKeys.contains { $0.apiKey == 18 && $0.maxVersion == 4 })
        let nameless = try broker.driver.ask(ApiVersionsRequest(), version: 3, on: broker.connection)
        #expect(nameless?.errorCode == .invalidRequest)
    }

    @Test(
        "an API is answered where ApiVersions offers it, and otherwise ends the connection", arguments: ApiKey.allCases)
    func servedAPIs(api: ApiKey) throws {
        func ask<Asked: Request>(_: Asked.Type) throws {
            let broker = try TestBroker()
            let version = api.versions.upperBound
            let answer = try broker.driver.ask(ApiVersionsRequest(), version: 2, on: broker.connection)
            let isOffered = try #require(answer).apiKeys.contains { $0.apiKey == api.rawValue }
            let frame = try Asked().frame(version: version, correlationID: 9, clientID: nil).bytes().dropFirst(4)
            try broker.driver.deliver(.received(broker.connection, frame))
            #expect(broker.driver.closed.contains(broker.connection) == !isOffered)
            // Produce without acks has no answer.
            guard isOffered, api != .produce else { return }
            #expect(
                try broker.driver.answer(to: Asked.self, version: version, on: broker.connection)?.correlationID == 9)
        }
        try ask(api.requestType)
    }

    @Test(
        "ListOffsets finds both ends, times to the record, and the greatest time",
        arguments: ApiKey.listOffsets.versions)
    func listOffsets(version: Int16) throws {
        let broker = try TestBroker()
        try broker.metadata("t")
        var builder = RecordBatchBuilder(baseTimestamp: 100)
        for timestamp in [100, 300, 200] as [Int64] { builder.append(key: nil, value: [1], timestamp: timestamp) }
        _ = try broker.produce(builder.finish().bytes)
        let cases: [(Int64, Int64, Int64)] = [
            (-1, 3, -1), (-2, 0, -1), (-3, 1, 300), (-4, 0, -1), (-5, -1, -1), (0, 0, 100), (100, 0, 100),
            (101, 1, 300), (300, 1, 300), (301, -1, -1), (.max, -1, -1), (.min, -1, -1),
        ]
        for (timestamp, offset, found) in cases {
            let answer = try #require(try broker.offset(at: timestamp, version: version))
            #expect(answer.errorCode == .none, "time \(timestamp)")
            #expect(answer.offset == offset, "time \(timestamp)")
            #expect(answer.timestamp == found, "time \(timestamp)")
        }
        #expect(try broker.offset(at: -1, of: "unknown", version: version)?.errorCode == .unknownTopicOrPartition)
    }

    @Test(
        "FindCoordinator names this broker, and makes the topic of offsets", arguments: ApiKey.findCoordinator.versions)
    func findCoordinator(version: Int16) throws {
        let broker = try TestBroker()
        var request = FindCoordinatorRequest()
        request.key = "group"
        if version >= 4 { request = FindCoordinatorRequest(); request.coordinatorKeys = ["a", "b"] }
        let answer = try #require(try broker.driver.ask(request, version: version, on: broker.connection))
        if version >= 4 {
            #expect(answer.coordinators.map(\.key) == ["a", "b"])
            #expect(answer.coordinators.allSatisfy { $0.errorCode == .none && $0.nodeID == 1 && $0.port > 0 })
        } else {
            #expect(answer.errorCode == .none && answer.nodeID == 1 && answer.port > 0)
        }
        #expect(broker.driver.node.topicCount == 1)
    }

    @Test("FindCoordinator says why there is none for transactions, and for what it does not know")
    func noCoordinator() throws {
        let broker = try TestBroker()
        for (type, error) in [(1, .coordinatorNotAvailable), (7, .invalidRequest)] as [(Int8, ErrorCode)] {
            var request = FindCoordinatorRequest()
            request.key = "t"
            request.keyType = type
            let answer = try #require(try broker.driver.ask(request, version: 3, on: broker.connection))
            #expect(answer.errorCode == error && answer.nodeID == -1 && answer.errorMessage != nil)
        }
        #expect(broker.driver.node.topicCount == 0)
    }

    @Test("refuses a directory of another node, and says what to do")
    func anotherNode() throws {
        let disk = MemoryDisk()
        _ = try TestBroker(disk) { $0.nodeID = 3 }
        let error = #expect(throws: LogError.self) { try TestBroker(disk) { $0.nodeID = 4 } }
        #expect(error?.description.contains("node.id=3") == true)
    }
}
