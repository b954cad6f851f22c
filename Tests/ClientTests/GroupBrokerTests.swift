import SegmentLog
import Testing

@testable import LogbookClient

/// What a listener was told, by kind.
private final class Told: RebalanceListener {
    private let log = Lock([String]())
    var kinds: [String] { log.withLock { $0 } }

    func partitionsAssigned(_ partitions: [TopicPartition], to consumer: Consumer) async {
        log.withLock { $0.append("assigned") }
    }
    func partitionsRevoked(_ partitions: [TopicPartition], from consumer: Consumer) async {
        log.withLock { $0.append("revoked") }
    }
    func partitionsLost(_ partitions: [TopicPartition], from consumer: Consumer) async {
        log.withLock { $0.append("lost") }
    }
}

/// Commits what goes.
private final class Committing: RebalanceListener {
    private let log = Lock([Result<Void, ClientError>]())
    var results: [Result<Void, ClientError>] { log.withLock { $0 } }

    func partitionsRevoked(_ partitions: [TopicPartition], from consumer: Consumer) async {
        var result = Result<Void, ClientError>.success(())
        do throws(ClientError) { try await consumer.commit() } catch { result = .failure(error) }
        log.withLock { $0.append(result) }
    }
}

@Suite("Consumers in a group of a running broker", .timeLimit(.minutes(10)))
struct GroupBrokerTests {
    enum Way: CaseIterable { case range, cooperativeSticky, server }

    private func consumer(
        _ broker: RunningBroker, _ way: Way, _ change: (inout ConsumerConfiguration) -> Void = { _ in }
    ) throws -> Consumer {
        var configuration = ConsumerConfiguration(bootstrapServers: broker.address.description)
        configuration.groupID = "g"
        configuration.autoOffsetReset = .earliest
        configuration.heartbeatIntervalMilliseconds = 50
        configuration.metadataMaxAgeMilliseconds = 1_000
        switch way {
        case .range: configuration.partitionAssignmentStrategy = [RangeAssignor()]
        case .cooperativeSticky: configuration.partitionAssignmentStrategy = [CooperativeStickyAssignor()]
        case .server: configuration.groupProtocol = .consumer
        }
        change(&configuration)
        return try Consumer(configuration)
    }

    private func append(_ value: String, to broker: RunningBroker, _ partition: Int32) throws {
        var builder = RecordBatchBuilder(baseTimestamp: 1_000)
        builder.append(key: nil, value: Bytes(utf8: value))
        _ = try broker.produce(builder.finish(), to: "t", partition: partition)
    }

    @Test("share a topic, go on where the others stopped, and leave it empty", arguments: Way.allCases)
    func share(_ way: Way) async throws {
        let broker = try RunningBroker(
            partitions: 4,
            settings: [
                ("group.initial.rebalance.delay.ms", "0"), ("group.consumer.heartbeat.interval.ms", "50"),
                ("offsets.topic.num.partitions", "2"),
            ])
        for partition in 0..<4 { try append("first", to: broker, Int32(partition)) }
        let listener = Told()
        let one = try consumer(broker, way)
        try one.subscribe(["t"], listener: listener)
        var read: [ConsumerRecord] = []
        while read.count < 4 { read += try await one.poll(timeout: .seconds(1)) }
        let two = try consumer(broker, way)
        try two.subscribe(["t"])
        while one.assignment.count != 2 || two.assignment.count != 2 {
            read += try await one.poll(timeout: .milliseconds(20))
            read += try await two.poll(timeout: .milliseconds(20))
        }
        #expect(Set(one.assignment).isDisjoint(with: two.assignment))
        let (first, second) = (try one.groupMetadata(), try two.groupMetadata())
        #expect(first.groupID == "g" && first.generationID > 0 && second.generationID > 0)
        let admin = try Admin(AdminConfiguration(bootstrapServers: broker.address.description))
        let group = try #require(try await admin.describeGroups(["g"])["g"]?.get())
        #expect(Set(group.members.map(\.id)) == [first.memberID, second.memberID])
        #expect(group.members.count == 2 && group.type == (way == .server ? "consumer" : "classic"))
        await one.close(timeout: .seconds(60))
        #expect(listener.kinds.first == "assigned" && listener.kinds.last == "revoked")
        #expect(!listener.kinds.contains("lost"))
        for partition in 0..<4 { try append("second", to: broker, Int32(partition)) }
        while read.count < 8 { read += try await two.poll(timeout: .seconds(1)) }
        // What was committed on the way is not read again.
        #expect(read.map { "\($0.topicPartition) \($0.offset)" }.sorted() == (0..<8).map { "t-\($0 / 2) \($0 % 2)" })
        try await two.commit()
        let names = two.assignment
        let expected = Dictionary(uniqueKeysWithValues: names.map { ($0, OffsetAndMetadata(2)) })
        #expect(names.count == 4)
        #expect(try await two.committed(names) == expected)
        #expect(try await admin.listConsumerGroupOffsets("g") == expected)
        await two.close(timeout: .seconds(60))
        #expect(try two.groupMetadata().generationID == -1)
        #expect(try await admin.listGroups().map(\.id) == ["g"])
        let deleted = try await admin.deleteGroups(["g"])
        #expect(throws: Never.self) { try deleted["g"]?.get() }
        #expect(try await admin.listGroups().isEmpty)
    }

    private func runBroker() throws -> RunningBroker {
        try RunningBroker(
            partitions: 1,
            settings: [
                ("group.initial.rebalance.delay.ms", "0"), ("group.consumer.heartbeat.interval.ms", "50"),
                ("offsets.topic.num.partitions", "2"),
            ])
    }

    @Test("end in good order also where the task that ends them was cancelled", arguments: [Way.range, .server])
    func cancelled(_ way: Way) async throws {
        let broker = try runBroker()
        try append("first", to: broker, 0)
        let listener = Committing()
        let one = try consumer(broker, way) { $0.enableAutoCommit = false }
        try one.subscribe(["t"], listener: listener)
        while try await one.poll(timeout: .seconds(1)).isEmpty {}
        let ending = Task {
            while !Task.isCancelled { await Task.yield() }
            await one.close(timeout: .seconds(60))
        }
        ending.cancel()
        await ending.value
        #expect(listener.results.count == 1)
        #expect(throws: Never.self) { try listener.results.first?.get() }
        let admin = try Admin(AdminConfiguration(bootstrapServers: broker.address.description))
        #expect(try await admin.listConsumerGroupOffsets("g") == [TopicPartition("t", 0): OffsetAndMetadata(1)])
        #expect(try await admin.describeGroups(["g"])["g"]?.get().members.isEmpty == true)
    }

    @Test("end an iteration that is under way, without an error", arguments: [Way.range, .server])
    func endOfIteration(_ way: Way) async throws {
        let broker = try runBroker()
        try append("first", to: broker, 0)
        let one = try consumer(broker, way)
        try one.subscribe(["t"])
        let (firsts, first) = AsyncStream.makeStream(of: Void.self)
        let reading = Task {
            var count = 0
            for try await _ in one.records {
                count += 1
                first.yield()
            }
            return count
        }
        for await _ in firsts { break }
        await one.close(timeout: .seconds(60))
        #expect(try await reading.value == 1)
    }

    @Test("are told at the end of partitions that were lost before", arguments: [Way.range, .server])
    func lostBeforeTheEnd(_ way: Way) async throws {
        let broker = try runBroker()
        try append("first", to: broker, 0)
        let listener = Told()
        let one = try consumer(broker, way) { $0.maxPollIntervalMilliseconds = 500 }
        try one.subscribe(["t"], listener: listener)
        while try await one.poll(timeout: .seconds(1)).isEmpty {}
        // The application does not read, for longer than max.poll.interval.ms.
        while !one.assignment.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        await one.close(timeout: .seconds(60))
        #expect(listener.kinds.last == "lost")
        #expect(!listener.kinds.contains("revoked"))
    }

    @Test("takes no part in a group without a name, and neither reads without a subscription")
    func refusals() async throws {
        let broker = try RunningBroker()
        let nameless = try Consumer(ConsumerConfiguration(bootstrapServers: broker.address.description))
        #expect(throws: ClientError.refused("to subscribe, a consumer needs a group.id")) {
            try nameless.subscribe(["t"])
        }
        await #expect(throws: ClientError.refused("without group.id there are no committed offsets")) {
            try await nameless.commit()
        }
        #expect(throws: ClientError.refused("a consumer without group.id has no group")) {
            try nameless.groupMetadata()
        }
        let member = try consumer(broker, .range)
        #expect(throws: ClientError.refused("there is no topic to subscribe to")) { try member.subscribe([]) }
        try member.subscribe(["t"])
        #expect(throws: ClientError.self) { try member.assign([TopicPartition("t", 0)], from: .earliest) }
        try await member.unsubscribe()
        try member.assign([TopicPartition("t", 0)], from: .committed)
        #expect(member.assignment == [TopicPartition("t", 0)])
    }
}
