import SegmentLog
import WireProtocol

extension PartitionServer {
    /// Names the brokers and the topics asked for, and makes those that may be made.
    public mutating func metadata(
        _ request: MetadataRequest, version: Int16, of view: ClusterView, at now: Instant,
        _ server: inout RequestServer, _ effects: inout Effects
    ) -> MetadataResponse {
        var response = MetadataResponse()
        response.brokers = view.brokers.map(MetadataResponse.Broker.init)
        response.clusterID = view.clusterID
        response.controllerID = view.controllerID
        // Version 0 had no null: there an empty list asks for everything.
        if let asked = version == 0 && request.topics?.isEmpty == true ? nil : request.topics {
            if request.allowAutoTopicCreation && settings.createsTopicsOnFirstUse {
                makeMissing(
                    asked.filter { $0.topicID == .zero }.compactMap(\.name), of: view, at: now, &server, &effects)
            }
            var seen = Set<MetadataRequest.Topic>()
            for topic in asked where seen.insert(topic).inserted {
                response.topics.append(describe(topic, version, of: view))
            }
        } else {
            response.topics = topics.names.compactMap { topics[$0] }.map { describe($0, version, of: view) }
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

    /// Makes the topics that are not there, and that a client may make. Why another was not made, `describe`
    /// tells.
    private mutating func makeMissing(
        _ names: [String], of view: ClusterView, at now: Instant, _ server: inout RequestServer,
        _ effects: inout Effects
    ) {
        var new: [NewTopic] = []
        var keys = Set<String>()
        for name in names {
            do throws(Refusal) {
                try checkNew(name, beside: keys)
                let replicas = try ReplicaPlacement(in: view).place(
                    settings.partitionCount, factor: settings.replicationFactor)
                new.append(NewTopic(name: name, id: .random(using: &random), configs: [:], replicas: replicas))
                keys.insert(TopicName.collisionKey(name))
            } catch { continue }
        }
        // Where it fails, the operator is told, and the client finds no topic.
        try? make(new, at: now, &server, &effects)
    }

    private func describe(
        _ asked: MetadataRequest.Topic, _ version: Int16, of view: ClusterView
    ) -> MetadataResponse.Topic {
        var missing = MetadataResponse.Topic()
        missing.name = asked.name
        missing.topicID = asked.topicID
        missing.isInternal = TopicName.internalNames.contains(asked.name ?? "")
        // KIP-516: versions 10 and 11 carry ids, but only 12 can be asked by them.
        if version < 12 && (asked.name == nil || asked.topicID != .zero) {
            missing.name = asked.name ?? ""
            missing.errorCode = .invalidRequest
            return missing
        }
        if asked.topicID != .zero {
            if let topic = topics[asked.topicID] { return describe(topic, version, of: view) }
            missing.name = nil
            missing.errorCode = .unknownTopicID
            return missing
        }
        let name = asked.name ?? ""
        if let topic = topics[name] { return describe(topic, version, of: view) }
        missing.name = name
        missing.errorCode = topics.whyInvalid(name) == nil ? .unknownTopicOrPartition : .invalidTopic
        return missing
    }

    private func describe(_ topic: Topics.Topic, _ version: Int16, of view: ClusterView) -> MetadataResponse.Topic {
        var described = MetadataResponse.Topic()
        described.name = topic.name
        described.topicID = topic.id
        described.isInternal = topic.isInternal
        described.partitions = (topics.image.topics[topic.name]?.partitions ?? []).map {
            MetadataResponse.Partition($0, version: version, of: view)
        }
        return described
    }
}

extension MetadataResponse.Broker {
    fileprivate init(_ broker: ClusterView.Broker) {
        self.init()
        (nodeID, host, port) = (broker.id, broker.address.host, Int32(broker.address.port))
    }
}

extension MetadataResponse.Partition {
    /// A partition as a client of this version is told of it.
    fileprivate init(_ record: PartitionRecord, version: Int16, of view: ClusterView) {
        self.init()
        index = record.index
        leaderID = view.isAlive(record.leader) ? record.leader : -1
        leaderEpoch = record.leaderEpoch
        replicaNodes = record.replicas
        inSyncReplicaNodes = record.inSyncReplicas
        offlineReplicas = record.replicas.filter { !view.isAlive($0) }
        if leaderID == -1 { errorCode = .leaderNotAvailable }
        // Clients of version 0 must not hear of brokers that are not in the same answer.
        guard version == 0 else { return }
        replicaNodes = replicaNodes.filter(view.isAlive)
        inSyncReplicaNodes = inSyncReplicaNodes.filter(view.isAlive)
        if errorCode == .none && !offlineReplicas.isEmpty { errorCode = .replicaNotAvailable }
    }
}
