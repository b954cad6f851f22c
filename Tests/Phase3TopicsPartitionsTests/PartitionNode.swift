import SegmentLog
import TestSupport
import WireProtocol

@testable import TopicsPartitions

/// A partition server as a node of its own, with nothing else of a broker around.
struct PartitionNode: Node {
    var partitions: PartitionServer
    private var server = RequestServer(PartitionServer.served, maxInFlight: 16)
    private let view = ClusterView(clusterID: "test", brokers: [], controllerID: 1)

    init(_ partitions: PartitionServer) { self.partitions = partitions }

    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        switch event {
        case .connected(let connection, _, _): server.connect(connection)
        case .disconnected(let connection):
            server.disconnect(connection)
            partitions.cancelFetches(of: connection)
        case .endOfInput(let connection): partitions.finishFetches(of: connection, &server, &effects)
        case .received(let connection, let frame):
            guard let (call, body) = server.receive(frame, on: connection, &effects) else { break }
            try? partitions.serve(call, body, of: view, at: now, &server, &effects)
        case .synchronized(let ticket): partitions.synchronized(ticket, &server, &effects)
        case .woke: partitions.expireFetches(at: now, &server, &effects)
        default: break
        }
    }
}

/// The topic t on a disk in memory, and what clients ask of its partitions.
struct PartitionWorld {
    let driver: NodeDriver<PartitionNode>
    private let producer: ConnectionID

    init(
        partitions: Int32 = 1, maxFetchBytes: Int = 1 << 20, seed: UInt64 = 1,
        _ configure: (inout TopicConfig) -> Void = { _ in }
    ) throws {
        var defaults = TopicConfig()
        configure(&defaults)
        var topics = try Topics(in: MemoryStorage(), nodeID: 1, defaults: defaults) { _, _ in }
        let id = Uuid(high: 1, low: 1)
        let records = (0..<partitions).map {
            MetadataRecord.partition(PartitionRecord(index: $0, topicID: id, replicas: [1]))
        }
        _ = try topics.append([.topic(TopicRecord(name: "t", topicID: id))] + records, at: 0)
        driver = NodeDriver(PartitionNode(PartitionServer(topics, maxFetchBytes: maxFetchBytes, seed: seed)))
        producer = try driver.connect()
    }

    func connect() throws -> ConnectionID { try driver.connect() }

    /// Sends a batch of one record. It is not on disk before the driver synchronizes.
    func send(_ batch: RecordBatch = Batches.make(), to partition: Int32 = 0) throws {
        var data = ProduceRequest.Partition()
        (data.index, data.records) = (partition, .bytes(batch.bytes))
        var topic = ProduceRequest.Topic()
        (topic.name, topic.partitions) = ("t", [data])
        var request = ProduceRequest()
        (request.acks, request.topics) = (-1, [topic])
        try driver.send(request, version: 9, on: producer)
    }

    /// Sends a batch and has it made durable; returns whether that was acknowledged.
    @discardableResult
    func write(_ batch: RecordBatch = Batches.make(), to partition: Int32 = 0) throws -> Bool {
        try send(batch, to: partition)
        try driver.synchronizeAll()
        return !driver.takeSent(on: producer).isEmpty
    }

    /// How many produces were acknowledged since this was last asked.
    func acknowledged() -> Int { driver.takeSent(on: producer).count }

    /// What a fetch brought: of each partition in the request's order, the offsets that came, or its error.
    static func shown(_ response: FetchResponse?) throws -> [String]? {
        try response?.topics.flatMap(\.partitions).map { answer in
            guard answer.errorCode == .none else { return "\(answer.index): \(answer.errorCode)" }
            guard case .bytes(let bytes)? = answer.records, bytes.count > 0 else { return "\(answer.index): nothing" }
            return "\(answer.index): \(try Batches.values(in: bytes).map(\.offset))"
        }
    }

    /// The answer to a fetch that does not wait.
    func fetch(_ request: FetchRequest, on connection: ConnectionID) throws -> [String]? {
        try driver.send(request, version: 11, on: connection)
        return try answer(on: connection)
    }

    /// The next answer to a fetch on this connection; nil while there is none.
    func answer(on connection: ConnectionID) throws -> [String]? {
        try Self.shown(try driver.answer(to: FetchRequest.self, version: 11, on: connection)?.body)
    }
}

extension FetchRequest {
    /// Asks for partitions of t, each from an offset on.
    static func of(
        _ partitions: [(number: Int32, offset: Int64)], partitionMaxBytes: Int32 = 1 << 20, maxBytes: Int32 = 1 << 20,
        minBytes: Int32 = 0, maxWait: Int32 = 0
    ) -> FetchRequest {
        var topic = FetchRequest.Topic()
        topic.name = "t"
        topic.partitions = partitions.map { number, offset in
            var asked = FetchRequest.Partition()
            (asked.index, asked.fetchOffset, asked.maxBytes) = (number, offset, partitionMaxBytes)
            return asked
        }
        var request = FetchRequest()
        (request.maxBytes, request.minBytes, request.maxWaitMilliseconds) = (maxBytes, minBytes, maxWait)
        request.topics = [topic]
        return request
    }
}
