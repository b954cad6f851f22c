import Broker
import SegmentLog
import TestSupport
import WireProtocol

/// A broker node on a disk in memory, and the requests that tests send to it.
struct TestBroker {
    let driver: NodeDriver<BrokerNode>
    let connection: ConnectionID

    init(
        _ disk: MemoryDisk = MemoryDisk(), seed: UInt64 = 1, _ configure: (inout Configuration) -> Void = { _ in }
    ) throws {
        var configuration = Configuration()
        configure(&configuration)
        driver = NodeDriver(try BrokerNode(configuration, storage: MemoryStorage(disk), seed: seed))
        connection = try driver.connect()
    }

    /// Asks for a topic's metadata, which makes the topic.
    @discardableResult
    func metadata(_ name: String, version: Int16 = 12) throws -> MetadataResponse.Topic? {
        try driver.ask(Requests.metadata([name]), version: version, on: connection)?.topics.first
    }

    /// Produces a batch, performs the synchronize, and returns the answer.
    func produce(
        _ batch: Bytes, to topic: String = "t", partition: Int32 = 0, acks: Int16 = -1, version: Int16 = 9
    ) throws -> ProduceResponse.Partition? {
        let request = Requests.produce(batch, to: topic, partition: partition, acks: acks)
        return try driver.ask(request, version: version, on: connection)?.topics.first?.partitions.first
    }

    /// Fetches without waiting.
    func fetch(
        from offset: Int64, of topic: String = "t", partition: Int32 = 0, maxBytes: Int32 = 1 << 20, version: Int16 = 11
    ) throws -> FetchResponse.Partition? {
        let request = Requests.fetch(from: offset, of: topic, partition: partition, maxBytes: maxBytes)
        return try driver.ask(request, version: version, on: connection)?.topics.first?.partitions.first
    }

    /// Asks for the offset of a time.
    func offset(at timestamp: Int64, of topic: String = "t", version: Int16 = 7) throws -> ListOffsetsResponse
        .Partition?
    {
        var partition = ListOffsetsRequest.Partition()
        partition.timestamp = timestamp
        var asked = ListOffsetsRequest.Topic()
        asked.name = topic
        asked.partitions = [partition]
        var request = ListOffsetsRequest()
        request.topics = [asked]
        return try driver.ask(request, version: version, on: connection)?.topics.first?.partitions.first
    }
}

enum Requests {
    static func metadata(_ names: [String]?) -> MetadataRequest {
        var request = MetadataRequest()
        request.topics = names?.map { name in
            var topic = MetadataRequest.Topic()
            topic.name = name
            return topic
        }
        return request
    }

    static func produce(_ batch: Bytes?, to topic: String, partition: Int32 = 0, acks: Int16 = -1) -> ProduceRequest {
        var data = ProduceRequest.Partition()
        data.index = partition
        data.records = batch.map { .bytes($0) }
        var named = ProduceRequest.Topic()
        named.name = topic
        named.partitions = [data]
        var request = ProduceRequest()
        request.acks = acks
        request.topics = [named]
        return request
    }

    /// A member that asks for `range`, and says nothing of itself.
    static func join(_ group: String) -> JoinGroupRequest {
        var request = JoinGroupRequest()
        request.groupID = group
        request.protocolType = "consumer"
        request.sessionTimeoutMilliseconds = 10_000
        request.rebalanceTimeoutMilliseconds = 60_000
        var asked = JoinGroupRequest.GroupProtocol()
        asked.name = "range"
        request.protocols = [asked]
        return request
    }

    static func fetch(
        from offset: Int64, of topic: String, partition: Int32 = 0, maxBytes: Int32 = 1 << 20, minBytes: Int32 = 0,
        maxWait: Int32 = 0
    ) -> FetchRequest {
        var asked = FetchRequest.Partition()
        asked.index = partition
        asked.fetchOffset = offset
        asked.maxBytes = maxBytes
        var named = FetchRequest.Topic()
        named.name = topic
        named.partitions = [asked]
        var request = FetchRequest()
        request.maxBytes = maxBytes
        request.minBytes = minBytes
        request.maxWaitMilliseconds = maxWait
        request.topics = [named]
        return request
    }
}

extension FetchResponse.Partition {
    /// The values of the records, by offset.
    func values() throws -> [(offset: Int64, value: String)] {
        guard case .bytes(let bytes)? = records else { return [] }
        return try Batches.values(in: bytes)
    }
}
