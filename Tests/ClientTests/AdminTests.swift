import SegmentLog
import Testing
import WireProtocol

@testable import LogbookClient

/// Brokers 1, 2, … that know of each other, once they are all there.
final class ScriptedCluster: Sendable {
    struct State: Sendable {
        var addresses: [SocketAddress] = []
        var controller: Int32 = 1
        /// The leader of each partition of the only topic, t.
        var leaders: [Int32] = []
    }

    let state = Lock(State())
    private let script: Lock<@Sendable (Int32, ScriptedBroker.Asked) throws -> ScriptedBroker.Reaction>
    let brokers: [ScriptedBroker]

    init(
        count: Int32 = 1, leaders: [Int32] = [],
        _ react: @escaping @Sendable (Int32, ScriptedBroker.Asked) throws -> ScriptedBroker.Reaction
    ) throws {
        script = Lock(react)
        state.withLock { $0.leaders = leaders }
        brokers = try (1...count).map { [state, script] id in
            try ScriptedBroker { asked in
                asked.api == .metadata
                    ? .answer(Self.metadata(try asked.decoded(as: MetadataRequest.self), state.withLock { $0 }))
                    : try script.withLock { $0 }(id, asked)
            }
        }
        let addresses = brokers.map(\.address)
        state.withLock { $0.addresses = addresses }
    }

    func admin(_ change: (inout AdminConfiguration) -> Void = { _ in }) throws -> Admin {
        var configuration = AdminConfiguration(bootstrapServers: [brokers[0].address])
        configuration.retryBackoffMilliseconds = 1
        change(&configuration)
        return try Admin(configuration)
    }

    private static func metadata(_ request: MetadataRequest, _ state: State) -> MetadataResponse {
        var response = MetadataResponse()
        response.controllerID = state.controller
        response.clusterID = "cluster"
        for (index, address) in state.addresses.enumerated() {
            var broker = MetadataResponse.Broker()
            broker.nodeID = Int32(index + 1)
            broker.host = address.host
            broker.port = Int32(address.port)
            response.brokers.append(broker)
        }
        for name in request.topics?.compactMap(\.name) ?? ["t"] {
            var topic = MetadataResponse.Topic()
            topic.name = name
            if name != "t" || request.allowAutoTopicCreation { topic.errorCode = .unknownTopicOrPartition }
            for (index, leader) in state.leaders.enumerated() where topic.errorCode == .none {
                var partition = MetadataResponse.Partition()
                partition.index = Int32(index)
                partition.leaderID = leader
                partition.leaderEpoch = 4
                partition.replicaNodes = [1, 2]
                partition.inSyncReplicaNodes = [leader]
                topic.partitions.append(partition)
            }
            response.topics.append(topic)
        }
        return response
    }
}

extension Result where Failure == ClientError {
    fileprivate var error: ClientError? { if case .failure(let error) = self { error } else { nil } }
}

@Suite("An admin", .timeLimit(.minutes(15)))
struct AdminTests {
    @Test("creates topics at the controller, and has an outcome in the broker's words for each")
    func createTopics() async throws {
        let cluster = try ScriptedCluster(count: 2) { id, asked in
            #expect(id == 2)
            let request = try asked.decoded(as: CreateTopicsRequest.self)
            var response = CreateTopicsResponse()
            for topic in request.topics {
                var answer = CreateTopicsResponse.Topic()
                answer.name = topic.name
                answer.errorCode = topic.name == "there" ? .topicAlreadyExists : .none
                answer.errorMessage = topic.name == "there" ? "Topic 'there' already exists." : nil
                answer.topicID = Uuid(high: 1, low: 2)
                answer.partitionCount = 3
                answer.replicationFactor = 1
                response.topics.append(answer)
            }
            return .answer(response)
        }
        cluster.state.withLock { $0.controller = 2 }
        var new = NewTopic("new", partitionCount: 3)
        new.configs = ["retention.ms": "1", "cleanup.policy": "compact"]
        var placed = NewTopic("placed")
        placed.assignments = [[1, 2], [2, 1]]
        let outcomes = try await cluster.admin().createTopics([new, placed, NewTopic("there")], validateOnly: true)
        let created = CreatedTopic(id: Uuid(high: 1, low: 2), partitionCount: 3, replicationFactor: 1)
        #expect(try outcomes["new"]?.get() == created)
        #expect(try outcomes["placed"]?.get() == created)
        let message = "there (Topic 'there' already exists.): TOPIC_ALREADY_EXISTS"
        #expect(outcomes["there"]?.error?.description == message)
        let request = try #require(try cluster.brokers[1].asked.first?.decoded(as: CreateTopicsRequest.self))
        #expect(request.validateOnly)
        #expect(request.topics.map(\.partitionCount) == [3, -1, -1])
        #expect(request.topics.map(\.replicationFactor) == [-1, -1, -1])
        #expect(request.topics[0].configs.map(\.name) == ["cleanup.policy", "retention.ms"])
        #expect(request.topics[1].assignments.map(\.brokerIDs) == [[1, 2], [2, 1]])
        #expect(request.topics[1].assignments.map(\.partitionIndex) == [0, 1])
    }

    @Test("follows the controller, and asks again only about what was not done")
    func controllerMoves() async throws {
        let state = Lock<ScriptedCluster?>(nil)
        let cluster = try ScriptedCluster(count: 2) { id, asked in
            let names = try asked.decoded(as: DeleteTopicsRequest.self).topics.compactMap(\.name)
            var response = DeleteTopicsResponse()
            for name in names {
                var topic = DeleteTopicsResponse.Topic()
                topic.name = name
                if id == 1, name != "quick" { topic.errorCode = .notController }
                response.topics.append(topic)
            }
            state.withLock { $0?.state.withLock { $0.controller = 2 } }
            return .answer(response)
        }
        state.withLock { $0 = cluster }
        defer { state.withLock { $0 = nil } }
        let outcomes = try await cluster.admin().deleteTopics(["quick", "slow", "slower"])
        #expect(outcomes.count == 3)
        for outcome in outcomes.values { #expect(outcome.error == nil) }
        let asked = try cluster.brokers.map { broker in
            try broker.asked.map { try $0.decoded(as: DeleteTopicsRequest.self).topics.compactMap(\.name) }
        }
        #expect(asked[0].first == ["quick", "slow", "slower"])
        #expect(asked[0].dropFirst().allSatisfy { $0 == ["slow", "slower"] })
        #expect(asked[1] == [["slow", "slower"]])
    }

    @Test("asks again after a lost connection, and tells the last reason once the time is over")
    func disconnects() async throws {
        let count = Lock(0)
        let cluster = try ScriptedCluster { _, asked in
            let isLast = count.withLock {
                $0 += 1; return $0 == 3
            }
            guard isLast else { return .disconnect }
            var result = CreatePartitionsResponse.Result()
            result.name = "t"
            var response = CreatePartitionsResponse()
            response.results = [result]
            return .answer(response)
        }
        #expect(try await cluster.admin().createPartitions(["t": 4])["t"]?.error == nil)
        #expect(try cluster.brokers[0].asked.last?.decoded(as: CreatePartitionsRequest.self).topics[0].count == 4)
        let hopeless = try ScriptedCluster { _, _ in .disconnect }
        // On a busy machine the time may be over before the first answer: then there is no reason yet.
        var outcome: [String: Result<Void, ClientError>] = [:]
        for milliseconds in [100, 1_000, 10_000, 60_000] as [Int64] {
            outcome = try await hopeless.admin { $0.defaultApiTimeoutMilliseconds = milliseconds }
                .createPartitions(["t": 4])
            if case .timedOut? = outcome["t"]?.error { continue }
            break
        }
        guard case .disconnected(let peer, _)? = outcome["t"]?.error else {
            Issue.record("\(outcome)")
            return
        }
        #expect(peer == hopeless.brokers[0].address.description)
        let silent = try ScriptedCluster { _, _ in .silence }
        let late = try await silent.admin { $0.defaultApiTimeoutMilliseconds = 100 }.createPartitions(["t": 4])
        guard case .timedOut? = late["t"]?.error else {
            Issue.record("\(late)")
            return
        }
    }

    @Test("says why there is no controller and no coordinator to ask: nobody listens")
    func nobodyThere() async throws {
        // On a busy machine the time can be over before anything was tried; then it gets more.
        var (error, other): (ClientError?, ClientError?)
        for milliseconds in [100, 1_000, 10_000, 60_000] as [Int64] {
            var configuration = AdminConfiguration(bootstrapServers: [SocketAddress(host: "127.0.0.1", port: 1)])
            configuration.defaultApiTimeoutMilliseconds = milliseconds
            let admin = try Admin(configuration)
            error = try await admin.createTopics([NewTopic("t")])["t"]?.error
            other = try await admin.deleteGroups(["g"])["g"]?.error
            await #expect(throws: ClientError.self) { try await admin.describeCluster() }
            if case .timedOut? = error { continue }
            if case .timedOut? = other { continue }
            break
        }
        #expect(error?.description.contains("no connection to 127.0.0.1:1") == true, "\(String(describing: error))")
        #expect(other?.description.contains("no connection to 127.0.0.1:1") == true, "\(String(describing: other))")
    }

    @Test("asks each partition's leader, and follows it")
    func leaders() async throws {
        let state = Lock<ScriptedCluster?>(nil)
        let cluster = try ScriptedCluster(count: 2, leaders: [1, 2, 1]) { id, asked in
            var response = ListOffsetsResponse()
            for topic in try asked.decoded(as: ListOffsetsRequest.self).topics {
                var answer = ListOffsetsResponse.Topic()
                answer.name = topic.name
                for partition in topic.partitions {
                    var found = ListOffsetsResponse.Partition()
                    found.index = partition.index
                    let leader = state.withLock { $0?.state.withLock { $0.leaders[Int(partition.index)] } }
                    // Partition 2 has moved since the admin has heard of it.
                    if partition.index == 2, id == 1 {
                        state.withLock { $0?.state.withLock { $0.leaders[2] = 2 } }
                        found.errorCode = .notLeaderOrFollower
                    } else {
                        #expect(leader == id)
                    }
                    found.offset = partition.timestamp == ListOffsetsRequest.earliest ? 0 : 10 + Int64(partition.index)
                    answer.partitions.append(found)
                }
                response.topics.append(answer)
            }
            return .answer(response)
        }
        state.withLock { $0 = cluster }
        defer { state.withLock { $0 = nil } }
        let admin = try cluster.admin()
        let offsets = try await admin.listOffsets([
            TopicPartition("t", 0): .earliest, TopicPartition("t", 1): .latest, TopicPartition("t", 2): .timestamp(5),
        ])
        #expect(
            try offsets.mapValues { try $0.get().offset } == [
                TopicPartition("t", 0): 0, TopicPartition("t", 1): 11, TopicPartition("t", 2): 12,
            ])
        let missing = try await cluster.admin { $0.defaultApiTimeoutMilliseconds = 5_000 }.listOffsets([
            TopicPartition("t", 9): .latest, TopicPartition("u", 0): .latest,
        ])
        #expect(missing[TopicPartition("t", 9)]?.error == .broker(.unknownTopicOrPartition, what: "t-9"))
        #expect(missing[TopicPartition("u", 0)]?.error == .broker(.unknownTopicOrPartition, what: "u-0"))
        await #expect(throws: ClientError.self) {
            try await admin.listOffsets([TopicPartition("t", 0): .timestamp(-1)])
        }
    }

    @Test("describes topics and the cluster without creating anything")
    func describes() async throws {
        let cluster = try ScriptedCluster(count: 2, leaders: [2, -1]) { _, _ in .disconnect }
        let admin = try cluster.admin()
        let topics = try await admin.describeTopics(["t", "u"])
        let described = try #require(try topics["t"]?.get())
        #expect(described.partitions.map(\.leader) == [2, nil])
        #expect(described.partitions.map(\.index) == [0, 1])
        #expect(described.partitions.allSatisfy { $0.isUnderReplicated && $0.replicas == [1, 2] })
        #expect(topics["u"]?.error == .broker(.unknownTopicOrPartition, what: "u"))
        #expect(try await admin.listTopics() == [described])
        let description = try await admin.describeCluster()
        #expect(description.id == "cluster")
        #expect(description.controller == 1)
        #expect(description.brokers.map(\.id) == [1, 2])
        #expect(description.brokers.map { UInt16($0.port) } == cluster.brokers.map(\.address.port))
    }

    @Test("reads and changes settings: a broker's at that broker")
    func configs() async throws {
        let cluster = try ScriptedCluster(count: 3) { id, asked in
            if asked.api == .incrementalAlterConfigs {
                var response = IncrementalAlterConfigsResponse()
                for resource in try asked.decoded(as: IncrementalAlterConfigsRequest.self).resources {
                    var result = AlterConfigsResult()
                    result.resourceType = resource.resourceType
                    result.resourceName = resource.resourceName
                    if resource.configs.contains(where: { $0.name == "no.such" }) {
                        result.errorCode = .invalidConfig
                        result.errorMessage = "Unknown topic config name: no.such"
                    }
                    response.responses.append(result)
                }
                return .answer(response)
            }
            var response = DescribeConfigsResponse()
            for resource in try asked.decoded(as: DescribeConfigsRequest.self).resources {
                var result = DescribeConfigsResponse.Result()
                result.resourceType = resource.resourceType
                result.resourceName = resource.resourceName
                for (name, source) in [("z", 5), ("a", 1), ("m", 77)] as [(String, Int8)] {
                    var config = DescribeConfigsResponse.Config()
                    config.name = name
                    config.value = "\(id)"
                    config.configSource = source
                    result.configs.append(config)
                }
                response.results.append(result)
            }
            return .answer(response)
        }
        let admin = try cluster.admin()
        let found = try await admin.describeConfigs([.topic("t"), .broker(2), .broker(3), .allBrokers])
        #expect(try found[.broker(2)]?.get().map(\.value) == ["2", "2", "2"])
        #expect(try found[.broker(3)]?.get().map(\.value) == ["3", "3", "3"])
        #expect(try found[.topic("t")]?.get().map(\.name) == ["a", "m", "z"])
        #expect(try found[.topic("t")]?.get().map(\.source) == [.topic, .unknown, .standard])
        #expect(found[.allBrokers] != nil)
        let changed = try await admin.incrementalAlterConfigs([
            .topic("t"): [.set("a", to: "1"), .delete("b"), .append("c", "2"), .subtract("d", "3")],
            .topic("u"): [.set("no.such", to: "1")],
        ])
        #expect(changed[.topic("t")]?.error == nil)
        let reason = "topic u (Unknown topic config name: no.such): INVALID_CONFIG"
        #expect(changed[.topic("u")]?.error?.description == reason)
        let request = try cluster.brokers.flatMap(\.asked).filter { $0.api == .incrementalAlterConfigs }
            .map { try $0.decoded(as: IncrementalAlterConfigsRequest.self) }[0]
        #expect(request.resources.map(\.resourceName) == ["t", "u"])
        #expect(request.resources[0].configs.map(\.configOperation) == [0, 1, 2, 3])
        #expect(request.resources[0].configs.map(\.value) == ["1", nil, "2", "3"])
    }

    @Test("deletes records at the leaders")
    func deleteRecords() async throws {
        let cluster = try ScriptedCluster(count: 2, leaders: [1, 2]) { id, asked in
            var response = DeleteRecordsResponse()
            for topic in try asked.decoded(as: DeleteRecordsRequest.self).topics {
                var answer = DeleteRecordsResponse.Topic()
                answer.name = topic.name
                for partition in topic.partitions {
                    #expect(partition.index + 1 == id)
                    var deleted = DeleteRecordsResponse.Partition()
                    deleted.index = partition.index
                    deleted.lowWatermark = partition.offset
                    if partition.offset > 100 { deleted.errorCode = .offsetOutOfRange }
                    answer.partitions.append(deleted)
                }
                response.topics.append(answer)
            }
            return .answer(response)
        }
        let deleted = try await cluster.admin().deleteRecords(before: [
            TopicPartition("t", 0): 42, TopicPartition("t", 1): 1_000,
        ])
        #expect(try deleted[TopicPartition("t", 0)]?.get() == 42)
        #expect(deleted[TopicPartition("t", 1)]?.error == .broker(.offsetOutOfRange, what: "t-1"))
    }

    @Test("lets go of whoever waits when it is closed or the task is cancelled")
    func ends() async throws {
        let cluster = try ScriptedCluster { _, _ in .silence }
        let admin = try cluster.admin()
        let cancelled = Task { try await admin.createTopics([NewTopic("t")]) }
        cancelled.cancel()
        await #expect(throws: ClientError.cancelled) { try await cancelled.value }
        let waiting = Task { try await admin.deleteTopics(["t"]) }
        while cluster.brokers[0].asked.allSatisfy({ $0.api != .deleteTopics }) {
            try await Task.sleep(for: .milliseconds(1))
        }
        admin.close()
        await #expect(throws: ClientError.closed) { try await waiting.value }
        await #expect(throws: ClientError.closed) { try await admin.createTopics([NewTopic("t")]) }
    }
}

@Suite("An admin among faults")
struct AdminMachineTests {
    @Test("has an outcome for every operation, with connections cut and refused", arguments: UInt64(0)..<100)
    func faults(seed: UInt64) throws {
        final class Outcomes: @unchecked Sendable { var found: [[TopicPartition: Result<Int64, ClientError>]] = [] }
        // Sendable: the world runs on one thread.
        let outcomes = Outcomes()
        var random = SplitMix64(seed: seed)
        var configuration = AdminConfiguration(bootstrapServers: [SocketAddress(host: "b", port: 9092)])
        configuration.retryBackoffMilliseconds = Int64(random.below(20))
        configuration.requestTimeoutMilliseconds = 200
        let world = ClientWorld(
            try AdminMachine(configuration, seed: seed), try makeBroker(partitions: 4), seed: random.next())
        // An admin creates nothing by asking: the topic has to be there.
        try world.createTopic("t")
        world.faults = .init(cut: random.below(20), refuse: random.below(40), delay: 1 + random.below(8))
        for _ in 0..<20 {
            let keys = (0..<4).map { TopicPartition("t", $0) }
            let operation = KeyedOperation(
                "listing offsets", keys, target: AdminTarget.leader,
                request: { keys in
                    var request = ListOffsetsRequest()
                    request.replicaID = -1
                    var topic = ListOffsetsRequest.Topic()
                    topic.name = "t"
                    topic.partitions = keys.map { key in
                        var partition = ListOffsetsRequest.Partition()
                        partition.index = key.partition
                        partition.timestamp = ListOffsetsRequest.latest
                        return partition
                    }
                    request.topics = [topic]
                    return request
                },
                read: { answer throws(ClientError) in
                    var answers: [TopicPartition: AdminAnswer<Int64>] = [:]
                    for partition in try answer.decoded(as: ListOffsetsResponse.self).topics.flatMap(\.partitions) {
                        answers[TopicPartition("t", partition.index)] = AdminAnswer(
                            errorCode: partition.errorCode, value: partition.offset)
                    }
                    return answers
                },
                isRetried: \.isRetriable
            ) { outcomes.found.append((try? $0.get()) ?? [:]) }
            let hasBegun = try world.withClient { client, _ in client.begin(client.number(), operation) }
            #expect(hasBegun)
            _ = try world.run(milliseconds: Int64(random.below(10)))
        }
        world.faults = .init()
        #expect(try world.run(milliseconds: 60_000) { outcomes.found.count == 20 })
        for found in outcomes.found { #expect(found.count == 4 && found.values.allSatisfy { (try? $0.get()) == 0 }) }
    }
}

@Suite("An admin with a real broker", .timeLimit(.minutes(15)))
struct AdminBrokerTests {
    private func outcome<Key, Value>(_ outcomes: [Key: Result<Value, ClientError>]) -> Result<Value, ClientError>? {
        outcomes.count == 1 ? outcomes.first?.value : nil
    }

    @Test("takes a topic through its life")
    func life() async throws {
        let broker = try RunningBroker()
        let admin = try Admin(AdminConfiguration(bootstrapServers: [broker.address]))
        var new = NewTopic("t", partitionCount: 2)
        new.configs = ["retention.ms": "1000"]
        let created = try #require(try outcome(try await admin.createTopics([new]))?.get())
        #expect(created.partitionCount == 2)
        #expect(outcome(try await admin.createTopics([new]))?.error?.isAbout(.topicAlreadyExists) == true)
        #expect(outcome(try await admin.createPartitions(["t": 3]))?.error == nil)
        #expect(outcome(try await admin.createPartitions(["t": 1]))?.error?.isAbout(.invalidPartitions) == true)
        let described = try #require(try outcome(try await admin.describeTopics(["t"]))?.get())
        #expect(described.id == created.id)
        #expect(described.partitions.map(\.leader) == [1, 1, 1])
        #expect(try await admin.listTopics() == [described])
        let changes: [ConfigResource: [ConfigChange]] = [
            .topic("t"): [.delete("retention.ms"), .set("segment.ms", to: "7")]
        ]
        #expect(outcome(try await admin.incrementalAlterConfigs(changes))?.error == nil)
        let configs = try #require(try outcome(try await admin.describeConfigs([.topic("t")]))?.get())
        #expect(configs.first { $0.name == "retention.ms" }?.source == .standard)
        #expect(configs.first { $0.name == "segment.ms" }?.value == "7")
        for _ in 0..<3 { _ = try broker.produce(batch(count: 10), to: "t", partition: 1) }
        let name = TopicPartition("t", 1)
        #expect(try outcome(try await admin.listOffsets([name: .latest]))?.get().offset == 30)
        #expect(outcome(try await admin.deleteTopics(["t"]))?.error == nil)
        #expect(outcome(try await admin.describeTopics(["t"]))?.error == .broker(.unknownTopicOrPartition, what: "t"))
        #expect(try await admin.listTopics() == [])
        #expect(try await admin.describeCluster().brokers.map(\.id) == [1])
    }

    private func batch(count: Int) -> RecordBatch {
        var builder = RecordBatchBuilder(baseTimestamp: 1_000)
        for number in 0..<count { builder.append(key: nil, value: Bytes(utf8: "\(number)")) }
        return builder.finish()
    }
}

extension ClientError {
    fileprivate func isAbout(_ code: ErrorCode) -> Bool { if case .broker(code, _) = self { true } else { false } }
}
