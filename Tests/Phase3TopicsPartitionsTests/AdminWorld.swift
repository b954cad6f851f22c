import SegmentLog
import TestSupport
import TopicsPartitions
import WireProtocol

/// Topics on a disk in memory, and the requests that administer them, without a broker around.
final class AdminWorld {
    var partitions: PartitionServer
    var view = ClusterView(
        clusterID: "test", brokers: [.init(id: 1, address: SocketAddress(host: "here", port: 9092))], controllerID: 1)
    private var server = RequestServer([], maxInFlight: 1)
    private(set) var effects = Effects()
    private let now = Instant(nanoseconds: 0)

    init(
        _ disk: MemoryDisk = MemoryDisk(), seed: UInt64 = 1, defaults: TopicConfig = TopicConfig(),
        _ configure: (inout AdminSettings) -> Void = { _ in }
    ) throws {
        var settings = AdminSettings()
        configure(&settings)
        partitions = PartitionServer(
            try Topics(in: MemoryStorage(disk), nodeID: 1, defaults: defaults) { _, _ in },
            maxFetchBytes: 1 << 20, settings: settings, seed: seed)
    }

    var image: MetadataImage { partitions.topics.image }

    /// The partitions of a topic by number, as the brokers that hold each.
    func replicas(_ topic: String) -> [[Int32]]? { image.topics[topic]?.partitions.map(\.replicas) }

    // MARK: Requests

    func create(_ topics: [CreateTopicsRequest.Topic], validateOnly: Bool = false) -> [CreateTopicsResponse.Topic] {
        var request = CreateTopicsRequest()
        request.topics = topics
        request.validateOnly = validateOnly
        return partitions.createTopics(request, of: view, at: now, &server, &effects).topics
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
