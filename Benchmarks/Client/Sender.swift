import BenchmarkSupport
import Foundation
import LogbookClient
import SegmentLog
import WireProtocol

/// The same records for every sender.
struct Lines {
    /// One record in each line.
    let path: String
    let value: Bytes

    init(count: Int, in directory: String) throws {
        let text = String(repeating: "0123456789", count: 10)
        value = Bytes(utf8: text)
        path = directory + "/lines"
        try String(repeating: text + "\n", count: count).write(toFile: path, atomically: true, encoding: .utf8)
    }

    var isKcatInstalled: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/kcat") }
}

/// Who sends the records.
enum Sender: CaseIterable {
    case producer, producerOfLargeBatches, kcat, bare

    var name: String {
        switch self {
        case .producer: "`Producer`, one task"
        case .producerOfLargeBatches: "the same with kcat's `batch.size` of 1,000,000"
        case .kcat: "`kcat -P -l`"
        case .bare: "batches made beforehand, bare socket"
        }
    }

    /// Sends `count` records, and waits until they are acknowledged.
    func send(_ count: Int, _ lines: Lines, to broker: SocketAddress, topic: String) async throws -> Result {
        switch self {
        case .producer: try await produce(count, lines.value, to: broker, topic)
        case .producerOfLargeBatches: try await produce(count, lines.value, to: broker, topic, batchBytes: 1_000_000)
        case .kcat: try runKcat(lines.path, to: broker, topic)
        case .bare: try sendBare(count, lines.value, to: broker, topic)
        }
    }

    private func produce(
        _ count: Int, _ value: Bytes, to broker: SocketAddress, _ topic: String, batchBytes: Int? = nil
    ) async throws -> Result {
        let clock = ContinuousClock.now
        let before = ownProcessorSeconds()
        var configuration = ProducerConfiguration(bootstrapServers: [broker])
        if let batchBytes { configuration.batchBytes = batchBytes }
        let producer = try Producer(configuration)
        var last: Delivery?
        for _ in 0..<count { last = try await producer.send(ProducerRecord(topic: topic, value: value)) }
        await producer.flush()
        guard try await last?.acknowledged().offset == Int64(count - 1) else {
            throw BenchmarkFailure("the last record is not the \(count)th")
        }
        let result = Result(seconds: clock.seconds(to: .now), processorSeconds: ownProcessorSeconds() - before)
        await producer.close()
        return result
    }

    private func runKcat(_ path: String, to broker: SocketAddress, _ topic: String) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/kcat")
        process.arguments = ["-P", "-b", "\(broker)", "-t", topic, "-l", path, "-X", "linger.ms=5"]
        let before = childrenProcessorSeconds()
        let clock = ContinuousClock.now
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BenchmarkFailure("kcat failed") }
        return Result(seconds: clock.seconds(to: .now), processorSeconds: childrenProcessorSeconds() - before)
    }

    private func sendBare(_ count: Int, _ value: Bytes, to broker: SocketAddress, _ topic: String) throws -> Result {
        let connection = try BlockingConnection(to: broker)
        // Metadata creates the topic.
        var metadata = MetadataRequest()
        var named = MetadataRequest.Topic()
        named.name = topic
        metadata.topics = [named]
        while try connection.ask(metadata, version: 9)?.topics.first?.errorCode != ErrorCode.none {}
        let perBatch = 8_000
        var builder = RecordBatchBuilder(baseTimestamp: 1_700_000_000_000, capacity: 1 << 20)
        for _ in 0..<perBatch { builder.append(key: nil, value: value) }
        var partition = ProduceRequest.Partition()
        partition.records = .bytes(builder.finish().bytes)
        var target = ProduceRequest.Topic()
        target.name = topic
        target.partitions = [partition]
        var request = ProduceRequest()
        request.acks = -1
        request.timeoutMilliseconds = 30_000
        request.topics = [target]
        let frame = try request.frame(version: 9, correlationID: 1, clientID: "bare").bytes()
        let clock = ContinuousClock.now
        let before = ownProcessorSeconds()
        let batches = count / perBatch
        for number in 0..<batches + 5 {
            if number < batches { try connection.send(frame) }
            if number >= 5, try connection.receiveFrame() == nil { throw BenchmarkFailure("the broker hung up") }
        }
        return Result(seconds: clock.seconds(to: .now), processorSeconds: ownProcessorSeconds() - before)
    }
}

private func ownProcessorSeconds() -> Seconds {
    #if canImport(Darwin)
        processorSeconds(RUSAGE_SELF)
    #else
        processorSeconds(RUSAGE_SELF.rawValue)
    #endif
}

private func childrenProcessorSeconds() -> Seconds {
    #if canImport(Darwin)
        processorSeconds(RUSAGE_CHILDREN)
    #else
        processorSeconds(RUSAGE_CHILDREN.rawValue)
    #endif
}

private func processorSeconds(_ who: Int32) -> Seconds {
    var usage = rusage()
    _ = unsafe getrusage(who, &usage)
    func seconds(_ time: timeval) -> Seconds { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}
