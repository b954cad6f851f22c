import WireProtocol

/// A topic's or a cluster's id.
public typealias Uuid = WireProtocol.Uuid

/// A topic to create.
public struct NewTopic: Sendable {
    /// Its name: letters, digits, ".", "_" and "-", 249 at most.
    public var name: String
    /// How many partitions it gets; nil for the broker's `num.partitions`.
    public var partitionCount: Int32?
    /// How many replicas each partition gets; nil for the broker's `default.replication.factor`.
    public var replicationFactor: Int16?
    /// The brokers of each partition, from partition 0 on, each with its preferred leader first; nil to
    /// let the controller choose. The two numbers above are nil then.
    public var assignments: [[Int32]]?
    /// The settings that differ from the brokers'.
    public var configs: [String: String] = [:]

    /// A topic with the broker's settings where nothing else is said.
    public init(_ name: String, partitionCount: Int32? = nil, replicationFactor: Int16? = nil) {
        self.name = name
        self.partitionCount = partitionCount
        self.replicationFactor = replicationFactor
    }
}

/// A topic that was created, or could be.
public struct CreatedTopic: Equatable, Sendable {
    /// Its id; zero from a broker that does not say.
    public var id: Uuid
    /// How many partitions it has; nil from a broker that does not say.
    public var partitionCount: Int32?
    /// How many replicas each partition has; nil from a broker that does not say.
    public var replicationFactor: Int16?
}

/// A topic and its partitions.
public struct TopicDescription: Equatable, Sendable {
    /// Its name.
    public var name: String
    /// Its id; zero from a broker that has no ids.
    public var id: Uuid
    /// Whether brokers keep their own records in it.
    public var isInternal: Bool
    /// Its partitions in their order.
    public var partitions: [PartitionDescription]
}

/// A partition and who has it.
public struct PartitionDescription: Equatable, Sendable {
    /// Its number, from 0.
    public var index: Int32
    /// The broker that leads it; nil for none.
    public var leader: Int32?
    /// The epoch of that leader; -1 for unknown.
    public var leaderEpoch: Int32
    /// All brokers that hold it, the preferred leader first.
    public var replicas: [Int32]
    /// Those of them that are in sync.
    public var inSyncReplicas: [Int32]

    /// Whether a replica is not in sync.
    public var isUnderReplicated: Bool { inSyncReplicas.count < replicas.count }
}

extension Admin {
    /// Creates topics; each is there as a whole or not at all.
    ///
    /// - Parameter validateOnly: only asks whether they could be created.
    public func createTopics(
        _ topics: [NewTopic], validateOnly: Bool = false
    ) async throws(ClientError) -> [String: Result<CreatedTopic, ClientError>] {
        let byName = Dictionary(topics.map { ($0.name, $0) }) { first, _ in first }
        guard byName.count == topics.count else { throw .refused("a topic is to be created twice") }
        return try await ask("creating topics", topics.map(\.name), target: { _ in .controller }) {
            [requestTimeoutMilliseconds] names in
            var request = CreateTopicsRequest()
            request.topics = names.compactMap { byName[$0]?.wire }
            request.validateOnly = validateOnly
            request.timeoutMilliseconds = requestTimeoutMilliseconds
            return request
        } read: { answer throws(ClientError) in
            let topics = try answer.decoded(as: CreateTopicsResponse.self).topics
            return Dictionary(topics.map { ($0.name, AdminAnswer($0)) }) { first, _ in first }
        }
    }

    /// Deletes topics with all their records.
    public func deleteTopics(_ names: [String]) async throws(ClientError) -> [String: Result<Void, ClientError>] {
        try await ask("deleting topics", names, target: { _ in .controller }) {
            [requestTimeoutMilliseconds] names in
            var request = DeleteTopicsRequest()
            // Which of the two is sent is the version's choice.
            request.topicNames = names
            request.topics = names.map { name in
                var topic = DeleteTopicsRequest.Topic()
                topic.name = name
                return topic
            }
            request.timeoutMilliseconds = requestTimeoutMilliseconds
            return request
        } read: { answer throws(ClientError) in
            var answers: [String: AdminAnswer<Void>] = [:]
            for topic in try answer.decoded(as: DeleteTopicsResponse.self).topics {
                guard let name = topic.name else { continue }
                answers[name] = AdminAnswer(errorCode: topic.errorCode, message: topic.errorMessage, value: ())
            }
            return answers
        }
    }

    /// Gives topics more partitions: `counts` says how many each is to have in all.
    public func createPartitions(
        _ counts: [String: Int32], validateOnly: Bool = false
    ) async throws(ClientError) -> [String: Result<Void, ClientError>] {
        try await ask("creating partitions", counts.keys.sorted(), target: { _ in .controller }) {
            [requestTimeoutMilliseconds] names in
            var request = CreatePartitionsRequest()
            request.topics = names.map { name in
                var topic = CreatePartitionsRequest.Topic()
                topic.name = name
                topic.count = counts[name] ?? 0
                return topic
            }
            request.validateOnly = validateOnly
            request.timeoutMilliseconds = requestTimeoutMilliseconds
            return request
        } read: { answer throws(ClientError) in
            var answers: [String: AdminAnswer<Void>] = [:]
            for result in try answer.decoded(as: CreatePartitionsResponse.self).results {
                answers[result.name] = AdminAnswer(
                    errorCode: result.errorCode, message: result.errorMessage, value: ())
            }
            return answers
        }
    }

    /// All topics by name.
    ///
    /// - Parameter listsInternal: also those that brokers keep for themselves.
    public func listTopics(listsInternal: Bool = false) async throws(ClientError) -> [TopicDescription] {
        try await ask("listing topics") {
            MetadataRequest().withoutCreation
        } read: { answer throws(ClientError) in
            let response = try answer.decoded(as: MetadataResponse.self)
            let topics = response.topics.filter { $0.errorCode == .none && (listsInternal || !$0.isInternal) }
            return AdminAnswer(
                errorCode: response.errorCode,
                value: topics.compactMap(TopicDescription.init).sorted { $0.name < $1.name })
        }
    }

    /// Topics with their partitions, and who has them.
    public func describeTopics(
        _ names: [String]
    ) async throws(ClientError) -> [String: Result<TopicDescription, ClientError>] {
        try await ask("describing topics", names, target: { _ in .any }) { names in
            var request = MetadataRequest().withoutCreation
            request.topics = names.map { name in
                var topic = MetadataRequest.Topic()
                topic.name = name
                return topic
            }
            return request
        } read: { answer throws(ClientError) in
            var answers: [String: AdminAnswer<TopicDescription>] = [:]
            for topic in try answer.decoded(as: MetadataResponse.self).topics {
                guard let description = TopicDescription(topic) else { continue }
                answers[description.name] = AdminAnswer(errorCode: topic.errorCode, value: description)
            }
            return answers
        }
    }
}

extension MetadataRequest {
    /// The same, but to ask creates nothing.
    var withoutCreation: MetadataRequest {
        var request = self
        request.allowAutoTopicCreation = false
        return request
    }
}

extension NewTopic {
    fileprivate var wire: CreateTopicsRequest.Topic {
        var topic = CreateTopicsRequest.Topic()
        topic.name = name
        topic.partitionCount = partitionCount ?? -1
        topic.replicationFactor = replicationFactor ?? -1
        for (index, brokers) in (assignments ?? []).enumerated() {
            var assignment = CreateTopicsRequest.Assignment()
            assignment.partitionIndex = Int32(clamping: index)
            assignment.brokerIDs = brokers
            topic.assignments.append(assignment)
        }
        for (name, value) in configs.sorted(by: { $0.key < $1.key }) {
            var config = CreateTopicsRequest.Config()
            config.name = name
            config.value = value
            topic.configs.append(config)
        }
        return topic
    }
}

extension AdminAnswer<CreatedTopic> {
    fileprivate init(_ topic: CreateTopicsResponse.Topic) {
        let created = CreatedTopic(
            id: topic.topicID, partitionCount: topic.partitionCount < 0 ? nil : topic.partitionCount,
            replicationFactor: topic.replicationFactor < 0 ? nil : topic.replicationFactor)
        self.init(errorCode: topic.errorCode, message: topic.errorMessage, value: created)
    }
}

extension TopicDescription {
    /// Nil for a topic without a name.
    fileprivate init?(_ topic: MetadataResponse.Topic) {
        guard let name = topic.name else { return nil }
        self.init(
            name: name, id: topic.topicID, isInternal: topic.isInternal,
            partitions: topic.partitions.map(PartitionDescription.init).sorted { $0.index < $1.index })
    }
}

extension PartitionDescription {
    fileprivate init(_ partition: MetadataResponse.Partition) {
        self.init(
            index: partition.index, leader: partition.leaderID < 0 ? nil : partition.leaderID,
            leaderEpoch: partition.leaderEpoch, replicas: partition.replicaNodes,
            inSyncReplicas: partition.inSyncReplicaNodes)
    }
}
