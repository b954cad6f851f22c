/// What a client knows of its cluster: brokers, and the leaders of the partitions that it follows.
public struct Cluster: Sendable {
    /// Where a partition is led.
    public struct Partition: Equatable, Sendable {
        /// The leader's id; -1 while there is none.
        public var leader: Int32
        /// How many leaders there were before it; -1 where the broker does not say.
        public var leaderEpoch: Int32
    }

    /// A topic's partitions by index, or why it cannot be used.
    public enum Topic: Equatable, Sendable {
        /// The topic can be used.
        case partitions([Partition])
        /// The topic cannot be used, at least for the moment.
        case unusable(ErrorCode)
    }

    /// The cluster's id.
    public private(set) var id: String?
    /// The broker that takes requests for the controller; nil while none is known.
    public private(set) var controllerID: Int32?
    /// Where each broker listens, by its id.
    public private(set) var brokers: [Int32: SocketAddress] = [:]
    /// Topics that were asked for.
    public private(set) var topics: [String: Topic] = [:]
    /// The ids of topics that can be used (KIP-516); none from a broker that has no ids.
    public private(set) var topicIDs: [String: Uuid] = [:]
    /// Grows whenever something here has changed.
    public private(set) var revision = 0

    /// The broker ids in ascending order.
    public var brokerIDs: [Int32] { brokers.keys.sorted() }

    /// The partition of a topic; nil where either is not known.
    public subscript(topic: String, partition: Int32) -> Partition? {
        guard case .partitions(let list)? = topics[topic], partition >= 0, partition < list.count else { return nil }
        return list[Int(partition)]
    }

    /// How many partitions a topic has; nil while it is not known.
    public func partitionCount(of topic: String) -> Int? {
        guard case .partitions(let list)? = topics[topic], !list.isEmpty else { return nil }
        return list.count
    }

    /// Takes in a broker's answer, which was in `version`.
    mutating func update(with response: MetadataResponse, version: Int16) {
        revision += 1
        id = response.clusterID ?? id
        controllerID = response.controllerID >= 0 ? response.controllerID : nil
        if !response.brokers.isEmpty {
            brokers = [:]
            for broker in response.brokers {
                guard let port = UInt16(exactly: broker.port) else { continue }
                brokers[broker.nodeID] = SocketAddress(host: broker.host, port: port)
            }
        }
        for topic in response.topics {
            guard let name = topic.name else { continue }
            // Before version 9 a broker may tell of an epoch that is not the leader's (KAFKA-9212).
            topics[name] = updated(name, with: topic, hasEpochs: version >= 9)
            topicIDs[name] = topic.errorCode == .none && topic.topicID != .zero ? topic.topicID : nil
        }
    }

    private func updated(_ name: String, with topic: MetadataResponse.Topic, hasEpochs: Bool) -> Topic {
        guard topic.errorCode == .none else { return .unusable(topic.errorCode) }
        // A topic that was deleted and created again begins with new epochs.
        let isSame = topic.topicID == .zero || topicIDs[name] == nil || topicIDs[name] == topic.topicID
        var partitions: [Partition] = []
        for partition in topic.partitions.sorted(by: { $0.index < $1.index }) {
            // A gap would give partitions the wrong numbers; a broker has none.
            guard Int(partition.index) == partitions.count else { return .unusable(.unknownServerError) }
            var next = Partition(leader: partition.leaderID, leaderEpoch: hasEpochs ? partition.leaderEpoch : -1)
            // KIP-320: a broker that lags behind may tell of an older leader than the one known.
            if isSame, next.leaderEpoch >= 0, let known = self[name, partition.index],
                known.leaderEpoch > next.leaderEpoch
            {
                next = known
            }
            partitions.append(next)
        }
        return partitions.isEmpty ? .unusable(.leaderNotAvailable) : .partitions(partitions)
    }

    /// Takes in what an answer said about a partition's leader (KIP-951). False where it says nothing new.
    mutating func update(_ topic: String, _ index: Int32, with leader: LeaderIDAndEpoch) -> Bool {
        guard leader.leaderID >= 0, brokers[leader.leaderID] != nil, let known = self[topic, index],
            leader.leaderEpoch > known.leaderEpoch, case .partitions(var list)? = topics[topic]
        else { return false }
        list[Int(index)] = Partition(leader: leader.leaderID, leaderEpoch: leader.leaderEpoch)
        topics[topic] = .partitions(list)
        revision += 1
        return true
    }
}
