import SegmentLog
import TestSupport
import Testing
import WireProtocol

@testable import TopicsPartitions

/// A node that appends a batch of its own to partition 0 of t whenever it is woken.
private struct AppendingNode: Node {
    var partitions: PartitionServer
    private var server = RequestServer(PartitionServer.served, maxInFlight: 16)
    private let view = ClusterView(clusterID: "test", brokers: [], controllerID: 1)
    private let batch: RecordBatch
    /// Where each append ends, or why there is none.
    private(set) var ends: [Int64] = []
    private(set) var failures: [LogError] = []
    /// The partitions that have advanced, event by event.
    private(set) var advanced: [[String]] = []

    init(_ partitions: PartitionServer, _ batch: RecordBatch) {
        self.partitions = partitions
        self.batch = batch
    }

    mutating func handle(_ event: Event, at now: Instant, _ effects: inout Effects) {
        switch event {
        case .connected(let connection, _, _): server.connect(connection)
        case .received(let connection, let frame):
            guard let (call, body) = server.receive(frame, on: connection, &effects) else { break }
            try? partitions.serve(call, body, of: view, at: now, &server, &effects)
        case .synchronized(let ticket): partitions.synchronized(ticket, &server, &effects)
        case .woke:
            guard let partition = partitions.topics["t"]?.partition(0) else { break }
            do {
                ends.append(try partitions.append(batch, to: partition, at: now, &server, &effects).offset.value)
            } catch {
                failures.append(error)
            }
        default: break
        }
        advanced.append(partitions.takeAdvanced().map(\.name))
    }
}

@Suite("A batch of the node's own")
struct NodeAppendTests {
    private func driver(
        appending batch: RecordBatch = Batches.make(), _ configure: (inout TopicConfig) -> Void = { _ in }
    ) throws -> NodeDriver<AppendingNode> {
        var defaults = TopicConfig()
        configure(&defaults)
        var topics = try Topics(in: MemoryStorage(), nodeID: 1, defaults: defaults) { _, _ in }
        let id = Uuid(high: 1, low: 1)
        _ = try topics.append(
            [
                .topic(TopicRecord(name: "t", topicID: id)),
                .partition(PartitionRecord(index: 0, topicID: id, replicas: [1])),
            ], at: 0)
        return NodeDriver(AppendingNode(PartitionServer(topics, maxFetchBytes: 1 << 20, seed: 1), batch))
    }

    private func highWatermark(_ driver: NodeDriver<AppendingNode>) -> Int64? {
        driver.node.partitions.topics["t"]?.partition(0)?.highWatermark.offset.value
    }

    @Test("is committed when it is on disk, and the node is told so once")
    func committed() throws {
        let driver = try driver()
        try driver.deliver(.woke)
        try driver.deliver(.woke)
        #expect(driver.node.ends == [1, 2])
        #expect(highWatermark(driver) == 0)
        #expect(driver.node.advanced == [[], []])
        try driver.synchronizeOnce()
        #expect(highWatermark(driver) == 1, "the second came while the first was on its way")
        try driver.synchronizeOnce()
        #expect(highWatermark(driver) == 2)
        #expect(driver.node.advanced == [[], [], ["t-0"], ["t-0"]])
    }

    @Test("is committed as flush.messages says, as a produced one is")
    func flushMessages() throws {
        let driver = try driver { $0.flushMessages = 3 }
        for _ in 0..<4 { try driver.deliver(.woke) }
        #expect(highWatermark(driver) == 2)
        #expect(driver.node.advanced == [["t-0"], ["t-0"], [], []])
        try driver.synchronizeAll()
        #expect(highWatermark(driver) == 4)
    }

    @Test("wakes a fetch that waits for it, when it is on disk")
    func wakesFetches() throws {
        let driver = try driver()
        let consumer = try driver.connect()
        try driver.send(FetchRequest.of([(0, 0)], minBytes: 1, maxWait: 1_000), version: 11, on: consumer)
        try driver.deliver(.woke)
        #expect(driver.takeSent(on: consumer).isEmpty)
        try driver.synchronizeAll()
        let answer = try driver.answer(to: FetchRequest.self, version: 11, on: consumer)?.body
        #expect(try PartitionWorld.shown(answer) == ["0: [0]"])
    }

    @Test(
        "that is larger than max.message.bytes or a segment is refused, and leaves nothing", arguments: [100, 1 << 20])
    func tooLarge(maxMessageBytes: Int) throws {
        let batch = Batches.make(padding: 300)
        let driver = try driver(appending: batch) {
            $0.maxMessageBytes = maxMessageBytes
            $0.log.segmentBytes = 200
        }
        try driver.deliver(.woke)
        let limit = min(maxMessageBytes, 200)
        #expect(driver.node.failures == [.batchTooLarge(bytes: batch.bytes.count, limit: limit)])
        #expect(driver.node.ends == [])
        let partition = try #require(driver.node.partitions.topics["t"]?.partition(0))
        #expect(try partition.log().end.offset == .zero)
        #expect(driver.logLines.isEmpty)
    }

    @Test("is not among what produces advance")
    func produces() throws {
        let driver = try driver()
        let producer = try driver.connect()
        var data = ProduceRequest.Partition()
        data.records = .bytes(Batches.make().bytes)
        var topic = ProduceRequest.Topic()
        (topic.name, topic.partitions) = ("t", [data])
        var request = ProduceRequest()
        (request.acks, request.topics) = (-1, [topic])
        try driver.send(request, version: 9, on: producer)
        try driver.synchronizeAll()
        #expect(highWatermark(driver) == 1)
        #expect(Set(driver.node.advanced) == [[]])
    }
}
