import SegmentLog
import WireProtocol

/// What a broker says of itself and of its topics.
public struct ClusterView: Sendable {
    /// The cluster's id.
    public var clusterID: String
    /// This broker's id.
    public var nodeID: Int32
    /// Where the client that asks is told to connect.
    public var address: SocketAddress
    /// Whether topics are made on first use, and with how many partitions.
    public var newTopicPartitions: Int?

    /// The bits of every operation that there is on a topic, and on the cluster: without an
    /// authorizer a client may do all of them.
    static let topicOperations = bits([3, 4, 5, 6, 7, 8, 10, 11])
    static let clusterOperations = bits([5, 7, 8, 9, 10, 11, 12])

    private static func bits(_ operations: [Int32]) -> Int32 { operations.reduce(0) { $0 | 1 << $1 } }

    /// What this broker says to a client.
    public init(clusterID: String, nodeID: Int32, address: SocketAddress, newTopicPartitions: Int? = nil) {
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.address = address
        self.newTopicPartitions = newTopicPartitions
    }
}

extension PartitionServer {
    /// Names this broker and the topics asked for, and makes those that may be made.
    public mutating func metadata(
        _ request: MetadataRequest, version: Int16, of view: ClusterView, at now: Instant,
        _ effects: inout Effects
    ) -> MetadataResponse {
        var response = MetadataResponse()
        var broker = MetadataResponse.Broker()
        (broker.nodeID, broker.host, broker.port) = (view.nodeID, view.address.host, Int32(view.address.port))
        response.brokers = [broker]
        response.clusterID = view.clusterID
        response.controllerID = view.nodeID
        // Version 0 had no null: there an empty list asks for everything.
        if let asked = version == 0 && request.topics?.isEmpty == true ? nil : request.topics {
            for topic in asked {
                let name = topic.name ?? ""
                if request.allowAutoTopicCreation, let count = view.newTopicPartitions, !name.isEmpty,
                    topics[name] == nil, topics.whyInvalid(name) == nil
                {
                    make(name, partitions: count, of: view, at: now, &effects)
                }
                response.topics.append(describe(topic, version))
            }
        } else {
            response.topics = topics.names.compactMap { topics[$0] }.map(describe)
        }
        if request.includeTopicAuthorizedOperations {
            for index in response.topics.indices where response.topics[index].errorCode == .none {
                response.topics[index].authorizedOperations = ClusterView.topicOperations
            }
        }
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = ClusterView.clusterOperations
        }
        return response
    }

    private mutating func make(
        _ name: String, partitions: Int, of view: ClusterView, at now: Instant, _ effects: inout Effects
    ) {
        let id = Uuid.random(using: &random)
        let records = (0..<partitions).map {
            MetadataRecord.partition(PartitionRecord(index: Int32($0), topicID: id, replicas: [view.nodeID]))
        }
        do {
            _ = try topics.append(
                [.topic(TopicRecord(name: name, topicID: id))] + records, at: clock.milliseconds(at: now))
            effects.log(.info, "topic_created", ["topic": name, "partitions": "\(partitions)"])
        } catch {
            storageFailed(error, &effects)
        }
    }

    private func describe(_ asked: MetadataRequest.Topic, _ version: Int16) -> MetadataResponse.Topic {
        var missing = MetadataResponse.Topic()
        missing.name = asked.name
        missing.topicID = asked.topicID
        guard let name = asked.name else {
            // KIP-516: versions 10 and 11 carry ids, but only 12 can be asked by them.
            guard version >= 12 else {
                missing.name = ""
                missing.errorCode = .invalidRequest
                return missing
            }
            if let topic = topics[asked.topicID] { return describe(topic) }
            missing.errorCode = .unknownTopicID
            return missing
        }
        if let topic = topics[name] { return describe(topic) }
        missing.errorCode = topics.whyInvalid(name) == nil ? .unknownTopicOrPartition : .invalidTopic
        return missing
    }

    private func describe(_ topic: Topics.Topic) -> MetadataResponse.Topic {
        var described = MetadataResponse.Topic()
        described.name = topic.name
        described.topicID = topic.id
        described.isInternal = topic.isInternal
        described.partitions = (topics.image.topics[topic.name]?.partitions ?? []).map { record in
            var entry = MetadataResponse.Partition()
            entry.index = record.index
            entry.leaderID = record.leader
            entry.leaderEpoch = record.leaderEpoch
            entry.replicaNodes = record.replicas
            entry.inSyncReplicaNodes = record.inSyncReplicas
            return entry
        }
        return described
    }
}
