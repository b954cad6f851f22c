import WireProtocol

/// A partition by its topic's id.
struct TopicIDPartition: Hashable, Comparable, Sendable {
    var topicID: Uuid
    var partition: Int32

    static func < (left: TopicIDPartition, right: TopicIDPartition) -> Bool {
        (left.topicID.high, left.topicID.low, left.partition) < (right.topicID.high, right.topicID.low, right.partition)
    }

    /// Partitions that were listed by topic.
    static func all(_ byTopic: [Uuid: [Int32]]) -> Set<TopicIDPartition> {
        var all: Set<TopicIDPartition> = []
        for (topicID, partitions) in byTopic {
            for partition in partitions { all.insert(TopicIDPartition(topicID: topicID, partition: partition)) }
        }
        return all
    }
}

extension Sequence<TopicIDPartition> {
    /// The partitions by topic, topics and partitions ascending.
    var byTopic: [(topicID: Uuid, partitions: [Int32])] {
        var topics: [(topicID: Uuid, partitions: [Int32])] = []
        for entry in sorted() {
            if topics.last?.topicID == entry.topicID {
                topics[topics.count - 1].partitions.append(entry.partition)
            } else {
                topics.append((entry.topicID, [entry.partition]))
            }
        }
        return topics
    }
}
