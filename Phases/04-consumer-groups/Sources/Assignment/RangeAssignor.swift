import SegmentLog
import WireProtocol

/// `range`: each topic by itself, in ranges, the first members getting one more where it does not divide evenly.
///
/// Topics with the same number of partitions and the same subscribers are cut alike: a member has the same partitions
/// of each, as joins want it. Static members come first, by instance id, so that a restart does not move anything
/// (KIP-345).
public struct RangeAssignor: ConsumerPartitionAssignor {
    /// `range`
    public let name = "range"

    /// The assignor.
    public init() {}

    /// Who gets what.
    public func assign(
        _ members: [GroupSubscriber], partitionCounts: [String: Int32]
    ) -> [String: [ConsumerProtocolTopicPartitions]] {
        let members = members.sorted { isBefore(($0.instanceID, $0.memberID), ($1.instanceID, $1.memberID)) }
        let table = PartitionTable(members, partitionCounts)
        return table.assignments(of: members, table.ranges())
    }
}

/// `range` on the broker: the same ranges (KIP-848). What members have does not count, as in Kafka.
public struct ServerRangeAssignor: ServerAssignor {
    /// `range`
    public let name = "range"

    /// The assignor.
    public init() {}

    /// The new target.
    public func assign(_ input: TargetAssignmentInput) -> [String: [Uuid: [Int32]]] {
        let members = input.members.sorted { isBefore(($0.instanceID, $0.memberID), ($1.instanceID, $1.memberID)) }
        let table = PartitionTable(members, input.partitionCounts)
        return table.targets(of: members, table.ranges())
    }
}

/// `roundrobin`: all partitions of all topics in order, one for each member in turn; who does not want the topic is
/// passed over. Static members come first, by instance id (KIP-345).
public struct RoundRobinAssignor: ConsumerPartitionAssignor {
    /// `roundrobin`
    public let name = "roundrobin"

    /// The assignor.
    public init() {}

    /// Who gets what.
    public func assign(
        _ members: [GroupSubscriber], partitionCounts: [String: Int32]
    ) -> [String: [ConsumerProtocolTopicPartitions]] {
        let members = members.sorted { isBefore(($0.instanceID, $0.memberID), ($1.instanceID, $1.memberID)) }
        let table = PartitionTable(members, partitionCounts)
        var owners: [Int?] = []
        var next = 0
        for topic in table.topics.indices {
            let subscribers = table.subscribers[topic]
            for _ in table.first[topic]..<table.first[topic + 1] {
                let index = table.firstSubscriber(of: topic, from: next)
                let owner = subscribers[index < subscribers.count ? index : 0]
                owners.append(owner)
                next = owner + 1
            }
        }
        return table.assignments(of: members, owners)
    }
}

extension PartitionTable {
    /// By partition, its owner when each topic is cut into ranges for its subscribers.
    fileprivate func ranges() -> [Int?] {
        var owners: [Int?] = []
        for topic in topics.indices {
            let count = first[topic + 1] - first[topic]
            let (share, extra) = count.quotientAndRemainder(dividingBy: subscribers[topic].count)
            for (index, member) in subscribers[topic].enumerated() {
                owners += repeatElement(member as Int?, count: share + (index < extra ? 1 : 0))
            }
        }
        return owners
    }
}

/// Kafka's order of members: static ones first, by instance id; the others by member id.
private func isBefore(_ left: (instance: String?, member: String), _ right: (instance: String?, member: String)) -> Bool
{
    switch (left.instance, right.instance) {
    case (let left?, let right?): left < right
    case (nil, nil): left.member < right.member
    case (let instance, _): instance != nil
    }
}
