import SegmentLog
import WireProtocol

/// A node that serves on a thread of its own, and one client's connection to it.
final class RunningNode {
    let address: SocketAddress
    let connection: BlockingConnection
    /// What it logs for its operator.
    private var lines: AsyncStream<LogLine>.Iterator

    /// Starts a node with what is on `disk`.
    init(on disk: MemoryDisk, seed: UInt64) throws {
        let listeners = try Listeners(bindingTo: [SocketAddress(host: "127.0.0.1", port: 0)])
        let address = listeners.addresses[0]
        let (stream, lines) = AsyncStream<LogLine>.makeStream()
        try startThread {
            do {
                // The node and its reactor live on this thread, and nowhere else.
                let node = try TopicsNode(at: address, on: disk, seed: seed)
                _ = try Reactor(node, listeners: listeners) { lines.yield($0) }.run()
            } catch {
                print("the node failed: \(error)")
            }
            lines.finish()
        }
        self.address = address
        self.lines = stream.makeAsyncIterator()
        connection = try BlockingConnection(to: address)
    }

    /// Waits until the node logs this event.
    func awaitLine(_ event: String) async throws -> LogLine {
        while let line = await lines.next() {
            if line.event == event { return line }
            if line.level > .info { throw DemoFailure("the node says: \(line)") }
        }
        throw DemoFailure("the node has ended")
    }

    /// Sends a request in its newest version, and waits for the answer.
    func ask<Asked: Request>(_ request: Asked) throws -> Asked.Response {
        let version = Asked.apiKey.versions.upperBound
        guard let answer = try connection.ask(request, version: version) else { throw DemoFailure("no answer") }
        return answer
    }

    /// Appends records to a partition, as one batch.
    func produce(_ records: [(key: String, value: String)], to topic: String, _ partition: Int32 = 0) throws {
        let response = try ask(ProduceRequest([(partition, batch(records))], of: topic))
        let code = response.topics.first?.partitions.first?.errorCode
        guard code == ErrorCode.none else { throw DemoFailure("a produce was answered with \(code.debugDescription)") }
    }

    /// Every record in a partition.
    func records(_ topic: String, _ partition: Int32) throws -> [FetchedRecord] {
        var all: [FetchedRecord] = []
        var next: Int64 = 0
        while true {
            let response = try connection.ask(FetchRequest([partition], of: topic, from: next), version: 12)
            guard let batches = try response?.topics.first?.partitions.first?.batches(), let last = batches.last else {
                return all
            }
            // A batch comes whole, also where the fetch begins in the middle of it.
            all += try batches.flatMap { try $0.fetchedRecords }.filter { $0.offset >= next }
            next = last.header.nextOffset.value
        }
    }
}

/// A record as a client reads it.
struct FetchedRecord: Equatable {
    var offset: Int64
    var key: String
    var value: String
}

/// One batch of records.
func batch(_ records: [(key: String, value: String)]) -> RecordBatch {
    var builder = RecordBatchBuilder(baseTimestamp: -1)
    for record in records { builder.append(key: Bytes(utf8: record.key), value: Bytes(utf8: record.value)) }
    return builder.finish()
}

extension ProduceRequest {
    /// A batch for each of some partitions of a topic.
    init(_ batches: [(partition: Int32, batch: RecordBatch)], of name: String) {
        self.init()
        var topic = Topic()
        topic.name = name
        topic.partitions = batches.map {
            var data = Partition()
            (data.index, data.records) = ($0.partition, .bytes($0.batch.bytes))
            return data
        }
        (acks, topics) = (-1, [topic])
    }
}

extension FetchRequest {
    /// Partitions of a topic from an offset on; waits as long as `milliseconds` for `minBytes`.
    init(_ partitions: [Int32], of name: String, from offset: Int64, minBytes: Int32 = 0, wait milliseconds: Int32 = 0)
    {
        self.init()
        var topic = Topic()
        topic.name = name
        topic.partitions = partitions.map {
            var partition = Partition()
            (partition.index, partition.fetchOffset, partition.maxBytes) = ($0, offset, 1 << 20)
            return partition
        }
        (maxWaitMilliseconds, self.minBytes, topics) = (milliseconds, minBytes, [topic])
    }
}

extension FetchResponse.Partition {
    /// The batches that came.
    func batches() throws -> [RecordBatch] {
        guard case .bytes(var rest)? = records else { return [] }
        var found: [RecordBatch] = []
        while rest.count > 0 {
            let batch = try RecordBatch(checking: rest)
            found.append(batch)
            rest = rest.dropFirst(batch.bytes.count)
        }
        return found
    }
}

extension RecordBatch {
    /// Its records.
    var fetchedRecords: [FetchedRecord] {
        get throws {
            var reader = records()
            var found: [FetchedRecord] = []
            while let record = try reader.next() {
                found.append(
                    FetchedRecord(
                        offset: offset(of: record).value, key: bytes(record.key)?.utf8 ?? "",
                        value: bytes(record.value)?.utf8 ?? ""))
            }
            return found
        }
    }
}

struct DemoFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
