import Foundation
@testable import LogbookClient
import SegmentLog
import Testing
import WireProtocol

@Suite("A producer with a real broker", .timeLimit(.minutes(15)))
struct ProducerTests {
    private func configuration(_ broker: RunningBroker) -> ProducerConfiguration {
        var configuration = ProducerConfiguration(bootstrapServers: [broker.address])
        configuration.lingerMilliseconds = 0
        return configuration
    }

    @Test("is told where each record went, in the order in which they were sent")
    func offsetsInOrder() async throws {
        let broker = try RunningBroker(partitions: 4)
        let producer = try Producer(configuration(broker))
        var deliveries: [Delivery] = []
        for number in 0..<1_000 {
            deliveries.append(
                try await producer.send(ProducerRecord(topic: "orders", partition: 2, value: "\(number)")))
        }
        for (number, delivery) in deliveries.enumerated() {
            let metadata = try await delivery.acknowledged()
            #expect(metadata.topicPartition == TopicPartition("orders", 2))
            #expect(metadata.offset == Int64(number))
        }
        await producer.close()
    }

    @Test("writes what can be read again, with every codec", arguments: ProducerConfiguration.Compression.allCases)
    func contents(_ codec: ProducerConfiguration.Compression) async throws {
        let broker = try RunningBroker(partitions: 1)
        var configuration = configuration(broker)
        configuration.compression = codec
        configuration.lingerMilliseconds = 1_000
        let producer = try Producer(configuration)
        for number in 0..<100 {
            var record = ProducerRecord(topic: "t", key: "key \(number)", value: "value \(number)")
            record.headers = [RecordHeader(key: Bytes(utf8: "h"), value: number % 2 == 0 ? nil : [1, 2])]
            record.timestamp = 1_000 + Int64(number)
            _ = try await producer.send(record)
        }
        await producer.close()
        let batches = try readAll(topic: "t", partition: 0, from: broker.address)
        var number = 0
        for batch in batches {
            let opened = try batch.opened()
            var reader = opened.records()
            while let record = try reader.next() {
                #expect(opened.bytes(record.key)?.text == "key \(number)")
                #expect(opened.bytes(record.value)?.text == "value \(number)")
                #expect(opened.timestamp(of: record) == 1_000 + Int64(number))
                number += 1
            }
        }
        #expect(number == 100)
        #expect(batches.count == 1)
        #expect(batches[0].header.attributes.codec == codec)
    }

    @Test("goes on where it was when the broker comes back")
    func brokerRestarts() async throws {
        let storage = MemoryStorage()
        var broker: RunningBroker? = try RunningBroker(storage, partitions: 1)
        let address = try #require(broker?.address)
        var settings = configuration(try #require(broker))
        settings.retryBackoffMilliseconds = 10
        let producer = try Producer(settings)
        let first = try await producer.send(ProducerRecord(topic: "t", value: "before"))
        #expect(try await first.acknowledged().offset == 0)
        broker = nil
        let second = try await producer.send(ProducerRecord(topic: "t", value: "between"))
        // The old broker lets go of its port once it has ended.
        while broker == nil { broker = try? RunningBroker(storage, port: address.port, partitions: 1) }
        #expect(try await second.acknowledged().offset == 1)
        await producer.close()
        withExtendedLifetime(broker) {}
    }

    @Test("waits for memory, and holds no more than it may")
    func memoryBound() async throws {
        let broker = try RunningBroker(partitions: 1)
        var settings = configuration(broker)
        settings.bufferBytes = 10_000
        settings.batchBytes = 2_000
        let producer = try Producer(settings)
        let value = Bytes([UInt8](repeating: 1, count: 900))
        try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    try await producer.send(ProducerRecord(topic: "t", value: value)).acknowledged().offset
                }
            }
            var offsets: Set<Int64> = []
            for try await offset in group { offsets.insert(offset) }
            #expect(offsets == Set(0..<200))
        }
        await producer.close()
    }

    @Test("has the largest record that it takes stored by a broker with the same limit, whatever its time")
    func limits() async throws {
        let broker = try RunningBroker(partitions: 1)
        let producer = try Producer(configuration(broker))
        var size = 1 << 20
        var taken: Delivery?
        while taken == nil {
            let value = Bytes([UInt8](repeating: 0, count: size))
            taken = try? await producer.send(ProducerRecord(topic: "t", value: value))
            size -= 1
        }
        #expect(try await taken?.acknowledged().offset == 0)
        for timestamp in [Int64.max, .min, 0, -1] {
            var record = ProducerRecord(topic: "t", value: "x")
            record.timestamp = timestamp
            _ = try await producer.send(record)
        }
        await producer.flush()
        await producer.close()
    }

    @Test("flushes beside other tasks that send, and ends its thread with its descriptors when it is dropped")
    func manyProducers() async throws {
        #if os(Linux)
            // A reactor that stayed would keep an epoll and an eventfd.
            func descriptors() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            }
            let before = try descriptors()
        #endif
        let broker = try RunningBroker(partitions: 1)
        for _ in 0..<50 {
            let producer = try Producer(configuration(broker))
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<20 { _ = try? await producer.send(ProducerRecord(topic: "t", value: "x")) }
                        await producer.flush()
                    }
                }
            }
        }
        #if os(Linux)
            // Other tests open some meanwhile, and close them again.
            let deadline = ContinuousClock.now + .seconds(300)
            while try descriptors() > before + 60, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(try descriptors() <= before + 60)
        #endif
        withExtendedLifetime(broker) {}
    }

    @Test("is told at once what can never be sent")
    func refusals() async throws {
        let broker = try RunningBroker(partitions: 2)
        let producer = try Producer(configuration(broker))
        func error(_ record: ProducerRecord) async -> ClientError? {
            do throws(ClientError) {
                _ = try await producer.send(record)
                return nil
            } catch {
                return error
            }
        }
        let large = Bytes([UInt8](repeating: 0, count: 2 << 20))
        #expect(await error(ProducerRecord(topic: "t", value: large))?.description.contains("max.request.size") == true)
        #expect(
            await error(ProducerRecord(topic: "t", partition: 2, value: ""))?.description.contains("2 partitions")
                == true)
        #expect(await error(ProducerRecord(topic: "", value: "")) == .refused("a record names no topic"))
        #expect(
            await error(ProducerRecord(topic: "no/slash", value: "")) == .broker(.invalidTopic, what: "topic no/slash"))
        await producer.close()
        #expect(await error(ProducerRecord(topic: "t", value: "")) == .closed)
    }

    @Test("gives up after max.block.ms where there is no broker, and at once when its task is cancelled")
    func nobodyThere() async throws {
        var settings = ProducerConfiguration(bootstrapServers: [SocketAddress(host: "127.0.0.1", port: 1)])
        settings.maxBlockMilliseconds = 50
        let producer = try Producer(settings)
        await #expect(throws: ClientError.timedOut(what: "metadata", milliseconds: 50)) {
            try await producer.send(ProducerRecord(topic: "t", value: "x"))
        }
        settings.maxBlockMilliseconds = 600_000
        let patient = try Producer(settings)
        let task = Task { try await patient.send(ProducerRecord(topic: "t", value: "x")) }
        task.cancel()
        await #expect(throws: ClientError.cancelled) { try await task.value }
        await producer.close()
        await patient.close()
    }

    @Test("does not wait for an answer with acks=0")
    func withoutAnswers() async throws {
        let broker = try RunningBroker(partitions: 1)
        var settings = configuration(broker)
        settings.acks = .none
        let producer = try Producer(settings)
        let delivery = try await producer.send(ProducerRecord(topic: "t", value: "x"))
        #expect(try await delivery.acknowledged().offset == -1)
        await producer.close()
        // The connection was closed behind the request, so the broker has had it.
        var batches: [RecordBatch] = []
        while batches.isEmpty { batches = try readAll(topic: "t", partition: 0, from: broker.address) }
        #expect(batches.count == 1)
    }
}

/// Everything in a partition, by a plain connection.
func readAll(topic: String, partition: Int32, from address: SocketAddress) throws -> [RecordBatch] {
    let connection = try BlockingConnection(to: address)
    var batches: [RecordBatch] = []
    var offset: Int64 = 0
    while true {
        var request = FetchRequest()
        var asked = FetchRequest.Partition()
        asked.index = partition
        asked.fetchOffset = offset
        asked.maxBytes = 1 << 20
        var named = FetchRequest.Topic()
        named.name = topic
        named.partitions = [asked]
        request.topics = [named]
        guard let answer = try connection.ask(request, version: 11),
            let found = answer.topics.first?.partitions.first, case .bytes(var rest)? = found.records, rest.count > 0
        else { return batches }
        while rest.count > 0 {
            let header = try RecordBatchHeader(parsing: rest)
            batches.append(try RecordBatch(checking: rest.slice(0..<header.byteCount)))
            rest = rest.dropFirst(header.byteCount)
            offset = header.nextOffset.value
        }
    }
}
