import BenchmarkSupport
import SegmentLog
import WireProtocol

/// A producer and a fetcher that do as little as possible themselves.
struct Load {
    let connection: BlockingConnection
    let topic: String

    /// Connects, and makes the topic.
    init(_ address: SocketAddress, topic: String) throws {
        connection = try BlockingConnection(to: address)
        self.topic = topic
        var metadata = MetadataRequest()
        var asked = MetadataRequest.Topic()
        asked.name = topic
        metadata.topics = [asked]
        let answer = try connection.ask(metadata, version: 9)
        guard answer?.topics.first?.errorCode == ErrorCode.none else { throw BenchmarkFailure("no topic \(topic)") }
    }

    /// Produces `batch` `count` times, durably, with up to `window` requests in flight.
    func produce(_ batch: RecordBatch, count: Int, window: Int) throws -> Seconds {
        var request = ProduceRequest()
        request.acks = -1
        request.timeoutMilliseconds = 30_000
        var partition = ProduceRequest.Partition()
        partition.records = .bytes(batch.bytes)
        var data = ProduceRequest.Topic()
        data.name = topic
        data.partitions = [partition]
        request.topics = [data]
        let frame = try request.frame(version: 9, correlationID: 1, clientID: "bench").bytes()
        return try measure {
            var sent = 0
            var answered = 0
            while answered < count {
                while sent < count && sent - answered < window {
                    try connection.send(frame)
                    sent += 1
                }
                guard let answer = try connection.receiveFrame() else { throw BenchmarkFailure("the broker hung up") }
                let response = try ProduceResponse.decodeResponse(answer, version: 9).body
                guard response.topics.first?.partitions.first?.errorCode == ErrorCode.none else {
                    throw BenchmarkFailure("a produce failed: \(response)")
                }
                answered += 1
            }
        }
    }

    /// Fetches everything, `maxBytes` at a time. Returns how long it took and how many bytes of batches came.
    func fetch(maxBytes: Int32) throws -> (Seconds, byteCount: Int) {
        var offset: Int64 = 0
        var end: Int64 = .max
        var byteCount = 0
        let elapsed = try measure {
            while offset < end {
                let response = try connection.ask(request(from: offset, maxBytes: maxBytes), version: 11)
                guard let answer = response?.topics.first?.partitions.first, answer.errorCode == .none,
                    case .bytes(let bytes)? = answer.records
                else { throw BenchmarkFailure("a fetch failed") }
                end = answer.highWatermark
                let (next, whole) = try wholeBatches(in: bytes)
                guard let next else { throw BenchmarkFailure("a fetch at \(offset) brought no whole batch") }
                offset = next
                byteCount += whole
            }
        }
        return (elapsed, byteCount)
    }

    private func request(from offset: Int64, maxBytes: Int32) -> FetchRequest {
        var partition = FetchRequest.Partition()
        partition.fetchOffset = offset
        partition.maxBytes = maxBytes
        var data = FetchRequest.Topic()
        data.name = topic
        data.partitions = [partition]
        var request = FetchRequest()
        request.maxWaitMilliseconds = 1000
        request.minBytes = 1
        request.maxBytes = maxBytes
        request.topics = [data]
        return request
    }

    /// The offset behind the last whole batch, and the bytes up to there.
    private func wholeBatches(in bytes: Bytes) throws -> (next: Int64?, byteCount: Int) {
        var next: Int64?
        var position = 0
        while bytes.count - position >= RecordBatchHeader.byteCount {
            let header = try RecordBatchHeader(parsing: bytes.dropFirst(position))
            guard header.byteCount <= bytes.count - position else { break }
            next = header.nextOffset.value
            position += header.byteCount
        }
        return (next, position)
    }

    /// A batch of about `byteCount` bytes, made of records of 1,000 bytes.
    static func batch(byteCount: Int) -> RecordBatch {
        var builder = RecordBatchBuilder(baseTimestamp: 1_700_000_000_000, capacity: byteCount + 2048)
        let value = Bytes([UInt8](repeating: 0x61, count: 1000))
        while builder.byteCount + 1020 <= byteCount { builder.append(key: nil, value: value) }
        return builder.finish()
    }
}
