import SegmentLog
import TopicsPartitions
import WireProtocol

@testable import ConsumerGroups

/// A consumer group with its log, its clock, and a cluster of topics.
struct ConsumerGroupWorld {
    var group: ConsumerGroup
    var settings: GroupSettings
    var topics = MetadataImage()
    var now = Instant(nanoseconds: 0)
    var random: SplitMix64
    /// All that was written.
    var log: [GroupRecord] = []
    /// What the last step wrote.
    var written: [GroupRecord] = []
    /// When the group asked to be told the time.
    var deadline: Instant?
    private var waiters: UInt64 = 0
    private var topicIDs: UInt64 = 0

    init(seed: UInt64 = 1, settings: GroupSettings = GroupSettings()) {
        self.settings = settings
        group = ConsumerGroup(id: "g", settings: settings)
        random = SplitMix64(seed: seed)
    }

    // MARK: Steps

    mutating func heartbeat(
        _ request: ConsumerGroupHeartbeatRequest, version: Int16 = 1
    ) -> ConsumerGroupHeartbeatResponse {
        waiters += 1
        let waiter = GroupWaiter(waiters)
        var actions = GroupActions()
        group.heartbeat(
            request, version: version, from: GroupClient(id: "c", host: "/h"), waiter: waiter, topics: topics, at: now,
            random: &random, &actions)
        guard actions.answers.count == 1, actions.answers[0].waiter == waiter,
            case .consumerHeartbeat(let response) = actions.answers[0].answer
        else { preconditionFailure("a heartbeat has one answer") }
        take(actions)
        return response
    }

    mutating func expire() {
        var actions = GroupActions()
        group.expire(at: now, topics: topics, &actions)
        take(actions)
    }

    mutating func pass(milliseconds: Int64) {
        now = now.advanced(byMilliseconds: milliseconds)
        expire()
    }

    mutating func topicsChanged() {
        var actions = GroupActions()
        group.topicsChanged(topics, &actions)
        take(actions)
    }

    /// The coordinator starts again, and reads its log.
    mutating func restart() throws {
        group = try replayed(log)
        var actions = GroupActions()
        group.loaded(at: now, &actions)
        group.topicsChanged(topics, &actions)
        take(actions)
    }

    func replayed(_ records: [GroupRecord]) throws -> ConsumerGroup {
        var group = ConsumerGroup(id: "g", settings: settings)
        for record in records { try group.replay(record) }
        var actions = GroupActions()
        group.loaded(at: now, &actions)
        return group
    }

    private mutating func take(_ actions: GroupActions) {
        written = actions.records
        log += actions.records
        deadline = actions.deadline
    }

    // MARK: Topics

    /// Makes a topic, or adds partitions to it.
    @discardableResult
    mutating func grow(_ name: String, to count: Int32) throws -> Uuid {
        topicIDs += 1
        let id = topics.topics[name]?.id ?? Uuid(high: 7, low: topicIDs)
        if topics.topics[name] == nil { try topics.apply(.topic(TopicRecord(name: name, topicID: id))) }
        let old = Int32(topics.topics[name]?.partitions.count ?? 0)
        for index in old..<max(count, old, 1) {
            try topics.apply(.partition(PartitionRecord(index: index, topicID: id, replicas: [1])))
        }
        return id
    }

    mutating func delete(_ name: String) throws {
        guard let id = topics.topics[name]?.id else { return }
        try topics.apply(.removeTopic(RemoveTopicRecord(topicID: id)))
    }
}

extension ConsumerGroupHeartbeatRequest {
    /// A member joins.
    static func join(_ id: String, _ names: [String]? = ["t"], regex: String? = nil, instance: String? = nil) -> Self {
        var request = Self.member(id, epoch: 0, owning: [])
        request.subscribedTopicNames = names
        request.subscribedTopicRegex = regex
        request.instanceID = instance
        request.rebalanceTimeoutMilliseconds = 60_000
        return request
    }

    /// A member goes on, or leaves.
    static func member(_ id: String, epoch: Int32, owning: Set<TopicIDPartition>? = nil, instance: String? = nil)
        -> Self
    {
        var request = Self()
        request.groupID = "g"
        request.memberID = id
        request.memberEpoch = epoch
        request.instanceID = instance
        request.topicPartitions = owning?.byTopic.map { topicID, partitions in
            var topic = TopicPartitions()
            topic.topicID = topicID
            topic.partitions = partitions
            return topic
        }
        return request
    }
}

extension ConsumerGroupHeartbeatResponse {
    /// The partitions that it assigns; nil where it says nothing.
    var assigned: Set<TopicIDPartition>? {
        assignment.map { assignment in
            var all: Set<TopicIDPartition> = []
            for topic in assignment.topicPartitions {
                for partition in topic.partitions { all.insert(.init(topicID: topic.topicID, partition: partition)) }
            }
            return all
        }
    }
}

/// Partitions of one topic.
func partitions(_ topicID: Uuid, _ numbers: Int32...) -> Set<TopicIDPartition> {
    Set(numbers.map { TopicIDPartition(topicID: topicID, partition: $0) })
}

/// All of a group that its log has to bring back.
struct DurableGroup: Equatable {
    var epochs: [Int32]
    var metadataHash: Int64
    var metadata: [String: ConsumerGroupMemberMetadataValue]
    var assignments: [String: MemberAssignment]
    var targets: [String: [Uuid: [Int32]]]
    var expressions: [String: [String]]
    var memberCounts: [String: Int]
    var owners: [TopicIDPartition: String]
    var instances: [String: String]
    var subscribers: [String: Int]

    init(_ group: ConsumerGroup) {
        epochs = [group.epoch, group.assignmentEpoch]
        metadataHash = group.metadataHash
        metadata = group.members.mapValues(\.metadata)
        assignments = group.members.mapValues(\.assignment)
        targets = group.targets
        expressions = group.expressions.mapValues(\.topics)
        memberCounts = group.expressions.mapValues(\.memberCount)
        owners = group.owners
        instances = group.instances
        subscribers = group.subscribers
    }
}
