import SegmentLog
import WireProtocol

extension PartitionServer {
    /// The most partitions that one request makes. Kafka's limit, which no setting changes.
    static let maxPartitionsPerRequest = 10_000

    /// Makes topics, or says why not. Those that can be made are made together, and are durable on return.
    public mutating func createTopics(
        _ request: CreateTopicsRequest, version: Int16, of view: ClusterView, at now: Instant,
        _ server: inout RequestServer, _ effects: inout Effects
    ) -> CreateTopicsResponse {
        var response = CreateTopicsResponse()
        // KIP-525: from version 5 on the answer has the topic's configs.
        let admin = version >= 5 ? configAdmin : nil
        var new: [NewTopic] = []
        let isTooLarge = partitionCount(of: request) > Self.maxPartitionsPerRequest
        let mentions = Dictionary(request.topics.map { ($0.name, 1) }, uniquingKeysWith: +)
        var seen = Set<String>()
        var names = Set<String>()
        for asked in request.topics where seen.insert(asked.name).inserted {
            var answer = CreateTopicsResponse.Topic()
            answer.name = asked.name
            do throws(Refusal) {
                if isTooLarge {
                    throw Refusal(
                        .policyViolation, "one request makes at most \(Self.maxPartitionsPerRequest) partitions")
                }
                if mentions[asked.name] != 1 {
                    throw Refusal(.invalidRequest, "the request names this topic more than once")
                }
                let topic = try newTopic(asked, beside: &names, of: view)
                answer.topicID = topic.id
                answer.partitionCount = Int32(topic.replicas.count)
                answer.replicationFactor = Int16(clamping: topic.replicas.first?.count ?? 0)
                answer.configs = admin?.describeTopic(overrides: topic.configs).map(CreateTopicsResponse.Config.init)
                new.append(topic)
            } catch {
                answer.refuse(error)
            }
            response.topics.append(answer)
        }
        if request.validateOnly { return response }
        do throws(Refusal) { try make(new, at: now, &server, &effects) } catch {
            response.topics = response.topics.map { made in
                guard made.errorCode == .none else { return made }
                var answer = CreateTopicsResponse.Topic()
                answer.name = made.name
                answer.refuse(error)
                return answer
            }
        }
        return response
    }

    /// Makes one of the topics that clients may not make, unless it is there; durable on return.
    ///
    /// - Parameters:
    ///   - partitionCount: at least 1.
    ///   - configs: what the topic sets itself, by the configs' names.
    ///   - view: has the brokers that may hold it.
    /// - Returns: none, or why it could not be made; a line for the operator says more.
    public mutating func makeInternalTopic(
        _ name: String, partitionCount: Int32, configs: [String: String], of view: ClusterView, at now: Instant,
        _ server: inout RequestServer, _ effects: inout Effects
    ) -> ErrorCode {
        guard topics[name] == nil else { return .none }
        do throws(Refusal) {
            if let reason = topics.whyInvalid(name) { throw Refusal(.invalidTopic, reason) }
            try checkConfigs(configs)
            let replicas = try ReplicaPlacement(in: view).place(
                Int(partitionCount), factor: settings.replicationFactor)
            let topic = NewTopic(name: name, id: .random(using: &random), configs: configs, replicas: replicas)
            try make([topic], at: now, &server, &effects)
            return .none
        } catch {
            effects.log(.error, "internal_topic_not_created", ["topic": name, "error": error.reason])
            return error.code
        }
    }

    /// Makes topics, all or none.
    mutating func make(
        _ new: [NewTopic], at now: Instant, _ server: inout RequestServer, _ effects: inout Effects
    ) throws(Refusal) {
        try change(new.flatMap(\.records), orRefuseAt: now, &server, &effects)
        for topic in new {
            effects.log(.info, "topic_created", ["topic": topic.name, "partitions": "\(topic.replicas.count)"])
        }
    }

    /// Changes topics as `change` does; where that fails, says so to the operator and to the client.
    mutating func change(
        _ records: [MetadataRecord], orRefuseAt now: Instant, _ server: inout RequestServer, _ effects: inout Effects
    ) throws(Refusal) {
        do {
            try change(records, at: now, &server, &effects)
        } catch {
            storageFailed(error, &effects)
            throw Refusal(.storageError, error.description)
        }
    }

    private func partitionCount(of request: CreateTopicsRequest) -> Int {
        request.topics.reduce(0) { sum, topic in
            guard topic.assignments.isEmpty else { return sum + topic.assignments.count }
            return sum + (topic.partitionCount == -1 ? settings.partitionCount : max(0, Int(topic.partitionCount)))
        }
    }

    private mutating func newTopic(
        _ asked: CreateTopicsRequest.Topic, beside names: inout Set<String>, of view: ClusterView
    ) throws(Refusal) -> NewTopic {
        try checkNew(asked.name, beside: names)
        let configs = try configs(asked)
        let replicas =
            asked.assignments.isEmpty
            ? try place(asked, of: view) : try assigned(asked, ReplicaPlacement(in: view))
        names.insert(TopicName.collisionKey(asked.name))
        return NewTopic(name: asked.name, id: .random(using: &random), configs: configs, replicas: replicas)
    }

    /// Checks that a client may make a topic of this name, beside those that are there and those with these
    /// collision keys, which are about to be.
    func checkNew(_ name: String, beside keys: Set<String>) throws(Refusal) {
        guard topics[name] == nil else { throw Refusal(.topicAlreadyExists, "there is a topic \(name) already") }
        if let reason = topics.whyInvalid(name) { throw Refusal(.invalidTopic, reason) }
        guard !TopicName.internalNames.contains(name) else {
            throw Refusal(.invalidTopic, "\(name) is internal: brokers make it when they need it")
        }
        guard !keys.contains(TopicName.collisionKey(name)) else {
            throw Refusal(
                .invalidTopic, "another topic of this request differs from \(name) in dots and underscores only")
        }
    }

    private func configs(_ asked: CreateTopicsRequest.Topic) throws(Refusal) -> [String: String] {
        var configs: [String: String] = [:]
        for config in asked.configs {
            guard let value = config.value else {
                throw Refusal(.invalidConfig, "\(config.name) has no value")
            }
            configs[config.name] = value
        }
        try checkConfigs(configs)
        return configs
    }

    private func checkConfigs(_ configs: [String: String]) throws(Refusal) {
        do throws(ConfigError) {
            try TopicConfig(overriding: configs, defaults: topics.defaults).checkTogether()
        } catch {
            throw Refusal(.invalidConfig, error.description)
        }
    }

    private func place(_ asked: CreateTopicsRequest.Topic, of view: ClusterView) throws(Refusal) -> [[Int32]] {
        guard asked.replicationFactor == -1 || asked.replicationFactor > 0 else {
            throw Refusal(
                .invalidReplicationFactor, "a replication factor is at least 1, or -1 for the default")
        }
        guard asked.partitionCount == -1 || asked.partitionCount > 0 else {
            throw Refusal(.invalidPartitions, "a topic has at least 1 partition; -1 is for the default")
        }
        return try ReplicaPlacement(in: view).place(
            asked.partitionCount == -1 ? settings.partitionCount : Int(asked.partitionCount),
            factor: asked.replicationFactor == -1 ? settings.replicationFactor : Int(asked.replicationFactor))
    }

    private func assigned(
        _ asked: CreateTopicsRequest.Topic, _ placement: ReplicaPlacement
    ) throws(Refusal) -> [[Int32]] {
        let given = "with assignments"
        guard asked.replicationFactor == -1 else {
            throw Refusal(.invalidRequest, "\(given) the replication factor must be -1")
        }
        guard asked.partitionCount == -1 else {
            throw Refusal(.invalidRequest, "\(given) the number of partitions must be -1")
        }
        var replicas = [[Int32]?](repeating: nil, count: asked.assignments.count)
        for assignment in asked.assignments {
            let index = Int(assignment.partitionIndex)
            guard replicas.indices.contains(index) else {
                throw Refusal(
                    .invalidReplicaAssignment, "assignments must name the partitions 0, 1, 2, … without a gap")
            }
            guard replicas[index] == nil else {
                throw Refusal(
                    .invalidReplicaAssignment, "partition \(index) is assigned twice")
            }
            try placement.check(assignment.brokerIDs, factor: asked.assignments.first?.brokerIDs.count)
            replicas[index] = assignment.brokerIDs
        }
        return replicas.compactMap { $0 }
    }
}

extension CreateTopicsResponse.Config {
    fileprivate init(_ config: DescribeConfigsResponse.Config) {
        self.init()
        (name, value, configSource) = (config.name, config.value, config.configSource)
        (isReadOnly, isSensitive) = (config.isReadOnly, config.isSensitive)
    }
}
