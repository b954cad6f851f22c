import WireProtocol

/// A group's members, topics and partitions by number, so that an assignment is a matter of arrays.
///
/// Members are numbered as they are handed in, partitions topic by topic: those of topic `t` are
/// `first[t]..<first[t + 1]`. A topic that nobody wants, or that does not exist, is not in it.
struct PartitionTable<Topic: Hashable> {
    /// The topics that exist and that somebody wants, ascending.
    let topics: [Topic]
    /// By topic, the number of its first partition; and at the end, how many partitions there are.
    let first: [Int]
    /// By topic, the members that want it, ascending.
    let subscribers: [[Int]]
    /// How many members there are.
    let memberCount: Int
    private let numbers: [Topic: Int]

    /// A table of members that each want the topics of `subscriptions`, in any order, repeats and unknown ones included.
    init(
        subscriptions: [[Topic]], partitionCounts: [Topic: Int32], by areInIncreasingOrder: (Topic, Topic) -> Bool
    ) {
        let wanted = Set(subscriptions.joined()).filter { partitionCounts[$0, default: 0] > 0 }
        topics = wanted.sorted(by: areInIncreasingOrder)
        var numbers: [Topic: Int] = [:]
        var first = [0]
        for topic in topics {
            numbers[topic] = numbers.count
            first.append((first.last ?? 0) + Int(partitionCounts[topic, default: 0]))
        }
        var subscribers = [[Int]](repeating: [], count: topics.count)
        for (member, subscription) in subscriptions.enumerated() {
            for case let topic? in subscription.map({ numbers[$0] }) where subscribers[topic].last != member {
                subscribers[topic].append(member)
            }
        }
        self.numbers = numbers
        self.first = first
        self.subscribers = subscribers
        memberCount = subscriptions.count
    }

    /// How many partitions there are.
    var partitionCount: Int { first.last ?? 0 }

    /// The number of a topic, and of a partition of it; nil where either is not in the table.
    func find(_ topic: Topic, _ partition: Int32) -> (topic: Int, partition: Int)? {
        guard let topic = numbers[topic], partition >= 0, first[topic] + Int(partition) < first[topic + 1] else {
            return nil
        }
        return (topic, first[topic] + Int(partition))
    }

    /// Whether `member` wants a topic.
    func isSubscribed(_ member: Int, to topic: Int) -> Bool {
        let index = firstSubscriber(of: topic, from: member)
        return index < subscribers[topic].count && subscribers[topic][index] == member
    }

    /// Where in the subscribers of a topic `member` is, or who comes after it; their count where nobody does.
    func firstSubscriber(of topic: Int, from member: Int) -> Int {
        var range = 0..<subscribers[topic].count
        while !range.isEmpty {
            let middle = (range.lowerBound + range.upperBound) / 2
            range = subscribers[topic][middle] < member ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }

    /// By member, what `owners` gives it by partition: topics and partitions ascending.
    func byMember(_ owners: [Int?]) -> [[(topic: Topic, partitions: [Int32])]] {
        var result = [[(topic: Topic, partitions: [Int32])]](repeating: [], count: memberCount)
        for (number, topic) in topics.enumerated() {
            for partition in first[number]..<first[number + 1] {
                guard let owner = owners[partition] else { continue }
                if result[owner].last?.topic != topic { result[owner].append((topic, [])) }
                result[owner][result[owner].count - 1].partitions.append(Int32(partition - first[number]))
            }
        }
        return result
    }
}

extension PartitionTable<String> {
    /// The table of a classic group.
    init(_ members: [GroupSubscriber], _ partitionCounts: [String: Int32]) {
        self.init(subscriptions: members.map(\.subscription.topics), partitionCounts: partitionCounts, by: <)
    }

    /// By id of `members`, the partitions that `owners` gives each.
    func assignments(of members: [GroupSubscriber], _ owners: [Int?]) -> [String: [ConsumerProtocolTopicPartitions]] {
        var result: [String: [ConsumerProtocolTopicPartitions]] = [:]
        for (member, owned) in zip(members, byMember(owners)) {
            result[member.memberID] = owned.map { topic, partitions in
                var entry = ConsumerProtocolTopicPartitions()
                entry.topic = topic
                entry.partitions = partitions
                return entry
            }
        }
        return result
    }
}

extension PartitionTable<Uuid> {
    /// The table of a group of KIP-848.
    init(_ members: [TargetAssignmentInput.Member], _ partitionCounts: [Uuid: Int32]) {
        self.init(subscriptions: members.map(\.subscribed), partitionCounts: partitionCounts) {
            ($0.high, $0.low) < ($1.high, $1.low)
        }
    }

    /// By id of `members`, the partitions that `owners` gives each. Of most members the target stays, which is then not
    /// made anew.
    func targets(of members: [TargetAssignmentInput.Member], _ owners: [Int?]) -> [String: [Uuid: [Int32]]] {
        var result: [String: [Uuid: [Int32]]] = [:]
        result.reserveCapacity(members.count)
        for (member, owned) in zip(members, byMember(owners)) {
            if owned.count == member.target.count, owned.allSatisfy({ member.target[$0.topic] == $0.partitions }) {
                result[member.memberID] = member.target
                continue
            }
            var target: [Uuid: [Int32]] = [:]
            for (topic, partitions) in owned { target[topic] = partitions }
            result[member.memberID] = target
        }
        return result
    }
}
