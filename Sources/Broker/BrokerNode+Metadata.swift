import SegmentLog
import WireProtocol

extension BrokerNode {
    /// The bits of every operation that there is on a topic, and on the cluster: without an
    /// authorizer a client may do all of them.
    private static let topicOperations = bits([3, 4, 5, 6, 7, 8, 10, 11])
    private static let clusterOperations = bits([5, 7, 8, 9, 10, 11, 12])

    private static func bits(_ operations: [Int32]) -> Int32 { operations.reduce(0) { $0 | 1 << $1 } }

    /// Names this broker and the topics asked for, and makes those that may be made.
    mutating func metadata(_ request: MetadataRequest, _ call: Call, _ effects: inout Effects) {
        var response = MetadataResponse()
        var broker = MetadataResponse.Broker()
        broker.nodeID = identity.nodeID
        let address = advertisedAddress(on: call.id.connection)
        broker.host = address.host
        broker.port = Int32(address.port)
        response.brokers = [broker]
        response.clusterID = identity.clusterID
        response.controllerID = identity.nodeID
        // Version 0 had no null: there an empty list asks for everything.
        let asked = call.version == 0 && request.topics?.isEmpty == true ? nil : request.topics
        if let asked {
            for topic in asked { response.topics.append(describe(topic, request, call.version, &effects)) }
        } else {
            response.topics = registry.topics.map(describe)
        }
        if request.includeTopicAuthorizedOperations {
            for index in response.topics.indices where response.topics[index].errorCode == .none {
                response.topics[index].authorizedOperations = Self.topicOperations
            }
        }
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = Self.clusterOperations
        }
        answer(call, with: response, &effects)
    }

    private mutating func describe(
        _ asked: MetadataRequest.Topic, _ request: MetadataRequest, _ version: Int16, _ effects: inout Effects
    ) -> MetadataResponse.Topic {
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
            if let topic = registry[asked.topicID] { return describe(topic) }
            missing.errorCode = .unknownTopicID
            return missing
        }
        if let topic = registry[name] { return describe(topic) }
        if registry.whyInvalid(name) != nil {
            missing.errorCode = .invalidTopic
            return missing
        }
        guard request.allowAutoTopicCreation && configuration.createsTopics else {
            missing.errorCode = .unknownTopicOrPartition
            return missing
        }
        do {
            let topic = try registry.create(
                name, id: Uuid.random(using: &random), partitionCount: configuration.partitionCount)
            effects.log(.info, "topic_created", ["topic": name, "partitions": "\(topic.partitions.count)"])
            return describe(topic)
        } catch {
            storageFailed(error, &effects)
            missing.errorCode = .storageError
            return missing
        }
    }

    private func describe(_ topic: TopicRegistry.Topic) -> MetadataResponse.Topic {
        var described = MetadataResponse.Topic()
        described.name = topic.name
        described.topicID = topic.id
        described.partitions = topic.partitions.enumerated().map { number, partition in
            var entry = MetadataResponse.Partition()
            entry.index = Int32(number)
            entry.leaderID = identity.nodeID
            entry.leaderEpoch = partition.leaderEpoch.value
            entry.replicaNodes = [identity.nodeID]
            entry.inSyncReplicaNodes = [identity.nodeID]
            return entry
        }
        return described
    }
}
