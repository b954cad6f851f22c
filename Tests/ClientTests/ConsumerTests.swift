import SegmentLog
import TestSupport
import Testing
import WireProtocol

@testable import LogbookClient

@Suite("A consumer of a real broker", .timeLimit(.minutes(15)))
struct ConsumerTests {
    private static func consumer(
        of broker: RunningBroker, _ configure: (inout ConsumerConfiguration) -> Void = { _ in }
    ) throws -> Consumer {
        var configuration = ConsumerConfiguration(bootstrapServers: broker.address.description)
        configuration.fetchMaxWaitMilliseconds = 50
        configure(&configuration)
        return try Consumer(configuration)
    }

    private static func batch(
        _ values: [String], codec: BatchAttributes.Codec = .none, timestamp: Int64 = 1_000
    ) throws -> RecordBatch {
        var builder = RecordBatchBuilder(baseTimestamp: timestamp)
        for value in values {
            builder.append(
                key: Bytes(utf8: "k"), value: Bytes(utf8: value),
                headers: [RecordHeader(key: Bytes(utf8: "h"), value: nil)])
        }
        return try codec == .none ? builder.finish() : builder.finish(codec: codec)
    }

    @Test("reads what was produced, with every codec")
    func codecs() async throws {
        let broker = try RunningBroker()
        var expected: [String] = []
        for codec in BatchAttributes.Codec.allCases {
            let values = (0..<500).map { "\(codec) \($0)" }
            expected += values
            _ = try broker.produce(try Self.batch(values, codec: codec), to: "t")
        }
        let consumer = try Self.consumer(of: broker) { $0.maxPartitionFetchBytes = 1_000 }
        try await consumer.assign(topic: "t", from: .earliest)
        var values: [String] = []
        for try await record in consumer.records {
            #expect(record.offset == Int64(values.count) && record.timestamp == 1_000 && record.key?.text == "k")
            #expect(record.headers == [RecordHeader(key: Bytes(utf8: "h"), value: nil)])
            values.append(record.value?.text ?? "null")
            if values.count == expected.count { break }
        }
        #expect(values == expected)
        #expect(try await consumer.position(of: TopicPartition("t", 0)) == Int64(expected.count))
    }

    @Test("goes on where an iteration or a poll has stopped, to the record")
    func resumes() async throws {
        let broker = try RunningBroker()
        _ = try broker.produce(try Self.batch((0..<100).map(String.init)), to: "t")
        let consumer = try Self.consumer(of: broker)
        let name = TopicPartition("t", 0)
        try consumer.assign([name], from: .earliest)
        for try await record in consumer.records where record.offset == 9 { break }
        #expect(try await consumer.position(of: name) == 10)
        let polled = try await consumer.poll(maxRecords: 5, timeout: .seconds(60))
        #expect(polled.map(\.offset) == [10, 11, 12, 13, 14])
        #expect(try await consumer.position(of: name) == 15)
        var seen: [Int64] = []
        for try await record in consumer.records {
            seen.append(record.offset)
            // A seek counts for the very next record, though the ones behind are fetched already.
            if record.offset == 20 { try consumer.seek(name, to: .offset(90)) }
            if record.offset == 99 { break }
        }
        #expect(seen == Array(15...20) + Array(90...99))
        #expect(try await consumer.poll(timeout: .milliseconds(1)).isEmpty)
    }

    @Test("ends when its task is cancelled or it is closed, and lets nobody wait")
    func ends() async throws {
        let broker = try RunningBroker()
        _ = try broker.produce(try Self.batch(["a"]), to: "t")
        let consumer = try Self.consumer(of: broker)
        let name = TopicPartition("t", 0)
        try consumer.assign([name], from: .earliest)
        let (seen, continuation) = AsyncStream<Int64>.makeStream()
        let reader = Task {
            for try await record in consumer.records { continuation.yield(record.offset) }
            continuation.finish()
        }
        var offsets = seen.makeAsyncIterator()
        #expect(await offsets.next() == 0)
        await #expect(throws: ClientError.refused("a consumer is read by one iteration or poll at a time")) {
            _ = try await consumer.poll(timeout: .zero)
        }
        reader.cancel()
        try await reader.value
        let question = Task { try await consumer.partitions(of: "not there?") }
        question.cancel()
        await #expect(throws: ClientError.self) { _ = try await question.value }
        #expect(consumer.thread.withMachine { $0.questions.isEmpty })
        let closing = Task { () throws(ClientError) -> Int in
            var count = 0
            for try await _ in consumer.records { count += 1 }
            return count
        }
        try consumer.seek(name, to: .latest)
        consumer.close()
        // It may have been closed before or after the reader came.
        if case .failure(let error) = await closing.result { #expect(error as? ClientError == .closed) }
    }

    @Test("answers about partitions and offsets")
    func questions() async throws {
        let broker = try RunningBroker(partitions: 2)
        let names = [TopicPartition("t", 0), TopicPartition("t", 1)]
        _ = try broker.produce(try Self.batch(["a", "b"], timestamp: 1_000), to: "t")
        _ = try broker.produce(try Self.batch(["c"], timestamp: 2_000), to: "t")
        let consumer = try Self.consumer(of: broker)
        #expect(try await consumer.partitions(of: "t") == names)
        #expect(try await consumer.beginningOffsets(of: names) == [names[0]: 0, names[1]: 0])
        #expect(try await consumer.endOffsets(of: names) == [names[0]: 3, names[1]: 0])
        let found = try await consumer.offsets(for: [names[0]: 1_500, names[1]: 1_500])
        #expect(found == [names[0]: OffsetAndTimestamp(offset: 2, timestamp: 2_000, leaderEpoch: 0)])
        try consumer.assign([names[0]: .latest])
        #expect(try await consumer.position(of: names[0]) == 3)
        await #expect(throws: ClientError.self) { _ = try await consumer.position(of: names[1]) }
        await #expect(throws: ClientError.self) { _ = try await consumer.offsets(for: [names[0]: -5]) }
        try consumer.assign([:])
        await #expect(throws: ClientError.refused("no partition is assigned to this consumer")) {
            _ = try await consumer.poll(timeout: .seconds(60))
        }
    }

    @Test("says at once which setting cannot be used")
    func settings() {
        var configuration = ConsumerConfiguration(bootstrapServers: "nowhere")
        #expect(throws: ClientError.self) { _ = try Consumer(configuration) }
        configuration.bootstrapServers = "localhost:1"
        configuration.fetchMaxWaitMilliseconds = 30_000
        #expect(throws: ClientError.self) { _ = try Consumer(configuration) }
    }
}
