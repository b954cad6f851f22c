import SegmentLog
import TestSupport
import TopicsPartitions
import WireProtocol

/// Topics on a disk in memory, and the requests that administer them, without a broker around.
final class AdminWorld {
    var partitions: PartitionServer
    var view = ClusterView(
        clusterID: "test", brokers: [.init(id: 1, address: SocketAddress(host: "here", port: 9092))], controllerID: 1)
    private var server = RequestServer([.produce], maxInFlight: 1)
    private let connection = ConnectionID(1)
    private(set) var effects = Effects()
    private let now = Instant(nanoseconds: 0)

    init(
        _ disk: MemoryDisk = MemoryDisk(), seed: UInt64 = 1, defaults: TopicConfig = TopicConfig(),
        _ configure: (inout AdminSettings) -> Void = { _ in }
    ) throws {
        var settings = AdminSettings()
        configure(&settings)
        server.connect(connection)
        partitions = PartitionServer(
            try Topics(in: MemoryStorage(disk), nodeID: 1, defaults: defaults) { _, _ in },
            maxFetchBytes: 1 << 20, settings: settings, seed: seed)
    }

    var image: MetadataImage { partitions.topics.image }

    /// The partitions of a topic by number, as the brokers that hold each.
    func replicas(_ topic: String) -> [[Int32]]? { image.topics[topic]?.partitions.map(\.replicas) }

    // MARK: Requests

    @discardableResult
    func create(_ topics: [CreateTopicsRequest.Topic], validateOnly: Bool = false) -> [CreateTopicsResponse.Topic] {
        var request = CreateTopicsRequest()
        request.topics = topics
        request.validateOnly = validateOnly
        return partitions.createTopics(request, version: 7, of: view, at: now, &server, &effects).topics
    }

    @discardableResult
    func create(_ name: String, partitions: Int32 = 1, configs: [(String, String?)] = []) -> ErrorCode {
        create([.of(name, partitions: partitions, configs: configs)])[0].errorCode
    }

    func delete(_ topics: [DeleteTopicsRequest.Topic], version: Int16 = 6) -> [DeleteTopicsResponse.Topic] {
        var request = DeleteTopicsRequest()
        if version >= 6 { request.topics = topics } else { request.topicNames = topics.compactMap(\.name) }
        return partitions.deleteTopics(request, version: version, at: now, &server, &effects).topics
    }

    @discardableResult
    func delete(_ name: String) -> ErrorCode { delete([.of(name)])[0].errorCode }

    func grow(
        _ topics: [CreatePartitionsRequest.Topic], validateOnly: Bool = false
    ) -> [CreatePartitionsResponse.Result] {
        var request = CreatePartitionsRequest()
        request.topics = topics
        request.validateOnly = validateOnly
        return partitions.createPartitions(request, of: view, at: now, &server, &effects).results
    }

    @discardableResult
    func grow(_ name: String, to count: Int32) -> ErrorCode { grow([.of(name, count)])[0].errorCode }

    /// Sets a config of a topic. True once that is acknowledged.
    func alter(_ topic: String, _ name: String, _ value: String) -> Bool {
        var config = IncrementalAlterConfigsRequest.Config()
        (config.name, config.value) = (name, value)
        var resource = IncrementalAlterConfigsRequest.Resource()
        (resource.resourceType, resource.resourceName, resource.configs) = (2, topic, [config])
        var request = IncrementalAlterConfigsRequest()
        request.resources = [resource]
        let response = partitions.incrementalAlterConfigs(request, at: now, &server, &effects)
        return response.responses.map(\.errorCode) == [.none]
    }

    /// Deletes the records of partition 0 before an offset.
    func deleteRecords(
        before offset: Int64, of topic: String = "t", partition: Int32 = 0
    ) -> DeleteRecordsResponse.Partition {
        var asked = DeleteRecordsRequest.Partition()
        (asked.index, asked.offset) = (partition, offset)
        var named = DeleteRecordsRequest.Topic()
        (named.name, named.partitions) = (topic, [asked])
        var request = DeleteRecordsRequest()
        request.topics = [named]
        return partitions.deleteRecords(request, at: now, &effects).topics[0].partitions[0]
    }

    func describe(
        _ topics: [String], limit: Int32 = 2000, from cursor: (String, Int32)? = nil
    ) -> DescribeTopicPartitionsResponse {
        var request = DescribeTopicPartitionsRequest()
        request.topics = topics.map { name in
            var topic = DescribeTopicPartitionsRequest.Topic()
            topic.name = name
            return topic
        }
        request.responsePartitionLimit = limit
        request.cursor = cursor.map { topic, partition in
            var cursor = TopicPartitionCursor()
            (cursor.topicName, cursor.partitionIndex) = (topic, partition)
            return cursor
        }
        return partitions.describeTopicPartitions(request, of: view)
    }

    /// The sizes of partitions by topic; of all of them for nil.
    func sizes(_ topics: [(String, [Int32])]?) -> [String: [Int32: Int64]] {
        var request = DescribeLogDirsRequest()
        request.topics = topics?.map { name, partitions in
            var topic = DescribeLogDirsRequest.Topic()
            (topic.name, topic.partitions) = (name, partitions)
            return topic
        }
        let results = partitions.describeLogDirs(request, &effects).results
        precondition(results.count == 1 && results[0].errorCode == .none)
        let found = results[0].topics.map {
            ($0.name, Dictionary(uniqueKeysWithValues: $0.partitions.map { ($0.index, $0.size) }))
        }
        return Dictionary(uniqueKeysWithValues: found)
    }

    /// Appends a batch of one record, which counts as durable and committed.
    func write(_ count: Int = 1, to topic: String = "t", partition: Int32 = 0, tag: String = "r") throws {
        for _ in 0..<count {
            var data = ProduceRequest.Partition()
            data.index = partition
            data.records = .bytes(Batches.make(1, tag: tag).bytes)
            var named = ProduceRequest.Topic()
            (named.name, named.partitions) = (topic, [data])
            var request = ProduceRequest()
            request.acks = -1
            request.topics = [named]
            effects = Effects()
            let frame = try request.frame(version: 9, correlationID: 0, clientID: nil).bytes().dropFirst(4)
            guard let (call, body) = server.receive(frame, on: connection, &effects) else { return }
            partitions.produce(try ProduceRequest(decoding: body, version: 9), call, at: now, &server, &effects)
            for case .synchronize(let ticket, let files) in effects.all {
                for file in files { try file.synchronize() }
                partitions.synchronized(ticket, &server, &effects)
            }
        }
    }

    func metadata(_ request: MetadataRequest, version: Int16 = 12) -> MetadataResponse {
        partitions.metadata(request, version: version, of: view, at: now, &server, &effects)
    }

    /// The answer for one topic of this name.
    func metadata(_ name: String, version: Int16 = 12) -> MetadataResponse.Topic? {
        var asked = MetadataRequest.Topic()
        asked.name = name
        var request = MetadataRequest()
        request.topics = [asked]
        return metadata(request, version: version).topics.first
    }
}

extension CreateTopicsRequest.Topic {
    static func of(
        _ name: String, partitions: Int32 = 1, factor: Int16 = 1, assignments: [(Int32, [Int32])] = [],
        configs: [(String, String?)] = []
    ) -> Self {
        var topic = Self()
        (topic.name, topic.partitionCount, topic.replicationFactor) = (name, partitions, factor)
        topic.assignments = assignments.map { index, brokers in
            var assignment = CreateTopicsRequest.Assignment()
            (assignment.partitionIndex, assignment.brokerIDs) = (index, brokers)
            return assignment
        }
        topic.configs = configs.map { name, value in
            var config = CreateTopicsRequest.Config()
            (config.name, config.value) = (name, value)
            return config
        }
        return topic
    }
}

extension DeleteTopicsRequest.Topic {
    static func of(_ name: String?, id: Uuid = .zero) -> Self {
        var topic = Self()
        (topic.name, topic.topicID) = (name, id)
        return topic
    }
}

extension CreatePartitionsRequest.Topic {
    static func of(_ name: String, _ count: Int32, assignments: [[Int32]]? = nil) -> Self {
        var topic = Self()
        (topic.name, topic.count) = (name, count)
        topic.assignments = assignments?.map { brokers in
            var assignment = CreatePartitionsRequest.Assignment()
            assignment.brokerIDs = brokers
            return assignment
        }
        return topic
    }
}
